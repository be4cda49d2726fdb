"""Which IPv4 blocks a VPC may have: AWS's table of restrictions (VPC user guide, "VPC CIDR blocks")."""

from __future__ import annotations

from ipaddress import IPv4Network

from opengwlb.model.snapshot import View
from opengwlb.model.vpc import RouteTable, Vpc

from .routing import Refusal

_PRIVATE = (IPv4Network("10.0.0.0/8"), IPv4Network("172.16.0.0/12"), IPv4Network("192.168.0.0/16"))
_TESTS = IPv4Network("198.19.0.0/16")
"""Of the benchmark range: a VPC has it from the start, or not at all."""
_NEVER = tuple(IPv4Network(text) for text in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"))
_CODE = "InvalidVpc.Range"


def primary_refusal(network: IPv4Network) -> Refusal | None:
    """Why no VPC may be made with this block, or None. Its size is not asked."""
    return _reserved(network)


def further_refusal(view: View, *, vpc: Vpc, network: IPv4Network) -> Refusal | None:
    """Why a VPC that exists may not have this block too, or None. Neither its size nor a quota is asked."""
    blocks = [IPv4Network(cidr) for cidr in vpc.cidrs]
    if any(network.overlaps(block) for block in blocks):
        return Refusal(code=_CODE, message=f"The CIDR '{network}' conflicts with another CIDR block of {vpc.id}.")
    if (refused := _reserved(network)) is not None:
        return refused
    if _is_restricted(network, blocks):
        return Refusal(
            code=_CODE,
            message=f"The CIDR '{network}' is restricted. Use a CIDR from the same private address range as the "
            "current VPC CIDR, or use a publicly-routable CIDR.",
        )
    for table in view.values(RouteTable):
        for route in table.routes if table.vpc == vpc.id else ():
            if ":" not in route.destination and IPv4Network(route.destination).subnet_of(network):
                return Refusal(
                    code=_CODE,
                    message=f"The CIDR '{network}' is the same as or larger than the destination "
                    f"{route.destination} of a route in {table.id}.",
                )
    return None


def _reserved(network: IPv4Network) -> Refusal | None:
    if any(network.overlaps(never) for never in _NEVER):
        return Refusal(code=_CODE, message=f"The CIDR '{network}' is reserved and cannot be a VPC's.")
    return None


def _is_restricted(network: IPv4Network, blocks: list[IPv4Network]) -> bool:
    if network.overlaps(_TESTS):
        return True
    home = next((each for each in _PRIVATE if blocks[0].subnet_of(each)), None)
    wanted = next((each for each in _PRIVATE if network.overlaps(each)), None)
    if wanted is not None and wanted != home:
        return True
    if wanted == _PRIVATE[0]:
        near = any(block.subnet_of(IPv4Network("10.0.0.0/15")) for block in blocks)
        return near and network.subnet_of(IPv4Network("10.0.0.0/16"))
    return wanted == _PRIVATE[1] and network.overlaps(IPv4Network("172.31.0.0/16"))
