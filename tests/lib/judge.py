"""Which broken connections of a report of `streams load` have no excuse. Pure: no clock, no processes.

The history is a list of Losses: the moments at which the connections of a server had to break, because its
process was killed, it was disabled, or it was removed without being drained. Times are CLOCK_MONOTONIC, ns.
"""
import collections

# A connection that has not heard its server's name may have met one that was dying, or dead and not found yet.
RACE_NS = 1_000_000_000
STALLED_NS = 10_000_000_000  # after so much silence the client gives up
# What a loss looks like; nothing excuses wrong bytes. Silence may be one: whoever gets the packets after the loss
# answers with a reset, unless an older connection of the same port left something there. See IDLE_S of the server.
ENDS = ("refused", "reset", "eof", "stalled")

# It began not before begin_ns and was complete at end_ns: no connection that began later has seen the server.
Loss = collections.namedtuple("Loss", "server begin_ns end_ns what", defaults=("killed",))


def explains(loss, row):
    """Is this loss why that connection broke?"""
    if row["how"] not in ENDS or row["at_ns"] < loss.begin_ns:
        return False
    if row["how"] == "stalled" and row["at_ns"] - STALLED_NS < loss.begin_ns - RACE_NS:
        return False  # it was silent before
    if row["server"] is None and row["how"] == "stalled":
        # In the queue of a server that died before it took it: the one reset that says so may get lost.
        return loss.begin_ns - RACE_NS <= row["opened_ns"] <= loss.end_ns
    if row["server"] is None:
        return (loss.begin_ns - RACE_NS <= row["opened_ns"] <= loss.end_ns + RACE_NS
                and row["at_ns"] <= loss.end_ns + 2 * RACE_NS)
    return row["server"] == loss.server and row["opened_ns"] <= loss.end_ns


def judge(report, history):
    """(without an excuse, with one): the rows of report["broken"], each in one of them."""
    without, excused = [], []
    for row in report["broken"]:
        (excused if any(explains(loss, row) for loss in history) else without).append(row)
    return without, excused


def _after(at_ns, changes):
    """What was done last before this moment: the first place to look."""
    before = [(at, text) for at, text in changes if at <= at_ns]
    return f" {(at_ns - before[-1][0]) / 1e6:.0f} ms after '{before[-1][1]}'" if before else ""


def verdict(report, history, changes=()):
    """What is wrong, as lines of text; empty if nothing is. changes: (ns, text), in order."""
    without, _ = judge(report, history)
    if not without:
        return []
    totals = report["totals"]
    kinds = collections.Counter((row["kind"], row["server"] or "nobody", row["how"]) for row in without)
    lines = [f"{len(without)} of {totals['long']} long and {totals['short']} short connections broke without an excuse"]
    lines += [f"  {n} {kind} of {server}: {how}" for (kind, server, how), n in sorted(kinds.items())]
    lines += [f"  {row['kind']} {row['id']} of {row['server'] or 'nobody'}: {row['how']}{_after(row['at_ns'], changes)}, "
              f"opened {(row['at_ns'] - row['opened_ns']) / 1e6:.0f} ms before{_after(row['opened_ns'], changes)}"
              for row in sorted(without, key=lambda row: row["at_ns"])[:12]]
    return lines
