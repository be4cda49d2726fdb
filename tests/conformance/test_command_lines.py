"""One story at three command lines: AWS CLI version 1 (a wheel), version 2 (Debian's package) and awslocal (PyPI).

Each command is a new interpreter that loads botocore; there are about seventy. The tutorial in tests/stories has version 1 with packets.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.stories.server import BIN, Server

from .cli_story import Shell, story
from .conftest import TOOLS

DEBIAN = "/usr/bin/aws"


def shells(server: Server, program: str, **more: str) -> tuple[Shell, Shell]:
    """Of the provider and of the consumer."""
    provider, consumer = (
        Shell(program, environment=server.environment(account) | more) for account in ("provider", "consumer")
    )
    return provider, consumer


@pytest.mark.timeout(900)
def test_version_1_builds_looks_runs_again_and_removes(server: Server, tmp_path: Path):
    provider, consumer = shells(server, str(BIN / "aws"))
    assert provider.run("--version").stdout.startswith("aws-cli/1.")
    story(provider, consumer, scratch=tmp_path)


@pytest.mark.timeout(900)
def test_version_2_builds_looks_runs_again_and_removes(server: Server, tmp_path: Path):
    provider, consumer = shells(server, str(with_endpoint(DEBIAN, server, tmp_path)))
    assert provider.run("--version").stdout.startswith("aws-cli/2.")
    story(provider, consumer, scratch=tmp_path)


@pytest.mark.timeout(900)
def test_awslocal_builds_looks_runs_again_and_removes(server: Server, tmp_path: Path):
    """It has its own word for the address, and gives it to the AWS CLI beside it."""
    address = urlsplit(server.endpoint)
    binaries = TOOLS / "venv" / "bin"
    more = {"LOCALSTACK_HOST": f"{address.hostname}:{address.port}", "PATH": f"{binaries}:/usr/bin:/bin"}
    provider, consumer = shells(server, str(binaries / "awslocal"), **more)
    story(provider, consumer, scratch=tmp_path)


def with_endpoint(program: str, server: Server, directory: Path) -> Path:
    """2.9 knows `--endpoint-url` but not AWS_ENDPOINT_URL, which came with 2.13: a wrapper, as its users have one."""
    wrapper = directory / "aws"
    wrapper.write_text(f'#!/bin/sh\nexec {program} --endpoint-url {server.endpoint} "$@"\n')
    wrapper.chmod(0o755)
    return wrapper
