"""The design checker finds each classic mistake, at the field that causes it, and is silent about a sound design."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from api_harness import Api

from opengwlb.model.elb import LoadBalancer, TargetGroup
from opengwlb.model.privatelink import VpcEndpoint
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.vpc import NetworkInterface, RouteTable
from opengwlb.policy import lint, status

PARTNER, CUSTOMER = "111111111111", "222222222222"
ZONE = "ap-northeast-2a"
ANYWHERE = [{"CidrIp": "0.0.0.0/0"}]


@dataclass(frozen=True, kw_only=True)
class Design:
    """A partner's load balancer with two targets in one zone, and a customer's inspected subnet."""

    partner: Api
    customer: Api
    made: dict[str, str]

    def codes(self) -> set[str]:
        return {one.code for one in self.findings()}

    def findings(self) -> list[lint.Finding]:
        snapshot = self.settled()
        return lint.check(snapshot)

    def settled(self) -> Snapshot:
        """With the states that control would have written by now."""
        for decide in (lambda one: status.after_build(one, built=_everything(one), errors={}),):
            writes = decide(self.partner.store.snapshot())
            self.partner.put(*writes.put)
        return self.partner.store.snapshot()

    def only(self, code: str) -> lint.Finding:
        (found,) = [one for one in self.findings() if one.code == code]
        return found


def _everything(snapshot: Snapshot) -> set[str]:
    kinds = (LoadBalancer, VpcEndpoint, NetworkInterface)
    return {one.id for kind in kinds for one in snapshot.values(kind)}


@pytest.fixture
def design(api: Api) -> Design:
    partner, customer, made = api.of(PARTNER), api.of(CUSTOMER), dict[str, str]()
    vpc = made["partner vpc"] = partner.ec2("CreateVpc", CidrBlock="10.100.0.0/16")["Vpc"]["VpcId"]
    for name, cidr in (("nodes", "10.100.1.0/24"), ("appliances", "10.100.2.0/24")):
        subnet = partner.ec2("CreateSubnet", VpcId=vpc, CidrBlock=cidr, AvailabilityZone=ZONE)
        made[name] = subnet["Subnet"]["SubnetId"]
    group = partner.ec2("CreateSecurityGroup", GroupName="appliance", Description="x", VpcId=vpc)["GroupId"]
    made["group"] = group
    for protocol, port in (("udp", 6081), ("tcp", 80)):
        permission = {"IpProtocol": protocol, "FromPort": port, "ToPort": port, "IpRanges": ANYWHERE}
        partner.ec2("AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=[permission])
    addresses = [
        partner.ec2("CreateNetworkInterface", SubnetId=made["appliances"], Groups=[group])["NetworkInterface"][
            "PrivateIpAddress"
        ]
        for _ in range(2)
    ]
    made["first target"] = addresses[0]
    (balancer,) = partner.elbv2("CreateLoadBalancer", Name="lb", Type="gateway", Subnets=[made["nodes"]])[
        "LoadBalancers"
    ]
    made["balancer"] = balancer["LoadBalancerArn"]
    wanted = {"Protocol": "GENEVE", "Port": 6081, "VpcId": vpc, "TargetType": "ip", "HealthCheckProtocol": "HTTP"}
    (targets,) = partner.elbv2("CreateTargetGroup", Name="targets", **wanted)["TargetGroups"]
    made["targets"] = targets["TargetGroupArn"]
    partner.elbv2("RegisterTargets", TargetGroupArn=made["targets"], Targets=[{"Id": one} for one in addresses])
    actions = [{"Type": "forward", "TargetGroupArn": made["targets"]}]
    (listener,) = partner.elbv2("CreateListener", LoadBalancerArn=made["balancer"], DefaultActions=actions)["Listeners"]
    made["listener"] = listener["ListenerArn"]
    service = partner.ec2(
        "CreateVpcEndpointServiceConfiguration", GatewayLoadBalancerArns=[made["balancer"]], AcceptanceRequired=False
    )["ServiceConfiguration"]
    made["service"] = service["ServiceId"]
    principals = [f"arn:aws:iam::{CUSTOMER}:root"]
    partner.ec2("ModifyVpcEndpointServicePermissions", ServiceId=made["service"], AddAllowedPrincipals=principals)

    vpc = made["vpc"] = customer.ec2("CreateVpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    made["gateway"] = customer.ec2("CreateInternetGateway")["InternetGateway"]["InternetGatewayId"]
    customer.ec2("AttachInternetGateway", InternetGatewayId=made["gateway"], VpcId=vpc)
    for name, cidr in (("app", "10.0.1.0/24"), ("inspected", "10.0.2.0/24")):
        subnet = customer.ec2("CreateSubnet", VpcId=vpc, CidrBlock=cidr, AvailabilityZone=ZONE)
        made[name] = subnet["Subnet"]["SubnetId"]
    made["endpoint"] = endpoint(customer, made, service["ServiceName"])
    routes = {
        "edge table": ("10.0.1.0/24", {"VpcEndpointId": made["endpoint"]}, {"GatewayId": made["gateway"]}),
        "app table": ("0.0.0.0/0", {"VpcEndpointId": made["endpoint"]}, {"SubnetId": made["app"]}),
        "endpoint table": ("0.0.0.0/0", {"GatewayId": made["gateway"]}, {"SubnetId": made["inspected"]}),
    }
    for name, (destination, target, associated) in routes.items():
        table = made[name] = customer.ec2("CreateRouteTable", VpcId=vpc)["RouteTable"]["RouteTableId"]
        customer.ec2("CreateRoute", RouteTableId=table, DestinationCidrBlock=destination, **target)
        made[f"{name} association"] = customer.ec2("AssociateRouteTable", RouteTableId=table, **associated)[
            "AssociationId"
        ]
    made["service name"] = service["ServiceName"]
    return Design(partner=partner, customer=customer, made=made)


def endpoint(customer: Api, made: dict[str, str], service: str) -> str:
    asked = {"VpcEndpointType": "GatewayLoadBalancer", "ServiceName": service, "VpcId": made["vpc"]}
    return customer.ec2("CreateVpcEndpoint", SubnetIds=[made["inspected"]], **asked)["VpcEndpoint"]["VpcEndpointId"]


def test_a_sound_design_has_no_finding(design: Design) -> None:
    assert design.findings() == []


def no_edge_table(design: Design) -> None:
    design.customer.ec2("DisassociateRouteTable", AssociationId=design.made["edge table association"])


def no_edge_route(design: Design) -> None:
    design.customer.ec2("DeleteRoute", RouteTableId=design.made["edge table"], DestinationCidrBlock="10.0.1.0/24")


def app_bypasses(design: Design) -> None:
    way = {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": design.made["gateway"]}
    design.customer.ec2("ReplaceRoute", RouteTableId=design.made["app table"], **way)


def two_endpoints(design: Design) -> None:
    other = endpoint(design.customer, design.made, design.made["service name"])
    design.settled()
    way = {"DestinationCidrBlock": "0.0.0.0/0", "VpcEndpointId": other}
    design.customer.ec2("ReplaceRoute", RouteTableId=design.made["app table"], **way)


def no_way_onward(design: Design) -> None:
    design.customer.ec2("DeleteRoute", RouteTableId=design.made["endpoint table"], DestinationCidrBlock="0.0.0.0/0")


def back_to_itself(design: Design) -> None:
    way = {"DestinationCidrBlock": "0.0.0.0/0", "VpcEndpointId": design.made["endpoint"]}
    design.customer.ec2("ReplaceRoute", RouteTableId=design.made["endpoint table"], **way)


def rejected(design: Design) -> None:
    asked = {"ServiceId": design.made["service"], "VpcEndpointIds": [design.made["endpoint"]]}
    design.partner.ec2("RejectVpcEndpointConnections", **asked)


def gateway_gone(design: Design) -> None:
    design.customer.ec2("DetachInternetGateway", InternetGatewayId=design.made["gateway"], VpcId=design.made["vpc"])


def no_listener(design: Design) -> None:
    design.partner.elbv2("DeleteListener", ListenerArn=design.made["listener"])


def deregister(design: Design, *targets: str) -> None:
    asked = [{"Id": one} for one in targets]
    design.partner.elbv2("DeregisterTargets", TargetGroupArn=design.made["targets"], Targets=asked)


def one_target(design: Design) -> None:
    deregister(design, design.made["first target"])


def no_target(design: Design) -> None:
    found = design.partner.elbv2("DescribeTargetHealth", TargetGroupArn=design.made["targets"])[
        "TargetHealthDescriptions"
    ]
    deregister(design, *(one["Target"]["Id"] for one in found))


def target_elsewhere(design: Design) -> None:
    asked = {"VpcId": design.made["partner vpc"], "CidrBlock": "10.100.3.0/24", "AvailabilityZone": "ap-northeast-2b"}
    subnet = design.partner.ec2("CreateSubnet", **asked)["Subnet"]["SubnetId"]
    made = design.partner.ec2("CreateNetworkInterface", SubnetId=subnet, Groups=[design.made["group"]])
    targets = [{"Id": made["NetworkInterface"]["PrivateIpAddress"]}]
    design.partner.elbv2("RegisterTargets", TargetGroupArn=design.made["targets"], Targets=targets)


def zone_without_target(design: Design) -> None:
    asked = {"VpcId": design.made["partner vpc"], "CidrBlock": "10.100.3.0/24", "AvailabilityZone": "ap-northeast-2b"}
    subnet = design.partner.ec2("CreateSubnet", **asked)["Subnet"]["SubnetId"]
    arn = design.made["balancer"]
    design.partner.elbv2("SetSubnets", LoadBalancerArn=arn, Subnets=[design.made["nodes"], subnet])


def tcp_check(design: Design) -> None:
    group = design.partner.store.snapshot().get(TargetGroup, design.made["targets"])
    assert group is not None
    design.partner.put(replace(group, health_check=replace(group.health_check, protocol="TCP")))


def closed(protocol: str, port: int, *, egress: bool = False) -> Callable[[Design], None]:
    def work(design: Design) -> None:
        if egress:
            permission = {"IpProtocol": "-1", "IpRanges": ANYWHERE}
            design.partner.ec2("RevokeSecurityGroupEgress", GroupId=design.made["group"], IpPermissions=[permission])
            return
        permission = {"IpProtocol": protocol, "FromPort": port, "ToPort": port, "IpRanges": ANYWHERE}
        design.partner.ec2("RevokeSecurityGroupIngress", GroupId=design.made["group"], IpPermissions=[permission])

    return work


def acl(design: Design) -> None:
    wanted = [{"Name": "association.subnet-id", "Values": [design.made["appliances"]]}]
    (found,) = design.partner.ec2("DescribeNetworkAcls", Filters=wanted)["NetworkAcls"]
    rule = {"RuleNumber": 50, "Protocol": "17", "RuleAction": "deny", "Egress": False, "CidrBlock": "0.0.0.0/0"}
    ports = {"PortRange": {"From": 6000, "To": 7000}}
    design.partner.ec2("CreateNetworkAclEntry", NetworkAclId=found["NetworkAclId"], **rule, **ports)


MISTAKES: dict[str, tuple[Callable[[Design], None], set[str], str]] = {
    "no edge table": (no_edge_table, {"edge-route-missing"}, "Associations"),
    "no edge route": (no_edge_route, {"edge-route-missing"}, "Routes"),
    "answers by-pass": (app_bypasses, {"return-route-missing"}, "Routes"),
    "two endpoints": (two_endpoints, {"directions-differ"}, "Routes"),
    "no way onward": (no_way_onward, {"dead-end"}, "Routes"),
    "a loop": (back_to_itself, {"endpoint-loop"}, "Routes"),
    "rejected": (rejected, {"endpoint-not-accepted"}, "State"),
    "a blackhole": (gateway_gone, {"blackhole-route"}, "Routes"),
    "no listener": (no_listener, {"listener-missing"}, "Listeners"),
    "one target": (one_target, {"zone-with-one-target"}, "load_balancing.cross_zone.enabled"),
    "no target": (no_target, {"no-targets"}, "Targets"),
    "a target elsewhere": (target_elsewhere, {"target-zone-disabled"}, "Subnets"),
    "a zone without": (zone_without_target, {"zone-without-target"}, "load_balancing.cross_zone.enabled"),
    "a shallow check": (tcp_check, {"health-says-nothing"}, "HealthCheckProtocol"),
    "no 6081": (closed("udp", 6081), {"group-closed"}, "IpPermissions"),
    "no health port": (closed("tcp", 80), {"group-closed"}, "IpPermissions"),
    "no way back": (closed("-1", 0, egress=True), {"group-closed-out"}, "IpPermissionsEgress"),
    "an ACL": (acl, {"acl-closed"}, "Entries"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_is_found_alone_and_at_its_field(design: Design, mistake: str) -> None:
    make, expected, place = MISTAKES[mistake]
    make(design)
    found = design.findings()
    assert {one.code for one in found} == expected
    assert {one.field for one in found} == {place}
    for one in found:
        for language in ("en", "ko"):
            assert not re.search(r"[{}]", lint.sentence(one, language))  # every place is filled


@pytest.mark.parametrize("mistake", ["no edge route", "answers by-pass", "no way onward", "no 6081", "no health port"])
def test_the_fix_is_a_call_that_mends_it(design: Design, mistake: str) -> None:
    make, (code,), _ = MISTAKES[mistake]
    make(design)
    words = design.only(code).fix.split()
    assert words[:2] == ["aws", "ec2"]
    operation = "".join(part.capitalize() for part in words[2].split("-"))
    options = dict(zip(words[3::2], words[4::2], strict=True))
    names = {
        "--route-table-id": "RouteTableId",
        "--destination-cidr-block": "DestinationCidrBlock",
        "--group-id": "GroupId",
    }
    names |= {
        "--vpc-endpoint-id": "VpcEndpointId",
        "--gateway-id": "GatewayId",
        "--protocol": "IpProtocol",
        "--cidr": "CidrIp",
    }
    params: dict[str, object] = {names[option]: value for option, value in options.items() if option != "--port"}
    if "--port" in options:
        params |= {"FromPort": int(options["--port"]), "ToPort": int(options["--port"])}
    caller = design.partner if operation.startswith("Authorize") else design.customer
    caller.ec2(operation, **params)
    assert code not in design.codes()


def test_every_sentence_exists_in_both_languages_with_the_same_places() -> None:
    for code, sentences in lint.SENTENCES.items():
        assert set(sentences) == {"en", "ko"}
        places = [set(re.findall(r"{(\w+)}", one)) for one in sentences.values()]
        # A language may say a name once less, never one that the other does not have.
        assert places[0] >= places[1] or places[1] >= places[0], code


def test_each_account_sees_its_own(design: Design) -> None:
    no_edge_route(design)
    tcp_check(design)
    assert design.only("edge-route-missing").accounts == {CUSTOMER}
    assert design.only("health-says-nothing").accounts == {PARTNER}
    rejected(design)
    assert design.only("endpoint-not-accepted").accounts == {PARTNER, CUSTOMER}


def test_tables_of_ipv6_are_looked_up_apart(design: Design) -> None:
    table = design.partner.store.snapshot().get(RouteTable, design.made["app table"])
    assert table is not None
    six = replace(table.routes[1], destination="::/0", target=design.made["endpoint"])
    design.customer.put(replace(table, routes=(*table.routes, six)))
    assert design.findings() == []
