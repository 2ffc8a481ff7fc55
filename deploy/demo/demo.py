#!/usr/bin/python3
"""The main job, for real: clients, the balancer and four nginx backends in network namespaces.

Shows what happens as it happens, claims what it measured at the end, and exits non-zero if a claim did
not hold. Results for programs: build/demo.json.
"""
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests/lib"))
from rig import BUILD, Decap, Load, Musterd, Nginx, Rig, backend_host, clock_ns, wait_for  # noqa: E402

RATE = float(os.environ.get("DEMO_RATE", 600))
KILLS = int(os.environ.get("DEMO_KILLS", 24))
VIPS = {"ipip4": "198.18.0.100", "ipip6": "2001:db8::64", "l2dsr4": "198.18.0.101", "l2dsr6": "2001:db8::65"}
STALL_US = 500_000

CHECK = "{web: {type: http, path: /health, interval: 1s}}"


def manifest(weights=None, names=("b1", "b2", "b3", "b4")):
    """All VIPs over two pools (one per family); weights by backend name."""
    weights = weights or {}
    docs = []
    for family, base in (("4", "198.18.0.1{}"), ("6", "2001:db8::1{}")):
        backends = "\n".join(f'  - {{name: {n}, address: "{base.format(n[1])}", port: 80, weight: {weights.get(n, 100)}}}'
                             for n in names)
        docs.append(f"apiVersion: muster/v1\nkind: Pool\nname: web{family}\nchecks: {CHECK}\nbackends:\n{backends}\n")
        for mode in ("ipip", "l2dsr"):
            docs.append(f'apiVersion: muster/v1\nkind: Vip\nname: {mode}{family}\naddresses: ["{VIPS[mode + family]}"]\n'
                        f"ports: [80]\nmode: {mode}\npool: web{family}\n")
    return "---\n".join(docs)


class Demo:
    def __init__(self, rig):
        self.rig = rig
        self.claims, self.result = [], {}
        self.started = time.monotonic()

    def say(self, text):
        print(f"[{time.monotonic() - self.started:5.1f} s] {text}", flush=True)

    def claim(self, ok, text):
        self.claims.append((bool(ok), text))
        self.say(f"{'   ok:' if ok else 'FAILED:'} {text}")

    # ---- the stage ----

    def build(self):
        rig = self.rig
        self.client = rig.add_host("client", 200)
        self.lb = rig.add_host("lb", 1)
        self.backends = {}
        for number in range(1, 5):
            name = f"b{number}"
            host = backend_host(rig, name, 10 + number, VIPS.values())
            # Names of IPv6 backends end in the same digits as those of IPv4: 2001:db8::11.
            host.run("ip", "addr", "add", f"2001:db8::1{number}/64", "dev", "eth0", "nodad")
            Decap(host, *VIPS.values())
            self.backends[name] = Nginx(host)
        self.musterd = Musterd(self.lb)
        self.musterd.manifest("web", manifest())
        self.musterd.start()
        for vip in VIPS:
            self.musterd.wait_usable(vip, 4)
        self.targets = [f"[{a}]:80" if ":" in a else f"{a}:80" for a in VIPS.values()]
        self.say(f"client, balancer, 4 backends (nginx, 2 workers each); VIPs: "
                 + ", ".join(f"{n} {a}" for n, a in VIPS.items()))

    def load(self):
        return Load(self.client, RATE, self.targets)

    def served(self, load, n):
        wait_for(lambda: len(load.rows) >= n, f"{n} requests served", 30)

    @staticmethod
    def failures(rows, since=0, until=1 << 63):
        return [r for r in rows if since <= r[0] < until and (r[4] != "ok" or r[3] > STALL_US)]

    # ---- the acts ----

    def distribution(self):
        self.say(f"open-loop load: {RATE:.0f} new connections/s over 4 VIPs")
        load = Load(self.client, 2 * RATE, self.targets, 20000, 1000)
        self.served(load, 4000)
        rows = load.stop()
        counts = {n: sum(r[5] == n for r in rows) for n in self.backends}
        mean = sum(counts.values()) / len(counts)
        shares = {}
        for row in self.musterd.json("backend", "list", "web4")["backends"]:
            shares[row["name"]] = row["share"]
        ratio = max(counts.values()) / mean
        for name, count in counts.items():
            self.say(f"        {name}: {count:5d} connections, {count / mean:6.3f} of the mean; "
                     f"{100 * shares[name]:.2f} % of the ring (ideal 25)")
        self.result["distribution_max_over_mean"] = round(ratio, 4)
        # Hashing 4000 distinct connections onto equal shares: the sampling noise is about 3 %.
        self.claim(ratio < 1.10, f"distribution: the busiest backend has {ratio:.3f} of the mean")
        self.claim(max(shares.values()) < 0.2525, f"ring: the largest share is {100 * max(shares.values()):.2f} %")
        self.claim(not self.failures(rows), f"{len(rows)} requests, none failed")
        self.result["requests"] = len(rows)
        self.home = {(r[1], r[2]): r[5] for r in rows}

    def kills(self):
        self.say(f"kill -9 of a whole nginx under load, {KILLS} times")
        times, all_failed, foreign = [], 0, 0
        load = self.load()
        names = list(self.backends)
        for i in range(KILLS):
            name = names[i % len(names)]
            nginx = self.backends[name]
            mark, rows_before = self.musterd.mark(), len(load.rows)
            killed = nginx.kill()
            commits = []
            for pool in ("web4", "web6"):
                event = self.musterd.wait_event("health", since=mark, backend=f"{pool}/{name}", to="unreachable")
                commits.append(int(event["commit_ns"]))
            last = max(commits)
            times.append(max(0.0, (last - killed) / 1e6))
            served = len(load.rows)
            self.served(load, served + int(RATE * 0.25))
            nginx.start()
            for pool in ("web4", "web6"):
                self.musterd.wait_event("health", since=mark, backend=f"{pool}/{name}", to="up")
            failed = self.failures(load.rows[rows_before:])
            # The home of each (VIP, source port) is known from the quiet run: hashing is stateless.
            wrong = [r for r in failed if self.home.get((r[1], r[2])) != name]
            late = [r for r in failed if r[0] > last + 1_000_000]
            all_failed += len(failed)
            foreign += len(wrong) + len([r for r in late if r not in wrong])
            self.say(f"        {i + 1:2d}: {name} dead -> both tables rewritten in {times[-1]:6.3f} ms, "
                     f"{len(failed)} requests failed")
        rows = load.stop()
        times.sort()
        p = {"p50": statistics.median(times), "p99": times[min(len(times) - 1, int(0.99 * len(times)))], "max": times[-1]}
        self.result["failover_ms"] = {k: round(v, 4) for k, v in p.items()}
        self.result["requests"] += len(rows)
        self.result["requests_failed"] = all_failed
        self.say(f"        kill to commit: p50 {p['p50']:.3f} ms, p99 {p['p99']:.3f} ms, max {p['max']:.3f} ms")
        self.claim(foreign == 0, f"{len(rows)} requests, {all_failed} failed, all of them on the backend being killed")

    def non_events(self):
        mark = self.musterd.mark()
        load = self.load()
        nginx = self.backends["b2"]
        worker = nginx.worker_pids()[0]
        os.kill(worker, signal.SIGKILL)
        wait_for(lambda: worker not in nginx.worker_pids() and len(nginx.worker_pids()) == 2, "a new worker")
        self.served(load, int(RATE))
        # A worker takes the connections with it that it was serving; the backend stays.
        in_flight = self.failures(load.rows)
        os.kill(nginx.master.pid, signal.SIGKILL)
        nginx.master.wait(10)
        self.served(load, int(2 * RATE))
        rows = load.stop()
        events = self.musterd.events("health", since=mark)
        self.claim(not events, f"one worker killed, then the master alone: no event "
                               f"({len(in_flight)} requests died with the worker)")
        self.result["requests"] += len(rows)
        with_master_gone = [int(p) for p in self._orphans(nginx)]
        for pid in with_master_gone:
            os.kill(pid, signal.SIGKILL)
        for pool in ("web4", "web6"):
            self.musterd.wait_event("health", since=mark, backend=f"{pool}/b2", to="unreachable")
        nginx.start()
        for pool in ("web4", "web6"):
            self.musterd.wait_event("health", since=mark, backend=f"{pool}/b2", to="up")
        self.say("        b2 is back, and served after its first passes")

    @staticmethod
    def _orphans(nginx):
        for path in pathlib.Path("/proc").iterdir():
            if path.name.isdigit():
                try:
                    if str(nginx.dir) in os.readlink(path / "cwd") or \
                            any(str(nginx.dir) in os.readlink(f) for f in (path / "fd").iterdir()):
                        if (path / "comm").read_text().strip() == "nginx":
                            yield path.name
                except OSError:
                    continue

    def drain(self):
        downloads = [threading.Thread(target=self._download, args=(i,)) for i in range(16)]
        self.broken = 0
        for thread in downloads:
            thread.start()
        time.sleep(0.5)
        load = self.load()
        for pool in ("web4", "web6"):
            self.musterd.cli("backend", "drain", f"{pool}/b3")
        at = clock_ns()
        self.served(load, int(RATE))
        rows = load.stop()
        for thread in downloads:
            thread.join()
        self.result["requests"] += len(rows)
        self.result["broken_on_drain"] = self.broken
        after = [r for r in rows if r[0] > at]
        self.claim(after and not any(r[5] == "b3" for r in after), "drain of b3: no new connection goes there")
        self.claim(self.broken == 0, f"of 16 running downloads {self.broken} broke")
        for pool in ("web4", "web6"):
            self.musterd.cli("backend", "enable", f"{pool}/b3")

    def _download(self, i):
        with self.client.entered():
            sock = socket.create_connection((VIPS["ipip4"], 80), timeout=5)
        try:
            sock.sendall(b"GET /slow HTTP/1.0\r\n\r\n")
            total = 0
            until = time.monotonic() + 3
            while time.monotonic() < until:
                data = sock.recv(65536)
                if not data:
                    break
                total += len(data)
            if total < 200_000:
                self.broken += 1
        except OSError:
            self.broken += 1
        finally:
            sock.close()

    def weight(self):
        before = {r["name"]: r["share"] for r in self.musterd.json("backend", "list", "web4")["backends"]}
        self.musterd.cli("backend", "weight", "web4/b1", "300")
        after = {r["name"]: r["share"] for r in self.musterd.json("backend", "list", "web4")["backends"]}
        self.claim(abs(after["b1"] - 0.5) < 0.01,
                   f"weight of b1 100 -> 300: its share of the ring {100 * before['b1']:.1f} -> {100 * after['b1']:.1f} %")
        self.musterd.cli("backend", "weight", "web4/b1", "100")

    def one_generation(self):
        generation = self.musterd.json("status")["generation"]
        load = self.load()
        self.served(load, int(RATE / 4))
        mark = self.musterd.mark()
        self.musterd.manifest("web", manifest(names=("b1", "b2")))
        self.musterd.reload()
        commit = int(self.musterd.wait_event("commit", since=mark)["commit_ns"])
        self.served(load, len(load.rows) + int(RATE / 2))
        rows = load.stop()
        self.result["requests"] += len(rows)
        now = self.musterd.json("status")["generation"]
        stragglers = [r for r in rows if r[0] > commit and r[5] in ("b3", "b4")]
        self.claim(now == generation + 1 and not stragglers,
                   f"all 4 VIPs changed in one generation ({generation} -> {now}): "
                   f"not one request after the commit saw the old tables")
        text = self.musterd.reload().stdout.strip()
        self.claim("unchanged" in text, "the same manifests again: unchanged, no new generation")
        self.musterd.manifest("web", manifest())
        self.musterd.reload()
        for vip in VIPS:
            self.musterd.wait_usable(vip, 4)

    def restart(self):
        load = self.load()
        self.served(load, int(RATE / 4))
        before = self.client.tcp_retransmits()
        generation = self.musterd.json("status")["generation"]
        self.musterd.kill()
        self.say("        musterd killed -9; the kernel goes on forwarding")
        self.served(load, len(load.rows) + int(RATE))
        self.musterd.start()
        self.served(load, len(load.rows) + int(RATE))
        rows = load.stop()
        lost = self.client.tcp_retransmits() - before
        status = self.musterd.json("status")
        failed = self.failures(rows)
        self.result["requests"] += len(rows)
        self.result["packets_lost_on_restart"] = lost + len(failed)
        self.claim(lost == 0 and not failed,
                   f"musterd killed -9 and restarted under {len(rows)} requests: no packet lost, none failed, "
                   f"generation {generation} adopted as {status['generation']}")

    def finish(self):
        ok = all(held for held, _ in self.claims)
        self.result["ok"] = ok
        pathlib.Path(BUILD).mkdir(exist_ok=True)
        (BUILD / "demo.json").write_text(json.dumps(self.result, indent=2) + "\n")
        print("\nwhat was claimed                                                              held")
        for held, text in self.claims:
            print(f"  {text[:100]:100s} {'yes' if held else 'NO'}")
        failover = self.result.get("failover_ms", {})
        print(f"\n{self.result['requests']} requests, {self.result['requests_failed']} failed in {KILLS} kills; "
              f"kill to commit p50 {failover['p50']} ms, p99 {failover['p99']} ms, max {failover['max']} ms")
        print(f"{time.monotonic() - self.started:.0f} s; results in build/demo.json")
        return ok

    def play(self):
        self.build()
        print(self.musterd.cli("status").stdout)
        for act in (self.distribution, self.kills, self.non_events, self.drain, self.weight, self.one_generation,
                    self.restart):
            act()
        return self.finish()


def main():
    if os.geteuid():
        print("make demo makes network namespaces: run it as root", file=sys.stderr)
        return 3
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(130))
    directory = tempfile.mkdtemp(prefix="muster-demo-")
    os.chmod(directory, 0o755)
    try:
        with Rig("muster-demo-", directory) as rig:
            return 0 if Demo(rig).play() else 1
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
