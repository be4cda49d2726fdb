"""RunInstances: what may be asked for, where it goes, and the instances with their interfaces."""

from __future__ import annotations

import base64
import binascii
from typing import Literal

from opengwlb.api.authorisation import parameter_arn
from opengwlb.api.common import tags
from opengwlb.api.common.errors import dry_run, invalid_parameter, invalid_value, missing, refuse
from opengwlb.api.common.idempotency import idempotent
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.api.ssm.public import find
from opengwlb.model.compute import Instance, MetadataOptions
from opengwlb.model.ids import new_id
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

from . import instance_profiles, instance_view, key_pairs, launch_network, metadata_options
from .images import keep_assumed, require_launchable
from .instance_types import DEFAULT_TYPE, check_count, check_type

_TAGGED = ("instance", "network-interface")
_ALSO_TAGGED = (*_TAGGED, "volume")
"""An instance has no volumes here, as one from an instance store image at AWS: tags of its volumes are tags of none."""
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
    "InstanceMarketOptions",
    "LaunchTemplate",
    "MaintenanceOptions",
    "Operator",
    "PrivateDnsNameOptions",
)
_NO_SUCH_INTERFACES = ("EnablePrimaryIpv6", "SecondaryInterfaces")


@action("ec2", "RunInstances")
def run_instances(ctx: Context, params: Parameters) -> Answer:
    """Between MinCount and MaxCount instances: as many as the subnet has addresses for."""
    refuse(params, _NO_SUCH_HARDWARE, because="instances are boxes of this machine, without hardware of their own.")
    refuse(params, _NO_SUCH_SERVICE, because="the service behind it is not available here.")
    refuse(params, _NO_SUCH_INTERFACES, because="interfaces have no primary IPv6 address, and no second network.")
    ends_by = check_shutdown(params.get("InstanceInitiatedShutdownBehavior") or "stop")
    interfaces = launch_network.read(params)
    image_id = resolved_image(ctx, params.get("ImageId") or _no_image())
    metadata = metadata_options.read(MetadataOptions(), params.get("MetadataOptions") or {})
    instance_type = check_type(params.get("InstanceType") or DEFAULT_TYPE)
    user_data = check_user_data(params.get("UserData") or "")
    least, most = _counts(params)
    if most > 1:
        launch_network.check_several(interfaces)
    check_count(instance_type.id, len(interfaces))
    given = {kind: tags.from_specifications(params, kind, also=_ALSO_TAGGED) for kind in _TAGGED}

    def make(tx: Transaction) -> tuple[Instance, ...]:
        image = require_launchable(ctx, tx, image_id)
        planned = launch_network.plan(ctx, tx, params, interfaces)
        if params.get("KeyName"):
            key_pairs.require_named(ctx, tx, params["KeyName"])
        profile = instance_profiles.asked(ctx, tx, params.get("IamInstanceProfile"))
        dry_run(params)
        keep_assumed(tx, image)
        reservation = new_id("r")
        made: list[Instance] = []
        for index in range(most):
            try:
                instance_id, attached = launch_network.make(ctx, tx, planned, tags=given["network-interface"])
            except AwsError as error:
                if error.code != "InsufficientFreeAddressesInSubnet" or index < least:
                    raise
                break
            primary = attached[0]
            instance = Instance(
                id=instance_id,
                account=ctx.account,
                region=ctx.region,
                vpc=primary.vpc,
                subnet=primary.subnet,
                zone=primary.zone,
                image=image.id,
                instance_type=instance_type.id,
                private_ip=primary.private_ip,
                network_interfaces=tuple(interface.id for interface in attached),
                reservation=reservation,
                launch_index=index,
                launch_time=ctx.now,
                user_data=user_data,
                source_dest_check=primary.source_dest_check,
                key_name=params.get("KeyName"),
                state_changed=ctx.now,
                metadata=metadata,
                protected_from_termination=bool(params.get("DisableApiTermination")),
                protected_from_stopping=bool(params.get("DisableApiStop")),
                ends_by=ends_by,
                monitored=bool((params.get("Monitoring") or {}).get("Enabled")),
                tags=given["instance"],
            )
            tx.put(instance)
            if profile is not None:
                tx.put(instance_profiles.associated(ctx, instance, profile))
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


def check_shutdown(word: str) -> Literal["stop", "terminate"]:
    """Errors: InvalidParameterValue."""
    match word:
        case "stop" | "terminate":
            return word
        case _:
            raise invalid_parameter(
                word, parameter="instanceInitiatedShutdownBehavior", reason="Use stop or terminate."
            )


def resolved_image(ctx: Context, image_id: str) -> str:
    """`resolve:ssm:NAME` and `resolve:ssm:NAME:VERSION` as the parameter says. Errors: InvalidAMIID.Malformed, InvalidParameterValue."""
    if not image_id.startswith("resolve:ssm:"):
        return image_id
    name = image_id.removeprefix("resolve:ssm:")
    ctx.authorise("ssm:GetParameters", parameter_arn(name.split(":")[0], account=ctx.account, region=ctx.region))
    try:
        return find(ctx, ctx.store.snapshot(), name).value
    except AwsError as error:
        raise invalid_value(f"The parameter '{name}' cannot be resolved: {error.message}") from error


def _no_image() -> str:
    raise missing("ImageId")


def _counts(params: Parameters) -> tuple[int, int]:
    least, most = params["MinCount"], params["MaxCount"]
    if least < 1:
        raise invalid_value(f"Value ({least}) for parameter minCount is invalid. Value must be at least 1.")
    if most < least:
        raise invalid_value(f"Value ({most}) for parameter maxCount is invalid. It must not be less than minCount.")
    if most > _MOST_AT_ONCE:
        raise AwsError("InstanceLimitExceeded", f"You have requested more instances ({most}) than {_MOST_AT_ONCE}.")
    return least, most
