"""Structures with one member of all that they could have, and with none: an answer or AWS's error, never a mistake of ours.

The random calls of tests/wire fill structures; clients also send an IPv6 address without the address. The calls follow from the shapes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.model import Shape

from opengwlb.api import dispatch
from opengwlb.api.standing import standings
from opengwlb.store.metrics import MetricStore
from opengwlb.store.sqlite import SqliteStore
from opengwlb.wire.errors import AwsError
from opengwlb.wire.models import service as service_of

from .calls import World, world
from .reading import leaves

ACTED_ON = sorted(key for key in dispatch.implemented() if standings()[key].by not in ("refused", "empty"))


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[World]:
    store = SqliteStore(tmp_path / "incomplete.db", clock=lambda: 1_800_000_000.0)
    metrics = MetricStore(tmp_path / "metrics.db")
    yield world(store, metrics=metrics)
    metrics.close()
    store.close()


def hollow(lab: World, shape: Shape, depth: int = 0) -> Iterator[dict[str, Any]]:
    """Parameters with one structure of required members only, for each structure that a call can have: the wire sees to those."""
    for name, member in shape.members.items():
        inner = member.member if member.type_name == "list" else member
        if inner.type_name == "structure" and depth < 4:
            required = lab.required(inner)
            for one in (required, *({**required, **below} for below in hollow(lab, inner, depth + 1))):
                yield {name: [one] if member.type_name == "list" else one}


@pytest.mark.parametrize(("service", "operation"), ACTED_ON)
def test_a_structure_that_lacks_members_is_answered_or_refused(lab: World, service: str, operation: str) -> None:
    shape = service_of(service).model.operation_model(operation).input_shape
    if shape is None:
        return
    for path in leaves(shape):
        lab.refusal(service, operation, path)  # raises what is no AWS error
    least = lab.least(service, operation)
    for params in hollow(lab, shape):
        try:
            lab.call(service, operation, **{**least, **params})
        except AwsError as error:
            assert error.status < 500
