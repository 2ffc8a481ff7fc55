"""muster decap on a backend: foreground, pinned, refused."""
import os
import re
import signal
import subprocess

from conftest import VIP4
from rig import BUILD, run


def xdp_of(host):
    return re.search(r"prog/xdp id (\d+)", host.run("ip", "link", "show", "eth0").stdout)


def test_foreground_detaches_at_exit(rig):
    host = rig.hosts.get("solo") or rig.add_host("solo", 30)
    process = host.popen(BUILD / "muster", "decap", "eth0", "address", VIP4, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "decap: eth0: native, 1 addresses\n"
    assert xdp_of(host)
    process.send_signal(signal.SIGTERM)
    assert process.wait(5) == 0
    assert not xdp_of(host)


def test_pinned_stays_until_unpinned(rig, tmp_path):
    host = rig.hosts.get("solo") or rig.add_host("solo", 30)
    pins = tmp_path / "pins"
    pins.mkdir()
    run("mount", "-t", "bpf", "bpf", pins)
    try:
        first = host.run(BUILD / "muster-decap", "eth0", "address", VIP4, "2001:db8::64", f"--pin={pins}/d")
        assert first.stdout == "decap: eth0: native, 2 addresses, pinned\n"
        assert xdp_of(host)
        again = host.run(BUILD / "muster-decap", "eth0", "address", VIP4, check=False)
        assert again.returncode == 5 and f"id {xdp_of(host).group(1)}" in again.stderr
        assert host.run(BUILD / "muster-decap", "eth0", f"--unpin={pins}/d").returncode == 0
        assert not xdp_of(host)
        assert host.run(BUILD / "muster-decap", "eth0", f"--unpin={pins}/d", check=False).returncode == 4
    finally:
        run("umount", pins)


def test_wrong_input(rig):
    host = rig.hosts.get("solo") or rig.add_host("solo", 30)
    for argv, status, text in ((["eth0"], 2, "address A"), (["eth0", "address", "nonsense"], 2, "is no address"),
                               (["eth7", "address", VIP4], 4, "no interface eth7"), (["--frob"], 2, "no such option")):
        result = host.run(BUILD / "muster-decap", *argv, check=False)
        assert result.returncode == status and text in result.stderr, result.stderr
    assert not os.path.exists("/sys/fs/bpf/muster-decap/eth0")
