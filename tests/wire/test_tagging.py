"""Tags over services, asked as boto3 and the SDKs ask: in CBOR and in JSON, by the account and by a role."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session
from service_lab import REGION, ServiceLab


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceLab]:
    lab = ServiceLab(tmp_path_factory.mktemp("tagging"))
    yield lab
    lab.stop()


@pytest.fixture(scope="module")
def vpc(lab: ServiceLab) -> str:
    made = lab.client("ec2").create_vpc(
        CidrBlock="10.3.0.0/16",
        TagSpecifications=[{"ResourceType": "vpc", "Tags": [{"Key": "made-by", "Value": "tagging"}]}],
    )["Vpc"]
    return f"arn:aws:ec2:{REGION}:{lab.account.id}:vpc/{made['VpcId']}"


def test_boto3s_own_protocol_tags_and_pages(lab: ServiceLab, vpc: str):
    tagging = lab.client("resourcegroupstaggingapi")
    assert tagging.tag_resources(ResourceARNList=[vpc], Tags={"owner": "me"})["FailedResourcesMap"] == {}
    pages = tagging.get_paginator("get_resources").paginate(TagFilters=[{"Key": "owner"}], ResourcesPerPage=1)
    (found,) = [each for page in pages for each in page["ResourceTagMappingList"]]
    assert found["ResourceARN"] == vpc
    assert {tag["Key"] for tag in found["Tags"]} == {"made-by", "owner"}
    assert set(tagging.get_tag_keys()["TagKeys"]) == {"made-by", "owner"}


def test_json_is_answered_in_json(lab: ServiceLab, vpc: str):
    body = json.dumps({"ResourceARNList": [vpc]}).encode()
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "ResourceGroupsTaggingAPI_20170126.GetResources",
    }
    request = AWSRequest("POST", f"{lab.url}/", data=body, headers=headers)
    SigV4Auth(Credentials(lab.key.id, lab.key.secret), "tagging", REGION).add_auth(request)
    answer = URLLib3Session().send(request.prepare())
    assert answer.status_code == 200, answer.content
    assert [each["ResourceARN"] for each in json.loads(answer.content)["ResourceTagMappingList"]] == [vpc]


def test_a_role_needs_the_services_permission_beside_tag(lab: ServiceLab, vpc: str):
    iam, sts = lab.client("iam"), lab.client("sts")
    root = f"arn:aws:iam::{lab.account.id}:root"
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": root}, "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName="tagger", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", **trust}))
    allowed = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "tag:*", "Resource": "*"}]}
    iam.put_role_policy(RoleName="tagger", PolicyName="tag", PolicyDocument=json.dumps(allowed))
    session = sts.assume_role(RoleArn=role["Role"]["Arn"], RoleSessionName="tagger")["Credentials"]
    tagging = lab.client("resourcegroupstaggingapi", session)
    assert tagging.get_resources()["ResourceTagMappingList"]
    failed = tagging.tag_resources(ResourceARNList=[vpc], Tags={"denied": "yes"})["FailedResourcesMap"]
    assert failed[vpc]["ErrorCode"] == "AccessDenied"
    assert failed[vpc]["StatusCode"] == 403
