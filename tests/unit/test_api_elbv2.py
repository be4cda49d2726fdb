"""Gateway load balancers, target groups, listeners and targets, as a client sees them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from api_harness import Api, refused

from opengwlb.model.compute import Instance, InstanceState
from opengwlb.model.elb import LoadBalancer, Target, TargetState

IMAGE = "ami-0000000000000a003"


def make_vpc(api: Api, cidr: str = "10.0.0.0/16") -> str:
    return api.ec2("CreateVpc", CidrBlock=cidr)["Vpc"]["VpcId"]


def make_subnet(api: Api, vpc: str, cidr: str = "10.0.0.0/24", zone: str = "ap-northeast-2a") -> str:
    return api.ec2("CreateSubnet", VpcId=vpc, CidrBlock=cidr, AvailabilityZone=zone)["Subnet"]["SubnetId"]


def make_load_balancer(api: Api, *subnets: str, name: str = "lb", **more: Any) -> dict[str, Any]:
    answer = api.elbv2("CreateLoadBalancer", Name=name, Type="gateway", Subnets=list(subnets), **more)
    return answer["LoadBalancers"][0]


def make_target_group(api: Api, vpc: str, name: str = "targets", **more: Any) -> str:
    answer = api.elbv2("CreateTargetGroup", Name=name, Protocol="GENEVE", Port=6081, VpcId=vpc, **more)
    return answer["TargetGroups"][0]["TargetGroupArn"]


def make_listener(api: Api, load_balancer: str, group: str, **more: Any) -> dict[str, Any]:
    action = {"Type": "forward", "TargetGroupArn": group}
    return api.elbv2("CreateListener", LoadBalancerArn=load_balancer, DefaultActions=[action], **more)["Listeners"][0]


def run_instance(api: Api, subnet: str, *, state: InstanceState = InstanceState.RUNNING) -> str:
    answer = api.ec2("RunInstances", ImageId=IMAGE, MinCount=1, MaxCount=1, SubnetId=subnet)
    instance_id: str = answer["Instances"][0]["InstanceId"]
    instance = api.store.snapshot().get(Instance, instance_id)
    assert instance is not None
    api.put(replace(instance, state=state))
    return instance_id


@pytest.fixture
def vpc(api: Api) -> str:
    return make_vpc(api)


@pytest.fixture
def subnet(api: Api, vpc: str) -> str:
    return make_subnet(api, vpc)


def test_a_load_balancer_is_answered_with_the_members_of_a_gateway_and_no_others(api: Api, vpc: str, subnet: str):
    made = make_load_balancer(api, subnet, Tags=[{"Key": "team", "Value": "net"}])
    assert set(made) == {
        "LoadBalancerArn",
        "CreatedTime",
        "LoadBalancerName",
        "VpcId",
        "State",
        "Type",
        "AvailabilityZones",
        "IpAddressType",
    }
    arn = r"arn:aws:elasticloadbalancing:ap-northeast-2:111111111111:loadbalancer/gwy/lb/[0-9a-f]{16}"
    assert re.fullmatch(arn, made["LoadBalancerArn"])
    assert made["State"] == {"Code": "provisioning"}
    assert made["AvailabilityZones"] == [{"ZoneName": "ap-northeast-2a", "SubnetId": subnet}]
    (described,) = api.elbv2("DescribeLoadBalancers", Names=["lb"])["LoadBalancers"]
    assert described == made


def test_each_zone_gets_a_network_interface_that_the_service_manages(api: Api, vpc: str, subnet: str):
    other = make_subnet(api, vpc, "10.0.1.0/24", "ap-northeast-2b")
    made = make_load_balancer(api, subnet, other)
    filters = [{"Name": "interface-type", "Values": ["gateway_load_balancer"]}]
    interfaces = api.ec2("DescribeNetworkInterfaces", Filters=filters)["NetworkInterfaces"]
    assert {interface["SubnetId"] for interface in interfaces} == {subnet, other}
    tail = made["LoadBalancerArn"].split("loadbalancer/")[1]
    for interface in interfaces:
        assert interface["Description"] == f"ELB {tail}"
        assert (interface["RequesterManaged"], interface["RequesterId"]) == (True, "amazon-elb")
        assert interface["SourceDestCheck"] is False
    api.elbv2("DeleteLoadBalancer", LoadBalancerArn=made["LoadBalancerArn"])
    assert api.ec2("DescribeNetworkInterfaces", Filters=filters)["NetworkInterfaces"] == []


def test_repeating_a_creation_answers_with_the_same_object_and_other_settings_are_refused(
    api: Api, vpc: str, subnet: str
):
    first = make_load_balancer(api, subnet)
    assert make_load_balancer(api, subnet) == first
    other = make_subnet(api, vpc, "10.0.1.0/24", "ap-northeast-2b")
    with refused("DuplicateLoadBalancerName", "with the same name 'lb' exists"):
        make_load_balancer(api, other)
    group = make_target_group(api, vpc)
    assert make_target_group(api, vpc) == group
    with refused("DuplicateTargetGroupName"):
        make_target_group(api, vpc, HealthCheckPort="8080")
    listener = make_listener(api, first["LoadBalancerArn"], group)
    assert make_listener(api, first["LoadBalancerArn"], group) == listener


@pytest.mark.parametrize(
    ("params", "code", "words"),
    [
        ({"Type": "application"}, "InvalidConfigurationRequest", "'application'"),
        ({"Scheme": "internal"}, "ValidationError", "Scheme"),
        ({"SecurityGroups": ["sg-1"]}, "ValidationError", "SecurityGroups"),
        ({"IpAddressType": "dualstack"}, "InvalidSubnet", "IPv6"),
        ({"Name": "a" * 33}, "ValidationError", "cannot be longer than '32' characters"),
        ({"Name": "-a"}, "ValidationError", "cannot begin or end with '-'"),
        ({"Name": "a_b"}, "ValidationError", "alphanumeric"),
        ({"Name": "internal-a"}, "ValidationError", "internal-"),
        ({"Subnets": []}, "ValidationError", "either subnets or subnet mappings"),
        ({"Subnets": ["subnet-00000000000000000"]}, "SubnetNotFound", "does not exist"),
        ({"Tags": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]}, "DuplicateTagKeys", "'a'"),
    ],
)
def test_a_load_balancer_that_aws_would_refuse_is_refused(
    api: Api, subnet: str, params: dict[str, Any], code: str, words: str
):
    with refused(code, words):
        api.elbv2("CreateLoadBalancer", **{"Name": "lb", "Type": "gateway", "Subnets": [subnet], **params})
    assert api.elbv2("DescribeLoadBalancers")["LoadBalancers"] == []


def test_one_subnet_per_zone_with_room_for_eight_addresses(api: Api, vpc: str, subnet: str):
    with refused("InvalidConfigurationRequest", "multiple subnets in the same Availability Zone"):
        make_load_balancer(api, subnet, make_subnet(api, vpc, "10.0.1.0/24"))
    small = make_subnet(api, vpc, "10.0.2.0/28", "ap-northeast-2b")
    for _ in range(4):
        run_instance(api, small)
    with refused("InvalidSubnet", "at least 8 free IP addresses"):
        make_load_balancer(api, small)


def test_subnets_can_be_added_and_not_removed(api: Api, vpc: str, subnet: str):
    arn = make_load_balancer(api, subnet)["LoadBalancerArn"]
    other = make_subnet(api, vpc, "10.0.1.0/24", "ap-northeast-2b")
    with refused("InvalidConfigurationRequest", "cannot be removed"):
        api.elbv2("SetSubnets", LoadBalancerArn=arn, Subnets=[other])
    answer = api.elbv2("SetSubnets", LoadBalancerArn=arn, Subnets=[other, subnet])
    assert [zone["ZoneName"] for zone in answer["AvailabilityZones"]] == ["ap-northeast-2a", "ap-northeast-2b"]
    stored = api.store.snapshot().get(LoadBalancer, arn)
    assert stored is not None and len({zone.network_interface for zone in stored.zones}) == 2
    assert api.elbv2("SetIpAddressType", LoadBalancerArn=arn, IpAddressType="ipv4") == {"IpAddressType": "ipv4"}
    with refused("InvalidConfigurationRequest"):
        api.elbv2("SetSecurityGroups", LoadBalancerArn=arn, SecurityGroups=["sg-1"])


def test_deletion_takes_the_listener_along_and_of_a_missing_one_succeeds(api: Api, vpc: str, subnet: str):
    arn = make_load_balancer(api, subnet)["LoadBalancerArn"]
    group = make_target_group(api, vpc)
    make_listener(api, arn, group)
    with refused("ResourceInUse", f"Target group '{group}' is currently in use by a listener or a rule"):
        api.elbv2("DeleteTargetGroup", TargetGroupArn=group)
    api.elbv2("DeleteLoadBalancer", LoadBalancerArn=arn)
    api.elbv2("DeleteLoadBalancer", LoadBalancerArn=arn)
    with refused("LoadBalancerNotFound"):
        api.elbv2("DescribeLoadBalancers", LoadBalancerArns=[arn])
    api.elbv2("DeleteTargetGroup", TargetGroupArn=group)
    api.elbv2("DeleteTargetGroup", TargetGroupArn=group)
    assert api.elbv2("DescribeTargetGroups")["TargetGroups"] == []


def test_a_protected_load_balancer_stays(api: Api, subnet: str):
    arn = make_load_balancer(api, subnet)["LoadBalancerArn"]
    protect = [{"Key": "deletion_protection.enabled", "Value": "true"}]
    answer = api.elbv2("ModifyLoadBalancerAttributes", LoadBalancerArn=arn, Attributes=protect)
    assert answer["Attributes"] == [
        {"Key": "deletion_protection.enabled", "Value": "true"},
        {"Key": "load_balancing.cross_zone.enabled", "Value": "false"},
    ]
    with refused("OperationNotPermitted", "deletion protection is enabled"):
        api.elbv2("DeleteLoadBalancer", LoadBalancerArn=arn)


def test_a_target_group_has_the_defaults_of_geneve(api: Api, vpc: str):
    arn = make_target_group(api, vpc)
    assert re.fullmatch(r"arn:aws:elasticloadbalancing:[^:]+:111111111111:targetgroup/targets/00[0-9a-f]{16}", arn)
    (group,) = api.elbv2("DescribeTargetGroups", TargetGroupArns=[arn])["TargetGroups"]
    assert group == {
        "TargetGroupArn": arn,
        "TargetGroupName": "targets",
        "Protocol": "GENEVE",
        "Port": 6081,
        "VpcId": vpc,
        "HealthCheckProtocol": "TCP",
        "HealthCheckPort": "80",
        "HealthCheckEnabled": True,
        "HealthCheckIntervalSeconds": 10,
        "HealthCheckTimeoutSeconds": 5,
        "HealthyThresholdCount": 5,
        "UnhealthyThresholdCount": 2,
        "LoadBalancerArns": [],
        "TargetType": "instance",
    }


@pytest.mark.parametrize(
    ("params", "code", "words"),
    [
        ({"Protocol": None}, "ValidationError", "A protocol must be specified"),
        ({"Port": None}, "ValidationError", "A port must be specified"),
        ({"VpcId": None}, "ValidationError", "A VPC ID must be specified"),
        ({"VpcId": "vpc-00000000000000000"}, "ValidationError", "The VPC ID 'vpc-00000000000000000' is not found"),
        ({"Protocol": "TCP"}, "InvalidConfigurationRequest", "'TCP'"),
        ({"Port": 80}, "ValidationError", "6081"),
        ({"TargetType": "lambda"}, "InvalidConfigurationRequest", "lambda"),
        ({"ProtocolVersion": "HTTP1"}, "ValidationError", "ProtocolVersion"),
        ({"HealthCheckEnabled": False}, "ValidationError", "cannot be disabled"),
        ({"HealthCheckProtocol": "GENEVE"}, "ValidationError", "must be one of [HTTP, HTTPS, TCP]"),
        ({"HealthCheckPort": "0"}, "ValidationError", "'0'"),
        ({"HealthCheckPath": "/up"}, "ValidationError", "TCP"),
        ({"HealthCheckTimeoutSeconds": 11}, "ValidationError", "must be smaller than or equal to the interval '10'"),
        ({"HealthCheckProtocol": "HTTP", "Matcher": {"HttpCode": "200-500"}}, "ValidationError", "'200-399'"),
        ({"HealthCheckProtocol": "HTTP", "Matcher": {"HttpCode": "399-200"}}, "ValidationError", "'200-399'"),
    ],
)
def test_a_target_group_that_aws_would_refuse_is_refused(
    api: Api, vpc: str, params: dict[str, Any], code: str, words: str
):
    asked = {"Name": "targets", "Protocol": "GENEVE", "Port": 6081, "VpcId": vpc, **params}
    with refused(code, words):
        api.elbv2("CreateTargetGroup", **{name: value for name, value in asked.items() if value is not None})


def test_http_checks_show_their_path_and_matcher_and_can_be_modified(api: Api, vpc: str):
    arn = make_target_group(
        api, vpc, HealthCheckProtocol="HTTP", HealthCheckPath="/up", Matcher={"HttpCode": "200,204"}
    )
    answer = api.elbv2("ModifyTargetGroup", TargetGroupArn=arn, HealthCheckPort="8080", HealthyThresholdCount=2)
    (group,) = answer["TargetGroups"]
    assert (group["HealthCheckPath"], group["Matcher"], group["HealthCheckPort"]) == (
        "/up",
        {"HttpCode": "200,204"},
        "8080",
    )
    with refused("ValidationError", "interval '5'"):
        api.elbv2("ModifyTargetGroup", TargetGroupArn=arn, HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=6)


def test_a_listener_is_answered_without_port_and_protocol(api: Api, vpc: str, subnet: str):
    arn = make_load_balancer(api, subnet)["LoadBalancerArn"]
    group = make_target_group(api, vpc)
    listener = make_listener(api, arn, group)
    assert listener == {
        "ListenerArn": listener["ListenerArn"],
        "LoadBalancerArn": arn,
        "DefaultActions": [
            {
                "Type": "forward",
                "TargetGroupArn": group,
                "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": group}]},
            }
        ],
    }
    tail = arn.split("loadbalancer/")[1]
    assert re.search(rf":listener/{tail}/[0-9a-f]{{16}}$", listener["ListenerArn"])
    (described,) = api.elbv2("DescribeListeners", LoadBalancerArn=arn)["Listeners"]
    assert described == listener
    (used,) = api.elbv2("DescribeTargetGroups", LoadBalancerArn=arn)["TargetGroups"]
    assert used["LoadBalancerArns"] == [arn]
    (rule,) = api.elbv2("DescribeRules", ListenerArn=listener["ListenerArn"])["Rules"]
    assert (rule["IsDefault"], rule["Priority"], rule["Actions"]) == (True, "default", listener["DefaultActions"])
    assert api.elbv2("DescribeRules", RuleArns=[rule["RuleArn"]])["Rules"] == [rule]


def test_a_listener_of_a_gateway_takes_no_port_and_no_protocol(api: Api, vpc: str, subnet: str):
    arn = make_load_balancer(api, subnet)["LoadBalancerArn"]
    group = make_target_group(api, vpc)
    with refused("ValidationError", "A port cannot be specified for gateway listeners"):
        make_listener(api, arn, group, Port=6081)
    with refused("ValidationError", "A protocol cannot be specified for gateway listeners"):
        make_listener(api, arn, group, Protocol="GENEVE")
    redirect = [{"Type": "redirect"}]
    with refused("InvalidLoadBalancerAction", "'redirect'"):
        api.elbv2("CreateListener", LoadBalancerArn=arn, DefaultActions=redirect)
    with refused("ValidationError", "You must specify either listener ARNs or a load balancer ARN"):
        api.elbv2("DescribeListeners")


def test_one_listener_per_load_balancer_and_one_load_balancer_per_target_group(api: Api, vpc: str, subnet: str):
    first = make_load_balancer(api, subnet, name="first")["LoadBalancerArn"]
    second = make_load_balancer(api, subnet, name="second")["LoadBalancerArn"]
    group, other = make_target_group(api, vpc), make_target_group(api, vpc, "other")
    listener = make_listener(api, first, group)["ListenerArn"]
    with refused("TooManyListeners"):
        make_listener(api, first, other)
    with refused("TargetGroupAssociationLimit", group):
        make_listener(api, second, group)
    switch = [{"Type": "forward", "ForwardConfig": {"TargetGroups": [{"TargetGroupArn": other}]}}]
    api.elbv2("ModifyListener", ListenerArn=listener, DefaultActions=switch)
    make_listener(api, second, group)
    api.elbv2("DeleteListener", ListenerArn=listener)
    with refused("ListenerNotFound"):
        api.elbv2("DeleteListener", ListenerArn=listener)


def test_a_target_group_of_another_vpc_cannot_be_forwarded_to(api: Api, subnet: str):
    arn = make_load_balancer(api, subnet)["LoadBalancerArn"]
    foreign = make_target_group(api, make_vpc(api, "10.9.0.0/16"))
    with refused("InvalidConfigurationRequest", "different VPC"):
        make_listener(api, arn, foreign)


def health(api: Api, group: str, **more: Any) -> list[dict[str, Any]]:
    return api.elbv2("DescribeTargetHealth", TargetGroupArn=group, **more)["TargetHealthDescriptions"]


def test_a_registered_instance_is_described_with_the_health_that_was_written_back(api: Api, vpc: str, subnet: str):
    group, instance = make_target_group(api, vpc), run_instance(api, subnet)
    assert api.elbv2("RegisterTargets", TargetGroupArn=group, Targets=[{"Id": instance}]) == {}
    (shown,) = health(api, group)
    assert shown["Target"] == {"Id": instance, "Port": 6081}
    assert shown["TargetHealth"]["State"] == "initial"
    target = api.store.snapshot().get(Target, f"{group}|{instance}")
    assert target is not None
    api.put(replace(target, state=TargetState.HEALTHY, reason="", description=""))
    (shown,) = health(api, group)
    assert shown == {
        "Target": {"Id": instance, "Port": 6081},
        "HealthCheckPort": "80",
        "TargetHealth": {"State": "healthy"},
    }


def test_a_target_nobody_registered_is_unused(api: Api, vpc: str):
    (shown,) = health(api, make_target_group(api, vpc), Targets=[{"Id": "i-00000000000000000"}])
    assert shown["TargetHealth"] == {
        "State": "unused",
        "Reason": "Target.NotRegistered",
        "Description": "Target is not registered to the target group",
    }


def test_a_deregistered_target_drains_and_registering_again_brings_it_back(api: Api, vpc: str, subnet: str):
    group, instance = make_target_group(api, vpc), run_instance(api, subnet)
    targets = [{"Id": instance, "Port": 6081}]
    api.elbv2("DeregisterTargets", TargetGroupArn=group, Targets=targets)
    api.elbv2("RegisterTargets", TargetGroupArn=group, Targets=targets)
    api.elbv2("DeregisterTargets", TargetGroupArn=group, Targets=targets)
    (shown,) = health(api, group)
    assert (shown["TargetHealth"]["State"], shown["TargetHealth"]["Reason"]) == (
        "draining",
        "Target.DeregistrationInProgress",
    )
    target = api.store.snapshot().get(Target, f"{group}|{instance}")
    assert target is not None and target.deregistered == api.now
    api.elbv2("RegisterTargets", TargetGroupArn=group, Targets=targets)
    target = api.store.snapshot().get(Target, f"{group}|{instance}")
    assert target is not None and (target.deregistered, target.state) == (None, TargetState.INITIAL)


def test_registering_all_or_none(api: Api, vpc: str, subnet: str):
    group, running = make_target_group(api, vpc), run_instance(api, subnet)
    stopped = run_instance(api, subnet, state=InstanceState.STOPPED)
    other_vpc = make_vpc(api, "10.9.0.0/16")
    elsewhere = run_instance(api, make_subnet(api, other_vpc, "10.9.0.0/24"))
    for bad, words in (
        (stopped, f"not in a running state and cannot be registered: '{stopped}'"),
        (elsewhere, "not in the target group VPC"),
        ("i-00000000000000000", "do not exist"),
    ):
        with refused("InvalidTarget", words):
            api.elbv2("RegisterTargets", TargetGroupArn=group, Targets=[{"Id": running}, {"Id": bad}])
    with refused("InvalidTarget", "6081"):
        api.elbv2("RegisterTargets", TargetGroupArn=group, Targets=[{"Id": running, "Port": 80}])
    with refused("ValidationError", "Availability Zone"):
        api.elbv2("RegisterTargets", TargetGroupArn=group, Targets=[{"Id": running, "AvailabilityZone": "all"}])
    assert health(api, group) == []


def test_ip_targets_come_from_the_subnets_or_from_private_ranges(api: Api, vpc: str, subnet: str):
    group = make_target_group(api, vpc, TargetType="ip")
    good = [{"Id": "10.0.0.9"}, {"Id": "192.168.7.7", "AvailabilityZone": "all"}]
    api.elbv2("RegisterTargets", TargetGroupArn=group, Targets=good)
    assert [shown["Target"]["AvailabilityZone"] for shown in health(api, group)] == ["ap-northeast-2a", "all"]
    for bad, words in (
        ({"Id": "10.0.77.1"}, "not within any subnet"),
        ({"Id": "8.8.8.8", "AvailabilityZone": "all"}, "100.64.0.0/10"),
    ):
        with refused("InvalidTarget", words):
            api.elbv2("RegisterTargets", TargetGroupArn=group, Targets=[bad])
    with refused(
        "ValidationError", "select 'all' for all enabled Availability zones", "'192.168.7.8' is outside the VPC"
    ):
        api.elbv2("RegisterTargets", TargetGroupArn=group, Targets=[{"Id": "192.168.7.8"}])
    for zone in ("all", "ap-northeast-2b"):
        with refused("ValidationError", f"overridden to '{zone}' from 'ap-northeast-2a'"):
            api.elbv2("RegisterTargets", TargetGroupArn=group, Targets=[{"Id": "10.0.0.8", "AvailabilityZone": zone}])
    with refused("ValidationError", "The Availability Zone 'ap-northeast-2x' is not valid"):
        targets = [{"Id": "192.168.7.8", "AvailabilityZone": "ap-northeast-2x"}]
        api.elbv2("RegisterTargets", TargetGroupArn=group, Targets=targets)
    with refused("ValidationError", "not a valid IPv4 address"):
        api.elbv2("RegisterTargets", TargetGroupArn=group, Targets=[{"Id": "i-00000000000000000"}])


def test_tags_are_added_overwritten_and_removed(api: Api, vpc: str, subnet: str):
    arn = make_load_balancer(api, subnet)["LoadBalancerArn"]
    group = make_target_group(api, vpc)
    api.elbv2("AddTags", ResourceArns=[arn, group], Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    api.elbv2("AddTags", ResourceArns=[arn], Tags=[{"Key": "a", "Value": "3"}])
    api.elbv2("RemoveTags", ResourceArns=[arn], TagKeys=["b"])
    shown = api.elbv2("DescribeTags", ResourceArns=[arn, group])["TagDescriptions"]
    assert [each["Tags"] for each in shown] == [
        [{"Key": "a", "Value": "3"}],
        [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}],
    ]
    with refused("LoadBalancerNotFound"):
        api.elbv2("AddTags", ResourceArns=[arn[:-1] + "x"], Tags=[{"Key": "a"}])
    with refused("TooManyTags"):
        api.elbv2("AddTags", ResourceArns=[arn], Tags=[{"Key": f"k{n}", "Value": ""} for n in range(50)])


def test_pages_follow_each_other_by_marker(api: Api, vpc: str):
    arns = [make_target_group(api, vpc, f"g{number}") for number in range(3)]
    first = api.elbv2("DescribeTargetGroups", PageSize=2)
    second = api.elbv2("DescribeTargetGroups", PageSize=2, Marker=first["NextMarker"])
    assert [group["TargetGroupArn"] for group in first["TargetGroups"] + second["TargetGroups"]] == arns
    assert "NextMarker" not in second
    with refused("TargetGroupNotFound", "One or more target groups not found"):
        api.elbv2("DescribeTargetGroups", Names=["g0", "missing"])


def test_another_account_sees_nothing(api: Api, vpc: str, subnet: str):
    arn = make_load_balancer(api, subnet)["LoadBalancerArn"]
    stranger = api.of("222222222222")
    assert stranger.elbv2("DescribeLoadBalancers")["LoadBalancers"] == []
    with refused("LoadBalancerNotFound"):
        stranger.elbv2("DescribeLoadBalancerAttributes", LoadBalancerArn=arn)
    with refused("SubnetNotFound"):
        make_load_balancer(stranger, subnet)


def test_limits_are_told(api: Api):
    limits = {limit["Name"]: limit["Max"] for limit in api.elbv2("DescribeAccountLimits")["Limits"]}
    assert limits["gateway-load-balancers"] == "100"
