"""ARNs of EC2 objects, and the parts of any ARN."""

from __future__ import annotations

from typing import NamedTuple

from opengwlb.api.common.resources import NAMINGS, Owned


class Arn(NamedTuple):
    partition: str
    service: str
    region: str
    account: str
    resource: str
    """`loadbalancer/gwy/name/hex`."""


def parse(text: str) -> Arn | None:
    """The parts, or None when it is no ARN."""
    parts = text.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or not parts[5]:
        return None
    return Arn(*parts[1:])


def ec2(resource: Owned) -> str:
    """`arn:aws:ec2:REGION:ACCOUNT:subnet/subnet-…`."""
    tag_type = NAMINGS[type(resource)].tag_type
    return f"arn:aws:ec2:{resource.region}:{resource.account}:{tag_type}/{resource.id}"
