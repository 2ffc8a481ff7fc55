"""The demo itself: it holds what it claims, and leaves nothing behind, also when it is interrupted."""
import json
import os
import pathlib
import signal
import subprocess
import time

from rig import BUILD, ROOT, run, wait_for

DEMO = ROOT / "deploy/demo/demo.py"
PREFIX = "muster-demo-"


def leftovers():
    """Namespaces, mounts and processes of a demo."""
    found = [line for line in run("ip", "netns", "list").stdout.splitlines() if line.startswith(PREFIX)]
    found += [line for line in pathlib.Path("/proc/mounts").read_text().splitlines() if PREFIX in line]
    for path in pathlib.Path("/proc").iterdir():
        try:
            if path.name.isdigit() and PREFIX.encode() in (path / "cmdline").read_bytes():
                found.append((path / "cmdline").read_bytes().decode().replace("\0", " "))
        except OSError:
            continue
    return found


def start(log):
    return subprocess.Popen(["/usr/bin/python3", DEMO], stdout=log, stderr=subprocess.STDOUT,
                            env={**os.environ, "DEMO_KILLS": "4"})


def test_interrupted_halfway(tmp_path):
    with open(tmp_path / "log", "w") as log:
        demo = start(log)
        wait_for(lambda: "kill -9 of a whole nginx" in (tmp_path / "log").read_text(), "the middle of the demo", 60)
        time.sleep(0.5)
        demo.send_signal(signal.SIGINT)
        assert demo.wait(30) == 130
    wait_for(lambda: not leftovers(), "nothing left", 10, 0.1)


def test_whole(tmp_path):
    with open(tmp_path / "log", "w") as log:
        status = start(log).wait(180)
    assert status == 0, (tmp_path / "log").read_text()[-3000:]
    result = json.loads((BUILD / "demo.json").read_text())
    assert result["ok"] and result["packets_lost_on_restart"] == 0
    assert result["failover_ms"]["p50"] < 10, "promised: about a millisecond; asserted at ten times that"
    for key in ("requests", "requests_failed", "broken_on_drain", "distribution_max_over_mean"):
        assert key in result
    assert not leftovers()
