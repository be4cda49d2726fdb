"""Which address an object gets: private ones from its subnet, public ones from the benchmark range, IPv6 from documentation's.

198.18.0.0/15 (RFC 2544) and 2001:db8::/32 (RFC 3849) are never routed on the real internet, so a lab's public addresses cannot
clash with anyone's.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from itertools import islice

from opengwlb.model.vpc import Vpc

PUBLIC_POOL = IPv4Network("198.18.0.0/15")

IPV6_POOL = IPv6Network("2001:db8::/33")
"""Blocks of VPCs. The other half of the documentation range is left to the internet's hosts."""
VPC_PREFIX6 = 56
SUBNET_PREFIX6 = 64

_RESERVED_FIRST = 4
"""Network address, router, name server and one for later use; the last address is the broadcast one."""


def is_reserved(address: IPv4Address, *, subnet: IPv4Network) -> bool:
    """AWS keeps the first four and the last address of every subnet."""
    place = int(address) - int(subnet.network_address)
    return place < _RESERVED_FIRST or address == subnet.broadcast_address


def assignable(subnet: IPv4Network) -> int:
    """How many addresses of a subnet can be given out: 11 for a /28."""
    return subnet.num_addresses - _RESERVED_FIRST - 1


def next_private(subnet: IPv4Network, *, taken: Container[str]) -> str | None:
    """The lowest free address of a subnet, or None when it is full."""
    first = int(subnet.network_address) + _RESERVED_FIRST
    return _first_free(range(first, int(subnet.broadcast_address)), taken)


def next_public(*, taken: Container[str]) -> str | None:
    """The lowest public address that nobody has, or None when the pool is used up."""
    first = int(PUBLIC_POOL.network_address) + 1
    return _first_free(range(first, int(PUBLIC_POOL.broadcast_address)), taken)


def is_public(text: str) -> bool:
    """Whether it is an address that could be given out as a public one."""
    try:
        address = IPv4Address(text)
    except ValueError:
        return False
    return address in PUBLIC_POOL and address not in (PUBLIC_POOL.network_address, PUBLIC_POOL.broadcast_address)


def next_block6(*, taken: Container[str]) -> IPv6Network | None:
    """The lowest /56 that no VPC of any account has: IPv6 blocks never overlap. None when the pool is used up."""
    size = 1 << (128 - VPC_PREFIX6)
    first = int(IPV6_POOL.network_address)
    for number in range(first + size, first + IPV6_POOL.num_addresses, size):
        block = IPv6Network((number, VPC_PREFIX6))
        if str(block) not in taken:
            return block
    return None


METADATA_ADDRESS = "169.254.169.254"
RESOLVER_ADDRESS = "169.254.169.253"
"""The same in every VPC."""


def resolver_address(vpc: Vpc) -> str | None:
    """The VPC's name server: the third address of its block (`10.0.0.2`); None when its DNS support is off."""
    return str(IPv4Network(vpc.cidr).network_address + 2) if vpc.enable_dns_support else None


def is_reserved6(address: IPv6Address, *, subnet: IPv6Network) -> bool:
    """As for IPv4: the first four and the last."""
    place = int(address) - int(subnet.network_address)
    return place < _RESERVED_FIRST or address == subnet.broadcast_address


def next_addresses6(subnet: IPv6Network, *, count: int, taken: Container[str]) -> tuple[str, ...]:
    """The lowest free addresses of a /64, which is never full."""
    first = int(subnet.network_address) + _RESERVED_FIRST
    candidates = (str(IPv6Address(number)) for number in range(first, int(subnet.broadcast_address)))
    return tuple(islice((candidate for candidate in candidates if candidate not in taken), count))


def router_address6(subnet: IPv6Network) -> str:
    """The VPC router's address in a subnet: the first after the network's own."""
    return str(subnet.network_address + 1)


def _first_free(numbers: range, taken: Container[str]) -> str | None:
    candidates: Iterator[str] = (str(IPv4Address(number)) for number in numbers)
    return next((candidate for candidate in candidates if candidate not in taken), None)
