"""Nasty frames, one row each: what attackers, broken stacks and strange networks send."""
import struct

import wire
from runner import answers, as_frame, drops, passes, row, sends
from wire import (BALANCER_MAC, CLIENT4, CLIENT_MAC, DROP4, EMPTY4, EMPTY6, GUE46, GUE66, IPIP44,
                  IPIP66, L2DSR4, L2DSR6, OTHER4, OTHER6, chain, echo, frame, ip_to, link, tcp,
                  udp, with_options)

SHORT = "truncated|bad_header"
Q, AD, ODD_TAG = 0x8100, 0x88A8, 0x9100
HBH, DST = (0, wire.options_header()), (60, wire.options_header())


def patched(packet, at, data):
    """The frame of @packet with bytes behind the Ethernet header replaced."""
    whole = as_frame(packet)
    return whole[:14 + at] + bytes(data) + whole[14 + at + len(data):]


def other_type(kind, payload=bytes(46), dst=BALANCER_MAC):
    return link(dst, CLIENT_MAC, kind) + payload


# ---- below IP ----

SYN4, SYN6 = tcp(IPIP44), tcp(IPIP66)
LINK = [
    row(f"ethertype {name}", passes(other_type(kind), "not_ip"))
    for name, kind in (
        ("ARP", 0x0806), ("RARP", 0x8035), ("LLDP to us", 0x88CC), ("MPLS", 0x8847),
        ("MPLS multicast", 0x8848), ("PPPoE discovery", 0x8863), ("PPPoE session", 0x8864),
        ("802.3 length 46", 46), ("802.3 length 0", 0), ("802.3 length 1500", 1500),
        ("between length and type", 0x05FF), ("IPX", 0x8137), ("MACsec", 0x88E5), ("EAPOL", 0x888E),
        ("PTP", 0x88F7), ("FCoE", 0x8906), ("loopback", 0x9000), ("QinQ of old", ODD_TAG),
        ("HSR", 0x892F), ("all ones", 0xFFFF), ("TRILL", 0x22F3), ("NSH", 0x894F))
]
LINK += [
    row("MPLS around IP to a VIP",
        passes(other_type(0x8847, b"\0\1\x01\x40" + bytes(SYN4)), "not_ip")),
    row("PPPoE around IP to a VIP",
        passes(other_type(0x8864, b"\x11\0\0\1\0\x34\0\x21" + bytes(SYN4)), "not_ip")),
    row("LLDP", passes(other_type(0x88CC, dst="01:80:c2:00:00:0e"), "not_ip")),
    row("spanning tree", passes(other_type(38, b"\x42\x42\3" + bytes(35), "01:80:c2:00:00:00"),
                                "not_ip")),
    row("IP to a VIP by broadcast", passes(frame(SYN4, dst="ff:ff:ff:ff:ff:ff"), "not_ip")),
    row("IP to a VIP by IPv4 multicast", passes(frame(SYN4, dst="01:00:5e:00:00:01"), "not_ip")),
    row("IP to a VIP by IPv6 multicast", passes(frame(SYN6, dst="33:33:00:00:00:01"), "not_ip")),
    row("IP to a VIP and another's MAC", sends(frame(SYN4, dst="02:aa:bb:cc:dd:ee"))),
    row("from a multicast MAC", sends(frame(SYN4, src="03:00:00:00:00:01"))),
    row("from and to the same MAC", sends(frame(SYN4, src=BALANCER_MAC))),
    row("an Ethernet header alone", passes(link(BALANCER_MAC, CLIENT_MAC, 0x0800), "truncated"),
        passes(link(BALANCER_MAC, CLIENT_MAC, 0x86DD), "truncated")),
    row("a tag and no more", *(
        passes(link(BALANCER_MAC, CLIENT_MAC, 0x0800, ((Q, 1),))[:n], "truncated")
        for n in range(14, 19))),
    row("two tags and no more", *(
        passes(link(BALANCER_MAC, CLIENT_MAC, 0x0800, ((AD, 1), (Q, 2)))[:n], "truncated")
        for n in range(18, 23))),
    row("tagged: ARP", passes(link(BALANCER_MAC, CLIENT_MAC, 0x0806, ((Q, 1), (Q, 1))) + bytes(46),
                              "not_ip")),
    row("tagged: 0x9100 outside", passes(link(BALANCER_MAC, CLIENT_MAC, ODD_TAG) + b"\0\1\x08\0"
                                         + bytes(SYN4), "not_ip")),
    row("tagged: 0x9100 inside", passes(frame(SYN4, ((Q, 1), (ODD_TAG, 2))), "not_ip")),
    row("tagged: broadcast", passes(frame(SYN4, ((Q, 1),), dst="ff:ff:ff:ff:ff:ff"), "not_ip")),
    row("tagged: VLAN 4095", sends(frame(SYN4, ((Q, 0x0FFF),)))),
    row("tagged: all bits", sends(frame(SYN6, ((AD, 0xFFFF), (Q, 0xFFFF))))),
    *(row(f"tagged {n} times", passes(frame(SYN4, ((Q, 1),) * n), "vlan_tag"))
      for n in (3, 4, 5, 8, 50)),
    row("tagged three times, with nothing in it",
        passes(link(BALANCER_MAC, CLIENT_MAC, 0x0806, ((Q, 1),) * 3), "vlan_tag")),
    row("tagged: IPv6 said to be IPv4", passes(
        link(BALANCER_MAC, CLIENT_MAC, 0x0800, ((Q, 1),)) + bytes(SYN6), SHORT)),
]

# ---- IPv4 ----

IPV4 = [
    *(row(f"IPv4: version {version}", passes(patched(SYN4, 0, [version << 4 | 5]), "bad_header"))
      for version in (0, 5, 6, 15)),
    *(row(f"IPv4: IHL {ihl}", passes(patched(SYN4, 0, [0x40 | ihl]), "bad_header"))
      for ihl in range(5)),
    row("IPv4: IHL beyond the packet", passes(patched(SYN4, 0, [0x4F]), "bad_header")),
    row("IPv4: IHL 15 of 20 bytes", passes(frame(patched(SYN4, 0, [0x4F, 0, 0, 20])[14:34]),
                                           "bad_header")),
    *(row(f"IPv4: total length {total}",
          passes(patched(SYN4, 2, struct.pack("!H", total)), "bad_header"))
      for total in (0, 1, 19, 51, 1500, 0x7FFF, 0x8000, 0xFFFF)),
    *(row(f"IPv4: total length {total} leaves half a TCP header",
          passes(patched(SYN4, 2, struct.pack("!H", total)), SHORT)) for total in (20, 21, 28, 39)),
    row("IPv4: lengths in the wrong byte order", passes(patched(SYN4, 2, [0x32, 0]), "bad_header")),
    row("IPv4: every wrong version", *(
        passes(patched(SYN4, 0, [v << 4 | 5]), "bad_header") for v in range(16) if v != 4)),
    *(row(f"IPv4: source {src}", sends(tcp(IPIP44, src=src)))
      for src in ("0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", IPIP44, EMPTY4,
                  "10.0.0.1", "10.0.1.11")),
    *(row(f"IPv4: destination {dst}", passes(tcp(dst)))
      for dst in ("0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "198.18.0.0",
                  "100.0.18.198", "198.18.0.255")),
    row("land attack", sends(tcp(IPIP44, sport=80, src=IPIP44)),
        sends(tcp(L2DSR4, sport=80, src=L2DSR4))),
    row("land attack on an empty service",
        answers(tcp(EMPTY4, sport=80, src=EMPTY4), "empty_reject", wire.reset)),
    *(row(f"IPv4: protocol {proto}", drops(ip_to(IPIP44, proto, bytes(40)), "unknown_protocol"))
      for proto in (0, 2, 4, 8, 33, 41, 43, 44, 46, 47, 50, 51, 58, 59, 60, 89, 94, 97, 103, 112,
                    115, 132, 135, 136, 137, 253, 254, 255)),
    row("IPv4: every protocol", *(
        drops(ip_to(L2DSR4, proto, bytes(40)), "unknown_protocol")
        for proto in range(256) if proto not in (1, 6, 17))),
    row("IPv4: an unknown protocol of no bytes", drops(ip_to(IPIP44, 132, b""),
                                                       "unknown_protocol")),
    row("IPv4: the evil bit", sends(tcp(IPIP44, flags=4)), sends(tcp(L2DSR4, flags=7 - 1))),
    row("IPv4: TTL of 0 to others", passes(tcp(OTHER4, ttl=0))),
]

# ---- IPv4 options ----


def options(name, data, reason=None, make=tcp):
    packet = with_options(make(IPIP44), data)
    return row(f"options: {name}", drops(packet, reason) if reason else sends(packet))


OPTIONS = [
    options("LSRR of 3 bytes", b"\x83\3\4\0", "ip_options"),
    options("SSRR of 3 bytes", b"\x89\3\4\0", "ip_options"),
    options("LSRR all gone through", b"\x83\7\x08" + bytes(5), "ip_options"),
    options("LSRR behind 36 NOPs", b"\1" * 36 + b"\x83\3\4\0", "ip_options"),
    options("LSRR behind the end of the list", b"\0\x83\7\4" + bytes(4)),
    options("LSRR inside another option", b"\x44\x08\x83\x03\x04\0\0\0"),
    options("LSRR as the very last byte", b"\1\1\1\x83", "ip_options"),
    options("a length of 0", b"\x07\0\0\0", "ip_options"),
    options("a length of 1", b"\x07\1\0\0", "ip_options"),
    options("a length of 2 is the least", b"\x1e\2\1\1"),
    options("a length that fills", b"\x1e\4\0\0"),
    options("a length one beyond", b"\x1e\5\0\0", "ip_options"),
    options("a length of 255", b"\x1e\xff\0\0", "ip_options"),
    options("a type and no length", b"\1\1\1\x1e", "ip_options"),
    options("40 bytes of NOP", b"\1" * 40),
    options("40 bytes of end", bytes(40)),
    options("20 options of 2 bytes", b"\x1e\2" * 20),
    options("20 options, the last one bad", b"\x1e\2" * 19 + b"\x1e\3", "ip_options"),
    options("garbage behind the end", b"\0\xff\xff\xff"),
    options("security of old", b"\x82\x0b" + bytes(9) + b"\1"),
    options("CIPSO", b"\x86\6" + bytes(4) + b"\1\1", make=udp),
    options("of an empty list to an empty service",
            b"\1\1\1\1", None),
    row("options: bad ones to an empty service",
        drops(with_options(tcp(EMPTY4), b"\x83\3\4\0"), "ip_options")),
    row("options: bad ones in an echo", drops(with_options(echo(IPIP44), b"\x83\3\4\0"),
                                              "ip_options")),
    row("options: bad ones to a port without VIP", drops(
        with_options(tcp(IPIP44, dport=81), b"\x83\3\4\0"), "ip_options")),
    row("options: TCP header behind them cut",
        passes(with_options(ip_to(IPIP44, 6, bytes(19)), b"\1" * 40), SHORT)),
]

# ---- TCP and UDP ----

XMAS = ("FPU", "FSRPAUEC", "", "SF", "SR", "FU", "SRF", "SFPU", "EC", "SEC", "RA", "R")
L4 = [
    *(row(f"TCP flags {flags or 'none'}", sends(tcp(IPIP44, flags)), sends(tcp(L2DSR6, flags)))
      for flags in XMAS),
    *(row(f"TCP: data offset {offset}", passes(patched(SYN4, 32, [offset << 4]), "bad_header"),
          passes(patched(SYN6, 52, [offset << 4]), "bad_header"))
      for offset in (0, 1, 2, 3, 4, 8, 15)),
    row("TCP: options that lie are not ours to judge", *(
        sends(tcp(IPIP44, "S", b"", options=[(2, b"")])),)),
    *(row(f"ports {sport} to {dport}", passes(tcp(IPIP44, sport=sport, dport=dport)),
          passes(udp(IPIP66, sport=sport, dport=dport)))
      for sport, dport in ((0, 0), (0xFFFF, 0xFFFF), (80, 0), (80, 20480), (40000, 6080),
                           (40000, 4789))),
    *(row(f"from port {sport}", sends(tcp(IPIP44, sport=sport)), sends(udp(L2DSR6, sport=sport)))
      for sport in (0, 80, 0xFFFF)),
    *(row(f"UDP: length {n}", passes(patched(udp(IPIP44), 24, struct.pack("!H", n)), "bad_header"),
          passes(patched(udp(IPIP66), 44, struct.pack("!H", n)), "bad_header"))
      for n in (0, 1, 7, 19, 0x7FFF, 0xFFFF)),
    row("UDP: bytes behind its length", sends(ip_to(
        IPIP44, 17, struct.pack("!HHHH", 40000, 80, 12, 0) + bytes(20)))),
    *(row(f"UDP: surplus area of {n} bytes over GUE", *(
        sends(ip_to(vip, 17, wire.l4(vip, wire.UDP(sport=1, dport=80) / wire.Raw(b"abcd"))
                    + b"\x12\x34\x56\x78\x9a"[:n])) for vip in (GUE46, GUE66)))
      for n in (1, 2, 5)),
    row("RST to an empty service", drops(tcp(EMPTY4, "R"), "empty_silent"),
        drops(tcp(EMPTY6, "RA"), "empty_silent")),
    row("xmas to an empty service", answers(tcp(EMPTY4, "FPU"), "empty_reject", wire.reset)),
    row("anything to a service that drops", *(
        drops(tcp(DROP4, flags), "empty_drop") for flags in ("S", "R", "", "FPU"))),
    *(row(f"{name}: {n} bytes of TCP", passes(ip_to(vip, 6, bytes(tcp(vip))[-30:][:n]), SHORT))
      for name, vip in (("IPv4", IPIP44), ("IPv6", IPIP66)) for n in (0, 1, 4, 8, 19)),
    *(row(f"{name}: {n} bytes of UDP", passes(ip_to(vip, 17, bytes(udp(vip))[-18:][:n]), SHORT))
      for name, vip in (("IPv4", IPIP44), ("IPv6", IPIP66)) for n in (0, 1, 4, 7, 8, 17)),
    *(row(f"{name}: {n} bytes of ICMP", passes(
        ip_to(vip, 58 if wire.is_v6(vip) else 1, b"\x80\0\0\0\0\0\0\0"[:n]), SHORT))
      for name, vip in (("IPv4", IPIP44), ("IPv6", IPIP66)) for n in (0, 1, 2, 4, 7)),
]

# ---- IPv6 ----

JUMBO = (0, b"\0\0\xc2\4\0\1\0\0")
IPV6 = [
    *(row(f"IPv6: version {version}", passes(patched(SYN6, 0, [version << 4]), "bad_header"))
      for version in (0, 4, 5, 7, 15)),
    row("IPv4 said to be IPv6", passes(other_type(0x86DD, bytes(SYN4)), "bad_header")),
    *(row(f"IPv6: payload length {n}", passes(patched(SYN6, 4, struct.pack("!H", n)), "bad_header"))
      for n in (31, 1500, 0x7FFF, 0xFFD7, 0xFFD8, 0xFFFF)),
    row("IPv6: payload length 0, TCP", passes(patched(SYN6, 4, [0, 0]), SHORT)),
    row("IPv6: jumbo payload", passes(chain(IPIP66, [JUMBO], 6, bytes(SYN6)[40:], plen=0),
                                      "bad_header")),
    row("IPv6: jumbo option in a packet of common size",
        sends(chain(IPIP66, [JUMBO], 6, bytes(SYN6)[40:]))),
    *(row(f"IPv6: next header {proto}",
          drops(ip_to(IPIP66, proto, bytes(40)), "unknown_protocol"))
      for proto in (1, 2, 4, 41, 46, 47, 50, 59, 89, 103, 112, 115, 132, 135, 136, 137, 139, 140,
                    253, 254, 255)),
    *(row(f"IPv6: {name} says {n} units",
          passes(chain(IPIP66, [(number, bytes([0, n]) + bytes(30))], 6, b""), "bad_header"))
      for name, number in (("hop-by-hop", 0), ("destination options", 60), ("AH", 51))
      for n in (7 if number == 51 else 4, 31, 255)),
    *(row(f"IPv6: {n} bytes of extension header {number}",
          passes(ip_to(IPIP66, number, b"\6\0\0\0\0\0\0"[:n]), SHORT))
      for number in (0, 43, 44, 51, 60) for n in (0, 1, 2, 7)),
    *(row(f"IPv6: routing header of type {kind}, {left} left",
          drops(chain(IPIP66, [(43, wire.routing_header(left, kind))], 6, bytes(SYN6)[40:]),
                "extension_header"))
      for kind, left in ((0, 1), (0, 255), (2, 1), (3, 7), (4, 1), (253, 1))),
    *(row(f"IPv6: routing header of type {kind}, done",
          sends(chain(IPIP66, [(43, wire.routing_header(0, kind))], 6, bytes(SYN6)[40:])))
      for kind in (0, 2, 3, 4, 253)),
    *(row(f"IPv6: {n} extension headers",
          (sends if n <= 8 else lambda p: drops(p, "extension_header"))(
              chain(IPIP66, [DST] * n, 17, bytes(udp(IPIP66))[40:])))
      for n in (1, 7, 8, 9, 10, 20)),
    row("IPv6: 1,024 bytes of extension headers", sends(
        chain(IPIP66, [(60, wire.options_header(31))] * 4, 6, bytes(SYN6)[40:]))),
    row("IPv6: 1,032 bytes of extension headers", drops(
        chain(IPIP66, [(60, wire.options_header(31))] * 4 + [DST], 6, bytes(SYN6)[40:]),
        "extension_header")),
    row("IPv6: the longest extension header, cut",
        passes(chain(IPIP66, [(60, b"\0\xff" + bytes(1200))], 6, b""), "bad_header")),
    row("IPv6: hop-by-hop where it must not be",
        sends(chain(IPIP66, [DST, HBH, HBH], 6, bytes(SYN6)[40:]))),
    row("IPv6: options that lie within a header",
        sends(chain(IPIP66, [(60, b"\0\0\x1e\xff\0\0\0\0")], 6, bytes(SYN6)[40:]))),
    row("IPv6: no next header behind headers",
        drops(chain(IPIP66, [HBH, DST], 59, b""), "unknown_protocol")),
    row("IPv6: ESP behind headers", drops(chain(IPIP66, [HBH, DST], 50, bytes(40)),
                                          "unknown_protocol")),
    row("IPv6: the shortest AH",
        sends(chain(IPIP66, [(51, bytes([0, 1]) + bytes(10))], 6, bytes(SYN6)[40:]))),
    *(row(f"IPv6: destination {dst}", passes(tcp(dst)))
      for dst in ("::", "::1", "ff02::1", f"::ffff:{IPIP44}", f"::{IPIP44}", f"64:ff9b::{IPIP44}",
                  f"::ffff:0:{IPIP44}", "2002:c612:64::1", "fe80::1", "2001:db8::",
                  "2001:db8::ff")),
    *(row(f"IPv6: source {src}", sends(tcp(IPIP66, src=src)))
      for src in ("::", "::1", "ff02::1", "fe80::1", IPIP66, f"::ffff:{CLIENT4}")),
    row("IPv6: land attack", sends(tcp(IPIP66, sport=80, src=IPIP66))),
    row("IPv6: hop limit of 0 to others", passes(tcp(OTHER6, ttl=0))),
]

ROWS = [*LINK, *IPV4, *OPTIONS, *L4, *IPV6]
