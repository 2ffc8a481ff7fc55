"""Path MTU discovery through every mode and family, with a 1,400-byte link before or behind the balancer.

	far ── r1 ══ r2 ── fabric ── lb ══ near        ══ 1,400 bytes
	                     │              │
	                     b1             └── fabric (its answers)

The client `far` is behind the narrow link of two routers; backend `b1` is in the fabric. Backend `near` is
behind a narrow link of the balancer's own, and answers through the fabric. So a transfer to b1 meets the
narrow link on the client's side, one from `client` to near on the backend's.
"""
import contextlib
import hashlib
import itertools
import socket
import threading

import pytest
from conftest import VIP4, VIP6
from rig import Decap, Musterd, backend_host

NARROW = 1400
BYTES = 400_000
OVERHEAD = {("l2dsr", 4): 0, ("l2dsr", 6): 0, ("ipip", 4): 20, ("ipip", 6): 40, ("gue", 4): 28, ("gue", 6): 48}
CASES = [(side, mode, family, outer)
         for side, mode, family, outer in itertools.product(("client", "backend"), ("l2dsr", "ipip", "gue"), (4, 6), (4, 6))
         if mode != "l2dsr" or family == outer]
PORT = {case: 8000 + i for i, case in enumerate(CASES)}


def pattern(n):
    return bytes(i * 31 % 251 for i in range(251)) * (n // 251) + bytes(n % 251)


class Peer:
    """A server on a backend: "get N" sends N bytes, "put N" takes them and answers with their digest."""

    def __init__(self, host, ports):
        self.stop = threading.Event()
        self.sockets = []
        for port in ports:
            with host.entered():
                listener = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("::", port))
            listener.listen(50)
            self.sockets.append(listener)
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    @staticmethod
    def _serve(connection):
        with connection, connection.makefile("rwb") as stream:
            words = stream.readline().split()  # empty: a health check
            if words[:1] == [b"get"]:
                stream.write(pattern(int(words[1])))
            elif words[:1] == [b"put"]:
                stream.write(hashlib.sha256(stream.read(int(words[1]))).hexdigest().encode())

    def close(self):
        for listener in self.sockets:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()


def link(a, a_dev, b, b_dev, mtu):
    """A veth between two hosts, without the fabric."""
    a.run("ip", "link", "add", a_dev, "mtu", mtu, "type", "veth", "peer", "name", b_dev, "mtu", mtu, "netns", b.netns)
    for host, dev in ((a, a_dev), (b, b_dev)):
        host.sysctl(f"ipv6.conf.{dev}.accept_dad", 0)
        host.run("ip", "link", "set", dev, "up")
        host.run("ethtool", "-K", dev, "tx", "off")


def address(host, dev, *addresses):
    for text in addresses:
        host.run("ip", "addr", "add", text, "dev", dev, *(["nodad"] if ":" in text else []))


def route(host, *routes):
    for text in routes:
        host.run("ip", *(["-6"] if ":" in text else []), "route", "replace", *text.split())


def make_client_side(rig):
    """far - r1 = r2 - fabric."""
    far, r1, r2 = (rig.add_host(name, number) for name, number in (("far", 210), ("r1", 211), ("r2", 212)))
    for host in (far, r1):
        host.run("ip", "link", "del", "eth0")
    link(far, "eth0", r1, "tofar", 1500)
    link(r1, "tor2", r2, "tor1", NARROW)
    address(far, "eth0", "198.19.1.10/24", "2001:db8:1::10/64")
    address(r1, "tofar", "198.19.1.1/24", "2001:db8:1::1/64")
    address(r1, "tor2", "198.19.2.1/24", "2001:db8:2::1/64")
    address(r2, "tor1", "198.19.2.2/24", "2001:db8:2::2/64")
    for host in (r1, r2):
        host.sysctl("ipv4.ip_forward", 1)
        host.sysctl("ipv6.conf.all.forwarding", 1)
    route(far, "default via 198.19.1.1", "default via 2001:db8:1::1")
    route(r1, "default via 198.19.2.2", "default via 2001:db8:2::2")
    route(r2, "198.19.1.0/24 via 198.19.2.1", "2001:db8:1::/64 via 2001:db8:2::1")
    return far


def make_backend_side(rig, lb):
    """lb = near - fabric."""
    near = backend_host(rig, "near", 213, (VIP4, VIP6))
    link(lb, "eth1", near, "tolb", NARROW)
    address(lb, "eth1", "198.19.3.1/24", "2001:db8:3::1/64")
    address(near, "tolb", "198.19.3.10/24", "2001:db8:3::10/64")
    return near


class World:
    def __init__(self, rig):
        self.client, self.lb = rig.add_host("client", 200), rig.add_host("lb", 1)
        self.b1 = backend_host(rig, "b1", 11, (VIP4, VIP6))
        self.far = make_client_side(rig)
        self.near = make_backend_side(rig, self.lb)
        for host in (self.b1, self.near, self.lb):
            route(host, "198.19.1.0/24 via 198.18.0.212", "2001:db8:1::/64 via 2001:db8::d4")
        Decap(self.b1, VIP4, VIP6)
        self.near.iface = "tolb"
        Decap(self.near, VIP4, VIP6)
        self.peers = [Peer(self.b1, PORT.values()), Peer(self.near, PORT.values())]
        self.musterd = Musterd(self.lb, interfaces=("eth0", "eth1"))
        for case in CASES:
            self.musterd.manifest("-".join(map(str, case)), self.manifest(*case))
        self.musterd.start()
        for case in CASES:
            self.musterd.wait_usable("-".join(map(str, case)), 1)

    @staticmethod
    def manifest(side, mode, family, outer):
        near = {4: "198.19.3.10", 6: "2001:db8:3::10"}[outer]
        b1 = {4: "198.18.0.11", 6: "2001:db8::b"}[outer]
        return f"""apiVersion: muster/v1
kind: Vip
name: {side}-{mode}-{family}-{outer}
addresses: ["{VIP4 if family == 4 else VIP6}"]
ports: [{PORT[side, mode, family, outer]}]
mode: {mode}
backends: [{{address: "{b1 if side == 'client' else near}"}}]
"""

    def forget(self):
        """What was learned of path MTUs."""
        for host in (self.client, self.far, self.b1, self.near):
            for family in ("-4", "-6"):
                host.run("ip", family, "route", "flush", "cache")

    def reasons(self):
        return {row["name"]: row["packets"] for row in self.musterd.json("status")["reasons"]}

    def close(self):
        for peer in self.peers:
            peer.close()


@pytest.fixture(scope="module")
def world(rig):
    world = World(rig)
    yield world
    world.close()


def known_mtu(host, destination, source=None):
    """What the host's kernel has learned of the path."""
    words = host.run("ip", "route", "get", destination, *(["from", source] if source else [])).stdout.split()
    return int(words[words.index("mtu") + 1]) if "mtu" in words else None


def connect(host, family, port):
    with host.entered():
        sock = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_STREAM)
    sock.settimeout(8)
    sock.connect((VIP4 if family == 4 else VIP6, port))
    return sock


def download(host, family, port):
    with connect(host, family, port) as sock, sock.makefile("rwb") as stream:
        stream.write(b"get %d\n" % BYTES)
        stream.flush()
        return stream.read() == pattern(BYTES)


def upload(host, family, port):
    with connect(host, family, port) as sock, sock.makefile("rwb") as stream:
        stream.write(b"put %d\n" % BYTES + pattern(BYTES))
        stream.flush()
        return stream.read().decode() == hashlib.sha256(pattern(BYTES)).hexdigest()


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case)))
def test_tcp(world, case):
    side, mode, family, outer = case
    vip = VIP4 if family == 4 else VIP6
    far = "198.19.1.10" if family == 4 else "2001:db8:1::10"
    host = world.far if side == "client" else world.client
    world.forget()
    assert download(host, family, PORT[case])
    if side == "client":
        assert known_mtu(world.b1, far, vip) == NARROW, "the router's error reached the backend"
    world.forget()  # what one end has learned is in the segment size that it announces
    before = world.reasons()["too_big_reply"]
    assert upload(host, family, PORT[case])
    if side == "client":
        assert known_mtu(world.far, vip) == min(NARROW, 1500 - OVERHEAD[mode, outer])
    else:
        assert known_mtu(world.client, vip) == NARROW - OVERHEAD[mode, outer]
        assert world.reasons()["too_big_reply"] > before, "the balancer said what fits"


@pytest.mark.parametrize("family", [4, 6])
def test_udp_that_may_not_be_fragmented(world, family):
    """The sender is told at its socket."""
    text = world.manifest("backend", "ipip", family, 4).replace("ports: [", "protocol: udp\nchecks: {tcp: {type: tcp}}\nports: [")
    world.musterd.manifest("udp", text.replace("name: backend", "name: udp"))
    world.musterd.reload()
    world.musterd.wait_usable(f"udp-ipip-{family}-4", 1)
    world.forget()
    port = PORT["backend", "ipip", family, 4]
    kind = socket.AF_INET if family == 4 else socket.AF_INET6
    with world.near.entered():
        server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    server.bind(("::", port))
    server.settimeout(5)
    with world.client.entered():
        client = socket.socket(kind, socket.SOCK_DGRAM)
    client.settimeout(5)
    level, option = (socket.IPPROTO_IP, 10) if family == 4 else (socket.IPPROTO_IPV6, 23)
    client.setsockopt(level, option, 2)  # IP_MTU_DISCOVER, IP_PMTUDISC_DO
    client.connect((VIP4 if family == 4 else VIP6, port))
    header = 28 if family == 4 else 48
    with server, client:
        client.send(bytes(1500 - header))
        with pytest.raises(OSError, match="too long"):
            for _ in range(100):
                client.send(bytes(1500 - header))
                threading.Event().wait(0.02)
        with contextlib.suppress(OSError):  # what is still in the socket's error queue
            client.send(b"")
        client.send(b"x" * (NARROW - 20 - header))
        while not (data := server.recv(2000)):
            pass
        assert data == b"x" * (NARROW - 20 - header)
