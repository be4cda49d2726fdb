"""Temporary credentials that nobody has to remember: the session token carries who it is for, signed; the secret follows from it.

So nothing is stored for a session, and one that was given before a restart holds after it. Times are seconds since the epoch.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import asdict, dataclass

_MAC_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    account: str
    role: str = ""
    """ARN of the role; empty for a session of the account itself (GetSessionToken)."""
    role_id: str = ""
    """`AROA…`: a role that was deleted and made again does not inherit the sessions of the first."""
    name: str = ""
    issued: int
    expires: int
    nonce: str
    """Tells sessions that are otherwise equal apart."""
    policies: tuple[str, ...] = ()
    """Session policies: documents, and ARNs of managed policies. What they do not allow, the session may not do."""

    @property
    def arn(self) -> str:
        """`arn:aws:sts::ACCOUNT:assumed-role/ROLE/NAME`, or the account's root."""
        if not self.role:
            return f"arn:aws:iam::{self.account}:root"
        return f"arn:aws:sts::{self.account}:assumed-role/{self.role.rsplit('/', 1)[-1]}/{self.name}"

    @property
    def user_id(self) -> str:
        return f"{self.role_id}:{self.name}" if self.role else self.account


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    access_key: str
    """`ASIA` + 16 characters."""
    secret: str
    token: str
    session: Session


def issue(session: Session, *, key: bytes) -> Credentials:
    """The same session always gets the same credentials."""
    claims = json.dumps(asdict(session), separators=(",", ":"), sort_keys=True).encode()
    token = base64.b64encode(_mac(key, b"token", claims) + claims).decode()
    return _credentials(token, session, key=key)


def read(token: str, *, key: bytes) -> Credentials | None:
    """The credentials of a token that `key` signed; None for any other. Expiry is the caller's to judge."""
    try:
        raw = base64.b64decode(token, validate=True)
    except (binascii.Error, ValueError):
        return None
    mac, claims = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(key, b"token", claims)):
        return None
    said = json.loads(claims)
    return _credentials(token, Session(**said | {"policies": tuple(said.get("policies", ()))}), key=key)


def seal(text: str, *, key: bytes, purpose: str) -> str:
    """`text` with a proof that `key` made it, for `purpose` alone; URL-safe."""
    claims = text.encode()
    return base64.urlsafe_b64encode(_mac(key, purpose.encode(), claims) + claims).decode().rstrip("=")


def unseal(sealed: str, *, key: bytes, purpose: str) -> str | None:
    try:
        raw = base64.b64decode(sealed + "=" * (-len(sealed) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    mac, claims = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    return claims.decode() if hmac.compare_digest(mac, _mac(key, purpose.encode(), claims)) else None


def unique_id(prefix: str, seed: bytes) -> str:
    """AWS's form of an identifier (`AROA…`, `ASIA…`): the prefix and 16 letters and digits that follow from `seed`."""
    return prefix + base64.b32encode(hashlib.sha256(seed).digest())[:16].decode()


def _credentials(token: str, session: Session, *, key: bytes) -> Credentials:
    return Credentials(
        access_key=unique_id("ASIA", _mac(key, b"access key", token.encode())),
        secret=base64.b64encode(_mac(key, b"secret", token.encode())[:30]).decode(),
        token=token,
        session=session,
    )


def _mac(key: bytes, purpose: bytes, text: bytes) -> bytes:
    return hmac.digest(key, purpose + b"\0" + text, "sha256")
