"""Network interfaces and addresses: made by RunInstances, load balancers and endpoints alike."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Network
from typing import Literal

from opengwlb.api.common import quotas
from opengwlb.api.common.cidrs import address as parse_address
from opengwlb.api.common.errors import invalid_value
from opengwlb.api.context import Context
from opengwlb.model.compute import Instance
from opengwlb.model.ids import new_id
from opengwlb.model.snapshot import View
from opengwlb.model.vpc import Address, Attachment, NetworkInterface, Subnet, Tags
from opengwlb.policy import addressing
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

InterfaceType = Literal["interface", "gateway_load_balancer", "gateway_load_balancer_endpoint", "vpc_endpoint"]


def new_mac() -> str:
    """Random, unicast, locally administered; the first octet is one that EC2 uses."""
    return "02:" + ":".join(f"{octet:02x}" for octet in secrets.token_bytes(5))


def taken_addresses(view: View, subnet_id: str) -> set[str]:
    return {interface.private_ip for interface in view.values(NetworkInterface) if interface.subnet == subnet_id}


def next_private_ip(tx: View, subnet: Subnet, *, wanted: str | None = None) -> str:
    """`wanted` if it can be had, otherwise the lowest free address of the subnet.

    Errors: InvalidParameterValue (outside the subnet, or reserved), InvalidIPAddress.InUse,
    InsufficientFreeAddressesInSubnet.
    """
    network = IPv4Network(subnet.cidr)
    taken = taken_addresses(tx, subnet.id)
    if wanted is not None:
        parsed = parse_address(wanted, parameter="privateIpAddress")
        if parsed not in network:
            raise invalid_value("Address does not fall within the subnet's address range")
        if addressing.is_reserved(parsed, subnet=network):
            raise invalid_value("Address is in subnet's reserved address range")
        if str(parsed) in taken:
            raise AwsError("InvalidIPAddress.InUse", f"Address {wanted} is in use.")
        return str(parsed)
    free = addressing.next_private(network, taken=taken)
    if free is None:
        raise AwsError(
            "InsufficientFreeAddressesInSubnet",
            f"The specified subnet '{subnet.id}' does not have enough free addresses to satisfy the request.",
        )
    return free


def make_network_interface(
    ctx: Context,
    tx: Transaction,
    *,
    subnet: Subnet,
    private_ip: str | None = None,
    ipv6_addresses: Sequence[str] = (),
    groups: Sequence[str] = (),
    description: str = "",
    interface_type: InterfaceType = "interface",
    requester_id: str | None = None,
    owner_object: str | None = None,
    source_dest_check: bool = True,
    attachment: Attachment | None = None,
    uplink: str | None = None,
    tags: Tags | None = None,
) -> NetworkInterface:
    """Make and put an interface in `subnet`, owned by the subnet's account.

    `requester_id` set means requester-managed: the caller cannot delete it. `groups` are ids, and `ipv6_addresses` addresses,
    that were checked already.
    Errors: as `next_private_ip`.
    """
    mine = (each for each in tx.values(NetworkInterface) if each.account == subnet.account)
    count = sum(each.region == subnet.region for each in mine) + 1
    quotas.check(ctx, tx, "network-interfaces", count=count)
    interface = NetworkInterface(
        id=new_id("eni"),
        account=subnet.account,
        region=subnet.region,
        vpc=subnet.vpc,
        subnet=subnet.id,
        zone=subnet.zone,
        private_ip=next_private_ip(tx, subnet, wanted=private_ip),
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


def address_of(view: View, interface_id: str) -> Address | None:
    """The public address of an interface."""
    return next((each for each in view.values(Address) if each.network_interface == interface_id), None)


def make_address(
    ctx: Context,
    tx: Transaction,
    *,
    network_interface: str | None = None,
    automatic: bool = False,
    tags: Tags | None = None,
) -> Address:
    """Make and put a public address that nobody else has, on an interface when one is named.

    Errors: AddressLimitExceeded.
    """
    public_ip = addressing.next_public(taken={each.public_ip for each in tx.values(Address)})
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
    tx.put(replace(address, association=None, network_interface=None))


def only_interface(instance: Instance) -> str:
    """The interface of an instance that has one; with several the caller must say which. Errors: InvalidInstanceID."""
    if len(instance.network_interfaces) != 1:
        raise AwsError(
            "InvalidInstanceID",
            f"There are multiple interfaces attached to instance '{instance.id}'. "
            "Please specify an interface ID for the operation instead.",
        )
    return instance.network_interfaces[0]
