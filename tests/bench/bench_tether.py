#!/usr/bin/python3
"""From SIGKILL of the last process of an nginx to the prober's "refused": bench_tether.py [KILLS] [TARGETS] [WORKERS].

TARGETS - 1 other tethers, to an nginx that lives, keep the prober as busy as it would be. One row of JSON
with microseconds, all of one clock:

known   from the last kill() until the prober knows; that the kernel ends the process is part of it
read    likewise until its frame is read here
cause   from the end of the tether until the prober knows; that the listening socket outlives it is part
"""
import contextlib
import json
import math
import pathlib
import sys
import tempfile

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / part) for part in ("e2e", "lib")]
from prober_wire import Prober, clock_ns  # noqa: E402
from test_prober import LocalNginx  # noqa: E402


def percentile(values, p):
    return sorted(values)[math.ceil(len(values) * p / 100) - 1]


def summary(values):
    return {"min": min(values), "p50": percentile(values, 50), "p90": percentile(values, 90),
            "p99": percentile(values, 99), "max": max(values)}


def one_kill(prober, nginx, target):
    prober.add(target, nginx.port, interval=60000)
    if not prober.next(target, after=0).tethered:
        raise RuntimeError("no tether")
    _, killed = nginx.kill()
    result = prober.outcome("refused", target)
    read = clock_ns()
    prober.delete(target)
    nginx.start()
    return {"known": result.at_ns - killed, "read": read - killed, "cause": result.at_ns - result.cause_ns}


def main(kills=50, targets=1, workers=2):
    times = {"known": [], "read": [], "cause": []}
    with contextlib.ExitStack() as stack:
        prober = stack.enter_context(Prober())
        directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-tether-")))
        directory.chmod(0o755)
        for name in ("dies", "lives"):
            (directory / name).mkdir()
        dies = stack.enter_context(LocalNginx(directory / "dies", workers))
        lives = stack.enter_context(LocalNginx(directory / "lives", connections=targets + 100))
        for target in range(1, targets):
            prober.add(target, lives.port)
        prober.until(lambda: len({r.target for r in prober.results}) == targets - 1, 5 + targets / 500)
        for i in range(kills):
            for name, ns in one_kill(prober, dies, 1000000 + i).items():
                times[name].append(ns // 1000)
    print(json.dumps({"bench": "tether", "kills": kills, "targets": targets, "workers": workers, "unit": "us",
                      **{name: summary(values) for name, values in times.items()}}))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
