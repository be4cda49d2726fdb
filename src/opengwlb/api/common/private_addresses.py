"""Private IPv4 addresses of interfaces: what a call asks for beside the primary one, and which addresses that gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

from opengwlb.api.common.cidrs import address as parse_address
from opengwlb.api.common.errors import bad_combination, invalid_value, needed
from opengwlb.model.snapshot import View
from opengwlb.model.vpc import NetworkInterface, Subnet
from opengwlb.policy import addressing
from opengwlb.wire.errors import AwsError

MOST_ADDRESSES = 50
"""On one interface: what AWS's largest instances take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a call says of a new interface's private addresses."""

    primary: str | None = None
    """None: the lowest that is free."""
    further: tuple[str, ...] = ()
    count: int = 0
    """So many further ones, the lowest that are free, when none is named."""


def read(params: Mapping[str, Any]) -> Asked:
    """`PrivateIpAddress`, `PrivateIpAddresses` and `SecondaryPrivateIpAddressCount`.

    Errors: InvalidParameterCombination, InvalidParameterValue, MissingParameter, PrivateIpAddressLimitExceeded.
    """
    primary = params.get("PrivateIpAddress") or None
    listed: Sequence[Mapping[str, Any]] = params.get("PrivateIpAddresses") or []
    count = params.get("SecondaryPrivateIpAddressCount") or 0
    if listed and count:
        raise bad_combination(
            "The parameter secondaryPrivateIpAddressCount cannot be used with the parameter privateIpAddresses"
        )
    if count < 0:
        raise invalid_value(f"Value ({count}) for parameter secondaryPrivateIpAddressCount is invalid.")
    named = [(needed(each, "PrivateIpAddress", within="PrivateIpAddresses"), each.get("Primary")) for each in listed]
    first = [address for address, is_primary in named if is_primary]
    if len(first) > 1 or (first and primary and first[0] != primary):
        raise invalid_value("Only one private IP address of an interface can be primary.")
    further = tuple(address for address, is_primary in named if not is_primary and address != primary)
    check_count(1 + len(further) + count)
    return Asked(primary=primary or (first[0] if first else None), further=further, count=count)


def check_count(count: int) -> None:
    if count > MOST_ADDRESSES:
        raise AwsError(
            "PrivateIpAddressLimitExceeded",
            f"Number of private addresses will exceed limit: an interface has at most {MOST_ADDRESSES}.",
        )


def taken_addresses(view: View, subnet_id: str) -> set[str]:
    """Every private IPv4 address that an interface in this subnet has."""
    return {
        address
        for interface in view.values(NetworkInterface)
        if interface.subnet == subnet_id
        for address in interface.private_ips
    }


def choose(view: View, subnet: Subnet, asked: Asked) -> tuple[str, ...]:
    """The addresses of a new interface, the primary one first.

    Errors: InvalidParameterValue (outside the subnet, or reserved), InvalidIPAddress.InUse, InsufficientFreeAddressesInSubnet.
    """
    taken = taken_addresses(view, subnet.id)
    named = [address for address in (asked.primary, *asked.further) if address is not None]
    # Named ones first, so that none of them is given away as the lowest that is free.
    checked = _named(subnet, named, taken=taken)
    if asked.primary is not None:
        return (*checked, *_free(subnet, count=asked.count, taken=taken))
    primary, *more = _free(subnet, count=1 + asked.count, taken=taken)
    return (primary, *checked, *more)


def more(view: View, subnet: Subnet, *, wanted: Sequence[str] = (), count: int = 0) -> tuple[str, ...]:
    """Further addresses for an interface that exists: those wanted, or the lowest that are free. Errors: as `choose`."""
    taken = taken_addresses(view, subnet.id)
    return (*_named(subnet, wanted, taken=taken), *_free(subnet, count=count, taken=taken))


def _named(subnet: Subnet, wanted: Sequence[str], *, taken: set[str]) -> tuple[str, ...]:
    network = IPv4Network(subnet.cidr)
    for text in wanted:
        parsed = parse_address(text, parameter="privateIpAddress")
        if parsed not in network:
            raise invalid_value("Address does not fall within the subnet's address range")
        if addressing.is_reserved(parsed, subnet=network):
            raise invalid_value("Address is in subnet's reserved address range")
        if text in taken:
            raise AwsError("InvalidIPAddress.InUse", f"Address {text} is in use.")
        taken.add(text)
    return tuple(wanted)


def _free(subnet: Subnet, *, count: int, taken: set[str]) -> tuple[str, ...]:
    network, found = IPv4Network(subnet.cidr), []
    for _ in range(count):
        free = addressing.next_private(network, taken=taken)
        if free is None:
            raise AwsError(
                "InsufficientFreeAddressesInSubnet",
                f"The specified subnet '{subnet.id}' does not have enough free addresses to satisfy the request.",
            )
        taken.add(free)
        found.append(free)
    return tuple(found)
