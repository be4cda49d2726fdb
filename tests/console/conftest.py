"""One server for each module, with two accounts beside the operator's, and browsers."""

from __future__ import annotations

import os
from collections.abc import Iterator

import playwright.sync_api
import pytest

from opengwlb.cli import credentials
from tests.stories.server import Server

from . import chromium as program
from .browser import Browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Server]:
    made = Server(
        name=f"co{os.getpid() % 10000}{request.module.__name__.rsplit('_', 1)[-1][:6]}",
        data_dir=tmp_path_factory.mktemp("server") / "data",
        options=("--data-plane", "none"),
    )
    try:
        made.start()
        made.account("one")
        made.account("two")
        yield made
    finally:
        made.down()


@pytest.fixture
def browser(server: Server) -> Iterator[Browser]:
    """Nobody is logged in."""
    with Browser(server.endpoint) as made:
        yield made


@pytest.fixture
def one(server: Server, browser: Browser) -> Browser:
    """Account `one` is logged in."""
    browser.log_in(credentials.profile(server.data_dir, name="one"))
    return browser


@pytest.fixture(scope="session")
def chromium() -> Iterator[playwright.sync_api.Browser]:
    """One for all tests of a run; each opens windows of its own in it."""
    with program.chromium() as made:
        yield made
