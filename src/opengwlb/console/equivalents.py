"""`/console/api/equivalent`: what a page just did, as commands that do the same without it."""

from __future__ import annotations

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from opengwlb.wire.body import read_body
from opengwlb.wire.models import service

from . import boto3_text, command_text
from .answers import Equivalent, EquivalentAsked
from .bridge import REGION, modelled
from .http import as_json, asked, endpoint
from .values import native
from .visitors import Visitors


def routes(*, visitors: Visitors, default_region: str) -> list[Route]:
    async def write(request: Request) -> Response:
        visitors.chosen(request)
        wanted = asked(await read_body(request), kind=list[EquivalentAsked])
        region = request.headers.get(REGION) or default_region
        written = await run_in_threadpool(lambda: [equivalent(each, region=region) for each in wanted])
        return as_json(msgspec.json.encode(written))

    return [Route("/console/api/equivalent", endpoint(write), methods=["POST"])]


def equivalent(wanted: EquivalentAsked, *, region: str) -> Equivalent:
    """Raises AwsError for an operation or a parameter that is none."""
    operation = modelled(wanted.service, wanted.operation)
    if operation.input_shape is not None:
        native(wanted.parameters, operation.input_shape, protocol=service(wanted.service).speaks)
    return Equivalent(
        aws=command_text.command(operation, wanted.parameters, region=region),
        boto3=boto3_text.call(operation, wanted.parameters),
    )
