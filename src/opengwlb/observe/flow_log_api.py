"""`/_gwlb/v1/flow-logs`: the last lines of a flow log, for people; and `…/flow-logs/flush`, for who does not want to wait a minute.

Signed like AWS's calls. A flow log is its account's; the operator sees all.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated, Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from opengwlb.model.flow_logs import FlowLog
from opengwlb.store.protocol import Store
from opengwlb.wire.body import read_body
from opengwlb.wire.errors import AwsError

from . import asked
from .flow_log_tail import tail
from .read_api import PATH, Authenticate
from .visibility import Viewer


class TailAsked(msgspec.Struct, forbid_unknown_fields=True):
    """`since` is an earlier answer's `at`: only what was delivered later."""

    id: str
    since: Annotated[int, msgspec.Meta(ge=0)] = 0
    limit: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 100


class FlushAsked(msgspec.Struct, forbid_unknown_fields=True):
    """Nothing can be said: the intervals of everything that the caller has end now."""


def routes(
    *,
    store: Store,
    directory: Path,
    flush: Callable[[str | None], int],
    quiet: AbstractContextManager[Any],
    authenticate: Authenticate,
    operator: str,
    clock: Callable[[], float],
) -> list[Route]:
    """`flush(account)` delivers what was gathered so far, of all accounts for None, and answers how many lines that were.

    Under `quiet` no delivery is half made.
    """

    flushing = threading.Lock()

    def answering(work: Callable[[Viewer, bytes, dict[str, str]], Any]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            try:
                body = await read_body(request)
                account = authenticate(request, body)
                viewer = Viewer(account, account == operator)
                return JSONResponse(await run_in_threadpool(work, viewer, body, asked.fields(request.query_params)))
            except AwsError as error:
                return JSONResponse({"code": error.code, "message": error.message}, status_code=error.status)

        return endpoint

    def last_lines(viewer: Viewer, body: bytes, query: dict[str, str]) -> dict[str, Any]:
        want = asked.read(body, query, kind=TailAsked)
        log = store.snapshot().get(FlowLog, want.id)
        if log is None or not viewer.sees(frozenset({log.account})):
            raise AwsError("InvalidFlowLogId.NotFound", f"There is no flow log {want.id}.", status=404)
        with quiet:
            events = tail(directory, log, after_ms=want.since, limit=want.limit)
        at = max((event["ingestionTime"] for event in events), default=want.since)
        return {"at": at, "error": log.error or None, "events": events}

    def end_intervals(viewer: Viewer, body: bytes, query: dict[str, str]) -> dict[str, Any]:
        asked.read(body, query, kind=FlushAsked)
        if not flushing.acquire(blocking=False):
            raise AwsError("Throttling", "Flow logs are being delivered just now: try again.", status=429)
        try:
            return {"at": int(clock() * 1000), "lines": flush(None if viewer.operator else viewer.account)}
        finally:
            flushing.release()

    return [
        Route(f"{PATH}/flow-logs", answering(last_lines), methods=["GET", "POST"]),
        Route(f"{PATH}/flow-logs/flush", answering(end_intervals), methods=["POST"]),
    ]
