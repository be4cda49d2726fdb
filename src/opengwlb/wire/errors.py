"""An AWS error as a value: raised by an action, rendered by the protocol that asked."""

from __future__ import annotations


class AwsError(Exception):
    """`code` is AWS's own; `message` tells the caller what to do; `status` is HTTP's (AWS uses 400 for most)."""

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


class AccessDenied(AwsError):
    """The caller's policies do not permit it; each protocol has a code of its own for that."""

    def __init__(self, message: str) -> None:
        super().__init__("AccessDenied", message, status=403)
