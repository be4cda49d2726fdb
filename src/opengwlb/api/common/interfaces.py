"""Network interfaces and addresses: made by RunInstances, load balancers and endpoints alike."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from opengwlb.api.common import quotas
from opengwlb.api.common.private_addresses import Asked, choose
from opengwlb.api.context import Context
from opengwlb.model.compute import Instance
from opengwlb.model.ids import new_id
from opengwlb.model.snapshot import View
from opengwlb.model.vpc import Address, Attachment, ConnectionTracking, NetworkInterface, Subnet, Tags
from opengwlb.policy import addressing
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

InterfaceType = Literal["interface", "gateway_load_balancer", "gateway_load_balancer_endpoint", "vpc_endpoint"]


def new_mac() -> str:
    """Random, unicast, locally administered; the first octet is one that EC2 uses."""
    return "02:" + ":".join(f"{octet:02x}" for octet in secrets.token_bytes(5))


def make_network_interface(
    ctx: Context,
    tx: Transaction,
    *,
    subnet: Subnet,
    private_ip: str | None = None,
    addresses: Asked | None = None,
    ipv6_addresses: Sequence[str] = (),
    groups: Sequence[str] = (),
    description: str = "",
    interface_type: InterfaceType = "interface",
    requester_id: str | None = None,
    owner_object: str | None = None,
    source_dest_check: bool = True,
    attachment: Attachment | None = None,
    uplink: str | None = None,
    tracking: ConnectionTracking | None = None,
    tags: Tags | None = None,
) -> NetworkInterface:
    """Make and put an interface in `subnet`, owned by the subnet's account.

    `requester_id` set means requester-managed: the caller cannot delete it. `groups` are ids, and `ipv6_addresses` addresses,
    that were checked already. `addresses` are for callers that ask for more than `private_ip`.
    Errors: as `private_addresses.choose`, and NetworkInterfaceLimitExceeded.
    """
    mine = (each for each in tx.values(NetworkInterface) if each.account == subnet.account)
    count = sum(each.region == subnet.region for each in mine) + 1
    quotas.check(ctx, tx, "network-interfaces", count=count)
    first, *further = choose(tx, subnet, addresses or Asked(primary=private_ip))
    interface = NetworkInterface(
        id=new_id("eni"),
        account=subnet.account,
        region=subnet.region,
        vpc=subnet.vpc,
        subnet=subnet.id,
        zone=subnet.zone,
        private_ip=first,
        further_ips=tuple(further),
        ipv6_addresses=tuple(ipv6_addresses),
        mac=new_mac(),
        interface_type=interface_type,
        requester_managed=requester_id is not None,
        requester_id=requester_id,
        description=description,
        source_dest_check=source_dest_check,
        groups=tuple(groups),
        attachment=attachment,
        owner_object=owner_object,
        uplink=uplink,
        tracking=tracking or ConnectionTracking(),
        tags=tags or {},
    )
    tx.put(interface)
    return interface


def remove_network_interface(tx: Transaction, interface: NetworkInterface) -> None:
    """Delete it; its automatic public address goes with it, an elastic one becomes free."""
    for each in list(tx.values(Address)):
        if each.network_interface == interface.id:
            free_address(tx, each)
    tx.delete(NetworkInterface, interface.id)


def addresses_of(view: View, interface: NetworkInterface) -> dict[str, Address]:
    """Private address -> the public one that stands for it."""
    mine = (each for each in view.values(Address) if each.network_interface == interface.id)
    return {each.private_ip or interface.private_ip: each for each in mine}


def make_address(
    ctx: Context,
    tx: Transaction,
    *,
    network_interface: str | None = None,
    automatic: bool = False,
    wanted: str | None = None,
    tags: Tags | None = None,
) -> Address:
    """Make and put a public address that nobody else has (`wanted`, when one is named), on an interface when one is named.

    Errors: AddressLimitExceeded, InvalidAddress.NotFound (not of the pool), InvalidIPAddress.InUse.
    """
    taken = {each.public_ip for each in tx.values(Address)}
    if wanted is not None and not addressing.is_public(wanted):
        raise AwsError("InvalidAddress.NotFound", f"Address '{wanted}' is not of the pool {addressing.PUBLIC_POOL}.")
    if wanted in taken:
        raise AwsError("InvalidIPAddress.InUse", f"Address {wanted} is in use.")
    public_ip = wanted or addressing.next_public(taken=taken)
    if public_ip is None:
        raise AwsError("AddressLimitExceeded", f"Every address of {addressing.PUBLIC_POOL} is in use.")
    made = Address(
        id=new_id("eipalloc"),
        account=ctx.account,
        region=ctx.region,
        public_ip=public_ip,
        association=new_id("eipassoc") if network_interface else None,
        network_interface=network_interface,
        automatic=automatic,
        tags=tags or {},
    )
    tx.put(made)
    return made


def free_address(tx: Transaction, address: Address) -> None:
    """Take an address off its interface: an automatic one is gone, an elastic one stays allocated."""
    if address.automatic:
        tx.delete(Address, address.id)
        return
    tx.put(replace(address, association=None, network_interface=None, private_ip=None))


def only_interface(instance: Instance) -> str:
    """The interface of an instance that has one; with several the caller must say which. Errors: InvalidInstanceID."""
    if len(instance.network_interfaces) != 1:
        raise AwsError(
            "InvalidInstanceID",
            f"There are multiple interfaces attached to instance '{instance.id}'. "
            "Please specify an interface ID for the operation instead.",
        )
    return instance.network_interfaces[0]
