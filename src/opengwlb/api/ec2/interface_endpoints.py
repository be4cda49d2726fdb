"""Interface endpoints: the server's own API as an address in a VPC."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from opengwlb.api.common import tags
from opengwlb.api.common.describe import timestamp
from opengwlb.api.common.errors import dry_run, refuse
from opengwlb.api.common.idempotency import idempotent
from opengwlb.api.common.interfaces import make_network_interface, remove_network_interface
from opengwlb.api.common.resources import require
from opengwlb.api.common.zones import zones
from opengwlb.api.context import Answer, Context, Parameters
from opengwlb.model.ids import new_id
from opengwlb.model.privatelink import InterfaceEndpoint
from opengwlb.model.snapshot import View
from opengwlb.model.vpc import NetworkInterface, SecurityGroup, Subnet, Vpc
from opengwlb.policy import iam
from opengwlb.policy.resolver import endpoint_addresses, service_dns_name
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

from .network_interfaces import require_groups
from .privatelink import check_room, no_such_service, usable_services

SERVICES = ("ec2", "elasticloadbalancing", "monitoring", "ssm", "sts", "tagging")
"""By the last part of their names; also what their requests are signed for."""
_FOREIGN = ("RouteTableIds", "DnsOptions", "SubnetConfigurations", "ServiceNetworkArn", "ResourceConfigurationArn")
_FULL_ACCESS = '{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]}'
"""What is shown as an endpoint's policy when none was given; AWS has the same."""
_BECAUSE = "it is not available for endpoints of type Interface here."


def service_names(region: str) -> list[str]:
    return [f"com.amazonaws.{region}.{service}" for service in SERVICES]


def wrong_type(asked: str, *, available: str) -> AwsError:
    return AwsError(
        "InvalidParameter", f"Endpoint type ({asked}) does not match available service types ([{available}])."
    )


def describe_service(ctx: Context, name: str) -> dict[str, Any]:
    """As DescribeVpcEndpointServices shows AWS's own."""
    service = name.rsplit(".", 1)[-1]
    offered = zones(ctx.region)
    private = service_dns_name(service, region=ctx.region)
    return {
        "ServiceName": name,
        "ServiceId": f"vpce-svc-0{hashlib.sha256(name.encode()).hexdigest()[:16]}",
        "ServiceType": [{"ServiceType": "Interface"}],
        "ServiceRegion": ctx.region,
        "AvailabilityZones": [zone.name for zone in offered],
        "AvailabilityZoneIds": [zone.id for zone in offered],
        "Owner": "amazon",
        "BaseEndpointDnsNames": [f"{service}.{ctx.region}.vpce.amazonaws.com"],
        "PrivateDnsName": private,
        "PrivateDnsNames": [{"PrivateDnsName": private}],
        "PrivateDnsNameVerificationState": "verified",
        "VpcEndpointPolicySupported": True,
        "AcceptanceRequired": False,
        "ManagesVpcEndpoints": False,
        "SupportedIpAddressTypes": ["ipv4"],
        "Tags": [],
    }


def create(ctx: Context, params: Parameters) -> Answer:
    """An ENI in each subnet, at most one in a zone; private DNS unless the caller says otherwise."""
    refuse(params, _FOREIGN, because=_BECAUSE)
    if params.get("IpAddressType") not in (None, "", "ipv4"):
        raise AwsError("InvalidParameter", "Interface endpoints are of IP address type ipv4 here.")
    name = params.get("ServiceName") or ""
    if name not in service_names(ctx.region):
        if any(service.name == name for service in usable_services(ctx, ctx.store.snapshot())):
            raise wrong_type("Interface", available="GatewayLoadBalancer")
        raise no_such_service(name)
    policy = _checked(params.get("PolicyDocument"))
    private_dns = params.get("PrivateDnsEnabled", True)
    tagged = tags.from_specifications(params, "vpc-endpoint")

    def make(tx: Transaction) -> InterfaceEndpoint:
        vpc = require(ctx, tx, Vpc, params["VpcId"])
        check_room(ctx, tx, vpc.id)
        groups = require_groups(ctx, tx, params.get("SecurityGroupIds"), vpc=vpc.id)
        endpoint = InterfaceEndpoint(
            id=new_id("vpce"),
            account=ctx.account,
            region=ctx.region,
            service_name=name,
            vpc=vpc.id,
            network_interfaces={},
            groups=tuple(groups),
            private_dns=private_dns,
            policy=policy,
            created=ctx.now,
            tags=tagged,
        )
        if private_dns:
            _check_private_dns(tx, endpoint, vpc)
        for subnet_id in dict.fromkeys(params.get("SubnetIds") or ()):
            endpoint = _with_subnet(ctx, tx, endpoint, subnet_id)
        dry_run(params)
        tx.put(endpoint)
        return endpoint

    def work(tx: Transaction) -> dict[str, Any]:
        made = idempotent(ctx, tx, "CreateVpcEndpoint", params, kind=InterfaceEndpoint, make=lambda: (make(tx),))
        return show(tx, made[0])

    token = {"ClientToken": params["ClientToken"]} if params.get("ClientToken") else {}
    return {"VpcEndpoint": ctx.store.transact(work), **token}


def modify(ctx: Context, tx: Transaction, endpoint: InterfaceEndpoint, params: Parameters) -> None:
    refuse(params, ("AddRouteTableIds", "RemoveRouteTableIds", "DnsOptions", "SubnetConfigurations"), because=_BECAUSE)
    if params.get("IpAddressType") not in (None, "", "ipv4"):
        raise AwsError("InvalidParameter", "Interface endpoints are of IP address type ipv4 here.")
    if params.get("PolicyDocument"):
        endpoint = replace(endpoint, policy=_checked(params["PolicyDocument"]))
    if params.get("ResetPolicy"):
        endpoint = replace(endpoint, policy="")
    fewer = params.get("RemoveSecurityGroupIds") or []
    asked = [*endpoint.groups, *(params.get("AddSecurityGroupIds") or ())]
    groups = tuple(group for group in dict.fromkeys(asked) if group not in fewer)
    if not groups:
        raise AwsError("InvalidParameter", "An interface endpoint keeps at least one security group.")
    if groups != endpoint.groups:
        endpoint = replace(endpoint, groups=tuple(require_groups(ctx, tx, list(groups), vpc=endpoint.vpc)))
        for interface_id in endpoint.network_interfaces.values():
            interface = tx.get(NetworkInterface, interface_id)
            if interface is not None:
                tx.put(replace(interface, groups=endpoint.groups))
    for subnet_id in params.get("RemoveSubnetIds") or ():
        endpoint = _without_subnet(tx, endpoint, subnet_id)
    for subnet_id in params.get("AddSubnetIds") or ():
        endpoint = _with_subnet(ctx, tx, endpoint, subnet_id)
    private_dns = params.get("PrivateDnsEnabled")
    if private_dns is not None:
        endpoint = replace(endpoint, private_dns=private_dns)
        vpc = tx.get(Vpc, endpoint.vpc)
        if private_dns and vpc is not None:
            _check_private_dns(tx, endpoint, vpc)
    dry_run(params)
    tx.put(endpoint)


def show(view: View, endpoint: InterfaceEndpoint) -> dict[str, Any]:
    groups = (view.get(SecurityGroup, each) for each in endpoint.groups)
    zone_id = f"Z{hashlib.sha256(endpoint.service_name.encode()).hexdigest()[:13].upper()}"
    answer: dict[str, Any] = {
        "VpcEndpointId": endpoint.id,
        "VpcEndpointType": "Interface",
        "VpcId": endpoint.vpc,
        "ServiceName": endpoint.service_name,
        "State": endpoint.state,
        "PolicyDocument": endpoint.policy or _FULL_ACCESS,
        "RouteTableIds": [],
        "SubnetIds": list(endpoint.network_interfaces),
        "Groups": [{"GroupId": group.id, "GroupName": group.name} for group in groups if group is not None],
        "IpAddressType": "ipv4",
        "DnsOptions": {"DnsRecordIpType": "ipv4"},
        "PrivateDnsEnabled": endpoint.private_dns,
        "RequesterManaged": False,
        "NetworkInterfaceIds": list(endpoint.network_interfaces.values()),
        "DnsEntries": [{"DnsName": name, "HostedZoneId": zone_id} for name, _ in endpoint_addresses(view, endpoint)],
        "CreationTimestamp": timestamp(endpoint.created),
        "Tags": tags.answer(endpoint.tags),
        "OwnerId": endpoint.account,
        "ServiceRegion": endpoint.region,
    }
    if endpoint.last_error:
        answer["LastError"] = {"Code": "InternalError", "Message": endpoint.last_error}
    return answer


def _checked(document: str | None) -> str:
    try:
        if document:
            iam.parse(document, principals=True)
    except iam.PolicyError as error:
        raise AwsError("InvalidPolicyDocument", str(error)) from error
    return document or ""


def _check_private_dns(view: View, endpoint: InterfaceEndpoint, vpc: Vpc) -> None:
    if not (vpc.enable_dns_support and vpc.enable_dns_hostnames):
        raise AwsError(
            "InvalidParameter",
            "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true for "
            f"{vpc.id}",
        )
    for other in view.values(InterfaceEndpoint):
        same = (other.vpc, other.service_name) == (vpc.id, endpoint.service_name) and other.id != endpoint.id
        if same and other.private_dns and other.state != "deleting":
            raise AwsError(
                "InvalidParameter",
                "private-dns-enabled cannot be set because there is already a conflicting DNS domain for "
                f"{service_dns_name(endpoint.service, region=endpoint.region)} in the VPC {vpc.id}",
            )


def _with_subnet(ctx: Context, tx: Transaction, endpoint: InterfaceEndpoint, subnet_id: str) -> InterfaceEndpoint:
    subnet = require(ctx, tx, Subnet, subnet_id)
    if subnet.vpc != endpoint.vpc:
        raise AwsError("InvalidParameter", f"Subnet {subnet.id} does not belong to VPC {endpoint.vpc}.")
    if subnet.id in endpoint.network_interfaces:
        return endpoint
    for other in endpoint.network_interfaces:
        there = tx.get(Subnet, other)
        if there is not None and there.zone == subnet.zone:
            raise AwsError(
                "DuplicateSubnetsInSameZone",
                f"Found another VPC endpoint subnet in the availability zone of {subnet.id}",
            )
    interface = make_network_interface(
        ctx,
        tx,
        subnet=subnet,
        groups=endpoint.groups,
        interface_type="vpc_endpoint",
        requester_id="amazon-vpce",
        owner_object=endpoint.id,
        description=f"VPC Endpoint Interface {endpoint.id}",
    )
    return replace(endpoint, network_interfaces={**endpoint.network_interfaces, subnet.id: interface.id})


def _without_subnet(tx: Transaction, endpoint: InterfaceEndpoint, subnet_id: str) -> InterfaceEndpoint:
    interface_id = endpoint.network_interfaces.get(subnet_id)
    if interface_id is None:
        raise AwsError("InvalidParameter", f"The endpoint {endpoint.id} is not in the subnet {subnet_id}.")
    interface = tx.get(NetworkInterface, interface_id)
    if interface is not None:
        remove_network_interface(tx, interface)
    kept = {subnet: each for subnet, each in endpoint.network_interfaces.items() if subnet != subnet_id}
    return replace(endpoint, network_interfaces=kept)
