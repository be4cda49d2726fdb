"""Policy documents: what IAM's own rules say about them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from opengwlb.policy.iam import Asked, PolicyError, Principal, evaluate, names_itself, parse

INSTANCE = "arn:aws:ec2:ap-northeast-2:111111111111:instance/i-0a"
ALLOW: dict[str, Any] = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def says(statement: dict[str, Any] | list[dict[str, Any]], action: str, resource: str = "*", **context: str) -> str:
    statements = statement if isinstance(statement, list) else [statement]
    keys = {key.replace("__", ":").replace("_", "-").lower(): (value,) for key, value in context.items()}
    return evaluate(parse(document(*statements)), Asked(action=action, resource=resource, context=keys))


def test_what_no_statement_mentions_is_not_allowed() -> None:
    assert says({**ALLOW, "Action": "ec2:Describe*"}, "ec2:RunInstances") == "unmentioned"
    assert says({**ALLOW, "Action": "ec2:Describe*"}, "ec2:DescribeVpcs") == "allowed"


def test_action_names_ignore_case_and_resources_do_not() -> None:
    assert says({**ALLOW, "Action": "EC2:describevpcs"}, "ec2:DescribeVpcs") == "allowed"
    assert says({**ALLOW, "Resource": INSTANCE.upper()}, "ec2:StopInstances", INSTANCE) == "unmentioned"


def test_a_denial_wins_wherever_it_stands() -> None:
    deny = {"Effect": "Deny", "Action": "ec2:Terminate*", "Resource": "*"}
    assert says([ALLOW, deny], "ec2:TerminateInstances") == says([deny, ALLOW], "ec2:TerminateInstances") == "denied"
    assert says([ALLOW, deny], "ec2:StopInstances") == "allowed"


@pytest.mark.parametrize(
    ("resource", "fits"),
    [
        (INSTANCE, True),
        ("arn:aws:ec2:*:*:instance/*", True),
        ("arn:aws:ec2:*:*:instance/i-0?", True),
        ("*", True),
        ("arn:aws:ec2:*:*:subnet/*", False),
        ("arn:aws:ec2:us-east-1:*:instance/*", False),
    ],
)
def test_resources_match_with_wildcards(resource: str, fits: bool) -> None:
    found = says({**ALLOW, "Resource": ["arn:aws:s3:::x", resource]}, "ec2:StopInstances", INSTANCE)
    assert found == ("allowed" if fits else "unmentioned")


def test_not_action_and_not_resource_mean_everything_else() -> None:
    statement = {"Effect": "Allow", "NotAction": ["iam:*"], "NotResource": "arn:aws:ec2:*:*:vpc/*"}
    assert says(statement, "ec2:StopInstances", INSTANCE) == "allowed"
    assert says(statement, "iam:CreateRole") == "unmentioned"
    assert says(statement, "ec2:DeleteVpc", "arn:aws:ec2:r:1:vpc/vpc-1") == "unmentioned"


@pytest.mark.parametrize(
    ("condition", "context", "fits"),
    [
        ({"StringEquals": {"aws:RequestedRegion": ["us-east-1", "eu-west-1"]}}, {"aws__RequestedRegion": "eu-west-1"}, True),
        ({"StringEquals": {"aws:RequestedRegion": "us-east-1"}}, {"aws__RequestedRegion": "eu-west-1"}, False),
        ({"StringNotEquals": {"aws:RequestedRegion": "us-east-1"}}, {"aws__RequestedRegion": "eu-west-1"}, True),
        ({"StringEquals": {"aws:RequestedRegion": "us-east-1"}}, {}, False),
        ({"StringNotEquals": {"aws:RequestedRegion": "us-east-1"}}, {}, True),
        ({"StringEqualsIfExists": {"aws:RequestedRegion": "us-east-1"}}, {}, True),
        ({"StringEqualsIgnoreCase": {"aws:userid": "ABC"}}, {"aws__userid": "abc"}, True),
        ({"StringLike": {"aws:PrincipalArn": "arn:*:role/fw-*"}}, {"aws__PrincipalArn": "arn:aws:iam::1:role/fw-a"}, True),
        ({"StringNotLike": {"aws:PrincipalArn": "*fw*"}}, {"aws__PrincipalArn": "arn:aws:iam::1:role/fw-a"}, False),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}}, {"aws__PrincipalArn": "arn:aws:iam::1:role/a"}, True),
        ({"ArnLike": {"aws:PrincipalArn": "arn:*:role/a"}}, {"aws__PrincipalArn": "arn:aws:iam::1:role/a"}, False),
        ({"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "2001:db8::/32"]}}, {"aws__SourceIp": "10.1.2.3"}, True),
        ({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, {"aws__SourceIp": "192.0.2.1"}, False),
        ({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, {"aws__SourceIp": "192.0.2.1"}, True),
        ({"Bool": {"aws:SecureTransport": True}}, {"aws__SecureTransport": "false"}, False),
        ({"NumericLessThan": {"aws:EpochTime": 10}}, {"aws__EpochTime": "9"}, True),
        ({"DateGreaterThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}, {"aws__CurrentTime": "2026-11-23T00:00:00Z"}, True),
        ({"DateLessThan": {"aws:CurrentTime": "2026-01-01"}}, {"aws__CurrentTime": "2026-11-23T00:00:00Z"}, False),
        ({"Null": {"aws:SourceVpce": "true"}}, {}, True),
        ({"Null": {"aws:SourceVpce": "true"}}, {"aws__SourceVpce": "vpce-1"}, False),
        ({"StringEquals": {"aws:userid": "${aws:SourceVpc}"}}, {"aws__userid": "v", "aws__SourceVpc": "v"}, True),
        ({"StringLike": {"aws:userid": "${aws:SourceVpc}"}}, {"aws__userid": "v", "aws__SourceVpc": "*"}, False),
    ],
)  # fmt: skip
def test_conditions(condition: dict[str, Any], context: dict[str, str], fits: bool) -> None:
    found = says({**ALLOW, "Condition": condition}, "ec2:DescribeVpcs", **context)
    assert found == ("allowed" if fits else "unmentioned")


def test_every_operator_and_every_key_of_a_condition_must_hold() -> None:
    condition = {"StringEquals": {"aws:a": "1", "aws:b": "2"}, "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    good = {"aws__a": "1", "aws__b": "2", "aws__SourceIp": "10.0.0.1"}
    assert says({**ALLOW, "Condition": condition}, "ec2:X", **good) == "allowed"
    for key in good:
        assert says({**ALLOW, "Condition": condition}, "ec2:X", **{**good, key: "0.0.0.0"}) == "unmentioned"


def test_conditions_over_several_values_ask_all_or_any_of_them() -> None:
    def fits(quantifier: str, *values: str) -> bool:
        condition = {f"{quantifier}:StringEquals": {"aws:TagKeys": ["a", "b"]}}
        asked = Asked(action="ec2:CreateTags", context={"aws:tagkeys": values} if values else {})
        return evaluate(parse(document({**ALLOW, "Condition": condition})), asked) == "allowed"

    assert fits("ForAllValues", "a", "b") and not fits("ForAllValues", "a", "c") and fits("ForAllValues")
    assert fits("ForAnyValue", "a", "c") and not fits("ForAnyValue", "c") and not fits("ForAnyValue")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "Syntax errors"),
        ("[]", "must be an object"),
        ('{"Version": "2013-01-01", "Statement": []}', "Version"),
        ('{"Statement": []}', "Statement must be"),
        ('{"Statement": {}, "Wing": 1}', "unknown element Wing"),
        (document({"Effect": "allow", "Action": "*", "Resource": "*"}), "Allow or Deny"),
        (document({"Effect": "Allow", "Resource": "*"}), "must contain actions"),
        (document({"Effect": "Allow", "Action": "*"}), "must contain resources"),
        (document({**ALLOW, "NotAction": "*"}), "must contain actions"),
        (document({**ALLOW, "Action": "DescribeVpcs"}), "prefaced by a vendor"),
        (document({**ALLOW, "Action": 1}), "list of strings"),
        (document({**ALLOW, "Resource": "i-1"}), "ARN format"),
        (document({**ALLOW, "Principal": "*"}), "should not specify a principal"),
        (document({**ALLOW, "Condition": {"StringAlike": {"a": "b"}}}), "Invalid Condition type : StringAlike"),
        (document({**ALLOW, "Condition": {"IpAddress": {"aws:SourceIp": "ten"}}}), "Invalid value ten"),
        (document({**ALLOW, "Condition": {"Bool": {"aws:SecureTransport": "yes"}}}), "true or false"),
        (document({**ALLOW, "Sid": "a"}, {**ALLOW, "Sid": "a"}), "unique"),
        ('{"Statement": {"Effect": "Allow", "Effect": "Deny", "Action": "*", "Resource": "*"}}', "twice"),
    ],
)
def test_documents_that_are_no_policies_are_refused_with_the_reason(text: str, words: str) -> None:
    with pytest.raises(PolicyError, match=words.replace("*", r"\*")):
        parse(text)


def test_trust_policies_name_services_accounts_and_roles() -> None:
    def trusts(principal: Any, asker: Principal) -> tuple[bool, bool]:
        statements = parse(
            document({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}), principals=True
        )
        asked = Asked(action="sts:AssumeRole", principal=asker)
        return evaluate(statements, asked) == "allowed", names_itself(statements, asker)

    role = Principal(account="111111111111", arns=("arn:aws:iam::111111111111:role/a",))
    ec2 = Principal(account="", service="ec2.amazonaws.com")
    assert trusts({"Service": "ec2.amazonaws.com"}, ec2)[0] and not trusts({"Service": "lambda.amazonaws.com"}, ec2)[0]
    assert not trusts({"Service": "ec2.amazonaws.com"}, role)[0]
    assert trusts({"AWS": "111111111111"}, role) == (True, False)
    assert trusts({"AWS": "arn:aws:iam::111111111111:role/a"}, role) == (True, True)
    assert trusts({"AWS": "222222222222"}, role) == (False, False)
    assert trusts("*", role) == (True, True)
    with pytest.raises(PolicyError, match="Invalid principal"):
        trusts({"AWS": "somebody"}, role)
