"""The front door: one HTTP request in, one AWS answer or AWS error out.

Before it stands Starlette's router, after it `handle`, which knows the actions. The order is AWS's: who is calling,
which operation, are the parameters well-formed, then the action.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import uuid
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from . import cbor
from .body import decompressed, read_body, without_body
from .errors import AwsError
from .form import read_form
from .identity import Authenticator, Identity, claimed_signature
from .limits import Limits, looks
from .models import Service, of_target, of_version, service, signed_for
from .sigv4 import Credential, HttpRequest
from .turns import AT_ONCE, TooMany, Turns

log = logging.getLogger(__name__)
T = TypeVar("T")

FALLBACK = "sts"
"""Whose error format is used when a request does not say which service it is for."""

CBOR_PATH = "/service/{service}/operation/{operation}"
"""Of requests in RPC v2 CBOR, for a router."""

FORMS = ("ec2", "query")
"""Protocols whose requests are forms, which say themselves which operation they ask for."""
BODY_S = 30.0
"""A request's body has come by then, or the connection is closed: whoever sends a byte a minute holds nothing for long."""
THROTTLED_S = 0.1
"""An answer that says so comes this late: a client that asks again at once is no faster than one that waits."""

NOT_PARAMETERS = ("Action", "Version", "AWSAccessKeyId", "SecurityToken", "Timestamp", "Expires")
"""Fields of the form that belong to the protocol; so does everything that starts with `X-Amz-`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a request came from: conditions of policies ask for it."""

    address: str = ""
    secure: bool = False
    """By TLS."""
    vpc: str = ""
    """Set when it came through an interface endpoint."""
    endpoint: str = ""
    """`vpce-…`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that was authenticated and parsed."""

    service: str
    """botocore's name: `ec2`, `elbv2`, `sts`."""
    operation: str
    params: dict[str, Any]
    account: str
    region: str
    access_key: str
    request_id: str
    role: str = ""
    """ARN of the role that the caller is a session of; empty: the account's root."""
    arn: str = ""
    """Of a role's session."""
    user_id: str = ""
    policies: tuple[str, ...] = ()
    """Of a role's session: what narrows what it may do."""
    origin: Origin = Origin()


class Gateway:
    """`handle` runs in a thread and raises AwsError; `implemented` lists the (service, operation) pairs it knows."""

    def __init__(
        self,
        *,
        handle: Callable[[Call], dict[str, Any]],
        credentials: Callable[[str], Credential | None],
        auth: Literal["sigv4", "off"],
        clock: Callable[[], float],
        default_account: str,
        default_region: str,
        implemented: Callable[[], Collection[tuple[str, str]]],
        sessions: Callable[[str], Credential | None] = lambda _: None,
        requests_per_s: float = 0,
    ) -> None:
        """`requests_per_s` is each account's, of calls that look and again of calls that change something; 0: no limit."""
        self._handle = handle
        self._implemented = implemented
        self._credentials = credentials
        self._clock = clock
        self._limits = Limits(rate=requests_per_s)
        self._counting = threading.Lock()
        self._turns = Turns()
        self._workers = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="request")
        self.authenticator = Authenticator(
            credentials=credentials,
            auth=auth,
            clock=clock,
            default_account=default_account,
            default_region=default_region,
            sessions=sessions,
        )

    async def endpoint(self, request: Request) -> Response:
        """A Starlette endpoint for `GET /` and `POST /`, and for `POST` to the paths of RPC v2 CBOR (`CBOR_PATH`)."""
        origin = Origin(
            address=request.client.host if request.client else "", secure=request.scope["scheme"] == "https"
        )
        received = without_body(request)
        try:
            async with asyncio.timeout(BODY_S):
                received = replace(received, body=await read_body(request))
        except (AwsError, TimeoutError) as error:
            # The rest of the body is not read, so the connection cannot carry another request.
            shown = error if isinstance(error, AwsError) else _too_slow()
            return _failed(shown, _claimed_service(received), str(uuid.uuid4()), headers={"connection": "close"})
        except ClientDisconnect:
            return Response(status_code=400)
        try:
            work = partial(self.answer, received, origin=origin)
            response = await self.in_turn(self._claimed_account(received), work)
        except TooMany:
            spoken = _claimed_service(received)
            response = _Throttled.of(_failed(_throttled(spoken), spoken, str(uuid.uuid4())))
        if isinstance(response, _Throttled):
            await asyncio.sleep(THROTTLED_S)
        return response

    async def in_turn(self, account: str, work: Callable[[], T]) -> T:
        """What `work` returns, from a worker's thread, when it is this account's turn. Raises TooMany."""
        async with self._turns.turn(account):
            return await asyncio.get_running_loop().run_in_executor(self._workers, work)

    def _claimed_account(self, request: HttpRequest) -> str:
        """Whose turn it is. Not verified: whoever claims another's key gets no answer but waits in the other's queue."""
        signature = claimed_signature(request)
        credential = self._credentials(signature.access_key) if signature is not None else None
        return credential.account if credential is not None else ""

    def answer(self, request: HttpRequest, *, origin: Origin, service: str | None = None) -> Response:
        """For a request that came in by any way. `service`, a signing name, refuses what is meant for another."""
        request_id = str(uuid.uuid4())
        spoken: Service | None = None
        try:
            identity = self.authenticator.authenticate(request, service=service)
            asked = _read(request, identity)
            spoken = asked.service
            with self._counting:
                kind = "looks" if looks(asked.action) else "changes"
                allowed = self._limits.allow(identity.account, identity.region, kind, now=self._clock())
            if not allowed:
                return _Throttled.of(_failed(_throttled(spoken), spoken, request_id))
            body = self._call(asked, identity=identity, request_id=request_id, origin=origin)
        except AwsError as error:
            return _failed(error, spoken or _claimed_service(request), request_id)
        except Exception:
            log.exception("request %s failed", request_id)
            spoken = spoken or _claimed_service(request)
            return _failed(spoken.protocol.internal_error(), spoken, request_id)
        return _response(body, spoken, status=200, request_id=request_id)

    def _call(self, asked: _Asked, *, identity: Identity, request_id: str, origin: Origin) -> bytes:
        spoken, action, version = asked.service, asked.action, asked.version
        if not action:
            raise AwsError("MissingAction", "The request is missing an action or a required parameter.")
        if version != spoken.version:
            raise spoken.protocol.unknown_version(action, version)
        operation = spoken.operation(action)
        if operation is None:
            raise spoken.protocol.unknown_action(action)
        if (spoken.name, action) not in self._implemented():
            raise spoken.protocol.not_implemented(action)
        answer = self._handle(
            Call(
                service=spoken.name,
                operation=action,
                params=operation.parse(asked.payload),
                account=identity.account,
                region=identity.region,
                access_key=identity.access_key,
                request_id=request_id,
                role=identity.role,
                arn=identity.arn,
                user_id=identity.user_id,
                policies=identity.policies,
                origin=origin,
            )
        )
        return operation.serialise(answer, request_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """Which operation, and what was sent for it, still as its protocol has it."""

    service: Service
    action: str
    version: str
    payload: Any


def _read(request: HttpRequest, identity: Identity) -> _Asked:
    signed = signed_for(identity.service) if identity.service else None
    named, protocol = _named(request)
    found = signed or of_target(named)
    if found is not None and found.speaking(protocol).speaks not in FORMS:
        found = found.speaking(protocol)
        prefix, _, action = named.rpartition(".")
        if named and (prefix != found.target or found.speaks != protocol):
            raise found.protocol.unknown_action(named)
        return _Asked(service=found, action=action, version=found.version, payload=decompressed(request))
    pairs = read_form(request.query.encode("latin-1"), decompressed(request))
    fields = dict(pairs)
    spoken = _service_for(identity, version=fields.get("Version")).speaking("query")
    return _Asked(
        service=spoken,
        action=fields.get("Action", ""),
        version=fields.get("Version", spoken.version),
        payload=[pair for pair in pairs if _is_parameter(pair[0])],
    )


def _named(request: HttpRequest) -> tuple[str, str]:
    """(service and operation as X-Amz-Target has them, empty in a form; the protocol that it is written in)"""
    in_path, target = cbor.named(request), request.header("x-amz-target")
    if in_path is not None:
        return f"{in_path[0]}.{in_path[1]}", cbor.NAME
    return ("", "query") if target is None else (target, "json")


def _is_parameter(name: str) -> bool:
    return name not in NOT_PARAMETERS and not name.startswith("X-Amz-")


def _claimed_service(request: HttpRequest) -> Service:
    """For the format of an error that comes before the signature is verified."""
    signature = claimed_signature(request)
    named, protocol = _named(request)
    found = of_target(named) if signature is None else signed_for(signature.service)
    return (found or service(FALLBACK)).speaking(protocol)


def _service_for(identity: Identity, *, version: str | None) -> Service:
    found = signed_for(identity.service) if identity.service else of_version(version or "")
    if found is None:
        raise AwsError(
            "InvalidAction",
            f"No service of OpenGWLB is signed for as '{identity.service}'."
            if identity.service
            else f"An unsigned request is known by its Version, and no service here has '{version or ''}'.",
        )
    return found


class _Throttled(Response):
    """An answer that is held back for a moment."""

    @classmethod
    def of(cls, answer: Response) -> _Throttled:
        return cls(answer.body, status_code=answer.status_code, headers=dict(answer.headers))


def _throttled(spoken: Service) -> AwsError:
    """As AWS's SDKs know it to be tried again after a pause."""
    if spoken.name == "ec2":
        return AwsError("RequestLimitExceeded", "Request limit exceeded.", status=503)
    code = "Throttling" if spoken.target is None else "ThrottlingException"
    return AwsError(code, "Rate exceeded")


def _too_slow() -> AwsError:
    """AWS closes such connections; its words for it are inferred from S3's RequestTimeout."""
    return AwsError("RequestTimeout", f"The request's body did not come within {BODY_S:g} seconds.", status=408)


def _failed(error: AwsError, spoken: Service, request_id: str, *, headers: dict[str, str] | None = None) -> Response:
    shown = spoken.protocol.translate(error)
    headers = {**spoken.protocol.error_headers(shown), **(headers or {})}
    return _response(
        spoken.protocol.error(shown, request_id), spoken, status=shown.status, request_id=request_id, headers=headers
    )


def _response(
    body: bytes, spoken: Service, *, status: int, request_id: str, headers: dict[str, str] | None = None
) -> Response:
    return Response(
        body,
        status_code=status,
        media_type=spoken.protocol.media_type,
        headers={"x-amzn-requestid": request_id, **spoken.protocol.headers, **(headers or {})},
    )
