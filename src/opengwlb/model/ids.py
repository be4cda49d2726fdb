"""Ids as AWS writes them: a prefix and 17 hex digits of which the first is 0.

The 17 digits with a leading zero matter on the wire: the endpoint id TLV of GENEVE carries the hex part of `vpce-…` as 64 bits
(aws-samples' tunnel handler prints it with 17 digits), so an id must fit in a u64.
"""

from __future__ import annotations

import hashlib
import secrets


def new_id(prefix: str) -> str:
    """`new_id("vpc")` -> `vpc-0` + 16 random hex digits."""
    return f"{prefix}-0{secrets.token_hex(8)}"


def hex_part(resource_id: str) -> str:
    """The part after the last hyphen: `vpce-svc-0ab…` -> `0ab…`."""
    return resource_id.rsplit("-", 1)[-1]


def endpoint_number(vpc_endpoint_id: str) -> int:
    """The 64-bit number that the GENEVE endpoint TLV carries for this `vpce-…`."""
    return int(hex_part(vpc_endpoint_id), 16)


def endpoint_id(number: int) -> str:
    """Inverse of `endpoint_number`."""
    return f"vpce-{number:017x}"


def device_name(resource_id: str) -> str:
    """Linux device name: type + last 10 hex digits, at most 15 characters (`vpce-3b822cd32f`)."""
    return f"{resource_id.split('-', 1)[0]}-{hex_part(resource_id)[-10:]}"


def mac_address(seed: str) -> str:
    """A locally administered MAC that is always the same for this seed, such as a link's id and side."""
    digest = hashlib.sha256(seed.encode()).digest()
    return ":".join(f"{octet:02x}" for octet in (0x0A, *digest[:5]))
