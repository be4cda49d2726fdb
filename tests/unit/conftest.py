"""A caller with an empty store, and one with the tutorial's VPC, for the tests of actions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from api_harness import Api
from api_lab import Lab, make_lab

from opengwlb.store.sqlite import SqliteStore


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    store = SqliteStore(tmp_path / "opengwlb.db", clock=lambda: 1_800_000_000.0)
    yield Api(store=store)
    store.close()


@pytest.fixture
def lab(api: Api) -> Lab:
    return make_lab(api)
