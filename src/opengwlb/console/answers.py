"""What the console's own calls are asked and answer, as types: the pages' TypeScript comes from them."""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class SignedIn(msgspec.Struct):
    """An account that this browser has a session of."""

    account: str
    name: str
    operator: bool
    """Sees everything, and may enter any account."""
    access_key: str


class SessionState(msgspec.Struct):
    """`accounts` is empty when nobody is logged in."""

    accounts: tuple[SignedIn, ...]
    default_region: str
    regions: tuple[str, ...]
    data_plane: Literal["kernel", "none"]
    version: str


class LoginAsked(msgspec.Struct, forbid_unknown_fields=True):
    """An access key with its secret, or the token that `gwlb console` made."""

    access_key: str = ""
    secret_key: str = ""
    token: str = ""


class SwitchAsked(msgspec.Struct, forbid_unknown_fields=True):
    """Which account the operator enters."""

    account: str


class EquivalentAsked(msgspec.Struct, forbid_unknown_fields=True):
    """A call as the bridge takes it."""

    service: str
    operation: str
    parameters: dict[str, Any] = {}


class Equivalent(msgspec.Struct):
    """The same call as text to copy."""

    aws: str
    boto3: str
