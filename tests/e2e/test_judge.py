"""The judge of broken connections: a harness that cannot fail proves nothing."""
import pytest
from judge import Loss, judge, verdict

S = 1_000_000_000
KILL = Loss("b1", 100 * S, 100 * S + 5_000_000)
CUT = Loss("b2", 200 * S, 200 * S + 20_000_000, "removed")

# server, how, opened and broken at (s), excused
ROWS = [
    ("of the killed one", "b1", "reset", 50, 100.001, True),
    ("noticed with its next chunk", "b1", "eof", 50, 102, True),
    ("the same, opened just before", "b1", "reset", 100.0001, 100.0002, True),
    ("of another server", "b2", "reset", 50, 100.001, False),
    ("of a server that nothing was done to", "b3", "eof", 50, 200.001, False),
    ("before the kill", "b1", "reset", 50, 99.999, False),
    ("opened when it was back", "b1", "reset", 101, 102, False),
    ("wrong bytes", "b1", "wrong", 50, 100.001, False),
    ("silence since then", "b1", "stalled", 50, 110.5, True),
    ("silence since shortly before", "b1", "stalled", 50, 109.5, True),
    ("silence since long before", "b1", "stalled", 50, 108.5, False),
    ("no route", "b1", "EHOSTUNREACH", 50, 100.001, False),
    ("the harness's own trouble", None, "EMFILE", 100.1, 100.1, False),
    ("refused by the dead one", None, "refused", 100.1, 100.101, True),
    ("refused, long after", None, "refused", 101.1, 101.101, False),
    ("refused, before", None, "refused", 99.9, 99.901, False),
    ("was being opened", None, "reset", 99.9, 100.001, True),
    ("was being opened for too long", None, "reset", 98.9, 100.001, False),
    ("opened in the race, reset long after", None, "reset", 100.1, 102.2, False),
    ("in the queue of the dying one", None, "stalled", 100.001, 110.001, True),
    ("no server answers at all", None, "stalled", 100.1, 110.1, False),
    ("of one that was cut off", "b2", "reset", 150, 200.5, True),
    ("of one that was cut off, after its return", "b2", "reset", 200.5, 201, False),
]


def broken(server, how, opened, at, kind="long"):
    return {"id": 7, "kind": kind, "server": server, "how": how, "opened_ns": int(opened * S), "at_ns": int(at * S)}


def report(*rows):
    return {"servers": {}, "broken": list(rows), "totals": {"long": 5000, "short": 200}}


@pytest.mark.parametrize("kind", ["long", "short"])
@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_row(row, kind):
    _, server, how, opened, at, excused = row
    connection = broken(server, how, opened, at, kind)
    assert judge(report(connection), [KILL, CUT]) == (([], [connection]) if excused else ([connection], []))
    assert judge(report(connection), []) == ([connection], []), "without a history there is no excuse"


def test_every_loss_is_looked_at():
    rows = [broken("b1", "reset", 50, 100.5), broken("b2", "eof", 50, 200.5)]
    for history in ([KILL, CUT], [CUT, KILL]):
        assert judge(report(*rows), history) == ([], rows)


def test_verdict_names_what_was_done_before():
    assert verdict(report(), [KILL]) == []
    assert verdict(report(broken("b1", "reset", 50, 100.5)), [KILL]) == []
    changes = [(90 * S, "drain b2"), (99 * S, "weight b4 50"), (101 * S, "enable b2")]
    text = "\n".join(verdict(report(broken("b3", "reset", 95, 99.5), broken("b3", "wrong", 95, 99.6)), [KILL], changes))
    assert "2 of 5000 long and 200 short" in text
    assert "1 long of b3: reset" in text and "1 long of b3: wrong" in text
    assert "reset 500 ms after 'weight b4 50', opened 4500 ms before 5000 ms after 'drain b2'" in text
