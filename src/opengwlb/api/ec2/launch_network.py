"""The network of a launch: what RunInstances says about interfaces, by either of the two ways to say it, and the interfaces made of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from opengwlb.api.common import connection_tracking, ipv6, private_addresses, resources
from opengwlb.api.common.errors import bad_combination, invalid_value, refuse, unsupported
from opengwlb.api.common.interfaces import make_address, make_network_interface, remove_network_interface
from opengwlb.api.context import Context, Parameters
from opengwlb.model.ids import new_id
from opengwlb.model.vpc import Attachment, ConnectionTracking, NetworkInterface, SecurityGroup, Subnet, Tags, Vpc
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

from .network_interfaces import manageable, require_groups

_NO_SUCH_OPTIONS = (
    "AssociateCarrierIpAddress",
    "NetworkCardIndex",
    "Ipv4Prefixes",
    "Ipv4PrefixCount",
    "Ipv6Prefixes",
    "Ipv6PrefixCount",
    "PrimaryIpv6",
    "EnaSrdSpecification",
    "EnaQueueCount",
)
_OF_A_NEW_ONE = (
    "SubnetId",
    "PrivateIpAddress",
    "PrivateIpAddresses",
    "SecondaryPrivateIpAddressCount",
    "Groups",
    "Description",
    "Ipv6AddressCount",
    "Ipv6Addresses",
    "ConnectionTrackingSpecification",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One interface of the instances to be launched."""

    device_index: int = 0
    existing: str | None = None
    """An `eni-…` that the caller has made before; then nothing else is said about it."""
    subnet: str | None = None
    addresses: private_addresses.Asked = field(default_factory=private_addresses.Asked)
    tracking: ConnectionTracking = field(default_factory=ConnectionTracking)
    groups: tuple[str, ...] = ()
    public_ip: bool | None = None
    """None: as the subnet does."""
    ipv6: dict[str, Any]
    """`Ipv6AddressCount` and `Ipv6Addresses`, where the call has them."""
    delete_on_termination: bool = True
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """An interface with what its names stand for."""

    asked: Asked
    subnet: Subnet
    groups: tuple[str, ...]
    interface: NetworkInterface | None
    """The existing one."""


def read(params: Parameters) -> tuple[Asked, ...]:
    """The interfaces that the call asks for, by device index; the first is the primary one.

    Errors: InvalidParameterCombination, InvalidParameterValue, UnsupportedOperation.
    """
    interfaces: list[dict[str, Any]] = params.get("NetworkInterfaces") or []
    if not interfaces:
        return (
            Asked(
                subnet=params.get("SubnetId"),
                addresses=private_addresses.read({"PrivateIpAddress": params.get("PrivateIpAddress")}),
                groups=tuple(params.get("SecurityGroupIds") or ()),
                ipv6=_ipv6(params),
            ),
        )
    for member, noun in (
        ("SubnetId", "subnet ID"),
        ("SecurityGroupIds", "security groups"),
        ("SecurityGroups", "security groups"),
        ("PrivateIpAddress", "private IP address"),
        ("Ipv6AddressCount", "IPv6 address count"),
        ("Ipv6Addresses", "IPv6 addresses"),
    ):
        if params.get(member):
            raise bad_combination(
                f"Network interfaces and an instance-level {noun} may not be specified on the same request"
            )
    found = sorted((_one(each, alone=len(interfaces) == 1) for each in interfaces), key=lambda one: one.device_index)
    indexes = [one.device_index for one in found]
    if indexes[0] != 0:
        raise invalid_value("The first network interface must have the device index 0")
    if len(set(indexes)) != len(indexes):
        raise invalid_value("Each network interface requires a device index of its own")
    if len(found) > 1 and any(each.get("AssociatePublicIpAddress") is not None for each in interfaces):
        raise bad_combination(
            "The associatePublicIPAddress parameter cannot be specified when launching with multiple network interfaces."
        )
    named = [one.existing for one in found if one.existing]
    if len(set(named)) != len(named):
        raise invalid_value("A network interface may not be specified more than once")
    return tuple(found)


def _one(asked: dict[str, Any], *, alone: bool) -> Asked:
    refuse(asked, _NO_SUCH_OPTIONS, because="interfaces have addresses, not prefixes, and no hardware of their own.")
    if asked.get("InterfaceType") not in (None, "", "interface"):
        raise unsupported("InterfaceType", "interfaces of instances are of type interface.")
    index = asked.get("DeviceIndex", 0 if alone else None)
    if index is None:
        raise invalid_value("Each network interface requires a device index.")
    if index < 0:
        raise invalid_value(f"Value ({index}) for parameter deviceIndex is invalid.")
    existing = asked.get("NetworkInterfaceId") or None
    if existing:
        for member in (*_OF_A_NEW_ONE, "AssociatePublicIpAddress"):
            if asked.get(member):
                raise bad_combination(
                    f"A network interface may not specify both a network interface ID and {member[0].lower()}{member[1:]}"
                )
    return Asked(
        device_index=index,
        existing=existing,
        subnet=asked.get("SubnetId"),
        addresses=private_addresses.read(asked),
        tracking=connection_tracking.read(asked.get("ConnectionTrackingSpecification")),
        groups=tuple(asked.get("Groups") or ()),
        public_ip=asked.get("AssociatePublicIpAddress"),
        ipv6=_ipv6(asked),
        # Who made the interface before keeps it, as on AWS.
        delete_on_termination=asked.get("DeleteOnTermination", existing is None),
        description=asked.get("Description") or "",
    )


def _ipv6(asked: Parameters) -> dict[str, Any]:
    return {member: asked[member] for member in ("Ipv6AddressCount", "Ipv6Addresses") if member in asked}


def check_several(interfaces: Iterable[Asked]) -> None:
    """Errors: InvalidParameterCombination for what only one instance can have."""
    for one in interfaces:
        if one.existing is not None:
            raise bad_combination("A network interface cannot be specified when launching several instances")
        if one.addresses.primary is not None or one.addresses.further:
            raise bad_combination("The parameter privateIpAddress cannot be used when launching several instances")
        if one.ipv6.get("Ipv6Addresses"):
            raise bad_combination("The parameter ipv6Addresses cannot be used when launching several instances")


def plan(ctx: Context, tx: Transaction, params: Parameters, interfaces: tuple[Asked, ...]) -> tuple[Planned, ...]:
    """Subnets, groups and existing interfaces; all in one zone and VPC."""
    planned = []
    for one in interfaces:
        found = free(ctx, tx, one.existing) if one.existing else None
        subnet = _subnet(ctx, tx, params, replace(one, subnet=found.subnet) if found else one)
        groups = found.groups if found else _groups(ctx, tx, params, one, vpc=subnet.vpc)
        planned.append(Planned(asked=one, subnet=subnet, groups=groups, interface=found))
    first = planned[0].subnet
    for each in planned:
        if each.subnet.zone != first.zone:
            raise bad_combination("Network interfaces of one instance must be in the same availability zone")
        if each.subnet.vpc != first.vpc:
            raise bad_combination("Network interfaces of one instance must be in the same VPC")
    return tuple(planned)


def free(ctx: Context, tx: Transaction, interface_id: str) -> NetworkInterface:
    """An interface that can be attached. Errors: AuthFailure, InvalidNetworkInterface.InUse."""
    interface = manageable(ctx, tx, interface_id)
    if interface.attachment is not None or interface.uplink is not None:
        raise AwsError("InvalidNetworkInterface.InUse", f"Interface: [{interface.id}] in use.")
    return interface


def make(
    ctx: Context, tx: Transaction, planned: tuple[Planned, ...], *, tags: Tags
) -> tuple[str, tuple[NetworkInterface, ...]]:
    """A new instance id, and the interfaces that are attached to it. Public addresses are put with them.

    Errors: as `make_network_interface`; then nothing is left of this instance.
    """
    instance = new_id("i")
    made: list[NetworkInterface] = []
    try:
        for each in planned:
            made.append(_interface(ctx, tx, each, instance=instance, alone=len(planned) == 1, tags=tags))
    except AwsError:
        for interface, each in zip(made, planned, strict=False):
            if each.interface is None:
                remove_network_interface(tx, interface)
            else:
                tx.put(each.interface)
        raise
    return instance, tuple(made)


def _interface(
    ctx: Context, tx: Transaction, planned: Planned, *, instance: str, alone: bool, tags: Tags
) -> NetworkInterface:
    asked = planned.asked
    attachment = Attachment(
        id=new_id("eni-attach"),
        instance=instance,
        device_index=asked.device_index,
        delete_on_termination=asked.delete_on_termination,
        attach_time=ctx.now,
    )
    if planned.interface is not None:
        attached = replace(planned.interface, attachment=attachment)
        tx.put(attached)
        return attached
    interface = make_network_interface(
        ctx,
        tx,
        subnet=planned.subnet,
        addresses=asked.addresses,
        tracking=asked.tracking,
        ipv6_addresses=ipv6.choose(tx, planned.subnet, asked=asked.ipv6),
        groups=planned.groups,
        description=asked.description,
        attachment=attachment,
        tags=tags,
    )
    # With several interfaces AWS gives no public address by itself.
    by_itself = planned.subnet.map_public_ip_on_launch and alone
    if by_itself if asked.public_ip is None else asked.public_ip:
        make_address(ctx, tx, network_interface=interface.id, automatic=True)
    return interface


def _subnet(ctx: Context, tx: Transaction, params: Parameters, asked: Asked) -> Subnet:
    """The one that was named, or the default subnet of the zone that was asked for."""
    placement = params.get("Placement") or {}
    refuse(
        placement,
        ("Affinity", "GroupName", "PartitionNumber", "HostId", "SpreadDomain", "HostResourceGroupArn", "GroupId"),
        because="instances cannot be placed on hosts.",
    )
    if placement.get("Tenancy") not in (None, "default"):
        raise unsupported("Tenancy", "every instance has the tenancy default.")
    zone, zone_id = placement.get("AvailabilityZone"), placement.get("AvailabilityZoneId")

    def fits(subnet: Subnet) -> bool:
        return zone in (None, "", subnet.zone) and zone_id in (None, "", subnet.zone_id)

    if asked.subnet:
        subnet = resources.require(ctx, tx, Subnet, asked.subnet)
        if not fits(subnet):
            raise invalid_value(
                f"The availability zone of the subnet '{subnet.id}' is '{subnet.zone}', not the one asked."
            )
        return subnet
    defaults = [subnet for subnet in resources.owned(ctx, tx, Subnet) if subnet.default_for_az]
    if not defaults:
        raise AwsError("MissingInput", "No subnets found for the default VPC. Please specify a subnet.")
    fitting = [subnet for subnet in defaults if fits(subnet)]
    if not fitting:
        raise invalid_value(f"Invalid availability zone: [{zone or zone_id}]")
    return fitting[0]


def _groups(ctx: Context, tx: Transaction, params: Parameters, asked: Asked, *, vpc: str) -> tuple[str, ...]:
    """Ids, names (in the default VPC), or else the VPC's default group."""
    ids = list(asked.groups)
    if names := params.get("SecurityGroups"):
        found = tx.get(Vpc, vpc)
        if found is None or not found.is_default:
            raise bad_combination("The parameter groupName cannot be used with the parameter subnet")
        by_name = {group.name: group.id for group in resources.owned(ctx, tx, SecurityGroup) if group.vpc == vpc}
        for name in names:
            if name not in by_name:
                raise AwsError("InvalidGroup.NotFound", f"The security group '{name}' does not exist in VPC '{vpc}'")
            ids.append(by_name[name])
    return tuple(require_groups(ctx, tx, list(dict.fromkeys(ids)), vpc=vpc))
