"""Policies of roles: inline ones, and managed ones that several roles share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote

from opengwlb.api.common.describe import timestamp
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.iam import ManagedPolicy, Role
from opengwlb.model.snapshot import View
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

from .aws_policies import AWS_POLICIES
from .common import (
    MOST_ATTACHED,
    MOST_INLINE,
    MOST_MANAGED,
    arn_of,
    attached_to,
    check_document,
    check_free,
    listed,
    new_id,
    no_such,
    owned,
    page,
    path_of,
    require,
    show_tags,
    tags_of,
)
from .roles import delete_conflict

_VERSION = "v1"
"""A managed policy has one version here."""


@action("iam", "PutRolePolicy")
def put_role_policy(ctx: Context, params: Parameters) -> Answer:
    document = check_document(params["PolicyDocument"], most=MOST_INLINE)

    def work(tx: Transaction) -> None:
        role = require(ctx, tx, Role, params["RoleName"])
        inline = {**role.inline, params["PolicyName"]: document}
        if sum(len("".join(text.split())) for text in inline.values()) > MOST_INLINE:
            raise AwsError(
                "LimitExceeded",
                f"Maximum policy size of {MOST_INLINE} bytes exceeded for role {role.name}",
                status=409,
            )
        tx.put(replace(role, inline=inline))

    ctx.store.transact(work)
    return {}


@action("iam", "GetRolePolicy")
def get_role_policy(ctx: Context, params: Parameters) -> Answer:
    role = require(ctx, ctx.store.snapshot(), Role, params["RoleName"])
    name = params["PolicyName"]
    if name not in role.inline:
        raise no_such("The role policy with name", name)
    return {"RoleName": role.name, "PolicyName": name, "PolicyDocument": quote(role.inline[name], safe="")}


@action("iam", "ListRolePolicies")
def list_role_policies(ctx: Context, params: Parameters) -> Answer:
    role = require(ctx, ctx.store.snapshot(), Role, params["RoleName"])
    return listed(list(role.inline), params, name="PolicyNames")


@action("iam", "DeleteRolePolicy")
def delete_role_policy(ctx: Context, params: Parameters) -> Answer:
    def work(tx: Transaction) -> None:
        role, name = require(ctx, tx, Role, params["RoleName"]), params["PolicyName"]
        if name not in role.inline:
            raise no_such("The role policy with name", name)
        tx.put(replace(role, inline={key: text for key, text in role.inline.items() if key != name}))

    ctx.store.transact(work)
    return {}


@action("iam", "CreatePolicy")
def create_policy(ctx: Context, params: Parameters) -> Answer:
    name = params["PolicyName"]
    policy = ManagedPolicy(
        id=arn_of(ctx, "policy", params, name),
        account=ctx.account,
        name=name,
        path=path_of(params),
        policy_id=new_id("ANPA"),
        document=check_document(params["PolicyDocument"], most=MOST_MANAGED),
        description=params.get("Description") or "",
        created=ctx.now,
        tags=tags_of(params),
    )

    def work(tx: Transaction) -> None:
        check_free(ctx, tx, ManagedPolicy, name)
        tx.put(policy)

    ctx.store.transact(work)
    return {"Policy": _show(ctx, ctx.store.snapshot(), policy)}


@action("iam", "GetPolicy")
def get_policy(ctx: Context, params: Parameters) -> Answer:
    snapshot = ctx.store.snapshot()
    return {"Policy": _show(ctx, snapshot, _find(ctx, snapshot, params["PolicyArn"]))}


@action("iam", "ListPolicies")
def list_policies(ctx: Context, params: Parameters) -> Answer:
    snapshot = ctx.store.snapshot()
    scope = params.get("Scope") or "All"
    found = [] if scope == "Local" else list(AWS_POLICIES.values())
    found += [] if scope == "AWS" else owned(ctx, snapshot, ManagedPolicy)
    if params.get("OnlyAttached"):
        found = [policy for policy in found if any(attached_to(snapshot, policy.id, account=ctx.account))]
    if params.get("PolicyUsageFilter") == "PermissionsBoundary":
        found = []
    answer = page(found, params, name="Policies")
    # Tags and the description are GetPolicy's alone, as on AWS.
    shown = [_show(ctx, snapshot, policy) for policy in answer["Policies"]]
    return {
        **answer,
        "Policies": [
            {key: value for key, value in policy.items() if key not in ("Tags", "Description")} for policy in shown
        ],
    }


@action("iam", "GetPolicyVersion")
def get_policy_version(ctx: Context, params: Parameters) -> Answer:
    policy = _find(ctx, ctx.store.snapshot(), params["PolicyArn"])
    if params["VersionId"] != _VERSION:
        raise no_such(f"Policy {policy.id} version", params["VersionId"])
    return {"PolicyVersion": {"Document": quote(policy.document, safe=""), **_version(policy)}}


@action("iam", "ListPolicyVersions")
def list_policy_versions(ctx: Context, params: Parameters) -> Answer:
    policy = _find(ctx, ctx.store.snapshot(), params["PolicyArn"])
    return {"Versions": [_version(policy)], "IsTruncated": False}


@action("iam", "DeletePolicy")
def delete_policy(ctx: Context, params: Parameters) -> Answer:
    def work(tx: Transaction) -> None:
        policy = _find(ctx, tx, params["PolicyArn"])
        if policy.id in AWS_POLICIES:
            raise AwsError("AccessDenied", f"{policy.id} is AWS's own and cannot be deleted.", status=403)
        if any(attached_to(tx, policy.id, account=ctx.account)):
            raise delete_conflict("detach the policy from all entities")
        tx.delete(ManagedPolicy, policy.id)

    ctx.store.transact(work)
    return {}


@action("iam", "AttachRolePolicy")
def attach_role_policy(ctx: Context, params: Parameters) -> Answer:
    """Attaching twice is once."""

    def work(tx: Transaction) -> None:
        role, policy = require(ctx, tx, Role, params["RoleName"]), _find(ctx, tx, params["PolicyArn"])
        if policy.id in role.attached:
            return
        if len(role.attached) >= MOST_ATTACHED:
            raise AwsError("LimitExceeded", f"Cannot exceed quota for PoliciesPerRole: {MOST_ATTACHED}", status=409)
        tx.put(replace(role, attached=(*role.attached, policy.id)))

    ctx.store.transact(work)
    return {}


@action("iam", "DetachRolePolicy")
def detach_role_policy(ctx: Context, params: Parameters) -> Answer:
    def work(tx: Transaction) -> None:
        role, arn = require(ctx, tx, Role, params["RoleName"]), params["PolicyArn"]
        if arn not in role.attached:
            raise AwsError("NoSuchEntity", f"Policy {arn} was not found.", status=404)
        tx.put(replace(role, attached=tuple(each for each in role.attached if each != arn)))

    ctx.store.transact(work)
    return {}


@action("iam", "ListAttachedRolePolicies")
def list_attached_role_policies(ctx: Context, params: Parameters) -> Answer:
    snapshot = ctx.store.snapshot()
    role = require(ctx, snapshot, Role, params["RoleName"])
    found = [_find(ctx, snapshot, arn) for arn in role.attached]
    answer = page(found, params, name="AttachedPolicies")
    attached = [{"PolicyName": policy.name, "PolicyArn": policy.id} for policy in answer["AttachedPolicies"]]
    return {**answer, "AttachedPolicies": attached}


def _find(ctx: Context, view: View, arn: str) -> ManagedPolicy:
    found = AWS_POLICIES.get(arn) or view.get(ManagedPolicy, arn)
    if found is None or found.account not in (ctx.account, "aws"):
        raise AwsError("NoSuchEntity", f"Policy {arn} was not found.", status=404)
    return found


def _version(policy: ManagedPolicy) -> dict[str, Any]:
    return {"VersionId": _VERSION, "IsDefaultVersion": True, "CreateDate": timestamp(policy.created)}


def _show(ctx: Context, view: View, policy: ManagedPolicy) -> dict[str, Any]:
    description = {"Description": policy.description} if policy.description else {}
    return {
        "PolicyName": policy.name,
        "PolicyId": policy.policy_id,
        "Arn": policy.id,
        "Path": policy.path,
        "DefaultVersionId": _VERSION,
        "AttachmentCount": sum(1 for _ in attached_to(view, policy.id, account=ctx.account)),
        "PermissionsBoundaryUsageCount": 0,
        "IsAttachable": True,
        "CreateDate": timestamp(policy.created),
        "UpdateDate": timestamp(policy.created),
        **description,
        **show_tags(policy.tags),
    }
