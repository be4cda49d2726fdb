"""What others wrote lies in build/conformance; without `make conformance` nothing here is collected."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.conftest import judged_server
from tests.stories.server import Server

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "build" / "conformance"

if "CONFORMANCE" not in os.environ:
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Server]:
    """Signatures are checked, what a call starts is settled before its answer; accounts `provider` and `consumer` exist."""
    yield from judged_server(tmp_path_factory, label=request.module.__name__.rsplit("_", 1)[-1])
