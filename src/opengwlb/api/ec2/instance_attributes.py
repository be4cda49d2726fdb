"""Single attributes of an instance, and what its console printed."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

from opengwlb.api.common.describe import timestamp
from opengwlb.api.common.errors import bad_combination, dry_run, invalid_value, missing, refuse, unsupported
from opengwlb.api.common.interfaces import only_interface
from opengwlb.api.common.resources import require
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.compute import Instance, InstanceState
from opengwlb.model.snapshot import View
from opengwlb.policy import images
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

from . import instance_view, network_interface_view
from .images import product_codes
from .instance_types import check_count, check_type
from .network_interfaces import require_groups
from .run_instances import check_shutdown, check_user_data

_CONSOLE_BYTES = 65536
_FIXED = (
    "BlockDeviceMappings",
    "EbsOptimized",
    "EnaSupport",
    "EnclaveOptions",
    "Kernel",
    "Ramdisk",
    "SriovNetSupport",
)


@action("ec2", "ModifyInstanceAttribute")
def modify_instance_attribute(ctx: Context, params: Parameters) -> Answer:
    """One attribute a call: UserData and InstanceType only of a stopped instance."""
    refuse(params, [name for name in _FIXED if params.get(name) is not None], because="it cannot be changed here.")
    changes = _asked(params)
    if not changes:
        raise missing("attribute")
    if len(changes) > 1:
        raise bad_combination("Fields for multiple attribute types specified")
    ((name, value),) = changes.items()

    def work(tx: Transaction) -> None:
        instance = require(ctx, tx, Instance, params["InstanceId"])
        if instance.state in (InstanceState.SHUTTING_DOWN, InstanceState.TERMINATED):
            raise AwsError(
                "IncorrectInstanceState",
                f"The instance '{instance.id}' is in the state '{instance.state}' and cannot be modified.",
            )
        match name:
            case "sourceDestCheck":
                only_interface(instance)
                for interface in instance_view.interfaces_of(tx, instance):
                    tx.put(replace(interface, source_dest_check=value))
                tx.put(replace(instance, source_dest_check=value))
            case "groupSet":
                groups = tuple(require_groups(ctx, tx, value, vpc=instance.vpc))
                only_interface(instance)
                for interface in instance_view.interfaces_of(tx, instance):
                    tx.put(replace(interface, groups=groups))
            case "userData":
                _require_stopped(instance)
                tx.put(replace(instance, user_data=value))
            case "instanceType":
                _require_stopped(instance)
                check_count(value, len(instance.network_interfaces))
                tx.put(replace(instance, instance_type=value))
            case "disableApiTermination":
                tx.put(replace(instance, protected_from_termination=value))
            case "disableApiStop":
                tx.put(replace(instance, protected_from_stopping=value))
            case "instanceInitiatedShutdownBehavior":
                tx.put(replace(instance, ends_by=value))
        dry_run(params)

    ctx.store.transact(work)
    return {}


def _require_stopped(instance: Instance) -> None:
    if instance.state is not InstanceState.STOPPED:
        raise AwsError("IncorrectInstanceState", f"The instance '{instance.id}' is not in the 'stopped' state.")


def _asked(params: Parameters) -> dict[str, Any]:
    """Attribute name -> value, from either of the two ways to say it."""
    changes: dict[str, Any] = {}
    if (check := (params.get("SourceDestCheck") or {}).get("Value")) is not None:
        changes["sourceDestCheck"] = check
    if params.get("Groups"):
        changes["groupSet"] = params["Groups"]
    if (raw := params.get("UserData")) is not None:
        # A blob here, while RunInstances takes base64 text: the wire has decoded it already.
        changes["userData"] = check_user_data(base64.b64encode(raw.get("Value") or b"").decode())
    if (kind := (params.get("InstanceType") or {}).get("Value")) is not None:
        changes["instanceType"] = check_type(kind).id
    for member, name in (("DisableApiTermination", "disableApiTermination"), ("DisableApiStop", "disableApiStop")):
        if (switch := (params.get(member) or {}).get("Value")) is not None:
            changes[name] = switch
    if (word := (params.get("InstanceInitiatedShutdownBehavior") or {}).get("Value")) is not None:
        changes["instanceInitiatedShutdownBehavior"] = check_shutdown(word)
    attribute, value = params.get("Attribute"), params.get("Value")
    if attribute is None:
        return changes
    if value is None:
        raise missing("value")
    match attribute:
        case "sourceDestCheck" | "disableApiTermination" | "disableApiStop":
            if value not in ("true", "false"):
                raise invalid_value(f"Value ({value}) for parameter value is invalid. Use true or false.")
            changes[attribute] = value == "true"
        case "userData":
            changes[attribute] = check_user_data(value)
        case "instanceType":
            changes[attribute] = check_type(value).id
        case "instanceInitiatedShutdownBehavior":
            changes[attribute] = check_shutdown(value)
        case _:
            raise unsupported(attribute, "it cannot be changed here.")
    return changes


@action("ec2", "DescribeInstanceAttribute")
def describe_instance_attribute(ctx: Context, params: Parameters) -> Answer:
    snapshot = ctx.store.snapshot()
    instance = require(ctx, snapshot, Instance, params["InstanceId"])
    dry_run(params)
    known = _attributes(snapshot, instance)
    attribute = params["Attribute"]
    if attribute not in known:
        raise invalid_value(f"Value ({attribute}) for parameter attribute is invalid. Unknown attribute.")
    member, value = known[attribute]
    return {"InstanceId": instance.id, member: value}


def _attributes(view: View, instance: Instance) -> dict[str, tuple[str, Any]]:
    """Attribute name -> (member of the answer, value)."""
    interfaces = instance_view.interfaces_of(view, instance)
    return {
        "blockDeviceMapping": ("BlockDeviceMappings", []),
        "disableApiStop": ("DisableApiStop", {"Value": instance.protected_from_stopping}),
        "disableApiTermination": ("DisableApiTermination", {"Value": instance.protected_from_termination}),
        "ebsOptimized": ("EbsOptimized", {"Value": False}),
        "enaSupport": ("EnaSupport", {"Value": True}),
        "enclaveOptions": ("EnclaveOptions", {"Enabled": False}),
        "groupSet": ("Groups", network_interface_view.group_names(view, interfaces[0].groups) if interfaces else []),
        "instanceInitiatedShutdownBehavior": ("InstanceInitiatedShutdownBehavior", {"Value": instance.ends_by}),
        "instanceType": ("InstanceType", {"Value": instance.instance_type}),
        "kernel": ("KernelId", {}),
        "productCodes": ("ProductCodes", product_codes(images.find(view, instance.image))),
        "ramdisk": ("RamdiskId", {}),
        "rootDeviceName": ("RootDeviceName", {"Value": "/dev/xvda"}),
        "sourceDestCheck": ("SourceDestCheck", {"Value": instance_view.source_dest_check(view, instance)}),
        "sriovNetSupport": ("SriovNetSupport", {}),
        "userData": ("UserData", {"Value": instance.user_data} if instance.user_data else {}),
    }


@action("ec2", "ResetInstanceAttribute")
def reset_instance_attribute(ctx: Context, params: Parameters) -> Answer:
    if params["Attribute"] != "sourceDestCheck":
        raise unsupported(params["Attribute"], "only sourceDestCheck has something to go back to.")

    def work(tx: Transaction) -> None:
        instance = require(ctx, tx, Instance, params["InstanceId"])
        only_interface(instance)
        dry_run(params)
        for interface in instance_view.interfaces_of(tx, instance):
            tx.put(replace(interface, source_dest_check=True))
        tx.put(replace(instance, source_dest_check=True))

    ctx.store.transact(work)
    return {}


@action("ec2", "GetConsoleOutput")
def get_console_output(ctx: Context, params: Parameters) -> Answer:
    """The last 64 KB, in base64 as AWS sends it."""
    instance = require(ctx, ctx.store.snapshot(), Instance, params["InstanceId"])
    dry_run(params)
    printed = ctx.console(instance.id)[-_CONSOLE_BYTES:]
    return {
        "InstanceId": instance.id,
        "Timestamp": timestamp(ctx.now),
        "Output": base64.b64encode(printed).decode(),
    }
