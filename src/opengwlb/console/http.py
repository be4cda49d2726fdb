"""What the console's own calls share: JSON in, JSON out, errors in AWS's words, nothing kept by any cache."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from opengwlb.wire.errors import AwsError

T = TypeVar("T")


def as_json(body: bytes, *, status: int = 200) -> Response:
    headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
    return Response(body, status_code=status, media_type="application/json", headers=headers)


def refused(error: AwsError) -> Response:
    return as_json(msgspec.json.encode({"code": error.code, "message": error.message}), status=error.status)


def asked(body: bytes, *, kind: type[T]) -> T:
    """Raises AwsError (ValidationError) that names the field."""
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise AwsError("ValidationError", str(error)) from error


def endpoint(work: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """A Starlette endpoint of `work`, whose AwsErrors become answers."""

    async def answered(request: Request) -> Response:
        try:
            return await work(request)
        except AwsError as error:
            return refused(error)
        except ClientDisconnect:
            return Response(status_code=400)

    return answered
