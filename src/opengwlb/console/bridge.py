"""`/console/api/aws/{service}/{operation}`: the very request that an AWS client would send, made and signed here because a page has no key.

botocore writes the request, signs it with the account's own key, and reads the answer; between is the gateway as everybody's: the same
parsing, policies, turns and limits. botocore's part is loaded when the first page asks.
"""

from __future__ import annotations

import asyncio
import base64
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec
from botocore.model import OperationModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from opengwlb.wire.body import read_body
from opengwlb.wire.errors import AwsError
from opengwlb.wire.gateway import THROTTLED_S, Gateway, Origin
from opengwlb.wire.models import SERVICES, Service, service
from opengwlb.wire.sigv4 import Credential, HttpRequest
from opengwlb.wire.turns import TooMany

from .http import as_json, asked, endpoint
from .values import native
from .visitors import Visitors

REGION = "x-gwlb-region"
ENCODED = {("ec2", "RunInstances"): "UserData"}
"""Members that botocore's clients encode in base64 though the model calls them text: pages give them plain."""
_THROTTLED = ("RequestLimitExceeded", "Throttling", "ThrottlingException")
_HOST = "localhost"


def routes(*, gateway: Gateway, visitors: Visitors, default_region: str) -> list[Route]:
    async def call(request: Request) -> Response:
        credential = visitors.chosen(request)
        known, action = request.path_params["service"], request.path_params["operation"]
        operation = modelled(known, action)
        parameters = asked(await read_body(request), kind=dict[str, Any])
        origin = Origin(address=request.client.host if request.client else "", secure=request.url.scheme == "https")
        region = request.headers.get(REGION) or default_region

        def work() -> _Answer:
            sent = signed(operation, parameters, credential=credential, region=region)
            return _read(operation, gateway.answer(sent, origin=origin))

        try:
            answer = await gateway.in_turn(credential.account, work)
        except TooMany as error:
            raise AwsError("Throttling", "Rate exceeded", status=429) from error
        if answer.code in _THROTTLED:
            await asyncio.sleep(THROTTLED_S)
        return as_json(answer.body, status=answer.status)

    return [Route("/console/api/aws/{service}/{operation}", endpoint(call), methods=["POST"])]


def signed(
    operation: OperationModel, parameters: Mapping[str, Any], *, credential: Credential, region: str
) -> HttpRequest:
    """A client's request for `operation`. Raises AwsError for values that no request can carry."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    spoken = _service(operation)
    written = _serializer(spoken.speaks).serialize_to_request(completed(operation, parameters, spoken), operation)
    request = AWSRequest(
        method=written["method"],
        url=f"http://{_HOST}{written['url_path']}",
        data=written["body"],
        headers={**written["headers"], "Host": _HOST},
    )
    SigV4Auth(Credentials(credential.access_key, credential.secret), spoken.signing_name, region).add_auth(request)
    prepared = request.prepare()
    return HttpRequest(
        method=prepared.method,
        path=written["url_path"],
        query="",
        headers=tuple((name.lower(), _text(value)) for name, value in prepared.headers.items()),
        body=_bytes(prepared.body),
    )


def completed(operation: OperationModel, parameters: Mapping[str, Any], spoken: Service) -> dict[str, Any]:
    """What a client adds by itself: idempotency tokens, and base64 where it does that."""
    shape = operation.input_shape
    found = dict(native(dict(parameters), shape, protocol=spoken.speaks)) if shape is not None else {}
    for name in operation.idempotent_members:
        found.setdefault(name, str(uuid.uuid4()))
    plain = ENCODED.get((spoken.name, operation.name))
    if plain in found:
        found[plain] = base64.b64encode(found[plain].encode()).decode()
    return found


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes
    code: str = ""
    """AWS's, of an error."""


def _read(operation: OperationModel, response: Response) -> _Answer:
    from botocore.awsrequest import HeadersDict

    request_id = response.headers["x-amzn-requestid"]
    parsed = _parser(_service(operation).speaks).parse(
        {
            "status_code": response.status_code,
            "headers": HeadersDict(dict(response.headers)),
            "body": bytes(response.body),
            "context": {"operation_name": operation.name},
        },
        operation.output_shape,
    )
    parsed.pop("ResponseMetadata", None)
    if response.status_code < 300:
        return _Answer(response.status_code, msgspec.json.encode({"result": parsed, "request_id": request_id}))
    code, message = parsed["Error"]["Code"], parsed["Error"]["Message"]
    told = {"code": code, "message": message, "request_id": request_id}
    return _Answer(response.status_code, msgspec.json.encode(told), code)


def modelled(known: str, action: str) -> OperationModel:
    """Raises AwsError for what no model has; what only the server has not, it says itself."""
    if known not in SERVICES:
        raise AwsError("InvalidAction", f"There is no service {known} here.", status=404)
    spoken = service(known)
    if spoken.operation(action) is None:
        raise spoken.protocol.unknown_action(action)
    model: OperationModel = spoken.model.operation_model(action)
    return model


def _service(operation: OperationModel) -> Service:
    return service(operation.service_model.service_name)


@cache
def _serializer(protocol: str) -> Any:
    from botocore.serialize import create_serializer

    return create_serializer(protocol, include_validation=False)


@cache
def _parser(protocol: str) -> Any:
    from botocore.parsers import ResponseParserFactory

    factory = ResponseParserFactory()
    factory.set_parser_defaults(timestamp_parser=_moment)
    return factory.create_parser(protocol)


def _moment(value: Any) -> str:
    """ISO 8601. The protocols of XML have that already, and reading it would take longer than all the rest of an answer."""
    return value if isinstance(value, str) else datetime.fromtimestamp(float(value), UTC).isoformat()


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _bytes(value: str | bytes | bytearray | None) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value or b"")
