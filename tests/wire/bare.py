"""Calls a server's handler as its gateway would, without a socket and with none of its threads."""

from __future__ import annotations

from typing import Any

from opengwlb.admin import OPERATOR_ACCOUNT
from opengwlb.app import Server
from opengwlb.wire.gateway import Call

REGION = "us-east-1"


class Bare:
    def __init__(self, server: Server) -> None:
        self.server = server

    def ec2(self, operation: str, **params: Any) -> dict[str, Any]:
        return self._call("ec2", operation, params)

    def elbv2(self, operation: str, **params: Any) -> dict[str, Any]:
        return self._call("elbv2", operation, params)

    def _call(self, service: str, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        call = Call(
            service=service,
            operation=operation,
            params=params,
            account=OPERATOR_ACCOUNT,
            region=REGION,
            access_key="",
            request_id="0" * 32,
        )
        return self.server.handle(call)

    def reconcile(self, *names: str) -> None:
        """One pass of each of these reconcilers, or of all."""
        for name, run in self.server.passes.items():
            if not names or name in names:
                run()
