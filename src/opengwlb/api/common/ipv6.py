"""IPv6 blocks of VPCs and subnets, and addresses out of them: chosen, checked and shown.

Blocks are always Amazon-provided: a /56 for a VPC that no other VPC of any account has, and /64 of it for subnets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv6Network
from typing import Any

from opengwlb.api.common.cidrs import address6, block6
from opengwlb.api.common.errors import bad_combination, invalid_value, needed
from opengwlb.model.ids import new_id
from opengwlb.model.snapshot import View
from opengwlb.model.vpc import Ipv6Block, NetworkInterface, Subnet, Vpc
from opengwlb.policy import addressing
from opengwlb.wire.errors import AwsError

POOL = "Amazon"
MOST_ADDRESSES = 50
"""On one interface: what AWS's largest instances take."""


def new_vpc_block(view: View) -> Ipv6Block:
    """Errors: CidrLimitExceeded when the pool is used up."""
    taken = {block.cidr for vpc in view.values(Vpc) for block in vpc.ipv6}
    cidr = addressing.next_block6(taken=taken)
    if cidr is None:
        raise AwsError("CidrLimitExceeded", f"Every block of {addressing.IPV6_POOL} is in use.")
    return Ipv6Block(association=new_id("vpc-cidr-assoc"), cidr=str(cidr))


def vpc_association(block: Ipv6Block, *, region: str, state: str = "associated") -> dict[str, Any]:
    return {
        "AssociationId": block.association,
        "Ipv6CidrBlock": block.cidr,
        "Ipv6CidrBlockState": {"State": state},
        "NetworkBorderGroup": region,
        "Ipv6Pool": POOL,
        "Ipv6AddressAttribute": "public",
        "IpSource": "amazon",
    }


def new_subnet_block(view: View, vpc: Vpc, text: str) -> Ipv6Block:
    """The block that `text` names. Errors: InvalidParameterValue, InvalidSubnet.Range, InvalidSubnet.Conflict."""
    network = block6(text, parameter="ipv6CidrBlock")
    inside = any(network.subnet_of(IPv6Network(block.cidr)) for block in vpc.ipv6)
    if network.prefixlen != addressing.SUBNET_PREFIX6 or not inside:
        raise AwsError("InvalidSubnet.Range", f"The CIDR '{text}' is invalid.")
    if any(subnet.ipv6 is not None and subnet.ipv6.cidr == str(network) for subnet in view.values(Subnet)):
        raise AwsError("InvalidSubnet.Conflict", f"The CIDR '{text}' conflicts with another subnet")
    return Ipv6Block(association=new_id("subnet-cidr-assoc"), cidr=str(network))


def subnet_association(block: Ipv6Block, *, state: str = "associated") -> dict[str, Any]:
    return {
        "AssociationId": block.association,
        "Ipv6CidrBlock": block.cidr,
        "Ipv6CidrBlockState": {"State": state},
        "Ipv6AddressAttribute": "public",
        "IpSource": "amazon",
    }


def choose(view: View, subnet: Subnet, *, asked: Mapping[str, Any], most: int = MOST_ADDRESSES) -> tuple[str, ...]:
    """The addresses for a new interface, as `Ipv6AddressCount` or `Ipv6Addresses` say, else as the subnet does.

    Errors: InvalidParameterCombination, and those of `take`.
    """
    count, named = asked.get("Ipv6AddressCount"), asked.get("Ipv6Addresses") or []
    if count and named:
        raise bad_combination("The request must contain exactly one of ipv6Addresses or ipv6AddressCount")
    if count is None and not named:
        count = 1 if subnet.ipv6 is not None and subnet.assign_ipv6_address_on_creation else 0
    wanted = [needed(each, "Ipv6Address", within="Ipv6Addresses") for each in named]
    return take(view, subnet, count=count or 0, wanted=wanted, most=most)


def take(
    view: View, subnet: Subnet, *, count: int = 0, wanted: Sequence[str] = (), most: int = MOST_ADDRESSES
) -> tuple[str, ...]:
    """`wanted`, or the `count` lowest that are free.

    Errors: InvalidParameterValue (no block, outside it, reserved, a negative count), InvalidIPAddress.InUse,
    PrivateIpAddressLimitExceeded.
    """
    if not count and not wanted:
        return ()
    if subnet.ipv6 is None:
        raise invalid_value(f"The subnet '{subnet.id}' does not have an IPv6 CIDR block associated with it.")
    if count < 0:
        raise invalid_value(f"Value ({count}) for parameter ipv6AddressCount is invalid.")
    if max(count, len(wanted)) > most:
        raise AwsError("PrivateIpAddressLimitExceeded", f"An interface has at most {most} IPv6 addresses.")
    network = IPv6Network(subnet.ipv6.cidr)
    taken = taken_addresses(view, subnet.id)
    if not wanted:
        return addressing.next_addresses6(network, count=count, taken=taken)
    chosen = []
    for text in wanted:
        parsed = address6(text, parameter="ipv6Addresses")
        if parsed not in network:
            raise invalid_value(f"Address {text} does not fall within the subnet's address range")
        if addressing.is_reserved6(parsed, subnet=network):
            raise invalid_value(f"Address {text} is in subnet's reserved address range")
        if str(parsed) in taken or str(parsed) in chosen:
            raise AwsError("InvalidIPAddress.InUse", f"Address {text} is in use.")
        chosen.append(str(parsed))
    return tuple(chosen)


def taken_addresses(view: View, subnet_id: str) -> set[str]:
    return {
        address
        for interface in view.values(NetworkInterface)
        if interface.subnet == subnet_id
        for address in interface.ipv6_addresses
    }
