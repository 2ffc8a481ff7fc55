"""Rows: fragments. The first one says the ports, those that follow go after it."""
import wire
from runner import answers, drops, passes, row, sends
from wire import (EMPTY4, EMPTY6, GUE44, GUE46, GUE66, IPIP44, IPIP46, IPIP64, IPIP66, L2DSR4,
                  L2DSR6, OTHER4, OTHER6, SPREAD4, SPREAD6, chain, frame)

HBH, DST = (0, wire.options_header()), (60, wire.options_header())
MORE, DF = 1, 2


def whole(vip, proto, dport, size, sport):
    """The bytes of a datagram that is @size long behind its IP header."""
    if proto == 17:
        return bytes(wire.udp(vip, b"u" * (size - 8), sport=sport, dport=dport))[-size:]
    return bytes(wire.tcp(vip, "A", b"t" * (size - 20), sport=sport, dport=dport))[-size:]


def piece(vip, offset, end, size=1000, proto=17, ident=7, dport=80, sport=40000, before=(), **ip):
    """Bytes @offset .. @end of a datagram to @vip; @before: IPv6 extension headers in front."""
    part = whole(vip, proto, dport, size, sport)[offset:end]
    more = end < size
    if wire.is_v6(vip):
        headers = [*before, (44, wire.fragment_header(offset, more, ident))]
        return chain(vip, headers, proto, part, **ip)
    return wire.ip_to(vip, proto, part, id=ident, frag=offset // 8, flags=MORE if more else 0, **ip)


def placed(packet, proto="udp", flow="one", port=80, **how):
    return sends(packet, f"{proto} {port}", flow=flow, **how)


NAMES = {IPIP44: "4in4", L2DSR4: "l2dsr4", IPIP46: "4in6", GUE44: "gue 4in4", GUE46: "gue 4in6",
         IPIP66: "6in6", L2DSR6: "l2dsr6", IPIP64: "6in4", GUE66: "gue 6in6",
         SPREAD4: "spread 4in4", SPREAD6: "spread 6in6"}

ROWS = [
    row(f"{name}: three fragments of {proto}", *(
        placed(piece(vip, start, end, proto=number), proto)
        for start, end in ((0, 400), (400, 800), (800, 1000))))
    for vip, name in NAMES.items() for proto, number in (("tcp", 6), ("udp", 17))
]
ROWS += [
    row(f"{name}: fragments follow theirs", *(
        placed(piece(vip, start, end, ident=ident, sport=1000 + ident), flow=str(ident))
        for start, end in ((0, 800), (800, 1000)) for ident in range(20)))
    for vip, name in ((SPREAD4, "4in4"), (SPREAD6, "6in6"))
]
ROWS += [
    row(f"{name}: fragment without its first", drops(piece(vip, 400, 1000), "fragment"),
        drops(piece(vip, 400, 800, proto=6), "fragment"))
    for vip, name in NAMES.items()
]
for vip, name in ((IPIP44, "IPv4"), (IPIP66, "IPv6")):
    v6 = wire.is_v6(vip)
    other = OTHER6 if v6 else OTHER4
    icmp = wire.icmp(vip, 128 if v6 else 8, payload=bytes(992))
    first_icmp = (chain(vip, [(44, wire.fragment_header(0, 1))], 58, bytes(icmp)[40:440]) if v6 else
                  wire.ip_to(vip, 1, bytes(icmp)[20:420], id=7, flags=MORE))
    later_icmp = (chain(vip, [(44, wire.fragment_header(400))], 58, bytes(icmp)[440:]) if v6 else
                  wire.ip_to(vip, 1, bytes(icmp)[420:], id=7, frag=50))
    ROWS += [
        row(f"{name}: first fragment of exactly the header",
            placed(piece(vip, 0, 8)), placed(piece(vip, 8, 1000)),
            placed(piece(vip, 0, 24, proto=6, ident=8), "tcp"),
            placed(piece(vip, 24, 1000, proto=6, ident=8), "tcp")),
        row(f"{name}: first fragment without the whole TCP header",
            drops(piece(vip, 0, 8, proto=6), "fragment"),
            drops(piece(vip, 0, 16, proto=6), "fragment"),
            drops(piece(vip, 16, 1000, proto=6), "fragment")),
        row(f"{name}: TCP at offset 8, after its first", placed(piece(vip, 0, 400, proto=6), "tcp"),
            drops(piece(vip, 8, 400, proto=6), "fragment")),
        row(f"{name}: UDP at offset 8", placed(piece(vip, 0, 400)), placed(piece(vip, 8, 400))),
        row(f"{name}: the last byte", placed(piece(vip, 0, 992, 993)),
            placed(piece(vip, 992, 993, 993))),
        row(f"{name}: fragments of another id", placed(piece(vip, 0, 400)),
            drops(piece(vip, 400, 1000, ident=8), "fragment")),
        row(f"{name}: fragments of another client", placed(piece(vip, 0, 400)),
            drops(piece(vip, 400, 1000, src="2001:db8:1::2" if v6 else "192.0.2.2"), "fragment")),
        row(f"{name}: fragments of another protocol", placed(piece(vip, 0, 400)),
            drops(piece(vip, 400, 1000, proto=6), "fragment")),
        row(f"{name}: fragments to another VIP", placed(piece(vip, 0, 400)),
            drops(piece(L2DSR6 if v6 else L2DSR4, 400, 1000), "fragment")),
        row(f"{name}: remembered for 30 seconds", placed(piece(vip, 0, 400)), "age 29",
            placed(piece(vip, 400, 800)), "age 2", drops(piece(vip, 800, 1000), "fragment")),
        row(f"{name}: a full table forgets the oldest",
            *(placed(piece(vip, 0, 400, ident=ident)) for ident in range(1, 301)),
            drops(piece(vip, 400, 1000, ident=1), "fragment"),
            placed(piece(vip, 400, 1000, ident=300))),
        row(f"{name}: a first fragment again", placed(piece(vip, 0, 400)), "age 29",
            placed(piece(vip, 0, 400)), "age 29", placed(piece(vip, 400, 1000))),
        row(f"{name}: the id is used again for another flow", placed(piece(vip, 0, 400)),
            placed(piece(vip, 400, 1000)), passes(piece(vip, 0, 400, dport=81)),
            passes(piece(vip, 400, 1000))),
        row(f"{name}: a port that is no VIP's, for the kernel",
            passes(piece(vip, 0, 400, dport=81)),
            passes(piece(vip, 400, 1000)),
            passes(piece(vip, 0, 400, dport=81, proto=6, ident=9)),
            passes(piece(vip, 400, 1000, proto=6, ident=9))),
        row(f"{name}: not to a VIP", passes(piece(other, 0, 400)), passes(piece(other, 400, 1000)),
            passes(piece(other, 0, 8, proto=6)), passes(piece(other, 8, 400, proto=6))),
        row(f"{name}: fragments of ICMP", drops(first_icmp, "fragment"),
            drops(later_icmp, "fragment")),
        row(f"{name}: tags and padding", placed(frame(piece(vip, 0, 8), ((0x8100, 5),), pad=10)),
            placed(frame(piece(vip, 992, 1000), ((0x88A8, 5), (0x8100, 6)), pad=8))),
        row(f"{name}: the last TTL of fragments", placed(piece(vip, 0, 400, ttl=2)),
            placed(piece(vip, 400, 1000, ttl=2))),
        row(f"{name}: no time exceeded for a later fragment", placed(piece(vip, 0, 400)),
            drops(piece(vip, 400, 1000, ttl=1), "ttl_silent")),
        row(f"{name}: by the client's port, not the id", *(
            placed(piece(SPREAD6 if v6 else SPREAD4, start, end, ident=ident, sport=3333))
            for ident in (1, 2, 3) for start, end in ((0, 8), (8, 1000)))),
    ]
ROWS += [
    row("IPv4: the same flow whole and in fragments",
        sends(wire.udp(SPREAD4, sport=3333), flow="one"),
        placed(piece(SPREAD4, 0, 400, sport=3333)), placed(piece(SPREAD4, 400, 1000, sport=3333))),
    row("IPv6: the same flow whole and in fragments",
        sends(wire.udp(SPREAD6, sport=3333), flow="one"),
        placed(piece(SPREAD6, 0, 400, sport=3333)), placed(piece(SPREAD6, 400, 1000, sport=3333))),
    row("IPv6: headers before the fragment header",
        placed(piece(IPIP66, 0, 400, before=[HBH, DST])),
        placed(piece(IPIP66, 400, 800, before=[HBH, DST])),
        placed(piece(IPIP66, 800, 1000))),
    row("IPv6: headers behind the fragment header",
        placed(chain(IPIP66, [(44, wire.fragment_header(0, 1)), DST], 17,
                     whole(IPIP66, 17, 80, 1000, 40000)[:400])),
        placed(chain(IPIP66, [(44, wire.fragment_header(408))], 60,
                     whole(IPIP66, 17, 80, 1000, 40000)[400:]))),
    row("IPv4: DF on fragments stays", placed(piece(IPIP44, 0, 400)),
        placed(wire.ip_to(IPIP44, 17, bytes(600), id=7, frag=50, flags=DF))),
    row("IPv4: overlapping fragments follow all the same", placed(piece(IPIP44, 0, 400)),
        placed(piece(IPIP44, 200, 800)), placed(piece(IPIP44, 8, 16)),
        placed(piece(IPIP44, 200, 1000))),
    row("IPv4: the reserved flag is no fragment",
        sends(wire.udp(IPIP44, flags=4)), sends(wire.udp(IPIP44, flags=6))),
    row("fragments to an empty service: the first is answered",
        answers(piece(EMPTY4, 0, 400), "empty_reject", wire.unreachable()),
        drops(piece(EMPTY4, 400, 1000), "empty_silent"),
        answers(piece(EMPTY6, 0, 400), "empty_reject", wire.unreachable()),
        drops(piece(EMPTY6, 400, 1000), "empty_silent")),
    row("fragments to an empty service: none after a first of TCP",
        answers(piece(EMPTY4, 0, 400, proto=6), "empty_reject", wire.reset),
        drops(piece(EMPTY4, 400, 1000, proto=6), "empty_silent"),
        drops(piece(EMPTY6, 400, 1000, proto=6), "fragment")),
    row("too big fragments", "mtu 1 400", drops(piece(IPIP44, 0, 400), "too_big_no_df"),
        drops(piece(IPIP44, 400, 800), "too_big_no_df"), placed(piece(IPIP44, 800, 1000))),
    row("a later IPv6 fragment that is too big is not answered", "mtu 2 1290",
        placed(piece(IPIP66, 0, 400, 3000)), drops(piece(IPIP66, 400, 1656, 3000), "too_big"),
        placed(piece(IPIP66, 400, 1600, 3000))),
    row("a first IPv6 fragment that is too big is answered", "mtu 2 1290",
        answers(piece(IPIP66, 0, 1256, 3000), "too_big_reply", wire.too_big(1280))),
]
