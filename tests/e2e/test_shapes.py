"""Packets of unusual shape, with real sockets at both ends: fragments, jumbo frames, families across."""
import contextlib
import ipaddress
import re
import socket
import subprocess
import threading

import pytest
from conftest import VIP4, VIP6, VIPS
from rig import Decap

DATAGRAM = bytes(range(256)) * 30  # 7,680 bytes


class Echo:
    """A UDP server on every backend that sends back what it got, from the VIP it came to."""

    def __init__(self, net, address, port):
        self.stop, self.threads = threading.Event(), []
        for host in net.hosts.values():
            with host.entered():
                sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
            sock.bind((address, port))
            sock.settimeout(0.1)
            self.threads.append(threading.Thread(target=self._serve, args=(sock,)))
            self.threads[-1].start()

    def _serve(self, sock):
        with sock:
            while not self.stop.is_set():
                with contextlib.suppress(socket.timeout):
                    data, peer = sock.recvfrom(65535)
                    sock.sendto(data, peer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()


def exchange(host, address, port, data):
    """True if the datagram, which may be fragmented, comes back whole."""
    kind = socket.AF_INET6 if ":" in address else socket.AF_INET
    with host.entered():
        sock = socket.socket(kind, socket.SOCK_DGRAM)
    with sock:
        level, option = (socket.IPPROTO_IPV6, 23) if ":" in address else (socket.IPPROTO_IP, 10)
        sock.setsockopt(level, option, 0)  # IP_MTU_DISCOVER, IP_PMTUDISC_DONT: DF is clear
        sock.settimeout(3)
        sock.connect((address, port))
        sock.send(data)
        return sock.recv(65535) == data


def udp_vip(net, mode, family, outer):
    text = net.vip(mode=mode, family=outer, address=VIP4 if family == 4 else VIP6, extra="protocol: udp\n",
                   check="type: http, path: /health, port: 80, interval: 500ms")
    return text.replace("ports: [80]", "ports: [5353]")


def reasons(musterd):
    return {row["name"]: row["packets"] for row in musterd.json("status")["reasons"]}


@pytest.fixture
def roomy(net):
    """The way from the balancer to the backends has room for outer headers around full packets."""
    inner = [net.lb, *net.hosts.values()]
    net.rig.set_mtu(1600, *inner)
    for host in net.hosts.values():  # answers are for a network of 1,500
        host.run("ip", "route", "replace", f"{net.client.v4}/32", "dev", "eth0", "mtu", "1500")
        host.run("ip", "-6", "route", "replace", f"{net.client.v6}/128", "dev", "eth0", "mtu", "1500")
    yield
    net.rig.set_mtu(1500, *inner)


@pytest.mark.parametrize("mode, family, outer", [("l2dsr", 4, 4), ("l2dsr", 6, 6), ("ipip", 4, 4), ("ipip", 6, 4),
                                                 ("gue", 4, 6), ("gue", 6, 6)])
def test_fragments_arrive_together(net, musterd, roomy, mode, family, outer):
    address = VIP4 if family == 4 else VIP6
    musterd.manifest("web", udp_vip(net, mode, family, outer))
    musterd.start()
    musterd.wait_usable("web", 3)
    with Echo(net, address, 5353):
        for _ in range(8):  # eight flows, to all backends
            assert exchange(net.client, address, 5353, DATAGRAM)
    after = reasons(musterd)
    assert after[f"sent_{mode}"] >= 8 * 6, "each fragment was sent on"
    assert after["fragment"] == 0


def test_fragments_that_do_not_fit_are_named(net, musterd):
    """Full packets without DF have no room for an outer header: dropped, counted, and nobody is told."""
    musterd.manifest("web", udp_vip(net, "ipip", 4, 4))
    musterd.start()
    musterd.wait_usable("web", 3)
    with Echo(net, VIP4, 5353), pytest.raises(socket.timeout):
        exchange(net.client, VIP4, 5353, DATAGRAM)
    assert reasons(musterd)["too_big_no_df"] >= 5


@contextlib.contextmanager
def without_decap(net):
    """Its program is what allows an MTU or not."""
    for decap in net.decaps.values():
        decap.stop()
    yield
    for name, host in net.hosts.items():
        net.decaps[name] = Decap(host, *VIPS)


@pytest.fixture
def jumbo(net):
    hosts = [net.client, net.lb, *net.hosts.values()]
    with without_decap(net):
        net.rig.set_mtu(9000, *hosts)
    yield
    with without_decap(net):
        net.rig.set_mtu(1500, *hosts)


@pytest.mark.parametrize("mode", ["l2dsr", "ipip", "gue"])
def test_jumbo_frames(net, musterd, jumbo, mode):
    """A frame that takes two pages is one frame, in the builds that the MTU asks for, here and on the backend."""
    musterd.manifest("web", udp_vip(net, mode, 4, 4))
    musterd.start()
    musterd.wait_usable("web", 3)
    assert musterd.events("attached")[-1]["frames"] == "pieces"
    assert musterd.json("status")["interfaces"][0]["mode"] == "native"
    with Echo(net, VIP4, 5353):
        for _ in range(6):
            assert exchange(net.client, VIP4, 5353, DATAGRAM)
    after = reasons(musterd)
    assert after[f"sent_{mode}"] == 6, "one frame each"


def test_build_follows_the_mtu_over_a_restart(net, musterd, jumbo):
    musterd.manifest("web", net.vip(mode="l2dsr"))
    musterd.start()
    musterd.kill()
    net.rig.set_mtu(1500, net.lb)
    mark = musterd.mark()
    musterd.start()
    assert musterd.wait_event("attached", since=mark)["frames"] == "whole"
    ids = set(re.findall(r"prog/xdp id (\d+)", net.lb.run("ip", "link", "show", "eth0").stdout))
    pinned = [path.name for path in (musterd.pins / "muster").iterdir() if path.name.startswith("programs_")]
    assert f"programs_{ids.pop()}" in pinned and len(pinned) == 2, "the old program's tail calls are gone, ours stay"


@pytest.mark.parametrize("family, outer", [(4, 6), (6, 4)])
@pytest.mark.parametrize("mode", ["ipip", "gue"])
def test_tcp_across_families(net, musterd, mode, family, outer):
    address = VIP4 if family == 4 else VIP6
    musterd.manifest("web", net.vip(mode=mode, family=outer, address=address))
    musterd.start()
    musterd.wait_usable("web", 3)
    assert set(net.fetch_from_all(address)) == set(net.hosts)
    assert reasons(musterd)[f"sent_{mode}"] > 24


def test_outer_sources_spread(net, musterd):
    """`outer_source`: each flow from an address of its own."""
    musterd.config.write_text(musterd.config.read_text() + "outer_source: [198.19.64.0/18]\n")
    musterd.manifest("web", net.vip(b2={"state": "disabled"}, b3={"state": "disabled"}))
    musterd.start()
    musterd.wait_usable("web", 1)
    script = ("from scapy.all import *\n"
              "sniff(iface='eth0', timeout=4, started_callback=lambda: print('ready', flush=True),"
              " lfilter=lambda p: IP in p and p[IP].proto == 4, prn=lambda p: print(p[IP].src, flush=True) or None)")
    with without_decap(net):  # so that the outer header is still there
        process = net.hosts["b1"].popen("/usr/bin/python3", "-c", script, stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "ready\n"
        for _ in range(20):
            net.fetch(timeout=0.2)
        seen = set(process.communicate(timeout=20)[0].split())
    assert len(seen) > 5
    assert all(ipaddress.ip_address(address) in ipaddress.ip_network("198.19.64.0/18") for address in seen)


def test_decap_says_what_it_did(net, musterd):
    musterd.manifest("web", net.vip(mode="gue"))
    musterd.start()
    musterd.wait_usable("web", 3)
    with without_decap(net):
        pass
    assert net.fetch() in net.hosts
    said = "".join(decap.stop() for decap in net.decaps.values())
    for name, host in net.hosts.items():
        net.decaps[name] = Decap(host, *VIPS)
    assert re.fullmatch(r"gue +\d+  GUE or FOU, stripped\n", said), said
