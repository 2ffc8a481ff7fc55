#!/usr/bin/python3
"""SIGKILL of a whole nginx to the rewritten table, 100 times on an otherwise idle machine.

The time starts before the kill of nginx's last process and ends with the last store into the tables, both
on CLOCK_MONOTONIC. Appends a JSON line to the file named as the first argument.
"""
import json
import os
import pathlib
import shutil
import statistics
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from rig import Decap, Musterd, Nginx, Rig, backend_host  # noqa: E402

TRIALS = int(os.environ.get("BENCH_KILLS", 100))
VIP = "198.18.0.100"


def trials(rig):
    lb = rig.add_host("lb", 1)
    backends = {}
    for n in range(1, 5):
        host = backend_host(rig, f"b{n}", 10 + n, [VIP])
        Decap(host, VIP)
        backends[host.name] = Nginx(host)
    musterd = Musterd(lb)
    lines = "\n".join(f"  - {{name: {n}, address: {x.host.v4}}}" for n, x in backends.items())
    musterd.manifest("web", f"apiVersion: muster/v1\nkind: Vip\nname: web\naddresses: [{VIP}]\nports: [80]\nmode: ipip\n"
                            f"checks: {{web: {{type: http, path: /health}}}}\nbackends:\n{lines}\n")
    musterd.start()
    musterd.wait_usable("web", 4)
    times = []
    for i in range(TRIALS):
        name = f"b{i % 4 + 1}"
        mark = musterd.mark()
        killed = backends[name].kill()
        event = musterd.wait_event("health", since=mark, backend=f"web/{name}", to="unreachable")
        times.append(max(0, int(event["commit_ns"]) - killed) / 1e6)
        backends[name].start()
        musterd.wait_event("health", since=mark, backend=f"web/{name}", to="up")
    return sorted(times)


def main():
    if os.geteuid():
        sys.exit("bench_kill: needs root")
    directory = tempfile.mkdtemp(prefix="muster-bench-")
    os.chmod(directory, 0o755)
    try:
        with Rig("mbk-", directory) as rig:
            times = trials(rig)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    p50, p99 = statistics.median(times), times[int(0.99 * (len(times) - 1))]
    print(f"{'SIGKILL of a whole nginx to commit':36s} p50 {p50:.3f}  p99 {p99:.3f}  min {times[0]:.3f}  "
          f"max {times[-1]:.3f} ms, {len(times)} trials")
    if len(sys.argv) > 1:
        with open(sys.argv[1], "a") as out:
            out.write(json.dumps({"bench": "kill", "case": "SIGKILL to commit", "unit": "ms", "median": p50,
                                  "min": times[0], "max": times[-1], "trials": len(times), "p99": p99}) + "\n")


if __name__ == "__main__":
    main()
