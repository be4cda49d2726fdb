"""VPC flow logs of real traffic: made with boto3, read with `gwlb flow-logs tail`, equal to what the interfaces themselves counted."""

from __future__ import annotations

import contextlib
import json
import re
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .cloud import customer, healthy, image, partner, reachable
from .server import REGION, Server, until

TRANSFER = str(Path(__file__).with_name("transfer.py"))
BULK = 32 << 20
EVERYTHING = (
    *("version", "interface-id", "instance-id", "srcaddr", "dstaddr", "srcport", "dstport", "pkt-srcaddr"),
    *(
        "pkt-dstaddr",
        "protocol",
        "packets",
        "bytes",
        "action",
        "tcp-flags",
        "flow-direction",
        "traffic-path",
        "log-status",
    ),
)
TRUST = {"Effect": "Allow", "Principal": {"Service": "vpc-flow-logs.amazonaws.com"}, "Action": "sts:AssumeRole"}
PUBLISH = {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "*"}
Row = dict[str, str]


@dataclass
class Host:
    instance: str
    interface: str
    address: str


class Lab:
    """Two subnets with a host in each, which know each other by the VPC's default group."""

    def __init__(self, server: Server) -> None:
        self.server = server
        server.account("watched")
        self.ec2 = server.client("ec2", "watched")
        self.role = role(server, "watched")
        self.vpc = self.ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
        self.subnets = [
            self.ec2.create_subnet(VpcId=self.vpc, CidrBlock=f"10.7.{index}.0/24", AvailabilityZone=f"{REGION}a")[
                "Subnet"
            ]["SubnetId"]
            for index in range(2)
        ]
        self.client, self.service = (self.host(subnet) for subnet in self.subnets)

    def host(self, subnet: str) -> Host:
        launched = self.ec2.run_instances(
            ImageId=image(self.ec2, "linux"), MinCount=1, MaxCount=1, SubnetId=subnet, InstanceType="t3.micro"
        )["Instances"][0]
        self.ec2.get_waiter("instance_running").wait(
            InstanceIds=[launched["InstanceId"]], WaiterConfig={"Delay": 1, "MaxAttempts": 30}
        )
        interface = launched["NetworkInterfaces"][0]
        return Host(launched["InstanceId"], interface["NetworkInterfaceId"], interface["PrivateIpAddress"])

    def watch(self, kind: str, resource: str, **params: Any) -> str:
        made = self.ec2.create_flow_logs(
            ResourceType=kind,
            ResourceIds=[resource],
            **{"TrafficType": "ALL", "MaxAggregationInterval": 60, "LogFormat": as_format(EVERYTHING), **params},
        )
        assert made["Unsuccessful"] == []
        return str(made["FlowLogIds"][0])

    def to_group(self, name: str) -> dict[str, str]:
        return {"LogGroupName": name, "DeliverLogsPermissionArn": self.role}

    def rows(self, log: str) -> list[Row]:
        """Everything that was seen until now, as the flow log tells it. Only lines that say something."""
        self.server.gwlb("flow-logs", "flush", "--account", "watched")
        return [row for row in told(self.server, log) if row["log-status"] == "OK"]

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        one = self.server.spawn(self.service.instance, sys.executable, TRANSFER, "serve", "7000")
        try:
            assert one.stdout is not None and one.stdout.readline() == "ready\n"
            yield
        finally:
            one.kill()
            one.wait()

    def bulk(self) -> None:
        with self.serving():
            done = self.server.inside(
                *(self.client.instance, sys.executable, TRANSFER, "push", self.service.address, "7000", str(BULK)),
                timeout=60,
            )
        assert done.returncode == 0, done.stderr

    def ping(self) -> bool:
        return self.server.inside(self.client.instance, "ping", "-c1", "-W5", self.service.address).returncode == 0


def role(server: Server, account: str) -> str:
    iam = server.client("iam", account)
    made = iam.create_role(RoleName="flow", AssumeRolePolicyDocument=json.dumps({"Statement": TRUST}))["Role"]["Arn"]
    iam.put_role_policy(RoleName="flow", PolicyName="publish", PolicyDocument=json.dumps({"Statement": PUBLISH}))
    return str(made)


def as_format(names: tuple[str, ...]) -> str:
    return " ".join(f"${{{name}}}" for name in names)


def told(server: Server, log: str, *, account: str = "watched") -> list[Row]:
    answer = json.loads(
        server.gwlb("flow-logs", "tail", log, "--limit", "10000", "--account", account, "--json").stdout
    )
    return [dict(zip(EVERYTHING, event["message"].split(), strict=True)) for event in answer["events"]]


def forwarded(server: Server, interface: str) -> tuple[int, int]:
    """Packets and bytes that the router took from an interface and passed on."""
    with urllib.request.urlopen(f"{server.endpoint}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    found = re.findall(rf'^\w*eni_forwarded_(packets|bytes)_total{{.*resource="{interface}".*}} (\S+)$', text, re.M)
    counted = {name: int(float(value)) for name, value in found}
    return counted.get("packets", 0), counted.get("bytes", 0)


@pytest.fixture(scope="module")
def lab(server: Server) -> Lab:
    return Lab(server)


@pytest.fixture(scope="module")
def logs(lab: Lab) -> dict[str, str]:
    """On the VPC to a log group, on the client's subnet to a bucket, on the service's interface to another log group. They record."""
    found = {
        "vpc": lab.watch("VPC", lab.vpc, **lab.to_group("/vpc/all")),
        "subnet": lab.watch(
            "Subnet",
            lab.subnets[0],
            LogDestinationType="s3",
            LogDestination="arn:aws:s3:::flow-bucket/lab/",
            DestinationOptions={"HiveCompatiblePartitions": True, "PerHourPartition": True},
        ),
        "interface": lab.watch("NetworkInterface", lab.service.interface, **lab.to_group("one-interface")),
    }

    def records() -> bool:
        return lab.ping() and all(any(row["protocol"] == "1" for row in lab.rows(log)) for log in found.values())

    until(records, what="every flow log tells of a ping", seconds=20, every=0.2)
    return found


def test_bulk_and_a_refused_connection_are_told_as_the_interfaces_counted_them(lab: Lab, logs: dict[str, str]) -> None:
    ends = {"client": lab.client, "service": lab.service}
    before = {name: forwarded(lab.server, host.interface) for name, host in ends.items()}
    ignored = {name: len(lab.rows(log)) for name, log in logs.items()}
    lab.bulk()
    refused = lab.server.inside(lab.client.instance, "bash", "-c", f"exec 3<>/dev/tcp/{lab.service.address}/81")
    assert refused.returncode != 0

    def is_quiet() -> bool:
        first = [forwarded(lab.server, host.interface) for host in ends.values()]
        time.sleep(0.2)
        return first == [forwarded(lab.server, host.interface) for host in ends.values()]

    until(is_quiet, what="the connections end")
    counted = {
        name: tuple(now - then for now, then in zip(forwarded(lab.server, host.interface), before[name], strict=True))
        for name, host in ends.items()
    }
    rows = {name: lab.rows(log)[ignored[name] :] for name, log in logs.items()}
    # What one end sent, the other received.
    for name, sender in (("client", "client"), ("service", "client"), ("client", "service"), ("service", "service")):
        direction = "egress" if name == sender else "ingress"
        mine = [
            row
            for row in rows["vpc"]
            if (row["interface-id"], row["flow-direction"]) == (ends[name].interface, direction)
        ]
        sums = tuple(sum(int(row[field]) for row in mine) for field in ("packets", "bytes"))
        assert sums == counted[sender], (name, direction)
    assert counted["client"][1] > BULK
    partitioned = "*/s3/flow-bucket/lab/AWSLogs/aws-account-id=*/**/hour=*/*.log.gz"
    assert list((lab.server.data_dir / "flow-logs").glob(partitioned))
    # The subnet's flow log tells of the client alone, the interface's of the service alone, and both tell what the VPC's does.
    for kind, host in (("subnet", lab.client), ("interface", lab.service)):
        assert {row["interface-id"] for row in rows[kind]} == {host.interface}
        same = [row for row in rows["vpc"] if row["interface-id"] == host.interface]
        assert sorted(map(str, rows[kind])) == sorted(map(str, same))
    for row in rows["vpc"]:
        assert row["version"] == "5" and row["action"] == "ACCEPT"
        assert row["traffic-path"] == ("1" if row["flow-direction"] == "egress" else "-")
        assert (row["srcaddr"], row["dstaddr"]) == (row["pkt-srcaddr"], row["pkt-dstaddr"])
    flags = {
        (row["srcaddr"], row["srcport"] if row["srcport"] in ("81", "7000") else row["dstport"]): int(row["tcp-flags"])
        for row in rows["interface"]
    }
    assert flags == {
        (lab.client.address, "7000"): 3,  # SYN, FIN
        (lab.service.address, "7000"): 19,  # SYN with ACK, FIN
        (lab.client.address, "81"): 2,
        (lab.service.address, "81"): 4,  # refused by the host, not by a group: RST, and accepted traffic
    }


def test_a_connection_that_a_group_refuses_is_rejected_at_the_interface_that_refuses_it(
    lab: Lab, logs: dict[str, str]
) -> None:
    group = lab.ec2.create_security_group(GroupName="closed", Description="nothing in", VpcId=lab.vpc)["GroupId"]
    (own,) = lab.ec2.describe_network_interfaces(NetworkInterfaceIds=[lab.service.interface])["NetworkInterfaces"][0][
        "Groups"
    ]
    lab.ec2.modify_network_interface_attribute(NetworkInterfaceId=lab.service.interface, Groups=[group])
    try:
        until(lambda: not lab.ping(), what="the group refuses", seconds=20)
        known = len(lab.rows(logs["vpc"]))
        lab.server.inside(
            lab.client.instance, "timeout", "1", "bash", "-c", f"exec 3<>/dev/tcp/{lab.service.address}/82"
        )
        rows = [row for row in lab.rows(logs["vpc"])[known:] if row["dstport"] == "82"]
    finally:
        lab.ec2.modify_network_interface_attribute(NetworkInterfaceId=lab.service.interface, Groups=[own["GroupId"]])
    assert {(row["interface-id"], row["flow-direction"], row["action"]) for row in rows} == {
        (lab.client.interface, "egress", "ACCEPT"),
        (lab.service.interface, "ingress", "REJECT"),
    }
    until(lab.ping, what="the group allows again", seconds=20)


def test_names_and_metadata_are_not_logged(lab: Lab, logs: dict[str, str]) -> None:
    known = len(lab.rows(logs["subnet"]))
    for address, port in (("169.254.169.254", 80), ("10.7.0.2", 53), ("169.254.169.253", 53)):
        asked = f"exec 3<>/dev/tcp/{address}/{port}"
        lab.server.inside(lab.client.instance, "timeout", "1", "bash", "-c", asked)
    lab.server.inside(lab.client.instance, "ping", "-c1", "-W1", "10.7.0.1")
    assert lab.ping()
    assert {row["dstaddr"] for row in lab.rows(logs["subnet"])[known:]} == {lab.client.address, lab.service.address}


def test_asking_why_is_no_traffic(lab: Lab, logs: dict[str, str]) -> None:
    known = len(lab.rows(logs["vpc"]))
    asked = ("why", lab.client.address, lab.service.address, "tcp", "40000:7777", "--from", lab.client.interface)
    answer = json.loads(lab.server.gwlb(*asked, "--json").stdout)
    assert answer["arrives"] and answer["by"] == "programs"
    assert lab.rows(logs["vpc"])[known:] == []


def test_what_was_seen_outlives_the_server(lab: Lab, logs: dict[str, str]) -> None:
    known = len(lab.rows(logs["subnet"]))
    assert lab.ping()
    lab.server.kill()
    assert lab.ping()
    lab.server.start()
    rows = lab.rows(logs["subnet"])[known:]
    assert sum(int(row["packets"]) for row in rows if row["flow-direction"] == "egress" and row["protocol"] == "1") == 2


def test_a_flow_log_is_its_accounts_own(lab: Lab, logs: dict[str, str]) -> None:
    lab.server.account("stranger")
    refused = lab.server.gwlb("flow-logs", "tail", logs["vpc"], "--account", "stranger", check=False)
    assert refused.returncode != 0 and "There is no flow log" in refused.stderr
    assert lab.server.client("ec2", "stranger").describe_flow_logs()["FlowLogs"] == []
    flushed = lab.server.gwlb("flow-logs", "flush", "--account", "stranger", "--json").stdout
    assert json.loads(flushed)["lines"] == 0
    assert told(lab.server, logs["vpc"], account="operator") == told(lab.server, logs["vpc"])


def test_a_role_that_loses_its_permission_stops_the_delivery_and_says_so(lab: Lab, logs: dict[str, str]) -> None:
    iam = lab.server.client("iam", "watched")
    iam.delete_role_policy(RoleName="flow", PolicyName="publish")
    try:
        assert lab.ping()
        known = len(told(lab.server, logs["vpc"]))
        lab.rows(logs["subnet"])
        assert len(told(lab.server, logs["vpc"])) == known
        (shown,) = lab.ec2.describe_flow_logs(FlowLogIds=[logs["vpc"]])["FlowLogs"]
        assert (shown["DeliverLogsStatus"], shown["DeliverLogsErrorMessage"]) == ("FAILED", "Access error")
        failed = lab.ec2.describe_flow_logs(Filters=[{"Name": "deliver-log-status", "Values": ["FAILED"]}])["FlowLogs"]
        assert {one["FlowLogId"] for one in failed} == {logs["vpc"], logs["interface"]}
    finally:
        iam.put_role_policy(RoleName="flow", PolicyName="publish", PolicyDocument=json.dumps({"Statement": PUBLISH}))


def test_lines_come_by_themselves_when_the_minute_is_over(lab: Lab, logs: dict[str, str]) -> None:
    known = len(lab.rows(logs["subnet"]))
    assert lab.ping()
    until(
        lambda: any(row["protocol"] == "1" for row in told(lab.server, logs["subnet"])[known:]),
        what="the minute ends",
        seconds=75,
        every=1.0,
    )


def test_a_deleted_flow_log_records_no_more(lab: Lab, logs: dict[str, str]) -> None:
    lab.ec2.delete_flow_logs(FlowLogIds=list(logs.values()))
    assert lab.ec2.describe_flow_logs()["FlowLogs"] == []
    assert lab.server.gwlb("flow-logs", "tail", logs["vpc"], "--account", "watched", check=False).returncode != 0


def test_load_balancers_and_endpoints_log_what_passes_them(server: Server) -> None:
    server.account("partner")
    server.account("customer1")
    ours = partner(server)
    healthy(ours, count=1)
    theirs = customer(server, service=ours.service_name)
    reachable(server, theirs.public["a"])
    nodes = ours.ec2.describe_network_interfaces(
        Filters=[{"Name": "interface-type", "Values": ["gateway_load_balancer"]}]
    )["NetworkInterfaces"]
    (endpoint,) = theirs.ec2.describe_vpc_endpoints(VpcEndpointIds=list(theirs.endpoints.values()))["VpcEndpoints"]
    (door,) = theirs.ec2.describe_network_interfaces(NetworkInterfaceIds=endpoint["NetworkInterfaceIds"])[
        "NetworkInterfaces"
    ]
    made: dict[str, str] = {}
    for account, ec2, vpc in (("partner", ours.ec2, ours.vpc), ("customer1", theirs.ec2, theirs.vpc)):
        (made[account],) = ec2.create_flow_logs(
            ResourceType="VPC",
            ResourceIds=[vpc],
            TrafficType="ALL",
            LogGroupName="all",
            DeliverLogsPermissionArn=role(server, account),
            LogFormat=as_format(EVERYTHING),
        )["FlowLogIds"]

    def rows(account: str, interface: str) -> list[Row]:
        server.gwlb("flow-logs", "flush", "--account", account)
        found = told(server, made[account], account=account)
        return [row for row in found if row["interface-id"] == interface and row["log-status"] == "OK"]

    def web() -> list[Row]:
        reachable(server, theirs.public["a"])
        return [
            row for row in rows("customer1", door["NetworkInterfaceId"]) if "80" in (row["srcport"], row["dstport"])
        ]

    until(
        lambda: len({row["flow-direction"] for row in web()}) == 2,
        what="the endpoint's flow log tells of a request",
        every=0.2,
    )
    node = next(one for one in nodes if one["Description"] == f"ELB {ours.load_balancer.split('loadbalancer/')[1]}")
    tunnelled = [row for row in rows("partner", node["NetworkInterfaceId"]) if row["dstport"] == "6081"]
    assert {row["flow-direction"] for row in tunnelled} == {"ingress", "egress"}
    assert {row["protocol"] for row in tunnelled} == {"17"}
    for row in web():
        own = "dstaddr" if row["flow-direction"] == "ingress" else "srcaddr"
        assert row[own] == door["PrivateIpAddress"] != row[f"pkt-{own}"]
        assert row["instance-id"] == "-"
