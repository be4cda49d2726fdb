"""RunInstances: what may be asked for, where it goes, and the instances with their interfaces."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from opengwlb.api.common import ipv6, resources, tags
from opengwlb.api.common.errors import bad_combination, dry_run, invalid_value, missing, refuse, unsupported
from opengwlb.api.common.idempotency import idempotent
from opengwlb.api.common.interfaces import make_address, make_network_interface
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.compute import Instance
from opengwlb.model.ids import new_id
from opengwlb.model.vpc import Attachment, NetworkInterface, SecurityGroup, Subnet, Tags, Vpc
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

from . import instance_view
from .images import require_launchable
from .instance_types import DEFAULT_TYPE, check_type
from .network_interfaces import require_groups

_TAGGED = ("instance", "network-interface")
USER_DATA_BYTES = 16384
_MOST_AT_ONCE = 100
_NO_SUCH_HARDWARE = (
    "BlockDeviceMappings",
    "KernelId",
    "RamdiskId",
    "ElasticGpuSpecification",
    "ElasticInferenceAccelerators",
    "CpuOptions",
    "CreditSpecification",
    "EbsOptimized",
    "EnclaveOptions",
    "HibernationOptions",
    "NetworkPerformanceOptions",
    "LicenseSpecifications",
)
_NO_SUCH_SERVICE = (
    "AdditionalInfo",
    "CapacityReservationSpecification",
    "DisableApiStop",
    "DisableApiTermination",
    "IamInstanceProfile",
    "InstanceMarketOptions",
    "LaunchTemplate",
    "MaintenanceOptions",
    "MetadataOptions",
    "Operator",
    "PrivateDnsNameOptions",
)
_ONE_IPV4_ADDRESS = ("EnablePrimaryIpv6", "SecondaryInterfaces")
_ONE_IPV4_PER_INTERFACE = (
    "NetworkInterfaceId",
    "PrivateIpAddresses",
    "SecondaryPrivateIpAddressCount",
    "AssociateCarrierIpAddress",
    "NetworkCardIndex",
    "Ipv4Prefixes",
    "Ipv4PrefixCount",
    "Ipv6Prefixes",
    "Ipv6PrefixCount",
    "PrimaryIpv6",
    "EnaSrdSpecification",
    "ConnectionTrackingSpecification",
    "EnaQueueCount",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Network:
    """What the call says about the instance's one interface, by either of the two ways to say it."""

    subnet: str | None
    private_ip: str | None
    groups: list[str]
    public_ip: bool | None
    """None: as the subnet does."""
    ipv6: dict[str, Any]
    """`Ipv6AddressCount` and `Ipv6Addresses`, where the call has them."""
    delete_on_termination: bool = True
    description: str = ""


@action("ec2", "RunInstances")
def run_instances(ctx: Context, params: Parameters) -> Answer:
    """Between MinCount and MaxCount instances: as many as the subnet has addresses for."""
    refuse(params, _NO_SUCH_HARDWARE, because="instances are boxes of this machine, without hardware of their own.")
    refuse(params, _NO_SUCH_SERVICE, because="the service behind it is not available here.")
    refuse(params, _ONE_IPV4_ADDRESS, because="an instance has one interface with one private IPv4 address.")
    if (params.get("Monitoring") or {}).get("Enabled"):
        raise unsupported("Monitoring", "detailed monitoring is not available here.")
    if params.get("InstanceInitiatedShutdownBehavior") not in (None, "stop"):
        raise unsupported("InstanceInitiatedShutdownBehavior", "an instance that shuts itself down is stopped.")
    network = _network(params)
    image_id = params.get("ImageId") or _no_image()
    instance_type = check_type(params.get("InstanceType") or DEFAULT_TYPE)
    user_data = check_user_data(params.get("UserData") or "")
    least, most = _counts(params, network)
    given = {kind: tags.from_specifications(params, kind, also=_TAGGED) for kind in _TAGGED}

    def make(tx: Transaction) -> tuple[Instance, ...]:
        image = require_launchable(ctx, tx, image_id)
        subnet = _subnet(ctx, tx, params, network)
        groups = _groups(ctx, tx, params, network, vpc=subnet.vpc)
        dry_run(params)
        reservation = new_id("r")
        made: list[Instance] = []
        for index in range(most):
            try:
                interface, instance_id = _interface(ctx, tx, network, subnet, groups, given=given["network-interface"])
            except AwsError as error:
                if error.code != "InsufficientFreeAddressesInSubnet" or index < least:
                    raise
                break
            instance = Instance(
                id=instance_id,
                account=ctx.account,
                region=ctx.region,
                vpc=subnet.vpc,
                subnet=subnet.id,
                zone=subnet.zone,
                image=image.id,
                instance_type=instance_type,
                private_ip=interface.private_ip,
                network_interfaces=(interface.id,),
                reservation=reservation,
                launch_index=index,
                launch_time=ctx.now,
                user_data=user_data,
                key_name=params.get("KeyName"),
                state_changed=ctx.now,
                tags=given["instance"],
            )
            tx.put(instance)
            made.append(instance)
        return tuple(made)

    def work(tx: Transaction) -> Answer:
        instances = idempotent(ctx, tx, "RunInstances", params, kind=Instance, make=lambda: make(tx))
        token = params.get("ClientToken") or ""
        return {
            "ReservationId": instances[0].reservation,
            "OwnerId": ctx.account,
            "Groups": [],
            "Instances": [instance_view.answer(tx, instance, client_token=token) for instance in instances],
        }

    return ctx.store.transact(work)


def check_user_data(text: str) -> str:
    """Canonical base64. Errors: InvalidUserData.Malformed, InvalidParameterValue (more than 16 KB)."""
    try:
        decoded = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise AwsError("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.") from error
    if len(decoded) > USER_DATA_BYTES:
        raise invalid_value(f"User data is limited to {USER_DATA_BYTES} bytes")
    return base64.b64encode(decoded).decode()


def _no_image() -> str:
    raise missing("ImageId")


def _counts(params: Parameters, network: _Network) -> tuple[int, int]:
    least, most = params["MinCount"], params["MaxCount"]
    if least < 1:
        raise invalid_value(f"Value ({least}) for parameter minCount is invalid. Value must be at least 1.")
    if most < least:
        raise invalid_value(f"Value ({most}) for parameter maxCount is invalid. It must not be less than minCount.")
    if most > _MOST_AT_ONCE:
        raise AwsError("InstanceLimitExceeded", f"You have requested more instances ({most}) than {_MOST_AT_ONCE}.")
    if most > 1 and network.private_ip is not None:
        raise bad_combination("The parameter privateIpAddress cannot be used when launching several instances")
    if most > 1 and network.ipv6.get("Ipv6Addresses"):
        raise bad_combination("The parameter ipv6Addresses cannot be used when launching several instances")
    return least, most


def _network(params: Parameters) -> _Network:
    interfaces = params.get("NetworkInterfaces") or []
    if not interfaces:
        return _Network(
            subnet=params.get("SubnetId"),
            private_ip=params.get("PrivateIpAddress"),
            groups=params.get("SecurityGroupIds") or [],
            public_ip=None,
            ipv6=_ipv6(params),
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
    if len(interfaces) > 1:
        raise unsupported("NetworkInterfaces", "an instance has one interface.")
    asked: dict[str, Any] = interfaces[0]
    refuse(asked, _ONE_IPV4_PER_INTERFACE, because="an interface has one private IPv4 address and no other options.")
    if asked.get("DeviceIndex") not in (None, 0):
        raise invalid_value("The first network interface must have the device index 0")
    if asked.get("InterfaceType") not in (None, "", "interface"):
        raise unsupported("InterfaceType", "interfaces of instances are of type interface.")
    return _Network(
        subnet=asked.get("SubnetId"),
        private_ip=asked.get("PrivateIpAddress"),
        groups=asked.get("Groups") or [],
        public_ip=asked.get("AssociatePublicIpAddress"),
        ipv6=_ipv6(asked),
        delete_on_termination=asked.get("DeleteOnTermination", True),
        description=asked.get("Description") or "",
    )


def _ipv6(asked: Parameters) -> dict[str, Any]:
    return {member: asked[member] for member in ("Ipv6AddressCount", "Ipv6Addresses") if member in asked}


def _subnet(ctx: Context, tx: Transaction, params: Parameters, network: _Network) -> Subnet:
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

    if network.subnet:
        subnet = resources.require(ctx, tx, Subnet, network.subnet)
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


def _groups(ctx: Context, tx: Transaction, params: Parameters, network: _Network, *, vpc: str) -> tuple[str, ...]:
    """Ids, names (in the default VPC), or else the VPC's default group."""
    ids = list(network.groups)
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


def _interface(
    ctx: Context, tx: Transaction, network: _Network, subnet: Subnet, groups: tuple[str, ...], *, given: Tags
) -> tuple[NetworkInterface, str]:
    """(interface, id of the instance it is attached to). The public address is put with it."""
    instance_id = new_id("i")
    interface = make_network_interface(
        ctx,
        tx,
        subnet=subnet,
        private_ip=network.private_ip,
        ipv6_addresses=ipv6.choose(tx, subnet, asked=network.ipv6),
        groups=groups,
        description=network.description,
        attachment=Attachment(
            id=new_id("eni-attach"),
            instance=instance_id,
            device_index=0,
            delete_on_termination=network.delete_on_termination,
            attach_time=ctx.now,
        ),
        tags=given,
    )
    wanted = subnet.map_public_ip_on_launch if network.public_ip is None else network.public_ip
    if wanted:
        make_address(ctx, tx, network_interface=interface.id, automatic=True)
    return interface, instance_id
