"""AWS's API through the bridge: every protocol, its errors, and values that no request can carry."""

from __future__ import annotations

from typing import Any

import pytest

from opengwlb.cli import credentials
from opengwlb.console.http import asked
from opengwlb.wire.errors import AwsError
from tests.stories.server import REGION, Server

from .browser import Browser

LOOKING = [
    ("ec2", "DescribeVpcs", "Vpcs"),
    ("elbv2", "DescribeLoadBalancers", "LoadBalancers"),
    ("sts", "GetCallerIdentity", "Account"),
    ("iam", "ListRoles", "Roles"),
    ("ssm", "DescribeParameters", "Parameters"),
    ("cloudwatch", "ListMetrics", "Metrics"),
    ("service-quotas", "ListServices", "Services"),
    ("resourcegroupstaggingapi", "GetResources", "ResourceTagMappingList"),
]


@pytest.mark.parametrize(("service", "operation", "member"), LOOKING)
def test_every_service_answers_in_its_own_protocol(one: Browser, service: str, operation: str, member: str) -> None:
    answer = one.aws(service, operation)
    assert answer.status_code == 200, answer.text
    assert member in answer.json()["result"] and answer.json()["request_id"]


ERRORS: list[tuple[str, str, dict[str, Any], str]] = [
    ("ec2", "CreateVpc", {}, "MissingParameter"),
    ("ec2", "DescribeVpcs", {"VpcIds": ["vpc-0123"]}, "InvalidVpcID.NotFound"),
    ("ec2", "DescribeVpcs", {"VpcIds": "vpc-1"}, "InvalidParameterValue"),
    ("ec2", "DescribeVpcs", {"VpcId": "vpc-1"}, "UnknownParameter"),
    ("ec2", "DescribeVpcs", {"Filters": [{"Name": 1}]}, "InvalidParameterValue"),
    ("elbv2", "CreateTargetGroup", {}, "ValidationError"),
    ("elbv2", "CreateTargetGroup", {"Port": "6081"}, "ValidationError"),
    ("elbv2", "DescribeTargetHealth", {"TargetGroupArn": "arn:aws:x"}, "ValidationError"),
    ("ssm", "GetParameter", {"Name": 1}, "SerializationException"),
    ("ec2", "NoSuchAction", {}, "InvalidAction"),
    ("s3", "ListBuckets", {}, "InvalidAction"),
]


@pytest.mark.parametrize(("service", "operation", "parameters", "code"), ERRORS)
def test_errors_have_aws_code_and_are_never_internal(
    one: Browser, service: str, operation: str, parameters: dict[str, Any], code: str
) -> None:
    answer = one.aws(service, operation, parameters)
    assert 400 <= answer.status_code < 500 and answer.json()["code"] == code, answer.text
    assert answer.json()["message"]


@pytest.mark.parametrize("body", ([], "text", 1))
def test_parameters_that_are_no_object_are_refused(one: Browser, body: object) -> None:
    assert one.ask("POST", "/console/api/aws/ec2/DescribeVpcs", body=body).status_code == 400


def test_what_is_made_in_one_account_and_region_is_in_no_other(server: Server, one: Browser) -> None:
    made = one.aws("ec2", "CreateVpc", {"CidrBlock": "10.9.0.0/16"}).json()["result"]["Vpc"]["VpcId"]
    of_one = {"VpcIds": [made]}
    assert one.aws("ec2", "DescribeVpcs", of_one).status_code == 200
    assert one.aws("ec2", "DescribeVpcs", of_one, **{"x-gwlb-region": "us-east-1"}).status_code == 400
    (found,) = server.cli("ec2", "describe-vpcs", "--vpc-ids", made, account="one")["Vpcs"]
    assert found["CidrBlock"] == "10.9.0.0/16"
    one.log_in(credentials.profile(server.data_dir, name="two"))
    assert one.aws("ec2", "DescribeVpcs", of_one).json()["code"] == "InvalidVpcID.NotFound"


def test_times_are_in_iso_8601_and_keys_come_in_base64(one: Browser) -> None:
    key = "c3NoLWVkMjU1MTkgQUFBQUMzTnphQzFsWkRJMU5URTVBQUFBSUV0ZWpWajhVTTVKYnJ3Y0tGMWd3T3NYMWhVTlhWc0l2Sm5sSGhVRzF1cVY="
    answer = one.aws("ec2", "ImportKeyPair", {"KeyName": "mine", "PublicKeyMaterial": key})
    assert answer.status_code == 200, answer.text
    (pair,) = one.aws("ec2", "DescribeKeyPairs", {"KeyNames": ["mine"]}).json()["result"]["KeyPairs"]
    assert pair["CreateTime"].startswith("20") and "T" in pair["CreateTime"]
    assert one.aws("ec2", "ImportKeyPair", {"KeyName": "x", "PublicKeyMaterial": "?"}).json()["code"] == (
        "InvalidParameterValue"
    )


def test_commands_are_written_for_a_session_and_its_region(one: Browser) -> None:
    wanted = [{"service": "ec2", "operation": "DescribeVpcs", "parameters": {}}]
    (written,) = one.ask("POST", "/console/api/equivalent", body=wanted).json()
    assert written == {"aws": f"aws ec2 describe-vpcs --region {REGION}", "boto3": "ec2.describe_vpcs()"}
    one.http.cookies.clear()
    assert one.ask("POST", "/console/api/equivalent", body=wanted).status_code == 403


def test_a_body_nested_without_end_is_refused_as_any_other_that_is_no_json() -> None:
    with pytest.raises(AwsError) as refused:
        asked(b"[" * 100_000, kind=object)
    assert refused.value.code == "ValidationError"
