"""musterd and the prober die, hang, restart; the interface is taken away."""
import os
import re
import shutil
import signal
import socket
import subprocess

import pytest
from conftest import VIP4
from rig import BUILD, ROOT, Load, run, wait_for


def test_kill_and_restart_lose_nothing(net, web):
    load = Load(net.client, 300, [f"{VIP4}:80"])
    wait_for(lambda: len(load.rows) > 100, "load runs")
    before = net.client.tcp_retransmits()
    generation = web.json("status")["generation"]
    web.kill()
    wait_for(lambda: len(load.rows) > 400, "forwarding without musterd")
    mark = web.mark()
    web.start()
    assert web.wait_event("adopted", since=mark)["generation"] == str(generation)
    wait_for(lambda: len(load.rows) > 700, "forwarding after the restart")
    rows = load.stop()
    assert not [r for r in rows if r[4] != "ok"]
    assert net.client.tcp_retransmits() == before, "no packet was lost"
    assert web.json("status")["generation"] == generation, "the same content: nothing to flip"


def test_mapping_survives_a_restart(net, web):
    ports = [f"{VIP4}:80"]
    first = Load(net.client, 500, ports, 30000, 100)
    wait_for(lambda: len(first.rows) >= 100, "first round")
    web.kill()
    web.start()
    second = Load(net.client, 500, ports, 30000, 100)
    wait_for(lambda: len(second.rows) >= 100, "second round")
    before, after = ({r[2]: r[5] for r in load.stop()} for load in (first, second))
    assert before == after, "every source port still has its backend"


def test_health_survives_a_restart_as_bits(net, web):
    mark = web.mark()
    net.nginx["b1"].kill()
    web.wait_event("health", since=mark, backend="web/b1", to="unreachable")
    web.kill()
    web.start()
    assert "b1" not in {net.fetch() for _ in range(16)}


def test_sigterm_leaves_forwarding(net, web):
    assert web.terminate() == 0
    assert set(net.fetch_from_all()) == set(net.hosts)
    web.start()


def test_prober_killed_keeps_health(net, web):
    mark = web.mark()
    pid = web.json("status")["prober_pid"]
    os.kill(pid, signal.SIGKILL)
    web.wait_event("prober_started", since=mark)
    wait_for(lambda: web.json("status")["prober"] == "running", "prober runs again")
    assert not web.events("health", since=mark)
    assert web.json("vip", "show", "web")["usable"] == 3
    mark = web.mark()
    net.nginx["b1"].kill()
    web.wait_event("health", since=mark, backend="web/b1", to="unreachable")


def test_hanging_prober_is_replaced(net, web):
    mark = web.mark()
    pid = web.json("status")["prober_pid"]
    os.kill(pid, signal.SIGSTOP)
    assert "heartbeat" in web.wait_event("prober_gone", since=mark, timeout=10)["why"]
    web.wait_event("prober_started", since=mark)
    assert not web.events("health", since=mark)
    assert web.cli("status").returncode == 0


def test_prober_program_missing_for_a_while(net, musterd):
    """An upgrade that is half done: musterd goes on, tries again, and finds the program when it is there."""
    program = musterd.dir / "prober"
    shutil.copy(BUILD / "muster-prober", program)
    musterd.config.write_text(musterd.config.read_text() + f"prober_path: {program}\n")
    musterd.manifest("web", net.vip())
    musterd.start()
    musterd.wait_usable("web", 3)
    for instead in (None, "no program"):
        program.unlink()
        if instead:
            program.write_text(instead)
        mark = musterd.mark()
        pid = musterd.json("status")["prober_pid"]
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda m=mark: len(musterd.events("prober_gone", since=m)) > 2, "two vain attempts")
        program.unlink(missing_ok=True)
        shutil.copy(BUILD / "muster-prober", program)
        musterd.wait_event("prober_started", since=mark)
        wait_for(lambda: musterd.json("status")["prober"] == "running", "prober runs again")
        assert not musterd.events("health", since=mark)


def test_prober_has_no_privileges(web):
    status = open(f"/proc/{web.json('status')['prober_pid']}/status").read()
    fields = dict(re.findall(r"^(\w+):\s+(.*)$", status, re.M))
    assert fields["Uid"].split() == ["65534"] * 4
    assert fields["NoNewPrivs"] == "1" and fields["Seccomp"] == "2"
    for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(fields[kind], 16) == 0


def test_program_taken_off_comes_back(net, web):
    off = net.lb.run("ip", "link", "set", "dev", "eth0", "xdp", "off", check=False)
    assert off.returncode, "a bpf_link cannot be removed that way"
    mark = web.mark()
    (web.pins / "muster" / "link_eth0").unlink()
    web.wait_event("detached", since=mark, interface="eth0")
    web.wait_event("attached", since=mark, interface="eth0")
    assert set(net.fetch_from_all()) == set(net.hosts)


def test_interface_deleted_and_made_again(net, web):
    mark = web.mark()
    net.lb.run("ip", "link", "del", "eth0")
    web.wait_event("detached", since=mark, interface="eth0")
    net.rig.connect(net.lb)
    web.wait_event("attached", since=mark, interface="eth0")
    web.wait_usable("web", 3, timeout=20)
    assert set(net.fetch_from_all()) == set(net.hosts)


def test_another_program_is_refused_by_id(net, musterd):
    net.lb.run("ip", "link", "set", "dev", "eth0", "xdp", "obj", BUILD / "tests/pass.bpf.o", "sec", "xdp")
    try:
        theirs = re.search(r"prog/xdp id (\d+)", net.lb.run("ip", "link", "show", "eth0").stdout).group(1)
        musterd.manifest("web", net.vip())
        musterd.start()
        why = musterd.wait_event("detached", interface="eth0")["why"]
        assert theirs in why.split() or f"id {theirs}" in why, why
    finally:
        net.lb.run("ip", "link", "set", "dev", "eth0", "xdp", "off")
    musterd.wait_event("attached", interface="eth0")


def test_interface_taken_out_of_the_configuration(net, musterd):
    net.lb.run("ip", "link", "add", "eth9", "type", "veth", "peer", "name", "eth8")
    net.lb.run("ip", "link", "set", "eth9", "up")
    try:
        text = musterd.config.read_text()
        musterd.config.write_text(text.replace("[eth0]", "[eth0, eth9]"))
        musterd.manifest("web", net.vip())
        musterd.start()
        assert "xdp" in net.lb.run("ip", "link", "show", "eth9").stdout
        musterd.terminate()
        assert "xdp" in net.lb.run("ip", "link", "show", "eth9").stdout
        musterd.config.write_text(text)
        musterd.start()
        assert "xdp" not in net.lb.run("ip", "link", "show", "eth9").stdout
        assert "xdp" in net.lb.run("ip", "link", "show", "eth0").stdout
    finally:
        net.lb.run("ip", "link", "del", "eth9")


def test_sighup_reloads(net, web):
    mark = web.mark()
    web.manifest("web", net.vip(b1={"weight": 7}))
    web.process.send_signal(signal.SIGHUP)
    assert web.wait_event("reload", since=mark)["result"] == "applied"
    assert web.json("backend", "show", "web/b1")["weight"] == 7
    mark = web.mark()
    web.manifest("web", net.vip().replace("mode: ipip", "mode: nat"))
    web.process.send_signal(signal.SIGHUP)
    assert "nat" in web.wait_event("invalid", since=mark)["where"]
    assert web.json("backend", "show", "web/b1")["weight"] == 7


def test_teardown_leaves_nothing(net, web):
    assert VIP4 in net.lb.run("ip", "addr", "show", "lo").stdout
    web.cli("teardown")
    web.process.wait(10)
    assert VIP4 not in net.lb.run("ip", "addr", "show").stdout
    assert "xdp" not in net.lb.run("ip", "link", "show", "eth0").stdout
    assert not list(web.pins.glob("muster/*"))


def test_address_that_was_there_stays(net, musterd):
    net.lb.add_address(VIP4)
    try:
        musterd.manifest("web", net.vip())
        musterd.start()
        musterd.cli("teardown")
        musterd.process.wait(10)
        assert VIP4 in net.lb.run("ip", "addr", "show", "lo").stdout
    finally:
        net.lb.run("ip", "addr", "del", f"{VIP4}/32", "dev", "lo")


def test_second_musterd_is_refused(net, web):
    result = net.lb.run(BUILD / "musterd", "-c", web.config, check=False)
    assert result.returncode == 5
    assert "another musterd" in result.stderr


def test_notify_and_watchdog(net, musterd, tmp_path):
    path = str(tmp_path / "notify")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(path)
    sock.settimeout(10)
    musterd.manifest("web", net.vip())
    musterd.start(env={**os.environ, "NOTIFY_SOCKET": path})
    seen = b""
    while b"READY=1" not in seen or b"WATCHDOG=1" not in seen:
        seen += sock.recv(4096) + b"\n"
    musterd.terminate()
    while b"STOPPING=1" not in seen:
        seen += sock.recv(4096)


def test_without_root(net, musterd):
    musterd.manifest("web", net.vip())
    # Copies that anybody can reach: the build tree may be under /root.
    daemon, command = (shutil.copy(BUILD / name, musterd.dir / name) for name in ("musterd", "muster"))
    result = net.lb.run("setpriv", "--reuid", "65534", "--clear-groups", "--bounding-set", "-all", daemon,
                        "-c", musterd.config, check=False)
    assert result.returncode == 3
    assert "root" in result.stderr or "CAP_BPF" in result.stderr or "Permission denied" in result.stderr
    net_cli = run("setpriv", "--reuid", "65534", "--clear-groups", command, "--run-dir", musterd.dir / "run", "status",
                  check=False)
    assert net_cli.returncode == 3
    assert net_cli.stderr.count("\n") == 1, net_cli.stderr


def test_capabilities_of_the_unit_suffice(net, musterd):
    """What the systemd unit grants is enough to start, probe and forward."""
    unit = (ROOT / "deploy/systemd/musterd.service").read_text()
    caps = re.search(r"^CapabilityBoundingSet=(.*)$", unit, re.M).group(1).lower().split()
    drop = ",".join(["-all"] + [f"+{c.removeprefix('cap_')}" for c in caps])
    musterd.manifest("web", net.vip())
    real = musterd.host.popen
    musterd.host.popen = lambda *argv, **kw: real("setpriv", "--bounding-set", drop, "--no-new-privs", *argv, **kw)
    try:
        musterd.start()
    finally:
        musterd.host.popen = real
    effective = re.search(r"CapEff:\s+(\w+)", open(f"/proc/{musterd.process.pid}/status").read()).group(1)
    assert bin(int(effective, 16)).count("1") == len(caps)
    musterd.wait_usable("web", 3)
    assert set(net.fetch_from_all()) == set(net.hosts)


def test_unit_is_sound(tmp_path):
    source = (ROOT / "deploy/systemd/musterd.service").read_text()
    unit = tmp_path / "musterd.service"
    unit.write_text(source.replace("/usr/sbin/musterd", str(BUILD / "musterd")))
    verify = subprocess.run(["systemd-analyze", "verify", "--man=no", str(unit)], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)
    ours = [line for line in verify.stdout.splitlines() if "musterd.service" in line]
    assert not ours, verify.stdout
    security = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager", str(unit)],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
    score = re.search(r"exposure level for \S+: ([\d.]+)", security)
    assert score and float(score.group(1)) < 4.0, security


def test_full_disk(net, musterd, tmp_path):
    """No room for the hash key: said plainly; no half a key is left behind."""
    state = musterd.dir / "state"
    state.mkdir(exist_ok=True)
    run("mount", "-t", "tmpfs", "-o", "size=4k,mode=0700", "tmpfs", state)
    try:
        (state / "filler").write_bytes(b"x" * 4096)
        musterd.manifest("web", net.vip())
        musterd.start(wait=False)
        assert musterd.process.wait(10) == 6
        failed = musterd.events("start_failed")[0]
        assert "space" in failed["why"]
        assert not (state / "hash_key").exists()
    finally:
        run("umount", state)


@pytest.mark.parametrize("damage", ["generation", "services"])
def test_limits_changed_means_new_tables(net, web, damage):
    """Pinned maps that do not fit are replaced while forwarding goes on."""
    web.terminate()
    size = {"generation": "{services: 4096}", "services": "{members: 16384}"}[damage]
    web.config.write_text(web.config.read_text() + f"limits: {size}\n")
    load = Load(net.client, 200, [f"{VIP4}:80"])
    mark = web.mark()
    web.start()
    assert "limits" in web.wait_event("not_adopted", since=mark)["why"]
    web.wait_usable("web", 3)
    wait_for(lambda: len(load.rows) > 200, "load")
    load.stop()
    assert set(net.fetch_from_all()) == set(net.hosts)


def test_socket_groups(net, musterd):
    """By name, by number; an unknown one is said, and root alone may use the socket."""
    for group, gid in (("nogroup", 65534), ("4242", 4242), ("no-such-group", 0)):
        text = [line for line in musterd.config.read_text().splitlines() if "view_group" not in line]
        musterd.config.write_text("\n".join([*text, f'view_group: "{group}"', ""]))
        mark = musterd.mark()
        musterd.start()
        assert os.stat(musterd.dir / "run/view.sock").st_gid == gid
        said = [row["why"] for row in musterd.events("socket_group", since=mark) if row["path"].endswith("view.sock")]
        assert said == (["there is no group no-such-group: only root may use it"] if not gid else [])
        musterd.terminate()
