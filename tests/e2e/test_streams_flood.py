"""Floods of forged segments beside thousands of verified streams: nothing fills, nothing moves.

MUSTER_STREAMS (5000), MUSTER_FLOOD (50000 segments a second).
"""
import subprocess

import pytest
from conftest import VIP4
from judge import judge
from rig import BUILD, clock_ns, wait_for
from streams import FIRST, PORT, STREAMS, cpu_busy, setting, show

RATE = setting("MUSTER_FLOOD", 50000)
MILLION = 1 << 20
STRANGERS = ("10.64.0.0", MILLION, 1024, 60000)


@pytest.fixture(scope="module")
def attacker(farm):
    return farm.rig.add_host("attacker", 210)


class Flood:
    def __init__(self, attacker, lb, kinds, sources=STRANGERS, rate=RATE):
        self.process = attacker.popen(BUILD / "tests/flood", attacker.iface, lb.mac(), VIP4, PORT, rate, kinds, *sources,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def stop(self):
        """How many were sent."""
        return int(self.process.communicate(timeout=10)[0])


def syns(musterd):
    """How many muster has seen."""
    return musterd.json("vip", "show", "web")["new_flows"]


def test_syn_flood_breaks_nothing(farm, started, attacker, capsys):
    """A million sources, each with a SYN: there is no table to fill while nothing changes."""
    musterd, load = started()
    before, since = syns(musterd), cpu_busy()
    flood = Flood(attacker, farm.lb, "syn")
    wait_for(lambda: syns(musterd) - before > MILLION, "a SYN of every source", 90, step=0.1)
    load.wait_exchanges(STREAMS)
    busy, sent = cpu_busy(since), flood.stop()
    report = load.stop()
    with capsys.disabled():
        print(f"\n{sent} forged SYNs")
        assert not show(report, busy)
    assert report["totals"]["closed_long"] == report["totals"]["long"] == STREAMS


def moves(farm, musterd, load):
    """Changes that move slots, about a second apart; each connection is heard of between two or three of them."""
    for step in ([("drain", "b1")], [("weight", "b2", 25), ("weight", "b3", 300)], [("enable", "b1"), ("drain", "b4")],
                 [("weight", "b2", 400), ("weight", "b3", 50)], [("enable", "b4"), ("weight", "b5", 10)]):
        for verb, name, *args in step:
            musterd.cli("backend", verb, f"web/{name}", *args)
        load.wait_exchanges(STREAMS)
    musterd.manifest("web", farm.manifest(FIRST + ["b7", "b8"]))
    musterd.reload()
    musterd.wait_usable("web", len(FIRST) + 2)
    load.wait_exchanges(2 * STREAMS)


@pytest.mark.parametrize("sources", ["strangers", "clients"])
def test_flood_while_slots_move(farm, started, attacker, capsys, sources):
    """Forged SYNs and ACKs of strangers, or of the very addresses and ports that the clients use.

    Whatever is recorded while slots move may be full of them. Who is connected, and heard of within 5 s, stays.
    """
    musterd, load = started()
    since = cpu_busy()
    # What strangers send ends at the backends; the clients are answered, and answer.
    ours = (farm.client.v4, 2, load.ports.split("-")[0], 4000)
    forged, rate = {"strangers": (STRANGERS, RATE), "clients": (ours, RATE // 5)}[sources]
    before = syns(musterd)
    flood = Flood(attacker, farm.lb, "both", forged, rate)
    wait_for(lambda: syns(musterd) - before > rate, "the flood runs", 30, step=0.1)
    begin_ns = clock_ns()
    moves(farm, musterd, load)
    busy, sent = cpu_busy(since), flood.stop()
    report = load.stop()
    with capsys.disabled():
        print(f"\n{sent} forged segments of {sources}")
        show(report, busy)
    old = [row for row in judge(report, [])[0] if row["kind"] == "long" and row["opened_ns"] < begin_ns]
    assert not old, f"{len(old)} of {STREAMS} old connections broke"
