"""Appliances that are not built in, by clicking: imported and shared by the operator, or by a company's catalogue with terms to accept."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from opengwlb.cli import client, console, credentials
from tests.instances.image_maker import make_root
from tests.stories.cloud import allowed, let_in
from tests.stories.server import Server, until

from . import network
from .chromium import Window, window
from .visitor import Visitor
from .words import LANGUAGES

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="instances need root")
REFUSED = "Failed to load resource: the server responded with a status of 4"
CATALOGUE = """\
catalogue = 1

[[product]]
code = "acme-firewall"
name = "acme/catalogued"
vendor = "Acme"
version = "4.2"
description = "Acme's firewall"
terms = "Acme's terms."
source = "root.tar"
kind = "rootfs"
"""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(name=f"cp{os.getpid() % 10000}", data_dir=tmp_path_factory.mktemp("cloud") / "data")
    try:
        yield made.start()
    finally:
        made.down()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root file system that starts the appliance when it boots."""
    place = tmp_path_factory.mktemp("image")
    root = make_root(place / "root")
    (root / "start").rename(root / "etc/rc.local")
    subprocess.run(["tar", "-C", str(root), "-cf", str(place / "root.tar"), "."], check=True)
    return place / "root.tar"


@pytest.fixture
def opened(chromium: Browser, cloud: Server) -> Iterator[Window]:
    with window(chromium, endpoint=cloud.endpoint, language="en") as made:
        yield made


@pytest.fixture
def visitor(opened: Window, cloud: Server) -> Visitor:
    return Visitor(opened.page, endpoint=cloud.endpoint, language="en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_operator_imports_shares_and_deregisters_an_image(
    chromium: Browser, cloud: Server, archive: Path, language: str
) -> None:
    friend = cloud.account(f"friend-{language}")
    with window(chromium, endpoint=cloud.endpoint, language=language) as made:
        visitor = Visitor(made.page, endpoint=cloud.endpoint, language=language)
        visitor.page.goto(console.link(cloud.name, account="operator"))
        visitor.menu("images")
        visitor.click("import")
        visitor.fill("source", "/nowhere/root.tar")
        visitor.fill("name", f"acme/{language}")
        visitor.fill("vendor", "Acme")
        visitor.submit()
        expect(visitor.page.get_by_text(re.compile("ImportFailed: /nowhere/root.tar"))).to_be_visible()
        expect(visitor.page.get_by_test_id("vendor").locator("input")).to_have_value("Acme")
        visitor.fill("source", str(archive))
        visitor.submit()
        visitor.page.wait_for_url(re.compile("/images/ami-[0-9a-f]{17}$"))
        image = visitor.page.url.rpartition("/")[2]
        assert _shown(cloud, "operator", image)[0]["Name"] == f"acme/{language}"

        _act(visitor, "permissions")
        visitor.button("images:permissions.add")
        number = visitor.page.get_by_label(visitor.text("images:permissions.account"), exact=True)
        number.last.fill("12")
        form = visitor.page.get_by_test_id("permissions-form")
        form.get_by_test_id("submit").click()
        expect(form.get_by_text(re.compile("InvalidAMIAttributeItemValue"))).to_be_visible()
        number.last.fill(friend)
        form.get_by_test_id("submit").click()
        expect(form).to_have_count(0)
        assert _shown(cloud, f"friend-{language}", image), "who it is shared with does not see it"

        _act(visitor, "deregister")
        visitor.page.get_by_test_id("deregister-form").get_by_test_id("submit").click()
        visitor.page.wait_for_url("**/console/images")
        visitor.told("images:deregister.done", id=image)
        assert not _shown(cloud, f"friend-{language}", image)
        made.forgive(REFUSED)


def test_an_import_that_is_stopped_leaves_nothing(visitor: Visitor, cloud: Server, tmp_path: Path) -> None:
    pipe = tmp_path / "slow.tar"
    os.mkfifo(pipe)
    visitor.page.goto(console.link(cloud.name, account="operator"))
    visitor.menu("images")
    visitor.click("import")
    visitor.fill("source", str(pipe))
    visitor.fill("name", "acme/slow")
    visitor.choose("kind", visitor.text("images:import.kinds.rootfs"))
    visitor.submit()
    with pipe.open("wb"):
        visitor.button("images:import.stop")
        expect(visitor.page.get_by_role("button", name=visitor.text("images:import.stop"))).to_have_count(0)
    expect(visitor.page.get_by_test_id("name").locator("input")).to_have_value("acme/slow")
    incoming = cloud.data_dir / "images" / "incoming"
    until(lambda: not list(incoming.glob("*")), what="nothing is left of the import")
    assert not [one for one in _images(cloud) if one["name"] == "acme/slow"]


def test_a_partners_catalogued_appliance_becomes_a_healthy_target(
    visitor: Visitor, opened: Window, cloud: Server, archive: Path
) -> None:
    catalogue = archive.with_name("catalogue.toml")
    catalogue.write_text(CATALOGUE)
    cloud.account("partner")
    security = network.security(cloud, "partner")
    ec2 = cloud.client("ec2", "partner")
    let_in(ec2, security.vpc, allowed("udp", 6081, "10.9.0.0/16"), allowed("tcp", 80, "10.9.0.0/16"))

    visitor.page.goto(console.link(cloud.name, account="operator"))
    visitor.menu("marketplace")
    visitor.fill("location", str(catalogue))
    visitor.page.get_by_test_id("catalogue-form").get_by_test_id("submit").click()
    expect(visitor.page.get_by_test_id("product-acme-firewall")).to_be_visible()
    product = next(one for one in _products(cloud) if one["product_code"] == "acme-firewall")["id"]
    told = {"image": product, "passed": 75, "failed": 1, "skipped": 0, "failed_checks": ["flows.icmp-errors"]}
    _tell(cloud, told)
    result = visitor.text("certify:result_other", count=76, passed=75, failed=1, skipped=0).partition("{{")[0]
    expect(visitor.page.get_by_test_id("product-acme-firewall")).to_contain_text(result)

    key = credentials.profile(cloud.data_dir, name="partner")
    visitor.add_account(access_key=key.access_key, secret_key=key.secret_key)
    expect(visitor.page.locator("#top-bar")).to_contain_text("partner")
    visitor.open(f"instances/launch?image={product}")
    visitor.fill("name", "catalogued")
    visitor.choose("vpc", security.vpc)
    visitor.choose("subnet", security.subnet)
    visitor.submit()
    expect(visitor.page.get_by_text(re.compile("OptInRequired: "))).to_be_visible()
    visitor.click("terms-first")
    visitor.page.get_by_test_id("accept-terms").get_by_role("checkbox").check(force=True)
    visitor.page.get_by_test_id("accept-form").get_by_test_id("submit").click()
    expect(visitor.page.get_by_test_id("accept-form")).to_have_count(0)
    expect(visitor.page.get_by_test_id("name").locator("input")).to_have_value("catalogued")
    visitor.submit()
    visitor.page.wait_for_url("**/console/instances")
    instance = _running(ec2)
    _becomes_healthy(cloud, security, instance)
    _its_groups_are_changed(visitor, ec2, security, instance)

    visitor.enter("operator")
    visitor.menu("marketplace")
    visitor.page.get_by_test_id("catalogues").get_by_role("row").filter(has_text=str(catalogue)).locator("input").check(
        force=True
    )
    visitor.click("remove-catalogue")
    visitor.click("confirm")
    expect(visitor.page.get_by_test_id("product-acme-firewall")).to_have_count(0)
    assert _running(ec2) == instance, "its instances do not go on"
    opened.forgive(REFUSED)


def _act(visitor: Visitor, action: str) -> None:
    visitor.button("common:actions")
    visitor.page.get_by_role("menu").get_by_test_id(action).click()


def _shown(cloud: Server, account: str, image: str) -> list[dict[str, Any]]:
    wanted = [{"Name": "image-id", "Values": [image]}]
    return list(cloud.client("ec2", account).describe_images(Filters=wanted)["Images"])


def _images(cloud: Server) -> list[dict[str, Any]]:
    return list(json.loads(cloud.gwlb("image", "list", "--json").stdout)["images"])


def _products(cloud: Server) -> list[dict[str, Any]]:
    return list(json.loads(cloud.gwlb("marketplace", "list", "--json").stdout)["products"])


def _tell(cloud: Server, result: dict[str, Any]) -> None:
    """As `gwlb certify` does at its end."""
    client.operator(cloud.name).post("certifications", result)


def _running(ec2: Any) -> str:
    def look() -> str:
        every = [one for made in ec2.describe_instances()["Reservations"] for one in made["Instances"]]
        return next((str(one["InstanceId"]) for one in every if one["State"]["Name"] == "running"), "")

    return str(until(look, what="the instance runs"))


def _becomes_healthy(cloud: Server, security: network.Security, instance: str) -> None:
    elb = cloud.client("elbv2", "partner")
    group = elb.create_target_group(
        Name="own", Protocol="GENEVE", Port=6081, VpcId=security.vpc, HealthCheckIntervalSeconds=5
    )["TargetGroups"][0]["TargetGroupArn"]
    balancer = elb.create_load_balancer(Name="own", Type="gateway", Subnets=[security.subnet])["LoadBalancers"][0]
    elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"], DefaultActions=[{"Type": "forward", "TargetGroupArn": group}]
    )
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": instance}])

    def look() -> bool:
        (found,) = elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return bool(found["TargetHealth"]["State"] == "healthy")

    until(look, what="a healthy target", seconds=40)


def _its_groups_are_changed(visitor: Visitor, ec2: Any, security: network.Security, instance: str) -> None:
    group = ec2.create_security_group(GroupName="more", Description="more", VpcId=security.vpc)["GroupId"]
    visitor.open(f"instances/{instance}?tab=security")
    visitor.click("change-groups")
    visitor.choose("groups", group)
    visitor.page.keyboard.press("Escape")
    form = visitor.page.get_by_test_id("groups-form")
    form.get_by_test_id("submit").click()
    expect(form).to_have_count(0)
    expect(visitor.page.get_by_role("link", name=group)).to_be_visible()
