"""Servers and load of build/tests/streams in the hosts of a Rig, and backends made of them."""
import json
import os
import signal
import subprocess

from judge import judge, verdict
from rig import BUILD, Decap, backend_host, clock_ns, wait_for

PORT, HEALTH = 80, 81
FIRST = ["b1", "b2", "b3", "b4", "b5", "b6"]  # of the backends of a Farm, in the pool at first


def setting(name, default):
    """A number from the environment."""
    return int(os.environ.get(name) or default)


STREAMS = setting("MUSTER_STREAMS", 5000)


class StreamServer:
    """Answers with the host's name; its health can be switched while it serves."""

    def __init__(self, host):
        self.host, self.process = host, None
        self.start()

    def start(self):
        self.process = self.host.popen(BUILD / "tests/streams", "serve", "::", PORT, "--id", self.host.name,
                                       "--health", HEALTH, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError(f"streams does not serve in {self.host.name}")
        return self

    def set_health(self, status):
        self.process.send_signal(signal.SIGUSR2 if status == 200 else signal.SIGUSR1)

    def streams(self):
        """How many it has, also those whose clients were told by another backend that they are over."""
        return self.host.run("ss", "-Htn", "state", "established", f"sport = :{PORT}").stdout.count("\n")

    def abort_streams(self):
        self.process.send_signal(signal.SIGHUP)
        wait_for(lambda: not self.streams(), f"no stream in {self.host.name}")

    def kill(self):
        """Returns the times before and after."""
        begin = clock_ns()
        self.process.kill()
        self.process.wait(10)
        self.host.rig.processes.remove(self.process)
        return begin, clock_ns()


class StreamLoad:
    """Long-lived and short connections from a host; see tests/lib/streams_load.c."""

    def __init__(self, host, vips, connections, rate=200, sources=(), **options):
        argv = [BUILD / "tests/streams", "load", ",".join(vips), PORT, "--connections", connections, "--rate", rate]
        self.ports = options.get("ports", "20000-29999")
        for name, value in options.items():
            argv += [f"--{name}", value]
        if sources:
            argv += ["--from", ",".join(sources)]
        self.connections = connections
        self.process = host.popen(*argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def status(self):
        self.process.stdin.write("status\n")
        return json.loads(self.process.stdout.readline())

    def open_on(self, name):
        return self.status()["servers"].get(name, {"open": 0})["open"]

    def opened(self, name, since_ns):
        """The connections to a server that began later."""
        self.process.stdin.write(f"opened {name} {since_ns}\n")
        return json.loads(self.process.stdout.readline())

    def settled(self):
        """All are open and their servers known."""
        status = self.status()
        return status["open_long"] == self.connections and \
            sum(row["open"] for row in status["servers"].values()) >= self.connections

    def wait_settled(self, timeout=30):
        wait_for(self.settled, f"{self.connections} long-lived connections", timeout, step=0.05)

    def wait_exchanges(self, n, timeout=30):
        """Until so many more exchanges are verified."""
        target = self.status()["totals"]["exchanges"] + n
        wait_for(lambda: self.status()["totals"]["exchanges"] >= target, f"{n} exchanges", timeout, step=0.05)

    def close(self, name):
        """Ends the connections to a server in good order; returns when there are none."""
        self.process.stdin.write(f"close {name}\n")
        wait_for(lambda: not self.open_on(name), f"no connection on {name}", 20, step=0.02)

    def kill(self):
        self.process.kill()
        self.process.wait(10)

    def stop(self):
        """The report."""
        self.process.stdin.close()
        report = self.process.stdout.read()
        self.process.wait(10)
        return json.loads(report)


class Farm:
    """A client with two addresses of each family, the balancer's host and backends that serve streams.

    Each load has ports of its own: a server that was killed, or that a client left without a word, answers a SYN
    of the old ports with an ACK for a while, and it takes a reset and another SYN to be heard.
    """

    def __init__(self, rig, vips, n):
        self.rig, self.vips, self.loads = rig, vips, 0
        self.client = rig.add_host("client", 200)
        self.sources = [self.client.v4, self.client.v6, "198.18.0.201", "2001:db8::c9"]
        for address in self.sources[2:]:
            plen = 64 if ":" in address else 24
            self.client.run("ip", "addr", "add", f"{address}/{plen}", "dev", "eth0", *(["nodad"] if plen == 64 else []))
        self.lb = rig.add_host("lb", 1)
        self.hosts, self.servers = {}, {}
        for number in range(1, n + 1):
            host = backend_host(rig, f"b{number}", 10 + number, vips)
            self.hosts[host.name] = host
            self.servers[host.name] = StreamServer(host)
            Decap(host, *vips)

    def restore(self):
        """Every server runs, is healthy and has forgotten the test before."""
        for server in self.servers.values():
            if server.process.poll() is not None:
                server.start()
            server.set_health(200)
            server.abort_streams()

    def vips_of(self, mode):
        """l2dsr keeps the family, and backends have IPv4 addresses."""
        return self.vips[:1] if mode == "l2dsr" else self.vips

    def manifest(self, names, mode="ipip", weights=None):
        """A VIP of both families over these backends. Found quickly: the tests wait for it."""
        checks = (f"  alive: {{type: tcp, port: {PORT}, interval: 100ms, fast: 50ms, down: 50ms}}\n"
                  f"  health: {{type: http, port: {HEALTH}, path: /health, interval: 100ms, fast: 50ms, down: 50ms, fall: 2}}\n")
        rows = "".join(f"  - {{name: {name}, address: {self.hosts[name].v4}, weight: {(weights or {}).get(name, 100)}}}\n"
                       for name in names)
        vips = ", ".join(f'"{vip}"' for vip in self.vips_of(mode))
        return (f"apiVersion: muster/v1\nkind: Vip\nname: web\naddresses: [{vips}]\nports: [{PORT}]\nmode: {mode}\n"
                f"checks:\n{checks}backends:\n{rows}")

    def load(self, connections, mode="ipip", **options):
        first = 10000 + 9000 * (self.loads % 6)
        self.loads += 1
        return StreamLoad(self.client, self.vips_of(mode), connections, sources=self.sources,
                          ports=f"{first}-{first + 8999}", **options)


def cpu_busy(since=None):
    """(busy, all) jiffies of the machine; with an earlier value the share that was busy since."""
    with open("/proc/stat") as stat:
        fields = [int(n) for n in stat.readline().split()[1:9]]
    now = (sum(fields) - fields[3] - fields[4], sum(fields))
    if since is None:
        return now
    return (now[0] - since[0]) / max(1, now[1] - since[1])


def show(report, busy, losses=(), changes=()):
    """Prints the figures; what is wrong, as lines of text."""
    totals = report["totals"]
    without, excused = judge(report, losses)
    shares = ", ".join(f"{name} {row['long']}+{row['short']}" for name, row in sorted(report["servers"].items()))
    print(f"{totals['long']} long and {totals['short']} short connections, {totals['exchanges']} exchanges, "
          f"{totals['bytes']} bytes verified\n  by server, long+short: {shares}\n  broken: {len(excused)} with an excuse, "
          f"{len(without)} without\n  CPU: load {totals['cpu_ms']} ms, machine {100 * busy:.0f} % busy")
    wrong = verdict(report, losses, changes)
    print("\n".join(wrong))
    return wrong
