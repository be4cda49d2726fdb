"""What names mean inside a VPC: instances, and the interface endpoints of AWS's services. Pure; `services/dns.py` speaks the protocol.

Nothing is asked elsewhere: a name that is not here does not exist.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from opengwlb.model.privatelink import InterfaceEndpoint
from opengwlb.model.snapshot import View
from opengwlb.model.vpc import Address, NetworkInterface, Vpc

from .addressing import METADATA_ADDRESS

TTL_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Every name of one VPC, in lower case without the final dot."""

    addresses: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Name -> IPv4 addresses."""
    names: dict[str, str] = field(default_factory=dict)
    """IPv4 address -> its name, for reverse look-ups."""
    domain: str
    """What hosts of the VPC search: `ap-northeast-2.compute.internal`."""

    def exists(self, name: str) -> bool:
        """Also as the parent of a name: such a one has no records, but is no stranger."""
        return name in self.addresses or any(known.endswith(f".{name}") for known in self.addresses)


def names_of(view: View, vpc: Vpc) -> Names:
    found: dict[str, tuple[str, ...]] = {}
    reverse: dict[str, str] = {}
    domain = private_domain(vpc.region)
    found[f"instance-data.{domain}"] = (METADATA_ADDRESS,)
    reverse[METADATA_ADDRESS] = f"instance-data.{domain}"
    interfaces = {one.id: one for one in view.values(NetworkInterface)}
    for interface in interfaces.values():
        if interface.vpc == vpc.id:
            for private_ip in interface.private_ips:
                name = private_dns_name(private_ip, region=vpc.region)
                found[name], reverse[private_ip] = (private_ip,), name
    for address in view.values(Address):
        holder = interfaces.get(address.network_interface or "")
        home = view.get(Vpc, holder.vpc) if holder is not None else None
        if holder is not None and home is not None and home.enable_dns_hostnames:
            # Inside its VPC a public name means the private address, so that neighbours do not go out and in again.
            inside = home.id == vpc.id
            name = public_dns_name(address.public_ip, region=home.region)
            found[name] = ((address.private_ip or holder.private_ip) if inside else address.public_ip,)
            reverse[address.public_ip] = name
    for endpoint in view.values(InterfaceEndpoint):
        if endpoint.vpc == vpc.id and endpoint.state != "deleting":
            for name, held in endpoint_addresses(view, endpoint):
                if held:
                    found[name] = held
    return Names(addresses=found, names=reverse, domain=domain)


def endpoint_addresses(view: View, endpoint: InterfaceEndpoint) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each name of an interface endpoint with its addresses: for all zones, for each zone, and the service's own with private DNS."""
    held = [
        one for each in endpoint.network_interfaces.values() if (one := view.get(NetworkInterface, each)) is not None
    ]
    every = tuple(one.private_ip for one in held)
    stem = f"{endpoint.id}-{_tail(endpoint.id)}"
    suffix = f"{endpoint.service}.{endpoint.region}.vpce.amazonaws.com"
    yield f"{stem}.{suffix}", every
    for one in held:
        yield f"{stem}-{one.zone}.{suffix}", (one.private_ip,)
    vpc = view.get(Vpc, endpoint.vpc)
    if endpoint.private_dns and vpc is not None and vpc.enable_dns_hostnames:
        yield service_dns_name(endpoint.service, region=endpoint.region), every


def service_dns_name(service: str, *, region: str) -> str:
    """Where AWS's clients look for a service."""
    return f"{service}.{region}.amazonaws.com"


def private_domain(region: str) -> str:
    return "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"


def private_dns_name(private_ip: str, *, region: str) -> str:
    return f"ip-{private_ip.replace('.', '-')}.{private_domain(region)}"


def public_dns_name(public_ip: str, *, region: str) -> str:
    domain = "compute-1.amazonaws.com" if region == "us-east-1" else f"{region}.compute.amazonaws.com"
    return f"ec2-{public_ip.replace('.', '-')}.{domain}"


def reversed_address(name: str) -> str | None:
    """`5.0.0.10.in-addr.arpa` -> `10.0.0.5`; None for what is no such name."""
    if not name.endswith(".in-addr.arpa"):
        return None
    try:
        return str(IPv4Address(".".join(reversed(name.removesuffix(".in-addr.arpa").split(".")))))
    except ValueError:
        return None


def _tail(endpoint_id: str) -> str:
    """AWS's eight characters behind the id; here they follow from it."""
    digest = int.from_bytes(hashlib.sha256(endpoint_id.encode()).digest()[:8], "big")
    alphabet = "0123456789abcdefghijklmnopqrstuvwxyz"
    return "".join(alphabet[digest // 36**place % 36] for place in range(8))
