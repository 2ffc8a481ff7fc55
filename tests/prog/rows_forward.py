"""Rows: what goes to a member, in every mode; what is none of our business."""
import struct

import wire
from runner import drops, passes, row, sends
from wire import (CLIENT4, EMPTY4, GUE44, GUE46, GUE64, GUE66, IPIP44, IPIP46, IPIP64, IPIP66,
                  L2DSR4, L2DSR6, NOHOP4, OTHER4, OTHER6, chain, echo, frame, hop_of, tcp, udp,
                  with_options)

NAMES = {IPIP44: "4in4", L2DSR4: "l2dsr4", IPIP46: "4in6", GUE44: "gue 4in4", GUE46: "gue 4in6",
         IPIP66: "6in6", L2DSR6: "l2dsr6", IPIP64: "6in4", GUE66: "gue 6in6", GUE64: "gue 6in4"}

# ---- modes ----

MODES = []
for vip, name in NAMES.items():
    MODES += [
        row(f"{name}: SYN", sends(tcp(vip))),
        row(f"{name}: data", sends(tcp(vip, "PA", b"d" * 501))),
        row(f"{name}: UDP", sends(udp(vip))),
        row(f"{name}: UDP without payload", sends(udp(vip, b""))),
        row(f"{name}: UDP with checksum 0",
            sends(wire.ip_to(vip, 17, struct.pack("!HHHH", 40000, 80, 12, 0) + b"zero"))),
        row(f"{name}: DSCP and ECN are copied", *(
            sends(tcp(vip, "A", tos=tos)) for tos in (0xB8, 0xBB, 1, 2, 3, 0xFF))),
        row(f"{name}: the last TTL", sends(tcp(vip, ttl=2))),
        row(f"{name}: TTL 255", sends(tcp(vip, ttl=255))),
        row(f"{name}: padding", sends(frame(tcp(vip, "A", b""), pad=6)),
            sends(frame(udp(vip, b""), pad=32))),
        row(f"{name}: odd and even lengths", *(
            sends(tcp(vip, "A", bytes(range(n)))) for n in (0, 1, 2, 3, 7, 64, 101))),
        row(f"{name}: by another interface",
            f"ifindex {hop_of(vip)} 77", sends(tcp(vip), verdict="REDIRECT")),
        row(f"{name}: just fits", sends(udp(vip, b"f" * (
            1500 - wire.OVERHEAD[vip] - (48 if wire.is_v6(vip) else 28)), **(
                {} if wire.is_v6(vip) else {"flags": "DF"})))),
        row(f"{name}: source bits vary", f"mask {hop_of(vip)} 3fff", *(
            sends(udp(vip, sport=port), mask=0x3FFF) for port in (1, 2, 3))),
        row(f"{name}: a whole word of source bits", f"mask {hop_of(vip)} ffffffff",
            sends(udp(vip), mask=0xFFFFFFFF)),
    ]
MODES.append(row("gue: the port is the service's", sends(tcp(GUE44, dport=443), gue_port=7000),
                 sends(udp(GUE44, dport=443), gue_port=7000)))

# ---- sums that are hard to fold ----

# The outer UDP checksum runs over everything: payloads that bring it through 0 and 0xffff.
SUMS = [
    row(f"gue over IPv6: every sum, {name}", *(
        sends(udp(vip, struct.pack("!H", word) + b"t" * tail))
        for word in (0, 1, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF) for tail in (0, 1)))
    for vip, name in ((GUE46, "4in6"), (GUE66, "6in6"))
]
# The update of a checksum by the TTL carries where the sum is near 0 or 0xffff.
SUMS += [
    row("IPv4 header checksum: carries", *(
        sends(tcp(IPIP44, "A", id=ident, ttl=ttl))
        for ident in (0, 1, 0x00FF, 0xFF00, 0xFFFE, 0xFFFF) for ttl in (2, 3, 128, 255))),
    row("IPv4 header checksum: every low sum", *(
        sends(tcp(L2DSR4, "A", id=ident)) for ident in range(0xD0, 0x110))),
]


def header_with_sum(want):
    """A packet whose header checksum is @want."""
    rest = int.from_bytes(bytes(tcp(L2DSR4, "A", id=0))[10:12], "big")  # ~(all but the id)
    ident = (rest - want) % 0xFFFF
    return tcp(L2DSR4, "A", id=ident, chksum=want)


SUMS.append(row("IPv4 header checksum around 0 and 0xffff", *(
    sends(header_with_sum(want))
    for want in (0, 1, 0xFE, 0xFF, 0x100, 0xFEFE, 0xFEFF, 0xFF00, 0xFFFE))))

# ---- VLAN tags ----

Q, AD = 0x8100, 0x88A8
ONE, TWO, DOUBLE = ((Q, 0x0064),), ((AD, 0x2064), (Q, 0x00C8)), ((Q, 0x0001), (Q, 0xEFFF))
TAGS = []
for vip, name in NAMES.items():
    hop = hop_of(vip)
    TAGS += [
        row(f"{name}: incoming tags are removed",
            *(sends(frame(tcp(vip), tags)) for tags in (ONE, TWO, DOUBLE, ((AD, 5),)))),
        row(f"{name}: one tag out", f"tags {hop} 8100:0064", sends(tcp(vip), tags=ONE),
            sends(frame(tcp(vip), ((Q, 9),)), tags=ONE), sends(frame(tcp(vip), TWO), tags=ONE)),
        row(f"{name}: two tags out", f"tags {hop} 88a8:2064 8100:00c8", sends(tcp(vip), tags=TWO),
            sends(frame(tcp(vip), ONE), tags=TWO), sends(frame(tcp(vip), DOUBLE), tags=TWO)),
        row(f"{name}: tags and padding", f"tags {hop} 8100:0064",
            sends(frame(tcp(vip, "A", b""), TWO, pad=6), tags=ONE)),
    ]
TAGS += [
    row("priority tag (VLAN 0)", sends(frame(tcp(IPIP44), ((Q, 0xE000),)))),
    row("three tags", passes(frame(tcp(IPIP44), ONE * 3), "vlan_tag")),
    row("deep QinQ", passes(frame(tcp(IPIP66), ONE * 12), "vlan_tag")),
    row("tagged, not to a VIP", passes(frame(tcp(OTHER4), ONE)), passes(frame(udp(OTHER6), TWO)),
        passes(frame(tcp(IPIP44, dport=81), ONE))),
    row("tagged ARP", passes(wire.link(wire.BALANCER_MAC, wire.CLIENT_MAC, 0x0806, ONE) + bytes(46),
                             "not_ip")),
    row("tags fill the MTU no more than none", "mtu 1 100", "tags 1 88a8:2064 8100:00c8",
        sends(udp(IPIP44, b"f" * 52), tags=TWO)),
]

# ---- IPv4 options ----

NOPS, TIMESTAMP = b"\x01" * 4, b"\x44\x08\x05\x00" + bytes(4)
RECORD_ROUTE, ROUTER_ALERT = b"\x07\x07\x04" + bytes(4) + b"\0", b"\x94\x04\x00\x00"
ENDED = b"\x01\x00\xff\xff"  # nothing behind the end of the list counts
FULL = b"\x82\x0b" + bytes(9) + b"\x01" * 29


OPTIONS = [
    row(f"{NAMES[vip]}: IPv4 options", *(
        sends(with_options(make(vip), options))
        for options in (NOPS, TIMESTAMP, RECORD_ROUTE, ROUTER_ALERT, ENDED, FULL)
        for make in (tcp, udp)))
    for vip in (IPIP44, L2DSR4, IPIP46, GUE44, GUE46)
]
OPTIONS += [
    row("loose source route", drops(with_options(tcp(IPIP44), b"\x83\x07\x04" + bytes(5)),
                                    "ip_options")),
    row("strict source route behind others",
        drops(with_options(tcp(L2DSR4), b"\x01" + TIMESTAMP + b"\x89\x07\x04" + bytes(4)),
              "ip_options")),
    row("option of length 0", drops(with_options(udp(IPIP44), b"\x44\0\0\0"), "ip_options")),
    row("option of length 1", drops(with_options(udp(IPIP44), b"\x44\1\0\0"), "ip_options")),
    row("option beyond the header", drops(with_options(udp(IPIP44), b"\x44\5\0\0"), "ip_options")),
    row("option without a length", drops(with_options(udp(IPIP44), b"\1\1\1\x44"), "ip_options")),
    row("source route, not to a VIP",
        passes(with_options(tcp(OTHER4), b"\x83\x07\x04" + bytes(5)))),
    row("options, a port without VIP", passes(with_options(tcp(IPIP44, dport=81), NOPS))),
    row("bad options, not to a VIP", passes(with_options(udp(OTHER4), b"\x44\0\0\0"))),
]

# ---- IPv6 extension headers ----

HBH, DST, RH, AH = 0, 60, 43, 51
HOP, AUTH = (HBH, wire.options_header()), (AH, wire.auth_header())
OPT, LONG = (DST, wire.options_header()), (DST, wire.options_header(5))
ROUTE = (RH, wire.routing_header())
CHAINS = {
    "hop-by-hop": [HOP], "destination options": [OPT], "AH": [AUTH], "routing, none left": [ROUTE],
    "each": [HOP, OPT, ROUTE, AUTH, LONG], "eight": [HOP] + [OPT] * 7, "long": [LONG],
    "atomic fragment": [(44, wire.fragment_header())],
    "atomic fragment in the middle": [HOP, (44, wire.fragment_header()), OPT],
}


def tcp_behind(vip, headers, **ip):
    return chain(vip, headers, 6, bytes(tcp(vip))[40:], **ip)


def udp_behind(vip, headers, **ip):
    return chain(vip, headers, 17, bytes(udp(vip))[40:], **ip)


EXTENSIONS = [
    row(f"{NAMES[vip]}: {name}", sends(tcp_behind(vip, headers)), sends(udp_behind(vip, headers)))
    for name, headers in CHAINS.items() for vip in (IPIP66, L2DSR6, IPIP64, GUE66, GUE64)
]
EXTENSIONS += [
    row("nine extension headers", drops(tcp_behind(IPIP66, [OPT] * 9), "extension_header")),
    row("routing header, one left",
        drops(tcp_behind(IPIP66, [(RH, wire.routing_header(1))]), "extension_header")),
    row("routing header 0",
        drops(tcp_behind(IPIP66, [HOP, (RH, wire.routing_header(1, 0))]), "extension_header")),
    row("hop-by-hop beyond the packet",
        passes(chain(IPIP66, [(HBH, wire.options_header(20)[:64])], 6, b""), "bad_header")),
    row("AH beyond the packet",
        passes(chain(IPIP66, [(AH, bytes([0, 200]) + bytes(22))], 6, b""), "bad_header")),
    row("ESP", drops(chain(IPIP66, [], 50, bytes(40)), "unknown_protocol"),
        drops(wire.ip_to(IPIP44, 50, bytes(40)), "unknown_protocol")),
    row("no next header", drops(chain(IPIP66, [], 59, b""), "unknown_protocol"),
        drops(chain(IPIP66, [HOP], 59, b"more"), "unknown_protocol")),
    row("mobility", drops(chain(IPIP66, [], 135, b"\x3b\0\5\0" + bytes(4)), "unknown_protocol")),
    row("extension headers, not to a VIP", passes(tcp_behind(OTHER6, [HOP, OPT])),
        passes(tcp_behind(OTHER6, [OPT] * 9)),
        passes(tcp_behind(OTHER6, [(RH, wire.routing_header(1))]))),
]

# ---- others' ----

OTHERS = [
    row("another address", passes(tcp(OTHER4)), passes(tcp(OTHER6)), passes(echo(OTHER4))),
    row("another port of a VIP", passes(tcp(IPIP44, dport=81)), passes(udp(IPIP66, dport=81)),
        passes(tcp(EMPTY4, dport=0xFFFF))),
    row("TTL is nobody's business but ours", passes(tcp(OTHER4, ttl=1)), passes(tcp(OTHER6, ttl=0)),
        passes(tcp(IPIP44, ttl=1, dport=81))),
    row("an IPv4 VIP mapped into IPv6",
        *(passes(packet) for packet in (
            tcp(f"::ffff:{IPIP44}", src=f"::ffff:{CLIENT4}"), udp(f"::ffff:{GUE44}"),
            echo(f"::ffff:{IPIP44}", src=f"::ffff:{CLIENT4}")))),
    row("no next hop", drops(tcp(NOHOP4), "no_nexthop")),
    row("SCTP, GRE", drops(wire.ip_to(IPIP44, 132, bytes(32)), "unknown_protocol"),
        drops(wire.ip_to(IPIP66, 47, bytes(32)), "unknown_protocol")),
    row("IP in IP to a VIP",
        drops(wire.ip_to(IPIP44, 4, bytes(tcp(IPIP44))), "unknown_protocol"),
        drops(wire.ip_to(IPIP66, 41, bytes(tcp(IPIP66))), "unknown_protocol")),
]

ROWS = [*MODES, *SUMS, *TAGS, *OPTIONS, *EXTENSIONS, *OTHERS]
