"""Rows: ICMP errors to a VIP go to the member whose packet they quote."""
import struct

import wire
from runner import drops, passes, row, sends
from wire import (DROP4, EMPTY4, EMPTY6, GUE44, GUE46, GUE66, IPIP44, IPIP46, IPIP64, IPIP66,
                  L2DSR4, L2DSR6, OTHER4, OTHER6, SPREAD4, SPREAD6, chain, frame, quoted_flow)

NAMES = {IPIP44: "4in4", L2DSR4: "l2dsr4", IPIP46: "4in6", GUE44: "gue 4in4", GUE46: "gue 4in6",
         IPIP66: "6in6", L2DSR6: "l2dsr6", IPIP64: "6in4", GUE66: "gue 6in6",
         SPREAD4: "spread 4in4", SPREAD6: "spread 6in6"}
ROUTER4, ROUTER6 = "203.0.113.9", "2001:db8:9::9"
KINDS4 = [(3, code) for code in range(16)] + [(11, 0), (11, 1), (12, 0), (12, 1), (12, 2)]
KINDS6 = [(1, code) for code in range(8)] + [(2, 0), (3, 0), (3, 1), (4, 0), (4, 1), (4, 2)]


def error(vip, quote, kind=None, src=None, rest=struct.pack("!HH", 0, 1400), **ip):
    """From a router on the way; fragmentation needed, or packet too big."""
    v6 = wire.is_v6(vip)
    kind, code = kind or ((2, 0) if v6 else (3, 4))
    return wire.icmp(vip, kind, code, rest, bytes(quote), src or (ROUTER6 if v6 else ROUTER4), **ip)


def relayed(vip, quote, proto="tcp", port=80, flow=None, packet=None, **how):
    return sends(packet or error(vip, quote), f"{proto} {port}", flow=flow, **how)


def least(quote):
    """IP header and 8 bytes."""
    data = bytes(quote)
    return data[:48] if data[0] >> 4 == 6 else data[:(data[0] & 15) * 4 + 8]


ROWS = []
for vip, name in NAMES.items():
    kinds = KINDS6 if wire.is_v6(vip) else KINDS4
    hop = wire.hop_of(vip)
    ROWS += [
        row(f"{name}: each kind of error", *(
            relayed(vip, None, packet=error(vip, quoted_flow(vip), kind)) for kind in kinds)),
        row(f"{name}: error about UDP", relayed(vip, quoted_flow(vip, "udp"), "udp"),
            relayed(vip, least(quoted_flow(vip, "udp")), "udp")),
        row(f"{name}: the least quote", relayed(vip, least(quoted_flow(vip)))),
        row(f"{name}: error in tags", *(
            relayed(vip, None, packet=frame(error(vip, quoted_flow(vip)), tags))
            for tags in (((0x8100, 7),), ((0x88A8, 7), (0x8100, 8))))),
        row(f"{name}: error to a tagged next hop", f"tags {hop} 8100:0064",
            relayed(vip, quoted_flow(vip), tags=((0x8100, 0x64),))),
        row(f"{name}: error that is too big", f"mtu {hop} 100",
            drops(error(vip, quoted_flow(vip)), "too_big")),
        row(f"{name}: error, padded", relayed(vip, None, packet=frame(
            error(vip, least(quoted_flow(vip))), pad=4))),
        row(f"{name}: the last TTL of an error",
            relayed(vip, None, packet=error(vip, quoted_flow(vip), ttl=2)),
            drops(error(vip, quoted_flow(vip), ttl=1), "ttl_silent")),
    ]

CLIENTS4 = [f"192.0.2.{i}" for i in range(1, 21)]
CLIENTS6 = [f"2001:db8:1::{i}" for i in range(1, 21)]
for vip, clients, name in ((SPREAD4, CLIENTS4, "IPv4"), (SPREAD6, CLIENTS6, "IPv6")):
    ROWS += [
        row(f"{name}: the error goes where its flow goes, {proto}", *(
            step for client in clients for step in (
                sends(make(vip, src=client), flow=client),
                relayed(vip, least(quoted_flow(vip, proto, client)), proto, flow=client))))
        for proto, make in (("tcp", wire.tcp), ("udp", wire.udp))
    ]

for vip, name in ((IPIP44, "IPv4"), (IPIP66, "IPv6")):
    v6 = wire.is_v6(vip)
    other, second = (OTHER6, L2DSR6) if v6 else (OTHER4, L2DSR4)
    quote = bytes(quoted_flow(vip))
    head = 40 if v6 else 20
    ident = 128 if v6 else 8
    within = bytes(wire.icmp("2001:db8:1::1" if v6 else "192.0.2.1", 3, 0, payload=quote, src=vip))
    ROWS += [
        row(f"{name}: truncated quotes", *(
            drops(error(vip, quote[:n]), "icmp_error") for n in (0, 1, 8, head - 1, head, head + 4,
                                                               head + 7))),
        row(f"{name}: quote of another's packet",
            drops(error(vip, quoted_flow(second)), "icmp_error"),
            drops(error(vip, quoted_flow(other)), "icmp_error"),
            drops(error(vip, wire.tcp(vip)), "icmp_error")),
        row(f"{name}: quote of another protocol",
            drops(error(vip, wire.ip_to(wire.CLIENT6 if v6 else wire.CLIENT4, 132, bytes(40), vip)),
                  "icmp_error"),
            drops(error(vip, wire.ip_to(wire.CLIENT6 if v6 else wire.CLIENT4, 47, bytes(40), vip)),
                  "icmp_error")),
        row(f"{name}: an error that quotes an error", drops(error(vip, within), "icmp_error")),
        row(f"{name}: an error that quotes an echo",
            drops(error(vip, wire.echo("2001:db8:1::1" if v6 else "192.0.2.1", src=vip)),
                  "icmp_error")),
        row(f"{name}: quote of a port that no frontend has",
            passes(error(vip, quoted_flow(vip, port=81))),
            passes(error(vip, quoted_flow(vip, "udp", port=81)))),
        row(f"{name}: an error to no VIP", passes(error(other, quoted_flow(other))),
            passes(error(other, quoted_flow(vip))), passes(error(other, b""))),
        row(f"{name}: quote of the other family",
            drops(error(vip, quoted_flow(IPIP44 if v6 else IPIP66)), "icmp_error")),
        row(f"{name}: quote of version 0", drops(error(vip, b"\0" + quote[1:]), "icmp_error")),
    ]
    empty = EMPTY6 if v6 else EMPTY4
    ROWS.append(row(f"{name}: an error to an empty service",
                    drops(error(empty, quoted_flow(empty)), "empty_silent")))

ROWS += [
    row("IPv4: source quench and redirect", *(
        drops(error(IPIP44, quoted_flow(IPIP44), (kind, code)), "icmp_error")
        for kind, code in ((4, 0), (5, 0), (5, 1), (5, 3)))),
    row("IPv4: quote with options",
        relayed(IPIP44, None, packet=error(IPIP44, bytes([0x46]) + bytes(quoted_flow(IPIP44))[1:20]
                                           + b"\1\1\1\1" + bytes(quoted_flow(IPIP44))[20:])),
        relayed(IPIP44, None, packet=error(IPIP44, bytes([0x4F]) + bytes(quoted_flow(IPIP44))[1:20]
                                           + b"\1" * 40 + bytes(quoted_flow(IPIP44))[20:28]))),
    row("IPv4: quote with an IHL that lies", *(
        drops(error(IPIP44, bytes([0x40 | ihl]) + bytes(quoted_flow(IPIP44))[1:28]), "icmp_error")
        for ihl in (0, 4, 6, 15))),
    row("IPv4: quote of a later fragment", drops(
        error(IPIP44, quoted_flow(IPIP44, frag=10)), "icmp_error")),
    row("IPv4: quote of a first fragment", relayed(IPIP44, quoted_flow(IPIP44, flags=1)),
        relayed(IPIP44, quoted_flow(IPIP44, "udp", flags=1), "udp")),
    row("IPv4: quote with a TTL of 0 and another length",
        relayed(IPIP44, quoted_flow(IPIP44, ttl=0, len=1500)),
        relayed(IPIP44, quoted_flow(IPIP44, ttl=0, chksum=0))),
    row("an error to a service that drops when empty",
        drops(error(DROP4, quoted_flow(DROP4)), "empty_silent|empty_drop")),
    row("IPv6: types that are no errors yet", drops(
        error(IPIP66, quoted_flow(IPIP66), (5, 0)), "icmp_error"),
        drops(error(IPIP66, quoted_flow(IPIP66), (100, 0)), "icmp_error"),
        drops(error(IPIP66, quoted_flow(IPIP66), (0, 0)), "icmp_error")),
]


def behind(vip, headers, proto="tcp"):
    """The VIP's packet with extension headers."""
    plain = bytes(quoted_flow(vip, proto))
    return chain(wire.CLIENT6, headers, 6 if proto == "tcp" else 17, plain[40:], vip)


HBH, DST, AH = (0, wire.options_header()), (60, wire.options_header()), (51, wire.auth_header())
FIRST, LATER = (44, wire.fragment_header(0, 1)), (44, wire.fragment_header(80, 0))
ATOMIC = (44, wire.fragment_header())
ROWS += [
    row("IPv6: quote with extension headers", *(
        relayed(IPIP66, behind(IPIP66, headers, proto), proto)
        for headers in ([HBH], [DST], [HBH, DST, AH], [DST] * 8) for proto in ("tcp", "udp"))),
    row("IPv6: quote with nine extension headers",
        drops(error(IPIP66, behind(IPIP66, [DST] * 9)), "icmp_error")),
    row("IPv6: quote that ends in its extension headers", *(
        drops(error(IPIP66, bytes(behind(IPIP66, [HBH, DST]))[:n]), "icmp_error")
        for n in (41, 44, 47, 48, 55, 56, 60, 63))),
    row("IPv6: quote of a first and of an atomic fragment",
        relayed(IPIP66, behind(IPIP66, [FIRST])), relayed(IPIP66, behind(IPIP66, [ATOMIC]))),
    row("IPv6: quote of a later fragment", drops(error(IPIP66, behind(IPIP66, [LATER])),
                                                 "icmp_error")),
    row("IPv6: an error behind extension headers", relayed(IPIP66, None, packet=chain(
        IPIP66, [HBH, DST], 58, bytes(error(IPIP66, quoted_flow(IPIP66)))[40:], ROUTER6))),
    row("an error with IPv4 options", relayed(IPIP44, None, packet=wire.with_options(
        error(IPIP44, quoted_flow(IPIP44)), b"\1" * 8))),
]
