"""Connections survive change: thousands of verified streams while the pool is changed at random.

MUSTER_STREAMS (5000), MUSTER_CHANGES (200), MUSTER_SEED (random; printed, to repeat a run).
"""
import secrets

import pytest
from changes import Changes
from judge import Loss, judge, verdict
from streams import FIRST, STREAMS, cpu_busy, setting, show

CHANGES = setting("MUSTER_CHANGES", 200)


@pytest.mark.parametrize("mode", ["ipip", "l2dsr"])
def test_nothing_breaks_without_a_change(started, mode):
    _, load = started(mode)
    since = cpu_busy()
    load.wait_exchanges(2 * STREAMS)
    busy = cpu_busy(since)
    report = load.stop()
    assert not show(report, busy)
    assert set(report["servers"]) == set(FIRST)
    assert report["totals"]["closed_long"] == report["totals"]["long"] == STREAMS


def test_a_kill_breaks_its_own_and_no_other(farm, started):
    """And that they are seen, each of them."""
    _, load = started("ipip")
    had = load.open_on("b1")
    kill = Loss("b1", *farm.servers["b1"].kill())
    load.wait_settled()
    load.wait_exchanges(2 * STREAMS)
    report = load.stop()
    assert not verdict(report, [kill])
    own = [row for row in report["broken"] if row["server"] == "b1"]
    assert abs(len(own) - had) < 50 and had > STREAMS / 12, "short ones came and went meanwhile"
    assert len(judge(report, [])[0]) == len(report["broken"]) >= len(own)


# With the settle time of every day, slots move for the whole of the test; with a short one they come to rest
# again and again. Each connection is heard of more often than that.
@pytest.mark.parametrize("started", ["", "settle: {tcp: 5s}\n"], ids=["settle_default", "settle_5s"], indirect=True)
def test_random_changes_break_nothing(farm, started, capsys):
    """Every connection whose server was neither killed, disabled nor cut off lives on, byte for byte."""
    seed = setting("MUSTER_SEED", secrets.randbelow(1 << 32))
    with capsys.disabled():
        print(f"\nMUSTER_SEED={seed} MUSTER_CHANGES={CHANGES} MUSTER_STREAMS={STREAMS}")
    musterd, load = started("ipip")
    changes = Changes(farm, musterd, load, seed, FIRST)
    since = cpu_busy()
    try:
        changes.run(CHANGES)
        changes.restore()
        load.wait_settled()
        load.wait_exchanges(2 * STREAMS)
    finally:
        busy = cpu_busy(since)
        report = load.stop()
        with capsys.disabled():
            print(f"{sum(changes.counts.values())} changes: {dict(changes.counts.most_common())}")
            wrong = show(report, busy, changes.losses, changes.log) + changes.misplaced
    assert not wrong, f"MUSTER_SEED={seed}\n" + "\n".join(wrong)
    missing = set(changes.listed) - {name for name, row in report["servers"].items() if row["long"] + row["short"]}
    assert not missing, "every backend has had connections"
