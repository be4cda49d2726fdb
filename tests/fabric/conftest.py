from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from opengwlb.fabric import Fabric

NAME = "fab"
OTHER_NAME = "fab-b"


def _fabric(name: str) -> Iterator[Fabric]:
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    fabric = Fabric(name=name, run_dir=Path("/run/opengwlb") / name)
    fabric.destroy()
    try:
        yield fabric
    finally:
        fabric.destroy()


@pytest.fixture
def fabric() -> Iterator[Fabric]:
    yield from _fabric(NAME)


@pytest.fixture
def other_fabric() -> Iterator[Fabric]:
    yield from _fabric(OTHER_NAME)
