"""Who may make endpoints to a service."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

from opengwlb.api.common import filters
from opengwlb.api.common.errors import dry_run, unsupported
from opengwlb.api.common.filters import Spec
from opengwlb.api.common.pages import slice_ec2
from opengwlb.api.common.resources import require
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.ids import new_id
from opengwlb.model.privatelink import EndpointService
from opengwlb.model.vpc import Tags
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

_PRINCIPAL = re.compile(r"arn:aws:iam::[0-9]{12}:(root|user/.+|role/.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Permission:
    id: str
    principal: str
    service: str
    tags: Tags = field(default_factory=dict)

    @property
    def principal_type(self) -> str:
        match = _PRINCIPAL.fullmatch(self.principal)
        kinds = {"root": "Account", "user": "User", "role": "Role"}
        return "All" if match is None else kinds[match[1][:4]]


_FILTERS: Spec[_Permission] = {
    "permission-type": lambda permission: ("vpc-endpoint",),
    "principal": lambda permission: (permission.principal,),
    "principal-type": lambda permission: (permission.principal_type,),
}


@action("ec2", "ModifyVpcEndpointServicePermissions")
def modify_vpc_endpoint_service_permissions(ctx: Context, params: Parameters) -> Answer:
    """Endpoints that exist already are not touched by taking a permission away, as on AWS."""
    if params.get("PermissionType") not in (None, "vpc-endpoint"):
        raise unsupported("PermissionType", "transit gateways are not available.")
    added, removed = params.get("AddAllowedPrincipals") or [], params.get("RemoveAllowedPrincipals") or []
    for principal in (*added, *removed):
        if principal != "*" and not _PRINCIPAL.fullmatch(principal):
            raise AwsError("InvalidPrincipal", f"Invalid Principal: '{principal}'")

    def work(tx: Transaction) -> list[_Permission]:
        service = require(ctx, tx, EndpointService, params["ServiceId"])
        dry_run(params)
        allowed = {who: known for who, known in service.allowed_principals.items() if who not in removed}
        new = {who: new_id("vpce-svc-perm") for who in added if who not in allowed}
        tx.put(replace(service, allowed_principals={**allowed, **new}))
        return [_Permission(id=known, principal=who, service=service.id) for who, known in new.items()]

    return {"AddedPrincipals": [_describe(each) for each in ctx.store.transact(work)], "ReturnValue": True}


@action("ec2", "DescribeVpcEndpointServicePermissions")
def describe_vpc_endpoint_service_permissions(ctx: Context, params: Parameters) -> Answer:
    service = require(ctx, ctx.store.snapshot(), EndpointService, params["ServiceId"])
    dry_run(params)
    permissions = [
        _Permission(id=known, principal=who, service=service.id) for who, known in service.allowed_principals.items()
    ]
    shown, more = slice_ec2(filters.apply(permissions, params.get("Filters"), _FILTERS), params)
    return {"AllowedPrincipals": [_describe(permission) | {"Tags": []} for permission in shown], **more}


def _describe(permission: _Permission) -> dict[str, Any]:
    return {
        "PrincipalType": permission.principal_type,
        "Principal": permission.principal,
        "ServicePermissionId": permission.id,
        "ServiceId": permission.service,
    }
