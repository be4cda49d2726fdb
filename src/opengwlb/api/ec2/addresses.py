"""Elastic addresses, out of 198.18.0.0/15. Which translation they cause is the internet gateway's business."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from opengwlb.api.common import filters, pages, quotas, resources, tags
from opengwlb.api.common.errors import dry_run, invalid_parameter, invalid_value, missing, refuse
from opengwlb.api.common.filters import present
from opengwlb.api.common.interfaces import addresses_of, free_address, make_address, only_interface
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.api.ec2.internet_gateways import attached_gateway
from opengwlb.model.compute import Instance, InstanceState
from opengwlb.model.ids import new_id
from opengwlb.model.snapshot import View
from opengwlb.model.vpc import Address, NetworkInterface
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError


def _interface(view: View, address: Address) -> NetworkInterface | None:
    return view.get(NetworkInterface, address.network_interface)


def answer(view: View, address: Address) -> Answer:
    shown: Answer = {
        "AllocationId": address.id,
        "PublicIp": address.public_ip,
        "PublicIpv4Pool": "amazon",
        "NetworkBorderGroup": address.region,
        "Domain": "vpc",
        "Tags": tags.answer(address.tags),
    }
    interface = _interface(view, address)
    if interface is not None:
        shown |= {
            "AssociationId": address.association,
            "NetworkInterfaceId": interface.id,
            "NetworkInterfaceOwnerId": interface.account,
            "PrivateIpAddress": address.private_ip or interface.private_ip,
        }
        if interface.attachment is not None:
            shown["InstanceId"] = interface.attachment.instance
    return shown


def spec(view: View) -> Mapping[str, Callable[[Address], Iterable[str]]]:
    def of(member: str) -> Callable[[Address], Iterable[str]]:
        return lambda address: present(answer(view, address).get(member))

    return {
        "allocation-id": of("AllocationId"),
        "association-id": of("AssociationId"),
        "domain": of("Domain"),
        "instance-id": of("InstanceId"),
        "network-border-group": of("NetworkBorderGroup"),
        "network-interface-id": of("NetworkInterfaceId"),
        "network-interface-owner-id": of("NetworkInterfaceOwnerId"),
        "private-ip-address": of("PrivateIpAddress"),
        "public-ip": of("PublicIp"),
    }


@action("ec2", "AllocateAddress")
def allocate_address(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)
    refuse(
        params,
        ("CustomerOwnedIpv4Pool", "IpamPoolId"),
        because="addresses come from one pool.",
    )
    if (params.get("Domain") or "vpc") != "vpc":
        raise invalid_parameter(params["Domain"], parameter="domain", reason="Use vpc.")
    if params.get("PublicIpv4Pool", "amazon") != "amazon":
        raise AwsError("InvalidPublicIpv4PoolID.NotFound", f"The pool ID '{params['PublicIpv4Pool']}' does not exist.")
    if params.get("NetworkBorderGroup", ctx.region) != ctx.region:
        raise invalid_parameter(
            params["NetworkBorderGroup"], parameter="networkBorderGroup", reason=f"Use {ctx.region}."
        )
    given = tags.from_specifications(params, "elastic-ip")

    def work(tx: Transaction) -> Address:
        mine = [each for each in resources.owned(ctx, tx, Address) if not each.automatic]
        quotas.check(ctx, tx, "elastic-addresses", count=len(mine) + 1)
        return make_address(ctx, tx, wanted=params.get("Address") or None, tags=given)

    made = ctx.store.transact(work)
    return {
        "AllocationId": made.id,
        "PublicIp": made.public_ip,
        "PublicIpv4Pool": "amazon",
        "NetworkBorderGroup": made.region,
        "Domain": "vpc",
    }


@action("ec2", "DescribeAddresses")
def describe_addresses(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)
    snapshot = ctx.store.snapshot()
    found = [
        each for each in resources.named(ctx, snapshot, Address, params.get("AllocationIds")) if not each.automatic
    ]
    wanted = params.get("PublicIps") or ()
    for public_ip in wanted:
        _by_public_ip(ctx, snapshot, public_ip)
    if wanted:
        found = [each for each in found if each.public_ip in wanted]
    kept = filters.apply(found, params.get("Filters"), spec(snapshot))
    return {"Addresses": [answer(snapshot, each) for each in kept]}


@action("ec2", "DescribeAddressesAttribute")
def describe_addresses_attribute(ctx: Context, params: Parameters) -> Answer:
    """The reverse name that somebody gave an address: nobody can, so only which addresses there are."""
    dry_run(params)
    if params.get("Attribute") not in (None, "domain-name"):
        raise invalid_parameter(params["Attribute"], parameter="attribute", reason="Use domain-name.")
    found = resources.named(ctx, ctx.store.snapshot(), Address, params.get("AllocationIds"))
    mine = [each for each in found if not each.automatic]
    page, more = pages.slice_ec2(mine, params, ids="AllocationIds", minimum=1)
    return {"Addresses": [{"PublicIp": each.public_ip, "AllocationId": each.id} for each in page], **more}


@action("ec2", "AssociateAddress")
def associate_address(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)
    may_move = params.get("AllowReassociation", True)

    def work(tx: Transaction) -> str:
        address = _named(ctx, tx, params)
        interface = _target(ctx, tx, params)
        private_ip = params.get("PrivateIpAddress") or interface.private_ip
        if private_ip not in interface.private_ips:
            raise invalid_value(f"{private_ip} is not a private IP address of {interface.id}")
        if attached_gateway(tx, interface.vpc) is None:
            raise AwsError("Gateway.NotAttached", f"Network {interface.vpc} is not attached to any internet gateway")
        before = addresses_of(tx, interface).get(private_ip)
        if before is not None and before.id == address.id and address.association:
            return address.association
        if address.association is not None and not may_move:
            raise AwsError(
                "Resource.AlreadyAssociated",
                f"resource {address.id} is already associated with associate-id {address.association}",
            )
        if before is not None:
            if not may_move and not before.automatic:
                raise AwsError(
                    "Resource.AlreadyAssociated",
                    f"resource {interface.id} is already associated with associate-id {before.association}",
                )
            free_address(tx, before)
        association = new_id("eipassoc")
        further = None if private_ip == interface.private_ip else private_ip
        tx.put(replace(address, association=association, network_interface=interface.id, private_ip=further))
        return association

    return {"AssociationId": ctx.store.transact(work)}


@action("ec2", "DisassociateAddress")
def disassociate_address(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)

    def work(tx: Transaction) -> None:
        association = params.get("AssociationId")
        if association:
            mine = [each for each in resources.owned(ctx, tx, Address) if each.association == association]
            if not mine or mine[0].automatic:
                raise AwsError("InvalidAssociationID.NotFound", f"The association ID '{association}' does not exist")
            free_address(tx, mine[0])
        elif params.get("PublicIp"):
            free_address(tx, _by_public_ip(ctx, tx, params["PublicIp"]))
        else:
            raise missing("associationId")

    ctx.store.transact(work)
    return {}


@action("ec2", "ReleaseAddress")
def release_address(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)

    def work(tx: Transaction) -> None:
        address = _named(ctx, tx, params)
        if address.association is not None:
            raise AwsError("InvalidIPAddress.InUse", f"Address {address.public_ip} is in use.")
        tx.delete(Address, address.id)

    ctx.store.transact(work)
    return {}


def _named(ctx: Context, view: View, params: Parameters) -> Address:
    """By AllocationId or PublicIp. An automatic address is not the caller's to handle."""
    if params.get("AllocationId"):
        address = resources.require(ctx, view, Address, params["AllocationId"])
        if address.automatic:
            raise resources.not_found(Address, address.id)
        return address
    if params.get("PublicIp"):
        return _by_public_ip(ctx, view, params["PublicIp"])
    raise missing("allocationId")


def _by_public_ip(ctx: Context, view: View, public_ip: str) -> Address:
    for each in resources.owned(ctx, view, Address):
        if each.public_ip == public_ip and not each.automatic:
            return each
    raise AwsError("InvalidAddress.NotFound", f"Address '{public_ip}' not found.")


def _target(ctx: Context, view: View, params: Parameters) -> NetworkInterface:
    if params.get("NetworkInterfaceId"):
        interface = resources.require(ctx, view, NetworkInterface, params["NetworkInterfaceId"])
        if interface.requester_managed:
            raise AwsError("OperationNotPermitted", "You are not allowed to manage 'ela-attach' attachments.")
        return interface
    if not params.get("InstanceId"):
        raise AwsError("MissingParameter", "Invalid request, expect InstanceId/NetworkId parameter.")
    instance = resources.require(ctx, view, Instance, params["InstanceId"])
    if instance.desired is InstanceState.TERMINATED:
        raise AwsError("InvalidInstanceID", f"The instance '{instance.id}' is not in a valid state for this operation.")
    return resources.require(ctx, view, NetworkInterface, only_interface(instance))
