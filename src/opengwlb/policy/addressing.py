"""Which address an object gets: private ones from its subnet, public ones from the benchmark range.

198.18.0.0/15 (RFC 2544) is never routed on the real internet, so a lab's public addresses cannot clash with anyone's.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from ipaddress import IPv4Address, IPv4Network

PUBLIC_POOL = IPv4Network("198.18.0.0/15")

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


def _first_free(numbers: range, taken: Container[str]) -> str | None:
    candidates: Iterator[str] = (str(IPv4Address(number)) for number in numbers)
    return next((candidate for candidate in candidates if candidate not in taken), None)
