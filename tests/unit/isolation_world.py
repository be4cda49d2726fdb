"""One of everything that an account can have, made through the API, and what calls name it by; for the walk of test_isolation.py."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from api_harness import Api

from opengwlb.model.compute import Instance, InstanceState
from opengwlb.model.images import Image

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)
"""Of roles for instances."""
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}]})


@dataclass(frozen=True, kw_only=True)
class World:
    """What members of calls say for this account's objects: `("", "VpcId")` for all operations, `("DeleteX", "Id")` for one."""

    api: Api
    ids: Mapping[tuple[str, str], str]

    def id(self, member: str) -> str:
        return self.ids["", member]

    def named(self, operation: str, member: str) -> str | None:
        return self.ids.get((operation, member)) or self.ids.get(("", member))


def make_world(api: Api, *, number: int) -> World:
    """`number` keeps the names of two accounts apart; their addresses are the same, as they may be."""
    mine = f"mine{number}"
    vpc = api.ec2("CreateVpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = api.ec2("CreateSubnet", VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    gateway = api.ec2("CreateInternetGateway")["InternetGateway"]["InternetGatewayId"]
    api.ec2("AttachInternetGateway", InternetGatewayId=gateway, VpcId=vpc)
    table = api.ec2("CreateRouteTable", VpcId=vpc)["RouteTable"]["RouteTableId"]
    association = api.ec2("AssociateRouteTable", RouteTableId=table, SubnetId=subnet)["AssociationId"]
    api.ec2("CreateRoute", RouteTableId=table, DestinationCidrBlock="172.16.0.0/12", GatewayId=gateway)
    block = api.ec2("AssociateVpcCidrBlock", VpcId=vpc, AmazonProvidedIpv6CidrBlock=True)["Ipv6CidrBlockAssociation"]
    of_block = api.ec2("DescribeVpcs", VpcIds=[vpc])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"][0]
    half = of_block["Ipv6CidrBlock"].replace("/56", "/64")
    part = api.ec2("AssociateSubnetCidrBlock", SubnetId=subnet, Ipv6CidrBlock=half)["Ipv6CidrBlockAssociation"]
    group = api.ec2("CreateSecurityGroup", GroupName=mine, Description="x", VpcId=vpc)["GroupId"]
    permission = [{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]
    rule = api.ec2("AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=permission)["SecurityGroupRules"][0]
    leaving = api.ec2("AuthorizeSecurityGroupEgress", GroupId=group, IpPermissions=permission)["SecurityGroupRules"][0]
    image = Image(
        id=f"ami-000000000000000f{number}",
        name=mine,
        description="",
        kind="linux",
        account=api.account,
        region=api.region,
    )
    api.put(image)
    api.call("iam", "CreateRole", RoleName=mine, AssumeRolePolicyDocument=TRUST)
    api.call("iam", "PutRolePolicy", RoleName=mine, PolicyName=mine, PolicyDocument=POLICY)
    assumed = f"{mine}-assumed"
    trust = TRUST.replace('{"Service": "ec2.amazonaws.com"}', json.dumps({"AWS": api.account}))
    role = api.call("iam", "CreateRole", RoleName=assumed, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    managed = api.call("iam", "CreatePolicy", PolicyName=mine, PolicyDocument=POLICY)["Policy"]["Arn"]
    api.call("iam", "AttachRolePolicy", RoleName=mine, PolicyArn=managed)
    api.call("iam", "CreateInstanceProfile", InstanceProfileName=mine)
    api.call("iam", "AddRoleToInstanceProfile", InstanceProfileName=mine, RoleName=mine)
    api.call("ssm", "PutParameter", Name=f"/{mine}", Value="secret", Type="String")
    pair = api.ec2("CreateKeyPair", KeyName=mine)["KeyPairId"]
    run = {"ImageId": "ami-0000000000000a003", "MinCount": 1, "MaxCount": 1, "SubnetId": subnet}
    instance = api.ec2("RunInstances", **run, IamInstanceProfile={"Name": mine})["Instances"][0]["InstanceId"]
    stored = api.store.snapshot().get(Instance, instance)
    assert stored is not None
    api.put(replace(stored, state=InstanceState.RUNNING))
    interface = api.ec2("CreateNetworkInterface", SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    attachment = api.ec2("AttachNetworkInterface", InstanceId=instance, NetworkInterfaceId=interface, DeviceIndex=1)
    loose = api.ec2("CreateNetworkInterface", SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    address = api.ec2("AllocateAddress")
    placed = api.ec2("AssociateAddress", AllocationId=address["AllocationId"], NetworkInterfaceId=loose)
    acl = api.ec2("CreateNetworkAcl", VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    of_subnet = [{"Name": "association.subnet-id", "Values": [subnet]}]
    associations = api.ec2("DescribeNetworkAcls", Filters=of_subnet)["NetworkAcls"][0]["Associations"]
    dhcp = [{"Key": "domain-name", "Values": ["example.com"]}]
    options = api.ec2("CreateDhcpOptions", DhcpConfigurations=dhcp)["DhcpOptions"]["DhcpOptionsId"]
    made = api.elbv2("CreateLoadBalancer", Name=mine, Type="gateway", Subnets=[subnet])["LoadBalancers"][0]
    balancer = made["LoadBalancerArn"]
    targets = api.elbv2("CreateTargetGroup", Name=mine, Protocol="GENEVE", Port=6081, VpcId=vpc)["TargetGroups"][0]
    targets_arn = targets["TargetGroupArn"]
    forward = [{"Type": "forward", "TargetGroupArn": targets_arn}]
    listener = api.elbv2("CreateListener", LoadBalancerArn=balancer, DefaultActions=forward)["Listeners"][0]
    listener_arn = listener["ListenerArn"]
    default = api.elbv2("DescribeRules", ListenerArn=listener_arn)["Rules"][0]["RuleArn"]
    service = api.ec2("CreateVpcEndpointServiceConfiguration", GatewayLoadBalancerArns=[balancer])
    configuration = service["ServiceConfiguration"]
    endpoint = api.ec2(
        "CreateVpcEndpoint",
        VpcEndpointType="GatewayLoadBalancer",
        VpcId=vpc,
        ServiceName=configuration["ServiceName"],
        SubnetIds=[subnet],
    )["VpcEndpoint"]["VpcEndpointId"]
    flows = api.ec2(
        "CreateFlowLogs",
        ResourceType="VPC",
        ResourceIds=[vpc],
        TrafficType="ALL",
        LogDestinationType="s3",
        LogDestination="arn:aws:s3:::flows",
    )["FlowLogIds"]
    profiles = api.ec2("DescribeIamInstanceProfileAssociations")["IamInstanceProfileAssociations"]
    plain = {
        "VpcId": vpc,
        "SubnetId": subnet,
        "RouteTableId": table,
        "InternetGatewayId": gateway,
        "GatewayId": gateway,
        "NetworkInterfaceId": loose,
        "AllocationId": address["AllocationId"],
        "GroupId": group,
        "SecurityGroupId": group,
        "SecurityGroupRuleId": rule["SecurityGroupRuleId"],
        "InstanceId": instance,
        "ImageId": image.id,
        "KeyPairId": pair,
        "VpcEndpointId": endpoint,
        "ServiceId": configuration["ServiceId"],
        "ServiceName": configuration["ServiceName"],
        "NetworkAclId": acl,
        "DhcpOptionsId": options,
        "AttachmentId": attachment["AttachmentId"],
        "PublicIp": address["PublicIp"],
        "LoadBalancerArn": balancer,
        "GatewayLoadBalancerArn": balancer,
        "TargetGroupArn": targets_arn,
        "ListenerArn": listener_arn,
        "RuleArn": default,
        "ResourceArn": balancer,
        "ResourceARN": balancer,
        "RoleName": mine,
        "RoleArn": role,
        "PolicyArn": managed,
        "InstanceProfileName": mine,
        "AssociationId": association,
        "FlowLogId": flows[0],
        "Resource": vpc,
        "Subnet": subnet,
        "SecurityGroup": group,
        "Group": group,
    }
    special = {
        ("DisassociateAddress", "AssociationId"): placed["AssociationId"],
        ("DescribeIamInstanceProfileAssociations", "AssociationId"): profiles[0]["AssociationId"],
        ("DisassociateIamInstanceProfile", "AssociationId"): profiles[0]["AssociationId"],
        ("ReplaceIamInstanceProfileAssociation", "AssociationId"): profiles[0]["AssociationId"],
        ("ReplaceNetworkAclAssociation", "AssociationId"): associations[0]["NetworkAclAssociationId"],
        ("DisassociateVpcCidrBlock", "AssociationId"): block["AssociationId"],
        ("DisassociateSubnetCidrBlock", "AssociationId"): part["AssociationId"],
        ("RevokeSecurityGroupEgress", "SecurityGroupRuleId"): leaving["SecurityGroupRuleId"],
        ("UpdateSecurityGroupRuleDescriptionsEgress", "SecurityGroupRuleId"): leaving["SecurityGroupRuleId"],
        ("CreateFlowLogs", "ResourceId"): vpc,
        ("DeleteRolePolicy", "PolicyName"): mine,
        ("GetRolePolicy", "PolicyName"): mine,
        ("DeleteKeyPair", "KeyName"): mine,
        ("DescribeKeyPairs", "KeyName"): mine,
        ("DetachNetworkInterface", "NetworkInterfaceId"): interface,
        ("RegisterTargets", "Id"): instance,
        ("GetParameter", "Name"): f"/{mine}",
        ("GetParameters", "Name"): f"/{mine}",
        ("DeleteParameter", "Name"): f"/{mine}",
        ("DeleteParameters", "Name"): f"/{mine}",
        ("GetParametersByPath", "Path"): f"/{mine}",
    }
    return World(api=api, ids={**{("", member): value for member, value in plain.items()}, **special})
