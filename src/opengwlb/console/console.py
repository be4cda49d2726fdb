"""The console's server side put together, for the one place that wires rooms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from starlette.requests import Request
from starlette.routing import Route

from opengwlb.api import accounts
from opengwlb.store.protocol import Store
from opengwlb.wire.gateway import Gateway

from . import bridge, equivalents, pages, session_api
from .session_api import About
from .visitors import Visitors


class Console:
    """`operator` is the account that sees everything, and with `auth` off whose every unknown key is."""

    def __init__(
        self,
        *,
        store: Store,
        gateway: Gateway,
        auth: Literal["sigv4", "off"],
        operator: str,
        default_region: str,
        data_plane: Literal["kernel", "none"],
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._gateway = gateway
        self._clock = clock
        self._about = About(operator=operator, default_region=default_region, data_plane=data_plane, auth=auth)
        self._visitors = Visitors(
            credentials=lambda key: accounts.find_credential(store, key),
            auth=auth,
            default_account=operator,
            clock=clock,
        )

    def account_of(self, request: Request) -> str | None:
        """Whose session the request comes with; None when it says by other means who asks. Raises AwsError."""
        return self._visitors.chosen(request).account if self._visitors.claims(request) else None

    def routes(self) -> list[Route]:
        """`/console/api/…` before the pages, which take every other path."""
        return [
            *session_api.routes(store=self._store, visitors=self._visitors, about=self._about, clock=self._clock),
            *bridge.routes(gateway=self._gateway, visitors=self._visitors, default_region=self._about.default_region),
            *equivalents.routes(visitors=self._visitors, default_region=self._about.default_region),
            *pages.routes(),
        ]
