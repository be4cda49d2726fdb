"""Get, put, list and delete parameters."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from opengwlb.api.authorisation import parameter_arn
from opengwlb.api.common.describe import timestamp
from opengwlb.api.common.pages import slice_ec2
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.iam import Parameter
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

from .public import Found, find, key, public_parameters

MOST_BYTES = 4096
MOST_VERSIONS = 100
_NOT_HERE = {
    "KeyId": "values are not encrypted here",
    "Tags": "parameters have no tags here",
    "Policies": "parameters do not expire here",
}


def _validation(message: str) -> AwsError:
    return AwsError("ValidationException", message)


@action("ssm", "GetParameter")
def get_parameter(ctx: Context, params: Parameters) -> Answer:
    return {"Parameter": _show(ctx, find(ctx, ctx.store.snapshot(), params["Name"]))}


@action("ssm", "GetParameters")
def get_parameters(ctx: Context, params: Parameters) -> Answer:
    """Those that exist, by name; the names of the others."""
    snapshot, found, lost = ctx.store.snapshot(), [], []
    for name in dict.fromkeys(params["Names"]):
        try:
            found.append(_show(ctx, find(ctx, snapshot, name)))
        except AwsError:
            lost.append(name)
    return {"Parameters": sorted(found, key=lambda one: str(one["Name"])), "InvalidParameters": lost}


@action("ssm", "GetParametersByPath")
def get_parameters_by_path(ctx: Context, params: Parameters) -> Answer:
    """What is directly below a path; everything below with Recursive."""
    if params.get("ParameterFilters"):
        raise AwsError("InvalidFilterKey", "Filters are not available here: give a longer path.")
    path = params["Path"]
    if not path.startswith("/"):
        raise _validation("The parameter path must begin with a forward slash '/'.")
    below = path.rstrip("/") + "/"
    found = [
        one
        for one in (*public_parameters(ctx), *_own(ctx))
        if one.name.startswith(below) and (params.get("Recursive") or "/" not in one.name[len(below) :])
    ]
    shown, more = _page(sorted(found, key=lambda one: one.name), params, most=10)
    return {"Parameters": [_show(ctx, Found(parameter=one, version=len(one.values))) for one in shown], **more}


@action("ssm", "DescribeParameters")
def describe_parameters(ctx: Context, params: Parameters) -> Answer:
    """The caller's own, without their values."""
    if params.get("Filters") or params.get("ParameterFilters"):
        raise AwsError("InvalidFilterKey", "Filters are not available here: use GetParametersByPath.")
    shown, more = _page(_own(ctx), params, most=50)
    return {"Parameters": [_describe(ctx, one) for one in shown], **more}


@action("ssm", "PutParameter")
def put_parameter(ctx: Context, params: Parameters) -> Answer:
    """A new parameter, or with Overwrite a new version of one."""
    for member, why in _NOT_HERE.items():
        if params.get(member):
            raise _validation(f"{member} is not available: {why}.")
    if params.get("Tier") not in (None, "Standard", "Intelligent-Tiering"):
        raise _validation("Advanced parameters are not available here.")
    if params.get("DataType") not in (None, "text"):
        raise _validation(f"The data type {params['DataType']} is not available here: use text.")
    if params.get("Type") == "SecureString":
        raise AwsError("UnsupportedParameterType", "SecureString is not available: values are not encrypted here.")
    name, value = params["Name"], params["Value"]
    _check_name(name)
    if not value or len(value.encode()) > MOST_BYTES:
        raise _validation(f"Standard tier parameters support a maximum parameter value of {MOST_BYTES} characters.")

    def work(tx: Transaction) -> Parameter:
        known = tx.get(Parameter, key(ctx, name))
        if known is not None and not params.get("Overwrite"):
            raise AwsError(
                "ParameterAlreadyExists",
                "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
            )
        kind = params.get("Type") or (known.type if known is not None else None)
        if kind is None:
            raise _validation("A parameter type is required when you create a parameter.")
        if known is not None and kind != known.type:
            raise AwsError("HierarchyTypeMismatchException", "The type of a parameter cannot be changed.")
        pattern = params.get("AllowedPattern") or (known.allowed_pattern if known is not None else "")
        _check_pattern(pattern, value)
        base = known or Parameter(
            id=key(ctx, name), account=ctx.account, region=ctx.region, name=name, type=kind, values=(), modified=ctx.now
        )
        if len(base.values) >= MOST_VERSIONS:
            raise AwsError(
                "ParameterMaxVersionLimitExceeded", f"A parameter has at most {MOST_VERSIONS} versions here."
            )
        description = params.get("Description")
        made = replace(
            base,
            values=(*base.values, value),
            modified=ctx.now,
            description=base.description if description is None else description,
            allowed_pattern=pattern,
        )
        tx.put(made)
        return made

    return {"Version": len(ctx.store.transact(work).values), "Tier": "Standard"}


@action("ssm", "DeleteParameter")
def delete_parameter(ctx: Context, params: Parameters) -> Answer:
    if not _delete(ctx, [params["Name"]]):
        raise AwsError("ParameterNotFound", f"Parameter {params['Name']} not found.")
    return {}


@action("ssm", "DeleteParameters")
def delete_parameters(ctx: Context, params: Parameters) -> Answer:
    gone = _delete(ctx, params["Names"])
    return {"DeletedParameters": gone, "InvalidParameters": [name for name in params["Names"] if name not in gone]}


def _delete(ctx: Context, names: list[str]) -> list[str]:
    def work(tx: Transaction) -> list[str]:
        there = [name for name in dict.fromkeys(names) if tx.get(Parameter, key(ctx, name)) is not None]
        for name in there:
            tx.delete(Parameter, key(ctx, name))
        return there

    return ctx.store.transact(work)


def _own(ctx: Context) -> list[Parameter]:
    snapshot = ctx.store.snapshot()
    return [one for one in snapshot.values(Parameter) if (one.account, one.region) == (ctx.account, ctx.region)]


def _page(items: list[Parameter], params: Parameters, *, most: int) -> tuple[list[Parameter], dict[str, str]]:
    size = params.get("MaxResults") or most
    try:
        return slice_ec2(items, {"MaxResults": size, "NextToken": params.get("NextToken")}, minimum=1)
    except AwsError as error:
        raise AwsError("InvalidNextToken", error.message) from error


def _check_name(name: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_./-]+", name) or ("/" in name and not name.startswith("/")):
        raise _validation(
            "Parameter name must be a fully qualified name: only a mix of letters, numbers and the symbols .-_ and / "
            "(a name with / begins with it)."
        )
    if re.match(r"/?(aws|ssm)(/|$)", name, re.IGNORECASE):
        raise _validation('Parameter name: can\'t be prefixed with "aws" or "ssm" (case-insensitive).')
    if name.count("/") > 15:
        raise AwsError("HierarchyLevelLimitExceededException", "A parameter name has at most 15 levels.")


def _check_pattern(pattern: str, value: str) -> None:
    if not pattern:
        return
    try:
        fits = re.search(pattern, value) is not None
    except re.error as error:
        raise AwsError("InvalidAllowedPatternException", f"The pattern {pattern} cannot be read: {error}") from error
    if not fits:
        raise AwsError(
            "ParameterPatternMismatchException",
            f"Parameter value, cannot be validated against allowedPattern: {pattern}",
        )


def _show(ctx: Context, found: Found) -> dict[str, Any]:
    parameter = found.parameter
    shown = {
        "Name": parameter.name,
        "Type": parameter.type,
        "Value": found.value,
        "Version": found.version,
        "LastModifiedDate": timestamp(parameter.modified),
        "ARN": parameter_arn(parameter.name, account=ctx.account, region=ctx.region),
        "DataType": "text",
    }
    return {**shown, "Selector": found.selector} if found.selector else shown


def _describe(ctx: Context, parameter: Parameter) -> dict[str, Any]:
    optional = {"Description": parameter.description, "AllowedPattern": parameter.allowed_pattern}
    return {
        "Name": parameter.name,
        "ARN": parameter_arn(parameter.name, account=ctx.account, region=ctx.region),
        "Type": parameter.type,
        "LastModifiedDate": timestamp(parameter.modified),
        "Version": len(parameter.values),
        "Tier": "Standard",
        "DataType": "text",
        **{name: value for name, value in optional.items() if value},
    }
