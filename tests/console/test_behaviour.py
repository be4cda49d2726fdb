"""What the pages do when something goes wrong: bad input, a stream that breaks, a session that ends; and what they never do."""

from __future__ import annotations

import re
from collections.abc import Iterator

import playwright.sync_api
import pytest
from playwright.sync_api import Page, expect

from opengwlb.cli import credentials
from opengwlb.console import pages
from tests.stories.server import Server

from .chromium import Window, window
from .visitor import Visitor
from .words import LANGUAGES

REFUSED = "Failed to load resource: the server responded with a status of 4"
UNREACHABLE = "Failed to load resource: net::ERR_"
BROKEN_OFF = "Failed to load resource: the server responded with a status of 5"


@pytest.fixture
def opened(chromium: playwright.sync_api.Browser, server: Server) -> Iterator[Window]:
    with window(chromium, endpoint=server.endpoint, language="en") as made:
        yield made


@pytest.fixture
def visitor(opened: Window, server: Server) -> Visitor:
    """Account `one` is signed in, by its key."""
    return _signed_in(opened.page, server, "en")


def _signed_in(page: Page, server: Server, language: str) -> Visitor:
    made = Visitor(page, endpoint=server.endpoint, language=language)
    key = credentials.profile(server.data_dir, name="one")
    made.open()
    made.sign_in(access_key=key.access_key, secret_key=key.secret_key)
    expect(page.get_by_test_id("checklist")).to_be_visible()
    return made


@pytest.fixture(scope="module")
def vpc(server: Server) -> str:
    return str(server.client("ec2", "one").create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_refused_field_has_the_servers_words_beside_it_and_nothing_is_lost(
    chromium: playwright.sync_api.Browser, server: Server, language: str
) -> None:
    with window(chromium, endpoint=server.endpoint, language=language) as made:
        visitor = _signed_in(made.page, server, language)
        visitor.open("vpcs/create")
        visitor.page.get_by_role("radio").first.check(force=True)
        typed = {"name": "edge & co", "cidr": "10.0.0.0/8"}
        for field, value in typed.items():
            visitor.fill(field, value)
        visitor.submit()
        _beside(visitor, "cidr", "InvalidVpc.Range")
        for field, value in typed.items():
            expect(visitor.page.get_by_test_id(field).locator("input")).to_have_value(value)
        visitor.fill("cidr", "10.5.0.0/16")
        visitor.submit()
        visitor.page.wait_for_url(re.compile("/vpcs/vpc-[0-9a-f]{17}$"))
        server.client("ec2", "one").delete_vpc(VpcId=visitor.page.url.rpartition("/")[2])
        made.forgive(REFUSED)


def test_a_subnet_outside_of_its_vpc_is_refused_beside_its_block(visitor: Visitor, opened: Window, vpc: str) -> None:
    visitor.open("subnets/create")
    visitor.choose("vpc", vpc)
    visitor.fill("cidr", "10.8.0.0/24")
    visitor.submit()
    _beside(visitor, "cidr", "InvalidSubnet.Range")
    expect(visitor.page.get_by_test_id("cidr").locator("input")).to_have_value("10.8.0.0/24")
    expect(visitor.page.get_by_test_id("vpc")).to_contain_text(vpc)
    opened.forgive(REFUSED)


def test_a_route_that_is_refused_stands_marked_among_those_that_were_typed(
    visitor: Visitor, opened: Window, server: Server, vpc: str
) -> None:
    table = server.client("ec2", "one").create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    visitor.open(f"route-tables/{table}/routes")
    visitor.button("route-tables:edit.add")
    visitor.suggest("destination-1", "0.0.0.0/0")
    visitor.suggest("target-1", "vpce-0123456789abcdef0")
    visitor.submit()
    expect(
        visitor.page.get_by_text(re.compile("InvalidVpcEndpointId.NotFound: .*vpce-0123456789abcdef0"))
    ).to_be_visible()
    expect(visitor.page.get_by_test_id("destination-1").locator("input")).to_have_value("0.0.0.0/0")
    expect(visitor.page.get_by_test_id("target-1").locator("input")).to_have_value("vpce-0123456789abcdef0")
    opened.forgive(REFUSED)


def test_a_service_name_that_nobody_offers_cannot_be_verified(visitor: Visitor, opened: Window) -> None:
    name = "com.amazonaws.vpce.ap-northeast-2.vpce-svc-0123456789abcdef0"
    visitor.open("endpoints/create")
    visitor.fill("service-name", name)
    visitor.click("verify")
    expect(visitor.page.get_by_text(re.compile("InvalidServiceName"))).to_be_visible()
    expect(visitor.page.get_by_test_id("service-name").locator("input")).to_have_value(name)
    expect(visitor.page.get_by_test_id("verified")).to_have_count(0)
    opened.forgive(REFUSED)


def test_the_wizard_leads_back_to_the_step_that_was_refused(
    visitor: Visitor, opened: Window, server: Server, vpc: str
) -> None:
    server.client("ec2", "one").create_subnet(VpcId=vpc, CidrBlock="10.7.0.0/24", AvailabilityZone="ap-northeast-2a")
    visitor.open("load-balancers/create/gateway")
    visitor.button("load-balancers:wizard.next0")
    visitor.told("load-balancers:wizard.required")
    visitor.fill("name", "-wrong-")
    visitor.choose("vpc", vpc)
    visitor.page.get_by_role("checkbox", name="ap-northeast-2a").check(force=True)
    visitor.button("load-balancers:wizard.next0")
    visitor.fill("group-name", "firewalls")
    visitor.button("load-balancers:wizard.next1")
    visitor.button("load-balancers:wizard.next2")
    visitor.button("common:create")
    _beside(visitor, "name", "")
    expect(visitor.page.get_by_test_id("name").locator("input")).to_have_value("-wrong-")
    visitor.fill("name", "right")
    visitor.button("load-balancers:wizard.next0")
    expect(visitor.page.get_by_test_id("group-name").locator("input")).to_have_value("firewalls")
    opened.forgive(REFUSED)


def _beside(visitor: Visitor, field: str, code: str) -> None:
    """The field is said to be wrong, and what describes it has the error's code."""
    wrong = visitor.page.get_by_test_id(field).locator("[aria-invalid=true]")
    expect(wrong).to_be_visible()
    described = " ".join(visitor.page.locator(f"[id='{one}']").inner_text() for one in _descriptions(wrong))
    assert code in described


def _descriptions(wrong: playwright.sync_api.Locator) -> list[str]:
    return (wrong.get_attribute("aria-describedby") or "").split()


def test_a_server_that_was_killed_comes_back_into_an_open_page(
    visitor: Visitor, opened: Window, server: Server
) -> None:
    """What changed while the page could not hear it stands there afterwards, without a click."""
    visitor.menu("vpcs")
    live, broken = (
        visitor.page.get_by_role("button", name=visitor.text(f"shell:stream.{one}")) for one in ("on", "off")
    )
    expect(live.first).to_be_visible()
    expect(visitor.page.get_by_role("table", name=visitor.text("vpcs:title"))).to_be_visible()
    server.kill()
    expect(broken.first).to_be_visible()
    server.start()
    made = server.client("ec2", "one").create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
    expect(visitor.page.get_by_role("link", name=made)).to_be_visible()
    expect(live.first).to_be_visible()
    opened.forgive(UNREACHABLE)


def test_changes_of_another_client_appear_by_themselves(visitor: Visitor, server: Server) -> None:
    visitor.menu("vpcs")
    ec2 = server.client("ec2", "one")
    made = ec2.create_vpc(CidrBlock="10.78.0.0/16")["Vpc"]["VpcId"]
    expect(visitor.page.get_by_role("link", name=made)).to_be_visible()
    ec2.delete_vpc(VpcId=made)
    expect(visitor.page.get_by_role("link", name=made)).to_have_count(0)


def test_a_session_that_ended_leads_to_the_sign_in_page(visitor: Visitor, opened: Window) -> None:
    visitor.menu("vpcs")
    expect(visitor.page.get_by_role("table", name=visitor.text("vpcs:title"))).to_be_visible()
    opened.context.clear_cookies()
    visitor.menu("subnets")
    expect(visitor.page.get_by_test_id("login")).to_be_visible()
    opened.forgive(REFUSED)


def test_signing_out_leads_to_the_sign_in_page_and_back_in(visitor: Visitor, server: Server) -> None:
    visitor.leave()
    expect(visitor.page.get_by_test_id("login")).to_be_visible()
    key = credentials.profile(server.data_dir, name="two")
    visitor.sign_in(access_key=key.access_key, secret_key=key.secret_key)
    expect(visitor.page.get_by_test_id("checklist")).to_be_visible()


def test_a_wrong_key_is_refused_and_what_was_typed_stays(opened: Window, server: Server) -> None:
    visitor = Visitor(opened.page, endpoint=server.endpoint, language="en")
    visitor.open()
    visitor.sign_in(access_key="AKIAIOSFODNN7EXAMPLE", secret_key="wrong")
    expect(visitor.page.get_by_test_id("error")).to_be_visible()
    expect(visitor.page.get_by_label(visitor.text("session:accessKey"))).to_have_value("AKIAIOSFODNN7EXAMPLE")
    opened.forgive(REFUSED)


def test_pages_come_with_the_strict_policy_and_nothing_breaks_it(visitor: Visitor) -> None:
    """A violation, or a request to another host, is a complaint of the window: it fails any test of these."""
    answer = visitor.page.goto(f"{visitor.endpoint}/console/")
    assert answer is not None and answer.headers["content-security-policy"] == pages.POLICY
    assert "unsafe" not in pages.POLICY
    assert visitor.page.evaluate("document.querySelectorAll('script:not([src])').length") == 0
