"""Times: seconds since the epoch inside, `datetime` in answers, as botocore gives them."""

from __future__ import annotations

from datetime import UTC, datetime


def timestamp(seconds: float) -> datetime:
    """Whole seconds in UTC, as EC2 and ELBv2 show them."""
    return datetime.fromtimestamp(int(seconds), tz=UTC)
