"""muster doctor: what it finds, on hosts where just that is wrong."""
import json

import pytest
from conftest import VIP4, VIP6, VIPS
from rig import BUILD, Decap, run, wait_for

MODES = [("l2dsr", 4, 4), ("l2dsr", 6, 6), ("ipip", 4, 4), ("ipip", 6, 6), ("ipip", 4, 6), ("ipip", 6, 4),
         ("gue", 4, 4), ("gue", 4, 6), ("gue", 6, 6)]


def doctor(musterd, status):
    result = musterd.cli("-j", "doctor", "-c", musterd.config, check=False)
    assert result.returncode == status, result.stdout + result.stderr
    return json.loads(result.stdout)["findings"]


def found(findings, name, subject=None):
    return [row for row in findings if row["id"] == name and (subject is None or row["subject"] == subject)]


def start(net, musterd, mode="ipip", family=4, outer=4):
    musterd.manifest("web", net.vip(mode=mode, family=outer, address=VIP4 if family == 4 else VIP6))
    musterd.start()
    musterd.wait_usable("web", 3)


@pytest.mark.parametrize("mode, family, outer", MODES)
def test_all_is_well(net, musterd, mode, family, outer):
    start(net, musterd, mode, family, outer)
    findings = doctor(musterd, 0)
    overhead = {"l2dsr": 0, "ipip": 20 if outer == 4 else 40, "gue": 28 if outer == 4 else 48}[mode]
    rows = found(findings, "backend")
    assert {row["subject"] for row in rows} == {f"web/{name}" for name in net.hosts}
    assert all(row["text"].endswith(f"up to {1500 - overhead} bytes") for row in rows), rows
    assert {row["level"] for row in findings} <= {"ok", "note"}, findings
    assert all(row["cure"] for row in findings if row["level"] != "ok")


def test_text_is_for_people(net, musterd):
    start(net, musterd)
    text = musterd.cli("doctor", "-c", musterd.config).stdout
    assert "ok       web/b1: answers for" in text and "\033[" not in text


def test_vip_missing_on_a_backend(net, musterd):
    start(net, musterd, "l2dsr")
    backend = net.hosts["b2"]
    backend.run("ip", "addr", "del", f"{VIP4}/32", "dev", "lo")
    try:
        findings = doctor(musterd, 1)
    finally:
        backend.add_address(VIP4)
    assert found(findings, "backend_silent", "web/b2") and len(found(findings, "backend")) == 2


def test_decapsulation_missing(net, musterd):
    start(net, musterd)
    net.decaps["b3"].stop()
    try:
        findings = doctor(musterd, 1)
    finally:
        net.decaps["b3"] = Decap(net.hosts["b3"], *VIPS)
    row = found(findings, "backend_silent", "web/b3")[0]
    assert "muster decap" in row["cure"] and len(found(findings, "backend")) == 2


def test_black_hole_has_a_number(net, musterd):
    """The bridge on the way takes less than both ends say."""
    start(net, musterd)
    net.rig.set_port_mtu(1400, net.hosts["b1"])
    try:
        findings = doctor(musterd, 1)
    finally:
        net.rig.set_port_mtu(1500, net.hosts["b1"])
    text = found(findings, "backend_mtu", "web/b1")[0]["text"]
    assert "packets of 1381 to 1480 bytes are lost" in text, text


def test_neighbour_that_does_not_answer(net, musterd):
    start(net, musterd)
    musterd.manifest("web", net.vip(b1={"address": "198.18.0.99"}))
    musterd.reload()
    wait_for(lambda: musterd.json("backend", "show", "web/b1")["path"] == "no_neighbour", "no neighbour", 15)
    assert found(doctor(musterd, 1), "backend_no_path", "web/b1")


def test_without_a_daemon(net, musterd):
    findings = doctor(musterd, 0)
    assert found(findings, "daemon_away")[0]["level"] == "skipped"
    assert found(findings, "nic", "eth0") and found(findings, "kernel")
    musterd.config.write_text(musterd.config.read_text().replace("[eth0]", "[eth7]"))
    assert found(doctor(musterd, 1), "nic_missing", "eth7")
    musterd.config.write_text("interfaces: eth0 eth1\n")
    assert musterd.cli("doctor", "-c", musterd.config, check=False).returncode == 2


def test_generic_mode_and_its_gro(net, musterd):
    musterd.config.write_text(musterd.config.read_text() + "xdp: generic\n")
    net.lb.run("ethtool", "-K", "eth0", "gro", "on")
    start(net, musterd)
    findings = doctor(musterd, 0)
    net.lb.run("ethtool", "-K", "eth0", "gro", "off", check=False)
    assert found(findings, "nic_generic") and found(findings, "nic_gro_generic")
    assert found(findings, "nic_gro_generic")[0]["cure"] == "ethtool -K eth0 gro off"


def test_foreign_program(net, musterd):
    net.lb.run("ip", "link", "set", "dev", "eth0", "xdp", "obj", BUILD / "tests/pass.bpf.o", "sec", "xdp")
    musterd.manifest("web", net.vip())
    musterd.start()
    try:
        row = found(doctor(musterd, 1), "nic_detached", "eth0")[0]
    finally:
        net.lb.run("ip", "link", "set", "dev", "eth0", "xdp", "off")
    assert "another XDP program, id" in row["text"]


def test_half_made_checksums_and_strict_filter(net, musterd):
    start(net, musterd)
    net.lb.run("ethtool", "-K", "eth0", "tx", "on")
    net.lb.sysctl("ipv4.conf.eth0.rp_filter", 1)
    findings = doctor(musterd, 0)
    net.lb.run("ethtool", "-K", "eth0", "tx", "off")
    net.lb.sysctl("ipv4.conf.eth0.rp_filter", 0)
    assert found(findings, "nic_partial_checksums", "eth0") and found(findings, "nic_rp_filter", "eth0")


def test_without_root(net, musterd, tmp_path):
    """What it may look at it does; the rest is listed."""
    musterd.config.write_text(musterd.config.read_text() + 'view_group: "65534"\n')
    start(net, musterd)
    muster = tmp_path / "muster"
    muster.write_bytes((BUILD / "muster").read_bytes())
    muster.chmod(0o755)
    for path in (tmp_path, *tmp_path.parents):
        if path.stat().st_uid == 0 and str(path).startswith("/tmp/"):
            path.chmod(path.stat().st_mode | 0o055)
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", muster, "--run-dir")
    result = net.lb.run(*nobody, "/nonexistent", "-j", "doctor", check=False)
    rows = json.loads(result.stdout)["findings"]
    assert found(rows, "daemon_away") and found(rows, "kernel")
    result = net.lb.run(*nobody, musterd.dir / "run", "-j", "doctor", check=False)
    rows = json.loads(result.stdout)["findings"]
    assert found(rows, "probe_not_permitted")[0]["level"] == "skipped" and found(rows, "nic", "eth0")
    assert not found(rows, "backend_silent"), "what was not asked is not missing"
