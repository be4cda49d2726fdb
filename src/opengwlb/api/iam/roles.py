"""Roles: who may assume them, and how long."""

from __future__ import annotations

from dataclasses import replace

from opengwlb.api.common.errors import refuse
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.iam import InstanceProfile, Role
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

from .common import arn_of, check_document, check_free, new_id, owned, page, path_of, require, show_role, tags_of

MOST_TRUST = 2048


def delete_conflict(what: str) -> AwsError:
    return AwsError("DeleteConflict", f"Cannot delete entity, must {what} first.", status=409)


@action("iam", "CreateRole")
def create_role(ctx: Context, params: Parameters) -> Answer:
    refuse(params, ("PermissionsBoundary",), because="permissions boundaries are not evaluated here.")
    name = params["RoleName"]
    role = Role(
        id=arn_of(ctx, "role", params, name),
        account=ctx.account,
        name=name,
        path=path_of(params),
        role_id=new_id("AROA"),
        trust=check_document(params["AssumeRolePolicyDocument"], most=MOST_TRUST, principals=True),
        description=params.get("Description") or "",
        max_session_s=params.get("MaxSessionDuration") or 3600,
        created=ctx.now,
        tags=tags_of(params),
    )

    def work(tx: Transaction) -> None:
        check_free(ctx, tx, Role, name)
        tx.put(role)

    ctx.store.transact(work)
    return {"Role": show_role(role)}


@action("iam", "GetRole")
def get_role(ctx: Context, params: Parameters) -> Answer:
    return {"Role": show_role(require(ctx, ctx.store.snapshot(), Role, params["RoleName"]))}


@action("iam", "ListRoles")
def list_roles(ctx: Context, params: Parameters) -> Answer:
    answer = page(owned(ctx, ctx.store.snapshot(), Role), params, name="Roles")
    return {**answer, "Roles": [show_role(role) for role in answer["Roles"]]}


@action("iam", "UpdateRole")
def update_role(ctx: Context, params: Parameters) -> Answer:
    def work(tx: Transaction) -> None:
        role = require(ctx, tx, Role, params["RoleName"])
        description, longest = params.get("Description"), params.get("MaxSessionDuration")
        tx.put(
            replace(
                role,
                description=role.description if description is None else description,
                max_session_s=longest or role.max_session_s,
            )
        )

    ctx.store.transact(work)
    return {}


@action("iam", "UpdateAssumeRolePolicy")
def update_assume_role_policy(ctx: Context, params: Parameters) -> Answer:
    trust = check_document(params["PolicyDocument"], most=MOST_TRUST, principals=True)

    def work(tx: Transaction) -> None:
        tx.put(replace(require(ctx, tx, Role, params["RoleName"]), trust=trust))

    ctx.store.transact(work)
    return {}


@action("iam", "DeleteRole")
def delete_role(ctx: Context, params: Parameters) -> Answer:
    """Sessions that it had end with it: their permissions were its own."""

    def work(tx: Transaction) -> None:
        role = require(ctx, tx, Role, params["RoleName"])
        if any(profile.role == role.id for profile in tx.values(InstanceProfile)):
            raise delete_conflict("remove roles from instance profile")
        if role.attached:
            raise delete_conflict("detach all policies")
        if role.inline:
            raise delete_conflict("delete policies")
        tx.delete(Role, role.id)

    ctx.store.transact(work)
    return {}
