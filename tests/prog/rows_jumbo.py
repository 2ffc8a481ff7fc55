"""Rows: frames in pieces, as they are of an MTU of 9,000. For the build that takes them, only."""
import wire
from runner import answers, drops, passes, row, sends
from wire import (EMPTY4, EMPTY6, GUE66, IPIP44, IPIP66, OTHER4, OTHER6, OVERHEAD, SENDING, echo, frame,
                  hop_of, quoted_flow, tcp, udp, with_options)

HUGE = bytes(range(256)) * 32
TAGGED = ((0x88A8, 7), (0x8100, 8))

ROWS = []
for vip in SENDING:
    name, jumbo = f"jumbo {wire.MODES[vip][0]} {vip}", f"mtu {hop_of(vip)} 9000"
    v6 = wire.is_v6(vip)
    df, header = ({}, 48) if v6 else ({"flags": "DF"}, 28)
    fits = 9000 - OVERHEAD[vip] - header
    unsummed = (40000).to_bytes(2, "big") + b"\0\x50" + (8 + 5001).to_bytes(2, "big") + b"\0\0"
    ROWS += [
        row(f"{name}: TCP and UDP", jumbo, *(
            sends(packet) for n in (3000, 3400, 3500, 4095, 4096, 4097, 8001)
            for packet in (tcp(vip, "A", HUGE[:n]), udp(vip, HUGE[:n])))),
        row(f"{name}: in tags", jumbo, f"tags {hop_of(vip)} 88a8:0007 8100:0008",
            sends(frame(udp(vip, HUGE[:5001]), TAGGED), tags=TAGGED)),
        row(f"{name}: UDP with checksum 0", jumbo,
            sends(wire.ip_to(vip, 17, unsummed + HUGE[:5001]))),
        row(f"{name}: just fits", jumbo, sends(udp(vip, (HUGE + HUGE)[:fits], **df)),
            answers(udp(vip, (HUGE + HUGE)[:fits + 1], **df), "too_big_reply",
                    wire.too_big(9000 - OVERHEAD[vip]))),
        row(f"{name}: time exceeded", jumbo,
            answers(udp(vip, HUGE[:6000], ttl=1), "ttl_exceeded", wire.time_exceeded()),
            answers(frame(udp(vip, HUGE[:6000], ttl=1), TAGGED), "ttl_exceeded",
                    wire.time_exceeded())),
        row(f"{name}: a fragment", jumbo, sends(
            wire.chain(vip, [(44, wire.fragment_header(0, 1))], 17, bytes(udp(vip, HUGE))[40:6000])
            if v6 else wire.ip_to(vip, 17, bytes(udp(vip, HUGE))[20:6004], flags=1), "udp 80")),
    ]
for empty, vip, other, kind in ((EMPTY4, IPIP44, OTHER4, (3, 4)), (EMPTY6, IPIP66, OTHER6, (2, 0))):
    ROWS += [
        row(f"jumbo to {empty}", answers(tcp(empty, "S", HUGE), "empty_reject", wire.reset),
            answers(udp(empty, HUGE[:5001]), "empty_reject", wire.unreachable()),
            answers(frame(udp(empty, HUGE[:5001]), TAGGED), "empty_reject", wire.unreachable())),
        row(f"jumbo echo to {vip}", *(
            answers(echo(vip, HUGE[:n]), "echo_reply", wire.echo_reply)
            for n in (3400, 5001, 8000)),
            answers(frame(echo(vip, HUGE), TAGGED), "echo_reply", wire.echo_reply)),
        row(f"jumbo not to a VIP: {other}", passes(tcp(other, "A", HUGE)),
            passes(frame(udp(other, HUGE), TAGGED)), passes(tcp(vip, "A", HUGE, dport=81))),
        row(f"jumbo, cut: {vip}", *(passes(wire.frame(udp(vip, HUGE))[:-n], "bad_header")
                                    for n in (1, 100, 4000))),
        row(f"jumbo error to {vip}", f"mtu {hop_of(vip)} 9000", sends(
            wire.icmp(vip, *kind, payload=bytes(quoted_flow(vip)) + HUGE), "tcp 80")),
    ]
ROWS += [
    row("jumbo whose sum nobody waits for", f"mtu {hop_of(GUE66)} 30000",
        sends(wire.ip_to(GUE66, 17, b"\1\0\0\x50\x3f\0\0\0" + (HUGE + HUGE)[:0x3F00 - 8])),
        drops(wire.ip_to(GUE66, 17, b"\1\0\0\x50\x40\0\0\0" + (HUGE + HUGE)[:0x4000 - 8]),
              "no_checksum")),
    row("jumbo with IPv4 options", "mtu 1 9000",
        sends(with_options(udp(IPIP44, HUGE[:5001]), b"\1" * 12)),
        drops(with_options(udp(IPIP44, HUGE[:5001]), b"\x83\3\4\0"), "ip_options")),
]
