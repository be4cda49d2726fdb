"""moto's tests judge the API: each passes, or moto.toml says why not."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.stories.server import Server

from . import moto_suite
from .conftest import TOOLS


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Outcome of every test that was run."""
    (archive,) = (TOOLS / "sdist").glob("moto-*.tar.gz")
    tree = moto_suite.unpacked(archive, into=TOOLS / "moto")
    server = Server(
        name=f"cf{os.getpid() % 10000}moto",
        data_dir=tmp_path_factory.mktemp("moto") / "data",
        options=("--data-plane", "none", "--auth", "off", "--test-hooks"),
    )
    try:
        server.start()
        yield moto_suite.run(
            tree,
            python=TOOLS / "venv" / "bin" / "python",
            endpoint=server.endpoint,
            leave=tuple(moto_suite.exceptions().modules),
        )
    finally:
        server.down()


@pytest.mark.timeout(moto_suite.LONGEST_S + 60)
def test_every_test_of_moto_passes_but_those_that_are_named_with_a_reason(
    judged: dict[str, str], capsys: pytest.CaptureFixture[str]
):
    expected = moto_suite.exceptions()
    with capsys.disabled():
        counts = moto_suite.counted(judged, expected)
        print("\nmoto:", ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())))
    wrong = {name: said for name, said in judged.items() if said not in ("passed", "skipped")}
    surprising = {name: said for name, said in wrong.items() if name not in expected.tests}
    assert not surprising, "\n".join(f"{name}: {said}" for name, said in surprising.items())


def test_what_is_named_with_a_reason_still_does_not_pass(judged: dict[str, str]):
    """A name that passes, or that no longer exists, comes off the list."""
    listed = moto_suite.exceptions().tests
    assert not [name for name in listed if judged.get(name) in ("passed", "skipped")]
    assert not [name for name in listed if name not in judged]
