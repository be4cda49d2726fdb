"""Tags over services: the Resource Groups Tagging API, and that whatever AWS lets carry tags from its creation does so here."""

from __future__ import annotations

from typing import Any

import pytest
from api_harness import Api, refused
from api_lab import Lab

from opengwlb.api import dispatch
from opengwlb.api.standing import standings
from opengwlb.wire.models import service as service_of

TAGS = [{"Key": "team", "Value": "net"}, {"Key": "stage", "Value": "test"}]


def tagging(api: Api, operation: str, **params: Any) -> dict[str, Any]:
    return api.call("resourcegroupstaggingapi", operation, **params)


def arns(answer: dict[str, Any]) -> list[str]:
    return [each["ResourceARN"] for each in answer["ResourceTagMappingList"]]


def ec2_arn(api: Api, resource: str) -> str:
    return f"arn:aws:ec2:{api.region}:{api.account}:{resource}"


@pytest.fixture
def balancer(lab: Lab) -> str:
    (made,) = lab.api.elbv2("CreateLoadBalancer", Name="tagged", Type="gateway", Subnets=[lab.app], Tags=TAGS[:1])[
        "LoadBalancers"
    ]
    return str(made["LoadBalancerArn"])


def test_resources_of_all_services_are_found_by_tag_type_and_arn(lab: Lab, balancer: str):
    api = lab.api
    api.ec2("CreateTags", Resources=[lab.vpc, lab.app], Tags=TAGS)
    vpc, subnet = ec2_arn(api, f"vpc/{lab.vpc}"), ec2_arn(api, f"subnet/{lab.app}")
    assert arns(tagging(api, "GetResources")) == sorted([vpc, subnet, balancer])
    by_team = [{"Key": "team", "Values": ["net", "other"]}]
    assert set(arns(tagging(api, "GetResources", TagFilters=by_team))) == {vpc, subnet, balancer}
    assert set(arns(tagging(api, "GetResources", TagFilters=[*by_team, {"Key": "stage"}]))) == {vpc, subnet}
    assert arns(tagging(api, "GetResources", TagFilters=[{"Key": "team", "Values": ["other"]}])) == []
    assert arns(tagging(api, "GetResources", ResourceTypeFilters=["ec2:vpc"])) == [vpc]
    for balancing in (
        "elasticloadbalancing",
        "elasticloadbalancing:loadbalancer",
        "elasticloadbalancing:loadbalancer/gwy",
    ):
        assert arns(tagging(api, "GetResources", ResourceTypeFilters=[balancing])) == [balancer]
    gone = ec2_arn(api, "vpc/vpc-00000000000000000")
    assert arns(tagging(api, "GetResources", ResourceARNList=[gone, vpc])) == [vpc]
    assert arns(tagging(api.of("222222222222"), "GetResources")) == []


def test_pages_of_resources_and_of_tags_follow_each_other(lab: Lab):
    api = lab.api
    made = [api.ec2("CreateRouteTable", VpcId=lab.vpc)["RouteTable"]["RouteTableId"] for _ in range(5)]
    api.ec2("CreateTags", Resources=made, Tags=[{"Key": f"k{number}", "Value": ""} for number in range(40)])
    for sizes, pages in (({"ResourcesPerPage": 2}, [2, 2, 1]), ({"TagsPerPage": 100}, [2, 2, 1]), ({}, [5])):
        counted, token, seen = [], "", []
        while True:
            page = tagging(api, "GetResources", PaginationToken=token, **sizes)
            counted.append(len(page["ResourceTagMappingList"]))
            seen += arns(page)
            token = page["PaginationToken"]
            if not token:
                break
        assert counted == pages
        assert seen == sorted(ec2_arn(api, f"route-table/{each}") for each in made)


def test_questions_that_make_no_sense_are_refused(lab: Lab):
    api, arn = lab.api, ec2_arn(lab.api, f"vpc/{lab.vpc}")
    for params in (
        {"ResourcesPerPage": 101},
        {"TagsPerPage": 99},
        {"TagsPerPage": 501},
        {"PaginationToken": "not ours"},
        {"ResourceARNList": [arn], "TagFilters": [{"Key": "a"}]},
        {"ResourceARNList": [arn], "ResourcesPerPage": 5},
        {"TagFilters": [{"Values": ["x"]}]},
        {"IncludeComplianceDetails": True},
    ):
        with refused("InvalidParameterException"):
            tagging(api, "GetResources", **params)


def test_keys_and_values_are_those_in_use(lab: Lab, balancer: str):
    api = lab.api
    api.ec2("CreateTags", Resources=[lab.vpc], Tags=[{"Key": "team", "Value": "ops"}])
    assert tagging(api, "GetTagKeys")["TagKeys"] == ["team"]
    assert tagging(api, "GetTagValues", Key="team")["TagValues"] == ["net", "ops"]
    assert tagging(api, "GetTagValues", Key="none")["TagValues"] == []


def test_what_cannot_be_tagged_is_named_and_the_rest_is_tagged(lab: Lab, balancer: str):
    api = lab.api
    vpc = ec2_arn(api, f"vpc/{lab.vpc}")
    lost = ec2_arn(api, "subnet/subnet-00000000000000000")
    foreign = vpc.replace(api.account, "222222222222")
    failed = tagging(
        api, "TagResources", ResourceARNList=[vpc, balancer, lost, foreign, "arn:aws:s3:::bucket"], Tags={"owner": "me"}
    )["FailedResourcesMap"]
    assert {arn: each["ErrorCode"] for arn, each in failed.items()} == {
        lost: "InvalidSubnetID.NotFound",
        foreign: "InvalidParameterException",
        "arn:aws:s3:::bucket": "InvalidParameterException",
    }
    (shown,) = api.ec2("DescribeVpcs", VpcIds=[lab.vpc])["Vpcs"]
    assert {"Key": "owner", "Value": "me"} in shown["Tags"]
    (described,) = api.elbv2("DescribeTags", ResourceArns=[balancer])["TagDescriptions"]
    assert {tag["Key"] for tag in described["Tags"]} == {"team", "owner"}
    assert tagging(api, "UntagResources", ResourceARNList=[vpc, balancer], TagKeys=["owner", "none"]) == {
        "FailedResourcesMap": {}
    }
    assert arns(tagging(api, "GetResources")) == [balancer]


def test_no_resource_has_more_than_fifty_tags(lab: Lab):
    api, arn = lab.api, ec2_arn(lab.api, f"vpc/{lab.vpc}")
    tagging(api, "TagResources", ResourceARNList=[arn], Tags={f"k{number}": "" for number in range(50)})
    failed = tagging(api, "TagResources", ResourceARNList=[arn], Tags={"one": "more"})["FailedResourcesMap"]
    assert failed[arn]["ErrorCode"] == "TagLimitExceeded"
    with refused("InvalidParameterException"):
        tagging(api, "TagResources", ResourceARNList=[arn], Tags={"aws:reserved": ""})


def test_an_automatic_address_has_no_tags(lab: Lab):
    instance = lab.api.ec2("RunInstances", ImageId="ami-0000000000000a001", MinCount=1, MaxCount=1)
    assert instance["Instances"]
    assert not [arn for arn in arns(tagging(lab.api, "GetResources")) if "elastic-ip" in arn]


def test_every_creation_that_aws_lets_have_tags_takes_them():
    """Asked of botocore's models: no member that gives tags on creation may be refused or ignored."""
    without = []
    for service, operation in dispatch.implemented():
        shape = service_of(service).model.operation_model(operation).input_shape
        standing = standings().get((service, operation))
        if shape is None or standing is None or standing.by in ("refused", "empty"):
            continue
        if operation.startswith(("Create", "Run", "Allocate", "Authorize", "Import", "Copy", "Request", "Put")):
            given = [name for name in ("TagSpecifications", "Tags") if name in shape.members]
            without += [f"{service}.{operation}.{name}" for name in given if standing.of(name) != "stored"]
    assert without == []
