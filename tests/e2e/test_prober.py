"""muster-prober against real servers on 127.0.0.1, driven by frames as musterd sends them."""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest
from prober_wire import (ADD, BUILD, DELETE, HEARTBEAT, HTTP, OFF, ON, RESULT, ROOT, SOCKET_FD, TCP, Prober, clock_ns,
                         header, spec)
from rig import wait_for

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def listener(port=0, backlog=128):
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", port))
    server.listen(backlog)
    return server


def free_port():
    with listener() as server:
        return server.getsockname()[1]


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def request(connection):
    """Reads the head of a request; empty at the end of the connection."""
    head = b""
    while b"\r\n\r\n" not in head:
        data = connection.recv(4096)
        if not data:
            return b""
        head += data
    return head


def serve(connection, answer=OK):
    """Requests and answers until the other side closes."""
    while request(connection):
        connection.sendall(answer)


class Server:
    """handle(connection) in a thread for each connection; a connection that it leaves open is closed."""

    def __init__(self, handle):
        self.handle, self.socket = handle, listener()
        self.port = self.socket.getsockname()[1]
        self.connections, self.open = 0, []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                self.connections += 1
                self.open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError), connection:
            self.handle(connection)

    def stop(self):
        """Ends everything, like a process that dies; the listening socket first."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for connection in self.open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class LocalNginx:
    def __init__(self, directory, workers=2, connections=256):
        self.dir, self.port, self.workers = pathlib.Path(directory), free_port(), workers
        temp = "".join(f"{kind}_temp_path {self.dir}/t; " for kind in
                       ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (self.dir / "nginx.conf").write_text(
            f"daemon off; worker_processes {workers}; pid {self.dir}/pid; error_log {self.dir}/error.log;\n"
            f"events {{ worker_connections {connections}; }}\n"
            f"http {{ access_log off; keepalive_timeout 3600s; keepalive_requests 1000000; {temp}\n"
            f"  server {{ listen 127.0.0.1:{self.port};\n"
            f"    location / {{ return 200 \"all is well\\n\"; }}\n"
            f"    location /sick {{ return 503; }}\n"
            f"    location /host {{ return 200 \"$http_host|$request_uri|$http_user_agent|$http_expect\"; }}\n"
            f"  }} }}\n")
        self.master = None
        self.start()

    def start(self):
        self.master = subprocess.Popen(["nginx", "-p", self.dir, "-c", self.dir / "nginx.conf"],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.answers, "nginx answers")
        wait_for(lambda: len(self.worker_pids()) == self.workers, "nginx has its workers")

    def answers(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True

    def worker_pids(self):
        children = pathlib.Path(f"/proc/{self.master.pid}/task/{self.master.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.master.poll() is None:
            self.kill()

    def kill(self):
        """SIGKILL to every process, the master first; the times of the first and of the last one."""
        times = []
        for pid in [self.master.pid, *self.worker_pids()]:
            times.append(clock_ns())
            os.kill(pid, signal.SIGKILL)
        self.master.wait()
        return times[0], times[-1]


@pytest.fixture
def nginx(tmp_path):
    with LocalNginx(tmp_path) as server:
        yield server


@pytest.fixture
def prober():
    with Prober() as process:
        yield process


# ---- verdicts ----

@pytest.mark.parametrize("kind", [TCP, HTTP])
def test_pass_and_refused(prober, nginx, kind):
    prober.add(1, nginx.port, kind=kind)
    result = prober.next(1)
    assert (result.outcome, result.seq, result.cause_ns, result.error) == ("pass", 1, 0, 0)
    assert result.tethered is (kind == HTTP)
    prober.add(2, free_port(), kind=kind)
    result = prober.next(2)
    assert (result.outcome, result.error, result.tethered) == ("refused", 111, False)


@pytest.mark.parametrize("kind", [TCP, HTTP])
def test_ipv6(prober, kind):
    server = socket.socket(socket.AF_INET6)
    server.bind(("::1", 0))
    server.listen()
    port = server.getsockname()[1]
    accepted = []

    def answer():
        with contextlib.suppress(OSError):
            accepted.append(server.accept()[0])
            serve(accepted[0])

    threading.Thread(target=answer, daemon=True).start()
    prober.add(1, port, address="::1", kind=kind)
    assert prober.next(1).outcome == "pass"
    server.close()


def test_what_is_sent(prober, nginx):
    """The request is exact: host, path as written, no Expect."""
    body = f"web.example.net|/host/../host?a=b|muster-prober/{version()}|"
    prober.add(1, nginx.port, path="/host/../host?a=b", host="web.example.net", body=body)
    assert prober.next(1).outcome == "pass"
    prober.add(2, nginx.port, path="/host", body=f"127.0.0.1:{nginx.port}|/host|")
    assert prober.next(2).outcome == "pass"


def version():
    return subprocess.run([BUILD / "muster-prober", "--version"], capture_output=True, text=True).stdout.split()[1]


@pytest.mark.parametrize("status,outcome", [
    (((200, 399),), "bad_status"),
    (((200, 299), (503, 503)), "pass"),
    (((100, 502), (504, 599)), "bad_status"),
])
def test_status(prober, nginx, status, outcome):
    prober.add(1, nginx.port, path="/sick", status=status)
    result = prober.next(1)
    assert (result.outcome, result.detail) == (outcome, "HTTP 503")
    assert result.error == (503 if outcome == "bad_status" else 0)
    assert result.tethered, "a complete exchange, whatever it said"


def test_redirects_are_not_followed(prober):
    answer = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    with Server(lambda c: serve(c, answer)) as server:
        prober.add(1, server.port, status=((200, 299),))
        assert prober.next(1).detail == "HTTP 302"
        assert server.connections == 1


@pytest.mark.parametrize("body,outcome", [("is well", "pass"), ("is ill", "bad_body")])
def test_body(prober, nginx, body, outcome):
    prober.add(1, nginx.port, body=body)
    assert prober.next(1).outcome == outcome


@pytest.mark.parametrize("at,outcome", [(65536 - 6, "pass"), (65536 - 5, "bad_body")])
def test_body_is_read_up_to_64k(prober, at, outcome):
    text = b"x" * at + b"needle" + b"x" * 1000000
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(text) + text
    with Server(lambda c: serve(c, answer)) as server:
        prober.add(1, server.port, body="needle")
        result = prober.next(1)
        assert (result.outcome, result.tethered) == (outcome, False)


# ---- bad servers: each row ends in time, with an outcome that says what it was ----

def mute(connection):
    connection.recv(4096)
    threading.Event().wait(20)


def drip(connection):
    request(connection)
    for byte in OK:
        connection.send(bytes([byte]))
        time.sleep(0.05)


def never_reads(connection):
    threading.Event().wait(20)


def endless(prefix, piece):
    def handle(connection):
        request(connection)
        connection.sendall(prefix)
        while True:
            connection.sendall(piece)
    return handle


def says(text, end=None):
    def handle(connection):
        request(connection)
        connection.sendall(text)
        if end:
            end(connection)
    return handle


@pytest.mark.parametrize("name,handle,outcomes", [
    ("mute", mute, {"answer_timeout"}),
    ("never reads", never_reads, {"answer_timeout"}),
    ("drip", drip, {"answer_timeout"}),
    ("reset after accept", reset, {"reset"}),
    ("close after accept", lambda c: None, {"closed", "reset"}),
    ("close after request", says(b""), {"closed"}),
    ("reset after request", says(b"", reset), {"reset"}),
    ("close in the head", says(b"HTTP/1.1 200 OK\r\nContent-"), {"closed"}),
    ("reset in the head", says(b"HTTP/1.1 200 OK\r\nContent-", reset), {"reset"}),
    ("close in the body", says(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), {"closed"}),
    ("reset in the body", says(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", reset), {"reset"}),
    ("another protocol", says(b"220 mail.example.net ESMTP\r\n"), {"bad_protocol"}),
    ("not a status", says(b"HTTP/1.1 xyz\r\n\r\n"), {"bad_protocol"}),
    ("bad chunks", says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), {"bad_protocol"}),
    ("bad length", says(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), {"bad_protocol"}),
    ("endless 1xx", endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), {"bad_protocol"}),
    ("endless lines", endless(b"HTTP/1.1 200 OK\r\n", b"X-A: " + b"a" * 500 + b"\r\n"), {"bad_protocol"}),
    ("endless line", endless(b"HTTP/1.1 200 OK\r\nX-A: ", b"a" * 500), {"bad_protocol"}),
    ("endless body", endless(b"HTTP/1.1 200 OK\r\n\r\n", b"a" * 500), {"pass"}),
    ("endless chunk line", endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"a" * 500),
     {"answer_timeout", "bad_protocol"}),
    ("zero bytes", endless(b"", b"\0" * 500), {"bad_protocol"}),
], ids=lambda value: value if isinstance(value, str) else "")
def test_bad_server(prober, name, handle, outcomes):
    with Server(handle) as server:
        start = time.monotonic()
        prober.add(1, server.port, timeout=400, fast_timeout=300)
        result = prober.next(1)
        assert result.outcome in outcomes, result
        assert result.detail
        assert time.monotonic() - start < 3, "the deadline is of the whole probe"
        assert not result.tethered
        assert prober.next(1).outcome in outcomes, "and it goes on"


@pytest.mark.parametrize("kind", [TCP, HTTP])
def test_connect_timeout(prober, kind):
    with listener(backlog=0) as server:
        port = server.getsockname()[1]
        fill = []
        for _ in range(4):  # a full backlog: SYNs go unanswered
            connection = socket.socket()
            connection.setblocking(False)
            connection.connect_ex(("127.0.0.1", port))
            fill.append(connection)
        prober.add(1, port, kind=kind, timeout=300, fast_timeout=200)
        result = prober.next(1)
        assert (result.outcome, result.detail) == ("connect_timeout", "within 300 ms")
        assert 290000 <= result.latency_us < 1000000
        assert prober.next(1).detail == "within 200 ms", "between two states it is the fast one"
        for connection in fill:
            connection.close()


def test_stopped_on_its_tether(prober, nginx):
    """A server that hangs is an answer timeout, also where the connection was there before."""
    prober.add(1, nginx.port, interval=100, timeout=300, fast_timeout=300)
    assert prober.next(1).tethered
    for pid in nginx.worker_pids():
        os.kill(pid, signal.SIGSTOP)
    try:
        assert prober.outcome("answer_timeout", 1)
    finally:
        for pid in nginx.worker_pids():
            os.kill(pid, signal.SIGCONT)
    assert prober.outcome("pass", 1)


@pytest.mark.parametrize("kind", [TCP, HTTP])
def test_no_descriptors_left(kind):
    with Server(serve) as server, Prober(before=["prlimit", "--nofile=200:200", "--"]) as prober:
        for target in range(1, 201):
            prober.add(target, server.port, tether=ON, kind=kind)
        result = prober.outcome("local_error")
        assert (result.error, result.tethered) == (24, False)
        assert {r.outcome for r in prober.results} == {"pass", "local_error"}
        for target in range(1, 201):
            prober.delete(target)
        prober.add(1000, server.port, kind=kind)
        assert prober.next(1000).outcome == "pass"


# ---- tethers ----

def test_tether_is_reused(prober):
    with Server(serve) as server:
        prober.add(1, server.port, interval=20)
        for _ in range(20):
            result = prober.next(1)
            assert (result.outcome, result.tethered) == ("pass", True)
        assert server.connections == 1


@pytest.mark.parametrize("options", [{"tether": OFF}, {"kind": TCP}, {"kind": TCP, "tether": OFF}],
                         ids=["http off", "tcp auto", "tcp off"])
def test_no_tether(prober, options):
    def handle(connection):
        serve(connection)
        ended.append(True)

    ended = []
    with Server(handle) as server:
        prober.add(1, server.port, interval=60000, **options)
        assert not prober.next(1).tethered
        wait_for(lambda: ended, "the connection is closed in the ordinary way")


def test_mute_tether_on_request(prober):
    with Server(never_reads) as server:
        prober.add(1, server.port, kind=TCP, tether=ON, interval=60000)
        assert prober.next(1).tethered
        wait_for(lambda: server.open, "the server has it")
        at = clock_ns()
        server.stop()
        result = prober.next(1)
        assert result.outcome == "refused" and result.cause_ns >= at


def test_killed(prober, nginx):
    for _ in range(5):
        after = len(prober.results)
        prober.add(1, nginx.port, interval=60000)
        assert prober.next(1, after=after).tethered
        first, last = nginx.kill()
        # Between two kills a re-check may still reach the worker that is left.
        result = prober.until(lambda: next((r for r in prober.results[after + 1:] if r.outcome != "pass"), None))
        assert (result.outcome, result.tethered) == ("refused", False)
        assert first < result.cause_ns <= result.at_ns
        assert result.at_ns - last < 10_000_000, "0.2 ms are usual"
        nginx.start()


def test_killed_while_probed(prober, tmp_path):
    """The answer is awaited when the server dies: a look again says that nobody is there."""
    with Server(mute) as server:
        prober.add(1, server.port)
        wait_for(lambda: server.connections, "the request")
        server.stop()
        assert prober.next(1).outcome == "refused"


def test_doubt_while_it_dies(prober):
    """
    The connections go first, the listening socket 20 ms later: not a word before it is clear. (The
    socket takes connections meanwhile and cuts them off.)
    """
    dying = threading.Event()

    def handle(connection):
        if dying.is_set():
            reset(connection)
        else:
            serve(connection)

    with Server(handle) as server:
        prober.add(1, server.port, interval=60000)
        assert prober.next(1).tethered
        dying.set()
        at = clock_ns()
        server.open[0].shutdown(socket.SHUT_RDWR)
        wait_for(lambda: server.connections >= 3, "looks again")
        time.sleep(0.02)
        server.stop()
        result = prober.next(1)
        assert result.outcome == "refused"
        assert at < result.cause_ns < result.at_ns


def test_doubt_ends(prober):
    """A server that cuts off everything is not refusing: after 50 ms that is said, and not before."""
    cutting = threading.Event()

    def handle(connection):
        if cutting.is_set():
            reset(connection)
        else:
            serve(connection)

    with Server(handle) as server:
        prober.add(1, server.port, interval=60000, fast=60000)
        assert prober.next(1).tethered
        cutting.set()
        server.open[0].shutdown(socket.SHUT_RDWR)
        result = prober.next(1)
        assert result.outcome == "reset"
        assert result.at_ns - result.cause_ns > 50_000_000
        assert server.connections < 200


def test_cut_off_again_and_again_is_cheap(prober):
    """Two connections a probe once it is known: the first one and one more look."""
    with Server(reset) as server:
        prober.add(1, server.port, interval=60000, fast=60000, fall=1)
        assert prober.next(1).outcome == "reset"
        before = server.connections
        prober.recheck(1)
        assert prober.next(1).outcome == "reset"
        assert server.connections - before == 2


def test_master_alone(prober, nginx):
    """Workers without their master serve on."""
    prober.add(1, nginx.port, interval=50)
    prober.next(1)
    workers = nginx.worker_pids()
    os.kill(nginx.master.pid, signal.SIGKILL)
    nginx.master.wait()
    try:
        for _ in range(10):
            assert prober.next(1).outcome == "pass"
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
    assert prober.outcome("refused", 1)


def test_worker_alone(prober, nginx):
    prober.add(1, nginx.port, interval=50)
    prober.next(1)
    for pid in nginx.worker_pids():
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: pid not in nginx.worker_pids() and len(nginx.worker_pids()) == 2, "a new worker")
        for _ in range(3):
            assert prober.next(1).outcome == "pass"


def test_idle_closing_server(prober):
    def handle(connection):
        request(connection)
        connection.sendall(OK)

    with Server(handle) as server:
        prober.add(1, server.port, interval=60000)
        result = prober.outcome("tether_off", 1)
        assert not result.tethered
        assert [r.outcome for r in prober.results] == ["pass"] * 4 + ["tether_off"]
        assert server.connections == 4, "the first one, and three re-checks"
        prober.recheck(1)
        result = prober.next(1)
        assert (result.outcome, result.tethered) == ("pass", False)
        assert not prober.drain(0.2), "once"


def test_unasked_bytes_are_a_break(prober):
    def handle(connection):
        request(connection)
        connection.sendall(OK)
        nudge.wait(5)
        if not nudged:
            nudged.append(connection)
            connection.sendall(b"x")
        serve(connection)

    nudge, nudged = threading.Event(), []
    with Server(handle) as server:
        prober.add(1, server.port, interval=60000)
        assert prober.next(1).tethered
        nudge.set()
        result = prober.next(1)
        assert (result.outcome, result.tethered) == ("pass", True)
        assert result.cause_ns and server.connections == 2


def test_no_alarm_is_lost_in_a_crowd(prober, nginx):
    """Many tethers to one server, probes all the time: libcurl may notice a death before our watch does."""
    n = 60
    for target in range(1, n + 1):
        prober.add(target, nginx.port, interval=60000 if target % 2 else 7)
    prober.until(lambda: {r.target for r in prober.results if r.tethered} == set(range(1, n + 1)), 20)
    after = len(prober.results)
    nginx.kill()

    def refused():
        return {r.target for r in prober.results[after:] if r.outcome == "refused"}

    prober.until(lambda: len(refused()) == n)


# ---- commands ----

def test_replaced_spec(prober, nginx):
    """The new one counts at once; of the old one nothing is left, neither a probe nor a connection."""
    with Server(mute) as old:
        prober.add(1, old.port, seq=1, timeout=60000)
        wait_for(lambda: old.connections, "the probe of the old spec")
        prober.add(1, nginx.port, seq=2)
        result = prober.next(1)
        assert (result.outcome, result.seq) == ("pass", 2)
    assert all(r.seq == 2 for r in prober.drain(0.2))


def test_deleted(prober):
    def handle(connection):
        serve(connection)
        ended.append(True)

    ended = []
    prober.until(lambda: prober.heartbeats)
    before = descriptors(prober)
    with Server(handle) as server:
        for target in range(1, 9):
            prober.add(target, server.port, interval=50, tether=ON, kind=HTTP if target % 2 else TCP)
            prober.next(target)
        for target in range(1, 9):
            prober.delete(target)
        prober.delete(1)
        prober.recheck(1)
        prober.until(lambda: prober.heartbeats and prober.heartbeats[-1] == 0)
        wait_for(lambda: len(ended) == server.connections, "all connections are closed")
        assert descriptors(prober) == before
        assert not prober.drain(0.2)


def test_recheck(prober, nginx):
    prober.add(1, nginx.port, interval=60000)
    first = prober.next(1)
    prober.recheck(1)
    result = prober.next(1)
    assert (result.outcome, result.cause_ns) == ("pass", 0)
    assert result.probe_seq > first.probe_seq


def test_recheck_opens_a_connection(prober):
    """Over the tether it could not see that new connections fail."""
    with Server(serve) as server:
        prober.add(1, server.port, interval=60000)
        prober.next(1)
        for connections in (2, 3):
            prober.recheck(1)
            assert prober.next(1).tethered
            assert server.connections == connections
        assert not prober.drain(0.2), "leaving the old tether is no alarm"


def test_recheck_while_probing(prober):
    """The probe in flight began before musterd asked: another one follows."""
    go = threading.Event()

    def handle(connection):
        request(connection)
        go.wait(5)
        connection.sendall(OK)
        serve(connection)

    with Server(handle) as server:
        prober.add(1, server.port, interval=60000)
        wait_for(lambda: server.connections, "the probe")
        prober.recheck(1)
        prober.add(2, server.port, interval=60000)
        wait_for(lambda: server.connections == 2, "the command before it was read")
        go.set()
        prober.until(lambda: len([r for r in prober.results if r.target == 1]) == 2)


def test_intervals(prober, nginx):
    """Fast between two states, slow when down; a pass on the way back is fast again."""
    port = free_port()
    prober.add(1, port, interval=60000, fast=30, down=60000, fall=3, hard=0)
    start = time.monotonic()
    assert [prober.next(1).outcome for _ in range(6)] == ["refused"] * 6, "fast also in the first seconds of down"
    assert time.monotonic() - start < 5
    with contextlib.closing(listener(port)) as server:
        threading.Thread(target=lambda: serve(server.accept()[0]), daemon=True).start()
        for _ in range(2):
            prober.outcome("pass", 1)
        assert not prober.drain(0.3), "up: the long interval"


def test_thousand_targets_are_paced(prober, nginx):
    """1,000 connections a second at most, all served in the end, the heartbeat undisturbed."""
    n = 1500
    start = time.monotonic()
    for target in range(1, n + 1):
        prober.add(target, nginx.port, kind=TCP, interval=60000)
    prober.until(lambda: len({r.target for r in prober.results}) == n, 20)
    assert time.monotonic() - start > (n - 100) / 1000
    assert {r.outcome for r in prober.results} == {"pass"}
    assert len(prober.heartbeats) >= 2


# ---- the process ----

def descriptors(prober):
    return {int(fd) for fd in os.listdir(f"/proc/{prober.pid}/fd")}


def test_heartbeat(prober):
    prober.until(lambda: len(prober.heartbeats) >= 1, 1)
    start = time.monotonic()
    prober.until(lambda: len(prober.heartbeats) >= 3, 5)
    assert time.monotonic() - start > 1.5


def test_end_of_socket_ends_it(prober):
    prober.until(lambda: prober.heartbeats)
    prober.socket.close()
    assert prober.process.wait(2) == 0
    assert prober.process.stderr.read() == ""


@pytest.mark.parametrize("frame,why", [
    (b"x", "shorter than a header"),
    (header(DELETE, 1, version=9), "another version"),
    (header(HEARTBEAT), "not a type"),
    (header(RESULT), "not a type"),
    (header(DELETE, 1) + b"x", "wrong length"),
    (header(ADD, 1, 1), "wrong length"),
    (header(ADD, 1, 1) + spec(80) + b"x", "wrong length"),
    (header(ADD, 1, 1) + spec(80) + b"x" * 10000, "wrong length"),
    (header(ADD, 1, 1) + spec(0), "no port"),
    (header(ADD, 1, 1) + spec(80, path="/a\r\nX: y"), "control character"),
])
def test_bad_command_ends_it(frame, why):
    with Prober() as prober:
        prober.send(frame)
        assert prober.process.wait(5) == 1
        line = prober.process.stderr.read()
        assert line.startswith("level=error event=bad_frame why=") and why in line and line.count("\n") == 1


def test_hard_evidence_first():
    """musterd does not read: the socket is full. What is read then has every death in it, ahead of the rest."""
    with Server(serve) as server, Prober(sndbuf=4096) as prober:
        for target in range(1, 61):
            prober.add(target, server.port, kind=TCP, interval=20, fast=20)
        gone = free_port()
        wait_for(lambda: full(prober), "the socket is full")
        for target in range(101, 111):
            prober.add(target, gone, interval=20, fast=60000, down=60000)
        # Commands are read in order, and a probe of this one ends after those before it began.
        with Server(serve) as last:
            prober.add(200, last.port, interval=60000)
            wait_for(lambda: last.connections, "all were probed")
            time.sleep(0.2)
            prober.until(lambda: {r.target for r in prober.results if r.outcome == "refused"} == set(range(101, 111)))
        order = [r.target for r in prober.results]
        waiting = order[order.index(101):]
        assert set(waiting[:10]) == set(range(101, 111)), "no other result between or before them in the queue"


def full(prober):
    """Nothing new arrives in the socket although probes go on: its queue has stopped growing."""
    before = queued(prober)
    time.sleep(0.1)
    return before and queued(prober) == before


def queued(prober):
    import array
    import fcntl
    import termios
    n = array.array("i", [0])
    fcntl.ioctl(prober.socket.fileno(), termios.FIONREAD, n)
    return n[0]


def status(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def test_sandbox(nginx):
    before = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
    program = shutil.copy(BUILD / "muster-prober", nginx.dir / "muster-prober")
    os.chmod(program, 0o755)
    for directory in (nginx.dir, *nginx.dir.parents):
        if str(directory).startswith("/tmp/pytest"):
            os.chmod(directory, 0o755)
    with open(os.devnull) as extra, Prober(before=before, program=program) as prober:
        prober.add(1, nginx.port)
        assert prober.next(1).outcome == "pass"
        fields = status(prober.pid)
        assert (fields["Seccomp"], fields["NoNewPrivs"]) == ("2", "1")
        assert fields["Uid"].split() == ["65534"] * 4
        for name in ("CapPrm", "CapEff", "CapInh", "CapAmb"):
            assert int(fields[name], 16) == 0
        limits = pathlib.Path(f"/proc/{prober.pid}/limits").read_text()
        assert [line.split()[4:6] for line in limits.splitlines() if line.startswith("Max core")] == [["0", "0"]]
        soft, hard = [line.split()[3:5] for line in limits.splitlines() if line.startswith("Max open files")][0]
        assert soft == hard
        assert extra


def test_root_keeps_no_capabilities(prober):
    prober.until(lambda: prober.heartbeats)
    fields = status(prober.pid)
    assert int(fields["CapEff"], 16) == int(fields["CapPrm"], 16) == 0


def test_inherited_descriptors_are_closed():
    """Whatever musterd had open is not for this process."""
    with Prober(before=["bash", "-c", 'exec "$0" "$@" 5000>&1']) as prober:
        prober.until(lambda: prober.heartbeats)
        assert SOCKET_FD in descriptors(prober) and 5000 not in descriptors(prober)


def test_working_page():
    """Zero unless the answer of a target is being read; its size decides whether it is used at all."""
    page = os.memfd_create("working")
    os.ftruncate(page, 4)
    with Server(serve) as server, Prober(working=page) as prober:
        prober.add(77, server.port)
        assert prober.next(77).outcome == "pass"
        assert os.pread(page, 4, 0) == b"\0\0\0\0"
    os.close(page)


def test_documented():
    """docs/health.md has the table of outcomes as the code has it."""
    strengths = {"PASS": "pass", "HARD": "hard", "SOFT": "soft", "LOCAL": "local"}
    rows = re.findall(r'^\s*O\((\w+),\s+(\w+),\s+"([^"]+)"\)', (ROOT / "ctl/core/probe.h").read_text(), re.M)
    assert len(rows) > 10
    text = (ROOT / "docs/health.md").read_text()
    for name, strength, meaning in rows:
        assert f"| `{name}` | {strengths[strength]} | {meaning} |" in text


def test_started_by_hand():
    result = subprocess.run([BUILD / "muster-prober"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert result.returncode == 2 and "started by musterd" in result.stderr
    assert subprocess.run([BUILD / "muster-prober", "--bogus"], capture_output=True).returncode == 2
