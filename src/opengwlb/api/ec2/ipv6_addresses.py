"""IPv6 addresses given to interfaces that exist, and taken from them."""

from __future__ import annotations

from dataclasses import replace

from opengwlb.api.common import ipv6, resources
from opengwlb.api.common.errors import bad_combination, invalid_value, missing, refuse
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.vpc import Subnet
from opengwlb.store.protocol import Transaction

from .network_interfaces import manageable

_PREFIXES = ("Ipv6Prefixes", "Ipv6PrefixCount")


@action("ec2", "AssignIpv6Addresses")
def assign_ipv6_addresses(ctx: Context, params: Parameters) -> Answer:
    refuse(params, _PREFIXES, because="interfaces have addresses, not prefixes.")
    count, wanted = params.get("Ipv6AddressCount"), params.get("Ipv6Addresses") or []
    if count and wanted:
        raise bad_combination("The request must contain exactly one of ipv6Addresses or ipv6AddressCount")
    if not count and not wanted:
        raise missing("ipv6Addresses or ipv6AddressCount")

    def work(tx: Transaction) -> tuple[str, ...]:
        interface = manageable(ctx, tx, params["NetworkInterfaceId"])
        subnet = resources.require(ctx, tx, Subnet, interface.subnet)
        room = ipv6.MOST_ADDRESSES - len(interface.ipv6_addresses)
        added = ipv6.take(tx, subnet, count=count or 0, wanted=wanted, most=room)
        tx.put(replace(interface, ipv6_addresses=(*interface.ipv6_addresses, *added)))
        return added

    added = list(ctx.store.transact(work))
    return {"NetworkInterfaceId": params["NetworkInterfaceId"], "AssignedIpv6Addresses": added}


@action("ec2", "UnassignIpv6Addresses")
def unassign_ipv6_addresses(ctx: Context, params: Parameters) -> Answer:
    refuse(params, _PREFIXES, because="interfaces have addresses, not prefixes.")
    named = params.get("Ipv6Addresses") or []
    if not named:
        raise missing("ipv6Addresses")

    def work(tx: Transaction) -> None:
        interface = manageable(ctx, tx, params["NetworkInterfaceId"])
        for address in named:
            if address not in interface.ipv6_addresses:
                raise invalid_value(f"Some of the specified addresses are not assigned to interface {interface.id}")
        kept = tuple(address for address in interface.ipv6_addresses if address not in named)
        tx.put(replace(interface, ipv6_addresses=kept))

    ctx.store.transact(work)
    return {"NetworkInterfaceId": params["NetworkInterfaceId"], "UnassignedIpv6Addresses": list(named)}
