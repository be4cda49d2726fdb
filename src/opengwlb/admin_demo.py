"""`/_gwlb/v1/demo`: one call builds the two-customer scenario, another sends traffic through it. For the operator's key alone: it makes
accounts, and it uses their keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.routing import Route

from opengwlb.observe import asked
from opengwlb.observe.demo_answers import DemoTrafficAsked
from opengwlb.wire.errors import AwsError

if TYPE_CHECKING:
    from opengwlb.cli.demo.background import Background

Work = Callable[[Request, bytes], Any]
PATH = "/_gwlb/v1/demo"


def routes(*, demo: Background | None, operator_only: Callable[[Work], Callable[[Request], Any]]) -> list[Route]:
    """`demo` is None where there are no packets: there every call is refused, by name."""

    def there() -> Background:
        if demo is None:
            raise AwsError(
                "UnsupportedOperation", "This server carries no packets (--data-plane none): the demo is about packets."
            )
        return demo

    def look(request: Request, body: bytes) -> Any:
        return msgspec.to_builtins(there().state())

    def build(request: Request, body: bytes) -> Any:
        return msgspec.to_builtins(there().start())

    def send(request: Request, body: bytes) -> Any:
        want = asked.read(body, dict(request.query_params), kind=DemoTrafficAsked)
        return msgspec.to_builtins(there().send(want.seconds))

    return [
        Route(PATH, operator_only(look), methods=["GET"]),
        Route(PATH, operator_only(build), methods=["POST"]),
        Route(f"{PATH}/traffic", operator_only(send), methods=["POST"]),
    ]
