"""Rows: packets in, the whole output packet by scapy, verdict, reason and counters out."""
import pytest

import corpus
import corpus_pieces
import rows_errors
import rows_forward
import rows_fragments
import rows_jumbo
import rows_reply
import runner
import wire

ROWS = [*rows_forward.ROWS, *rows_fragments.ROWS, *rows_errors.ROWS, *rows_reply.ROWS]
NASTY = [*corpus.ROWS, *corpus_pieces.ROWS]


@pytest.fixture(scope="module", params=("plain", "frags"))
def program(request):
    program = runner.Runner(request.param)
    yield program
    program.close()


@pytest.fixture(scope="module")
def program_for_pieces():
    program = runner.Runner("frags")
    yield program
    program.close()


def test_names_are_unique():
    for rows in (ROWS, NASTY, rows_jumbo.ROWS):
        names = [row.name for row in rows]
        assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_row(program, row):
    run(program, row)


@pytest.mark.parametrize("row", NASTY, ids=[row.name for row in NASTY])
def test_nasty(program, row):
    run(program, row)


@pytest.mark.parametrize("row", rows_jumbo.ROWS, ids=[row.name for row in rows_jumbo.ROWS])
def test_jumbo(program_for_pieces, row):
    run(program_for_pieces, row)


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


def no_checksum_with(word):
    """A datagram without checksum that has @word in it."""
    return wire.ip_to(wire.GUE46, 17, b"\x9c\x40\0\x50\0\x0a\0\0" + word.to_bytes(2, "big"))


@pytest.mark.parametrize("make", (lambda word: wire.tcp(wire.GUE66, fl=word), no_checksum_with),
                         ids=("its own sum known", "summed whole"))
def test_outer_udp_checksum_is_never_zero(program, make):
    """A word that no hash covers takes the sum to where its complement is 0: 0xffff has to be sent."""
    program.say("reset")
    out = program.run(runner.as_frame(make(0)))["out"]
    word = int.from_bytes(wire.untag(out)[2][46:48], "big")
    step = runner.sends(make(word))
    got = program.run(step.data)
    assert wire.untag(got["out"])[2][46:48] == b"\xff\xff"
    runner.check(step, got, {})
