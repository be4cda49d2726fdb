"""Route tables and routes: AWS's rules about which route may stand where (facts 5.2 and 5.3)."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest
from api_harness import Api, refused
from api_lab import APP, ENDPOINT, Lab

from opengwlb.model.account import ClientToken
from opengwlb.model.compute import InstanceState
from opengwlb.model.privatelink import VpcEndpoint
from opengwlb.policy import routing


def test_an_endpoint_is_shown_as_a_gateway(lab: Lab):
    lab.route("0.0.0.0/0", VpcEndpointId=lab.endpoint)
    assert lab.routes()["0.0.0.0/0"] == {
        "DestinationCidrBlock": "0.0.0.0/0",
        "GatewayId": lab.endpoint,
        "Origin": "CreateRoute",
        "State": "active",
    }


def test_an_endpoint_may_be_named_as_a_gateway(lab: Lab):
    lab.route("0.0.0.0/0", GatewayId=lab.endpoint)
    found = lab.api.ec2("DescribeRouteTables", Filters=[{"Name": "route.gateway-id", "Values": [lab.endpoint]}])
    assert [table["RouteTableId"] for table in found["RouteTables"]] == [lab.table]


def test_a_destination_loses_its_host_bits_and_stands_once(lab: Lab):
    lab.route("100.68.0.18/18", GatewayId=lab.gateway)
    assert "100.68.0.0/18" in lab.routes()
    with refused("RouteAlreadyExists", "100.68.0.0/18"):
        lab.route("100.68.0.0/18", GatewayId=lab.gateway)
    lab.api.ec2("DeleteRoute", RouteTableId=lab.table, DestinationCidrBlock="100.68.0.5/18")
    assert "100.68.0.0/18" not in lab.routes()


def test_the_vpcs_own_block_exists_already(lab: Lab):
    with refused("RouteAlreadyExists"):
        lab.route("10.0.0.0/16", VpcEndpointId=lab.endpoint)


def test_more_specific_than_local_takes_a_whole_subnet_and_a_middlebox(lab: Lab):
    lab.route(APP, VpcEndpointId=lab.endpoint)
    with refused("InvalidParameterValue", "entire CIDR block of a subnet"):
        lab.route("10.0.0.32/29", VpcEndpointId=lab.endpoint)
    with refused("InvalidParameterValue", "more specific"):
        lab.route(ENDPOINT, GatewayId=lab.gateway)
    lab.route(ENDPOINT, NetworkInterfaceId=lab.interface())


def test_reserved_link_local_destinations_are_refused(lab: Lab):
    with refused("InvalidParameterValue", "169.254.168.0/22"):
        lab.route("169.254.169.254/32", GatewayId=lab.gateway)


def test_exactly_one_target_is_named(lab: Lab):
    with refused("MissingParameter"):
        lab.route("0.0.0.0/0")
    with refused("InvalidParameterCombination"):
        lab.route("0.0.0.0/0", GatewayId=lab.gateway, VpcEndpointId=lab.endpoint)


@pytest.mark.parametrize(
    ("member", "target"),
    [("NatGatewayId", "nat-1"), ("TransitGatewayId", "tgw-1"), ("VpcPeeringConnectionId", "pcx-1")],
)
def test_targets_that_do_not_exist_here_are_refused_by_name(lab: Lab, member: str, target: str):
    with refused("UnsupportedOperation", member):
        lab.route("0.0.0.0/0", **{member: target})


def test_a_route_has_one_destination_and_prefix_lists_are_refused_by_name(lab: Lab):
    with refused("InvalidParameterCombination", "destinationIpv6CidrBlock"):
        lab.route("0.0.0.0/0", DestinationIpv6CidrBlock="::/0", GatewayId=lab.gateway)
    with refused("UnsupportedOperation", "DestinationPrefixListId"):
        lab.api.ec2("CreateRoute", RouteTableId=lab.table, DestinationPrefixListId="pl-1", GatewayId=lab.gateway)
    with refused("MissingParameter", "destinationCidrBlock"):
        lab.api.ec2("CreateRoute", RouteTableId=lab.table, GatewayId=lab.gateway)


def test_targets_of_another_network_are_refused(lab: Lab):
    with refused("InvalidGatewayID.NotFound"):
        lab.route("0.0.0.0/0", GatewayId="igw-0123456789abcdef0")
    with refused("InvalidVpcEndpointId.NotFound"):
        lab.route("0.0.0.0/0", VpcEndpointId="vpce-0123456789abcdef0")
    other = lab.api.ec2("CreateInternetGateway")["InternetGateway"]["InternetGatewayId"]
    with refused("InvalidParameterValue", "belong to different networks"):
        lab.route("0.0.0.0/0", GatewayId=other)


def test_an_instance_stands_for_its_only_interface(lab: Lab):
    instance = lab.instance()
    lab.route("0.0.0.0/0", InstanceId=instance.id)
    shown = lab.routes()["0.0.0.0/0"]
    assert shown["NetworkInterfaceId"] == instance.network_interfaces[0]
    assert (shown["InstanceId"], shown["State"]) == (instance.id, "active")
    lab.api.put(replace(instance, state=InstanceState.STOPPED))
    assert lab.routes()["0.0.0.0/0"]["State"] == "blackhole"


def test_a_route_is_a_blackhole_as_soon_as_its_target_is_gone(lab: Lab):
    interface = lab.interface()
    lab.route("0.0.0.0/0", GatewayId=lab.gateway)
    lab.route("192.0.2.0/24", NetworkInterfaceId=interface)
    lab.route(APP, VpcEndpointId=lab.endpoint)
    lab.api.ec2("DetachInternetGateway", InternetGatewayId=lab.gateway, VpcId=lab.vpc)
    lab.api.ec2("DeleteNetworkInterface", NetworkInterfaceId=interface)
    lab.api.store.transact(lambda tx: tx.delete(VpcEndpoint, lab.endpoint))
    assert {destination: route["State"] for destination, route in lab.routes().items()} == {
        "10.0.0.0/16": "active",
        "0.0.0.0/0": "blackhole",
        "192.0.2.0/24": "blackhole",
        APP: "blackhole",
    }
    found = lab.api.ec2("DescribeRouteTables", Filters=[{"Name": "route.state", "Values": ["blackhole"]}])
    assert len(found["RouteTables"]) == 1


def test_the_local_route_is_pointed_elsewhere_and_back(lab: Lab):
    local = {"RouteTableId": lab.table, "DestinationCidrBlock": "10.0.0.0/16"}
    lab.api.ec2("ReplaceRoute", **local, VpcEndpointId=lab.endpoint)
    assert lab.routes()["10.0.0.0/16"]["GatewayId"] == lab.endpoint
    with refused("InvalidParameterValue"):
        lab.api.ec2("ReplaceRoute", **local, GatewayId=lab.gateway)
    with refused("InvalidParameterValue", "cannot remove local route"):
        lab.api.ec2("DeleteRoute", **local)
    lab.api.ec2("ReplaceRoute", **local, LocalTarget=True)
    assert lab.routes()["10.0.0.0/16"]["GatewayId"] == "local"
    assert lab.routes()["10.0.0.0/16"]["Origin"] == "CreateRouteTable"


def test_replacing_and_deleting_need_a_route_that_is_there(lab: Lab):
    missing = {"RouteTableId": lab.table, "DestinationCidrBlock": "192.0.2.0/24"}
    with refused("InvalidParameterValue", "There is no route defined for '192.0.2.0/24'", "Use CreateRoute instead"):
        lab.api.ec2("ReplaceRoute", **missing, GatewayId=lab.gateway)
    with refused("InvalidRoute.NotFound", "192.0.2.0/24", lab.table):
        lab.api.ec2("DeleteRoute", **missing)
    lab.route("192.0.2.0/24", GatewayId=lab.gateway)
    with refused("InvalidParameterValue", "not the local route"):
        lab.api.ec2("ReplaceRoute", **missing, LocalTarget=True)


def test_a_subnet_has_one_table_and_asking_again_answers_the_same(lab: Lab):
    first = lab.api.ec2("AssociateRouteTable", RouteTableId=lab.table, SubnetId=lab.app)["AssociationId"]
    assert lab.api.ec2("AssociateRouteTable", RouteTableId=lab.table, SubnetId=lab.app)["AssociationId"] == first
    with refused("Resource.AlreadyAssociated"):
        lab.api.ec2("AssociateRouteTable", RouteTableId=lab.new_table(), SubnetId=lab.app)
    with refused("DependencyViolation", f"The routeTable '{lab.table}' has dependencies"):
        lab.api.ec2("DeleteRouteTable", RouteTableId=lab.table)
    lab.api.ec2("DisassociateRouteTable", AssociationId=first)
    lab.api.ec2("DeleteRouteTable", RouteTableId=lab.table)


def test_the_edge_table_of_the_tutorial_is_accepted(lab: Lab):
    lab.route(APP, VpcEndpointId=lab.endpoint)
    made = lab.api.ec2("AssociateRouteTable", RouteTableId=lab.table, GatewayId=lab.gateway)
    assert made["AssociationState"] == {"State": "associated"}
    found = lab.api.ec2("DescribeRouteTables", Filters=[{"Name": "association.gateway-id", "Values": [lab.gateway]}])
    assert [table["RouteTableId"] for table in found["RouteTables"]] == [lab.table]


def test_a_table_with_a_route_that_no_edge_takes_is_not_associated(lab: Lab):
    lab.route("0.0.0.0/0", GatewayId=lab.gateway)
    with refused("RouteNotSupported", lab.gateway):
        lab.api.ec2("AssociateRouteTable", RouteTableId=lab.table, GatewayId=lab.gateway)
    lab.api.ec2("ReplaceRoute", RouteTableId=lab.table, DestinationCidrBlock="0.0.0.0/0", VpcEndpointId=lab.endpoint)
    with refused("RouteNotSupported", "0.0.0.0/0"):
        lab.api.ec2("AssociateRouteTable", RouteTableId=lab.table, GatewayId=lab.gateway)


def test_an_edge_table_keeps_to_its_rules_afterwards(lab: Lab):
    lab.api.ec2("AssociateRouteTable", RouteTableId=lab.table, GatewayId=lab.gateway)
    with refused("RouteNotSupported"):
        lab.route("192.0.2.0/24", VpcEndpointId=lab.endpoint)
    with refused("RouteNotSupported", "running instance"):
        lab.route(APP, NetworkInterfaceId=lab.interface())
    with refused("InvalidParameterValue", "main"):
        main = lab.api.ec2(
            "DescribeRouteTables",
            Filters=[{"Name": "association.main", "Values": ["true"]}, {"Name": "vpc-id", "Values": [lab.vpc]}],
        )["RouteTables"][0]["Associations"][0]["RouteTableAssociationId"]
        lab.api.ec2("ReplaceRouteTableAssociation", AssociationId=main, RouteTableId=lab.table)


def test_an_edge_leads_to_a_running_instance_with_a_public_address(lab: Lab):
    lab.api.ec2("AssociateRouteTable", RouteTableId=lab.table, GatewayId=lab.gateway)
    instance = lab.instance()
    with refused("RouteNotSupported", "public IPv4 address"):
        lab.route(APP, InstanceId=instance.id)
    allocation = lab.api.ec2("AllocateAddress")["AllocationId"]
    lab.api.ec2("AssociateAddress", AllocationId=allocation, InstanceId=instance.id)
    lab.route(APP, InstanceId=instance.id)


def test_an_edge_association_needs_the_gateway_at_this_vpc(lab: Lab):
    other = lab.api.ec2("CreateInternetGateway")["InternetGateway"]["InternetGatewayId"]
    with refused("Gateway.NotAttached"):
        lab.api.ec2("AssociateRouteTable", RouteTableId=lab.table, GatewayId=other)
    with refused("InvalidParameterCombination"):
        lab.api.ec2("AssociateRouteTable", RouteTableId=lab.table, GatewayId=lab.gateway, SubnetId=lab.app)


def test_another_table_becomes_the_main_one(lab: Lab):
    main = [{"Name": "association.main", "Values": ["true"]}, {"Name": "vpc-id", "Values": [lab.vpc]}]
    (old,) = lab.api.ec2("DescribeRouteTables", Filters=main)["RouteTables"]
    association = old["Associations"][0]["RouteTableAssociationId"]
    with refused("InvalidParameterValue", "main"):
        lab.api.ec2("DisassociateRouteTable", AssociationId=association)
    answer = lab.api.ec2("ReplaceRouteTableAssociation", AssociationId=association, RouteTableId=lab.table)
    assert answer["NewAssociationId"] != association
    (new,) = lab.api.ec2("DescribeRouteTables", Filters=main)["RouteTables"]
    assert new["RouteTableId"] == lab.table
    lab.api.ec2("DeleteRouteTable", RouteTableId=old["RouteTableId"])
    with refused("InvalidAssociationID.NotFound"):
        lab.api.ec2("ReplaceRouteTableAssociation", AssociationId=association, RouteTableId=lab.table)


def test_replacing_an_association_by_the_same_table_keeps_one(lab: Lab):
    first = lab.api.ec2("AssociateRouteTable", RouteTableId=lab.table, SubnetId=lab.app)["AssociationId"]
    again = lab.api.ec2("ReplaceRouteTableAssociation", AssociationId=first, RouteTableId=lab.table)
    (shown,) = lab.api.ec2("DescribeRouteTables", RouteTableIds=[lab.table])["RouteTables"]
    assert [each["RouteTableAssociationId"] for each in shown["Associations"]] == [again["NewAssociationId"]]


def test_an_edge_is_not_moved_to_a_table_that_breaks_its_rules(lab: Lab):
    made = lab.api.ec2("AssociateRouteTable", RouteTableId=lab.table, GatewayId=lab.gateway)["AssociationId"]
    other = lab.new_table()
    lab.api.ec2("CreateRoute", RouteTableId=other, DestinationCidrBlock="0.0.0.0/0", GatewayId=lab.gateway)
    with refused("RouteNotSupported", lab.gateway):
        lab.api.ec2("ReplaceRouteTableAssociation", AssociationId=made, RouteTableId=other)
    lab.api.ec2("DeleteRoute", RouteTableId=other, DestinationCidrBlock="0.0.0.0/0")
    lab.api.ec2("ReplaceRouteTableAssociation", AssociationId=made, RouteTableId=other)
    lab.api.ec2("DeleteRouteTable", RouteTableId=lab.table)


def test_a_vpc_takes_its_new_main_table_along_when_it_goes(api: Api):
    vpc = api.ec2("CreateVpc", CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    mine = [{"Name": "vpc-id", "Values": [vpc]}]
    (old,) = api.ec2("DescribeRouteTables", Filters=mine)["RouteTables"]
    new = api.ec2("CreateRouteTable", VpcId=vpc)["RouteTable"]["RouteTableId"]
    association = old["Associations"][0]["RouteTableAssociationId"]
    api.ec2("ReplaceRouteTableAssociation", AssociationId=association, RouteTableId=new)
    with refused("DependencyViolation"):
        api.ec2("DeleteVpc", VpcId=vpc)
    api.ec2("DeleteRouteTable", RouteTableId=old["RouteTableId"])
    api.ec2("DeleteVpc", VpcId=vpc)
    assert api.ec2("DescribeRouteTables", Filters=mine)["RouteTables"] == []


def test_a_detached_gateway_takes_its_edge_association_along(lab: Lab):
    lab.api.ec2("AssociateRouteTable", RouteTableId=lab.table, GatewayId=lab.gateway)
    lab.api.ec2("DetachInternetGateway", InternetGatewayId=lab.gateway, VpcId=lab.vpc)
    (shown,) = lab.api.ec2("DescribeRouteTables", RouteTableIds=[lab.table])["RouteTables"]
    assert shown["Associations"] == []


def test_the_same_token_makes_one_route_table(lab: Lab):
    first = lab.api.ec2("CreateRouteTable", VpcId=lab.vpc, ClientToken="once")
    again = lab.api.ec2("CreateRouteTable", VpcId=lab.vpc, ClientToken="once")
    assert first["RouteTable"]["RouteTableId"] == again["RouteTable"]["RouteTableId"]
    assert lab.new_table() != first["RouteTable"]["RouteTableId"]
    tags = [{"ResourceType": "route-table", "Tags": [{"Key": "a", "Value": "b"}]}]
    with refused("IdempotentParameterMismatch"):
        lab.api.ec2("CreateRouteTable", VpcId=lab.vpc, ClientToken="once", TagSpecifications=tags)


def test_a_token_is_forgotten_after_a_day(lab: Lab):
    first = lab.api.ec2("CreateRouteTable", VpcId=lab.vpc, ClientToken="once")["RouteTable"]
    lab.api.ec2("CreateRouteTable", VpcId=lab.vpc, ClientToken="never again")
    tomorrow = replace(lab.api, now=lab.api.now + 24 * 3600.0)
    second = tomorrow.ec2("CreateRouteTable", VpcId=lab.vpc, ClientToken="once")["RouteTable"]
    assert second["RouteTableId"] != first["RouteTableId"]
    kept = [token.id for token in lab.api.store.snapshot().values(ClientToken) if "CreateRouteTable" in token.id]
    assert [each.rsplit("/", 1)[-1] for each in kept] == ["once"]
    # What is remembered for good stays: the default VPC is not made again.
    assert len(tomorrow.ec2("DescribeVpcs", Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]) == 1


def loops(lab: Lab) -> list[tuple[str, str, str]]:
    found = routing.loops(lab.api.store.snapshot())
    return [(loop.route_table, loop.destination, loop.endpoint) for loop in found]


def test_an_endpoint_in_the_subnet_that_routes_to_it_is_taken_but_named_as_a_loop(lab: Lab, caplog):
    inside = lab.make_endpoint(lab.app)
    lab.api.ec2("AssociateRouteTable", RouteTableId=lab.table, SubnetId=lab.app)
    with caplog.at_level(logging.WARNING):
        lab.route("0.0.0.0/0", VpcEndpointId=inside)
    assert loops(lab) == [(lab.table, "0.0.0.0/0", inside)]
    assert inside in caplog.text
    assert lab.table in caplog.text


def test_an_endpoint_in_a_subnet_of_its_own_is_no_loop(lab: Lab):
    lab.api.ec2("AssociateRouteTable", RouteTableId=lab.table, SubnetId=lab.app)
    lab.route("0.0.0.0/0", VpcEndpointId=lab.endpoint)
    onward = lab.new_table()
    lab.api.ec2("AssociateRouteTable", RouteTableId=onward, SubnetId=lab.endpoint_subnet)
    lab.api.ec2("CreateRoute", RouteTableId=onward, DestinationCidrBlock="0.0.0.0/0", GatewayId=lab.gateway)
    assert loops(lab) == []


def test_the_main_table_counts_for_a_subnet_without_one(lab: Lab):
    (main,) = lab.api.ec2(
        "DescribeRouteTables",
        Filters=[{"Name": "association.main", "Values": ["true"]}, {"Name": "vpc-id", "Values": [lab.vpc]}],
    )["RouteTables"]
    lab.api.ec2(
        "CreateRoute", RouteTableId=main["RouteTableId"], DestinationCidrBlock="0.0.0.0/0", VpcEndpointId=lab.endpoint
    )
    assert loops(lab) == [(main["RouteTableId"], "0.0.0.0/0", lab.endpoint)]


def test_a_route_to_the_endpoints_own_subnet_is_no_loop_for_what_lives_there(lab: Lab):
    lab.api.ec2("AssociateRouteTable", RouteTableId=lab.table, SubnetId=lab.endpoint_subnet)
    lab.route(ENDPOINT, VpcEndpointId=lab.endpoint)
    assert loops(lab) == []


def test_two_endpoints_that_send_to_each_other_are_a_ring_and_a_row_is_none(lab: Lab):
    second = lab.make_endpoint(lab.app)
    lab.api.ec2("AssociateRouteTable", RouteTableId=lab.table, SubnetId=lab.app)
    other = lab.new_table()
    lab.api.ec2("AssociateRouteTable", RouteTableId=other, SubnetId=lab.endpoint_subnet)
    lab.api.ec2("CreateRoute", RouteTableId=other, DestinationCidrBlock="0.0.0.0/0", VpcEndpointId=second)
    assert loops(lab) == []
    lab.route("0.0.0.0/0", VpcEndpointId=lab.endpoint)
    assert sorted(loops(lab)) == sorted([(lab.table, "0.0.0.0/0", second), (other, "0.0.0.0/0", lab.endpoint)])


def test_a_more_specific_route_onward_does_not_end_the_loop_of_the_rest(lab: Lab):
    lab.api.ec2("AssociateRouteTable", RouteTableId=lab.table, SubnetId=lab.endpoint_subnet)
    lab.route("0.0.0.0/0", VpcEndpointId=lab.endpoint)
    lab.route("192.0.2.0/24", GatewayId=lab.gateway)
    assert loops(lab) == [(lab.table, "0.0.0.0/0", lab.endpoint)]


def test_a_specific_route_back_is_a_loop_although_the_rest_goes_onward(lab: Lab):
    lab.api.ec2("AssociateRouteTable", RouteTableId=lab.table, SubnetId=lab.endpoint_subnet)
    lab.route("0.0.0.0/0", GatewayId=lab.gateway)
    lab.route("192.0.2.0/24", VpcEndpointId=lab.endpoint)
    assert loops(lab) == [(lab.table, "192.0.2.0/24", lab.endpoint)]
