"""What security groups and network ACLs make of a packet in the VPC router, in plain Python: written from AWS's words and the decision
on groups and ACLs, never from the programs.

Rules are read one by one, flows are remembered by what their packets say. Not modelled: time (nothing idles for as long as an epoch
runs) and a full table of flows.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from .packets import ACK, FIN, FIRST, ICMP, ICMP6, LATER, RST, SYN, TCP, UDP, Packet, ipv4, ipv6, quoted4, quoted6

EGRESS, INGRESS = "egress", "ingress"
ANY = (-1, -1)
MEMBERS = ("10.0.2.10", "2001:db8:0:102::10")
"""Who has the group that rules for `members` name: eni1's addresses."""


@dataclass(frozen=True)
class Rule:
    """Of a group, or an entry of an ACL."""

    direction: str
    peer: str
    """A CIDR block, or `members`."""
    protocol: int = -1
    low: int = 0
    high: int = 65535
    """Ports; for ICMP its type and code, -1 for any."""
    allow: bool = True

    @property
    def is_all_ports(self) -> bool:
        return self.protocol == -1 or (self.low, self.high) == ((0, 65535) if self.protocol in (TCP, UDP) else ANY)


GROUPS = {
    "eni0": (
        Rule(EGRESS, "10.0.2.0/24", TCP, 80, 80),
        Rule(EGRESS, "10.0.0.0/8", UDP, 53, 53),
        Rule(EGRESS, "10.0.2.10/32", ICMP, 8, -1),
        Rule(EGRESS, "10.0.2.0/25", 47),
        Rule(EGRESS, "members", TCP, 1000, 1000),
        Rule(EGRESS, "2001:db8:0:102::10/128", UDP, 53, 90),
        Rule(EGRESS, "2001:db8::/32", TCP, 80, 81),
        Rule(EGRESS, "2001:db8:0:102::/64", ICMP6, 128, 0),
        Rule(INGRESS, "members", TCP, 81, 90),
        Rule(INGRESS, "10.0.2.10/31", UDP, 0, 65535),
        Rule(INGRESS, "10.0.2.0/24", ICMP, 13, 1),
        Rule(INGRESS, "2001:db8:0:102::/64", UDP, 1000, 2000),
        Rule(INGRESS, "members", ICMP6, -1, -1),
    )
}
ACLS = {
    "eni1": (
        Rule(INGRESS, "10.0.1.10/32", TCP, 53, 53, allow=False),
        Rule(INGRESS, "10.0.0.0/16", TCP, 0, 1023),
        Rule(INGRESS, "10.0.1.0/24", UDP, 80, 80, allow=False),
        Rule(INGRESS, "0.0.0.0/0", UDP, 0, 65535),
        Rule(INGRESS, "10.0.0.0/16", ICMP, 8, 0),
        Rule(INGRESS, "10.0.0.0/16", ICMP, 8, -1, allow=False),
        Rule(INGRESS, "10.0.0.0/16", 47),
        Rule(INGRESS, "2001:db8:0:101::/64", UDP, 81, 81, allow=False),
        Rule(INGRESS, "::/0"),
        Rule(EGRESS, "10.0.0.0/16", TCP, 90, 90, allow=False),
        Rule(EGRESS, "0.0.0.0/0", ICMP, 0, -1, allow=False),
        Rule(EGRESS, "0.0.0.0/0"),
        Rule(EGRESS, "2001:db8:0:101::10/128", TCP, 0, 65535),
        Rule(EGRESS, "2001:db8:0:101::10/128", ICMP6, 129, 0),
        Rule(EGRESS, "::/0", UDP, 53, 1000),
    )
}
"""In the order of their numbers."""


@dataclass(frozen=True)
class Named:
    """What rules and flows know a packet by. Later fragments have it of their first."""

    protocol: int
    ports: tuple[int, int]
    """An echo's identifier stands for both."""
    icmp: tuple[int, int] | None = None
    """Type and code."""
    pair: int = 0
    """Of ICMP: messages that answer each other have the same."""


class Guards:
    """An epoch's. `asks` in the order of packets."""

    def __init__(self, subnets: dict[str, str]) -> None:
        self._subnets = subnets
        self._flows: dict[tuple[object, ...], set[str]] = {}
        self._datagrams: dict[tuple[object, ...], Named] = {}

    def asks(self, port: str, leaving: str, frame: bytes) -> tuple[str, str]:
        """The verdict of each side, empty where it lets the packet pass."""
        if not {port, leaving} & (GROUPS.keys() | ACLS.keys()):
            return "", ""
        packet = ipv4(frame, 14) if frame[12:14] == b"\x08\x00" else ipv6(frame, 14)
        named = None if packet is None else self._named(frame, packet, packet.end)
        if packet is None or named is None:
            return "malformed", ""
        error = named.icmp is not None and not packet.fragment and is_error(packet.family, named.icmp[0])
        opens = not error and packet.fragment != LATER
        if packet.protocol == TCP:
            opens = opens and packet.flags & (SYN | ACK | RST) == SYN
        known: Named | None = named
        if packet.fragment:
            known = self._of_datagram(port, packet, named)
        unknown = known is None
        named = known or named
        if unknown and named.protocol not in (TCP, UDP, ICMP, ICMP6):
            unknown = False
        crosses = self._subnets[port] != self._subnets[leaving]
        for side, direction in ((port, EGRESS), (leaving, INGRESS)):
            refused = self._side(side, direction, frame, packet, named, crosses, opens, error, unknown)
            if refused:
                return (refused, "") if direction == EGRESS else ("", refused)
        return "", ""

    def _side(
        self,
        port: str,
        direction: str,
        frame: bytes,
        packet: Packet,
        named: Named,
        crosses: bool,
        opens: bool,
        error: bool,
        unknown: bool,
    ) -> str:
        denied = crosses and port in ACLS and not self._acl_allows(port, direction, packet, named, unknown)
        if denied and direction == INGRESS:
            return "network_acl_ingress"
        if port in GROUPS and not self._groups_allow(port, direction, frame, packet, named, opens, error, unknown):
            return f"security_group_{direction}"
        return "network_acl_egress" if denied else ""

    def _groups_allow(
        self,
        port: str,
        direction: str,
        frame: bytes,
        packet: Packet,
        named: Named,
        opens: bool,
        error: bool,
        unknown: bool,
    ) -> bool:
        flow = self.flow(port, direction, packet, named)
        state = None if unknown else self._flows.get(flow)
        if state is not None and opens and named.protocol == TCP and self.is_closed(state):
            del self._flows[flow]
            state = None
        allowed = any(self.matches(rule, direction, packet, named, unknown) for rule in GROUPS[port])
        if state is None and allowed and opens and not unknown:
            state = self._flows[flow] = set()
        if state is not None:
            if named.protocol == TCP:
                state |= {direction} if packet.flags & FIN else set()
                state |= {"reset"} if packet.flags & RST else set()
            return True
        return allowed or (error and self.is_about_a_flow(port, direction, frame, packet))

    def is_closed(self, state: set[str]) -> bool:
        return "reset" in state or {EGRESS, INGRESS} <= state

    def is_about_a_flow(self, port: str, direction: str, frame: bytes, error: Packet) -> bool:
        """An ICMP error comes as what it quotes, if its receiver sent that."""
        quoted = quoted4(frame, error) if error.family == 4 else quoted6(frame, error)
        if quoted is None or quoted.source != error.destination:
            return False
        named = self._named(frame, quoted, len(frame))
        if named is None or (named.icmp is not None and not quoted.fragment and is_error(quoted.family, named.icmp[0])):
            return False
        other = INGRESS if direction == EGRESS else EGRESS
        return self.flow(port, other, quoted, named) in self._flows

    def _acl_allows(self, port: str, direction: str, packet: Packet, named: Named, unknown: bool) -> bool:
        """The first entry that matches decides."""
        found = (one for one in ACLS[port] if self.matches(one, direction, packet, named, unknown))
        first = next(found, None)
        return first is not None and first.allow

    def matches(self, rule: Rule, direction: str, packet: Packet, named: Named, unknown: bool) -> bool:
        if rule.direction != direction:
            return False
        peer = ip_address(packet.destination if direction == EGRESS else packet.source)
        if rule.peer == "members":
            if str(peer) not in MEMBERS:
                return False
        elif peer not in ip_network(rule.peer):
            return False
        if rule.protocol not in (-1, named.protocol):
            return False
        if rule.is_all_ports or named.protocol not in (TCP, UDP, ICMP, ICMP6):
            return True
        if unknown:
            return False
        if named.protocol in (TCP, UDP):
            return rule.low <= named.ports[1] <= rule.high
        kind, code = named.icmp or (0, 0)
        return rule.low in (-1, kind) and rule.high in (-1, code)

    def flow(self, port: str, direction: str, packet: Packet, named: Named) -> tuple[object, ...]:
        """The same for both directions at an interface."""
        ends = ((packet.source, named.ports[0]), (packet.destination, named.ports[1]))
        mine, other = ends if direction == EGRESS else ends[::-1]
        self_talk = direction if mine == other else ""
        return port, named.protocol, named.pair, mine, other, self_talk

    def _named(self, frame: bytes, packet: Packet, end: int) -> Named | None:
        """None for ICMP that lacks its header."""
        ports = (packet.source_port, packet.destination_port)
        if packet.protocol != (ICMP if packet.family == 4 else ICMP6) or packet.fragment == LATER:
            return Named(packet.protocol, ports)
        here = packet.transport
        if here + 8 > end:
            return None
        kind, code = frame[here], frame[here + 1]
        if kind in ((0, 8) if packet.family == 4 else (128, 129)):
            echo = int.from_bytes(frame[here + 4 : here + 6], "big")
            return Named(packet.protocol, (echo, echo), (kind, code), 1)
        return Named(packet.protocol, ports, (kind, code), 2 + (kind + 1) // 2)

    def _of_datagram(self, port: str, packet: Packet, named: Named) -> Named | None:
        """None for a later fragment whose first did not come by this port."""
        protocol = packet.protocol if packet.family == 4 else None
        datagram = (port, packet.source, packet.destination, packet.ident, protocol)
        if packet.fragment == FIRST:
            self._datagrams[datagram] = named
            return named
        return self._datagrams.get(datagram)


def is_error(family: int, kind: int) -> bool:
    """What quotes a packet; a redirect is for no application."""
    return kind in ((3, 4, 11, 12) if family == 4 else (1, 2, 3, 4))
