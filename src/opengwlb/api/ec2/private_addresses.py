"""Further private IPv4 addresses given to interfaces that exist, and taken from them."""

from __future__ import annotations

from dataclasses import replace

from opengwlb.api.common import private_addresses, resources
from opengwlb.api.common.errors import bad_combination, invalid_value, missing, refuse, unsupported
from opengwlb.api.common.interfaces import addresses_of, free_address
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.snapshot import View
from opengwlb.model.vpc import NetworkInterface, Subnet
from opengwlb.store.protocol import Transaction

from .network_interfaces import manageable

_PREFIXES = ("Ipv4Prefixes", "Ipv4PrefixCount")


@action("ec2", "AssignPrivateIpAddresses")
def assign_private_ip_addresses(ctx: Context, params: Parameters) -> Answer:
    """With `AllowReassignment` another interface of the subnet gives up a further address, and its public one goes along."""
    refuse(params, _PREFIXES, because="interfaces have addresses, not prefixes.")
    count = params.get("SecondaryPrivateIpAddressCount") or 0
    wanted = list(dict.fromkeys(params.get("PrivateIpAddresses") or []))
    if count and wanted:
        raise bad_combination(
            "The request must contain exactly one of privateIpAddresses or secondaryPrivateIpAddressCount"
        )
    if not count and not wanted:
        raise missing("privateIpAddresses or secondaryPrivateIpAddressCount")
    if count < 0:
        raise invalid_value(f"Value ({count}) for parameter secondaryPrivateIpAddressCount is invalid.")

    def work(tx: Transaction) -> tuple[str, ...]:
        interface = _of_an_instance(ctx, tx, params["NetworkInterfaceId"])
        subnet = resources.require(ctx, tx, Subnet, interface.subnet)
        # Saying it again changes nothing.
        new = [address for address in wanted if address not in interface.further_ips]
        if params.get("AllowReassignment"):
            for address in new:
                _move(tx, address, subnet=subnet, to=interface)
            interface = tx.get(NetworkInterface, interface.id) or interface
            new = [address for address in new if address not in interface.further_ips]
        private_addresses.check_count(len(interface.private_ips) + len(new) + count)
        added = private_addresses.more(tx, subnet, wanted=new, count=count)
        tx.put(replace(interface, further_ips=(*interface.further_ips, *added)))
        return added if count else tuple(wanted)

    added = ctx.store.transact(work)
    return {
        "NetworkInterfaceId": params["NetworkInterfaceId"],
        "AssignedPrivateIpAddresses": [{"PrivateIpAddress": address} for address in added],
    }


def _move(tx: Transaction, address: str, *, subnet: Subnet, to: NetworkInterface) -> None:
    """Take a further address from whoever in the subnet has it; a primary one stays, and is found in use afterwards."""
    for holder in tx.values(NetworkInterface):
        if holder.subnet == subnet.id and holder.id != to.id and address in holder.further_ips:
            public = addresses_of(tx, holder).get(address)
            tx.put(replace(holder, further_ips=tuple(each for each in holder.further_ips if each != address)))
            receiver = tx.get(NetworkInterface, to.id) or to
            tx.put(replace(receiver, further_ips=(*receiver.further_ips, address)))
            if public is not None:
                tx.put(replace(public, network_interface=to.id))


@action("ec2", "UnassignPrivateIpAddresses")
def unassign_private_ip_addresses(ctx: Context, params: Parameters) -> Answer:
    """Public addresses that stand for them are free again."""
    refuse(params, ("Ipv4Prefixes",), because="interfaces have addresses, not prefixes.")
    named = params.get("PrivateIpAddresses") or []
    if not named:
        raise missing("privateIpAddresses")

    def work(tx: Transaction) -> None:
        interface = _of_an_instance(ctx, tx, params["NetworkInterfaceId"])
        for address in named:
            if address == interface.private_ip:
                raise invalid_value(
                    f"{address} is the primary address of interface {interface.id}: it cannot be taken."
                )
            if address not in interface.further_ips:
                raise invalid_value(f"Some of the specified addresses are not assigned to interface {interface.id}")
        for address, public in addresses_of(tx, interface).items():
            if address in named:
                free_address(tx, public)
        tx.put(replace(interface, further_ips=tuple(each for each in interface.further_ips if each not in named)))

    ctx.store.transact(work)
    return {}


def _of_an_instance(ctx: Context, view: View, interface_id: str) -> NetworkInterface:
    """One that is the caller's, and not a host's behind an uplink, which is one address."""
    interface = manageable(ctx, view, interface_id)
    if interface.uplink is not None:
        raise unsupported(
            "NetworkInterfaceId", "an interface behind an uplink has one address: add the next one there."
        )
    return interface
