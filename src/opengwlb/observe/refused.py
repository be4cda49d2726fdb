"""Names the security groups, or the ACL's entry, that refuse a packet: verdicts say only on which side."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass

from opengwlb.model.privatelink import VpcEndpoint
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.uplinks import Uplink
from opengwlb.model.vpc import NetworkAcl, NetworkInterface
from opengwlb.policy import refusals
from opengwlb.policy.refusals import Asked

VERDICTS = frozenset(
    {"security_group_egress", "security_group_ingress", "network_acl_egress", "network_acl_ingress"},
)
_ETHERNET, _IPV4, _IPV6 = 14, 20, 40
_ICMP = (1, 58)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Whose rules refuse a packet: an interface's groups, or an ACL."""

    asked: Asked
    interface: NetworkInterface | None = None
    acl: NetworkAcl | None = None

    @property
    def sentence(self) -> str:
        if self.acl is not None:
            return refusals.by_acl(self.acl, self.asked)
        return refusals.by_groups(self.interface, self.asked) if self.interface is not None else ""


def by(snapshot: Snapshot, verdict: str, frame: bytes, *, vpc: str, entered_by: str) -> Refused | None:
    """About a frame that met one of `VERDICTS`, which entered the router of a VPC by this interface's, endpoint's, uplink's or gateway's
    port. None where the stored objects do not tell, for instance because another interface than the destination's was meant.
    """
    found = _ends(frame)
    if found is None:
        return None
    source, destination, protocol, header = found
    egress = verdict.endswith("egress")
    asked = _asked(protocol, header, egress=egress, peer=destination if egress else source)
    interface = _holder(snapshot, vpc, source if egress else destination)
    if egress and snapshot.get(Uplink, entered_by) is None:
        interface = snapshot.get(NetworkInterface, entered_by)
    if verdict.startswith("security_group"):
        has_groups = interface is not None and interface.groups
        return Refused(asked=asked, interface=interface) if has_groups else None
    endpoint = snapshot.get(VpcEndpoint, entered_by) if egress else None
    subnet = endpoint.subnet if endpoint is not None else interface.subnet if interface is not None else None
    acl = refusals.acl_of(snapshot, subnet) if subnet is not None else None
    return Refused(asked=asked, acl=acl) if acl is not None else None


def reason(snapshot: Snapshot, verdict: str, frame: bytes, *, vpc: str, entered_by: str) -> str:
    """The same as a sentence; empty for None."""
    found = by(snapshot, verdict, frame, vpc=vpc, entered_by=entered_by)
    return found.sentence if found is not None else ""


def _ends(frame: bytes) -> tuple[str, str, int, bytes] | None:
    """Source, destination, protocol, and what is behind the IP header."""
    kind, packet = frame[12:14], frame[_ETHERNET:]
    if kind == b"\x08\x00" and len(packet) >= _IPV4:
        source, destination = (str(ipaddress.IPv4Address(packet[at : at + 4])) for at in (12, 16))
        return source, destination, packet[9], packet[(packet[0] & 15) * 4 :]
    if kind == b"\x86\xdd" and len(packet) >= _IPV6:
        source, destination = (str(ipaddress.IPv6Address(packet[at : at + 16])) for at in (8, 24))
        return source, destination, packet[6], packet[_IPV6:]
    return None


def _asked(protocol: int, header: bytes, *, egress: bool, peer: str) -> Asked:
    if protocol in _ICMP and len(header) >= 2:
        return Asked(egress=egress, peer=peer, protocol=protocol, icmp_type=header[0], icmp_code=header[1])
    port = struct.unpack_from("!H", header, 2)[0] if len(header) >= 4 else 0
    return Asked(egress=egress, peer=peer, protocol=protocol, port=port)


def _holder(snapshot: Snapshot, vpc: str, address: str) -> NetworkInterface | None:
    return next(
        (
            one
            for one in snapshot.values(NetworkInterface)
            if one.vpc == vpc and address in (*one.private_ips, *one.ipv6_addresses)
        ),
        None,
    )
