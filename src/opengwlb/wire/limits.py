"""How many requests a second an account may make: AWS's token buckets, one for calls that look and one for calls that change something.

AWS documents such buckets per account, region and class of action (EC2 API Reference, "Throttle requests for the Amazon EC2 API"); its
numbers are for a shared service, ours keep one client's runaway loop from everybody else. Time is passed in.
"""

from __future__ import annotations

import re
from collections import OrderedDict

BURST_S = 10
"""A bucket holds what comes in in this many seconds: a test suite's burst passes."""
MOST_BUCKETS = 4096
"""Remembered at once. The one that was asked longest ago is forgotten, and with it what it owes: by then it is full again, or somebody
has made thousands of accounts."""
_LOOKS = re.compile(r"(Describe|Get|List|Search|Batch?Get)")


def looks(action: str) -> bool:
    """Whether a call only looks: AWS counts those by themselves."""
    return _LOOKS.match(action) is not None


class Bucket:
    """Tokens that come in at `rate` a second, and of which at most `size` are kept."""

    __slots__ = ("_at", "_left", "rate", "size")

    def __init__(self, *, rate: float, size: float, now: float) -> None:
        self.rate, self.size = rate, size
        self._left, self._at = size, now

    def take(self, *, now: float) -> bool:
        """Whether there was one. A clock that went back brings nothing in, and takes nothing away."""
        self._left = min(self.size, self._left + max(0.0, now - self._at) * self.rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Limits:
    """Buckets by whatever they are asked about. Not for several threads at once. `rate` 0: no limit."""

    def __init__(self, *, rate: float) -> None:
        self._rate = rate
        self._buckets: OrderedDict[tuple[str, ...], Bucket] = OrderedDict()

    def allow(self, *who: str, now: float) -> bool:
        """Whether one more of these is allowed; it is counted if so."""
        if not self._rate:
            return True
        bucket = self._buckets.get(who)
        if bucket is None:
            bucket = self._buckets[who] = Bucket(rate=self._rate, size=self._rate * BURST_S, now=now)
            if len(self._buckets) > MOST_BUCKETS:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(who)
        return bucket.take(now=now)
