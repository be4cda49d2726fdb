"""What a gateway load balancer has not, and what tools ask it for all the same: rules, certificates, capacity, limits, pages."""

from __future__ import annotations

from typing import Any

import pytest
from api_harness import Api, refused
from test_api_elbv2 import make_listener, make_load_balancer, make_subnet, make_target_group, make_vpc

from opengwlb.api.common.quotas import set_limit
from opengwlb.model.elb import Target


@pytest.fixture
def vpc(api: Api) -> str:
    return make_vpc(api)


@pytest.fixture
def arn(api: Api, vpc: str) -> str:
    return str(make_load_balancer(api, make_subnet(api, vpc))["LoadBalancerArn"])


@pytest.fixture
def listener(api: Api, vpc: str, arn: str) -> str:
    return str(make_listener(api, arn, make_target_group(api, vpc))["ListenerArn"])


def default_rule(api: Api, listener: str) -> str:
    return str(api.elbv2("DescribeRules", ListenerArn=listener)["Rules"][0]["RuleArn"])


def test_the_default_rule_is_the_only_one_and_stays_as_it_is(api: Api, listener: str):
    rule = default_rule(api, listener)
    (action,) = api.elbv2("DescribeRules", RuleArns=[rule])["Rules"][0]["Actions"]
    condition = [{"Field": "path-pattern", "Values": ["/"]}]
    with refused("OperationNotPermitted", "not supported for gateway listeners"):
        api.elbv2(
            "CreateRule",
            ListenerArn=listener,
            Conditions=condition,
            Priority=1,
            Actions=[{"Type": "forward", "TargetGroupArn": action["TargetGroupArn"]}],
        )
    with refused("OperationNotPermitted", rule, "cannot be deleted"):
        api.elbv2("DeleteRule", RuleArn=rule)
    with refused("OperationNotPermitted", "cannot be modified"):
        api.elbv2("ModifyRule", RuleArn=rule)
    with refused("OperationNotPermitted", "another priority"):
        api.elbv2("SetRulePriorities", RulePriorities=[{"RuleArn": rule, "Priority": 1}])
    missing = rule[:-1] + ("0" if rule[-1] != "0" else "1")
    for call in ("DeleteRule", "ModifyRule"):
        with refused("RuleNotFound", "One or more listener rules not found"):
            api.elbv2(call, RuleArn=missing)
    with refused("ListenerNotFound"):
        api.elbv2("DescribeRules", ListenerArn=listener[:-1] + ("0" if listener[-1] != "0" else "1"))
    with refused("ValidationError", "either listener rule ARNs or a listener ARN"):
        api.elbv2("DescribeRules", ListenerArn=listener, RuleArns=[rule])


def test_a_default_rule_has_tags_of_its_own(api: Api, listener: str):
    rule = default_rule(api, listener)
    api.elbv2("AddTags", ResourceArns=[rule], Tags=[{"Key": "a", "Value": "1"}])
    shown = api.elbv2("DescribeTags", ResourceArns=[rule, listener])["TagDescriptions"]
    assert [one["Tags"] for one in shown] == [[{"Key": "a", "Value": "1"}], []]
    api.elbv2("RemoveTags", ResourceArns=[rule], TagKeys=["a"])
    assert api.elbv2("DescribeTags", ResourceArns=[rule])["TagDescriptions"][0]["Tags"] == []


def test_a_gateway_listener_has_no_certificates_policies_and_trust_stores(api: Api, arn: str, listener: str):
    assert api.elbv2("DescribeListenerCertificates", ListenerArn=listener) == {"Certificates": []}
    assert api.elbv2("DescribeSSLPolicies") == {"SslPolicies": []}
    assert api.elbv2("DescribeTrustStores") == {"TrustStores": []}
    certificates = [{"CertificateArn": "arn:aws:acm:ap-northeast-2:111111111111:certificate/1"}]
    for call in ("AddListenerCertificates", "RemoveListenerCertificates"):
        with refused("ValidationError", "gateway listeners"):
            api.elbv2(call, ListenerArn=listener, Certificates=certificates)
    with refused("SSLPolicyNotFound"):
        api.elbv2("DescribeSSLPolicies", Names=["ELBSecurityPolicy-2016-08"])
    with refused("TrustStoreNotFound"):
        api.elbv2("DescribeTrustStores", Names=["mine"])
    with refused("ResourceNotFound"):
        api.elbv2("GetResourcePolicy", ResourceArn=arn)
    with refused("ValidationError", "gateway"):
        api.elbv2("ModifyIpPools", LoadBalancerArn=arn, RemoveIpamPools=["ipv4"])


def test_no_capacity_can_be_reserved_because_none_would_be_there(api: Api, arn: str):
    modify = "ModifyCapacityReservation"
    with refused("CapacityUnitsLimitExceeded", "has been reached: 0"):
        api.elbv2(modify, LoadBalancerArn=arn, MinimumLoadBalancerCapacity={"CapacityUnits": 1})
    nothing = {"DecreaseRequestsRemaining": 2, "CapacityReservationState": []}
    assert api.elbv2(modify, LoadBalancerArn=arn, ResetCapacityReservation=True) == nothing
    assert api.elbv2("DescribeCapacityReservation", LoadBalancerArn=arn) == nothing
    with refused("ValidationError", "either a minimum"):
        api.elbv2(modify, LoadBalancerArn=arn)
    with refused("LoadBalancerNotFound"):
        api.of("222222222222").elbv2("DescribeCapacityReservation", LoadBalancerArn=arn)


def test_limits_come_by_awss_names_in_pages_and_follow_the_accounts_quotas(api: Api):
    limits = {limit["Name"]: limit["Max"] for limit in api.elbv2("DescribeAccountLimits")["Limits"]}
    assert limits == {
        "gateway-load-balancers": "100",
        "gateway-load-balancers-per-vpc": "100",
        "geneve-target-groups": "100",
        "targets-per-availability-zone-per-gateway-load-balancer": "300",
        "targets-per-target-group": "1000",
    }
    set_limit(api.store, account=api.account, name="geneve-target-groups", value=150)
    first = api.elbv2("DescribeAccountLimits", PageSize=3)
    assert first["Limits"][2] == {"Name": "geneve-target-groups", "Max": "150"}
    assert len(api.elbv2("DescribeAccountLimits", Marker=first["NextMarker"])["Limits"]) == 2


@pytest.mark.parametrize("operation", ["DescribeLoadBalancers", "DescribeTargetGroups", "DescribeAccountLimits"])
@pytest.mark.parametrize("params", [{"Marker": "nonsense"}, {"PageSize": 401}])
def test_too_large_pages_and_markers_of_nobody_are_refused(api: Api, operation: str, params: dict[str, Any]):
    with refused("ValidationError"):
        api.elbv2(operation, **params)


def test_names_and_arns_do_not_go_together_and_twenty_is_the_most(api: Api, arn: str):
    with refused("ValidationError", "at the same time"):
        api.elbv2("DescribeLoadBalancers", Names=["lb"], LoadBalancerArns=[arn])
    with refused("ValidationError", "at most 20"):
        api.elbv2("DescribeLoadBalancers", Names=[f"n{number}" for number in range(21)])
    with refused("ValidationError", "only one of"):
        api.elbv2("DescribeTargetGroups", Names=["a"], LoadBalancerArn=arn)
    with refused("ValidationError", "1 and 20"):
        api.elbv2("DescribeTags", ResourceArns=[arn] * 21)


@pytest.mark.parametrize(
    ("tags", "code", "words"),
    [
        ([{"Key": "aws:name", "Value": "x"}], "ValidationError", "aws:"),
        ([{"Key": "AWS:name", "Value": "x"}], "ValidationError", "aws:"),
        ([{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "1"}], "DuplicateTagKeys", "'a'"),
        ([{"Key": f"k{number}"} for number in range(51)], "TooManyTags", "50"),
        ([{"Key": "a!", "Value": "1"}], "ValidationError", "letters"),
        ([{"Key": "a", "Value": "x\ty"}], "ValidationError", "letters"),
    ],
)
def test_tags_that_aws_would_refuse_are_refused_on_every_call_that_takes_them(
    api: Api, vpc: str, arn: str, tags: list[dict[str, str]], code: str, words: str
):
    with refused(code, words):
        api.elbv2("AddTags", ResourceArns=[arn], Tags=tags)
    with refused(code, words):
        make_target_group(api, vpc, Tags=tags)
    with refused(code, words):
        make_load_balancer(api, make_subnet(api, vpc, "10.0.7.0/24"), name="other", Tags=tags)
    assert api.elbv2("DescribeTags", ResourceArns=[arn])["TagDescriptions"][0]["Tags"] == []


def test_tags_take_letters_of_any_script(api: Api, arn: str):
    api.elbv2("AddTags", ResourceArns=[arn], Tags=[{"Key": "팀", "Value": "네트워크 보안"}])
    assert api.elbv2("DescribeTags", ResourceArns=[arn])["TagDescriptions"][0]["Tags"] == [
        {"Key": "팀", "Value": "네트워크 보안"}
    ]


def test_the_same_name_with_another_address_type_is_another_load_balancer(api: Api, vpc: str):
    subnet = make_subnet(api, vpc)
    first = make_load_balancer(api, subnet, IpAddressType="ipv4")
    assert make_load_balancer(api, subnet) == first
    with refused("DuplicateLoadBalancerName"):
        make_load_balancer(api, subnet, Tags=[{"Key": "a", "Value": "1"}])


def test_a_zone_of_a_target_group_takes_300_targets_and_a_load_balancer_no_more(api: Api, vpc: str, arn: str):
    make_subnet(api, vpc, "10.0.4.0/23", "ap-northeast-2b")
    group = make_target_group(api, vpc, TargetType="ip")
    in_b = [{"Id": f"10.0.{4 + number // 250}.{number % 250 + 4}"} for number in range(301)]
    api.elbv2("RegisterTargets", TargetGroupArn=group, Targets=in_b[:300])
    with refused("TooManyTargets", "in an Availability Zone has been reached: 300"):
        api.elbv2("RegisterTargets", TargetGroupArn=group, Targets=in_b[300:])
    assert len(list(api.store.snapshot().values(Target))) == 300
    api.elbv2("RegisterTargets", TargetGroupArn=group, Targets=[{"Id": "10.0.0.9"}])
    with refused("TooManyTargets", "targets of a gateway load balancer has been reached: 300"):
        make_listener(api, arn, group)
    api.elbv2("DeregisterTargets", TargetGroupArn=group, Targets=[{"Id": "10.0.0.9"}])
    make_listener(api, arn, group)
    with refused("TooManyTargets", "targets of a gateway load balancer"):
        api.elbv2("RegisterTargets", TargetGroupArn=group, Targets=[{"Id": "10.0.0.9"}])


def test_what_is_no_instance_id_is_told_from_an_instance_that_is_not_there(api: Api, vpc: str):
    group = make_target_group(api, vpc)
    with refused("ValidationError", "Instance ID '10.0.0.9' is not valid"):
        api.elbv2("RegisterTargets", TargetGroupArn=group, Targets=[{"Id": "10.0.0.9"}])
