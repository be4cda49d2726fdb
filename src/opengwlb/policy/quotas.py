"""How much of everything an account may have: AWS's quotas, each with its default and what AWS answers beyond it.

The one place for these numbers. Sources: the pages "Quotas for your Gateway Load Balancers", "Amazon VPC quotas" and "AWS PrivateLink
quotas" of AWS's user guides; error codes from EC2's error code page and botocore's elbv2 model. AWS keeps quotas per region; here a
changed one counts in every region of its account.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    name: str
    """What `gwlb account quota` calls it; ELBv2's are the names of DescribeAccountLimits where AWS has them there."""
    title: str
    """AWS's name in Service Quotas."""
    default: int
    adjustable: bool
    error: str
    """AWS's error code beyond it."""
    noun: str
    """As the error's sentence says it: `The maximum number of VPCs has been reached`."""
    code: str = ""
    """AWS's quota code; empty where it could not be verified."""
    service: str = "vpc"
    """AWS's service code."""


def _quota(
    name: str, default: int, error: str, noun: str, *, title: str, adjustable: bool = True, **more: str
) -> Quota:
    return Quota(name=name, title=title, default=default, adjustable=adjustable, error=error, noun=noun, **more)


_elb = partial(_quota, service="elasticloadbalancing")

_ELB = (
    _elb(
        "gateway-load-balancers",
        100,
        "TooManyLoadBalancers",
        "gateway load balancers",
        title="Gateway Load Balancers per Region",
    ),
    _elb(
        "gateway-load-balancers-per-vpc",
        100,
        "TooManyLoadBalancers",
        "gateway load balancers in a VPC",
        title="Gateway Load Balancers per VPC",
    ),
    _elb(
        "gateway-load-balancer-enis-per-vpc",
        300,
        "TooManyLoadBalancers",
        "network interfaces of gateway load balancers in a VPC",
        title="Gateway Load Balancer ENIs per VPC",
    ),
    _elb(
        "listeners-per-gateway-load-balancer",
        1,
        "TooManyListeners",
        "listeners of a gateway load balancer",
        title="Listeners per Gateway Load Balancer",
        adjustable=False,
    ),
    _elb(
        "geneve-target-groups",
        100,
        "TooManyTargetGroups",
        "GENEVE target groups",
        title="GENEVE target groups per Region",
    ),
    _elb(
        "targets-per-target-group",
        1000,
        "TooManyTargets",
        "targets of a target group",
        title="Targets per target group",
    ),
    _elb(
        "targets-per-availability-zone-per-target-group",
        300,
        "TooManyTargets",
        "targets of a GENEVE target group in an Availability Zone",
        title="Targets per Availability Zone per GENEVE target group",
        adjustable=False,
    ),
    _elb(
        "targets-per-availability-zone-per-gateway-load-balancer",
        300,
        "TooManyTargets",
        "targets of a gateway load balancer in an Availability Zone",
        title="Targets per Availability Zone per Gateway Load Balancer",
        adjustable=False,
    ),
    _elb(
        "targets-per-gateway-load-balancer",
        300,
        "TooManyTargets",
        "targets of a gateway load balancer",
        title="Targets per Gateway Load Balancer",
        adjustable=False,
    ),
    _elb(
        "reserved-capacity-units",
        0,
        "CapacityUnitsLimitExceeded",
        "reserved load balancer capacity units",
        title="Reserved Gateway Load Balancer Capacity Units (LCU) per Region",
        code="L-7A15E3C5",
        adjustable=False,
    ),
)
"""Capacity units are adjustable on AWS and not here: there is no capacity to reserve, so none may be promised."""

_VPC = (
    _quota("vpcs", 5, "VpcLimitExceeded", "VPCs", title="VPCs per Region", code="L-F678F1CE"),
    _quota("subnets-per-vpc", 200, "SubnetLimitExceeded", "subnets", title="Subnets per VPC", code="L-407747CB"),
    _quota(
        "ipv4-blocks-per-vpc",
        5,
        "CidrLimitExceeded",
        "IPv4 CIDR blocks of a VPC",
        title="IPv4 CIDR blocks per VPC",
        code="L-83CA0A9D",
    ),
    _quota(
        "ipv6-blocks-per-vpc", 5, "CidrLimitExceeded", "IPv6 CIDR blocks of a VPC", title="IPv6 CIDR blocks per VPC"
    ),
    _quota(
        "route-tables-per-vpc",
        200,
        "RouteTableLimitExceeded",
        "route tables",
        title="Route tables per VPC",
        code="L-589F43AA",
    ),
    _quota(
        "routes-per-route-table",
        50,
        "RouteLimitExceeded",
        "routes of a route table",
        title="Routes per route table",
        code="L-93826ACB",
    ),
    _quota(
        "internet-gateways",
        5,
        "InternetGatewayLimitExceeded",
        "internet gateways",
        title="Internet gateways per Region",
        code="L-A4707A72",
    ),
    _quota(
        "network-interfaces",
        5000,
        "NetworkInterfaceLimitExceeded",
        "network interfaces",
        title="Network interfaces per Region",
        code="L-DF5E4CA3",
    ),
    _quota(
        "security-groups",
        2500,
        "SecurityGroupLimitExceeded",
        "security groups",
        title="VPC security groups per Region",
        code="L-E79EC296",
    ),
    _quota(
        "rules-per-security-group",
        60,
        "RulesPerSecurityGroupLimitExceeded",
        "rules per security group",
        title="Inbound or outbound rules per security group",
        code="L-0EA8095F",
    ),
    _quota(
        "security-groups-per-interface",
        5,
        "SecurityGroupsPerInterfaceLimitExceeded",
        "security groups per interface",
        title="Security groups per network interface",
        code="L-2AFB9258",
    ),
    _quota(
        "network-acls-per-vpc",
        200,
        "NetworkAclLimitExceeded",
        "network ACLs",
        title="Network ACLs per VPC",
        code="L-B4A6D682",
    ),
    _quota(
        "rules-per-network-acl",
        20,
        "NetworkAclEntryLimitExceeded",
        "network ACL entries",
        title="Rules per network ACL",
        code="L-2AEEBF1A",
    ),
    _quota(
        "endpoints-per-vpc",
        50,
        "VpcEndpointLimitExceeded",
        "VPC endpoints",
        title="Interface VPC endpoints per VPC",
        code="L-29B6F2EB",
    ),
    _quota(
        "elastic-addresses",
        5,
        "AddressLimitExceeded",
        "addresses",
        title="EC2-VPC Elastic IPs",
        service="ec2",
        code="L-0263D0A3",
    ),
)
"""`rules-…`: of each direction. `endpoints-per-vpc` counts those of types Interface and GatewayLoadBalancer together."""

QUOTAS: Mapping[str, Quota] = {quota.name: quota for quota in (*_ELB, *_VPC)}
LARGEST = 1_000_000
"""A quota cannot be set beyond it: a number that no store here is meant for."""


def refusal(quota: Quota, value: int) -> str:
    """The sentence of AWS's error, with the number and what can be done."""
    said = f"The maximum number of {quota.noun} has been reached: {value}."
    return f"{said} `gwlb account quota` raises '{quota.name}'." if quota.adjustable else said
