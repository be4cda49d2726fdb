"""The document's walk-through, by clicking, in both languages; then packets say whether it is true."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from opengwlb.cli import console, credentials
from tests.stories.cloud import answers
from tests.stories.server import REGION, Server, until

from . import network
from .chromium import window
from .visitor import Visitor
from .words import LANGUAGES

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="packets need root")
STEPS = ("marketplace", "appliances", "balancer", "endpoints", "routes")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With the kernel's data plane."""
    made = Server(name=f"cw{os.getpid() % 10000}", data_dir=tmp_path_factory.mktemp("cloud") / "data")
    try:
        yield made.start()
    finally:
        made.down()


@pytest.fixture(params=LANGUAGES)
def visitor(request: pytest.FixtureRequest, chromium: Browser, cloud: Server) -> Iterator[Visitor]:
    with window(chromium, endpoint=cloud.endpoint, language=request.param) as opened:
        yield Visitor(opened.page, endpoint=cloud.endpoint, language=request.param)


@pytest.mark.timeout(180)
def test_the_documents_walk_through_by_clicking(visitor: Visitor, cloud: Server) -> None:
    partner, customer = f"partner-{visitor.language}", f"customer-{visitor.language}"
    for account in (partner, customer):
        cloud.account(account)
    security, shop = network.security(cloud, partner), network.consumer(cloud, customer)

    visitor.page.goto(console.link(cloud.name, account=partner))
    _steps_done(visitor)
    _accept_the_partners_firewall(visitor)
    _launch_appliances(visitor, security)
    appliances = _running(cloud, partner, count=2)
    _create_load_balancer(visitor, security, appliances)
    _let_the_load_balancer_in(visitor, security)
    service = _offer_it(visitor)

    key = credentials.profile(cloud.data_dir, name=customer)
    visitor.add_account(access_key=key.access_key, secret_key=key.secret_key)
    endpoint = _create_endpoint(visitor, shop, service)
    _route(visitor, shop.tables["app"], destination="0.0.0.0/0", target=endpoint)
    _route(visitor, shop.tables["endpoint"], destination="0.0.0.0/0", target=shop.igw)
    _route(visitor, shop.tables["edge"], destination=network.APPLICATIONS, target=endpoint)
    _associate_edge(visitor, shop)
    visitor.page.get_by_role("link", name="OpenGWLB").first.click()
    _steps_done(visitor, *STEPS)

    until(lambda: answers(cloud, shop.public), what="the allowed request gets its answer", seconds=20)
    _inspected(cloud, shop, appliances, endpoint)
    _remove_edge_route(visitor, shop)
    _by_pass_is_seen(visitor, cloud, shop)


def _steps_done(visitor: Visitor, *done: str) -> None:
    for step in STEPS:
        shown = visitor.page.get_by_test_id(f"step-{step}")
        expect(shown).to_have_attribute("data-done", "true" if step in done else "false", timeout=20_000)


def _accept_the_partners_firewall(visitor: Visitor) -> None:
    visitor.menu("marketplace")
    product = visitor.page.get_by_test_id("product-opengwlb-firewall")
    product.get_by_test_id("accept").click()
    visitor.page.get_by_test_id("accept-terms").get_by_role("checkbox").check(force=True)
    visitor.page.get_by_test_id("accept-form").get_by_test_id("submit").click()
    product.get_by_test_id("launch").click()


def _launch_appliances(visitor: Visitor, security: network.Security) -> None:
    """On the form to which the marketplace leads."""
    expect(visitor.page.get_by_test_id("image")).to_contain_text("firewall")
    visitor.fill("name", "firewall")
    visitor.fill("count", "2")
    visitor.choose("vpc", security.vpc)
    visitor.choose("subnet", security.subnet)
    visitor.fill("userData", network.RULES)
    visitor.submit()
    visitor.page.wait_for_url("**/console/instances")


def _running(cloud: Server, account: str, *, count: int) -> list[str]:
    """Until so many instances run; their ids."""
    ec2 = cloud.client("ec2", account)

    def look() -> list[str]:
        every = [one for made in ec2.describe_instances()["Reservations"] for one in made["Instances"]]
        found = [one["InstanceId"] for one in every if one["State"]["Name"] == "running"]
        return found if len(found) == count else []

    return list(until(look, what=f"{count} instances run"))


def _create_load_balancer(visitor: Visitor, security: network.Security, appliances: list[str]) -> None:
    visitor.menu("load-balancers")
    visitor.click("create")
    visitor.click("create-gateway")
    visitor.fill("name", "gwlb")
    visitor.choose("vpc", security.vpc)
    visitor.page.get_by_role("checkbox", name=f"{REGION}a").check(force=True)
    visitor.button("load-balancers:wizard.next0")
    visitor.fill("group-name", "appliances")
    visitor.button("target-groups:check.advanced")
    visitor.fill("check-interval", "5")
    visitor.fill("check-timeout", "2")
    visitor.button("load-balancers:wizard.next1")
    for instance in appliances:
        visitor.tick(instance)
    visitor.click("include-pending")
    visitor.button("load-balancers:wizard.next2")
    expect(visitor.page.get_by_test_id("pending")).to_contain_text(appliances[0])
    visitor.button("common:create")
    visitor.told("load-balancers:wizard.created", name="gwlb")


def _let_the_load_balancer_in(visitor: Visitor, security: network.Security) -> None:
    visitor.menu("security-groups")
    visitor.link(security.group)
    visitor.click("edit-inbound")
    for preset in ("geneve", "http"):
        visitor.button("security-groups:rules.add")
        visitor.page.get_by_role("button", name=visitor.text("security-groups:rules.type")).last.click()
        visitor.page.get_by_role("option", name=visitor.text(f"security-groups:presets.{preset}"), exact=True).click()
        visitor.page.get_by_label(visitor.text("security-groups:rules.peer.inbound"), exact=True).last.fill(
            "10.9.0.0/16"
        )
    visitor.submit()
    visitor.told("security-groups:rules.saved")


def _offer_it(visitor: Visitor) -> str:
    """An endpoint service without acceptance, for everybody; its name, as it stands there to be copied."""
    visitor.menu("endpoint-services")
    visitor.click("create")
    visitor.tick("gwlb")
    visitor.page.get_by_test_id("acceptance").get_by_role("checkbox").uncheck(force=True)
    visitor.submit()
    name = visitor.page.get_by_test_id("service-name")
    expect(name).to_contain_text("com.amazonaws.vpce.")
    visitor.tab("endpoint-services:principals.title")
    visitor.click("allow-principals")
    visitor.fill("principal-0", "*")
    visitor.click("submit")
    expect(visitor.page.get_by_role("dialog")).to_have_count(0)
    return name.inner_text().strip()


def _create_endpoint(visitor: Visitor, shop: network.Consumer, service: str) -> str:
    visitor.menu("endpoints")
    visitor.click("create")
    visitor.fill("service-name", service)
    visitor.button("endpoints:find.verify")
    expect(visitor.page.get_by_test_id("verified")).to_be_visible()
    visitor.choose("vpc", shop.vpc)
    visitor.choose("subnet", shop.endpoint_subnet)
    visitor.submit()
    visitor.page.wait_for_url(re.compile("/endpoints/vpce-[0-9a-f]{17}$"))
    return visitor.page.url.rpartition("/")[2]


def _route(visitor: Visitor, table: str, *, destination: str, target: str) -> None:
    """Edit routes: one more."""
    visitor.menu("route-tables")
    visitor.link(table)
    visitor.click("edit-routes")
    visitor.button("route-tables:edit.add")
    visitor.suggest("destination-1", destination)
    visitor.suggest("target-1", target)
    visitor.button("route-tables:edit.save")
    visitor.told("route-tables:edit.done", id=table)


def _associate_edge(visitor: Visitor, shop: network.Consumer) -> None:
    visitor.tab("route-tables:edgeAssociations")
    visitor.button("route-tables:edges.edit")
    visitor.tick(shop.igw)
    visitor.button("route-tables:saveAssociations")
    visitor.told("route-tables:associationsDone", id=shop.tables["edge"])


def _inspected(cloud: Server, shop: network.Consumer, appliances: list[str], endpoint: str) -> None:
    """The allowed request is answered and the forbidden one is not, both through an appliance: `tcpdump` there, and counters, say so."""
    listening = [cloud.spawn(one, "tcpdump", "-nvv", "-l", "-i", "any", "port 6081") for one in appliances]
    try:
        for one in listening:
            assert one.stderr is not None and any("listening on" in line for line in one.stderr)
        assert answers(cloud, shop.public, port=network.ALLOWED_PORT)
        assert not answers(cloud, shop.public, port=network.FORBIDDEN_PORT, seconds=1)
    finally:
        for one in listening:
            one.terminate()
    seen = "".join(one.communicate(timeout=10)[0] for one in listening)
    assert ".6081: " in seen and "Geneve" in seen
    flows = [one for one in cloud.flows() if one["endpoint"] == endpoint]
    allowed = [one for one in flows if one["destination_port"] == network.ALLOWED_PORT]
    assert allowed and all(one["target"] in appliances for one in flows)
    assert any(one["packets_forward"] > 0 and one["packets_backward"] > 0 for one in allowed)


def _remove_edge_route(visitor: Visitor, shop: network.Consumer) -> None:
    visitor.menu("route-tables")
    visitor.link(shop.tables["edge"])
    visitor.click("edit-routes")
    removing = visitor.text("route-tables:edit.removeThis", destination=network.APPLICATIONS)
    visitor.page.get_by_role("button", name=removing).click()
    visitor.button("route-tables:edit.save")
    visitor.told("route-tables:edit.done", id=shop.tables["edge"])


def _by_pass_is_seen(visitor: Visitor, cloud: Server, shop: network.Consumer) -> None:
    """What comes in no longer meets an appliance, and the walk says so."""
    visitor.menu("walk")
    visitor.fill("server", shop.public)
    visitor.fill("port", str(network.ALLOWED_PORT))
    visitor.submit()
    address = f"http://{shop.public}:{network.ALLOWED_PORT}/"
    asking = cloud.spawn("internet", "sh", "-c", f"while :; do curl -s -m 1 -o /dev/null {address}; done")
    try:
        expect(visitor.page.get_by_test_id("by-passed").first).to_be_visible(timeout=25_000)
    finally:
        asking.terminate()
        asking.communicate(timeout=10)
