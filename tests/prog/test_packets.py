"""Rows: packets in, the whole output packet by scapy, verdict, reason and counters out."""
import pytest

import corpus
import corpus_pieces
import rows_errors
import rows_forward
import rows_fragments
import rows_reply
import runner
import wire

ROWS = [*rows_forward.ROWS, *rows_fragments.ROWS, *rows_errors.ROWS, *rows_reply.ROWS]
NASTY = [*corpus.ROWS, *corpus_pieces.ROWS]


@pytest.fixture(scope="module")
def program():
    program = runner.Runner()
    yield program
    program.close()


def test_names_are_unique():
    for rows in (ROWS, NASTY):
        names = [row.name for row in rows]
        assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_row(program, row):
    run(program, row)


@pytest.mark.parametrize("row", NASTY, ids=[row.name for row in NASTY])
def test_nasty(program, row):
    run(program, row)


def run(program, row):
    program.say("reset")
    flows = {}
    for step in row.steps:
        if isinstance(step, str):
            program.say(step)
        else:
            runner.check(step, program.run(step.data), flows)


def path_of(out, vip):
    """What routers on the way can spread by: GUE source port, or the flow label."""
    ip = wire.untag(out)[2]
    if vip == wire.GUE44:
        return ip[20:22]
    return ip[1] & 15, ip[2:4]


@pytest.mark.parametrize("vip", (wire.GUE44, wire.GUE66, wire.IPIP66, wire.IPIP46))
def test_flows_spread_over_paths_and_stay_on_theirs(program, vip):
    program.say("reset")
    paths = {}
    for sport in range(2000, 2064):
        out = program.run(runner.as_frame(wire.udp(vip, sport=sport)))["out"]
        paths[sport] = path_of(out, vip)
    assert len(set(paths.values())) > 56
    for sport, path in paths.items():
        packets = [wire.udp(vip, b"again", sport=sport, ttl=9)] + [
            rows_fragments.piece(vip, start, end, ident=sport, sport=sport)
            for start, end in ((0, 8), (8, 1000))]
        for packet in packets:
            assert path_of(program.run(runner.as_frame(packet))["out"], vip) == path


@pytest.mark.parametrize("vip", (wire.IPIP44, wire.GUE66))
def test_masked_source_bits_spread(program, vip):
    program.say("reset")
    program.say(f"mask {wire.hop_of(vip)} ff")
    seen = {wire.addresses(wire.untag(program.run(runner.as_frame(
        wire.udp(vip, sport=sport)))["out"])[2])[0] for sport in range(2000, 2256)}
    assert len(seen) > 128
