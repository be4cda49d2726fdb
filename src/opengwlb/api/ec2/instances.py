"""Instances: described, started, stopped, rebooted, terminated. Calls say what is wanted; control makes it so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from opengwlb.api.common import filters
from opengwlb.api.common.describe import describe
from opengwlb.api.common.errors import bad_combination, dry_run, unsupported
from opengwlb.api.common.filters import Spec, flag, present
from opengwlb.api.common.pages import slice_ec2
from opengwlb.api.common.resources import named
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.compute import INSTANCE_STATE_CODE, Instance, InstanceState
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

from . import instance_view

_SHUT_DOWN = {
    "state_reason": "Client.UserInitiatedShutdown: User initiated shutdown",
    "state_reason_code": "Client.UserInitiatedShutdown",
}


@action("ec2", "DescribeInstances")
def describe_instances(ctx: Context, params: Parameters) -> Answer:
    """By reservation: instances that one RunInstances made."""
    snapshot = ctx.store.snapshot()
    shown, more = describe(ctx, snapshot, params, kind=Instance, ids="InstanceIds", spec=instance_view.spec(snapshot))
    tokens = instance_view.client_tokens(snapshot)
    reservations: dict[str, Answer] = {}
    for instance in shown:
        reservation = reservations.setdefault(
            instance.reservation,
            {"ReservationId": instance.reservation, "OwnerId": instance.account, "Groups": [], "Instances": []},
        )
        reservation["Instances"].append(
            instance_view.answer(snapshot, instance, client_token=tokens.get(instance.id, ""))
        )
    return {"Reservations": list(reservations.values()), **more}


_STATUS_FILTERS: Spec[Instance] = {
    **dict.fromkeys(
        (
            "application-status.status",
            "attached-ebs-status.status",
            "event.code",
            "event.description",
            "event.instance-event-id",
            "event.not-after",
            "event.not-before",
            "event.not-before-deadline",
            "operator.principal",
        ),
        filters.absent,
    ),
    "availability-zone": lambda instance: (instance.zone,),
    "availability-zone-id": lambda instance: present(instance_view.zone_id(instance)),
    "operator.managed": lambda _: flag(False),
    "instance-state-code": lambda instance: (str(INSTANCE_STATE_CODE[instance.state]),),
    "instance-state-name": lambda instance: (str(instance.state),),
    "instance-status.reachability": lambda instance: (_health(instance)[1],),
    "instance-status.status": lambda instance: (_health(instance)[0],),
    "system-status.reachability": lambda instance: (_health(instance)[1],),
    "system-status.status": lambda instance: (_health(instance)[0],),
}


@action("ec2", "DescribeInstanceStatus")
def describe_instance_status(ctx: Context, params: Parameters) -> Answer:
    """Only running instances, unless all are asked for."""
    dry_run(params)
    instances = named(ctx, ctx.store.snapshot(), Instance, params.get("InstanceIds"))
    if not params.get("IncludeAllInstances"):
        instances = [instance for instance in instances if instance.state is InstanceState.RUNNING]
    instances = filters.apply(instances, params.get("Filters"), _STATUS_FILTERS)
    shown, more = slice_ec2(instances, params, ids="InstanceIds")
    return {"InstanceStatuses": [_status(instance) for instance in shown], **more}


def _health(instance: Instance) -> tuple[str, str]:
    """(status, reachability): control knows that a running instance's box and first process are there."""
    match instance.state:
        case InstanceState.RUNNING:
            return "ok", "passed"
        case InstanceState.PENDING:
            return "initializing", "initializing"
        case _:
            return "not-applicable", ""


def _status(instance: Instance) -> Answer:
    status, reachability = _health(instance)
    summary: dict[str, Any] = {"Status": status}
    if reachability:
        summary["Details"] = [{"Name": "reachability", "Status": reachability}]
    return {
        "InstanceId": instance.id,
        "AvailabilityZone": instance.zone,
        "InstanceState": instance_view.state(instance.state),
        "InstanceStatus": summary,
        "SystemStatus": summary,
    }


@action("ec2", "StartInstances")
def start_instances(ctx: Context, params: Parameters) -> Answer:
    def start(instance: Instance) -> Instance:
        if instance.state in (InstanceState.PENDING, InstanceState.RUNNING):
            return instance
        if instance.state is not InstanceState.STOPPED:
            raise _wrong_state(instance, "started")
        return replace(
            instance,
            desired=InstanceState.RUNNING,
            boot=instance.boot + 1,
            launch_time=ctx.now,
            **_became(ctx, InstanceState.PENDING, reason={"state_reason": "", "state_reason_code": ""}),
        )

    return {"StartingInstances": _change(ctx, params, start)}


@action("ec2", "StopInstances")
def stop_instances(ctx: Context, params: Parameters) -> Answer:
    """The box goes, the interfaces and their addresses stay."""
    if params.get("Hibernate"):
        raise unsupported("Hibernate", "an instance's memory cannot be kept.")

    def stop(instance: Instance) -> Instance:
        if instance.state in (InstanceState.STOPPED, InstanceState.STOPPING):
            return instance
        if instance.state is not InstanceState.RUNNING:
            raise _wrong_state(instance, "stopped")
        if instance.protected_from_stopping:
            raise _protected(instance, "stopped", "disableApiStop")
        return replace(
            instance,
            desired=InstanceState.STOPPED,
            **_became(ctx, InstanceState.STOPPING, reason=_SHUT_DOWN),
        )

    return {"StoppingInstances": _change(ctx, params, stop)}


@action("ec2", "RebootInstances")
def reboot_instances(ctx: Context, params: Parameters) -> Answer:
    def reboot(instance: Instance) -> Instance:
        if instance.state not in (InstanceState.PENDING, InstanceState.RUNNING):
            raise _wrong_state(instance, "rebooted")
        return replace(instance, boot=instance.boot + 1)

    _change(ctx, params, reboot)
    return {}


@action("ec2", "TerminateInstances")
def terminate_instances(ctx: Context, params: Parameters) -> Answer:
    """Described for an hour more; its interfaces and automatic addresses are released once the box is gone."""

    def terminate(instance: Instance) -> Instance:
        if instance.state in (InstanceState.SHUTTING_DOWN, InstanceState.TERMINATED):
            return instance
        if instance.protected_from_termination:
            raise _protected(instance, "terminated", "disableApiTermination")
        return replace(
            instance,
            desired=InstanceState.TERMINATED,
            **_became(ctx, InstanceState.SHUTTING_DOWN, reason=_SHUT_DOWN),
        )

    return {"TerminatingInstances": _change(ctx, params, terminate)}


def _change(ctx: Context, params: Parameters, change: Callable[[Instance], Instance]) -> list[Answer]:
    """`change` for every instance named, all or none; the state before and after of each. Errors: InvalidParameterCombination for none."""
    if not params["InstanceIds"]:
        raise bad_combination("No instances specified")

    def work(tx: Transaction) -> list[Answer]:
        changes = []
        for before in named(ctx, tx, Instance, params["InstanceIds"]):
            after = change(before)
            tx.put(after)
            changes.append(
                {
                    "InstanceId": before.id,
                    "PreviousState": instance_view.state(before.state),
                    "CurrentState": instance_view.state(after.state),
                }
            )
        dry_run(params)
        return changes

    return ctx.store.transact(work)


def _became(ctx: Context, state: InstanceState, *, reason: Mapping[str, str]) -> dict[str, Any]:
    return {"state": state, "state_changed": ctx.now, **reason}


def _protected(instance: Instance, participle: str, attribute: str) -> AwsError:
    return AwsError(
        "OperationNotPermitted",
        f"The instance '{instance.id}' may not be {participle}. Modify its '{attribute}' instance attribute and try again.",
    )


def _wrong_state(instance: Instance, participle: str) -> AwsError:
    return AwsError(
        "IncorrectInstanceState", f"The instance '{instance.id}' is not in a state from which it can be {participle}."
    )
