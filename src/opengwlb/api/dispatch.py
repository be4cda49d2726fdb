"""From a parsed call to an answer: the one function that the wire calls, and the list of what it can be asked."""

from __future__ import annotations

from collections.abc import Callable, KeysView
from typing import Protocol

import opengwlb.api.cloudwatch
import opengwlb.api.ec2
import opengwlb.api.elbv2
import opengwlb.api.iam
import opengwlb.api.service_quotas
import opengwlb.api.ssm
import opengwlb.api.sts
import opengwlb.api.tagging  # noqa: F401  (importing registers the actions)
from opengwlb.api import authorisation
from opengwlb.api.common.defaults import ensure_region
from opengwlb.api.context import ACTIONS, Answer, Context
from opengwlb.api.standing import guard
from opengwlb.model.mode import Mode
from opengwlb.store.metrics import MetricStore
from opengwlb.store.protocol import Store
from opengwlb.wire.errors import AwsError


class Call(authorisation.Asking, Protocol):
    """What the wire knows once a request is parsed, checked against the model and authenticated."""

    @property
    def access_key(self) -> str: ...
    @property
    def request_id(self) -> str: ...


GLOBAL = ("sts", "iam", "ssm", "cloudwatch", "resourcegroupstaggingapi", "service-quotas")
"""Services that need no VPC: asking them makes none."""


def make_handler(
    store: Store,
    clock: Callable[[], float],
    *,
    console: Callable[[str], bytes] | None = None,
    metrics: MetricStore | None = None,
    mode: Mode = Mode.KERNEL,
) -> Callable[[Call], Answer]:
    """The handler of every call. `clock` gives seconds since the epoch; `console` what an instance printed so far; `metrics` keeps
    CloudWatch's data points; `mode` is what is below the API.

    The handler raises AwsError: InvalidAction for what is not in `implemented()`, AccessDenied for what the caller's policies do
    not allow, the guard's refusal of members that nobody acts on, else what the action says.
    """

    def handle(call: Call) -> Answer:
        function = ACTIONS.get((call.service, call.operation))
        if function is None:
            raise AwsError("InvalidAction", f"The action {call.operation} is not valid for this web service.")
        now = clock()
        may = authorisation.Authorisation(store.snapshot(), call, now=now)
        may.operation()
        guard.check(call.service, call.operation, call.params)
        if call.service not in GLOBAL:
            ensure_region(store, account=call.account, region=call.region)
        optional = {} if console is None else {"console": console}
        ctx = Context(
            account=call.account,
            region=call.region,
            access_key=call.access_key,
            request_id=call.request_id,
            now=now,
            store=store,
            role=call.role,
            session_arn=call.arn,
            user_id=call.user_id,
            authorise=may.one,
            metrics=metrics,
            mode=mode,
            **optional,
        )
        return function(ctx, call.params)

    return handle


def implemented() -> KeysView[tuple[str, str]]:
    """(service, operation) of every action."""
    return ACTIONS.keys()
