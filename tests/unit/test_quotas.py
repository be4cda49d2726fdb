"""Quotas: AWS's error at the default, another number for one account, and none that cannot be kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from api_harness import Api, refused, service_model
from api_lab import Lab

from opengwlb.api.common.quotas import check, limit, set_limit
from opengwlb.api.reset import reset
from opengwlb.policy.quotas import QUOTAS


def lowered(api: Api, name: str, value: int) -> None:
    set_limit(api.store, account=api.account, name=name, value=value)


def test_the_sixth_vpc_is_refused_until_the_account_may_have_more_and_others_stay_as_they_are(api: Api):
    for number in range(4):
        api.ec2("CreateVpc", CidrBlock=f"10.{number}.0.0/16")
    with refused("VpcLimitExceeded", "The maximum number of VPCs has been reached: 5", "gwlb account quota"):
        api.ec2("CreateVpc", CidrBlock="10.9.0.0/16")
    lowered(api, "vpcs", 6)
    api.ec2("CreateVpc", CidrBlock="10.9.0.0/16")
    with refused("VpcLimitExceeded"):
        api.ec2("CreateVpc", CidrBlock="10.10.0.0/16")
    other = api.of("222222222222")
    assert limit(other.context(), api.store.snapshot(), "vpcs") == 5


Make = Callable[[Lab], Any]
MAKERS: dict[str, Make] = {
    "subnets-per-vpc": lambda lab: lab.api.ec2("CreateSubnet", VpcId=lab.vpc, CidrBlock="10.0.9.0/24"),
    "route-tables-per-vpc": lambda lab: lab.new_table(),
    "routes-per-route-table": lambda lab: lab.route("0.0.0.0/0", GatewayId=lab.gateway),
    "internet-gateways": lambda lab: lab.api.ec2("CreateInternetGateway"),
    "network-interfaces": lambda lab: lab.interface(),
    "security-groups": lambda lab: lab.api.ec2(
        "CreateSecurityGroup", GroupName="more", Description="more", VpcId=lab.vpc
    ),
    "rules-per-security-group": lambda lab: lab.api.ec2(
        "AuthorizeSecurityGroupIngress",
        GroupId=lab.api.ec2("DescribeSecurityGroups")["SecurityGroups"][0]["GroupId"],
        IpPermissions=[{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}],
    ),
    "security-groups-per-interface": lambda lab: lab.api.ec2(
        "CreateNetworkInterface",
        SubnetId=lab.app,
        Groups=[
            group["GroupId"]
            for group in lab.api.ec2("DescribeSecurityGroups")["SecurityGroups"]
            if group["VpcId"] == lab.vpc
        ],
    ),
    "ipv6-blocks-per-vpc": lambda lab: lab.api.ec2(
        "AssociateVpcCidrBlock", VpcId=lab.vpc, AmazonProvidedIpv6CidrBlock=True
    ),
    "elastic-addresses": lambda lab: lab.api.ec2("AllocateAddress"),
    "endpoints-per-vpc": lambda lab: lab.api.ec2(
        "CreateVpcEndpoint",
        VpcEndpointType="Interface",
        VpcId=lab.vpc,
        ServiceName="com.amazonaws.ap-northeast-2.ec2",
        PrivateDnsEnabled=False,
    ),
    "gateway-load-balancers": lambda lab: lab.api.elbv2(
        "CreateLoadBalancer", Name="lb", Type="gateway", Subnets=[wide(lab)]
    ),
    "gateway-load-balancers-per-vpc": lambda lab: lab.api.elbv2(
        "CreateLoadBalancer", Name="lb", Type="gateway", Subnets=[wide(lab)]
    ),
    "gateway-load-balancer-enis-per-vpc": lambda lab: lab.api.elbv2(
        "CreateLoadBalancer", Name="lb", Type="gateway", Subnets=[wide(lab)]
    ),
    "geneve-target-groups": lambda lab: lab.api.elbv2(
        "CreateTargetGroup", Name="tg", Protocol="GENEVE", Port=6081, VpcId=lab.vpc
    ),
    "targets-per-target-group": lambda lab: lab.api.elbv2(
        "RegisterTargets",
        TargetGroupArn=lab.api.elbv2("CreateTargetGroup", Name="tg", Protocol="GENEVE", Port=6081, VpcId=lab.vpc)[
            "TargetGroups"
        ][0]["TargetGroupArn"],
        Targets=[{"Id": lab.instance().id}],
    ),
}


def wide(lab: Lab) -> str:
    subnets = lab.api.ec2("DescribeSubnets", Filters=[{"Name": "cidr-block", "Values": ["10.0.1.0/24"]}])["Subnets"]
    if subnets:
        return str(subnets[0]["SubnetId"])
    made = lab.api.ec2("CreateSubnet", VpcId=lab.vpc, CidrBlock="10.0.1.0/24")
    return str(made["Subnet"]["SubnetId"])


@pytest.mark.parametrize("name", MAKERS)
def test_beyond_a_quota_nothing_is_made_and_aws_error_is_answered(lab: Lab, name: str):
    make = MAKERS[name]
    lowered(lab.api, name, 0)
    with refused(QUOTAS[name].error, "maximum number"):
        make(lab)
    lowered(lab.api, name, 1000)
    make(lab)


def test_every_adjustable_quota_of_what_can_be_made_is_kept():
    """Network ACLs and second IPv4 blocks have their own tests beside their actions."""
    elsewhere = {"vpcs", "network-acls-per-vpc", "rules-per-network-acl", "ipv4-blocks-per-vpc"}
    assert set(MAKERS) | elsewhere == {quota.name for quota in QUOTAS.values() if quota.adjustable}


def test_quotas_that_aws_does_not_change_and_numbers_that_are_none_are_refused(api: Api):
    with refused("ValidationError", "always 1"):
        lowered(api, "listeners-per-gateway-load-balancer", 2)
    with refused("NoSuchEntity", "vpcs"):
        lowered(api, "clouds", 2)
    for wrong in (-1, 10**7):
        with refused("ValidationError", "0 to"):
            lowered(api, "vpcs", wrong)
    check(api.context(), api.store.snapshot(), "vpcs", count=5)


def test_starting_over_keeps_an_accounts_quotas(api: Api):
    lowered(api, "vpcs", 7)
    reset(api.store)
    assert limit(api.context(), api.store.snapshot(), "vpcs") == 7


def test_every_error_of_a_quota_of_load_balancers_is_one_that_aws_model_knows():
    model = service_model("elbv2")
    known = {
        shape.metadata.get("error", {}).get("code")
        for name in model.shape_names
        if (shape := model.shape_for(name)).metadata.get("exception")
    }
    for quota in QUOTAS.values():
        if quota.service == "elasticloadbalancing":
            assert quota.error in known, quota.name
