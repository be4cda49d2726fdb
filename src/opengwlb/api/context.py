"""What an action gets besides its parameters, and the table of actions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from opengwlb.model.mode import Mode
from opengwlb.store.metrics import MetricStore
from opengwlb.store.protocol import Store

Parameters = dict[str, Any]
"""As botocore would take them: member names of the service model, parsed to Python types."""
Answer = dict[str, Any]
"""As botocore would return them, without ResponseMetadata."""


def _may_everything(action: str, resource: str) -> None:
    return


def _silent_console(instance_id: str) -> bytes:
    return b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    account: str
    region: str
    access_key: str
    request_id: str
    now: float
    """Seconds since the epoch, read once per call."""
    store: Store
    role: str = ""
    """ARN of the role that the caller is a session of; empty: the account's root."""
    session_arn: str = ""
    """Of a role's session."""
    user_id: str = ""
    """Of a role's session: `AROA…:NAME`."""
    authorise: Callable[[str, str], None] = _may_everything
    """(action, resource ARN): raises AccessDenied unless the caller may do this too. The operation itself was asked already."""
    console: Callable[[str], bytes] = _silent_console
    """Instance id -> what its serial console printed so far; given by who runs the instances."""
    metrics: MetricStore | None = None
    """CloudWatch's data points; None where nobody keeps any."""

    mode: Mode = Mode.KERNEL
    """What is below the API."""

    @property
    def caller_arn(self) -> str:
        return self.session_arn or f"arn:aws:iam::{self.account}:root"

    def arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


Action = Callable[[Context, Parameters], Answer]

ACTIONS: dict[tuple[str, str], Action] = {}
"""(service, operation) -> function; service is botocore's name: `ec2`, `elbv2`, `sts`."""


def action(service: str, operation: str) -> Callable[[Action], Action]:
    """Register a function as the implementation of an AWS operation."""

    def register(function: Action) -> Action:
        assert (service, operation) not in ACTIONS, f"{service} {operation} is registered twice"
        ACTIONS[service, operation] = function
        return function

    return register
