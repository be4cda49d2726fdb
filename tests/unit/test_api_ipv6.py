"""IPv6 through the API: blocks, addresses, routes, load balancers, services and endpoints."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Network
from typing import Any

import pytest
from api_harness import Api, refused

from opengwlb.model.privatelink import VpcEndpoint
from opengwlb.policy import addressing, network, plane, routing


def cidr(api: Api, vpc: str) -> str:
    (shown,) = api.ec2("DescribeVpcs", VpcIds=[vpc])["Vpcs"]
    (association,) = shown["Ipv6CidrBlockAssociationSet"]
    return association["Ipv6CidrBlock"]


def nth(block: str, number: int) -> str:
    return str(list(IPv6Network(block).subnets(new_prefix=64))[number])


@dataclass(frozen=True)
class Site:
    """A VPC with IPv6, two subnets with a /64 each, a gateway and a route table."""

    api: Api
    vpc: str
    block: str
    app: str
    other: str
    gateway: str
    table: str

    def subnet(self, subnet: str) -> dict[str, Any]:
        return self.api.ec2("DescribeSubnets", SubnetIds=[subnet])["Subnets"][0]

    def routes(self) -> dict[str, dict[str, Any]]:
        (shown,) = self.api.ec2("DescribeRouteTables", RouteTableIds=[self.table])["RouteTables"]
        return {route["DestinationIpv6CidrBlock"]: route for route in shown["Routes"] if _is6(route)}

    def route(self, destination: str, **target: Any) -> None:
        self.api.ec2("CreateRoute", RouteTableId=self.table, DestinationIpv6CidrBlock=destination, **target)

    def interface(self, **more: Any) -> dict[str, Any]:
        return self.api.ec2("CreateNetworkInterface", SubnetId=self.app, **more)["NetworkInterface"]


def _is6(route: dict[str, Any]) -> bool:
    return "DestinationIpv6CidrBlock" in route


@pytest.fixture
def site(api: Api) -> Site:
    vpc = api.ec2("CreateVpc", CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]["VpcId"]
    block = cidr(api, vpc)
    subnets = [
        api.ec2("CreateSubnet", VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", Ipv6CidrBlock=nth(block, n))["Subnet"][
            "SubnetId"
        ]
        for n in (1, 2)
    ]
    gateway = api.ec2("CreateInternetGateway")["InternetGateway"]["InternetGatewayId"]
    api.ec2("AttachInternetGateway", InternetGatewayId=gateway, VpcId=vpc)
    table = api.ec2("CreateRouteTable", VpcId=vpc)["RouteTable"]["RouteTableId"]
    return Site(api, vpc, block, *subnets, gateway, table)


def addresses(interface: dict[str, Any]) -> list[str]:
    return [each["Ipv6Address"] for each in interface["Ipv6Addresses"]]


# Blocks of VPCs


def test_every_vpc_of_every_account_has_a_block_of_its_own(api: Api):
    made = [
        caller.ec2("CreateVpc", CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]
        for caller in (api, api, api.of("222222222222"))
    ]
    blocks = [IPv6Network(vpc["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]) for vpc in made]
    assert len(set(blocks)) == 3
    assert all(block.prefixlen == 56 and block.subnet_of(addressing.IPV6_POOL) for block in blocks)


def test_a_block_of_ones_own_or_of_a_pool_is_refused_by_name(api: Api):
    with refused("UnsupportedOperation", "Ipv6CidrBlock"):
        api.ec2("CreateVpc", CidrBlock="10.0.0.0/16", Ipv6CidrBlock="fd00::/56", Ipv6Pool="ipv6pool-ec2-1")


def test_a_block_comes_to_a_vpc_with_its_local_route_and_goes_with_it(api: Api):
    vpc = api.ec2("CreateVpc", CidrBlock="10.0.0.0/16")["Vpc"]
    assert vpc["Ipv6CidrBlockAssociationSet"] == []
    answer = api.ec2("AssociateVpcCidrBlock", VpcId=vpc["VpcId"], AmazonProvidedIpv6CidrBlock=True)
    association = answer["Ipv6CidrBlockAssociation"]
    block = association["Ipv6CidrBlock"]
    new = api.ec2("CreateRouteTable", VpcId=vpc["VpcId"])["RouteTable"]
    tables = api.ec2("DescribeRouteTables", Filters=[{"Name": "route.destination-ipv6-cidr-block", "Values": [block]}])
    assert len(tables["RouteTables"]) == 2 and new["RouteTableId"] in str(tables)
    for table in tables["RouteTables"]:
        (local,) = [route for route in table["Routes"] if _is6(route)]
        assert (local["GatewayId"], local["State"], local["Origin"]) == ("local", "active", "CreateRouteTable")
    gone = api.ec2("DisassociateVpcCidrBlock", AssociationId=association["AssociationId"])
    assert gone["Ipv6CidrBlockAssociation"]["Ipv6CidrBlockState"] == {"State": "disassociating"}
    assert api.ec2("DescribeVpcs", VpcIds=[vpc["VpcId"]])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"] == []
    left = api.ec2("DescribeRouteTables", RouteTableIds=[new["RouteTableId"]])["RouteTables"][0]["Routes"]
    assert [route for route in left if _is6(route)] == []


def test_what_is_no_association_or_is_needed_is_not_disassociated(site: Site):
    (vpc,) = site.api.ec2("DescribeVpcs", VpcIds=[site.vpc])["Vpcs"]
    with refused("OperationNotPermitted", "primary IPv4"):
        site.api.ec2("DisassociateVpcCidrBlock", AssociationId=vpc["CidrBlockAssociationSet"][0]["AssociationId"])
    with refused("InvalidCidrBlock.InUse", site.block):
        site.api.ec2("DisassociateVpcCidrBlock", AssociationId=vpc["Ipv6CidrBlockAssociationSet"][0]["AssociationId"])
    with refused("InvalidVpcCidrBlockAssociationID.NotFound"):
        site.api.ec2("DisassociateVpcCidrBlock", AssociationId="vpc-cidr-assoc-0123456789abcdef0")


def test_a_vpc_has_at_most_five_blocks(api: Api):
    vpc = api.ec2("CreateVpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    for _ in range(5):
        api.ec2("AssociateVpcCidrBlock", VpcId=vpc, AmazonProvidedIpv6CidrBlock=True)
    with refused("CidrLimitExceeded"):
        api.ec2("AssociateVpcCidrBlock", VpcId=vpc, AmazonProvidedIpv6CidrBlock=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [("ipv6-cidr-block", "{block}"), ("ipv6-pool", "Amazon"), ("state", "associated")],
)
def test_vpcs_are_found_by_their_blocks(site: Site, name: str, value: str):
    site.api.ec2("CreateVpc", CidrBlock="10.0.0.0/16")
    wanted = [{"Name": f"ipv6-cidr-block-association.{name}", "Values": [value.format(block=site.block)]}]
    assert [vpc["VpcId"] for vpc in site.api.ec2("DescribeVpcs", Filters=wanted)["Vpcs"]] == [site.vpc]


def test_groups_and_the_network_acl_let_ipv6_out_where_there_is_some(site: Site):
    site.api.ec2("CreateSecurityGroup", GroupName="web", Description="web", VpcId=site.vpc)
    groups = site.api.ec2("DescribeSecurityGroups", Filters=[{"Name": "vpc-id", "Values": [site.vpc]}])
    for group in groups["SecurityGroups"]:
        (out,) = group["IpPermissionsEgress"]
        assert [each["CidrIpv6"] for each in out["Ipv6Ranges"]] == ["::/0"]
    (acl,) = site.api.ec2("DescribeNetworkAcls", Filters=[{"Name": "entry.ipv6-cidr", "Values": ["::/0"]}])[
        "NetworkAcls"
    ]
    assert acl["VpcId"] == site.vpc
    numbers = {entry["RuleNumber"] for entry in acl["Entries"] if "Ipv6CidrBlock" in entry}
    assert numbers == {101, 32768}


# Blocks of subnets


def test_a_subnets_block_is_a_64_of_its_vpcs_that_no_other_has(site: Site):
    def make(block: str) -> None:
        site.api.ec2("CreateSubnet", VpcId=site.vpc, CidrBlock="10.0.9.0/24", Ipv6CidrBlock=block)

    with refused("InvalidSubnet.Range", "2001:db8:7777::/64"):
        make("2001:db8:7777::/64")
    with refused("InvalidSubnet.Range"):
        make(site.block)
    with refused("InvalidSubnet.Conflict"):
        make(nth(site.block, 1))
    with refused("InvalidParameterValue", "not a valid IPv6 CIDR block"):
        make("nonsense")


def test_a_subnets_block_comes_and_goes_unless_addresses_or_routes_need_it(site: Site):
    made = site.api.ec2("CreateSubnet", VpcId=site.vpc, CidrBlock="10.0.9.0/24")["Subnet"]
    subnet, block = made["SubnetId"], nth(site.block, 9)
    assert made["Ipv6CidrBlockAssociationSet"] == []
    answer = site.api.ec2("AssociateSubnetCidrBlock", SubnetId=subnet, Ipv6CidrBlock=block)
    association = answer["Ipv6CidrBlockAssociation"]["AssociationId"]
    assert site.subnet(subnet)["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"] == block
    with refused("SubnetCidrLimitExceeded"):
        site.api.ec2("AssociateSubnetCidrBlock", SubnetId=subnet, Ipv6CidrBlock=nth(site.block, 10))
    found = site.api.ec2(
        "DescribeSubnets", Filters=[{"Name": "ipv6-cidr-block-association.association-id", "Values": [association]}]
    )
    assert [each["SubnetId"] for each in found["Subnets"]] == [subnet]
    interface = site.api.ec2("CreateNetworkInterface", SubnetId=subnet, Ipv6AddressCount=1)["NetworkInterface"]
    with refused("InvalidCidrBlock.InUse", block):
        site.api.ec2("DisassociateSubnetCidrBlock", AssociationId=association)
    site.api.ec2("DeleteNetworkInterface", NetworkInterfaceId=interface["NetworkInterfaceId"])
    site.route(block, NetworkInterfaceId=site.interface()["NetworkInterfaceId"])
    with refused("InvalidParameterValue", site.table):
        site.api.ec2("DisassociateSubnetCidrBlock", AssociationId=association)
    site.api.ec2("DeleteRoute", RouteTableId=site.table, DestinationIpv6CidrBlock=block)
    site.api.ec2("DisassociateSubnetCidrBlock", AssociationId=association)
    assert site.subnet(subnet)["Ipv6CidrBlockAssociationSet"] == []
    with refused("InvalidSubnetCidrBlockAssociationID.NotFound"):
        site.api.ec2("DisassociateSubnetCidrBlock", AssociationId=association)


def test_a_subnet_gives_addresses_to_what_is_made_in_it_once_told_to(site: Site):
    assert addresses(site.interface()) == []
    site.api.ec2("ModifySubnetAttribute", SubnetId=site.app, AssignIpv6AddressOnCreation={"Value": True})
    assert site.subnet(site.app)["AssignIpv6AddressOnCreation"] is True
    assert len(addresses(site.interface())) == 1
    assert addresses(site.interface(Ipv6AddressCount=0)) == []
    bare = site.api.ec2("CreateSubnet", VpcId=site.vpc, CidrBlock="10.0.9.0/24")["Subnet"]["SubnetId"]
    with refused("InvalidParameterValue", "does not have an IPv6 CIDR block"):
        site.api.ec2("ModifySubnetAttribute", SubnetId=bare, AssignIpv6AddressOnCreation={"Value": True})


# Addresses


def test_addresses_are_the_lowest_free_ones_or_those_that_are_named(site: Site):
    base = nth(site.block, 1).removesuffix("/64")
    assert addresses(site.interface(Ipv6AddressCount=2)) == [f"{base}4", f"{base}5"]
    wanted = [{"Ipv6Address": f"{base}beef"}]
    assert addresses(site.interface(Ipv6Addresses=wanted)) == [f"{base}beef"]
    for address, code, words in (
        (f"{base}beef", "InvalidIPAddress.InUse", "in use"),
        (f"{base}1", "InvalidParameterValue", "reserved"),
        ("2001:db8:7777::5", "InvalidParameterValue", "range"),
        ("nonsense", "InvalidParameterValue", "Invalid IPv6 address"),
    ):
        with refused(code, words):
            site.interface(Ipv6Addresses=[{"Ipv6Address": address}])
    with refused("InvalidParameterCombination"):
        site.interface(Ipv6Addresses=[{"Ipv6Address": f"{base}9"}], Ipv6AddressCount=1)
    with refused("PrivateIpAddressLimitExceeded"):
        site.interface(Ipv6AddressCount=51)


def test_addresses_are_assigned_and_unassigned(site: Site):
    interface = site.interface()["NetworkInterfaceId"]
    added = site.api.ec2("AssignIpv6Addresses", NetworkInterfaceId=interface, Ipv6AddressCount=2)
    first, second = added["AssignedIpv6Addresses"]
    gone = site.api.ec2("UnassignIpv6Addresses", NetworkInterfaceId=interface, Ipv6Addresses=[first])
    assert gone["UnassignedIpv6Addresses"] == [first]
    wanted = [{"Name": "ipv6-addresses.ipv6-address", "Values": [second]}]
    (found,) = site.api.ec2("DescribeNetworkInterfaces", Filters=wanted)["NetworkInterfaces"]
    assert (found["NetworkInterfaceId"], addresses(found)) == (interface, [second])
    with refused("InvalidParameterValue", "not assigned"):
        site.api.ec2("UnassignIpv6Addresses", NetworkInterfaceId=interface, Ipv6Addresses=[first])
    with refused("MissingParameter"):
        site.api.ec2("AssignIpv6Addresses", NetworkInterfaceId=interface)


@pytest.mark.parametrize("nested", [False, True], ids=["instance", "interface"])
def test_an_instance_starts_with_the_addresses_asked_for(site: Site, nested: bool):
    where = {"SubnetId": site.app, "Ipv6AddressCount": 1}
    asked = {"NetworkInterfaces": [{"DeviceIndex": 0, **where}]} if nested else where
    (made,) = site.api.ec2("RunInstances", ImageId="ami-0000000000000a001", MinCount=1, MaxCount=1, **asked)[
        "Instances"
    ]
    assert made["Ipv6Address"] == addresses(made["NetworkInterfaces"][0])[0]
    wanted = [{"Name": "ipv6-address", "Values": [made["Ipv6Address"]]}]
    (found,) = site.api.ec2("DescribeInstances", Filters=wanted)["Reservations"]
    assert found["Instances"][0]["InstanceId"] == made["InstanceId"]


def test_an_instance_in_a_subnet_without_ipv6_cannot_have_it(site: Site):
    bare = site.api.ec2("CreateSubnet", VpcId=site.vpc, CidrBlock="10.0.9.0/24")["Subnet"]["SubnetId"]
    with refused("InvalidParameterValue", "does not have an IPv6 CIDR block"):
        site.api.ec2(
            "RunInstances",
            ImageId="ami-0000000000000a001",
            MinCount=1,
            MaxCount=1,
            SubnetId=bare,
            Ipv6AddressCount=1,
        )


# Routes


def test_a_route_is_made_replaced_and_deleted_by_its_ipv6_destination(site: Site):
    site.route("2001:DB8:0:0:0::/32", GatewayId=site.gateway)
    assert site.routes()["2001:db8::/32"]["GatewayId"] == site.gateway
    interface = site.interface()["NetworkInterfaceId"]
    where = {"RouteTableId": site.table, "DestinationIpv6CidrBlock": "2001:db8::/32"}
    site.api.ec2("ReplaceRoute", **where, NetworkInterfaceId=interface)
    assert site.routes()["2001:db8::/32"]["NetworkInterfaceId"] == interface
    with refused("RouteAlreadyExists"):
        site.route("2001:db8::/32", GatewayId=site.gateway)
    site.api.ec2("DeleteRoute", **where)
    with refused("InvalidRoute.NotFound", "destination-ipv6-cidr-block"):
        site.api.ec2("DeleteRoute", **where)


def test_more_specific_than_local_takes_a_whole_subnet_and_a_middlebox(site: Site):
    interface = site.interface()["NetworkInterfaceId"]
    own = nth(site.block, 2)
    with refused("InvalidParameterValue", "can target only an interface"):
        site.route(own, GatewayId=site.gateway)
    with refused("InvalidParameterValue", "entire CIDR block of a subnet"):
        site.route(nth(site.block, 7), NetworkInterfaceId=interface)
    site.route(own, NetworkInterfaceId=interface)


def test_the_local_route_is_re_targeted_reset_and_never_deleted(site: Site):
    where = {"RouteTableId": site.table, "DestinationIpv6CidrBlock": site.block}
    with refused("InvalidParameterValue", "cannot remove local route"):
        site.api.ec2("DeleteRoute", **where)
    interface = site.interface()["NetworkInterfaceId"]
    site.api.ec2("ReplaceRoute", **where, NetworkInterfaceId=interface)
    site.api.ec2("ReplaceRoute", **where, LocalTarget=True)
    assert site.routes()[site.block]["GatewayId"] == "local"


def test_an_edge_table_holds_the_vpcs_blocks_and_whole_subnets(site: Site):
    site.api.ec2("AssociateRouteTable", RouteTableId=site.table, GatewayId=site.gateway)
    endpoint = _endpoint(site)
    with refused("RouteNotSupported", "destination"):
        site.route("::/0", VpcEndpointId=endpoint)
    with refused("RouteNotSupported", "target"):
        site.route("::/0", GatewayId=site.gateway)
    site.route(nth(site.block, 1), VpcEndpointId=endpoint)
    assert site.routes()[nth(site.block, 1)]["GatewayId"] == endpoint


def _endpoint(site: Site) -> str:
    made = VpcEndpoint(
        id="vpce-0123456789abcdef0",
        account=site.api.account,
        region=site.api.region,
        service="vpce-svc-0",
        service_name="com.amazonaws.vpce.ap-northeast-2.vpce-svc-0",
        vpc=site.vpc,
        subnet=site.other,
        zone="ap-northeast-2a",
        network_interface="eni-0123456789abcdef0",
        created=site.api.now,
        load_balancer="",
        state="available",
    )
    site.api.put(made)
    return made.id


def test_a_route_that_brings_inspected_packets_back_is_found_by_its_protocol(site: Site):
    endpoint = _endpoint(site)
    site.api.ec2("AssociateRouteTable", RouteTableId=site.table, SubnetId=site.other)
    assert routing.loops(site.api.store.snapshot()) == []
    site.route("::/0", VpcEndpointId=endpoint)
    (loop,) = routing.loops(site.api.store.snapshot())
    assert (loop.destination, loop.endpoint) == ("::/0", endpoint)


# Load balancers, services, endpoints


def balancer(site: Site, *, name: str = "lb", subnet: str | None = None, kind: str = "dualstack") -> str:
    made = site.api.elbv2(
        "CreateLoadBalancer", Name=name, Type="gateway", Subnets=[subnet or site.app], IpAddressType=kind
    )["LoadBalancers"][0]
    assert made["IpAddressType"] == kind
    return str(made["LoadBalancerArn"])


def service(site: Site, arn: str, *types: str) -> dict[str, Any]:
    made: dict[str, Any] = site.api.ec2(
        "CreateVpcEndpointServiceConfiguration",
        GatewayLoadBalancerArns=[arn],
        AcceptanceRequired=False,
        SupportedIpAddressTypes=list(types),
    )["ServiceConfiguration"]
    return made


def endpoint(site: Site, name: str, *, kind: str, subnet: str | None = None) -> dict[str, Any]:
    made: dict[str, Any] = site.api.ec2(
        "CreateVpcEndpoint",
        VpcEndpointType="GatewayLoadBalancer",
        ServiceName=name,
        VpcId=site.vpc,
        SubnetIds=[subnet or site.other],
        IpAddressType=kind,
    )["VpcEndpoint"]
    return made


def test_a_dualstack_load_balancer_needs_subnets_with_ipv6(site: Site):
    bare = site.api.ec2("CreateSubnet", VpcId=site.vpc, CidrBlock="10.0.9.0/24")["Subnet"]["SubnetId"]
    with refused("InvalidSubnet", bare):
        balancer(site, subnet=bare)
    arn = balancer(site, subnet=bare, kind="ipv4")
    with refused("InvalidSubnet", bare):
        site.api.elbv2("SetIpAddressType", LoadBalancerArn=arn, IpAddressType="dualstack")
    with refused("InvalidConfigurationRequest", "dualstack-without-public-ipv4"):
        site.api.elbv2("SetIpAddressType", LoadBalancerArn=arn, IpAddressType="dualstack-without-public-ipv4")


def test_a_load_balancers_type_can_be_changed(site: Site):
    arn = balancer(site, kind="ipv4")
    site.api.elbv2("SetIpAddressType", LoadBalancerArn=arn, IpAddressType="dualstack")
    (shown,) = site.api.elbv2("DescribeLoadBalancers", LoadBalancerArns=[arn])["LoadBalancers"]
    assert shown["IpAddressType"] == "dualstack"


def test_a_service_supports_ipv6_only_with_dualstack_load_balancers(site: Site):
    four, both = balancer(site, name="four", kind="ipv4"), balancer(site, name="both")
    with refused("InvalidParameter", "dualstack"):
        service(site, four, "ipv4", "ipv6")
    made = service(site, both, "ipv4", "ipv6")
    assert made["SupportedIpAddressTypes"] == ["ipv4", "ipv6"]
    change = {"ServiceId": made["ServiceId"]}
    with refused("InvalidParameter", "dualstack"):
        site.api.ec2("ModifyVpcEndpointServiceConfiguration", **change, AddGatewayLoadBalancerArns=[four])
    site.api.ec2("ModifyVpcEndpointServiceConfiguration", **change, RemoveSupportedIpAddressTypes=["ipv6"])
    with refused("InvalidParameter", "At least one"):
        site.api.ec2("ModifyVpcEndpointServiceConfiguration", **change, RemoveSupportedIpAddressTypes=["ipv4"])
    (shown,) = site.api.ec2("DescribeVpcEndpointServiceConfigurations")["ServiceConfigurations"]
    assert shown["SupportedIpAddressTypes"] == ["ipv4"]


def test_a_dualstack_endpoint_needs_its_service_and_its_subnet_to_be_so(site: Site):
    bare = site.api.ec2("CreateSubnet", VpcId=site.vpc, CidrBlock="10.0.9.0/24")["Subnet"]["SubnetId"]
    made = service(site, balancer(site), "ipv4")
    with refused("InvalidParameter", "dualstack"):
        endpoint(site, made["ServiceName"], kind="dualstack")
    site.api.ec2(
        "ModifyVpcEndpointServiceConfiguration", ServiceId=made["ServiceId"], AddSupportedIpAddressTypes=["ipv6"]
    )
    with refused("InvalidParameter", bare):
        endpoint(site, made["ServiceName"], kind="dualstack", subnet=bare)
    with refused("InvalidParameter", "IPv6-only"):
        endpoint(site, made["ServiceName"], kind="ipv6")
    shown = endpoint(site, made["ServiceName"], kind="dualstack")
    assert shown["IpAddressType"] == "dualstack"
    (interface,) = site.api.ec2("DescribeNetworkInterfaces", NetworkInterfaceIds=shown["NetworkInterfaceIds"])[
        "NetworkInterfaces"
    ]
    assert len(addresses(interface)) == 1


def test_an_endpoint_becomes_dualstack_and_ipv4_again(site: Site):
    made = service(site, balancer(site), "ipv4", "ipv6")
    shown = endpoint(site, made["ServiceName"], kind="ipv4")
    for kind in ("dualstack", "ipv4"):
        site.api.ec2("ModifyVpcEndpoint", VpcEndpointId=shown["VpcEndpointId"], IpAddressType=kind)
        (now,) = site.api.ec2("DescribeVpcEndpoints")["VpcEndpoints"]
        (interface,) = site.api.ec2("DescribeNetworkInterfaces", NetworkInterfaceIds=shown["NetworkInterfaceIds"])[
            "NetworkInterfaces"
        ]
        assert (now["IpAddressType"], len(addresses(interface))) == (kind, int(kind == "dualstack"))


# What the network is to be


def test_a_vpc_without_ipv6_has_nothing_of_it_in_the_kernel(api: Api):
    vpc = api.ec2("CreateVpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    table = api.ec2("CreateRouteTable", VpcId=vpc)["RouteTable"]["RouteTableId"]
    gateway = api.ec2("CreateInternetGateway")["InternetGateway"]["InternetGatewayId"]
    api.ec2("AttachInternetGateway", InternetGatewayId=gateway, VpcId=vpc)
    api.ec2("CreateRoute", RouteTableId=table, DestinationIpv6CidrBlock="::/0", GatewayId=gateway)
    wanted = network.topology(api.store.snapshot())
    assert not any(":" in route.destination for route in wanted.routes)
    assert not any(rule.ipv6 for rule in wanted.rules)
    assert not any(port.ipv6 for link in wanted.links.values() for port in (link.a, link.b))
    assert not any(":" in address for box in wanted.boxes.values() for address in box.addresses)


def test_a_gateway_lets_the_addresses_of_its_vpcs_interfaces_pass(site: Site):
    (held,) = addresses(site.interface(Ipv6AddressCount=1))
    snapshot = site.api.store.snapshot()
    wanted = plane.plane(snapshot, network.topology(snapshot))
    (entry,) = wanted.gateways6.values()
    assert entry.addresses == (held,)
