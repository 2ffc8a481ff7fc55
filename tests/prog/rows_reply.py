"""Rows: what the balancer answers itself: RST, unreachable, echo, time exceeded, too big."""
import wire
from runner import answers, drops, passes, row, sends
from wire import (DROP4, DROP6, EMPTY4, EMPTY6, GUE44, IPIP44, IPIP46, IPIP66, L2DSR4, L2DSR6,
                  OTHER4, OVERHEAD, SENDING, chain, echo, frame, hop_of, tcp, udp, with_options)

NAMES = {vip: f"{wire.MODES[vip][0]} {vip}" for vip in SENDING}
TAGGED = (((0x8100, 0x2007),), ((0x88A8, 7), (0x8100, 0xF008)))
HBH, DST = (0, wire.options_header()), (60, wire.options_header())
ODD4 = ("0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "0.1.2.3", "239.1.1.1")
ODD6 = ("::", "::1", "ff02::1", "ff0e::1")


def behind(packet, proto):
    """With options or extension headers."""
    if bytes(packet)[0] >> 4 == 6:
        return chain(EMPTY6, [HBH, DST], proto, bytes(packet)[40:])
    return with_options(packet, b"\1" * 12)


ROWS = []
for empty, dropping in ((EMPTY4, DROP4), (EMPTY6, DROP6)):
    v6 = wire.is_v6(empty)
    name = "IPv6" if v6 else "IPv4"
    odd = ODD6 if v6 else ODD4
    ROWS += [
        row(f"{name} RST: {flags or 'no flags'}", *(
            answers(tcp(empty, flags, payload), "empty_reject", wire.reset)
            for payload in (b"", b"x", b"xyz" * 100)))
        for flags in ("S", "SA", "A", "PA", "F", "FA", "", "FSPU", "FSPAUEC", "U")
    ]
    ROWS += [
        row(f"{name} RST: TCP options", answers(
            tcp(empty, "S", b"", options=[("MSS", 1460), ("WScale", 7), ("NOP", None)]),
            "empty_reject", wire.reset)),
        row(f"{name} RST: no padding counts",
            answers(frame(tcp(empty, "S", b""), pad=9), "empty_reject", wire.reset)),
        row(f"{name} RST: tags come back", *(
            answers(frame(tcp(empty), tags), "empty_reject", wire.reset) for tags in TAGGED)),
        row(f"{name} RST: options and extension headers are not ours",
            answers(behind(tcp(empty), 6), "empty_reject", wire.reset)),
        row(f"{name} RST is not answered", *(
            drops(tcp(empty, flags), "empty_silent") for flags in ("R", "RA", "RS", "RFPU"))),
        row(f"{name}: odd sources are not answered", *(
            drops(make(empty, src=src), "empty_silent") for src in odd for make in (tcp, udp))),
        row(f"{name}: on_empty drop", drops(tcp(dropping), "empty_drop"),
            drops(udp(dropping), "empty_drop"), drops(tcp(dropping, "R"), "empty_drop")),
        row(f"{name} unreachable: quotes all that fits", *(
            answers(udp(empty, bytes(range(256)) * (n // 256) + b"q" * (n % 256)), "empty_reject",
                    wire.unreachable())
            for n in (0, 1, 8, 100, 519, 520, 521, 522, 523, 1000, 1183, 1184, 1185, 1186, 1400))),
        row(f"{name} unreachable: padding is not quoted",
            answers(frame(udp(empty, b""), pad=18), "empty_reject", wire.unreachable())),
        row(f"{name} unreachable: tags come back", *(
            answers(frame(udp(empty), tags), "empty_reject", wire.unreachable())
            for tags in TAGGED)),
        row(f"{name} unreachable: options and extension headers are quoted",
            answers(behind(udp(empty), 17), "empty_reject", wire.unreachable())),
        row(f"{name} unreachable: from its own address",
            f"reply_source {'2001:db8:5::5' if v6 else '10.9.9.9'}",
            answers(udp(empty), "empty_reject",
                    wire.unreachable(source4="10.9.9.9", source6="2001:db8:5::5")),
            answers(tcp(empty), "empty_reject", wire.reset)),
    ]

# ---- echo ----

for vip in (IPIP44, EMPTY4, L2DSR4, IPIP66, EMPTY6):
    ROWS += [
        row(f"echo to {vip}", *(
            answers(echo(vip, bytes([n * 37 & 255]) * n), "echo_reply", wire.echo_reply)
            for n in (*range(12), 56, 575, 1000, 1400))),
        row(f"echo to {vip}: padding", answers(frame(echo(vip, b""), pad=18), "echo_reply",
                                               wire.echo_reply)),
        row(f"echo to {vip}: in tags", *(
            answers(frame(echo(vip), tags), "echo_reply", wire.echo_reply) for tags in TAGGED)),
        row(f"echo to {vip}: every identifier's carry", *(
            answers(wire.icmp(vip, 128 if wire.is_v6(vip) else 8, rest=ident.to_bytes(4, "big")),
                    "echo_reply", wire.echo_reply)
            for ident in (0, 0x7FFF, 0x7FFE, 0xF7FF, 0xF7FE, 0xF800, 0xFFFF, 0x80000000,
                          0xFFFFFFFF, 0x7F007E00))),
        row(f"echo to {vip}: DSCP is not ours, the last TTL is enough",
            answers(echo(vip, tos=0xB9, ttl=1), "echo_reply", wire.echo_reply)),
    ]
ROWS += [
    row("echo with IPv4 options", answers(with_options(echo(IPIP44), b"\1" * 8), "echo_reply",
                                          wire.echo_reply)),
    row("echo behind extension headers", answers(
        chain(IPIP66, [HBH, DST], 58, bytes(echo(IPIP66))[40:]), "echo_reply", wire.echo_reply)),
    row("echo comes from the VIP", "reply_source 10.9.9.9",
        answers(echo(IPIP44), "echo_reply", wire.echo_reply)),
    row("echo of code 1, timestamp, mask", drops(wire.icmp(IPIP44, 8, 1), "icmp_other"),
        drops(wire.icmp(IPIP44, 13), "icmp_other"), drops(wire.icmp(IPIP44, 17), "icmp_other"),
        drops(wire.icmp(IPIP44, 0), "icmp_other"), drops(wire.icmp(IPIP66, 129), "icmp_other")),
    row("neighbour discovery", *(
        passes(wire.icmp(IPIP66, kind, payload=bytes(16)), "neighbour_discovery")
        for kind in range(133, 138))),
    row("echo from odd sources", *(
        drops(echo(IPIP44, src=src), "empty_silent") for src in ODD4)),
]

# ---- TTL ----

for vip in SENDING:
    v6 = wire.is_v6(vip)
    own = {"source4": "10.9.9.9", "source6": "2001:db8:5::5"}
    extra = chain(vip, [HBH], 6, bytes(tcp(vip))[40:], ttl=1) if v6 else with_options(
        tcp(vip, ttl=1), b"\1" * 4)
    ROWS += [
        row(f"{NAMES[vip]}: time exceeded", *(
            answers(make(vip, ttl=ttl), "ttl_exceeded", wire.time_exceeded())
            for ttl in (0, 1) for make in (tcp, udp))),
        row(f"{NAMES[vip]}: time exceeded quotes all that fits", *(
            answers(udp(vip, b"z" * n, ttl=1), "ttl_exceeded", wire.time_exceeded())
            for n in (0, 1, 519, 520, 521, 1183, 1184, 1185, 1400))),
        row(f"{NAMES[vip]}: time exceeded in tags, padded", *(
            answers(frame(udp(vip, b"", ttl=1), tags, pad=18), "ttl_exceeded",
                    wire.time_exceeded()) for tags in TAGGED)),
        row(f"{NAMES[vip]}: time exceeded of options and extensions",
            answers(extra, "ttl_exceeded", wire.time_exceeded())),
        row(f"{NAMES[vip]}: time exceeded from its own address",
            f"reply_source {own['source6' if v6 else 'source4']}",
            answers(tcp(vip, ttl=1), "ttl_exceeded", wire.time_exceeded(**own))),
        row(f"{NAMES[vip]}: time exceeded before too big", f"mtu {hop_of(vip)} 100",
            answers(udp(vip, b"f" * 500, ttl=1, **({} if v6 else {"flags": "DF"})), "ttl_exceeded",
                    wire.time_exceeded())),
        row(f"{NAMES[vip]}: no time exceeded to odd sources", *(
            drops(tcp(vip, src=src, ttl=1), "ttl_silent") for src in (ODD6 if v6 else ODD4))),
        row(f"{NAMES[vip]}: TTL 1 of a RST",
            drops(tcp(vip, "R", ttl=1), "ttl_silent")),
    ]

# ---- too big ----

for vip in SENDING:
    v6 = wire.is_v6(vip)
    header, df = (48, {}) if v6 else (28, {"flags": "DF"})
    mtu = 1400 if v6 else 1000
    fits, told = mtu - OVERHEAD[vip] - header, mtu - OVERHEAD[vip]
    change = f"mtu {hop_of(vip)} {mtu}"
    own = {"source4": "10.9.9.9", "source6": "2001:db8:5::5"}
    odd = (ODD6 if v6 else ODD4)
    ROWS += [
        row(f"{NAMES[vip]}: too big by a byte", change, sends(udp(vip, b"f" * fits, **df)),
            answers(udp(vip, b"f" * (fits + 1), **df), "too_big_reply", wire.too_big(told))),
        row(f"{NAMES[vip]}: too big, TCP", change, sends(tcp(vip, "A", b"f" * (fits - 12), **df)),
            answers(tcp(vip, "PA", b"f" * (fits - 11), **df), "too_big_reply",
                    wire.too_big(told)),
            answers(tcp(vip, "S", b"f" * (fits + 1), **df), "too_big_reply", wire.too_big(told))),
        row(f"{NAMES[vip]}: too big by padding alone", change,
            sends(frame(udp(vip, b"f" * fits, **df), pad=40))),
        row(f"{NAMES[vip]}: too big in tags", change, *(
            answers(frame(udp(vip, b"f" * (fits + 1), **df), tags), "too_big_reply",
                    wire.too_big(told)) for tags in TAGGED)),
        row(f"{NAMES[vip]}: too big, told by its own address", change,
            f"reply_source {own['source6' if v6 else 'source4']}",
            answers(udp(vip, b"f" * (fits + 1), **df), "too_big_reply", wire.too_big(told, **own))),
        row(f"{NAMES[vip]}: too big, and no answer would be right", change,
            drops(tcp(vip, "R", b"f" * fits, **df), "too_big"),
            *(drops(udp(vip, b"f" * (fits + 1), src=src, **df), "too_big") for src in odd)),
    ]
    if v6:
        ROWS.append(row(f"{NAMES[vip]}: never told less than 1280", f"mtu {hop_of(vip)} 1290", *(
            [answers(udp(vip, b"f" * (1290 - 47)), "too_big_reply", wire.too_big(
                max(1280, 1290 - OVERHEAD[vip])))])))
    else:
        ROWS.append(row(f"{NAMES[vip]}: too big without DF", change,
                        sends(udp(vip, b"f" * fits)),
                        drops(udp(vip, b"f" * (fits + 1)), "too_big_no_df"),
                        drops(tcp(vip, "A", b"f" * (fits + 1)), "too_big_no_df")))

# ---- the budget ----

# By kind: each has a budget of its own.
ANSWERED = {
    "reject": {
        "RST": (tcp(EMPTY4), "empty_reject", wire.reset),
        "unreachable": (udp(EMPTY6), "empty_reject", wire.unreachable()),
    },
    "echo": {
        "echo": (echo(IPIP44), "echo_reply", wire.echo_reply),
        "echo, IPv6": (echo(IPIP66), "echo_reply", wire.echo_reply),
    },
    "error": {
        "time exceeded": (tcp(GUE44, ttl=1), "ttl_exceeded", wire.time_exceeded()),
        "too big": (udp(IPIP46, b"f" * 1440, flags="DF"), "too_big_reply", wire.too_big(1460)),
    },
}
ROWS += [
    row(f"budget: no {name} at a rate of 0", "reply_rate 0", drops(packet, "reply_limited"),
        sends(tcp(L2DSR4)))
    for kind in ANSWERED.values() for name, (packet, _, _) in kind.items()
]
ROWS += [
    row(f"budget: {name} is charged to all of its kind", "reply_rate 1", answers(packet, reason, make),
        *(drops(other, "reply_limited") for other, _, _ in kind.values()), sends(tcp(L2DSR6)))
    for kind in ANSWERED.values() for name, (packet, reason, make) in kind.items()
]
ROWS.append(row("budget: one for each kind", "reply_rate 1", *(
    answers(*list(kind.values())[0]) for kind in ANSWERED.values()), *(
    drops(packet, "reply_limited") for kind in ANSWERED.values() for packet, _, _ in kind.values()),
    passes(echo(OTHER4))))
