"""Accounts and the access keys that sign for them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    id: str
    """12 digits."""
    name: str
    """What `gwlb env NAME` takes; unique."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    id: str
    """`AKIA` + 16 characters."""
    account: str
    secret: str
    active: bool = True
    """One that is not signs nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaSetting:
    """A quota of an account that is not AWS's default any more."""

    id: str
    """`account/name`."""
    account: str
    name: str
    """One of `policy.quotas.QUOTAS`."""
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientToken:
    """Idempotency: the same token with the same arguments answers with the object made the first time."""

    id: str
    """`account/region/Action/token`."""
    arguments_sha256: str
    resource_id: str
    """What the first call made; comma-separated where it made several (RunInstances)."""
    expires: float | None = None
    """Seconds since the epoch; None: kept for good."""
