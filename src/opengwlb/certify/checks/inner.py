"""What is carried: every kind of inner packet comes back as it went."""

from __future__ import annotations

from collections.abc import Sequence

from .. import packets
from ..conversation import Conversation
from ..judgement import every_return, same_bytes, same_inner
from ..lab import Lab
from ..packets import ACK, MORE_FRAGMENTS, PSH
from ..registry import Level, check
from ..shots import Shot


def _back_as_they_went(lab: Lab, shots: Sequence[Shot], *, what: str = "packets") -> None:
    for shot, found in zip(shots, every_return(shots, lab.exchange(shots), what=what), strict=True):
        same_inner(shot, found)


@check(
    Level.REQUIRED,
    "The inner packet comes back byte for byte",
    why="a load balancer is transparent, and so is what stands behind it unless it is meant to rewrite",
)
def inner_untouched(lab: Lab) -> str:
    talk = lab.fresh()
    _back_as_they_went(lab, [talk.data(size=size) for size in (24, 100, 512, 1400)])
    return "4 of 4 packets unchanged"


@check(
    Level.REQUIRED,
    "Both directions of a flow pass",
    why="client's and server's packets come through the same tunnel under the same cookie; direction is in the inner packet",
    transparent=False,
)
def both_directions(lab: Lab) -> str:
    talk = lab.fresh()
    shots = [talk.data(back=bool(at % 2)) for at in range(10)]
    every_return(shots, lab.exchange(shots))
    return "5 each way"


@check(
    Level.REQUIRED,
    "The smallest packets pass",
    why="a bare ACK is 40 bytes, half of all packets",
    transparent=False,
)
def smallest(lab: Lab) -> str:
    talk = lab.opened(lab.conversation(protocol=packets.TCP))
    shots = [talk.tcp(ACK | PSH, size=24), talk.tcp(ACK, back=True)]
    _back_as_they_went(lab, shots)
    return "40 bytes came back"


@check(
    Level.REQUIRED,
    "8500 inner bytes pass",
    why="that is what AWS carries: the appliance must take and send 8568",
)
def largest(lab: Lab) -> str:
    talk = lab.fresh()
    _back_as_they_went(lab, [talk.data(size=talk.room(packets.INNER_MTU), back=back) for back in (False, True)])
    return "8500 bytes, both ways"


@check(
    Level.RECOMMENDED,
    "IPv6 passes in the IPv4 tunnel",
    why="behind a dualstack load balancer the tunnel stays IPv4; only the protocol type says 0x86DD",
    traffic="ipv6",
)
def ipv6(lab: Lab) -> str:
    talk = lab.fresh(version=6)
    _back_as_they_went(lab, [talk.data(size=size, back=back) for size in (24, 1400) for back in (False, True)])
    return "4 of 4 packets"


@check(
    Level.RECOMMENDED,
    "8500 bytes of IPv6 pass",
    why="the limit is the same for both families, and IPv6 routers never fragment",
    traffic="ipv6",
)
def ipv6_largest(lab: Lab) -> str:
    talk = lab.fresh(version=6)
    _back_as_they_went(lab, [talk.data(size=talk.room(packets.INNER_MTU))])
    return "8500 bytes"


@check(
    Level.RECOMMENDED,
    "UDP passes",
    why="DNS, QUIC and games are UDP",
    traffic="udp",
)
def udp(lab: Lab) -> str:
    talk = lab.conversation(protocol=packets.UDP)
    _back_as_they_went(lab, [talk.data(size=size, back=back) for size in (24, 1200) for back in (False, True)])
    return "both ways"


@check(
    Level.RECOMMENDED,
    "A zero inner UDP checksum stays zero",
    why="zero means none in IPv4; filling it in changes the packet",
    traffic="udp",
)
def udp_unsummed(lab: Lab) -> str:
    talk = lab.conversation(protocol=packets.UDP)
    datagram, mark = talk.datagram(summed=False)
    _back_as_they_went(lab, [talk.shot(talk.ip(packets.UDP, datagram), mark)])
    return "zero came back"


def _of_protocol(lab: Lab, number: int, head: bytes) -> list[Shot]:
    talk = lab.conversation()
    shots = []
    for back in (False, True):
        mark = talk.mark()
        shots.append(talk.shot(talk.ip(number, head + talk.payload(64, mark), back=back), mark))
    return shots


@check(Level.RECOMMENDED, "GRE passes", why="tunnels of customers run through inspection", traffic="gre")
def gre(lab: Lab) -> str:
    _back_as_they_went(lab, _of_protocol(lab, packets.GRE, b"\0\0\x08\0"))
    return "both ways"


@check(Level.RECOMMENDED, "ESP passes", why="IPsec runs through inspection, unread", traffic="esp")
def esp(lab: Lab) -> str:
    _back_as_they_went(lab, _of_protocol(lab, packets.ESP, b"\0\0\x10\x01\0\0\0\x01"))
    return "both ways"


@check(Level.INFORMATIONAL, "SCTP passes", why="anything that is IP is load balanced", traffic="sctp")
def sctp(lab: Lab) -> str:
    _back_as_they_went(lab, _of_protocol(lab, packets.SCTP, b"\x0b\x59\x0b\x59\0\0\0\0\0\0\0\0"))
    return "both ways"


@check(
    Level.RECOMMENDED,
    "Ping passes",
    why="the first thing that anybody tries",
    traffic="icmp",
)
def icmp_echo(lab: Lab) -> str:
    talk = lab.conversation()
    for back in (False, True):
        mark = talk.mark()
        kind = 0 if back else 8
        message = packets.icmp(kind, 0, 0x77770001, talk.payload(56, mark))
        _back_as_they_went(lab, [talk.shot(talk.ip(packets.ICMP, message, back=back), mark)])
    return "request and reply"


@check(
    Level.RECOMMENDED,
    "An ICMP error of a flow passes",
    why="path MTU discovery of every connection hangs on it; it belongs to the flow that it quotes",
    traffic="icmp-errors",
)
def icmp_error(lab: Lab) -> str:
    talk = lab.fresh()
    cause = talk.data(size=1200)
    lab.exchange([cause])
    message = packets.icmp(3, 4, 1400, cause.inner[:72])
    _back_as_they_went(lab, [talk.shot(talk.ip(packets.ICMP, message, back=True), message[:28])])
    return "fragmentation needed, to the client"


@check(
    Level.RECOMMENDED,
    "An ICMPv6 error of a flow passes",
    why="IPv6 has no other way to learn a path's MTU",
    traffic="icmp-errors",
)
def icmpv6_error(lab: Lab) -> str:
    talk = lab.fresh(version=6)
    cause = talk.data(size=1200)
    lab.exchange([cause])
    source, destination = talk.ends(back=True)
    message = packets.icmpv6(source, destination, 2, 0, 1400, cause.inner[:120])
    _back_as_they_went(lab, [talk.shot(talk.ip(packets.ICMPV6, message, back=True), message[:28])])
    return "packet too big, to the client"


def _pieces(talk: Conversation, *, identification: int) -> list[Shot]:
    """A UDP datagram of 3,000 bytes in three fragments, each with a mark of its own."""
    marks = [talk.mark() for _ in range(3)]
    source, destination = talk.ends(back=False)
    body = b"".join(talk.payload(992 if at == 0 else 1000, mark) for at, mark in enumerate(marks))
    datagram = packets.udp(source, destination, talk.flow.ports, body)
    shots = []
    for at, mark in enumerate(marks):
        more = MORE_FRAGMENTS if at < 2 else 0
        piece = talk.ip(
            packets.UDP, datagram[at * 1000 : (at + 1) * 1000], identification=identification, fragment=more | at * 125
        )
        shots.append(talk.shot(piece, mark))
    return shots


@check(
    Level.RECOMMENDED,
    "The fragments of a datagram pass",
    why="large DNS answers come in pieces, and AWS passes them on in pieces",
    traffic="fragments",
)
def fragments(lab: Lab) -> str:
    _back_as_they_went(lab, _pieces(lab.conversation(protocol=packets.UDP), identification=0x1234), what="fragments")
    return "3 of 3 fragments"


@check(
    Level.INFORMATIONAL,
    "Fragments pass when the last comes first",
    why="networks reorder; a firewall that waits for the first one has to keep the others",
    traffic="fragments",
)
def fragments_reordered(lab: Lab) -> str:
    pieces = _pieces(lab.conversation(protocol=packets.UDP), identification=0x1235)
    every_return(pieces[::-1], lab.exchange(pieces[::-1]), what="fragments")
    return "3 of 3 fragments"


@check(
    Level.RECOMMENDED,
    "IPv4 options do not stop a packet",
    why="router alert and the like are rare and legal: a header is not always 20 bytes long",
    traffic="ip-options",
)
def ip_options(lab: Lab) -> str:
    talk = lab.fresh()
    _back_as_they_went(lab, [talk.data(options=b"\x94\x04\0\0")])
    return "router alert came back"


@check(
    Level.RECOMMENDED,
    "IPv6 extension headers do not stop a packet",
    why="the transport header is behind a chain of unknown length",
    traffic="ipv6-extensions",
)
def ipv6_extensions(lab: Lab) -> str:
    talk = lab.fresh(version=6)
    made, mark = talk.transport()
    options = bytes((talk.protocol, 0, 1, 4, 0, 0, 0, 0))
    _back_as_they_went(lab, [talk.shot(talk.ip(60, options + made), mark)])
    return "destination options came back"


@check(
    Level.RECOMMENDED,
    "DSCP and ECN stay",
    why="quality of service and congestion control read them at both ends",
)
def dscp_and_ecn(lab: Lab) -> str:
    talk = lab.fresh()
    _back_as_they_went(lab, [talk.data(tos=tos) for tos in (0xB8, 0x02, 0x03)])
    return "EF, ECT(0) and CE came back"


@check(
    Level.RECOMMENDED,
    "The TTL stays",
    why="the appliance is no hop: traceroute must not see it, and packets must not die in it",
)
def inner_ttl(lab: Lab) -> str:
    talk = lab.fresh()
    shots = [talk.data(ttl=1), talk.data(ttl=255, back=True)]
    for shot, found in zip(shots, every_return(shots, lab.exchange(shots)), strict=True):
        same_bytes("the inner packet", shot.inner, found.data[len(shot.header) :])
    return "1 stayed 1, 255 stayed 255"


@check(
    Level.REQUIRED,
    "FIN and RST pass",
    why="ends that do not hear of the end wait for minutes",
)
def fin_and_rst(lab: Lab) -> str:
    talk = lab.opened(lab.conversation(protocol=packets.TCP))
    closing = [talk.tcp(packets.FIN | ACK), talk.tcp(packets.FIN | ACK, back=True)]
    for shot in closing:
        _back_as_they_went(lab, [shot])
    other = lab.opened(lab.conversation(protocol=packets.TCP))
    _back_as_they_went(lab, [other.tcp(packets.RST | ACK, back=True)])
    return "FIN both ways, and RST"
