"""muster-prober driven as musterd drives it: the layout of ctl/core/probe.h, and a process with its socket."""
import dataclasses
import ipaddress
import os
import pathlib
import re
import select
import socket
import struct
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("MUSTER_BUILD", "build")

VERSION = 1
ADD, DELETE, RECHECK, RESULT, HEARTBEAT = range(5)
TCP, HTTP = range(2)
AUTO, ON, OFF = range(3)
SOCKET_FD, WORKING_FD = 3, 4
STATUS_RANGES = 8

HEADER = struct.Struct("=BBHIII")
SPEC = struct.Struct("=16s2sBB5I3HBB16H256s1024s256s")
RESULT_BODY = struct.Struct("=QQQIiHHI128s")

# The list is read from the header, so that a new outcome needs no change here.
OUTCOMES = re.findall(r"^\s*O\((\w+),", (ROOT / "ctl/core/probe.h").read_text(), re.M)


def header(kind, target=0, seq=0, version=VERSION):
    return HEADER.pack(version, kind, 0, target, seq, 0)


def spec(port, address="127.0.0.1", kind=HTTP, tether=AUTO, interval=2000, fast=200, down=1000, timeout=1500,
         fast_timeout=500, rise=2, fall=3, status=((200, 399),), host="", path="/", body="", hard=1):
    ip = ipaddress.ip_address(address)
    addr = ip.packed if ip.version == 6 else b"\0" * 10 + b"\xff\xff" + ip.packed
    ranges = [bound for pair in status for bound in pair]
    ranges += [0] * (2 * STATUS_RANGES - len(ranges))
    return SPEC.pack(addr, struct.pack("!H", port), kind, tether, interval, fast, down, timeout, fast_timeout, rise,
                     fall, len(status), hard, 0, *ranges, host.encode(), path.encode(), body.encode())


@dataclasses.dataclass
class Result:
    target: int
    seq: int
    probe_seq: int
    at_ns: int
    cause_ns: int
    latency_us: int
    error: int
    outcome: str
    tethered: bool
    detail: str


def clock_ns():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


class Prober:
    """A prober and musterd's end of its socket. Frames that arrive are kept in order."""

    def __init__(self, *args, before=(), program=None, working=None, sndbuf=1 << 20, **kwargs):
        self.socket, child = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (self.socket, child):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, sndbuf)
        fds = {SOCKET_FD: child.fileno()}
        if working is not None:
            fds[WORKING_FD] = working

        def place():
            # Out of the way first: a source may sit where another one is to go.
            copies = {to: os.dup2(fd, 100 + to) for to, fd in fds.items()}
            for to, fd in copies.items():
                os.dup2(fd, to)
                os.close(fd)

        self.process = subprocess.Popen([*before, program or BUILD / "muster-prober", *args], preexec_fn=place,
                                        pass_fds=[SOCKET_FD, *([WORKING_FD] if working is not None else [])],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        text=True, **kwargs)
        child.close()
        self.results, self.heartbeats = [], []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.process.stderr.close()

    @property
    def pid(self):
        return self.process.pid

    def send(self, frame):
        self.socket.send(frame)

    def add(self, target, port, seq=1, **kwargs):
        self.send(header(ADD, target, seq) + spec(port, **kwargs))

    def delete(self, target):
        self.send(header(DELETE, target))

    def recheck(self, target):
        self.send(header(RECHECK, target))

    def _receive(self, timeout):
        if not select.select([self.socket], [], [], timeout)[0]:
            return False
        frame = self.socket.recv(4096)
        if not frame:
            raise EOFError(f"the prober ended: {self.process.wait(5)} {self.process.stderr.read()}")
        version, kind, _, target, seq, _ = HEADER.unpack_from(frame)
        assert version == VERSION
        if kind == HEARTBEAT:
            assert len(frame) == HEADER.size
            self.heartbeats.append(target)
        else:
            assert kind == RESULT and len(frame) == HEADER.size + RESULT_BODY.size
            fields = RESULT_BODY.unpack_from(frame, HEADER.size)
            self.results.append(Result(target, seq, *fields[:5], OUTCOMES[fields[5]], bool(fields[6]),
                                       fields[8].split(b"\0")[0].decode()))
        return True

    def until(self, condition, timeout=5.0):
        """Receives until condition() is true, and returns its value."""
        deadline = time.monotonic() + timeout
        while not (value := condition()):
            left = deadline - time.monotonic()
            if left < 0:
                raise TimeoutError(f"the last results: {self.results[-3:]}")
            self._receive(left)
        return value

    def next(self, target=None, timeout=5.0, after=None):
        """The next result (of a target) beyond the first `after` ones, by default those that are known already."""
        after = len(self.results) if after is None else after

        def found():
            return next((r for r in self.results[after:] if target in (None, r.target)), None)

        return self.until(found, timeout)

    def outcome(self, wanted, target=None, timeout=5.0, after=None):
        """The next result with that outcome."""
        after = len(self.results) if after is None else after

        def found():
            return next((r for r in self.results[after:] if r.outcome == wanted and target in (None, r.target)), None)

        return self.until(found, timeout)

    def drain(self, seconds):
        """All that comes within a time: only to show that something does not come."""
        deadline = time.monotonic() + seconds
        after = len(self.results)
        while (left := deadline - time.monotonic()) > 0:
            self._receive(left)
        return self.results[after:]
