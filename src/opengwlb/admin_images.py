"""The server's own HTTP calls for images and the marketplace: what AWS does through S3 and a web shop.

An import answers with one JSON object a line as it goes on: `{"stage": …, "done": …, "total": …}`, and at last `{"image": …}` or
`{"error": {"code": …, "message": …}}`. Whoever goes away while it runs cancels it. Imports and catalogues need the operator's key,
because the server reads files and registries as root; the marketplace's terms are accepted by each account for itself. A certify
result is the operator's to write, and read by whoever sees its image.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from opengwlb.api import accounts
from opengwlb.control.images import ImageError, ImageKeeper, ImportFailed, Registration, listed
from opengwlb.instances.importing import DEFAULT_LIMIT_BYTES, Asked, Kind, Progress
from opengwlb.model.images import BUILTIN_IMAGES, Catalogue, Certification, Image, ImageState
from opengwlb.model.snapshot import View
from opengwlb.observe import images as rows
from opengwlb.policy import images
from opengwlb.store.protocol import Store
from opengwlb.wire.body import read_body
from opengwlb.wire.errors import AwsError

Authenticate = Callable[[Request, bytes], str]
T = TypeVar("T")
_LOCAL_SCHEMES = ("oci:", "oci-archive:", "docker-archive:")
_REMOTE_SCHEMES = ("docker://", "http://", "https://")


class _Import(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    source: str
    name: str
    vendor: str = ""
    version: str = ""
    licence: str = ""
    description: str = ""
    kind: Kind | None = None
    command: tuple[str, ...] = ()
    in_kernel: bool = False
    public: bool = False
    owner: str | None = None
    region: str | None = None
    limit_bytes: int = DEFAULT_LIMIT_BYTES


class _Accept(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    product: str


class _Location(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    location: str


@dataclass(frozen=True, slots=True)
class _Caller:
    account: str
    operator: bool

    def require_operator(self) -> None:
        if not self.operator:
            raise AwsError("AccessDenied", "This needs the operator's key: use --profile operator.", status=403)


def routes(*, store: Store, keeper: ImageKeeper, authenticate: Authenticate, operator: str, region: str) -> list[Route]:
    """`region` is where an image goes that names none."""

    def answering(work: Callable[[_Caller, bytes, Request], Awaitable[Response]]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            try:
                body = await read_body(request)
                account = authenticate(request, body)
                return await work(_Caller(account, account == operator), body, request)
            except ImageError as error:
                return _refused(error.code, str(error), status=400)
            except AwsError as error:
                return _refused(error.code, error.message, status=error.status)

        return endpoint

    async def list_images(caller: _Caller, body: bytes, request: Request) -> Response:
        snapshot = store.snapshot()
        found = [
            one
            for one in (*BUILTIN_IMAGES, *snapshot.values(Image))
            if one.state is ImageState.AVAILABLE and (caller.operator or images.may_launch(one, account=caller.account))
        ]
        return _json(rows.ImagesAnswer(images=tuple(rows.image_row(one, snapshot) for one in found)))

    async def bring(caller: _Caller, body: bytes, request: Request) -> Response:
        caller.require_operator()
        want = _decoded(body, _Import)
        _require_absolute(want.source)
        owner = accounts.find_account(store, name_or_id=want.owner).id if want.owner else caller.account
        about = Registration(
            name=want.name,
            account=owner,
            region=want.region or region,
            vendor=want.vendor,
            version=want.version,
            licence=want.licence,
            description=want.description,
            in_kernel=want.in_kernel,
            public=want.public,
        )
        asked = Asked(source=want.source, kind=want.kind, command=want.command, limit_bytes=want.limit_bytes)
        await run_in_threadpool(keeper.check, about)
        return _streaming(
            store, lambda report, cancelled: keeper.bring(asked, about, report=report, cancelled=cancelled)
        )

    async def remove(caller: _Caller, body: bytes, request: Request) -> Response:
        caller.require_operator()
        await run_in_threadpool(keeper.deregister, request.path_params["image"])
        return JSONResponse({"deregistered": request.path_params["image"]})

    async def marketplace(caller: _Caller, body: bytes, request: Request) -> Response:
        snapshot = store.snapshot()
        products = tuple(rows.product_row(one, snapshot, account=caller.account) for one in listed(snapshot))
        catalogues = tuple(one.id for one in snapshot.values(Catalogue))
        return _json(rows.MarketplaceAnswer(products=products, catalogues=catalogues))

    async def accept(caller: _Caller, body: bytes, request: Request) -> Response:
        code = _decoded(body, _Accept).product
        return _streaming(
            store,
            lambda report, cancelled: keeper.accept(code, account=caller.account, report=report, cancelled=cancelled),
        )

    async def add_catalogue(caller: _Caller, body: bytes, request: Request) -> Response:
        caller.require_operator()
        found = await run_in_threadpool(keeper.add_catalogue, _decoded(body, _Location).location)
        return JSONResponse({"products": [_row(one, store.snapshot()) for one in found]})

    async def remove_catalogue(caller: _Caller, body: bytes, request: Request) -> Response:
        caller.require_operator()
        location = _decoded(body, _Location).location
        await run_in_threadpool(keeper.remove_catalogue, location)
        return JSONResponse({"removed": location})

    async def certified(caller: _Caller, body: bytes, request: Request) -> Response:
        caller.require_operator()
        asked = _decoded(body, rows.CertificationAsked)
        found = await run_in_threadpool(
            keeper.certified,
            asked.image,
            passed=asked.passed,
            failed=asked.failed,
            skipped=asked.skipped,
            failed_checks=asked.failed_checks,
            version=asked.version,
        )
        return _json(rows.certification_row(found))

    async def certifications(caller: _Caller, body: bytes, request: Request) -> Response:
        snapshot = store.snapshot()
        found = tuple(
            rows.certification_row(one)
            for one in snapshot.values(Certification)
            if (image := images.find(snapshot, one.id)) is not None
            and image.state is ImageState.AVAILABLE
            and (caller.operator or images.may_launch(image, account=caller.account))
        )
        return _json(rows.CertificationsAnswer(certifications=found))

    return [
        Route("/_gwlb/v1/images", answering(list_images), methods=["GET"]),
        Route("/_gwlb/v1/images", answering(bring), methods=["POST"]),
        Route("/_gwlb/v1/images/{image}", answering(remove), methods=["DELETE"]),
        Route("/_gwlb/v1/certifications", answering(certifications), methods=["GET"]),
        Route("/_gwlb/v1/certifications", answering(certified), methods=["POST"]),
        Route("/_gwlb/v1/marketplace", answering(marketplace), methods=["GET"]),
        Route("/_gwlb/v1/marketplace/accept", answering(accept), methods=["POST"]),
        Route("/_gwlb/v1/marketplace/catalogues/add", answering(add_catalogue), methods=["POST"]),
        Route("/_gwlb/v1/marketplace/catalogues/remove", answering(remove_catalogue), methods=["POST"]),
    ]


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise AwsError("ValidationError", f"The body is not what is wanted here: {error}") from error


def _require_absolute(source: str) -> None:
    """A relative path would be one of the server's own folder. Raises ImageError."""
    place = source
    for scheme in _LOCAL_SCHEMES:
        place = place.removeprefix(scheme)
    if not place.startswith(("/", *_REMOTE_SCHEMES)):
        raise ImageError(
            "InvalidParameterValue",
            f"{source!r} is no source: give an absolute path of the server's machine, a URL, or docker://HOST/NAME:TAG.",
        )


def _refused(code: str, message: str, *, status: int) -> JSONResponse:
    return JSONResponse({"code": code, "message": message}, status_code=status)


def _json(answer: msgspec.Struct) -> Response:
    return Response(msgspec.json.encode(answer), media_type="application/json")


def _row(image: Image, view: View) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(rows.image_row(image, view))
    return found


Work = Callable[[Callable[[Progress], None], threading.Event], Image]


def _streaming(store: Store, work: Work) -> StreamingResponse:
    """Run `work` in a thread and send what it reports."""
    return StreamingResponse(_lines(store, work), media_type="application/x-ndjson")


async def _lines(store: Store, work: Work) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    reports: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
    cancelled = threading.Event()

    def say(what: dict[str, Any] | None) -> None:
        loop.call_soon_threadsafe(reports.put_nowait, what)

    def run() -> None:
        try:
            image = work(
                lambda step: say({"stage": step.stage, "done": step.done, "total": step.total}),
                cancelled,
            )
            say({"image": _row(image, store.snapshot())})
        except ImageError as error:
            say({"error": {"code": error.code, "message": str(error)}})
        except ImportFailed as error:
            say({"error": {"code": "ImportFailed", "message": str(error)}})
        finally:
            say(None)

    worker = threading.Thread(target=run, name="image import", daemon=True)
    worker.start()
    try:
        while (line := await reports.get()) is not None:
            yield json.dumps(line).encode() + b"\n"
    finally:
        cancelled.set()
