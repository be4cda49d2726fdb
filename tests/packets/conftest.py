"""The load balancers that the packet tests share: building one takes half a second."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .harness import Lab

ROOT = Path(__file__).parents[2]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.geteuid() != 0:
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason="packet tests make namespaces and load programs: root only"))


@pytest.fixture(scope="session", autouse=True)
def _compiled() -> None:
    """The objects are those of this tree's sources."""
    subprocess.run(["make", "-s", "-C", str(ROOT / "bpf")], check=True)


@pytest.fixture(scope="module")
def labs() -> Iterator[Callable[..., Lab]]:
    """Makes labs; all are taken away at the end of the module."""
    made: list[Lab] = []

    def make(name: str, *, max_flows: int = 4096, **how: object) -> Lab:
        lab = Lab(name, max_flows=max_flows)
        made.append(lab)
        lab.build(**how)  # type: ignore[arg-type]
        return lab

    yield make
    for lab in made:
        lab.close()
