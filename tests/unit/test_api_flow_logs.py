"""CreateFlowLogs, DescribeFlowLogs and DeleteFlowLogs: what is made, found, refused, and what becomes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from api_harness import refused
from api_lab import Lab

from opengwlb.model.flow_logs import FlowLog
from opengwlb.model.iam import Role
from opengwlb.policy.flow_log_lines import DEFAULT_FORMAT

ROLE = "arn:aws:iam::111111111111:role/flow"
TO_GROUP = {"TrafficType": "ALL", "LogGroupName": "/vpc/flow", "DeliverLogsPermissionArn": ROLE}
TO_BUCKET = {"TrafficType": "ALL", "LogDestinationType": "s3", "LogDestination": "arn:aws:s3:::logs/here/"}
TRUST = {"Effect": "Allow", "Principal": {"Service": "vpc-flow-logs.amazonaws.com"}, "Action": "sts:AssumeRole"}


def create(lab: Lab, **params: Any) -> list[str]:
    made = lab.api.ec2("CreateFlowLogs", **{"ResourceType": "VPC", "ResourceIds": [lab.vpc], **params})
    assert made["Unsuccessful"] == []
    return list(made["FlowLogIds"])


def role(lab: Lab, *actions: str, resource: str = "*", trust: Any = TRUST) -> None:
    allowed = json.dumps({"Statement": {"Effect": "Allow", "Action": list(actions), "Resource": resource}})
    lab.api.put(
        Role(
            id=ROLE,
            account=lab.api.account,
            name="flow",
            role_id="AROA",
            trust=json.dumps({"Statement": trust}),
            created=0.0,
            inline={"publish": allowed},
        )
    )


def shown(lab: Lab, **params: Any) -> list[dict[str, Any]]:
    return list(lab.api.ec2("DescribeFlowLogs", **params)["FlowLogs"])


def test_a_flow_log_is_made_for_each_resource_and_described_as_it_was_asked(lab: Lab) -> None:
    role(lab, "logs:*")
    tagged = [{"ResourceType": "vpc-flow-log", "Tags": [{"Key": "Name", "Value": "all"}]}]
    first, second = create(
        lab, ResourceType="Subnet", ResourceIds=[lab.app, lab.endpoint_subnet], TagSpecifications=tagged, **TO_GROUP
    )
    one, two = shown(lab)
    assert (one["FlowLogId"], two["FlowLogId"]) == (first, second) and first.startswith("fl-0")
    one.pop("CreationTime")
    assert one == {
        "DeliverLogsPermissionArn": ROLE,
        "DeliverLogsStatus": "SUCCESS",
        "FlowLogId": first,
        "FlowLogStatus": "ACTIVE",
        "LogDestinationType": "cloud-watch-logs",
        "LogFormat": DEFAULT_FORMAT,
        "LogGroupName": "/vpc/flow",
        "MaxAggregationInterval": 600,
        "ResourceId": lab.app,
        "Tags": [{"Key": "Name", "Value": "all"}],
        "TrafficType": "ALL",
    }


def test_a_flow_log_to_a_bucket_shows_its_options(lab: Lab) -> None:
    create(
        lab,
        **TO_BUCKET,
        MaxAggregationInterval=60,
        LogFormat="${version} ${flow-direction}",
        DestinationOptions={"FileFormat": "plain-text", "HiveCompatiblePartitions": True, "PerHourPartition": True},
    )
    (one,) = shown(lab)
    assert one["DestinationOptions"] == {
        "FileFormat": "plain-text",
        "HiveCompatiblePartitions": True,
        "PerHourPartition": True,
    }
    assert (one["LogDestination"], one["MaxAggregationInterval"]) == ("arn:aws:s3:::logs/here/", 60)
    assert one["LogFormat"] == "${version} ${flow-direction}"
    assert "LogGroupName" not in one and "DeliverLogsPermissionArn" not in one


@pytest.mark.parametrize(
    ("params", "code", "words"),
    [
        ({"TrafficType": "ALL"}, "InvalidParameter", "LogDestination can't be empty if LogGroupName is not provided."),
        ({"LogGroupName": "g", "TrafficType": "ALL"}, "InvalidParameter", "DeliverLogsPermissionArn can't be empty"),
        ({**TO_GROUP, "LogDestination": "arn:aws:logs:a:1:log-group:g"}, "InvalidParameter", "only provide"),
        ({**TO_GROUP, "LogDestinationType": "s3"}, "InvalidParameter", "type must be cloud-watch-logs"),
        ({**TO_GROUP, "MaxAggregationInterval": 100}, "InvalidParameter", "Invalid Flow Log Max Aggregation Interval"),
        ({**TO_GROUP, "LogGroupName": "no spaces"}, "InvalidParameter", "not the name"),
        ({**TO_GROUP, "DeliverLogsPermissionArn": "me"}, "InvalidParameterValue", "IAM role"),
        ({**TO_GROUP, "LogFormat": "${version} ${nothing}"}, "InvalidParameterValue", "at 'logFormat' has an invalid"),
        ({**TO_GROUP, "LogFormat": "version"}, "InvalidParameterValue", "at 'logFormat' has an invalid format"),
        ({**TO_GROUP, "LogFormat": "${ecs-task-id}"}, "UnsupportedOperation", "ecs-task-id"),
        ({**TO_GROUP, "DeliverCrossAccountRole": ROLE}, "UnsupportedOperation", "DeliverCrossAccountRole"),
        ({**TO_GROUP, "LogDestinationType": "kinesis-data-firehose"}, "UnsupportedOperation", "firehose"),
        ({**TO_GROUP, "DestinationOptions": {"PerHourPartition": True}}, "InvalidParameter", "s3"),
        ({**TO_GROUP, "TrafficType": "Reject"}, "InvalidParameterValue", "REJECT"),
        ({**TO_GROUP, "LogDestinationType": "disk"}, "InvalidParameterValue", "s3"),
        ({**TO_BUCKET, "DestinationOptions": {"FileFormat": "parquet"}}, "UnsupportedOperation", "parquet"),
        ({**TO_BUCKET, "LogDestination": "arn:aws:s3:::logs/../other"}, "InvalidParameter", "bucket"),
        ({**TO_BUCKET, "LogDestination": "arn:aws:s3:::logs/AWSLogs/"}, "InvalidParameter", "reserved"),
        ({**TO_BUCKET, "LogDestination": "logs"}, "InvalidParameter", "bucket"),
        ({"LogGroupName": "g", "DeliverLogsPermissionArn": ROLE}, "MissingParameter", "TrafficType"),
        ({**TO_GROUP, "ResourceType": "TransitGateway"}, "UnsupportedOperation", "TransitGateway"),
        ({**TO_GROUP, "ResourceIds": ["vpc-00000000000000000"]}, "InvalidVpcID.NotFound", "vpc-00000000000000000"),
        ({**TO_GROUP, "ResourceType": "Subnet"}, "InvalidSubnetID.Malformed", "vpc-"),
        ({**TO_GROUP, "DryRun": True}, "DryRunOperation", ""),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_made(lab: Lab, params: dict[str, Any], code: str, words: str) -> None:
    with refused(code, words):
        create(lab, **params)
    assert shown(lab) == []


def test_a_second_one_like_it_is_refused_and_of_several_only_the_one_that_is_there(lab: Lab) -> None:
    create(lab, ResourceType="Subnet", ResourceIds=[lab.app], **TO_GROUP)
    with refused("FlowLogAlreadyExists", "existing Flow Log with the same configuration and log destination"):
        create(lab, ResourceType="Subnet", ResourceIds=[lab.app], **TO_GROUP)
    answer = lab.api.ec2(
        "CreateFlowLogs", ResourceType="Subnet", ResourceIds=[lab.app, lab.endpoint_subnet], **TO_GROUP
    )
    (unsuccessful,) = answer["Unsuccessful"]
    assert (unsuccessful["ResourceId"], unsuccessful["Error"]["Code"]) == (lab.app, "FlowLogAlreadyExists")
    assert [one["ResourceId"] for one in shown(lab)] == [lab.app, lab.endpoint_subnet]
    create(lab, ResourceType="Subnet", ResourceIds=[lab.app], **TO_GROUP | {"LogGroupName": "other"})
    create(lab, ResourceType="Subnet", ResourceIds=[lab.app], **TO_GROUP | {"TrafficType": "REJECT"})


def test_a_token_makes_it_once(lab: Lab) -> None:
    first = create(lab, ClientToken="once", **TO_GROUP)
    assert create(lab, ClientToken="once", **TO_GROUP) == first
    with refused("IdempotentParameterMismatch"):
        create(lab, ClientToken="once", **TO_BUCKET)


def test_filters_and_pages(lab: Lab) -> None:
    role(lab, "logs:*")
    (group,) = create(lab, **TO_GROUP)
    (bucket,) = create(
        lab,
        **TO_BUCKET | {"TrafficType": "REJECT"},
        TagSpecifications=[{"ResourceType": "vpc-flow-log", "Tags": [{"Key": "team", "Value": "a"}]}],
    )
    (subnet,) = create(lab, ResourceType="Subnet", ResourceIds=[lab.app], **TO_BUCKET)
    expected = {
        "log-destination-type": ("s3", [bucket, subnet]),
        "flow-log-id": (group, [group]),
        "log-group-name": ("/vpc/*", [group]),
        "resource-id": (lab.app, [subnet]),
        "traffic-type": ("REJECT", [bucket]),
        "deliver-log-status": ("SUCCESS", [group, bucket, subnet]),
        "tag:team": ("a", [bucket]),
        "tag-key": ("team", [bucket]),
    }
    for name, (value, ids) in expected.items():
        found = shown(lab, Filter=[{"Name": name, "Values": [value]}])
        assert [one["FlowLogId"] for one in found] == ids, name
    with refused("InvalidParameterValue", "The filter 'nothing' is invalid"):
        shown(lab, Filter=[{"Name": "nothing", "Values": ["x"]}])
    for number in range(4):
        create(lab, **TO_GROUP | {"LogGroupName": f"g{number}"})
    page = lab.api.ec2("DescribeFlowLogs", MaxResults=5)
    rest = lab.api.ec2("DescribeFlowLogs", MaxResults=5, NextToken=page["NextToken"])
    assert len(page["FlowLogs"]) == 5 and len(rest["FlowLogs"]) == 2 and "NextToken" not in rest


def test_deleting_takes_all_or_none_and_nobody_elses(lab: Lab) -> None:
    first, second = create(lab, ResourceType="Subnet", ResourceIds=[lab.app, lab.endpoint_subnet], **TO_GROUP)
    with refused("InvalidFlowLogId.NotFound", "[TotalCount: 1] fl-00000000000000000"):
        lab.api.ec2("DeleteFlowLogs", FlowLogIds=[first, "fl-00000000000000000"])
    with refused("InvalidFlowLogId.NotFound", first):
        lab.api.of("222222222222").ec2("DeleteFlowLogs", FlowLogIds=[first])
    with refused("InvalidFlowLogId.Malformed"):
        lab.api.ec2("DeleteFlowLogs", FlowLogIds=["vpc-1"])
    assert lab.api.of("222222222222").ec2("DescribeFlowLogs")["FlowLogs"] == []
    assert lab.api.ec2("DeleteFlowLogs", FlowLogIds=[first, second]) == {"Unsuccessful": []}
    with refused("InvalidFlowLogId.NotFound", first):
        shown(lab, FlowLogIds=[first])


def test_the_flow_log_of_a_deleted_interface_is_not_there_any_more(lab: Lab) -> None:
    interface = lab.interface()
    create(lab, ResourceType="NetworkInterface", ResourceIds=[interface], **TO_GROUP)
    lab.api.ec2("DeleteNetworkInterface", NetworkInterfaceId=interface)
    assert shown(lab) == []


@pytest.mark.parametrize(
    ("actions", "resource", "trust", "status"),
    [
        (("logs:CreateLogStream", "logs:PutLogEvents"), "*", TRUST, "SUCCESS"),
        (("logs:*",), "arn:aws:logs:*:*:log-group:/vpc/flow:*", TRUST, "SUCCESS"),
        (("logs:*",), "arn:aws:logs:*:*:log-group:other:*", TRUST, "FAILED"),
        (("logs:CreateLogStream",), "*", TRUST, "FAILED"),
        (("logs:*",), "*", TRUST | {"Principal": {"Service": "ec2.amazonaws.com"}}, "FAILED"),
    ],
)
def test_the_role_must_let_the_service_in_and_write(
    lab: Lab, actions: tuple[str, ...], resource: str, trust: Any, status: str
) -> None:
    role(lab, *actions, resource=resource, trust=trust)
    create(lab, **TO_GROUP)
    (one,) = shown(lab)
    assert one["DeliverLogsStatus"] == status
    assert one.get("DeliverLogsErrorMessage") == (None if status == "SUCCESS" else "Access error")


def test_tags_are_those_of_a_flow_log(lab: Lab) -> None:
    (log,) = create(lab, **TO_GROUP)
    lab.api.ec2("CreateTags", Resources=[log], Tags=[{"Key": "a", "Value": "b"}])
    (found,) = lab.api.ec2("DescribeTags", Filters=[{"Name": "resource-id", "Values": [log]}])["Tags"]
    assert (found["ResourceType"], found["Key"]) == ("vpc-flow-log", "a")
    stored = lab.api.store.snapshot().get(FlowLog, log)
    assert stored is not None and stored.tags == {"a": "b"}
