"""How connections to an endpoint service come, wait, end and come back; what the provider's and the consumer's calls do to each other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from api_harness import Api, refused
from test_api_privatelink import CONSUMER, Lab, make_endpoint, make_service, state_of, vpc_with_subnets
from test_api_privatelink import lab as lab

from opengwlb.api.context import ACTIONS
from opengwlb.model.privatelink import VpcEndpoint
from opengwlb.model.vpc import NetworkInterface
from opengwlb.policy import status

WEEK_S = 7 * 24 * 3600


def stored(api: Api, endpoint: str) -> VpcEndpoint:
    found = api.store.snapshot().get(VpcEndpoint, endpoint)
    assert found is not None
    return found


def available(lab: Lab, endpoint: str) -> None:
    """As control does once the endpoint's links are built."""
    writes = status.after_build(lab.consumer.store.snapshot(), built={endpoint}, errors={})
    lab.consumer.put(*writes.put)
    assert state_of(lab, endpoint) == "available"


def answer(lab: Lab, what: str, service: dict[str, Any], *endpoints: str) -> list[dict[str, Any]]:
    ids = {"ServiceId": service["ServiceId"], "VpcEndpointIds": list(endpoints)}
    failed: list[dict[str, Any]] = lab.provider.ec2(f"{what}VpcEndpointConnections", **ids)["Unsuccessful"]
    return failed


def pass_time(lab: Lab, now: float) -> None:
    lab.consumer.put(*status.due(lab.consumer.store.snapshot(), now=now).put)


def test_a_request_that_nobody_answers_for_a_week_expires_and_can_only_be_deleted(lab: Lab):
    service = make_service(lab, AcceptanceRequired=True)
    endpoint = make_endpoint(lab, service)["VpcEndpointId"]
    pass_time(lab, lab.consumer.now + WEEK_S - 1)
    assert state_of(lab, endpoint) == "pendingAcceptance"
    pass_time(lab, lab.consumer.now + WEEK_S)
    assert state_of(lab, endpoint) == "expired"
    for what in ("Accept", "Reject"):
        (failure,) = answer(lab, what, service, endpoint)
        assert failure["Error"]["Code"] == "InvalidState" and "'expired'" in failure["Error"]["Message"]
    deleted = lab.provider.ec2("DeleteVpcEndpointServiceConfigurations", ServiceIds=[service["ServiceId"]])
    assert deleted == {"Unsuccessful": []}, "an expired request keeps no service"
    assert lab.consumer.ec2("DeleteVpcEndpoints", VpcEndpointIds=[endpoint]) == {"Unsuccessful": []}


def test_an_accepted_connection_does_not_expire(lab: Lab):
    service = make_service(lab, AcceptanceRequired=True)
    endpoint = make_endpoint(lab, service)["VpcEndpointId"]
    answer(lab, "Accept", service, endpoint)
    pass_time(lab, lab.consumer.now + WEEK_S)
    assert state_of(lab, endpoint) == "pending"
    available(lab, endpoint)


def test_a_rejected_connection_stays_rejected_until_it_is_accepted_again(lab: Lab):
    service = make_service(lab)
    endpoint = make_endpoint(lab, service)["VpcEndpointId"]
    available(lab, endpoint)
    assert answer(lab, "Reject", service, endpoint) == []
    assert state_of(lab, endpoint) == "rejected"
    pass_time(lab, lab.consumer.now + WEEK_S)
    lab.consumer.put(*status.after_build(lab.consumer.store.snapshot(), built={endpoint}, errors={}).put)
    assert state_of(lab, endpoint) == "rejected"
    (failure,) = answer(lab, "Reject", service, endpoint)
    assert failure["Error"]["Code"] == "InvalidState"
    assert answer(lab, "Accept", service, endpoint) == []
    available(lab, endpoint)


def test_calls_on_several_connections_do_what_they_can_and_name_the_rest(lab: Lab):
    service, other = make_service(lab, AcceptanceRequired=True), make_service(lab, AcceptanceRequired=True)
    mine, foreign = make_endpoint(lab, service)["VpcEndpointId"], make_endpoint(lab, other)["VpcEndpointId"]
    missing = "vpce-00000000000000000"
    failed = answer(lab, "Accept", service, foreign, mine, missing, mine)
    assert [(one["ResourceId"], one["Error"]["Code"]) for one in failed] == [
        (foreign, "InvalidVpcEndpointId.NotFound"),
        (missing, "InvalidVpcEndpointId.NotFound"),
    ]
    assert (state_of(lab, mine), state_of(lab, foreign)) == ("pending", "pendingAcceptance")
    with refused("MissingParameter", "VpcEndpointIds"):
        answer(lab, "Accept", service)


def test_a_permission_taken_back_hides_the_service_and_leaves_connections_as_they_are(lab: Lab):
    service = make_service(lab)
    endpoint = make_endpoint(lab, service)["VpcEndpointId"]
    available(lab, endpoint)
    lab.provider.ec2(
        "ModifyVpcEndpointServicePermissions",
        ServiceId=service["ServiceId"],
        RemoveAllowedPrincipals=[f"arn:aws:iam::{CONSUMER}:root"],
    )
    assert service["ServiceName"] not in lab.consumer.ec2("DescribeVpcEndpointServices")["ServiceNames"]
    with refused("InvalidServiceName"):
        make_endpoint(lab, service)
    assert state_of(lab, endpoint) == "available"


def test_a_permitted_role_connects_and_the_rest_of_its_account_does_not(lab: Lab):
    role = f"arn:aws:iam::{CONSUMER}:role/network"
    service = make_service(lab, allow=role)
    describe, name = ACTIONS["ec2", "DescribeVpcEndpointServices"], service["ServiceName"]
    assert name not in lab.consumer.ec2("DescribeVpcEndpointServices")["ServiceNames"]
    as_role = replace(lab.consumer.context(), role=role)
    assert name in describe(as_role, {})["ServiceNames"]
    other = replace(lab.consumer.context(), role=f"arn:aws:iam::{CONSUMER}:role/other")
    assert name not in describe(other, {})["ServiceNames"]
    asked = {
        "VpcEndpointType": "GatewayLoadBalancer",
        "ServiceName": name,
        "VpcId": lab.vpc,
        "SubnetIds": [lab.subnet],
    }
    with refused("InvalidServiceName"):
        ACTIONS["ec2", "CreateVpcEndpoint"](other, asked)
    assert ACTIONS["ec2", "CreateVpcEndpoint"](as_role, asked)["VpcEndpoint"]["State"] == "pending"


@pytest.mark.parametrize(
    ("principal", "kind"),
    [
        (f"arn:aws:iam::{CONSUMER}:root", "Account"),
        (f"arn:aws:iam::{CONSUMER}:user/path/me", "User"),
        (f"arn:aws:iam::{CONSUMER}:role/network", "Role"),
        ("*", "All"),
    ],
)
def test_principals_are_kept_by_their_kind_and_found_by_every_filter(lab: Lab, principal: str, kind: str):
    service = make_service(lab, allow=principal)["ServiceId"]
    describe = "DescribeVpcEndpointServicePermissions"
    for name, value in (("principal", principal), ("principal-type", kind), ("permission-type", "vpc-endpoint")):
        filters = [{"Name": name, "Values": [value.replace("*", "\\*")]}]
        (shown,) = lab.provider.ec2(describe, ServiceId=service, Filters=filters)["AllowedPrincipals"]
        assert (shown["Principal"], shown["PrincipalType"]) == (principal, kind)
    again = lab.provider.ec2("ModifyVpcEndpointServicePermissions", ServiceId=service, AddAllowedPrincipals=[principal])
    assert again["AddedPrincipals"] == [], "who is permitted already is not added"


def test_connections_are_found_by_every_filter(lab: Lab):
    service, other = make_service(lab), make_service(lab)
    endpoint = make_endpoint(lab, service)["VpcEndpointId"]
    make_endpoint(lab, other)
    find = "DescribeVpcEndpointConnections"
    for name, value, count in (
        ("service-id", service["ServiceId"], 1),
        ("vpc-endpoint-id", endpoint, 1),
        ("vpc-endpoint-owner", CONSUMER, 2),
        ("vpc-endpoint-owner", lab.provider.account, 0),
        ("vpc-endpoint-state", "pending", 2),
        ("vpc-endpoint-region", "ap-northeast-2", 2),
        ("ip-address-type", "ipv4", 2),
        ("ip-address-type", "dualstack", 0),
        ("transit-gateway-attachment-id", "tgw-attach-1", 0),
    ):
        filters = [{"Name": name, "Values": [value]}]
        assert len(lab.provider.ec2(find, Filters=filters)["VpcEndpointConnections"]) == count, (name, value)
    with refused("InvalidParameterValue", "colour"):
        lab.provider.ec2(find, Filters=[{"Name": "colour", "Values": ["red"]}])


def test_two_load_balancers_of_one_service_share_the_zones_and_an_endpoint_has_one_of_them(lab: Lab):
    _, subnets = vpc_with_subnets(lab.provider, "10.3", "b", "c")
    made = lab.provider.elbv2("CreateLoadBalancer", Name="second", Type="gateway", Subnets=subnets)
    second = made["LoadBalancers"][0]["LoadBalancerArn"]
    service = make_service(lab)
    change = {"ServiceId": service["ServiceId"]}
    modify = "ModifyVpcEndpointServiceConfiguration"
    lab.provider.ec2(modify, AddGatewayLoadBalancerArns=[second], **change)
    in_a = make_endpoint(lab, service)["VpcEndpointId"]
    in_c = make_endpoint(lab, service, SubnetIds=[lab.subnet_c])["VpcEndpointId"]
    shown = lab.provider.ec2("DescribeVpcEndpointConnections")["VpcEndpointConnections"]
    serving = {one["VpcEndpointId"]: one["GatewayLoadBalancerArns"] for one in shown}
    assert serving == {in_a: [lab.load_balancer], in_c: [second]}
    with refused("ResourceInUse", in_c):
        lab.provider.ec2(modify, RemoveGatewayLoadBalancerArns=[second], **change)
    answer(lab, "Reject", service, in_c)
    lab.provider.ec2(modify, RemoveGatewayLoadBalancerArns=[second], **change)
    with refused("InvalidParameter", "not part of the service"):
        lab.provider.ec2(modify, RemoveGatewayLoadBalancerArns=[second], **change)


def test_an_address_type_that_endpoints_use_is_not_taken_away(lab: Lab):
    service = make_service(lab)
    endpoint = make_endpoint(lab, service)["VpcEndpointId"]
    with refused("InvalidParameter", "ipv6"):
        lab.provider.ec2(
            "ModifyVpcEndpointServiceConfiguration",
            ServiceId=service["ServiceId"],
            AddSupportedIpAddressTypes=["ipv6"],
            RemoveSupportedIpAddressTypes=["ipv4"],
        )
    lab.consumer.put(replace(stored(lab.consumer, endpoint), state="rejected"))
    with refused("InvalidParameter", "At least one IP address type"):
        lab.provider.ec2(
            "ModifyVpcEndpointServiceConfiguration",
            ServiceId=service["ServiceId"],
            RemoveSupportedIpAddressTypes=["ipv4"],
        )


def test_deleting_an_endpoint_takes_its_interface_once_its_links_are_gone(lab: Lab):
    endpoint = make_endpoint(lab, make_service(lab))["VpcEndpointId"]
    interface = stored(lab.consumer, endpoint).network_interface
    lab.consumer.ec2("DeleteVpcEndpoints", VpcEndpointIds=[endpoint])
    assert status.after_build(lab.consumer.store.snapshot(), built={endpoint}, errors={}).delete == []
    gone = status.after_build(lab.consumer.store.snapshot(), built=set(), errors={}).delete
    assert gone == [(VpcEndpoint, endpoint), (NetworkInterface, interface)]
    with refused("AuthFailure"):
        lab.consumer.ec2("DeleteNetworkInterface", NetworkInterfaceId=interface)


def test_what_terraforms_provider_sends_and_reads_about_an_endpoint_is_answered(lab: Lab):
    """wire-api.md: PrivateDnsEnabled=false and a token on create, prefix lists by name and the endpoint's interfaces on read."""
    service = make_service(lab)
    endpoint = make_endpoint(lab, service, PrivateDnsEnabled=False, ClientToken="terraform-1")
    lists = [{"Name": "prefix-list-name", "Values": [service["ServiceName"]]}]
    assert lab.consumer.ec2("DescribePrefixLists", Filters=lists)["PrefixLists"] == []
    (interface,) = lab.consumer.ec2("DescribeNetworkInterfaces", NetworkInterfaceIds=endpoint["NetworkInterfaceIds"])[
        "NetworkInterfaces"
    ]
    assert (interface["RequesterManaged"], interface["SubnetId"]) == (True, lab.subnet)
    by_description = [{"Name": "description", "Values": [f"VPC Endpoint Interface {endpoint['VpcEndpointId']}"]}]
    assert len(lab.consumer.ec2("DescribeNetworkInterfaces", Filters=by_description)["NetworkInterfaces"]) == 1


def test_notifications_payers_and_domains_are_refused_by_name_and_described_as_none(lab: Lab):
    service = make_service(lab)["ServiceId"]
    topic = {"ConnectionNotificationArn": "arn:aws:sns:ap-northeast-2:111111111111:t", "ConnectionEvents": ["Accept"]}
    create = "CreateVpcEndpointConnectionNotification"
    with refused("UnsupportedOperation", "SNS"):
        lab.provider.ec2(create, ServiceId=service, **topic)
    with refused("InvalidVpcEndpointServiceId.NotFound"):
        lab.consumer.ec2(create, ServiceId=service, **topic)
    with refused("InvalidParameter", "Exactly one"):
        lab.provider.ec2(create, **topic)
    describe = "DescribeVpcEndpointConnectionNotifications"
    assert lab.provider.ec2(describe) == {"ConnectionNotificationSet": []}
    missing = "vpce-nfn-00000000000000000"
    with refused("InvalidConnectionNotification.NotFound"):
        lab.provider.ec2(describe, ConnectionNotificationId=missing)
    with refused("InvalidConnectionNotification.NotFound"):
        lab.provider.ec2("ModifyVpcEndpointConnectionNotification", ConnectionNotificationId=missing)
    (failure,) = lab.provider.ec2("DeleteVpcEndpointConnectionNotifications", ConnectionNotificationIds=[missing])[
        "Unsuccessful"
    ]
    assert failure["ResourceId"] == missing
    with refused("UnsupportedOperation", "billed"):
        lab.provider.ec2(
            "ModifyVpcEndpointServicePayerResponsibility", ServiceId=service, PayerResponsibility="ServiceOwner"
        )
    with refused("UnsupportedOperation", "verify"):
        lab.provider.ec2("StartVpcEndpointServicePrivateDnsVerification", ServiceId=service)
    assert lab.consumer.ec2("DescribeVpcEndpointAssociations") == {"VpcEndpointAssociations": []}
    with refused("InvalidVpcEndpointId.NotFound"):
        lab.consumer.ec2("DescribeVpcEndpointAssociations", VpcEndpointIds=["vpce-00000000000000000"])


def test_an_endpoint_whose_service_is_gone_is_still_shown_and_takes_no_other_address_type(lab: Lab):
    service = make_service(lab)
    endpoint = make_endpoint(lab, service)["VpcEndpointId"]
    answer(lab, "Reject", service, endpoint)
    lab.provider.ec2("DeleteVpcEndpointServiceConfigurations", ServiceIds=[service["ServiceId"]])
    assert state_of(lab, endpoint) == "rejected"
    with refused("InvalidServiceName"):
        lab.consumer.ec2("ModifyVpcEndpoint", VpcEndpointId=endpoint, IpAddressType="dualstack")
