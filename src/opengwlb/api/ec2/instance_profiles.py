"""Which instance profile an instance has: with RunInstances, or associated later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opengwlb.api.common import filters
from opengwlb.api.common.describe import timestamp
from opengwlb.api.common.errors import bad_combination, invalid_parameter
from opengwlb.api.common.filters import Spec
from opengwlb.api.common.pages import slice_ec2
from opengwlb.api.common.resources import owned, require
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.compute import Instance, InstanceState
from opengwlb.model.iam import InstanceProfile, ProfileAssociation
from opengwlb.model.ids import new_id
from opengwlb.model.snapshot import View
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

_FILTERS: Spec[ProfileAssociation] = {
    "instance-id": lambda association: (association.instance,),
    "state": lambda association: ("associated",),
}


def asked(ctx: Context, view: View, given: Mapping[str, Any] | None) -> InstanceProfile | None:
    """The caller's profile by `Name` or `Arn`, and the right to hand its role on. Errors: InvalidParameterValue."""
    if not given or not (given.get("Name") or given.get("Arn")):
        return None
    name, arn = given.get("Name"), given.get("Arn")
    if name and arn:
        raise bad_combination(
            "The parameter 'iamInstanceProfile.name' may not be used in combination with 'iamInstanceProfile.arn'"
        )
    for profile in view.values(InstanceProfile):
        if profile.account == ctx.account and (profile.name == name or profile.id == arn):
            if profile.role is not None:
                ctx.authorise("iam:PassRole", profile.role)
            return profile
    kind = "name" if name else "arn"
    reason = f"Invalid IAM Instance Profile {'name' if name else 'ARN'}"
    raise invalid_parameter(name or arn, parameter=f"iamInstanceProfile.{kind}", reason=reason)


def associated(ctx: Context, instance: Instance, profile: InstanceProfile) -> ProfileAssociation:
    return ProfileAssociation(
        id=new_id("iip-assoc"),
        account=ctx.account,
        region=ctx.region,
        instance=instance.id,
        profile=profile.id,
        profile_id=profile.profile_id,
        created=ctx.now,
    )


def association_of(view: View, instance: str) -> ProfileAssociation | None:
    return next((each for each in view.values(ProfileAssociation) if each.instance == instance), None)


@action("ec2", "AssociateIamInstanceProfile")
def associate_iam_instance_profile(ctx: Context, params: Parameters) -> Answer:
    def work(tx: Transaction) -> ProfileAssociation:
        instance = require(ctx, tx, Instance, params["InstanceId"])
        if instance.state not in (
            InstanceState.PENDING,
            InstanceState.RUNNING,
            InstanceState.STOPPED,
            InstanceState.STOPPING,
        ):
            raise AwsError(
                "IncorrectInstanceState", f"The instance '{instance.id}' is in the state '{instance.state}'."
            )
        if association_of(tx, instance.id) is not None:
            raise AwsError("IncorrectState", f"There is an existing association for instance {instance.id}")
        made = associated(ctx, instance, _required(ctx, tx, params))
        tx.put(made)
        return made

    return {"IamInstanceProfileAssociation": _show(ctx.store.transact(work), state="associating")}


@action("ec2", "DisassociateIamInstanceProfile")
def disassociate_iam_instance_profile(ctx: Context, params: Parameters) -> Answer:
    """The metadata service gives no credentials from now on; those given hold until their time ends, as on AWS."""

    def work(tx: Transaction) -> ProfileAssociation:
        association = _association(ctx, tx, params["AssociationId"])
        tx.delete(ProfileAssociation, association.id)
        return association

    return {"IamInstanceProfileAssociation": _show(ctx.store.transact(work), state="disassociating")}


@action("ec2", "ReplaceIamInstanceProfileAssociation")
def replace_iam_instance_profile_association(ctx: Context, params: Parameters) -> Answer:
    def work(tx: Transaction) -> ProfileAssociation:
        association = _association(ctx, tx, params["AssociationId"])
        instance = require(ctx, tx, Instance, association.instance)
        made = associated(ctx, instance, _required(ctx, tx, params))
        tx.delete(ProfileAssociation, association.id)
        tx.put(made)
        return made

    return {"IamInstanceProfileAssociation": _show(ctx.store.transact(work), state="associating")}


@action("ec2", "DescribeIamInstanceProfileAssociations")
def describe_iam_instance_profile_associations(ctx: Context, params: Parameters) -> Answer:
    snapshot = ctx.store.snapshot()
    ids = params.get("AssociationIds")
    found = [_association(ctx, snapshot, each) for each in ids] if ids else owned(ctx, snapshot, ProfileAssociation)
    shown, more = slice_ec2(filters.apply(found, params.get("Filters"), _FILTERS), params, ids="AssociationIds")
    return {"IamInstanceProfileAssociations": [_show(each, state="associated") for each in shown], **more}


def _required(ctx: Context, view: View, params: Parameters) -> InstanceProfile:
    profile = asked(ctx, view, params["IamInstanceProfile"])
    if profile is None:
        raise AwsError("MissingParameter", "The request must contain the parameter iamInstanceProfile.name")
    return profile


def _association(ctx: Context, view: View, association_id: str) -> ProfileAssociation:
    found = view.get(ProfileAssociation, association_id)
    if found is None or (found.account, found.region) != (ctx.account, ctx.region):
        raise AwsError("NoSuchAssociation", f"An invalid association-id of '{association_id}' was given")
    return found


def _show(association: ProfileAssociation, *, state: str) -> dict[str, Any]:
    return {
        "AssociationId": association.id,
        "InstanceId": association.instance,
        "IamInstanceProfile": {"Arn": association.profile, "Id": association.profile_id},
        "State": state,
        "Timestamp": timestamp(association.created),
    }
