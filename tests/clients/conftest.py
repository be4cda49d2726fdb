"""One server for each module of judges, with a provider's and a consumer's account."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.stories.server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Server]:
    """Signatures are checked; what a call starts is settled before its answer, so waiters return at their first look."""
    yield from judged_server(tmp_path_factory, label=request.module.__name__.rsplit("_", 1)[-1])


def judged_server(tmp_path_factory: pytest.TempPathFactory, *, label: str) -> Iterator[Server]:
    made = Server(
        name=f"cl{os.getpid() % 10000}{label[:6]}",
        data_dir=tmp_path_factory.mktemp("server") / "data",
        options=("--data-plane", "none", "--test-hooks"),
    )
    try:
        made.start()
        made.account("provider")
        made.account("consumer")
        yield made
    finally:
        made.down()
