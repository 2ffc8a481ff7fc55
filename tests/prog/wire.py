"""Frames as clients send them and as they have to leave, built by scapy: its checksums, not ours.

The world is that of scene.h. An expected output is a function of the frame that went in; what the
program may choose (flow label, GUE source port, masked source bits) is taken from what came out,
before the checksums over it are computed.
"""
import socket
import struct

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (ICMPv6DestUnreach, ICMPv6PacketTooBig, ICMPv6TimeExceeded, IPv6)
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw

CLIENT_MAC, BALANCER_MAC, BACKEND_MAC = (f"02:00:00:00:00:0{i}" for i in (1, 2, 3))
CLIENT4, CLIENT6 = "192.0.2.1", "2001:db8:1::1"
SOURCE4, SOURCE6 = "10.0.0.1", "2001:db8:2::1"
MEMBER4, MEMBER6 = "10.0.1.11", "2001:db8:2::11"
MEMBERS = {f"10.0.1.{i}" for i in range(11, 15)} | {f"2001:db8:2::{i}" for i in range(11, 15)}

(IPIP44, L2DSR4, EMPTY4, DROP4, IPIP46, GUE44, GUE46, SPREAD4, NOHOP4) = (
    f"198.18.0.{i}" for i in range(100, 109))
(IPIP66, L2DSR6, EMPTY6, DROP6, IPIP64, GUE66, GUE64, SPREAD6) = (
    f"2001:db8::{i}" for i in range(100, 108))
OTHER4, OTHER6 = "198.18.0.200", "2001:db8::200"
SENDING = (IPIP44, L2DSR4, IPIP46, GUE44, GUE46, IPIP66, L2DSR6, IPIP64, GUE66, GUE64)

# VIP -> mode, member. SPREAD*: the member is read from the output, and must be one of MEMBERS.
MODES = {
    IPIP44: ("ipip", MEMBER4), L2DSR4: ("l2dsr", MEMBER4), IPIP46: ("ipip", MEMBER6),
    GUE44: ("gue", MEMBER4), GUE46: ("gue", MEMBER6), SPREAD4: ("ipip", None),
    IPIP66: ("ipip", MEMBER6), L2DSR6: ("l2dsr", MEMBER6), IPIP64: ("ipip", MEMBER4),
    GUE66: ("gue", MEMBER6), GUE64: ("gue", MEMBER4), SPREAD6: ("ipip", None),
}
OVERHEAD = {IPIP44: 20, L2DSR4: 0, IPIP46: 40, GUE44: 28, GUE46: 48,
            IPIP66: 40, L2DSR6: 0, IPIP64: 20, GUE66: 48, GUE64: 28}


def is_v6(addr):
    return ":" in addr


def hop_of(vip):
    """The next hop that scene.h gives the VIP's members: 1 is IPv4, 2 IPv6."""
    member = MODES[vip][1] or (MEMBER6 if is_v6(vip) else MEMBER4)
    return 2 if is_v6(member) else 1


# ---- what clients send ----


def frame(ip, tags=(), pad=0, dst=BALANCER_MAC, src=CLIENT_MAC):
    """@ip in Ethernet; @tags: (tpid, tci), outermost first; @pad: bytes behind the packet."""
    data = bytes(ip)
    return link(dst, src, 0x86DD if data[0] >> 4 == 6 else 0x0800, tags) + data + bytes(pad)


def link(dst, src, ethertype, tags=()):
    types = [tpid for tpid, _ in tags] + [ethertype]
    head = Ether(dst=dst, src=src, type=types[0])
    for (_, tci), next_type in zip(tags, types[1:]):
        head = head / Dot1Q(prio=tci >> 13, id=tci >> 12 & 1, vlan=tci & 0xFFF, type=next_type)
    return bytes(head)


def ip_to(vip, proto, payload, src=None, ttl=64, tos=0, **more):
    """An IP packet around bytes; IPv4 or IPv6 as the address says."""
    if is_v6(vip):
        return IPv6(src=src or CLIENT6, dst=vip, nh=proto, hlim=ttl, tc=tos, **more) / Raw(payload)
    return IP(src=src or CLIENT4, dst=vip, proto=proto, ttl=ttl, tos=tos, **more) / Raw(payload)


def l4(vip, segment, src=None):
    """The bytes of a TCP, UDP or ICMP packet, its checksum right for these addresses."""
    if is_v6(vip):
        return bytes(IPv6(src=src or CLIENT6, dst=vip) / segment)[40:]
    return bytes(IP(src=src or CLIENT4, dst=vip) / segment)[20:]


def tcp(vip, tcp_flags="S", payload=b"x" * 10, sport=40000, dport=80, src=None, options=(), **ip):
    segment = TCP(sport=sport, dport=dport, seq=1000, ack=2000, flags=tcp_flags,
                  options=list(options)) / Raw(payload)
    return ip_to(vip, 6, l4(vip, segment, src), src, **ip)


def udp(vip, payload=b"x" * 10, sport=40000, dport=80, src=None, **ip):
    return ip_to(vip, 17, l4(vip, UDP(sport=sport, dport=dport) / Raw(payload), src), src, **ip)


def icmp_sum(vip, message, src=None):
    """@message (a zero checksum in it) with the checksum that these addresses want."""
    proto = 58 if is_v6(vip) else 1
    if proto == 1:
        total = checksum(message)
    else:
        pseudo = (socket.inet_pton(socket.AF_INET6, src or CLIENT6)
                  + socket.inet_pton(socket.AF_INET6, vip)
                  + struct.pack("!IBBBB", len(message), 0, 0, 0, 58))
        total = checksum(pseudo + message)
    return message[:2] + struct.pack("!H", total) + message[4:]


def checksum(data):
    """RFC 1071, for frames that go in; scapy has no class for half of them."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def icmp(vip, kind, code=0, rest=b"\0\1\0\1", payload=b"", src=None, **ip):
    message = icmp_sum(vip, struct.pack("!BBH", kind, code, 0) + rest + bytes(payload), src)
    return ip_to(vip, 58 if is_v6(vip) else 1, message, src, **ip)


def echo(vip, payload=b"p" * 40, **ip):
    return icmp(vip, 128 if is_v6(vip) else 8, payload=payload, **ip)


def chain(vip, headers, proto, payload, src=None, **ip):
    """IPv6 with extension headers: @headers are (number, bytes with any first byte)."""
    numbers = [number for number, _ in headers] + [proto]
    body = b"".join(bytes([following]) + data[1:]
                    for (_, data), following in zip(headers, numbers[1:]))
    return ip_to(vip, numbers[0], body + payload, src, **ip)


def with_options(packet, options):
    """@packet with raw options, whatever they are."""
    data = bytes(packet)
    header = IP(data[:20])
    header.ihl, header.len = 5 + len(options) // 4, len(data) + len(options)
    head = bytes(header)[:10] + b"\0\0" + bytes(header)[12:20] + options
    return Raw(head[:10] + struct.pack("!H", checksum(head)) + head[12:] + data[20:])


def options_header(units=0):
    """Hop-by-hop or destination options: PadN over 8 + 8 * @units bytes."""
    return bytes([0, units, 1, 4 + 8 * units]) + bytes(4 + 8 * units)


def routing_header(left=0, kind=4):
    return bytes([0, 2, kind, left]) + bytes(20)


def auth_header(words=4):
    """RFC 4302: the length counts 32-bit words, less 2."""
    return bytes([0, words, 0, 0]) + bytes(4 * words + 4)


def fragment_header(offset=0, more=0, ident=7):
    """@offset in bytes."""
    return struct.pack("!BBHI", 0, 0, offset | more, ident)


def quoted_flow(vip, proto="tcp", client=None, port=80, **ip):
    """What a member answers to the client, from the VIP: what an ICMP error then quotes."""
    client = client or (CLIENT6 if is_v6(vip) else CLIENT4)
    if proto == "tcp":
        segment = TCP(sport=port, dport=40000, seq=2000, ack=1010, flags="A") / Raw(b"y" * 60)
        return ip_to(client, 6, l4(client, segment, vip), vip, **ip)
    segment = UDP(sport=port, dport=40000) / Raw(b"y" * 60)
    return ip_to(client, 17, l4(client, segment, vip), vip, **ip)


# ---- what has to come out ----


def untag(data):
    """(tags, ethertype, what follows) of a frame."""
    tags, at, kind = [], 14, data[12:14]
    while kind in (b"\x81\0", b"\x88\xa8") and len(data) >= at + 4:
        tags.append((int.from_bytes(kind, "big"), int.from_bytes(data[at:at + 2], "big")))
        kind, at = data[at + 2:at + 4], at + 4
    return tags, int.from_bytes(kind, "big"), data[at:]


def trim(ip):
    """An IP packet without Ethernet padding behind it."""
    if ip[0] >> 4 == 4:
        return ip[:int.from_bytes(ip[2:4], "big")]
    return ip[:40 + int.from_bytes(ip[4:6], "big")]


def addresses(ip):
    if ip[0] >> 4 == 4:
        return socket.inet_ntop(socket.AF_INET, ip[12:16]), socket.inet_ntop(
            socket.AF_INET, ip[16:20])
    return socket.inet_ntop(socket.AF_INET6, ip[8:24]), socket.inet_ntop(
        socket.AF_INET6, ip[24:40])


def decremented(ip):
    """One less of TTL or hop limit, the IPv4 header checksum made anew."""
    if ip[0] >> 4 == 6:
        return ip[:7] + bytes([ip[7] - 1]) + ip[8:]
    size = (ip[0] & 15) * 4
    header = IP(ip[:size])
    header.ttl -= 1
    del header.chksum
    return bytes(header) + ip[size:]


def traffic_class(ip):
    return ip[1] if ip[0] >> 4 == 4 else (ip[0] & 15) << 4 | ip[1] >> 4


def mix(base, mask, chosen):
    """@base with the bits of @mask in its last 32 bits as in the bytes @chosen."""
    family = socket.AF_INET6 if is_v6(base) else socket.AF_INET
    packed = socket.inet_pton(family, base)
    last = int.from_bytes(packed[-4:], "big") & ~mask | int.from_bytes(chosen, "big") & mask
    return socket.inet_ntop(family, packed[:-4] + last.to_bytes(4, "big"))


def outer(ip, out, member, proto, payload, mask):
    """The outer IP header around bytes; @out: what came out, behind its tags."""
    tos = traffic_class(ip)
    if not is_v6(member):
        source = mix(SOURCE4, mask, out[12:16])
        return IP(src=source, dst=member, tos=tos, ttl=64, id=0, flags="DF", proto=proto) / payload
    source = mix(SOURCE6, mask, out[20:24])
    label = int.from_bytes(out[0:4], "big") & 0xFFFFF
    return IPv6(src=source, dst=member, tc=tos, fl=label, hlim=64, nh=proto) / payload


def sent(tags=(), mask=0, gue_port=6080):
    """To the member of the VIP that the frame names, as that VIP's mode says."""
    def build(data, out):
        ip = trim(untag(data)[2])
        mode, member = MODES[addresses(ip)[1]]
        inner, seen = decremented(ip), untag(out)[2]
        if mode == "l2dsr":
            return link(BACKEND_MAC, BALANCER_MAC, untag(data)[1], tags) + inner
        if not member:
            member = addresses(seen)[1]
            assert member in MEMBERS
        if mode == "ipip":
            packet = outer(ip, seen, member, 4 if inner[0] >> 4 == 4 else 41, Raw(inner), mask)
        else:
            at = 40 if is_v6(member) else 20
            port = int.from_bytes(seen[at:at + 2], "big") | 0xC000
            header = UDP(sport=port, dport=gue_port)
            if not is_v6(member):
                header.chksum = 0
            packet = outer(ip, seen, member, 17, header / Raw(inner), mask)
        ethertype = 0x86DD if is_v6(member) else 0x0800
        return link(BACKEND_MAC, BALANCER_MAC, ethertype, tags) + bytes(packet)
    return build


def answer(make):
    """An answer to the sender: @make(packet, client, vip) gives the IP packet."""
    def build(data, out):
        tags, ethertype, ip = untag(data)
        client, vip = addresses(ip)
        ether = Ether(data)
        return link(ether.src, ether.dst, ethertype, tags) + bytes(make(trim(ip), client, vip))
    return build


def own(vip, client, payload):
    """Our own header around a layer."""
    if is_v6(client):
        return IPv6(src=vip, dst=client, hlim=64, tc=0, fl=0) / payload
    return IP(src=vip, dst=client, ttl=64, tos=0, id=0, flags="DF") / payload


def l4_of(ip):
    """(protocol, bytes of it) behind options and extension headers."""
    if ip[0] >> 4 == 4:
        return ip[9], ip[(ip[0] & 15) * 4:]
    kind, at = ip[6], 40
    while kind in (0, 43, 44, 51, 60):
        size = 8 if kind == 44 else ip[at + 1] * 4 + 8 if kind == 51 else ip[at + 1] * 8 + 8
        kind, at = ip[at], at + size
    return kind, ip[at:]


@answer
def reset(ip, client, vip):
    """RFC 9293, section 3.10.7.1."""
    segment = TCP(l4_of(ip)[1])
    length = len(segment.payload) + ("S" in segment.flags) + ("F" in segment.flags)
    if "A" in segment.flags:
        reply = TCP(seq=segment.ack, ack=0, flags="R")
    else:
        reply = TCP(seq=0, ack=segment.seq + length, flags="RA")
    reply.sport, reply.dport, reply.window = segment.dport, segment.sport, 0
    return own(vip, client, reply)


@answer
def echo_reply(ip, client, vip):
    message = l4_of(ip)[1]
    kind = b"\x81\0\0\0" if is_v6(vip) else b"\0\0\0\0"
    message = icmp_sum(client, kind + message[4:], vip)
    if message[2:4] == b"\0\0":  # the same in one's complement, and what the program writes
        message = message[:2] + b"\xff\xff" + message[4:]
    return ip_to(client, 58 if is_v6(vip) else 1, message, vip,
                 **({} if is_v6(vip) else {"id": 0, "flags": "DF"}))


def error(layer4, layer6, source4=None, source6=None):
    """An ICMP error of ours that quotes as much as 576 or 1280 bytes hold."""
    def make(ip, client, vip):
        if is_v6(client):
            return own(source6 or vip, client, layer6 / Raw(ip[:1280 - 48]))
        return own(source4 or vip, client, layer4 / Raw(ip[:576 - 28]))
    return answer(make)


def unreachable(**sources):
    return error(ICMP(type=3, code=3), ICMPv6DestUnreach(code=4), **sources)


def time_exceeded(**sources):
    return error(ICMP(type=11, code=0), ICMPv6TimeExceeded(code=0), **sources)


def too_big(mtu, **sources):
    return error(ICMP(type=3, code=4, nexthopmtu=mtu), ICMPv6PacketTooBig(mtu=mtu), **sources)


# ---- every checksum of a frame, by scapy ----

QUOTING = {(1, kind) for kind in (3, 11, 12)} | {(58, kind) for kind in (1, 2, 3, 4)}
GUE_PORTS = {6080, 7000}


def same(header, kind, what):
    again = kind(header)
    del again.chksum
    assert bytes(again)[:len(header)] == header, f"{what}: checksum"


def verify(ip, what="outer", quotes=True):
    """Asserts that every checksum in an IP packet and in what it carries or @quotes is right."""
    if ip[0] >> 4 == 4:
        size = (ip[0] & 15) * 4
        same(ip[:size], IP, f"{what} IPv4 header")
        if int.from_bytes(ip[6:8], "big") & 0x3FFF:
            return
    elif 44 in walk_numbers(ip):
        return
    proto, rest = l4_of(ip)
    if proto in (4, 41):
        verify(rest, "inner", quotes)
        return
    src, dst = addresses(ip)
    if proto == 17 and int.from_bytes(rest[2:4], "big") in GUE_PORTS and what == "outer":
        verify(rest[8:], "inner", quotes)
    verify_l4(proto, rest, src, dst, what)
    if quotes and (proto, rest[0]) in QUOTING and rest[8] >> 4 == 4:
        same(rest[8:8 + (rest[8] & 15) * 4], IP, "quoted IPv4 header")


def walk_numbers(ip):
    kind, at, seen = ip[6], 40, []
    while kind in (0, 43, 44, 51, 60):
        seen.append(kind)
        size = 8 if kind == 44 else ip[at + 1] * 4 + 8 if kind == 51 else ip[at + 1] * 8 + 8
        kind, at = ip[at], at + size
    return seen


def verify_l4(proto, rest, src, dst, what):
    at = {6: 16, 17: 6, 1: 2, 58: 2}.get(proto)
    if at is None or (proto == 17 and not int.from_bytes(rest[6:8], "big")):
        return
    if proto == 17:  # what stands behind the datagram is not covered
        rest = rest[:int.from_bytes(rest[4:6], "big")]
    if proto in (1, 58):
        want = icmp_sum(dst, rest[:2] + b"\0\0" + rest[4:], src)[2:4]
    else:
        kind, size = (UDP, 8) if proto == 17 else (TCP, (rest[12] >> 4) * 4)
        header = kind(rest[:size])
        del header.chksum
        pseudo = (IPv6(src=src, dst=dst, nh=proto) if is_v6(src)
                  else IP(src=src, dst=dst, proto=proto))
        want = bytes(pseudo / header / Raw(rest[size:]))[len(pseudo):][at:at + 2]
    seen = rest[at:at + 2]
    if proto in (1, 58) and want == b"\0\0":  # 0xffff is the same number
        want = seen if seen == b"\xff\xff" else want
    assert seen == want, f"{what}: checksum of protocol {proto}"
