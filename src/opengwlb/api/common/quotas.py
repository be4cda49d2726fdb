"""Quotas as actions ask for them: what the caller's account may have, and AWS's error beyond it.

`policy.quotas` has every quota's name, default and error; `gwlb account quota` changes them for an account.
"""

from __future__ import annotations

from opengwlb.api.context import Context
from opengwlb.model.account import QuotaSetting
from opengwlb.model.snapshot import View
from opengwlb.policy.quotas import LARGEST, QUOTAS, Quota, refusal
from opengwlb.store.protocol import Store, Transaction
from opengwlb.wire.errors import AwsError


def limit(ctx: Context, view: View, name: str) -> int:
    """How many the caller's account may have. `name` is one of `policy.quotas.QUOTAS`."""
    return limit_of(view, name, account=ctx.account)


def limit_of(view: View, name: str, *, account: str) -> int:
    setting = view.get(QuotaSetting, f"{account}/{name}")
    return QUOTAS[name].default if setting is None else setting.value


def check(ctx: Context, view: View, name: str, *, count: int) -> None:
    """Raise AWS's error for this quota (`VpcLimitExceeded` …) when `count`, with what is to be made, is above it."""
    most = limit(ctx, view, name)
    if count > most:
        quota = QUOTAS[name]
        raise AwsError(quota.error, refusal(quota, most))


def set_limit(store: Store, *, account: str, name: str, value: int) -> Quota:
    """Change a quota of an account; what it has already stays. Raises NoSuchEntity, ValidationError."""
    quota = QUOTAS.get(name)
    if quota is None:
        raise AwsError("NoSuchEntity", f"There is no quota '{name}'; there are {', '.join(QUOTAS)}.", status=404)
    if not quota.adjustable:
        raise AwsError("ValidationError", f"'{name}' is always {quota.default}: it cannot be changed.")
    if not 0 <= value <= LARGEST:
        raise AwsError("ValidationError", f"A quota is a number from 0 to {LARGEST}.")

    def work(tx: Transaction) -> None:
        tx.put(QuotaSetting(id=f"{account}/{name}", account=account, name=name, value=value))

    store.transact(work)
    return quota
