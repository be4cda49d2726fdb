"""Every page in both languages, light and dark, and at a tablet's width: as stored, accessible, nothing wider than the window."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import playwright.sync_api
import pytest
from playwright.sync_api import Page, expect

from opengwlb.cli import credentials
from tests.stories.server import REGION, Server, until

from . import pictures
from .chromium import Window, window
from .pictures import LOOKS, Look
from .visitor import Visitor
from .words import WEB

AXE = WEB / "node_modules" / "axe-core" / "axe.min.js"
GRAVE = ("serious", "critical")
LOOKED_AT = {
    "": "",
    "load-balancers": "load-balancers",
    "load-balancers/create": "load-balancers/create",
    "load-balancers/create/gateway": "load-balancers/create/gateway",
    "load-balancers/one": "load-balancers/{balancer}",
    "target-groups": "target-groups",
    "target-groups/create": "target-groups/create",
    "target-groups/one": "target-groups/{group}",
    "target-groups/register": "target-groups/{group}/register",
    "endpoint-services": "endpoint-services",
    "endpoint-services/create": "endpoint-services/create",
    "endpoint-services/one": "endpoint-services/{service}",
    "endpoints": "endpoints",
    "endpoints/create": "endpoints/create",
    "endpoints/one": "endpoints/{endpoint}",
    "vpcs": "vpcs",
    "vpcs/create": "vpcs/create",
    "vpcs/one": "vpcs/{vpc}",
    "subnets": "subnets",
    "subnets/create": "subnets/create",
    "subnets/one": "subnets/{subnet}",
    "route-tables": "route-tables",
    "route-tables/create": "route-tables/create",
    "route-tables/one": "route-tables/{table}",
    "route-tables/routes": "route-tables/{table}/routes",
    "route-tables/subnets": "route-tables/{table}/subnets",
    "route-tables/edges": "route-tables/{table}/edges",
    "internet-gateways": "internet-gateways",
    "internet-gateways/create": "internet-gateways/create",
    "internet-gateways/one": "internet-gateways/{igw}",
    "security-groups": "security-groups",
    "security-groups/create": "security-groups/create",
    "security-groups/one": "security-groups/{security}",
    "security-groups/inbound": "security-groups/{security}/inbound",
    "instances": "instances",
    "instances/launch": "instances/launch",
    "instances/one": "instances/{instance}",
    "marketplace": "marketplace",
    "map": "map",
    "images": "images",
    "walk": "walk",
    "flows": "flows",
    "events": "events",
    "drops": "drops",
    "reachability": "reachability",
    "network-acls": "network-acls",
    "security-groups/outbound": "security-groups/{security}/outbound",
}
"""Name of the picture -> address, in which {names} stand for the ids of the network below."""
MASK = """() => {
  // Ids, addresses that the server chose, dates and times: each run has its own.
  const changing = [
    [/\\b([a-z]+(-svc)?(-perm)?)-[0-9a-f]{17}\\b/g, "$1-0123456789abcdef0"],
    [/\\b[0-9]{12}\\b/g, "123456789012"],
    [/\\/[0-9a-f]{16}\\b/g, "/0123456789abcdef"],
    [/\\b[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?( [AP]M)?\\b/g, "12:00"],
    [/(오전|오후) /g, ""],
    [/\\b[A-Z][a-z]{2} [0-9]{1,2}, [0-9]{4}/g, "Jan 2, 2027"],
    [/\\b[0-9]{4}\\. ?[0-9]{1,2}\\. ?[0-9]{1,2}\\./g, "2027. 1. 2."],
    [/\\b([0-9a-f]{2}:){5}[0-9a-f]{2}\\b/g, "02:00:00:00:00:01"],
  ];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    let text = node.nodeValue;
    for (const [from, to] of changing) text = text.replace(from, to);
    if (text !== node.nodeValue) node.nodeValue = text;
  }
  for (const field of document.querySelectorAll("input, textarea"))
    for (const [from, to] of changing) if (field.value.match(from)) field.value = field.value.replace(from, to);
  document.activeElement?.blur();
}"""
WIDER = """() => {
  const width = document.documentElement.clientWidth;
  return document.documentElement.scrollWidth > width ? [document.documentElement.scrollWidth, width] : null;
}"""


@pytest.fixture(scope="module")
def places(server: Server) -> dict[str, str]:
    """A small network with fixed names in account `one`: ids of one of each kind."""
    ec2, elb = server.client("ec2", "one"), server.client("elbv2", "one")

    def named(kind: str, name: str) -> list[dict[str, object]]:
        return [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": name}]}]

    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=named("vpc", "shop"))["Vpc"]["VpcId"]
    subnet, lonely = (
        ec2.create_subnet(
            VpcId=vpc, CidrBlock=cidr, AvailabilityZone=f"{REGION}a", TagSpecifications=named("subnet", name)
        )["Subnet"]["SubnetId"]
        for cidr, name in (("10.0.0.0/24", "application"), ("10.0.1.0/28", "endpoint"))
    )
    igw = ec2.create_internet_gateway(TagSpecifications=named("internet-gateway", "shop"))["InternetGateway"][
        "InternetGatewayId"
    ]
    ec2.attach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
    table = ec2.create_route_table(VpcId=vpc, TagSpecifications=named("route-table", "application"))["RouteTable"][
        "RouteTableId"
    ]
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    security = ec2.create_security_group(GroupName="appliances", Description="GENEVE and health checks", VpcId=vpc)[
        "GroupId"
    ]
    opened = [
        {"IpProtocol": protocol, "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}
        for protocol, port in (("udp", 6081), ("tcp", 80))
    ]
    ec2.authorize_security_group_ingress(GroupId=security, IpPermissions=opened)
    image = ec2.describe_images(Filters=[{"Name": "name", "Values": ["opengwlb/firewall"]}])["Images"][0]["ImageId"]
    instance = ec2.run_instances(
        ImageId=image,
        MinCount=1,
        MaxCount=1,
        SubnetId=subnet,
        SecurityGroupIds=[security],
        TagSpecifications=named("instance", "firewall"),
    )["Instances"][0]["InstanceId"]
    until(lambda: _state(ec2, instance) == "running", what="the instance runs")
    balancer = elb.create_load_balancer(Name="gwlb", Type="gateway", Subnets=[subnet])["LoadBalancers"][0]
    arn = balancer["LoadBalancerArn"]
    group = elb.create_target_group(Name="firewalls", Protocol="GENEVE", Port=6081, VpcId=vpc)["TargetGroups"][0][
        "TargetGroupArn"
    ]
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": instance}])
    elb.create_listener(LoadBalancerArn=arn, DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])
    service = ec2.create_vpc_endpoint_service_configuration(GatewayLoadBalancerArns=[arn], AcceptanceRequired=False)[
        "ServiceConfiguration"
    ]
    endpoint = ec2.create_vpc_endpoint(
        VpcEndpointType="GatewayLoadBalancer", ServiceName=service["ServiceName"], VpcId=vpc, SubnetIds=[lonely]
    )["VpcEndpoint"]["VpcEndpointId"]
    until(lambda: _endpoint_state(ec2, endpoint) == "available", what="the endpoint is available")
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", VpcEndpointId=endpoint)
    elb.get_waiter("load_balancer_available").wait(LoadBalancerArns=[arn], WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    return {
        "vpc": vpc,
        "subnet": subnet,
        "igw": igw,
        "table": table,
        "security": security,
        "instance": instance,
        "service": service["ServiceId"],
        "endpoint": endpoint,
        "balancer": quote(arn, safe=""),
        "group": quote(group, safe=""),
    }


def _state(ec2: Any, instance: str) -> str:
    found = ec2.describe_instances(InstanceIds=[instance])
    return str(found["Reservations"][0]["Instances"][0]["State"]["Name"])


def _endpoint_state(ec2: Any, endpoint: str) -> str:
    found = ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint])
    return str(found["VpcEndpoints"][0]["State"])


@pytest.fixture(scope="module", params=LOOKS, ids=str)
def seen(
    request: pytest.FixtureRequest, chromium: playwright.sync_api.Browser, server: Server
) -> Iterator[tuple[Look, Window]]:
    """Signed in, in one of the looks. The policy is set aside here, for axe-core is a script of the test."""
    look: Look = request.param
    with window(
        chromium,
        endpoint=server.endpoint,
        language=look.language,
        theme=look.theme,
        width=look.width,
        bypass_csp=True,
        reduced_motion="reduce",
    ) as made:
        visitor = Visitor(made.page, endpoint=server.endpoint, language=look.language)
        key = credentials.profile(server.data_dir, name="one")
        visitor.open()
        visitor.sign_in(access_key=key.access_key, secret_key=key.secret_key)
        expect(made.page.get_by_test_id("checklist")).to_be_visible()
        yield look, made


@pytest.mark.parametrize("name", LOOKED_AT)
def test_a_page_looks_as_stored_fits_and_is_accessible(
    name: str,
    seen: tuple[Look, Window],
    places: dict[str, str],
    server: Server,
) -> None:
    look, opened = seen
    page = opened.page
    page.goto(f"{server.endpoint}/console/{LOOKED_AT[name].format(**places)}")
    _settled(page)
    wrong = [f"wider than the window: {sizes}" for sizes in [page.evaluate(WIDER)] if sizes]
    if look.width == pictures.DESKTOP:
        wrong += _barriers(page)
    page.evaluate(MASK)
    taken = pictures.small(page.screenshot(animations="disabled", caret="hide", mask=_changing(page)))
    path = pictures.path_of(name, look)
    if pictures.renewing():
        pictures.store(taken, path)
    else:
        wrong += [said for said in [pictures.compare(taken, path)] if said]
    assert wrong == []


def _changing(page: Page) -> list[playwright.sync_api.Locator]:
    """What no rule can make the same: dates, times, addresses that were chosen, and what grows."""
    return [page.locator("time"), page.get_by_test_id("events").locator("tbody")]


def _settled(page: Page) -> None:
    """Until the page's own heading stands there, nothing loads any more and letters have their font."""
    expect(page.get_by_role("heading", level=1).first).to_be_visible()
    expect(page.locator("[class*=awsui_spinner], [class*=awsui_status-loading]")).to_have_count(0)
    page.evaluate("document.fonts.ready")


def _barriers(page: Page) -> list[str]:
    """What axe-core finds serious or critical."""
    page.evaluate(Path(AXE).read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']} ({one['impact']}): {json.dumps([node['target'] for node in one['nodes']][:3])}"
        for one in found["violations"]
        if one["impact"] in GRAVE
    ]
