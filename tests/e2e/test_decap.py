"""muster decap on a backend: foreground, pinned, refused; TCP through senders that are not muster."""
import fcntl
import os
import re
import signal
import socket
import struct
import subprocess
import threading

import pytest

from conftest import VIP4, VIP6
from rig import BUILD, Decap, Nginx, backend_host, run


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
        shown_now = host.run(BUILD / "muster-decap", "eth0", "--show").stdout
        assert shown_now.startswith("eth0: native, 2 addresses, from anywhere\n")
        assert re.search(r"(?m)^2001:db8::64 +0 +0$", shown_now) and re.search(r"(?m)^gue +0 +0$", shown_now)
        again = host.run(BUILD / "muster-decap", "eth0", "address", VIP4, check=False)
        assert again.returncode == 5 and f"id {xdp_of(host).group(1)}" in again.stderr
        assert host.run(BUILD / "muster-decap", "eth0", f"--unpin={pins}/d").returncode == 0
        assert not xdp_of(host)
        gone = host.run(BUILD / "muster-decap", "eth0", "--show", check=False)
        assert gone.returncode == 4 and "has no program of muster decap" in gone.stderr
        assert host.run(BUILD / "muster-decap", "eth0", f"--unpin={pins}/d", check=False).returncode == 4
    finally:
        run("umount", pins)


def test_wrong_input(rig):
    host = rig.hosts.get("solo") or rig.add_host("solo", 30)
    for argv, status, text in ((["eth0"], 2, "address A"), (["eth0", "address", "nonsense"], 2, "is no address"),
                               (["eth7", "address", VIP4], 4, "no interface eth7"), (["--frob"], 2, "no such option"),
                               (["eth0", "address", VIP4, "port"], 2, "needs a number"),
                               (["eth0", "address", VIP4, "port", "0"], 2, "is no port"),
                               (["eth0", "address", VIP4, "port", "6080x"], 2, "is no port"),
                               (["eth0", "address", VIP4, "from"], 2, "needs an address or prefix"),
                               (["eth0", "address", VIP4, "from", "10.0.0.0/33"], 2, "has 0 to 32 bits"),
                               (["eth0", "address", VIP4, "from", "10.0.0.1/"], 2, "has 0 to 32 bits"),
                               (["eth0", "address", VIP4, "from", "10.0.0.1/24"], 2, "bits set behind the prefix"),
                               (["eth0", "address", VIP4, "from", "2001:db8::1/32"], 2, "bits set behind the prefix"),
                               (["eth0", "address", VIP4, "--show"], 2, "not with"),
                               (["eth0", "--show", "--unpin"], 2, "only one of them"),
                               (["eth7", "--show"], 4, "no interface eth7"),
                               (["lo", "--show"], 4, "has no program")):
        result = host.run(BUILD / "muster-decap", *argv, check=False)
        assert result.returncode == status and text in result.stderr, result.stderr
    assert not os.path.exists("/sys/fs/bpf/muster-decap/eth0")


# ---- packets of another encapsulator ----

IPIP4, IPIP6 = socket.IPPROTO_IPIP, socket.IPPROTO_IPV6


class Tunnel:
    """What a host sends to the VIPs goes through here, and to the backend in packets of one format.

    The outer headers are the kernel's own: a UDP socket's with a checksum, or a raw one's.
    """

    def __init__(self, host, backend, form, port=6080):
        self.host, self.form, self.port = host, form, port
        self.backend = backend
        self.family = socket.AF_INET6 if ":" in backend else socket.AF_INET
        with host.entered():
            self.tun = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
            fcntl.ioctl(self.tun, 0x400454CA, struct.pack("16sH22x", b"tun0", 0x1001))  # IFF_TUN, IFF_NO_PI
            self.sockets = {}
            if form.startswith("gue"):
                self.sockets = dict.fromkeys((4, 6), socket.socket(self.family, socket.SOCK_DGRAM))
            else:
                for version, protocol in ((4, IPIP4), (6, IPIP6)):
                    self.sockets[version] = socket.socket(self.family, socket.SOCK_RAW, protocol)
        host.run("ip", "link", "set", "tun0", "mtu", "1400", "up")
        host.run("ip", "route", "add", VIP4, "dev", "tun0", "src", host.v4)
        host.run("ip", "-6", "route", "add", VIP6, "dev", "tun0", "src", host.v6)
        for conf in ("all", "eth0"):  # answers come by another way
            host.sysctl(f"ipv4.conf.{conf}.rp_filter", 0)
        self.thread = threading.Thread(target=self._pump, daemon=True)
        self.thread.start()

    def _pump(self):
        while True:
            try:
                packet = os.read(self.tun, 65535)
            except OSError:
                return
            if not packet:
                return
            version = packet[0] >> 4
            protocol = IPIP4 if version == 4 else IPIP6
            header = {"gue0": bytes((0, protocol, 0, 0)), "gue0 fields": bytes((2, protocol, 0, 0)) + b"\x77" * 8}
            to = (self.backend, self.port if self.form.startswith("gue") else 0)
            if version in self.sockets:
                self.sockets[version].sendto(header.get(self.form, b"") + packet, to)

    def close(self):
        self.host.run("ip", "link", "del", "tun0")  # and the read fails
        self.thread.join(5)
        os.close(self.tun)
        for sock in set(self.sockets.values()):
            sock.close()


@pytest.fixture(scope="module")
def pair(rig):
    """A sender and a backend with nginx; curl's answer is "server"."""
    server = backend_host(rig, "server", 40, (VIP4, VIP6))
    Nginx(server)
    return rig.add_host("sender", 41), server


def fetch(host, address, timeout=3):
    name = f"[{address}]" if ":" in address else address
    return host.run("curl", "-s", "--max-time", timeout, f"http://{name}/", check=False).stdout.strip()


def shown(host):
    """--show: {first word of a row: (packets, bytes)}."""
    text = host.run(BUILD / "muster", "decap", "eth0", "--show").stdout
    return {name: (int(packets), int(size)) for name, packets, size in re.findall(r"(?m)^(\S+) +(\d+) +(\d+)$", text)}


@pytest.mark.parametrize("outer", [4, 6])
@pytest.mark.parametrize("form", ["ipip", "gue1", "gue0", "gue0 fields"])
def test_tcp_from_another_encapsulator(pair, form, outer):
    sender, server = pair
    tunnel = Tunnel(sender, server.v4 if outer == 4 else server.v6, form)
    try:
        assert fetch(sender, VIP4, 0.3) == "", "nothing in the kernel would have done it"
        decap = Decap(server, VIP4, VIP6)
        try:
            assert fetch(sender, VIP4) == "server"
            assert fetch(sender, VIP6) == "server"
            rows = shown(server)
            said = decap.stop()
        finally:
            decap.process.kill()
    finally:
        tunnel.close()
    reason = "ipip" if form == "ipip" else "gue"
    assert rows[VIP4][0] >= 4 and rows[VIP6][0] >= 4, "SYN, ACK, request, FIN"
    assert rows[VIP4][1] > 60 * rows[VIP4][0]
    assert rows[reason][0] == rows[VIP4][0] + rows[VIP6][0]
    total = re.fullmatch(rf"{reason} +(\d+)  .*\n", said)
    assert total and int(total[1]) >= rows[reason][0], said


def test_another_port(pair):
    sender, server = pair
    tunnel = Tunnel(sender, server.v4, "gue1", port=5555)
    decap = server.popen(BUILD / "muster-decap", "eth0", "address", VIP4, "port", "5555", stdout=subprocess.PIPE)
    try:
        assert decap.stdout.readline()
        assert fetch(sender, VIP4) == "server"
    finally:
        decap.terminate()
        decap.wait(5)
        tunnel.close()


@pytest.mark.parametrize("source, accepted", [("198.18.0.41", True), ("198.18.0.40/31", True), ("198.18.0.42", False),
                                              ("::/0", False), ("0.0.0.0/0", True)])
def test_only_from_sources(pair, source, accepted):
    sender, server = pair
    tunnel = Tunnel(sender, server.v4, "gue1")
    decap = server.popen(BUILD / "muster-decap", "eth0", "address", VIP4, "from", source, "192.0.2.0/24",
                         stdout=subprocess.PIPE)
    try:
        assert decap.stdout.readline()
        assert fetch(sender, VIP4, 3 if accepted else 0.3) == ("server" if accepted else "")
        rows = shown(server)
        assert (rows["source_refused"][0] > 0) is not accepted
        assert (rows["gue"][0] > 0) is accepted
    finally:
        decap.terminate()
        decap.wait(5)
        tunnel.close()


def test_jumbo_frames_are_native(pair):
    """Generic mode would take them, too, and is slower."""
    _, server = pair
    server.rig.set_mtu(9000, server)
    try:
        decap = server.popen(BUILD / "muster-decap", "eth0", "address", VIP4, stdout=subprocess.PIPE, text=True)
        assert decap.stdout.readline() == "decap: eth0: native, 1 addresses\n"
        decap.terminate()
        decap.wait(5)
    finally:
        server.rig.set_mtu(1500, server)


def test_generic_says_why(pair):
    _, server = pair
    decap = server.popen(BUILD / "muster-decap", "lo", "address", VIP4, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True)
    try:
        assert decap.stdout.readline() == "decap: lo: generic, 1 addresses\n"
        assert "the driver of lo has no native XDP" in decap.stderr.readline()
        assert server.run(BUILD / "muster-decap", "lo", "--show").stdout.startswith("lo: generic, 1 addresses")
    finally:
        decap.terminate()
        decap.wait(5)
