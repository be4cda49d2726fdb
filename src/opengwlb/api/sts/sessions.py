"""Temporary credentials: of a role that the caller may assume, and of the account itself."""

from __future__ import annotations

import re
import secrets
from typing import Any

from opengwlb.api.common.describe import timestamp
from opengwlb.api.common.errors import refuse
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.api.iam.aws_policies import AWS_POLICIES
from opengwlb.api.secrets import session_key
from opengwlb.model.iam import ManagedPolicy, Role
from opengwlb.policy import iam
from opengwlb.policy.sessions import Credentials, Session, issue
from opengwlb.wire.errors import AccessDenied, AwsError

_MOST_POLICIES = 10
_PACKED = 2048
_CHAINED_S = 3600
"""A role's session may assume another role for an hour at most."""


@action("sts", "AssumeRole")
def assume_role(ctx: Context, params: Parameters) -> Answer:
    """Both sides must agree: the role's trust policy, and the caller's own policies, unless the role names the caller itself and both
    are of one account. An account's root key stands for its administrator here, so unlike AWS's it may assume roles."""
    refuse(
        params,
        ("Tags", "TransitiveTagKeys", "SerialNumber", "TokenCode", "ProvidedContexts"),
        because="sessions here have no tags, and there are no devices of authentication.",
    )
    arn = params["RoleArn"]
    caller = ctx.caller_arn
    principal = iam.Principal(
        account=ctx.account, arns=(ctx.role, ctx.session_arn) if ctx.role else (f"arn:aws:iam::{ctx.account}:root",)
    )
    refused = AccessDenied(f"User: {caller} is not authorized to perform: sts:AssumeRole on resource: {arn}")
    if not re.fullmatch(r"arn:aws:iam::[0-9]{12}:role/.+", arn):
        raise AwsError("ValidationError", f"{arn} is invalid")
    role = ctx.store.snapshot().get(Role, arn)
    if role is None:
        raise refused
    trust = iam.parse(role.trust, principals=True)
    external = {"sts:externalid": (params["ExternalId"],)} if params.get("ExternalId") else {}
    asked = iam.Asked(
        action="sts:AssumeRole",
        resource="*",
        principal=principal,
        context={
            **external,
            "aws:principalarn": (ctx.role or caller,),
            "aws:principalaccount": (ctx.account,),
            "sts:rolesessionname": (params["RoleSessionName"],),
        },
    )
    if iam.evaluate(trust, asked) != "allowed":
        raise refused
    if not (role.account == ctx.account and iam.names_itself(trust, principal)):
        ctx.authorise("sts:AssumeRole", arn)
    policies, packed = _session_policies(ctx, params, account=role.account)
    seconds = params.get("DurationSeconds") or 3600
    longest = min(role.max_session_s, _CHAINED_S) if ctx.role else role.max_session_s
    if seconds > longest:
        raise AwsError(
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
            if seconds > role.max_session_s
            else "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
        )
    made = new_session(
        ctx,
        role=role.id,
        role_id=role.role_id,
        account=role.account,
        name=params["RoleSessionName"],
        seconds=seconds,
        policies=policies,
    )
    return {
        "Credentials": _show(made),
        "AssumedRoleUser": {"AssumedRoleId": made.session.user_id, "Arn": made.session.arn},
        **({"PackedPolicySize": packed} if policies else {}),
    }


@action("sts", "GetSessionToken")
def get_session_token(ctx: Context, params: Parameters) -> Answer:
    """Of the account's root: as powerful as its key, for a time. A key that is no user's lasts an hour at most, as on AWS."""
    refuse(params, ("SerialNumber", "TokenCode"), because="there are no devices of authentication here.")
    if ctx.role:
        raise AccessDenied("Cannot call GetSessionToken with session credentials")
    seconds = min(params.get("DurationSeconds") or 3600, 3600)
    return {"Credentials": _show(new_session(ctx, account=ctx.account, seconds=seconds))}


def _session_policies(ctx: Context, params: Parameters, *, account: str) -> tuple[tuple[str, ...], int]:
    """(documents and ARNs, percent of what fits). That AWS packs them into 2,048 characters as they are is inferred.

    Errors: MalformedPolicyDocument, NoSuchEntity, ValidationError, PackedPolicyTooLarge.
    """
    given = [params["Policy"]] if params.get("Policy") else []
    arns = [each.get("arn") or "" for each in params.get("PolicyArns") or ()]
    try:
        for document in given:
            iam.parse(document)
    except iam.PolicyError as error:
        raise AwsError("MalformedPolicyDocument", str(error)) from error
    if len(arns) > _MOST_POLICIES:
        raise AwsError("ValidationError", f"A session has at most {_MOST_POLICIES} managed policies.")
    for arn in arns:
        managed = ctx.store.snapshot().get(ManagedPolicy, arn)
        if arn not in AWS_POLICIES and (managed is None or managed.account != account):
            raise AwsError("NoSuchEntity", f"Policy {arn} does not exist or is not attachable.", status=404)
    packed = -(-100 * sum(map(len, (*given, *arns))) // _PACKED)
    if packed > 100:
        raise AwsError(
            "PackedPolicyTooLarge", f"Packed policy consumes {packed}% of allotted space, please use smaller policy."
        )
    return (*given, *arns), packed


def new_session(
    ctx: Context,
    *,
    account: str,
    seconds: int,
    role: str = "",
    role_id: str = "",
    name: str = "",
    policies: tuple[str, ...] = (),
) -> Credentials:
    session = Session(
        account=account,
        role=role,
        role_id=role_id,
        name=name,
        issued=int(ctx.now),
        expires=int(ctx.now) + seconds,
        nonce=secrets.token_hex(8),
        policies=policies,
    )
    return issue(session, key=session_key(ctx.store))


def _show(made: Credentials) -> dict[str, Any]:
    return {
        "AccessKeyId": made.access_key,
        "SecretAccessKey": made.secret,
        "SessionToken": made.token,
        "Expiration": timestamp(made.session.expires),
    }
