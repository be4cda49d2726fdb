"""The AWS SDK for JavaScript, version 3: smithy's clients, waiters and paginators, none of botocore's code."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.stories.server import REGION, Server

from .conftest import TOOLS


@pytest.mark.timeout(300)
def test_the_javascript_sdk_builds_looks_runs_again_and_removes(server: Server):
    story = Path(shutil.copy(Path(__file__).parent / "javascript" / "story.mjs", TOOLS / "javascript"))
    environment = server.environment("operator") | {"AWS_REGION": REGION}
    del environment["AWS_PROFILE"]
    told = subprocess.run(["node", str(story)], env=environment, capture_output=True, text=True, timeout=240)
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["removed"] > 20
