"""One account's AWS clients, and the few calls that both sides of the demo make."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config

from .. import credentials, lab
from ..lab import ServerRecord


def tags(kind: str, name: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": name}]}]


class Cloud:
    """boto3 clients that sign for one account, with the server as endpoint."""

    def __init__(self, server: ServerRecord, *, account: str, account_id: str) -> None:
        key = credentials.profile(lab.data_dir_of(server.name), name=account)
        self.account = account
        self.account_id = account_id
        self.region = lab.DEFAULT_REGION
        session = boto3.Session(
            aws_access_key_id=key.access_key,
            aws_secret_access_key=key.secret_key,
            region_name=self.region,
        )
        config = Config(retries={"total_max_attempts": 1}, ignore_configured_endpoint_urls=True)
        self.ec2 = session.client("ec2", endpoint_url=server.endpoint, config=config)
        self.elbv2 = session.client("elbv2", endpoint_url=server.endpoint, config=config)

    def zone(self, letter: str) -> str:
        return f"{self.region}{letter}"

    def vpc(self, name: str, *, cidr: str) -> str:
        made = self.ec2.create_vpc(CidrBlock=cidr, TagSpecifications=tags("vpc", name))
        return str(made["Vpc"]["VpcId"])

    def subnet(self, name: str, *, vpc: str, cidr: str, letter: str) -> str:
        made = self.ec2.create_subnet(
            VpcId=vpc,
            CidrBlock=cidr,
            AvailabilityZone=self.zone(letter),
            TagSpecifications=tags("subnet", name),
        )
        return str(made["Subnet"]["SubnetId"])

    def route_table(self, name: str, *, vpc: str) -> str:
        made = self.ec2.create_route_table(VpcId=vpc, TagSpecifications=tags("route-table", name))
        return str(made["RouteTable"]["RouteTableId"])

    def security_group(self, name: str, *, vpc: str, rules: list[tuple[str, int, int, list[str]]]) -> str:
        """`rules`: protocol, first port, last port, CIDRs that may come in."""
        made = self.ec2.create_security_group(GroupName=name, Description=f"OpenGWLB demo: {name}", VpcId=vpc)
        self.ec2.authorize_security_group_ingress(
            GroupId=made["GroupId"],
            IpPermissions=[
                {
                    "IpProtocol": protocol,
                    "FromPort": first,
                    "ToPort": last,
                    "IpRanges": [{"CidrIp": cidr} for cidr in cidrs],
                }
                for protocol, first, last, cidrs in rules
            ],
        )
        return str(made["GroupId"])

    def image(self, name: str) -> str:
        found = self.ec2.describe_images(Filters=[{"Name": "name", "Values": [name]}])["Images"]
        return str(found[0]["ImageId"])

    def instance(self, name: str, *, image: str, subnet: str, group: str, user_data: str, public: bool = False) -> str:
        made = self.ec2.run_instances(
            ImageId=self.image(image),
            InstanceType="t3.micro",
            MinCount=1,
            MaxCount=1,
            UserData=user_data,
            NetworkInterfaces=[
                {"DeviceIndex": 0, "SubnetId": subnet, "Groups": [group], "AssociatePublicIpAddress": public}
            ],
            TagSpecifications=tags("instance", name),
        )
        return str(made["Instances"][0]["InstanceId"])

    def instance_states(self, ids: list[str]) -> dict[str, dict[str, Any]]:
        """Instance id -> as DescribeInstances shows it."""
        answer = self.ec2.describe_instances(InstanceIds=ids)
        return {each["InstanceId"]: each for found in answer["Reservations"] for each in found["Instances"]}

    def console_output(self, instance: str) -> str:
        # botocore decodes the base64 that the API carries.
        return str(self.ec2.get_console_output(InstanceId=instance).get("Output", ""))
