"""Parameters, public and own: found by name, version and path."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from opengwlb.api.context import Context
from opengwlb.model.iam import Parameter
from opengwlb.model.images import BUILTIN_IMAGES
from opengwlb.model.snapshot import View
from opengwlb.wire.errors import AwsError

PUBLIC = "/aws/service/opengwlb/ami/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One version of a parameter."""

    parameter: Parameter
    version: int
    selector: str = ""
    """`:2`, as the caller gave it."""

    @property
    def value(self) -> str:
        return self.parameter.values[self.version - 1]


def public_parameters(ctx: Context) -> Iterator[Parameter]:
    """`/aws/service/opengwlb/ami/KIND/latest`: the image id of each image that comes with OpenGWLB."""
    for image in BUILTIN_IMAGES:
        name = f"{PUBLIC}{image.name.rsplit('/', 1)[-1]}/latest"
        yield Parameter(
            id=f"/{ctx.region}/{name}",
            account="",
            region=ctx.region,
            name=name,
            type="String",
            values=(image.id,),
            modified=1793491200.0,
            description=image.description,
        )


def find(ctx: Context, view: View, given: str) -> Found:
    """`NAME` or `NAME:VERSION`, also as an ARN. Errors: ParameterNotFound, ParameterVersionNotFound."""
    name = given
    if (arn := re.fullmatch(r"arn:aws:ssm:[^:]+:\d*:parameter(/.+)", given)) is not None:
        name = arn[1]
    name, colon, selector = name.partition(":")
    parameter = next((one for one in public_parameters(ctx) if one.name == name), None)
    if parameter is None:
        by_id = (view.get(Parameter, key(ctx, each)) for each in (name, name.lstrip("/") if arn else name))
        parameter = next((one for one in by_id if one is not None), None)
    if parameter is None:
        raise AwsError("ParameterNotFound", f"Parameter {name} not found.")
    if not colon:
        return Found(parameter=parameter, version=len(parameter.values))
    if not selector.isdecimal() or not 1 <= int(selector) <= len(parameter.values):
        raise AwsError(
            "ParameterVersionNotFound",
            f"Systems Manager could not find version {selector} of {name}. Verify the version and try again.",
        )
    return Found(parameter=parameter, version=int(selector), selector=f":{selector}")


def key(ctx: Context, name: str) -> str:
    return f"{ctx.account}/{ctx.region}/{name}"
