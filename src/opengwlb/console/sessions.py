"""Tokens of the console: who may act as an account, without the server remembering anything.

A token names an access key, when it ends and what it is for, under an HMAC whose key is derived from that access key's secret. So it ends
with the access key, lives through a restart, and cannot be made by whoever reads the store's backup of another account's.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable

SESSION_S = 12 * 3600
"""A session lasts a working day, like AWS's console's."""
LOGIN_S = 300
"""A login token is used at once: it stood in somebody's terminal."""

_SESSION = "session"
_LOGIN = "login"
_TOKEN = re.compile(r"(?P<key>\w{1,128})\.(?P<expires>\d{1,12})\.(?P<mac>[0-9a-f]{64})", re.ASCII)


def session_token(access_key: str, secret: str, *, now_s: float) -> str:
    """A cookie's value: whoever holds it acts as the access key's account for `SESSION_S`."""
    return _made(access_key, secret, purpose=_SESSION, expires_s=int(now_s) + SESSION_S)


def login_token(access_key: str, secret: str, *, now_s: float) -> str:
    """What `/console/#token=…` takes in place of the secret, for `LOGIN_S`."""
    return _made(access_key, secret, purpose=_LOGIN, expires_s=int(now_s) + LOGIN_S)


def session_key(token: str, *, secret_of: Callable[[str], str | None], now_s: float) -> str | None:
    """The access key whose session this is; None when it has ended, was changed, or `secret_of` knows no such key (any more)."""
    return _verified(token, purpose=_SESSION, secret_of=secret_of, now_s=now_s)


def login_key(token: str, *, secret_of: Callable[[str], str | None], now_s: float) -> str | None:
    """As `session_key`, of a login token."""
    return _verified(token, purpose=_LOGIN, secret_of=secret_of, now_s=now_s)


def nameable(access_key: str) -> bool:
    """Whether a token can name it: letters, digits and underscores, at most 128."""
    return re.fullmatch(r"\w{1,128}", access_key, re.ASCII) is not None


def _made(access_key: str, secret: str, *, purpose: str, expires_s: int) -> str:
    return f"{access_key}.{expires_s}.{_mac(access_key, secret, purpose=purpose, expires_s=expires_s)}"


def _verified(token: str, *, purpose: str, secret_of: Callable[[str], str | None], now_s: float) -> str | None:
    read = _TOKEN.fullmatch(token)
    if read is None:
        return None
    access_key, expires_s = read["key"], int(read["expires"])
    secret = secret_of(access_key)
    if secret is None or expires_s <= now_s:
        return None
    expected = _mac(access_key, secret, purpose=purpose, expires_s=expires_s)
    return access_key if hmac.compare_digest(expected, read["mac"]) else None


def _mac(access_key: str, secret: str, *, purpose: str, expires_s: int) -> str:
    key = hmac.digest(secret.encode(), b"opengwlb console", hashlib.sha256)
    return hmac.digest(key, f"{purpose}\n{access_key}\n{expires_s}".encode(), hashlib.sha256).hex()
