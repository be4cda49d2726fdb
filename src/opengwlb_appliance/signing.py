"""Messages between a fleet's manager and its appliances: signed with a key that both have, so that whoever stands between them can read
a policy and not change it, nor send an older one again."""

from __future__ import annotations

import hashlib
import hmac

TIME_HEADER, SIGNATURE_HEADER = "X-Manager-Time", "X-Manager-Signature"
FRESH_S = 300.0
"""How far apart the clocks of manager and appliance may be."""


def of_request(key: bytes, *, method: str, target: str, time: str, body: bytes) -> str:
    """`target` is path and query as sent; `time` seconds since the epoch as text."""
    return _sign(key, method.encode(), target.encode(), time.encode(), body)


def of_answer(key: bytes, *, request: str, status: int, body: bytes) -> str:
    """Bound to the signature of the request that it answers."""
    return _sign(key, request.encode(), str(status).encode(), body)


def equal(one: str, other: str) -> bool:
    """Takes as long for a wrong signature as for a right one."""
    return hmac.compare_digest(one.encode(), other.encode())


def _sign(key: bytes, *parts: bytes) -> str:
    digest = hmac.new(key, digestmod=hashlib.sha256)
    for part in parts:
        # With its length, so that no byte can move from one part to the next.
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()
