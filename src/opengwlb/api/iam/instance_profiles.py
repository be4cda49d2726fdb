"""Instance profiles: what carries a role into an instance."""

from __future__ import annotations

from dataclasses import replace

from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.iam import InstanceProfile, Role
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

from .common import arn_of, check_free, new_id, no_such, owned, page, path_of, require, show_profile, tags_of
from .roles import delete_conflict


@action("iam", "CreateInstanceProfile")
def create_instance_profile(ctx: Context, params: Parameters) -> Answer:
    name = params["InstanceProfileName"]
    profile = InstanceProfile(
        id=arn_of(ctx, "instance-profile", params, name),
        account=ctx.account,
        name=name,
        path=path_of(params),
        profile_id=new_id("AIPA"),
        created=ctx.now,
        tags=tags_of(params),
    )

    def work(tx: Transaction) -> None:
        check_free(ctx, tx, InstanceProfile, name)
        tx.put(profile)

    ctx.store.transact(work)
    return {"InstanceProfile": show_profile(ctx.store.snapshot(), profile)}


@action("iam", "GetInstanceProfile")
def get_instance_profile(ctx: Context, params: Parameters) -> Answer:
    snapshot = ctx.store.snapshot()
    profile = require(ctx, snapshot, InstanceProfile, params["InstanceProfileName"])
    return {"InstanceProfile": show_profile(snapshot, profile)}


@action("iam", "ListInstanceProfiles")
def list_instance_profiles(ctx: Context, params: Parameters) -> Answer:
    snapshot = ctx.store.snapshot()
    answer = page(owned(ctx, snapshot, InstanceProfile), params, name="InstanceProfiles")
    return {**answer, "InstanceProfiles": [show_profile(snapshot, each) for each in answer["InstanceProfiles"]]}


@action("iam", "ListInstanceProfilesForRole")
def list_instance_profiles_for_role(ctx: Context, params: Parameters) -> Answer:
    snapshot = ctx.store.snapshot()
    role = require(ctx, snapshot, Role, params["RoleName"])
    found = [each for each in owned(ctx, snapshot, InstanceProfile) if each.role == role.id]
    answer = page(found, params, name="InstanceProfiles")
    return {**answer, "InstanceProfiles": [show_profile(snapshot, each) for each in answer["InstanceProfiles"]]}


@action("iam", "AddRoleToInstanceProfile")
def add_role_to_instance_profile(ctx: Context, params: Parameters) -> Answer:
    """One role at most; instances that have the profile get its credentials from then on."""

    def work(tx: Transaction) -> None:
        profile = require(ctx, tx, InstanceProfile, params["InstanceProfileName"])
        role = require(ctx, tx, Role, params["RoleName"])
        if profile.role is not None:
            raise AwsError("LimitExceeded", "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1", status=409)
        ctx.authorise("iam:PassRole", role.id)
        tx.put(replace(profile, role=role.id))

    ctx.store.transact(work)
    return {}


@action("iam", "RemoveRoleFromInstanceProfile")
def remove_role_from_instance_profile(ctx: Context, params: Parameters) -> Answer:
    def work(tx: Transaction) -> None:
        profile = require(ctx, tx, InstanceProfile, params["InstanceProfileName"])
        role = require(ctx, tx, Role, params["RoleName"])
        if profile.role != role.id:
            raise no_such("The role with name", role.name)
        tx.put(replace(profile, role=None))

    ctx.store.transact(work)
    return {}


@action("iam", "DeleteInstanceProfile")
def delete_instance_profile(ctx: Context, params: Parameters) -> Answer:
    def work(tx: Transaction) -> None:
        profile = require(ctx, tx, InstanceProfile, params["InstanceProfileName"])
        if profile.role is not None:
            raise delete_conflict("remove roles from instance profile")
        tx.delete(InstanceProfile, profile.id)

    ctx.store.transact(work)
    return {}
