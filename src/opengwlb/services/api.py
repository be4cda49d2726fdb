"""The API as an interface endpoint has it: the very same gateway, for one service only."""

from __future__ import annotations

import asyncio
from typing import Protocol

from starlette.responses import Response

from opengwlb.model.privatelink import InterfaceEndpoint
from opengwlb.store.protocol import Store
from opengwlb.wire.gateway import Origin
from opengwlb.wire.sigv4 import HttpRequest

from .http import Incoming, Outgoing


class ApiGateway(Protocol):
    """`wire.gateway.Gateway`."""

    def answer(self, request: HttpRequest, *, origin: Origin, service: str | None = None) -> Response: ...


class ApiEndpoint:
    def __init__(self, *, store: Store, gateway: ApiGateway, endpoint: str, secure: bool) -> None:
        self._store = store
        self._gateway = gateway
        self._endpoint = endpoint
        self._secure = secure

    async def __call__(self, incoming: Incoming) -> Outgoing:
        endpoint = self._store.snapshot().get(InterfaceEndpoint, self._endpoint)
        path, _, query = incoming.target.partition("?")
        if endpoint is None or incoming.method not in ("GET", "POST") or path != "/":
            return Outgoing(status=404)
        request = HttpRequest(
            method=incoming.method, path=path, query=query, headers=incoming.headers, body=incoming.body
        )
        origin = Origin(address=incoming.peer, secure=self._secure, vpc=endpoint.vpc, endpoint=endpoint.id)
        response = await asyncio.to_thread(self._gateway.answer, request, origin=origin, service=endpoint.service)
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.raw_headers)
        return Outgoing(status=response.status_code, body=bytes(response.body), headers=headers)
