"""Packets through the balancer: modes, families, protocols, topologies, empty VIPs."""
import socket

import pytest
import udp_echo
from conftest import VIP4, VIP6
from rig import Decap, Musterd, Nginx, backend_host, wait_for


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("mode", ["ipip", "l2dsr"])
def test_tcp(net, musterd, mode, family):
    musterd.manifest("web", net.vip(mode=mode, family=family))
    musterd.start()
    musterd.wait_usable("web", 3)
    address = VIP4 if family == 4 else VIP6
    answers = net.fetch_from_all(address)
    assert set(answers) == set(net.hosts), "every backend is used and nothing fails"
    rows = {row["name"]: row for row in musterd.json("backend", "list", "web")["backends"]}
    for name in net.hosts:
        assert rows[name]["new_flows"] == answers.count(name), "SYNs are counted per backend"
        assert rows[name]["packets"] > 3 * rows[name]["new_flows"]
    vip = musterd.json("vip", "show", "web")
    assert vip["new_flows"] == len(answers)
    assert musterd.json("status")["interfaces"][0]["mode"] == "native"


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("mode", ["ipip", "l2dsr"])
def test_udp(net, musterd, mode, family):
    address = VIP4 if family == 4 else VIP6
    text = net.vip(mode=mode, family=family, check="type: http, path: /health, port: 80",
                   extra="protocol: udp\n").replace("ports: [80]", "ports: [5353]")
    musterd.manifest("web", text)
    with udp_echo.serving(net.hosts, address, 5353):
        musterd.start()
        musterd.wait_usable("web", 3)
        seen = set()
        for _ in range(40):
            flow = udp_echo.Flow(net.client, address, 5353)
            seen |= {(flow.port, flow.ask(word)) for word in (b"one", b"two")}
            flow.close()
    by_port = [port for port, _ in seen]
    assert len(by_port) == len(set(by_port)), "both datagrams of a flow reach one backend"
    assert {name for _, name in seen} == set(net.hosts)


def test_ping(net, web):
    for address in (VIP4,):
        result = net.client.run("ping", "-c", 3, "-i", 0.2, "-W", 2, address)
        assert " 0% packet loss" in result.stdout
    reasons = {r["name"]: r["packets"] for r in web.json("status")["reasons"]}
    assert reasons["echo_reply"] == 3


def test_empty_rejects_at_once(net, musterd):
    musterd.manifest("web", net.vip(b1={"state": "disabled"}, b2={"state": "disabled"}, b3={"state": "disabled"}))
    musterd.start()
    assert net.fetch(timeout=2) == "refused"
    assert musterd.cli("status", "--ready", "web", check=False).returncode == 1


def test_empty_udp_rejects(net, musterd):
    text = net.vip(extra="protocol: udp\n", b1={"state": "disabled"}, b2={"state": "disabled"},
                   b3={"state": "disabled"}).replace("ports: [80]", "ports: [5353]")
    musterd.manifest("web", text.replace("path: /health", "path: /health, port: 80"))
    musterd.start()
    with net.client.entered():
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(2)
    client.connect((VIP4, 5353))
    client.send(b"x")
    with pytest.raises(ConnectionRefusedError):
        client.recv(10)


def test_empty_drops(net, musterd):
    musterd.manifest("web", net.vip(extra="on_empty: drop\n", b1={"state": "disabled"}, b2={"state": "disabled"},
                                    b3={"state": "disabled"}))
    musterd.start()
    assert net.fetch(timeout=0.5) == "timeout"
    reasons = {r["name"]: r["packets"] for r in musterd.json("status")["reasons"]}
    assert reasons["empty_drop"] > 0 and reasons["empty_reject"] == 0


def test_behind_a_router_and_over_two_interfaces(rig, net, musterd):
    """lb has a second NIC into another network whose router leads to the backend."""
    lb = net.lb
    router, far = rig.hosts.get("router") or rig.add_host("router", 250), None
    far = rig.hosts.get("far") or backend_host(rig, "far", 240, (VIP4, VIP6))
    lb.run("ip", "link", "add", "eth1", "type", "veth", "peer", "name", "lbside", "netns", router.netns)
    router.run("ip", "link", "set", "dev", "lbside", "xdp", "obj", f"{rig_build()}/tests/pass.bpf.o", "sec", "xdp")
    for host, dev, address in ((lb, "eth1", "198.19.0.1/24"), (router, "lbside", "198.19.0.254/24")):
        host.run("ip", "addr", "add", address, "dev", dev)
        host.run("ip", "link", "set", dev, "up")
        host.run("ethtool", "-K", dev, "tx", "off", check=False)
    router.run("ip", "link", "add", "farside", "type", "veth", "peer", "name", "eth1", "netns", far.netns)
    router.run("ip", "addr", "add", "198.19.1.254/24", "dev", "farside")
    router.run("ip", "link", "set", "farside", "up")
    router.sysctl("ipv4.ip_forward", 1)
    far.run("ip", "addr", "add", "198.19.1.10/24", "dev", "eth1")
    far.run("ip", "link", "set", "eth1", "up")
    far.run("ip", "route", "add", "198.19.0.0/24", "via", "198.19.1.254")
    far.sysctl("ipv4.conf.eth1.rp_filter", 0)
    lb.run("ip", "route", "add", "198.19.1.0/24", "via", "198.19.0.254")
    far.iface = "eth1"
    Decap(far, VIP4)
    nginx = Nginx(far)
    try:
        daemon = Musterd(lb, interfaces=("eth0", "eth1"))
        daemon.manifest("web", f'apiVersion: muster/v1\nkind: Vip\nname: web\naddresses: ["{VIP4}"]\nports: [80]\n'
                               "mode: ipip\nbackends:\n  - {name: far, address: 198.19.1.10}\n")
        daemon.start()
        daemon.wait_usable("web", 1)
        assert [net.fetch() for _ in range(4)] == ["far"] * 4
        row = daemon.json("backend", "show", "web/far")
        assert row["via"].startswith("eth1 ")
        router_mac = [line for line in router.run("ip", "-o", "link", "show", "lbside").stdout.split()
                      if line.count(":") == 5][0]
        assert row["via"].endswith(router_mac), "the frame goes to the router's MAC address"
        daemon.cli("teardown")
        daemon.process.wait(10)
    finally:
        nginx.kill()
        lb.run("ip", "link", "del", "eth1")


def rig_build():
    from rig import BUILD
    return BUILD


def test_generic_mode_is_named(net, musterd):
    musterd.config.write_text(musterd.config.read_text() + "xdp: generic\n")
    musterd.manifest("web", net.vip())
    musterd.start()
    musterd.wait_usable("web", 3)
    assert musterd.json("status")["interfaces"][0]["mode"] == "generic"
    assert "generic" in musterd.cli("status").stdout
    assert set(net.fetch_from_all()) == set(net.hosts)


def test_odd_packets_are_counted(net, web):
    """What cannot be placed is dropped under its own name, not passed."""
    script = f"""
from scapy.all import *
conf.verb = 0
e = Ether(dst="{net.lb.mac()}", src="{net.client.mac()}")
ip = dict(src="{net.client.v4}", dst="{VIP4}")
p = [e/IP(**ip, frag=100)/("x"*64),
     e/IP(**ip, options=IPOption(b"\\x83\\x03\\x04\\x00"))/TCP(dport=80),
     e/IP(**ip)/ICMP(type=3, code=4)/IP(src="{net.lb.v4}", dst="{net.client.v4}")/TCP(),
     e/IP(**ip, proto=132)/("x"*32)]
for x in p:
    sendp(x, iface="eth0")
"""
    net.client.run("/usr/bin/python3", "-c", script)

    def counted():
        reasons = {r["name"]: r["packets"] for r in web.json("status")["reasons"]}
        return all(reasons[name] for name in ("fragment", "ip_options", "icmp_error", "unknown_protocol"))
    wait_for(counted, "all four reasons")
