"""Who asks one of the server's own calls: by signature, or by a session of the console."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from starlette.requests import Request

from opengwlb.api import accounts
from opengwlb.console.console import Console
from opengwlb.store.protocol import Store
from opengwlb.wire.body import without_body
from opengwlb.wire.errors import AccessDenied, AwsError
from opengwlb.wire.gateway import Gateway
from opengwlb.wire.sigv4 import read_signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Callers:
    store: Store
    gateway: Gateway
    console: Console
    auth: Literal["sigv4", "off"]

    def account_of(self, request: Request, body: bytes) -> str:
        """The caller's account. Raises AwsError."""
        visiting = self.console.account_of(request)
        if visiting is not None:
            return visiting
        received = replace(without_body(request), body=body)
        caller = self.gateway.authenticator.authenticate(received, service="gwlb")
        if caller.role:
            raise AccessDenied("OpenGWLB's own calls need an account's key: policies of roles do not know them.")
        return caller.account

    def may_listen(self, request: Request, account: str) -> bool:
        """Whether who asked then might still ask now: a signature is too old by now, but its key must be there."""
        try:
            visiting = self.console.account_of(request)
            if visiting is not None or self.auth == "off":
                return visiting in (None, account)
            key = read_signature(without_body(request)).access_key
        except AwsError:
            return False
        return accounts.find_credential(self.store, key) is not None
