"""Images that somebody made, on their pages. An import needs a data plane: only then is there where to keep a disk."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import playwright.sync_api
import pytest
from playwright.sync_api import expect

from opengwlb.cli import credentials
from tests.stories.server import Server

from .chromium import window
from .visitor import Visitor

REFUSED = "Failed to load resource: the server responded with a status of 4"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(name=f"ci{os.getpid() % 10000}", data_dir=tmp_path_factory.mktemp("server") / "data")
    try:
        made.start()
        made.account("one")
        made.account("two")
        yield made
    finally:
        made.down()


def test_an_owner_says_who_may_launch_an_image_and_takes_it_away(
    chromium: playwright.sync_api.Browser, server: Server, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    (root / "bin").mkdir(parents=True)
    shutil.copy("/bin/sh", root / "bin" / "sh")
    owner, other = (str(server.client("sts", each).get_caller_identity()["Account"]) for each in ("one", "two"))
    made = server.gwlb("image", "import", str(root), "--kind", "rootfs", "--as", "own", "--owner", owner, "--json")
    image = json.loads(made.stdout)["id"]
    ec2 = server.client("ec2", "two")
    with window(chromium, endpoint=server.endpoint, language="en") as opened:
        page = opened.page
        visitor = Visitor(page, endpoint=server.endpoint, language="en")
        visitor.open()
        key = credentials.profile(server.data_dir, name="one")
        visitor.sign_in(access_key=key.access_key, secret_key=key.secret_key)
        expect(page.get_by_test_id("checklist")).to_be_visible()
        visitor.open(f"images/{image}?tab=permissions")
        page.get_by_test_id("edit-permissions").click()
        typed = page.get_by_test_id("accounts-field").locator("textarea")
        typed.fill("12")
        visitor.submit()
        expect(page.get_by_test_id("permissions-form")).to_contain_text("InvalidAMIAttributeItemValue")
        expect(typed).to_have_value("12")
        typed.fill(other)
        visitor.submit()
        expect(page.get_by_test_id("accounts")).to_have_text(other)
        assert [each["ImageId"] for each in ec2.describe_images(ImageIds=[image])["Images"]] == [image]
        page.get_by_test_id("deregister").click()
        page.get_by_test_id("confirm").click()
        page.wait_for_url("**/console/images")
        assert server.client("ec2", "one").describe_images(Owners=["self"])["Images"] == []
        opened.forgive(REFUSED)
