"""What is below the API: how much a server may say of itself follows from this one value, which app.py hands to `api` and `control`."""

from __future__ import annotations

from enum import StrEnum


class Mode(StrEnum):
    KERNEL = "kernel"
    """Packets, instances and health checks are real."""
    ABSENT = "absent"
    """`--data-plane none`: objects are kept, nothing is carried; no target is checked, and each is reported `unavailable`."""
    SUITES = "suites"
    """`--data-plane none --test-hooks`, for API test suites. Three exceptions from ABSENT and no more: what a call starts is finished
    before its answer is sent, any well-formed image id is one, and targets become healthy after their threshold without a probe."""
