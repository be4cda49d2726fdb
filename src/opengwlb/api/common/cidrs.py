"""CIDR parameters: what EC2 takes for a block, and what it says otherwise."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from opengwlb.api.common.errors import invalid_parameter
from opengwlb.wire.errors import AwsError


def block(text: str, *, parameter: str) -> IPv4Network:
    """A canonical IPv4 block: host bits are cleared (`100.68.0.18/18` -> `100.68.0.0/18`).

    Errors: InvalidParameterValue.
    """
    try:
        if not re.fullmatch(r"[0-9.]+/[0-9]{1,2}", text):
            raise ValueError(text)
        return IPv4Network(text, strict=False)
    except ValueError as cause:
        raise invalid_parameter(text, parameter=parameter, reason="This is not a valid CIDR block.") from cause


def sized_block(text: str, *, parameter: str, code: str) -> IPv4Network:
    """A block of /16 to /28, as VPCs and subnets take. Errors: `code` (`InvalidVpc.Range`) for another size."""
    network = block(text, parameter=parameter)
    if not 16 <= network.prefixlen <= 28:
        raise AwsError(code, f"The CIDR '{text}' is invalid.")
    return network


def block6(text: str, *, parameter: str) -> IPv6Network:
    """A canonical IPv6 block: lower case, zeros compressed, host bits cleared. Errors: InvalidParameterValue."""
    try:
        if "/" not in text:
            raise ValueError(text)
        return IPv6Network(text, strict=False)
    except ValueError as cause:
        raise invalid_parameter(text, parameter=parameter, reason="This is not a valid IPv6 CIDR block.") from cause


def address6(text: str, *, parameter: str) -> IPv6Address:
    """A single IPv6 address. Errors: InvalidParameterValue."""
    try:
        return IPv6Address(text)
    except ValueError as cause:
        raise invalid_parameter(text, parameter=parameter, reason="Invalid IPv6 address.") from cause


def address(text: str, *, parameter: str) -> IPv4Address:
    """A single IPv4 address. Errors: InvalidParameterValue."""
    try:
        return IPv4Address(text)
    except ValueError as cause:
        raise invalid_parameter(text, parameter=parameter, reason="Invalid IPv4 address.") from cause
