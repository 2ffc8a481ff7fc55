"""More nasty frames: pieces of packets, ICMP that lies, everything cut short."""
import struct

import wire
from runner import answers, drops, passes, row, sends
from wire import (CLIENT4, CLIENT6, EMPTY4, EMPTY6, GUE66, IPIP44, IPIP46, IPIP66, L2DSR4, L2DSR6,
                  OTHER4, OTHER6, chain, echo, frame, icmp, ip_to, quoted_flow, tcp, udp,
                  with_options)

SHORT = "truncated|bad_header"
Q, AD = 0x8100, 0x88A8
HBH, DST = (0, wire.options_header()), (60, wire.options_header())
ATOMIC, FIRST = (44, wire.fragment_header()), (44, wire.fragment_header(0, 1))
SYN4, SYN6 = tcp(IPIP44), tcp(IPIP66)

# ---- fragments ----

MORE = 1
BIG4 = bytes(udp(IPIP44, b"u" * 992))[20:]
FRAGMENTS = [
    row("teardrop", sends(ip_to(IPIP44, 17, BIG4[:40], id=1, flags=MORE), "udp 80"),
        sends(ip_to(IPIP44, 17, BIG4[24:28], id=1, frag=3), "udp 80")),
    row("ping of death", drops(ip_to(IPIP44, 1, bytes(1000), frag=8189), "fragment")),
    row("the last offset", drops(ip_to(IPIP44, 17, bytes(8), frag=8191), "fragment")),
    row("the last offset, and more", drops(ip_to(IPIP44, 17, bytes(8), frag=8191, flags=MORE),
                                           "fragment")),
    row("first fragment of nothing", drops(ip_to(IPIP44, 17, b"", flags=MORE), "fragment"),
        drops(ip_to(IPIP44, 6, b"", flags=MORE), "fragment")),
    row("later fragment of nothing", drops(ip_to(IPIP44, 17, b"", frag=5), "fragment")),
    *(row(f"tiny fragment: {n} bytes of TCP",
          drops(ip_to(IPIP44, 6, bytes(SYN4)[20:20 + n], flags=MORE), "fragment"),
          drops(chain(IPIP66, [FIRST], 6, bytes(SYN6)[40:40 + n]), "fragment"))
      for n in (0, 1, 8, 13, 14, 16, 19)),
    *(row(f"tiny fragment: {n} bytes of UDP",
          drops(ip_to(IPIP44, 17, BIG4[:n], flags=MORE), "fragment"),
          drops(chain(IPIP66, [FIRST], 17, bytes(udp(IPIP66))[40:40 + n]), "fragment"))
      for n in (0, 1, 4, 7)),
    row("tiny fragment: flags at offset 8", drops(ip_to(IPIP44, 6, bytes(SYN4)[28:], frag=1),
                                                  "fragment")),
    row("DF and MF", sends(ip_to(IPIP44, 17, BIG4[:400], flags=3), "udp 80")),
    row("a fragment of a length that is no multiple of 8",
        sends(ip_to(IPIP44, 17, BIG4[:401], flags=MORE), "udp 80")),
    row("first fragment of UDP that lies", *(
        sends(ip_to(IPIP44, 17, struct.pack("!HHHH", 40000, 80, n, 0) + bytes(8), flags=MORE),
              "udp 80") for n in (16, 17, 1000, 0xFFFF))),
    *(row(f"fragments of protocol {proto}", drops(
        ip_to(IPIP44, proto, bytes(40), flags=MORE), "fragment|unknown_protocol"),
        drops(ip_to(IPIP44, proto, bytes(40), frag=5), "fragment|unknown_protocol"))
      for proto in (0, 47, 50, 132)),
    row("fragments of ICMP", drops(ip_to(IPIP44, 1, b"\x08" + bytes(39), flags=MORE), "fragment"),
        drops(ip_to(IPIP44, 1, bytes(40), frag=5), "fragment"),
        drops(chain(IPIP66, [FIRST], 58, b"\x80" + bytes(39)), "fragment")),
    row("fragments not to a VIP", passes(ip_to(OTHER4, 17, BIG4[:400], flags=MORE)),
        passes(ip_to(OTHER4, 6, bytes(8), frag=1)), passes(ip_to(OTHER4, 1, bytes(8), frag=8191))),
    row("atomic fragments", sends(chain(IPIP66, [ATOMIC], 6, bytes(SYN6)[40:])),
        sends(chain(IPIP66, [(44, wire.fragment_header(0, 0, 0))], 17, bytes(udp(IPIP66))[40:]))),
    row("an atomic fragment of an echo", answers(
        chain(IPIP66, [ATOMIC], 58, bytes(echo(IPIP66))[40:]), "echo_reply", wire.echo_reply)),
    *(row(f"a fragment header in a fragment: {name}", drops(
        chain(IPIP66, headers, 58, bytes(echo(IPIP66))[40:]), "fragment|extension_header"))
      for name, headers in (("atomic", [FIRST, ATOMIC]), ("first", [ATOMIC, FIRST]),
                            ("first, twice", [FIRST, FIRST]))),
    row("fragment header with reserved bits",
        sends(chain(IPIP66, [(44, b"\0\xff\0\6\0\0\0\7")], 6, bytes(SYN6)[40:]))),
    row("fragments behind nine headers", drops(
        chain(IPIP66, [DST] * 8 + [FIRST], 17, bytes(udp(IPIP66))[40:]), "extension_header")),
    row("first fragment whose headers do not end in it",
        drops(chain(IPIP66, [FIRST], 60, b"\x11\0\1\4" + bytes(4)), "fragment")),
    row("later fragment to an empty service", drops(ip_to(EMPTY4, 17, bytes(40), frag=5),
                                                    "fragment")),
]

# ---- ICMP ----

ERROR4 = (3, 11, 12)


def error4(quote, kind=3, code=4, vip=IPIP44):
    return icmp(vip, kind, code, payload=bytes(quote), src="203.0.113.9")


def error6(quote, kind=2, code=0, vip=IPIP66):
    return icmp(vip, kind, code, payload=bytes(quote), src="2001:db8:9::9")


FLOW4, FLOW6 = bytes(quoted_flow(IPIP44)), bytes(quoted_flow(IPIP66))
MESSAGES = [
    row("every ICMP type", *(
        drops(error4(b"", kind, 0), "icmp_error" if kind in (*ERROR4, 4, 5) else "icmp_other")
        for kind in range(256) if kind != 8)),
    row("every ICMPv6 type below 128", *(
        drops(error6(b"", kind), "icmp_error") for kind in range(128))),
    row("every ICMPv6 type above 128", *(
        drops(error6(b"", kind), "icmp_other") for kind in range(129, 256)
        if not 133 <= kind <= 137)),
    row("every code of an echo", *(drops(icmp(IPIP44, 8, code), "icmp_other") for code in (1, 255)),
        *(drops(icmp(IPIP66, 128, code), "icmp_other") for code in (1, 255))),
    row("an error that quotes an error that quotes a flow",
        drops(error4(bytes(icmp(CLIENT4, 3, 4, payload=FLOW4, src=IPIP44))), "icmp_error"),
        drops(error6(bytes(icmp(CLIENT6, 2, 0, payload=FLOW6, src=IPIP66))), "icmp_error")),
    row("an error that quotes itself", drops(error4(bytes(error4(FLOW4))), "icmp_error"),
        drops(error6(bytes(error6(FLOW6))), "icmp_error")),
    row("an error that quotes what we encapsulated", drops(error4(
        ip_to("10.0.1.11", 4, bytes(SYN4), src="10.0.0.1")), "icmp_error")),
    row("an error that quotes a flow to the VIP", drops(error4(SYN4), "icmp_error")),
    row("an error that quotes the other family", drops(error4(FLOW6), "icmp_error"),
        drops(error6(FLOW4), "icmp_error")),
    row("an error from the VIP itself",
        sends(icmp(IPIP44, 3, 4, payload=FLOW4, src=IPIP44), "tcp 80")),
    row("an error that comes from nowhere",
        sends(icmp(IPIP44, 3, 4, payload=FLOW4, src="0.0.0.0"), "tcp 80")),
    *(row(f"a quote with {name}", drops(error4(FLOW4[:at] + data + FLOW4[at + len(data):]),
                                        "icmp_error"))
      for name, at, data in (
          ("version 6", 0, b"\x65"), ("version 0", 0, b"\5"), ("IHL 0", 0, b"\x40"),
          ("IHL 4", 0, b"\x44"), ("protocol 1", 9, b"\1"), ("protocol 0", 9, b"\0"),
          ("protocol 47", 9, b"\x2f"), ("offset 1", 6, b"\0\1"),
          ("the last offset", 6, b"\x1f\xff"),
          ("another source", 15, b"\x65"))),
    *(row(f"an IPv6 quote with {name}", drops(
        error6(FLOW6[:at] + data + FLOW6[at + len(data):]), "icmp_error"))
      for name, at, data in (
          ("version 4", 0, b"\x40"), ("version 0", 0, b"\0"), ("ICMPv6", 6, b"\x3a"),
          ("ESP", 6, b"\x32"), ("no next header", 6, b"\x3b"), ("another source", 23, b"\1\1"))),
    *(row(f"a quote that says {n} bytes", sends(error4(FLOW4[:2] + struct.pack("!H", n)
                                                       + FLOW4[4:28], 11, 0), "tcp 80"))
      for n in (28, 40, 1500, 0xFFFF)),
    *(row(f"an IPv6 quote that says {n} bytes", sends(error6(
        FLOW6[:4] + struct.pack("!H", n) + FLOW6[6:48], 3), "tcp 80")) for n in (8, 1440, 0xFFFF)),
    row("every length of a quote", *(
        drops(error4(FLOW4[:n]), "icmp_error") if n < 28 else
        sends(error4(FLOW4[:n]), "tcp 80") for n in range(101))),
    row("every length of an IPv6 quote", *(
        drops(error6(FLOW6[:n]), "icmp_error") if n < 48 else
        sends(error6(FLOW6[:n]), "tcp 80") for n in range(121))),
    row("quotes about ports no VIP has", passes(error4(quoted_flow(IPIP44, port=0))),
        passes(error4(quoted_flow(IPIP44, port=0xFFFF))),
        passes(error4(quoted_flow(IPIP44, port=40000)))),
]

# ---- every truncation ----

WHOLE = {
    "SYN": SYN4, "UDP": udp(L2DSR4), "echo": echo(IPIP44), "error": error4(FLOW4),
    "options": with_options(tcp(IPIP44), b"\x44\x08\5\0\0\0\0\0\1\1\1\0"),
    "first fragment": ip_to(IPIP44, 17, BIG4[:64], flags=MORE),
    "later fragment": ip_to(IPIP44, 17, BIG4[64:128], frag=8),
    "SYN to nobody": tcp(EMPTY4), "last TTL": tcp(IPIP46, ttl=1),
    "SCTP": ip_to(IPIP44, 132, bytes(40)),
    "SYN, IPv6": SYN6, "UDP, IPv6": udp(L2DSR6), "echo, IPv6": echo(IPIP66),
    "error, IPv6": error6(FLOW6),
    "headers": chain(IPIP66, [HBH, DST, (43, wire.routing_header()), (51, wire.auth_header())], 6,
                     bytes(SYN6)[40:]),
    "first fragment, IPv6": chain(IPIP66, [HBH, FIRST], 17, bytes(udp(IPIP66, b"u" * 56))[40:]),
    "later fragment, IPv6": chain(IPIP66, [(44, wire.fragment_header(64))], 17, bytes(64)),
    "RST to nobody": tcp(EMPTY6, "R"), "GUE": udp(GUE66), "not to a VIP": tcp(OTHER4),
    "not to a VIP, IPv6": udp(OTHER6),
}
TRUNCATED = [
    row(f"every truncation: {name}{' in tags' if tags else ''}", *(
        passes(frame(packet, tags)[:n], SHORT) for n in range(14, len(frame(packet, tags)))))
    for name, packet in WHOLE.items() for tags in ((), ((AD, 1), (Q, 2)))
]

ROWS = [*FRAGMENTS, *MESSAGES, *TRUNCATED]
