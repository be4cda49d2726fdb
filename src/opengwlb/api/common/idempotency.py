"""ClientToken: the same token with the same arguments answers with what the first call made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from opengwlb.api.context import Context
from opengwlb.model.account import ClientToken
from opengwlb.model.snapshot import Stored
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

T = TypeVar("T", bound=Stored)

REMEMBERED_S = 24 * 3600.0
"""A token is good for a day; botocore makes one for every call of some operations, so they must not pile up."""


def idempotent(
    ctx: Context,
    tx: Transaction,
    action: str,
    params: Mapping[str, Any],
    *,
    kind: type[T],
    make: Callable[[], tuple[T, ...]],
) -> tuple[T, ...]:
    """`make()` once per token; later calls get the same objects as they are now.

    Objects that were deleted meanwhile are left out; when all are gone, `make` runs again.
    `make` must put what it returns.
    Errors: IdempotentParameterMismatch for the same token with other arguments.
    """
    token = params.get("ClientToken")
    if not token:
        return make()
    for old in [each for each in tx.values(ClientToken) if each.expires is not None and each.expires <= ctx.now]:
        tx.delete(ClientToken, old.id)
    token_id = f"{ctx.account}/{ctx.region}/{action}/{token}"
    arguments = {name: value for name, value in params.items() if name not in ("ClientToken", "DryRun")}
    digest = hashlib.sha256(json.dumps(arguments, sort_keys=True, default=str).encode()).hexdigest()
    known = tx.get(ClientToken, token_id)
    if known is not None:
        if known.arguments_sha256 != digest:
            raise AwsError(
                "IdempotentParameterMismatch",
                "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).",
            )
        there = tuple(found for each in known.resource_id.split(",") if (found := tx.get(kind, each)) is not None)
        if there:
            return there
    made = make()
    tx.put(
        ClientToken(
            id=token_id,
            arguments_sha256=digest,
            resource_id=",".join(each.id for each in made),
            expires=ctx.now + REMEMBERED_S,
        )
    )
    return made
