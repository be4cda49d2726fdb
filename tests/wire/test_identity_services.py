"""IAM, STS and Systems Manager, and what a role may do, as boto3 sees it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from service_lab import REGION, ServiceLab, error_of

from opengwlb.api import access_keys, account_removal, accounts

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*", **each} for each in statements]}
    )


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceLab]:
    running = ServiceLab(tmp_path_factory.mktemp("services"))
    yield running
    running.stop()


def make_role(lab: ServiceLab, name: str, document: str = "", *, trust: str = "") -> str:
    iam = lab.client("iam")
    whom = trust or TRUST.replace('{"Service": "ec2.amazonaws.com"}', json.dumps({"AWS": lab.account.id}))
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=whom)["Role"]["Arn"]
    if document:
        iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=document)
    return str(arn)


def assume(lab: ServiceLab, arn: str, name: str = "me") -> dict[str, Any]:
    return dict(lab.client("sts").assume_role(RoleArn=arn, RoleSessionName=name)["Credentials"])


def test_a_role_its_policies_and_its_profile_live_and_end_as_on_aws(lab: ServiceLab) -> None:
    iam = lab.client("iam")
    made = iam.create_role(RoleName="fw", Path="/a/", AssumeRolePolicyDocument=TRUST, Tags=[{"Key": "k", "Value": "v"}])
    role = made["Role"]
    assert role["Arn"] == f"arn:aws:iam::{lab.account.id}:role/a/fw" and role["RoleId"].startswith("AROA")
    assert role["AssumeRolePolicyDocument"] == json.loads(TRUST)
    assert error_of(lambda: iam.create_role(RoleName="FW", AssumeRolePolicyDocument=TRUST))[::2] == (
        "EntityAlreadyExists",
        409,
    )
    iam.tag_role(RoleName="fw", Tags=[{"Key": "l", "Value": "w"}])
    iam.untag_role(RoleName="fw", TagKeys=["k"])
    assert iam.list_role_tags(RoleName="fw")["Tags"] == [{"Key": "l", "Value": "w"}]
    iam.put_role_policy(RoleName="fw", PolicyName="look", PolicyDocument=policy({"Action": "ec2:Describe*"}))
    assert iam.get_role_policy(RoleName="fw", PolicyName="look")["PolicyDocument"]["Statement"][0]["Effect"] == "Allow"
    assert iam.list_role_policies(RoleName="fw")["PolicyNames"] == ["look"]
    managed = iam.create_policy(PolicyName="shared", PolicyDocument=policy({"Action": "ssm:*"}))["Policy"]
    iam.attach_role_policy(RoleName="fw", PolicyArn=managed["Arn"])
    iam.attach_role_policy(RoleName="fw", PolicyArn="arn:aws:iam::aws:policy/AmazonEC2ReadOnlyAccess")
    attached = iam.list_attached_role_policies(RoleName="fw")["AttachedPolicies"]
    assert [one["PolicyName"] for one in attached] == ["shared", "AmazonEC2ReadOnlyAccess"]
    assert iam.get_policy(PolicyArn=managed["Arn"])["Policy"]["AttachmentCount"] == 1
    version = iam.get_policy_version(PolicyArn=managed["Arn"], VersionId="v1")["PolicyVersion"]
    assert version["Document"]["Statement"][0]["Action"] == "ssm:*"
    iam.create_instance_profile(InstanceProfileName="fw")
    iam.add_role_to_instance_profile(InstanceProfileName="fw", RoleName="fw")
    shown = iam.get_instance_profile(InstanceProfileName="fw")["InstanceProfile"]
    assert [one["RoleName"] for one in shown["Roles"]] == ["fw"]
    assert [one["Arn"] for one in iam.list_instance_profiles_for_role(RoleName="fw")["InstanceProfiles"]] == [
        shown["Arn"]
    ]
    assert (
        error_of(lambda: iam.add_role_to_instance_profile(InstanceProfileName="fw", RoleName="fw"))[0]
        == "LimitExceeded"
    )
    assert error_of(lambda: iam.delete_instance_profile(InstanceProfileName="fw"))[0] == "DeleteConflict"

    conflicts = []
    for undo in (
        lambda: iam.remove_role_from_instance_profile(InstanceProfileName="fw", RoleName="fw"),
        lambda: [iam.detach_role_policy(RoleName="fw", PolicyArn=one["PolicyArn"]) for one in attached],
        lambda: iam.delete_role_policy(RoleName="fw", PolicyName="look"),
    ):
        conflicts.append(error_of(lambda: iam.delete_role(RoleName="fw"))[1])
        undo()
    assert ["profile" in conflicts[0], "detach" in conflicts[1], "delete policies" in conflicts[2]] == [True] * 3
    iam.delete_role(RoleName="fw")
    iam.delete_policy(PolicyArn=managed["Arn"])
    iam.delete_instance_profile(InstanceProfileName="fw")
    with pytest.raises(iam.exceptions.NoSuchEntityException, match="The role with name fw cannot be found"):
        iam.get_role(RoleName="fw")


def test_lists_come_in_pages(lab: ServiceLab) -> None:
    iam = lab.client("iam")
    for number in range(5):
        make_role(lab, f"page-{number}")
    pages = list(iam.get_paginator("list_roles").paginate(PaginationConfig={"PageSize": 2}))
    names = [role["RoleName"] for page in pages for role in page["Roles"]]
    assert len(pages) >= 3 and [name for name in names if name.startswith("page-")] == [f"page-{n}" for n in range(5)]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("{", "Syntax errors"),
        (policy({"Action": "ec2:*", "Condition": {"StringAlike": {"a": "b"}}}), "Invalid Condition type"),
        (policy({"Action": "ec2:*", "Principal": "*"}), "principal"),
    ],
)
def test_a_document_that_cannot_be_evaluated_is_refused_and_nothing_is_stored(
    lab: ServiceLab, document: str, words: str
) -> None:
    iam = lab.client("iam")
    name = f"bad-{len(document)}"
    make_role(lab, name)
    code, message, status = error_of(
        lambda: iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document)
    )
    assert (code, status) == ("MalformedPolicyDocument", 400) and words in message
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == []
    assert error_of(lambda: iam.create_policy(PolicyName=name, PolicyDocument=document))[0] == "MalformedPolicyDocument"


def test_a_role_may_do_what_its_policies_allow_and_is_told_what_they_do_not(lab: ServiceLab) -> None:
    arn = make_role(lab, "looker", policy({"Action": ["ec2:DescribeVpcs", "ssm:GetParameter"]}))
    given = assume(lab, arn)
    who = lab.client("sts", given).get_caller_identity()
    session = f"arn:aws:sts::{lab.account.id}:assumed-role/looker/me"
    assert who["Arn"] == session and who["UserId"].startswith("AROA") and who["UserId"].endswith(":me")
    ec2 = lab.client("ec2", given)
    assert ec2.describe_vpcs()["Vpcs"]
    assert error_of(lambda: ec2.describe_subnets()) == (
        "UnauthorizedOperation",
        f"You are not authorized to perform this operation. User: {session} is not authorized to perform: "
        "ec2:DescribeSubnets because no identity-based policy allows the ec2:DescribeSubnets action",
        403,
    )
    for call, code in (
        (lambda: lab.client("elbv2", given).describe_load_balancers(), "AccessDenied"),
        (lambda: lab.client("iam", given).list_roles(), "AccessDenied"),
        (lambda: lab.client("ssm", given).put_parameter(Name="a", Value="b", Type="String"), "AccessDeniedException"),
    ):
        assert error_of(call)[0] == code
    before = len(lab.client("ec2").describe_vpcs()["Vpcs"])
    assert error_of(lambda: ec2.create_vpc(CidrBlock="10.0.0.0/16"))[0] == "UnauthorizedOperation"
    assert len(lab.client("ec2").describe_vpcs()["Vpcs"]) == before


def test_policies_are_asked_as_they_are_at_the_time_of_the_call(lab: ServiceLab) -> None:
    iam = lab.client("iam")
    arn = make_role(lab, "changing", policy({"Action": "ec2:*"}))
    ec2 = lab.client("ec2", assume(lab, arn))
    ec2.describe_vpcs()
    deny = policy({"Action": "ec2:*"}, {"Effect": "Deny", "Action": "ec2:DescribeVpcs"})
    iam.put_role_policy(RoleName="changing", PolicyName="inline", PolicyDocument=deny)
    assert "with an explicit deny in an identity-based policy" in error_of(ec2.describe_vpcs)[1]
    ec2.describe_subnets()
    iam.delete_role_policy(RoleName="changing", PolicyName="inline")
    iam.attach_role_policy(RoleName="changing", PolicyArn="arn:aws:iam::aws:policy/AmazonEC2ReadOnlyAccess")
    ec2.describe_vpcs()


def test_permissions_can_be_for_single_resources_and_their_tags(lab: ServiceLab) -> None:
    root = lab.client("ec2")
    mine, other = (root.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"] for _ in range(2))
    root.create_tags(Resources=[mine], Tags=[{"Key": "team", "Value": "fw"}])
    arn = make_role(
        lab,
        "tagged",
        policy(
            {
                "Action": "ec2:DeleteVpc",
                "Resource": "arn:aws:ec2:*:*:vpc/*",
                "Condition": {"StringEquals": {"ec2:ResourceTag/team": "fw"}},
            },
            {"Action": "ec2:CreateSubnet", "Resource": [f"arn:aws:ec2:*:*:vpc/{mine}", "arn:aws:ec2:*:*:subnet/*"]},
        ),
    )
    ec2 = lab.client("ec2", assume(lab, arn))
    code, message, _ = error_of(lambda: ec2.delete_vpc(VpcId=other))
    assert (
        code == "UnauthorizedOperation" and f"on resource: arn:aws:ec2:{REGION}:{lab.account.id}:vpc/{other}" in message
    )
    assert error_of(lambda: ec2.create_subnet(VpcId=other, CidrBlock="10.0.0.0/24"))[0] == "UnauthorizedOperation"
    vpc_alone = policy({"Action": "ec2:CreateSubnet", "Resource": "arn:aws:ec2:*:*:vpc/*"})
    half = lab.client("ec2", assume(lab, make_role(lab, "half", vpc_alone)))
    refused = error_of(lambda: half.create_subnet(VpcId=mine, CidrBlock="10.0.0.0/24"))
    assert "on resource: arn:aws:ec2:" in refused[1] and ":subnet/*" in refused[1]
    tags = [{"ResourceType": "subnet", "Tags": [{"Key": "a", "Value": "b"}]}]
    tagging = error_of(lambda: ec2.create_subnet(VpcId=mine, CidrBlock="10.0.0.0/24", TagSpecifications=tags))
    assert "perform: ec2:CreateTags on resource" in tagging[1]
    subnet = ec2.create_subnet(VpcId=mine, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    assert error_of(lambda: ec2.delete_subnet(SubnetId=subnet))[0] == "UnauthorizedOperation"
    root.delete_subnet(SubnetId=subnet)
    ec2.delete_vpc(VpcId=mine)


def test_permissions_can_depend_on_address_and_region(lab: ServiceLab) -> None:
    here = {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}, "StringEquals": {"aws:RequestedRegion": REGION}}
    arn = make_role(lab, "placed", policy({"Action": "ec2:*", "Condition": here}))
    given = assume(lab, arn)
    lab.client("ec2", given).describe_vpcs()
    assert error_of(lab.client("ec2", given, region="eu-west-1").describe_vpcs)[0] == "UnauthorizedOperation"
    elsewhere = policy({"Action": "ec2:*", "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}})
    lab.client("iam").put_role_policy(RoleName="placed", PolicyName="inline", PolicyDocument=elsewhere)
    assert error_of(lab.client("ec2", given).describe_vpcs)[0] == "UnauthorizedOperation"


def test_both_sides_must_agree_before_a_role_is_assumed(lab: ServiceLab) -> None:
    sts = lab.client("sts")
    services_only = make_role(lab, "for-instances", trust=TRUST)
    code, message, status = error_of(lambda: sts.assume_role(RoleArn=services_only, RoleSessionName="me"))
    assert (code, status) == ("AccessDenied", 403) and f"sts:AssumeRole on resource: {services_only}" in message
    assert error_of(lambda: sts.assume_role(RoleArn=services_only + "x", RoleSessionName="me"))[0] == "AccessDenied"
    target = make_role(lab, "target")
    without = assume(lab, make_role(lab, "without"))
    assert (
        error_of(lambda: lab.client("sts", without).assume_role(RoleArn=target, RoleSessionName="me"))[0]
        == "AccessDenied"
    )
    allowed = assume(lab, make_role(lab, "with", policy({"Action": "sts:AssumeRole", "Resource": target})))
    lab.client("sts", allowed).assume_role(RoleArn=target, RoleSessionName="me")
    chained = lambda: lab.client("sts", allowed).assume_role(RoleArn=target, RoleSessionName="me", DurationSeconds=3601)  # noqa: E731
    assert error_of(chained)[0] == "ValidationError"
    lab.client("iam").update_assume_role_policy(
        RoleName="target",
        PolicyDocument=TRUST.replace(
            '{"Service": "ec2.amazonaws.com"}', json.dumps({"AWS": f"arn:aws:iam::{lab.account.id}:role/without"})
        ),
    )
    lab.client("sts", without).assume_role(RoleArn=target, RoleSessionName="me")
    assert (
        error_of(lambda: lab.client("sts", allowed).assume_role(RoleArn=target, RoleSessionName="me"))[0]
        == "AccessDenied"
    )


def test_temporary_keys_need_their_own_token_and_end_with_their_time_or_their_role(lab: ServiceLab) -> None:
    arn = make_role(lab, "short", policy({"Action": "ec2:*"}))
    given = assume(lab, arn)
    assert given["AccessKeyId"].startswith("ASIA")
    for wrong in (
        {**given, "SessionToken": None},
        {**given, "SessionToken": assume(lab, arn, "you")["SessionToken"]},
        {**given, "SessionToken": given["SessionToken"][:-8] + "AAAAAAAA"},
    ):
        assert error_of(lab.client("ec2", wrong).describe_vpcs)[0] == "AuthFailure"
    assert error_of(lab.client("ec2", {**given, "SecretAccessKey": "x"}).describe_vpcs)[0] == "SignatureDoesNotMatch"
    lab.late_s = 3700
    old = assume(lab, arn)
    lab.late_s = 0
    assert error_of(lab.client("ec2", old).describe_vpcs)[0] == "RequestExpired"
    assert error_of(lab.client("sts", old).get_caller_identity)[0] == "ExpiredToken"
    assert error_of(lambda: lab.client("ssm", old).get_parameter(Name="x"))[0] == "ExpiredTokenException"
    iam = lab.client("iam")
    iam.delete_role_policy(RoleName="short", PolicyName="inline")
    iam.delete_role(RoleName="short")
    make_role(lab, "short", policy({"Action": "ec2:*"}))
    assert error_of(lab.client("ec2", given).describe_vpcs)[0] == "AuthFailure"


def test_a_session_of_the_account_itself_is_as_powerful_as_its_key(lab: ServiceLab) -> None:
    given = lab.client("sts").get_session_token()["Credentials"]
    assert lab.client("sts", given).get_caller_identity()["Arn"] == f"arn:aws:iam::{lab.account.id}:root"
    assert lab.client("iam", given).list_roles()["Roles"]
    role = assume(lab, make_role(lab, "no-token"))
    assert error_of(lab.client("sts", role).get_session_token)[0] == "AccessDenied"


def test_public_parameters_name_the_images(lab: ServiceLab) -> None:
    ssm, ec2 = lab.client("ssm"), lab.client("ec2")
    for kind in ("linux", "inspector", "firewall"):
        found = ssm.get_parameter(Name=f"/aws/service/opengwlb/ami/{kind}/latest")["Parameter"]
        (image,) = ec2.describe_images(ImageIds=[found["Value"]])["Images"]
        assert image["Name"] == f"opengwlb/{kind}"
        assert found["ARN"] == f"arn:aws:ssm:{REGION}::parameter/aws/service/opengwlb/ami/{kind}/latest"
    listed = ssm.get_parameters_by_path(Path="/aws/service/opengwlb", Recursive=True)["Parameters"]
    assert len(listed) >= 3 and not ssm.get_parameters_by_path(Path="/aws/service/opengwlb")["Parameters"]


def test_own_parameters_have_versions_paths_and_patterns(lab: ServiceLab) -> None:
    ssm = lab.client("ssm")
    assert ssm.put_parameter(Name="/fw/rules", Value="a", Type="String", AllowedPattern="^[a-c]$")["Version"] == 1
    assert error_of(lambda: ssm.put_parameter(Name="/fw/rules", Value="b"))[0] == "ParameterAlreadyExists"
    assert (
        error_of(lambda: ssm.put_parameter(Name="/fw/rules", Value="d", Overwrite=True))[0]
        == "ParameterPatternMismatchException"
    )
    assert ssm.put_parameter(Name="/fw/rules", Value="b", Overwrite=True)["Version"] == 2
    assert ssm.get_parameter(Name="/fw/rules")["Parameter"]["Value"] == "b"
    old = ssm.get_parameter(Name="/fw/rules:1")["Parameter"]
    assert (old["Value"], old["Version"], old["Selector"]) == ("a", 1, ":1")
    assert error_of(lambda: ssm.get_parameter(Name="/fw/rules:3"))[0] == "ParameterVersionNotFound"
    ssm.put_parameter(Name="/fw/list", Value="a,b", Type="StringList")
    found = ssm.get_parameters(Names=["/fw/list", "/fw/nothing", "/fw/rules"])
    assert [one["Name"] for one in found["Parameters"]] == ["/fw/list", "/fw/rules"]
    assert found["InvalidParameters"] == ["/fw/nothing"]
    assert [one["Name"] for one in ssm.get_parameters_by_path(Path="/fw")["Parameters"]] == ["/fw/list", "/fw/rules"]
    assert (
        error_of(lambda: ssm.put_parameter(Name="/s", Value="x", Type="SecureString"))[0] == "UnsupportedParameterType"
    )
    assert error_of(lambda: ssm.put_parameter(Name="/aws/x", Value="x", Type="String"))[0] == "ValidationException"
    assert error_of(lambda: ssm.put_parameter(Name="x" * 3000, Value="x", Type="String"))[0] == "ValidationException"
    assert ssm.delete_parameters(Names=["/fw/list", "/fw/none"])["InvalidParameters"] == ["/fw/none"]
    with pytest.raises(ssm.exceptions.ParameterNotFound):
        ssm.delete_parameter(Name="/fw/list")


def test_a_json_service_answers_wrong_requests_in_json(lab: ServiceLab, tmp_path: Path) -> None:
    ssm = lab.client("ssm")
    assert error_of(lambda: ssm.describe_sessions(State="Active"))[0] == "UnknownOperationException"
    assert error_of(
        lambda: lab.client("ssm", {"AccessKeyId": "AKIANO", "SecretAccessKey": "x"}).get_parameter(Name="a")
    )[0] == ("UnrecognizedClientException")
    ssm.meta.events.register(
        "before-sign.ssm.GetParameter", lambda request, **_: setattr(request, "data", b'{"Name": 5}')
    )
    assert error_of(lambda: ssm.get_parameter(Name="a"))[0] == "SerializationException"


def in_a_vpc(lab: ServiceLab) -> tuple[str, str]:
    """(VPC, subnet)"""
    ec2 = lab.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    return vpc, ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]


def test_an_instance_gets_a_profile_only_from_who_may_pass_its_role(lab: ServiceLab) -> None:
    iam, ec2 = lab.client("iam"), lab.client("ec2")
    passed = make_role(lab, "passed", trust=TRUST)
    iam.create_instance_profile(InstanceProfileName="passed")
    iam.add_role_to_instance_profile(InstanceProfileName="passed", RoleName="passed")
    _, subnet = in_a_vpc(lab)
    launch: dict[str, Any] = {
        "ImageId": "resolve:ssm:/aws/service/opengwlb/ami/linux/latest",
        "MinCount": 1,
        "MaxCount": 1,
        "SubnetId": subnet,
        "IamInstanceProfile": {"Name": "passed"},
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2},
    }
    make_role(lab, "launcher", policy({"Action": ["ec2:RunInstances", "ssm:GetParameters"]}))
    limited = lab.client("ec2", assume(lab, f"arn:aws:iam::{lab.account.id}:role/launcher"))
    code, message, _ = error_of(lambda: limited.run_instances(**launch))
    assert code == "UnauthorizedOperation" and f"iam:PassRole on resource: {passed}" in message
    lab.client("iam").put_role_policy(
        RoleName="launcher", PolicyName="pass", PolicyDocument=policy({"Action": "iam:PassRole", "Resource": passed})
    )
    (made,) = limited.run_instances(**launch)["Instances"]
    assert made["IamInstanceProfile"]["Arn"].endswith(":instance-profile/passed")
    assert (made["MetadataOptions"]["HttpTokens"], made["MetadataOptions"]["HttpPutResponseHopLimit"]) == (
        "required",
        2,
    )
    required = [{"Name": "metadata-options.http-tokens", "Values": ["required"]}]
    assert len(ec2.describe_instances(Filters=required)["Reservations"]) == 1
    assert (
        made["ImageId"]
        == lab.client("ssm").get_parameter(Name="/aws/service/opengwlb/ami/linux/latest")["Parameter"]["Value"]
    )
    assert error_of(
        lambda: ec2.associate_iam_instance_profile(InstanceId=made["InstanceId"], IamInstanceProfile={"Name": "passed"})
    )[0] == ("IncorrectState")
    (association,) = ec2.describe_iam_instance_profile_associations(
        Filters=[{"Name": "instance-id", "Values": [made["InstanceId"]]}]
    )["IamInstanceProfileAssociations"]
    iam.create_instance_profile(InstanceProfileName="other")
    replaced = ec2.replace_iam_instance_profile_association(
        AssociationId=association["AssociationId"], IamInstanceProfile={"Name": "other"}
    )["IamInstanceProfileAssociation"]
    assert replaced["IamInstanceProfile"]["Arn"].endswith("/other")
    ec2.disassociate_iam_instance_profile(AssociationId=replaced["AssociationId"])
    assert (
        error_of(lambda: ec2.disassociate_iam_instance_profile(AssociationId=replaced["AssociationId"]))[0]
        == "NoSuchAssociation"
    )


def test_an_endpoints_policy_holds_for_everybody_who_calls_through_it(lab: ServiceLab) -> None:
    """Asked of the gateway directly, as the listener in the endpoint's box does; the signature is botocore's."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    from opengwlb.wire.gateway import Origin
    from opengwlb.wire.sigv4 import HttpRequest

    vpc, subnet = in_a_vpc(lab)
    document = policy({"Action": "ec2:Describe*", "Principal": "*"})
    endpoint = lab.client("ec2").create_vpc_endpoint(
        VpcEndpointType="Interface",
        ServiceName=f"com.amazonaws.{REGION}.ec2",
        VpcId=vpc,
        SubnetIds=[subnet],
        PrivateDnsEnabled=False,
        PolicyDocument=document,
    )["VpcEndpoint"]["VpcEndpointId"]
    condition = {"StringEquals": {"aws:SourceVpce": endpoint}, "IpAddress": {"aws:VpcSourceIp": "10.0.0.0/24"}}
    role = assume(lab, make_role(lab, "by-endpoint", policy({"Action": "ec2:*", "Condition": condition})))

    def call(given: dict[str, Any], action: str, *, service: str = "ec2", origin: Origin) -> str:
        request = AWSRequest(
            method="POST",
            url="http://ec2.local/",
            data=f"Action={action}&Version=2016-11-15".encode(),
            headers={"Host": "ec2.local"},
        )
        keys = Credentials(given["AccessKeyId"], given["SecretAccessKey"], given.get("SessionToken"))
        SigV4Auth(keys, service, REGION).add_auth(request)
        headers = tuple((name.lower(), value) for name, value in request.headers.items())
        sent = HttpRequest(method="POST", path="/", query="", headers=headers, body=request.data)
        answer = lab.gateway.answer(sent, origin=origin, service="ec2")
        found = bytes(answer.body).decode()
        return found.partition("<Code>")[2].partition("</Code>")[0] or "OK"

    root = {"AccessKeyId": lab.key.id, "SecretAccessKey": lab.key.secret}
    through = Origin(address="10.0.0.9", vpc=vpc, endpoint=endpoint)
    assert call(root, "DescribeVpcs", origin=through) == call(role, "DescribeVpcs", origin=through) == "OK"
    assert call(root, "CreateInternetGateway", origin=through) == "UnauthorizedOperation"
    assert call(root, "CreateInternetGateway", origin=Origin()) == "OK"
    assert call(role, "DescribeVpcs", origin=Origin(address="10.0.0.9")) == "UnauthorizedOperation"
    assert call(root, "GetCallerIdentity", service="sts", origin=through) == "SignatureDoesNotMatch"


def test_a_key_that_rests_or_whose_account_is_gone_is_refused_in_each_services_words(lab: ServiceLab) -> None:
    account, key = accounts.create_account(lab.store, name="leaving")
    given = {"AccessKeyId": key.id, "SecretAccessKey": key.secret}
    token = lab.client("sts", given).get_session_token()["Credentials"]

    def refusals(credentials: dict[str, Any]) -> list[tuple[str, int]]:
        calls = (
            lab.client("sts", credentials).get_caller_identity,
            lab.client("elbv2", credentials).describe_load_balancers,
            lab.client("ec2", credentials).describe_vpcs,
        )
        return [error_of(call)[::2] for call in calls]

    unknown = [("InvalidClientTokenId", 403), ("InvalidClientTokenId", 403), ("AuthFailure", 401)]
    access_keys.set_active(lab.store, account_id=account.id, key_id=key.id, active=False, keep_one=False)
    assert refusals(given) == unknown
    access_keys.set_active(lab.store, account_id=account.id, key_id=key.id, active=True, keep_one=False)
    lab.client("ec2", given).describe_vpcs()
    account_removal.delete_account(lab.store, account_id=account.id)
    assert refusals(given) == unknown
    assert refusals(dict(token)) == unknown


def trusting(account: str, **condition: Any) -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole", **condition}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_a_role_of_another_account_is_assumed_with_the_external_id_that_it_asks_for(lab: ServiceLab) -> None:
    account, key = accounts.create_account(lab.store, name="vendor")
    vendor = lab.client("sts", {"AccessKeyId": key.id, "SecretAccessKey": key.secret})
    by_id = {"Condition": {"StringEquals": {"sts:ExternalId": "deal-7"}}}
    arn = make_role(lab, "for-vendor", policy({"Action": "ec2:Describe*"}), trust=trusting(account.id, **by_id))
    ask = {"RoleArn": arn, "RoleSessionName": "vendor"}
    for wrong in ({}, {"ExternalId": "deal-8"}):
        assert error_of(lambda more=wrong: vendor.assume_role(**ask, **more))[0] == "AccessDenied"
    given = vendor.assume_role(**ask, ExternalId="deal-7")
    assert given["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{lab.account.id}:assumed-role/for-vendor/vendor"
    mine = lab.client("ec2").create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
    theirs = lab.client("ec2", given["Credentials"])
    assert mine in [vpc["VpcId"] for vpc in theirs.describe_vpcs()["Vpcs"]], "in the account that trusts"
    assert error_of(lambda: theirs.delete_vpc(VpcId=mine))[0] == "UnauthorizedOperation"
    lab.client("ec2").delete_vpc(VpcId=mine)
    other, second = accounts.create_account(lab.store, name="stranger")
    stranger = lab.client("sts", {"AccessKeyId": second.id, "SecretAccessKey": second.secret})
    assert other.id != account.id
    assert error_of(lambda: stranger.assume_role(**ask, ExternalId="deal-7"))[0] == "AccessDenied"


def test_a_session_lasts_as_long_as_its_role_lets_it_and_not_less_than_a_quarter_of_an_hour(lab: ServiceLab) -> None:
    sts, iam = lab.client("sts"), lab.client("iam")
    arn = make_role(lab, "long")
    ask = {"RoleArn": arn, "RoleSessionName": "me"}
    code, message, _ = error_of(lambda: sts.assume_role(**ask, DurationSeconds=7200))
    assert code == "ValidationError" and "MaxSessionDuration" in message
    iam.update_role(RoleName="long", MaxSessionDuration=7200)
    given = sts.assume_role(**ask, DurationSeconds=7200)["Credentials"]
    assert 7100 < given["Expiration"].timestamp() - time.time() <= 7200
    assert error_of(lambda: sts.assume_role(**ask, DurationSeconds=43201))[0] == "ValidationError"
    assert error_of(lambda: sts.get_session_token(DurationSeconds=129601))[0] == "ValidationError"
    rooted = sts.get_session_token(DurationSeconds=36000)["Credentials"]["Expiration"]
    assert rooted.timestamp() - time.time() <= 3600, "an account's own session lasts an hour at most"


def test_session_policies_narrow_what_a_role_may_do_and_widen_nothing(lab: ServiceLab) -> None:
    sts = lab.client("sts")
    arn = make_role(lab, "narrowed", policy({"Action": ["ec2:Describe*", "sts:AssumeRole"]}))
    ask = {"RoleArn": arn, "RoleSessionName": "me"}
    given = sts.assume_role(**ask, Policy=policy({"Action": ["ec2:DescribeVpcs", "ec2:CreateVpc"]}))
    assert 0 < given["PackedPolicySize"] <= 100
    ec2 = lab.client("ec2", given["Credentials"])
    ec2.describe_vpcs()
    code, message, _ = error_of(ec2.describe_subnets)
    assert code == "UnauthorizedOperation" and "no session policy allows the ec2:DescribeSubnets action" in message
    assert error_of(lambda: ec2.create_vpc(CidrBlock="10.0.0.0/16"))[0] == "UnauthorizedOperation"
    lab.client("sts", given["Credentials"]).get_caller_identity()
    managed = "arn:aws:iam::aws:policy/AmazonEC2ReadOnlyAccess"
    by_arn = sts.assume_role(**ask, PolicyArns=[{"arn": managed}])["Credentials"]
    lab.client("ec2", by_arn).describe_subnets()
    assert error_of(lambda: lab.client("sts", by_arn).assume_role(**ask))[0] == "AccessDenied"
    for wrong, code in (
        ({"Policy": "{"}, "MalformedPolicyDocument"),
        ({"Policy": policy({"Action": "ec2:*", "Sid": "x" * 2100})}, "PackedPolicyTooLarge"),
        ({"PolicyArns": [{"arn": "arn:aws:iam::aws:policy/None"}]}, "NoSuchEntity"),
        ({"PolicyArns": [{"arn": managed}] * 11}, "ValidationError"),
    ):
        assert error_of(lambda more=wrong: sts.assume_role(**ask, **more))[0] == code


def test_an_access_key_tells_its_account_and_no_message_is_decoded(lab: ServiceLab) -> None:
    sts = lab.client("sts")
    account, key = accounts.create_account(lab.store, name="known")
    assert sts.get_access_key_info(AccessKeyId=key.id)["Account"] == account.id
    given = sts.get_session_token()["Credentials"]
    own = lab.client("sts", given).get_access_key_info(AccessKeyId=given["AccessKeyId"])
    assert own["Account"] == lab.account.id
    assert error_of(lambda: sts.get_access_key_info(AccessKeyId="AKIAIOSFODNN7EXAMPLE"))[0] == "ValidationError"
    refused = error_of(lambda: sts.decode_authorization_message(EncodedMessage="abc"))
    assert refused[0] == "InvalidAuthorizationMessageException"
