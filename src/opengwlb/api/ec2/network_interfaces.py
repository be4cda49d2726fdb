"""Network interfaces: those of instances, load balancers and endpoints, described and modified."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from opengwlb.api.common import connection_tracking, ipv6, private_addresses, quotas, resources, tags
from opengwlb.api.common.describe import describe
from opengwlb.api.common.errors import bad_combination, dry_run, invalid_parameter, missing, needed, refuse, unsupported
from opengwlb.api.common.idempotency import idempotent
from opengwlb.api.common.interfaces import (
    addresses_of,
    free_address,
    make_address,
    make_network_interface,
    remove_network_interface,
)
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.api.ec2 import network_interface_view
from opengwlb.model.compute import Instance
from opengwlb.model.snapshot import View
from opengwlb.model.vpc import NetworkInterface, SecurityGroup, Subnet
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError


@action("ec2", "CreateNetworkInterface")
def create_network_interface(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)
    refuse(
        params,
        (
            "Ipv4Prefixes",
            "Ipv4PrefixCount",
            "Ipv6Prefixes",
            "Ipv6PrefixCount",
            "EnablePrimaryIpv6",
            "Operator",
        ),
        because="interfaces have addresses, not prefixes, and no manager but their account.",
    )
    if params.get("InterfaceType", "interface") != "interface":
        raise invalid_parameter(params["InterfaceType"], parameter="interfaceType", reason="Use interface.")
    given = tags.from_specifications(params, "network-interface")
    addresses = private_addresses.read(params)
    tracking = connection_tracking.read(params.get("ConnectionTrackingSpecification"))

    def work(tx: Transaction) -> Answer:
        subnet = resources.require(ctx, tx, Subnet, params["SubnetId"])

        def make() -> tuple[NetworkInterface]:
            return (
                make_network_interface(
                    ctx,
                    tx,
                    subnet=subnet,
                    addresses=addresses,
                    ipv6_addresses=ipv6.choose(tx, subnet, asked=params),
                    groups=require_groups(ctx, tx, params.get("Groups"), vpc=subnet.vpc),
                    description=params.get("Description", ""),
                    tracking=tracking,
                    tags=given,
                ),
            )

        (made,) = idempotent(ctx, tx, "CreateNetworkInterface", params, kind=NetworkInterface, make=make)
        return network_interface_view.answer(tx, made)

    made = ctx.store.transact(work)
    return {"NetworkInterface": made} | ({"ClientToken": params["ClientToken"]} if params.get("ClientToken") else {})


@action("ec2", "DeleteNetworkInterface")
def delete_network_interface(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)

    def work(tx: Transaction) -> None:
        interface = manageable(ctx, tx, params["NetworkInterfaceId"])
        if interface.attachment is not None or interface.uplink is not None:
            raise AwsError("InvalidParameterValue", f"Network interface '{interface.id}' is currently in use.")
        remove_network_interface(tx, interface)

    ctx.store.transact(work)
    return {}


@action("ec2", "DescribeNetworkInterfaces")
def describe_network_interfaces(ctx: Context, params: Parameters) -> Answer:
    snapshot = ctx.store.snapshot()
    found, more = describe(
        ctx,
        snapshot,
        params,
        kind=NetworkInterface,
        ids="NetworkInterfaceIds",
        spec=network_interface_view.spec(snapshot),
    )
    return {"NetworkInterfaces": [network_interface_view.answer(snapshot, each) for each in found], **more}


@action("ec2", "DescribeNetworkInterfaceAttribute")
def describe_network_interface_attribute(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)
    snapshot = ctx.store.snapshot()
    interface = resources.require(ctx, snapshot, NetworkInterface, params["NetworkInterfaceId"])
    shown = network_interface_view.answer(snapshot, interface)
    values: dict[str, Any] = {
        "description": {"Description": {"Value": interface.description}},
        "groupSet": {"Groups": shown["Groups"]},
        "sourceDestCheck": {"SourceDestCheck": {"Value": interface.source_dest_check}},
        "attachment": {"Attachment": shown["Attachment"]} if "Attachment" in shown else {},
        "associatePublicIpAddress": {"AssociatePublicIpAddress": "Association" in shown},
    }
    attribute = params.get("Attribute")
    if attribute not in values:
        raise invalid_parameter(attribute, parameter="attribute", reason="Unknown network interface attribute.")
    return {"NetworkInterfaceId": interface.id, **values[attribute]}


@action("ec2", "ModifyNetworkInterfaceAttribute")
def modify_network_interface_attribute(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)
    refuse(
        params,
        (
            "EnaSrdSpecification",
            "EnablePrimaryIpv6",
            "AssociatedSubnetIds",
        ),
        because="interfaces do not have this attribute.",
    )
    attributes = (
        "Description",
        "SourceDestCheck",
        "Groups",
        "Attachment",
        "ConnectionTrackingSpecification",
        "AssociatePublicIpAddress",
    )
    given = [name for name in attributes if params.get(name) is not None]
    if len(given) != 1:
        raise bad_combination("Exactly one attribute must be specified.")

    def work(tx: Transaction) -> None:
        interface = manageable(ctx, tx, params["NetworkInterfaceId"])
        if given[0] == "AssociatePublicIpAddress":
            _set_public(ctx, tx, interface, wanted=params[given[0]])
            return
        tx.put(_modified(ctx, tx, interface, name=given[0], value=params[given[0]]))
        if given[0] == "SourceDestCheck":
            _tell_instance(tx, interface, check=needed(params["SourceDestCheck"], "Value", within="SourceDestCheck"))

    ctx.store.transact(work)
    return {}


def _modified(ctx: Context, view: View, interface: NetworkInterface, *, name: str, value: Any) -> NetworkInterface:
    if name == "Description":
        return replace(interface, description=needed(value, "Value", within=name))
    if name == "SourceDestCheck":
        return replace(interface, source_dest_check=needed(value, "Value", within=name))
    if name == "Groups":
        return replace(interface, groups=require_groups(ctx, view, value, vpc=interface.vpc))
    if name == "ConnectionTrackingSpecification":
        return replace(interface, tracking=connection_tracking.read(value, before=interface.tracking))
    refuse(value, ("EnaQueueCount", "DefaultEnaQueueCount"), because="interfaces are not ENA devices.")
    attachment = interface.attachment
    if attachment is None or attachment.id != value.get("AttachmentId"):
        raise AwsError(
            "InvalidAttachmentID.NotFound", f"The attachment ID '{value.get('AttachmentId')}' does not exist"
        )
    wanted = value.get("DeleteOnTermination", attachment.delete_on_termination)
    return replace(interface, attachment=replace(attachment, delete_on_termination=wanted))


def _set_public(ctx: Context, tx: Transaction, interface: NetworkInterface, *, wanted: bool) -> None:
    """An automatic public address comes to an instance's first interface, or goes; an elastic one is none of this."""
    if interface.attachment is None or interface.attachment.device_index != 0:
        raise unsupported("AssociatePublicIpAddress", "only the first interface of an instance gets one by itself.")
    public = addresses_of(tx, interface).get(interface.private_ip)
    if wanted and public is None:
        make_address(ctx, tx, network_interface=interface.id, automatic=True)
    elif not wanted and public is not None and public.automatic:
        free_address(tx, public)


@action("ec2", "ResetNetworkInterfaceAttribute")
def reset_network_interface_attribute(ctx: Context, params: Parameters) -> Answer:
    """`SourceDestCheck` is the only attribute that has something to go back to: on."""
    if params.get("SourceDestCheck") is None:
        raise missing("sourceDestCheck")

    def work(tx: Transaction) -> None:
        interface = manageable(ctx, tx, params["NetworkInterfaceId"])
        dry_run(params)
        tx.put(replace(interface, source_dest_check=True))
        _tell_instance(tx, interface, check=True)

    ctx.store.transact(work)
    return {}


def _tell_instance(tx: Transaction, interface: NetworkInterface, *, check: bool) -> None:
    """The source/dest check of the first interface is also an attribute of the instance."""
    if interface.attachment is None or interface.attachment.device_index != 0:
        return
    instance = tx.get(Instance, interface.attachment.instance)
    if instance is not None:
        tx.put(replace(instance, source_dest_check=check))


def manageable(ctx: Context, view: View, interface_id: str) -> NetworkInterface:
    """An interface that is the caller's to change. Errors: AuthFailure for a load balancer's or endpoint's."""
    interface = resources.require(ctx, view, NetworkInterface, interface_id)
    if interface.requester_managed:
        raise AwsError("AuthFailure", "You do not have permission to access the specified resource.")
    return interface


def require_groups(ctx: Context, view: View, group_ids: list[str] | None, *, vpc: str) -> tuple[str, ...]:
    """Security groups for an interface in `vpc`: the VPC's default one when none is named.

    Errors: InvalidGroup.NotFound, InvalidParameterValue (another VPC's), SecurityGroupsPerInterfaceLimitExceeded.
    """
    if not group_ids:
        mine = (group.id for group in resources.in_vpc(view, SecurityGroup, vpc) if group.name == "default")
        return tuple(mine)
    chosen = [resources.require(ctx, view, SecurityGroup, group_id) for group_id in dict.fromkeys(group_ids)]
    for group in chosen:
        if group.vpc != vpc:
            raise AwsError(
                "InvalidParameterValue",
                "You have specified two resources that belong to different networks.",
            )
    quotas.check(ctx, view, "security-groups-per-interface", count=len(chosen))
    return tuple(group.id for group in chosen)
