"""What IAM's actions share: finding by name, checking documents, pages, and how each kind is shown."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

from opengwlb.api.common.describe import timestamp
from opengwlb.api.common.pages import slice_elbv2
from opengwlb.api.context import Context, Parameters
from opengwlb.model.iam import InstanceProfile, ManagedPolicy, Role
from opengwlb.model.snapshot import View
from opengwlb.model.vpc import Tags
from opengwlb.policy import iam
from opengwlb.policy.sessions import unique_id
from opengwlb.wire.errors import AwsError

MOST_INLINE = 10240
"""Characters of a role's inline policies together, without white space."""
MOST_MANAGED = 6144
MOST_ATTACHED = 10
_NOUNS: dict[type[Any], str] = {Role: "role", ManagedPolicy: "Policy", InstanceProfile: "Instance Profile"}


class Named(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def account(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def path(self) -> str: ...


T = TypeVar("T", bound=Named)


def no_such(noun: str, name: str) -> AwsError:
    return AwsError("NoSuchEntity", f"{noun} {name} cannot be found.", status=404)


def require(ctx: Context, view: View, kind: type[T], name: str) -> T:
    """The caller's object of this name. Errors: NoSuchEntity."""
    for each in view.values(kind):
        if each.account == ctx.account and each.name == name:
            return each
    raise no_such(f"The {_NOUNS[kind]} with name", name)


def check_free(ctx: Context, view: View, kind: type[T], name: str) -> None:
    """Names differ by more than case. Errors: EntityAlreadyExists."""
    for each in view.values(kind):
        if each.account == ctx.account and each.name.lower() == name.lower():
            raise AwsError(
                "EntityAlreadyExists", f"{_NOUNS[kind].capitalize()} with name {name} already exists.", status=409
            )


def arn_of(ctx: Context, kind: str, params: Parameters, name: str) -> str:
    """`kind`: role, policy, instance-profile."""
    return f"arn:aws:iam::{ctx.account}:{kind}{path_of(params)}{name}"


def path_of(params: Parameters) -> str:
    path = str(params.get("Path") or "/")
    if not (path.startswith("/") and path.endswith("/")):
        raise AwsError("ValidationError", "The specified value for path is invalid. It must begin and end with / ")
    return path


def new_id(prefix: str) -> str:
    return unique_id(prefix, secrets.token_bytes(20))


def check_document(text: str, *, most: int, principals: bool = False) -> str:
    """The document as given. Errors: MalformedPolicyDocument, LimitExceeded."""
    if len("".join(text.split())) > most:
        raise AwsError("LimitExceeded", f"Cannot exceed quota for PolicySize: {most}", status=409)
    try:
        iam.parse(text, principals=principals)
    except iam.PolicyError as error:
        raise AwsError("MalformedPolicyDocument", str(error)) from error
    return text


def tags_of(params: Parameters) -> Tags:
    """Errors: InvalidInput."""
    found = {tag["Key"]: tag["Value"] for tag in params.get("Tags") or ()}
    if len(found) != len(params.get("Tags") or ()):
        raise AwsError("InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    return found


def page(items: Sequence[T], params: Parameters, *, name: str) -> dict[str, Any]:
    """`{name: …, IsTruncated, Marker}` of what lies under PathPrefix."""
    return listed([each for each in items if each.path.startswith(params.get("PathPrefix") or "/")], params, name=name)


def listed(items: Sequence[Any], params: Parameters, *, name: str) -> dict[str, Any]:
    def key(item: Any) -> str:
        return str(getattr(item, "id", item))

    shown, more = slice_elbv2(
        items, {"PageSize": min(params.get("MaxItems") or 100, 400), "Marker": params.get("Marker")}, key=key
    )
    marker = {"Marker": more["NextMarker"]} if more else {}
    return {name: shown, "IsTruncated": bool(more), **marker}


def owned(ctx: Context, view: View, kind: type[T]) -> list[T]:
    return [each for each in view.values(kind) if each.account == ctx.account]


def show_tags(tags: Tags) -> dict[str, Any]:
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]} if tags else {}


def show_role(role: Role) -> dict[str, Any]:
    description = {"Description": role.description} if role.description else {}
    return {
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.role_id,
        "Arn": role.id,
        "CreateDate": timestamp(role.created),
        "AssumeRolePolicyDocument": quote(role.trust, safe=""),
        "MaxSessionDuration": role.max_session_s,
        **description,
        **show_tags(role.tags),
    }


def show_profile(view: View, profile: InstanceProfile) -> dict[str, Any]:
    role = view.get(Role, profile.role)
    return {
        "Path": profile.path,
        "InstanceProfileName": profile.name,
        "InstanceProfileId": profile.profile_id,
        "Arn": profile.id,
        "CreateDate": timestamp(profile.created),
        "Roles": [show_role(role)] if role is not None else [],
        **show_tags(profile.tags),
    }


def attached_to(view: View, policy_arn: str, *, account: str) -> Iterable[Role]:
    return (role for role in view.values(Role) if role.account == account and policy_arn in role.attached)
