"""Random sequences of calls by two accounts, against a small model of AWS's rules, with control running below (and no kernel).

Hypothesis shrinks what it finds to the shortest sequence of calls.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from agreement import dangling, inconsistencies, port_disagreements, route_disagreements, unnumbered
from api_harness import Api
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from world import (
    CONSUMER,
    EVERYTHING,
    PROVIDER,
    Balancer,
    Endpoint,
    Group,
    Interface,
    Service,
    Subnet,
    Table,
    TargetGroup,
    Vpc,
    World,
)

from opengwlb.control.absent import AbsentNetwork, AbsentPrograms
from opengwlb.control.lifecycle import LifecycleReconciler
from opengwlb.control.network import NetworkReconciler
from opengwlb.policy import network
from opengwlb.policy.plane import plane
from opengwlb.store.sqlite import SqliteStore
from opengwlb.wire.errors import AwsError

ACCOUNTS = st.sampled_from((PROVIDER, CONSUMER))
ZONES = st.sampled_from(("ap-northeast-2a", "ap-northeast-2b"))
PICK = st.integers(0, 1000)
"""Which of what is there: by order of creation, so that shrinking means the same things again."""
DAY_S = 24 * 3600.0
DELAY_S = 300.0
MOST_VPCS = 3


def pick(things: Iterable[str], number: int) -> str:
    chosen = list(things)
    return chosen[number % len(chosen)]


def has(*kinds: str) -> Any:
    """The rule needs one of each."""
    return precondition(lambda self: all(getattr(self.world, kind) for kind in kinds))


class RandomCalls(RuleBasedStateMachine):
    @initialize(prepared=st.booleans())
    def open(self, prepared: bool) -> None:
        """From nothing, or from an inspected VPC: what is deep is found sooner."""
        self.directory = tempfile.TemporaryDirectory()
        self.now = 1_800_000_000.0
        self.store = SqliteStore(Path(self.directory.name) / "store.sqlite", clock=lambda: self.now)
        self.world = World()
        self.network = NetworkReconciler(store=self.store, fabric=AbsentNetwork(), dataplane=AbsentPrograms())
        self.lifecycle = LifecycleReconciler(store=self.store, clock=lambda: self.now)
        self.settle()
        if prepared:
            self.prepare()

    def prepare(self) -> None:
        zone = "ap-northeast-2a"
        for vpc, account in enumerate((PROVIDER, CONSUMER)):
            self.create_vpc(account=account)
            self.create_subnet(number=vpc, part=0, zone=zone)
        self.create_subnet(number=1, part=1, zone=zone)
        self.create_load_balancer(number=0)
        self.create_target_group(number=0)
        self.create_listener(balancer=0, group=0)
        self.create_service(number=0, acceptance=False)
        self.permit(number=0, account=CONSUMER, allow=True)
        self.create_internet_gateway(account=CONSUMER)
        self.attach_internet_gateway(gateway=0, vpc=1)
        self.create_endpoint(service=0, subnet=1)
        for kind in (self.create_route_table, self.create_security_group):
            kind(number=1)
        self.create_interface(subnet=1, group=0)
        self.create_route(table=2, destination=0, leads=1)
        self.associate_with_subnet(table=2, subnet=2)

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.directory.cleanup()

    def api(self, account: str) -> Api:
        return Api(store=self.store, account=account, now=self.now)

    def call(self, blocked: set[str], account: str, operation: str, *, service: str = "ec2", **params: Any) -> Any:
        """The answer; None when the model says that it has to be refused, and it was, and nothing changed."""
        revision = self.store.snapshot().revision
        try:
            answer = self.api(account).call(service, operation, **params)
        except AwsError as error:
            assert error.code in blocked, (
                f"{operation} was refused: {error.code}: {error.message}; the model: {blocked or 'ok'}"
            )
            assert self.store.snapshot().revision == revision, f"{operation} was refused and changed something"
            return None
        assert not blocked, f"{operation} went through; the model: {blocked}"
        self.settle()
        return answer

    def settle(self) -> None:
        for _ in range(3):
            self.network.reconcile()
            self.lifecycle.reconcile()
        for endpoint in list(self.world.endpoints.values()):
            if endpoint.state == "deleting":
                del self.world.endpoints[endpoint.id]
            elif endpoint.state == "pending":
                endpoint.state = "available"

    # VPCs, subnets, gateways

    @rule(account=ACCOUNTS)
    def create_vpc(self, account: str) -> None:
        if sum(vpc.account == account for vpc in self.world.vpcs.values()) >= MOST_VPCS:
            return
        block = len(self.world.vpcs) + 1
        made = self.call(set(), account, "CreateVpc", CidrBlock=f"10.{block}.0.0/16")["Vpc"]["VpcId"]
        wanted = [{"Name": "vpc-id", "Values": [made]}]
        (main,) = self.api(account).ec2("DescribeRouteTables", Filters=wanted)["RouteTables"]
        (association,) = main["Associations"]
        table = Table(id=main["RouteTableId"], account=account, vpc=made)
        table.associations[association["RouteTableAssociationId"]] = made
        self.world.tables[table.id] = table
        self.world.vpcs[made] = Vpc(id=made, account=account, block=block, main=table.id)

    @has("vpcs")
    @rule(number=PICK)
    def delete_vpc(self, number: int) -> None:
        vpc = self.world.vpcs[pick(self.world.vpcs, number)]
        blocked = self.world.blocks_vpc_deletion(vpc.id)
        if self.call(blocked, vpc.account, "DeleteVpc", VpcId=vpc.id) is not None:
            del self.world.vpcs[vpc.id], self.world.tables[vpc.main]

    @has("vpcs")
    @rule(number=PICK, part=st.integers(0, 3), zone=ZONES)
    def create_subnet(self, number: int, part: int, zone: str) -> None:
        vpc = self.world.vpcs[pick(self.world.vpcs, number)]
        cidr = f"10.{vpc.block}.{part}.0/24"
        blocked = self.world.blocks_subnet(vpc.id, cidr)
        made = self.call(blocked, vpc.account, "CreateSubnet", VpcId=vpc.id, CidrBlock=cidr, AvailabilityZone=zone)
        if made is not None:
            id = made["Subnet"]["SubnetId"]
            self.world.subnets[id] = Subnet(id=id, account=vpc.account, vpc=vpc.id, cidr=cidr, zone=zone)

    @has("subnets")
    @rule(number=PICK)
    def delete_subnet(self, number: int) -> None:
        subnet = self.world.subnets[pick(self.world.subnets, number)]
        blocked = {"DependencyViolation"} if self.world.in_subnet(subnet.id) else set()
        if self.call(blocked, subnet.account, "DeleteSubnet", SubnetId=subnet.id) is not None:
            del self.world.subnets[subnet.id]
            for table in self.world.tables.values():
                table.associations = {id: one for id, one in table.associations.items() if one != subnet.id}

    @rule(account=ACCOUNTS)
    def create_internet_gateway(self, account: str) -> None:
        if len(self.world.gateways) < MOST_VPCS:
            made = self.call(set(), account, "CreateInternetGateway")["InternetGateway"]["InternetGatewayId"]
            self.world.gateways[made] = account

    @has("gateways", "vpcs")
    @rule(gateway=PICK, vpc=PICK)
    def attach_internet_gateway(self, gateway: int, vpc: int) -> None:
        one, to = pick(self.world.gateways, gateway), self.world.vpcs[pick(self.world.vpcs, vpc)]
        account = self.world.gateways[one]
        blocked = {"InvalidVpcID.NotFound"} if account != to.account else self.world.blocks_attachment(one, to.id)
        if account != to.account and self.world.attached(one):
            blocked.add("Resource.AlreadyAssociated")
        if self.call(blocked, account, "AttachInternetGateway", InternetGatewayId=one, VpcId=to.id) is not None:
            to.gateway = one

    @has("gateways", "vpcs")
    @rule(gateway=PICK, vpc=PICK)
    def detach_internet_gateway(self, gateway: int, vpc: int) -> None:
        one, of = pick(self.world.gateways, gateway), self.world.vpcs[pick(self.world.vpcs, vpc)]
        account = self.world.gateways[one]
        blocked = (
            {"InvalidVpcID.NotFound"}
            if account != of.account
            else set()
            if of.gateway == one
            else {"Gateway.NotAttached"}
        )
        if self.call(blocked, account, "DetachInternetGateway", InternetGatewayId=one, VpcId=of.id) is not None:
            of.gateway = None
            for table in self.world.tables.values():
                table.associations = {id: each for id, each in table.associations.items() if each != one}

    @has("gateways")
    @rule(number=PICK)
    def delete_internet_gateway(self, number: int) -> None:
        one = pick(self.world.gateways, number)
        blocked = {"DependencyViolation"} if self.world.attached(one) else set()
        if self.call(blocked, self.world.gateways[one], "DeleteInternetGateway", InternetGatewayId=one) is not None:
            del self.world.gateways[one]

    # Route tables

    @has("vpcs")
    @rule(number=PICK)
    def create_route_table(self, number: int) -> None:
        vpc = self.world.vpcs[pick(self.world.vpcs, number)]
        made = self.call(set(), vpc.account, "CreateRouteTable", VpcId=vpc.id)["RouteTable"]["RouteTableId"]
        self.world.tables[made] = Table(id=made, account=vpc.account, vpc=vpc.id)

    @has("tables")
    @rule(number=PICK)
    def delete_route_table(self, number: int) -> None:
        table = self.world.tables[pick(self.world.tables, number)]
        blocked = {"DependencyViolation"} if table.associations else set()
        if self.call(blocked, table.account, "DeleteRouteTable", RouteTableId=table.id) is not None:
            del self.world.tables[table.id]

    @has("tables", "subnets")
    @rule(table=PICK, subnet=PICK)
    def associate_with_subnet(self, table: int, subnet: int) -> None:
        one, to = (
            self.world.tables[pick(self.world.tables, table)],
            self.world.subnets[pick(self.world.subnets, subnet)],
        )
        before = self.world.table_of(to.id)
        if one.account != to.account:
            blocked = {"InvalidSubnetID.NotFound"}
        elif one.vpc != to.vpc:
            blocked = {"InvalidParameterValue"}
        else:
            blocked = set() if before in (None, one) else {"Resource.AlreadyAssociated"}
        made = self.call(blocked, one.account, "AssociateRouteTable", RouteTableId=one.id, SubnetId=to.id)
        if made is not None:
            one.associations[made["AssociationId"]] = to.id

    @has("tables", "gateways")
    @rule(table=PICK, gateway=PICK)
    def associate_with_gateway(self, table: int, gateway: int) -> None:
        one, to = self.world.tables[pick(self.world.tables, table)], pick(self.world.gateways, gateway)
        vpc, before = self.world.attached(to), self.world.table_of(to)
        if one.account != self.world.gateways[to]:
            blocked = {"InvalidGatewayID.NotFound"}
        elif vpc is None or vpc.id != one.vpc:
            blocked = {"Gateway.NotAttached"}
        elif before is one:
            blocked = set()
        else:
            blocked = self.world.blocks_edge(one) | ({"Resource.AlreadyAssociated"} if before else set())
        made = self.call(blocked, one.account, "AssociateRouteTable", RouteTableId=one.id, GatewayId=to)
        if made is not None:
            one.associations[made["AssociationId"]] = to

    @precondition(lambda self: any(table.associations for table in self.world.tables.values()))
    @rule(number=PICK)
    def disassociate(self, number: int) -> None:
        every = {id: table for table in self.world.tables.values() for id in table.associations}
        association = pick(every, number)
        table = every[association]
        blocked = {"InvalidParameterValue"} if table.associations[association] in self.world.vpcs else set()
        if self.call(blocked, table.account, "DisassociateRouteTable", AssociationId=association) is not None:
            del table.associations[association]

    @precondition(lambda self: any(table.associations for table in self.world.tables.values()))
    @rule(number=PICK, table=PICK)
    def replace_association(self, number: int, table: int) -> None:
        every = {id: one for one in self.world.tables.values() for id in one.associations}
        association, new = pick(every, number), self.world.tables[pick(self.world.tables, table)]
        old = every[association]
        thing = old.associations[association]
        blocked = set()
        if new.account != old.account:
            blocked = {"InvalidRouteTableID.NotFound"}
        elif new.vpc != old.vpc:
            blocked = {"InvalidParameterValue"}
        elif thing in self.world.gateways:
            blocked = self.world.blocks_edge(new)
        elif thing in self.world.vpcs and self.world.is_edge(new):
            blocked = {"InvalidParameterValue"}
        params = {"AssociationId": association, "RouteTableId": new.id}
        made = self.call(blocked, old.account, "ReplaceRouteTableAssociation", **params)
        if made is not None:
            del old.associations[association]
            new.associations[made["NewAssociationId"]] = thing
            if thing in self.world.vpcs:
                self.world.vpcs[thing].main = new.id

    def _targets(self) -> dict[str, str]:
        """What a route may lead to -> the member that names it."""
        return (
            dict.fromkeys(self.world.gateways, "GatewayId")
            | dict.fromkeys(self.world.endpoints, "VpcEndpointId")
            | dict.fromkeys(self.world.interfaces, "NetworkInterfaceId")
        )

    def _destination(self, table: Table, number: int) -> str:
        vpc = self.world.vpcs[table.vpc]
        choice = [EVERYTHING, "10.200.0.0/16", f"10.{vpc.block}.77.0/24", *sorted(self.world.subnet_blocks(vpc.id))]
        return choice[number % len(choice)]

    @precondition(lambda self: self.world.tables and self._targets())
    @rule(table=PICK, destination=PICK, leads=PICK)
    def create_route(self, table: int, destination: int, leads: int) -> None:
        one, to = self.world.tables[pick(self.world.tables, table)], pick(self._targets(), leads)
        cidr = self._destination(one, destination)
        blocked = self.world.blocks_route(one.id, cidr, to)
        if self.world.account_of(to) != one.account:
            blocked |= {
                "InvalidGatewayID.NotFound",
                "InvalidVpcEndpointId.NotFound",
                "InvalidNetworkInterfaceID.NotFound",
            }
        params = {"RouteTableId": one.id, "DestinationCidrBlock": cidr, self._targets()[to]: to}
        if self.call(blocked, one.account, "CreateRoute", **params) is not None:
            one.routes[cidr] = to

    @has("tables")
    @rule(table=PICK, destination=PICK)
    def delete_route(self, table: int, destination: int) -> None:
        one = self.world.tables[pick(self.world.tables, table)]
        cidr = pick(one.routes, destination) if one.routes and destination % 3 else self._destination(one, destination)
        blocked = set() if cidr in one.routes else {"InvalidRoute.NotFound"}
        params = {"RouteTableId": one.id, "DestinationCidrBlock": cidr}
        if self.call(blocked, one.account, "DeleteRoute", **params) is not None:
            del one.routes[cidr]

    # Security groups and interfaces

    @has("vpcs")
    @rule(number=PICK)
    def create_security_group(self, number: int) -> None:
        vpc = self.world.vpcs[pick(self.world.vpcs, number)]
        name = f"group-{len(self.world.groups)}-{self.store.snapshot().revision}"
        made = self.call(set(), vpc.account, "CreateSecurityGroup", GroupName=name, Description="x", VpcId=vpc.id)[
            "GroupId"
        ]
        self.world.groups[made] = Group(id=made, account=vpc.account, vpc=vpc.id)

    @has("groups")
    @rule(group=PICK, peer=PICK)
    def let_in(self, group: int, peer: int) -> None:
        one, other = self.world.groups[pick(self.world.groups, group)], self.world.groups[pick(self.world.groups, peer)]
        if one.vpc != other.vpc:
            return  # peered VPCs are not built
        blocked = {"InvalidPermission.Duplicate"} if other.id in one.refers else set()
        pairs = [{"GroupId": other.id}]
        permission = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": pairs}
        params = {"GroupId": one.id, "IpPermissions": [permission]}
        if self.call(blocked, one.account, "AuthorizeSecurityGroupIngress", **params) is not None:
            one.refers.add(other.id)

    @has("groups")
    @rule(number=PICK)
    def delete_security_group(self, number: int) -> None:
        group = self.world.groups[pick(self.world.groups, number)]
        blocked = self.world.blocks_group_deletion(group.id)
        if self.call(blocked, group.account, "DeleteSecurityGroup", GroupId=group.id) is not None:
            del self.world.groups[group.id]

    @has("subnets", "groups")
    @rule(subnet=PICK, group=PICK)
    def create_interface(self, subnet: int, group: int) -> None:
        one, held = (
            self.world.subnets[pick(self.world.subnets, subnet)],
            self.world.groups[pick(self.world.groups, group)],
        )
        if one.vpc != held.vpc:
            return
        made = self.call(set(), one.account, "CreateNetworkInterface", SubnetId=one.id, Groups=[held.id])
        id = made["NetworkInterface"]["NetworkInterfaceId"]
        self.world.interfaces[id] = Interface(id=id, account=one.account, subnet=one.id, groups={held.id})

    @has("interfaces")
    @rule(number=PICK)
    def delete_interface(self, number: int) -> None:
        one = self.world.interfaces[pick(self.world.interfaces, number)]
        self.call(set(), one.account, "DeleteNetworkInterface", NetworkInterfaceId=one.id)
        del self.world.interfaces[one.id]

    # Load balancers

    @has("subnets")
    @rule(number=PICK)
    def create_load_balancer(self, number: int) -> None:
        subnet = self.world.subnets[pick(self.world.subnets, number)]
        name = f"gwlb-{len(self.world.balancers)}-{self.store.snapshot().revision}"
        params = {"Name": name, "Type": "gateway", "Subnets": [subnet.id]}
        for again in (False, True):  # the second call answers with what the first one made
            (made,) = self.call(set(), subnet.account, "CreateLoadBalancer", service="elbv2", **params)["LoadBalancers"]
            arn = made["LoadBalancerArn"]
            assert not again or arn in self.world.balancers
            self.world.balancers[arn] = Balancer(id=arn, account=subnet.account, name=name, subnet=subnet.id)

    @has("balancers")
    @rule(number=PICK)
    def delete_load_balancer(self, number: int) -> None:
        one = self.world.balancers[pick(self.world.balancers, number)]
        blocked = {"ResourceInUse"} if any(each.balancer == one.id for each in self.world.services.values()) else set()
        if self.call(blocked, one.account, "DeleteLoadBalancer", service="elbv2", LoadBalancerArn=one.id) is not None:
            del self.world.balancers[one.id]

    @has("vpcs")
    @rule(number=PICK)
    def create_target_group(self, number: int) -> None:
        vpc = self.world.vpcs[pick(self.world.vpcs, number)]
        name = f"targets-{len(self.world.target_groups)}-{self.store.snapshot().revision}"
        params = {"Name": name, "Protocol": "GENEVE", "Port": 6081, "VpcId": vpc.id, "TargetType": "ip"}
        (made,) = self.call(set(), vpc.account, "CreateTargetGroup", service="elbv2", **params)["TargetGroups"]
        arn = made["TargetGroupArn"]
        self.world.target_groups[arn] = TargetGroup(id=arn, account=vpc.account, vpc=vpc.id)

    @has("target_groups")
    @rule(number=PICK)
    def delete_target_group(self, number: int) -> None:
        one = self.world.target_groups[pick(self.world.target_groups, number)]
        used = any(each.group == one.id for each in self.world.balancers.values())
        params = {"TargetGroupArn": one.id}
        if (
            self.call({"ResourceInUse"} if used else set(), one.account, "DeleteTargetGroup", service="elbv2", **params)
            is not None
        ):
            del self.world.target_groups[one.id]

    @has("balancers", "target_groups")
    @rule(balancer=PICK, group=PICK)
    def create_listener(self, balancer: int, group: int) -> None:
        one = self.world.balancers[pick(self.world.balancers, balancer)]
        to = self.world.target_groups[pick(self.world.target_groups, group)]
        blocked = {"TargetGroupNotFound"} if one.account != to.account else self.world.blocks_listener(one.id, to.id)
        if one.account != to.account and one.listener:
            blocked.add("TooManyListeners")
        actions = [{"Type": "forward", "TargetGroupArn": to.id}]
        made = self.call(
            blocked, one.account, "CreateListener", service="elbv2", LoadBalancerArn=one.id, DefaultActions=actions
        )
        if made is not None:
            one.listener, one.group = made["Listeners"][0]["ListenerArn"], to.id

    @precondition(lambda self: any(one.listener for one in self.world.balancers.values()))
    @rule(number=PICK)
    def delete_listener(self, number: int) -> None:
        every = [one.id for one in self.world.balancers.values() if one.listener]
        one = self.world.balancers[pick(every, number)]
        self.call(set(), one.account, "DeleteListener", service="elbv2", ListenerArn=one.listener)
        one.listener = one.group = None

    @has("target_groups")
    @rule(group=PICK, last=st.integers(10, 13), leaving=st.booleans())
    def change_targets(self, group: int, last: int, leaving: bool) -> None:
        one = self.world.target_groups[pick(self.world.target_groups, group)]
        vpc = self.world.vpcs.get(one.vpc)
        if vpc is None or f"10.{vpc.block}.0.0/24" not in self.world.subnet_blocks(vpc.id):
            return
        address = f"10.{vpc.block}.0.{last}"
        operation = "DeregisterTargets" if leaving else "RegisterTargets"
        self.call(set(), one.account, operation, service="elbv2", TargetGroupArn=one.id, Targets=[{"Id": address}])
        if not leaving:
            one.targets[address] = None
        elif one.targets.get(address, 0.0) is None:
            one.targets[address] = self.now

    # Endpoint services and endpoints

    @has("balancers")
    @rule(number=PICK, acceptance=st.booleans())
    def create_service(self, number: int, acceptance: bool) -> None:
        one = self.world.balancers[pick(self.world.balancers, number)]
        params = {"GatewayLoadBalancerArns": [one.id], "AcceptanceRequired": acceptance}
        if any(each.balancer == one.id for each in self.world.services.values()):
            return
        made = self.call(set(), one.account, "CreateVpcEndpointServiceConfiguration", **params)["ServiceConfiguration"]
        self.world.services[made["ServiceId"]] = Service(
            id=made["ServiceId"], account=one.account, name=made["ServiceName"], balancer=one.id, acceptance=acceptance
        )

    @has("services")
    @rule(number=PICK, account=ACCOUNTS, allow=st.booleans())
    def permit(self, number: int, account: str, allow: bool) -> None:
        one = self.world.services[pick(self.world.services, number)]
        if allow == (account in one.allowed):
            return
        member = "AddAllowedPrincipals" if allow else "RemoveAllowedPrincipals"
        params = {"ServiceId": one.id, member: [f"arn:aws:iam::{account}:root"]}
        self.call(set(), one.account, "ModifyVpcEndpointServicePermissions", **params)
        (one.allowed.add if allow else one.allowed.discard)(account)

    @has("services")
    @rule(number=PICK)
    def delete_service(self, number: int) -> None:
        one = self.world.services[pick(self.world.services, number)]
        answer = self.call(set(), one.account, "DeleteVpcEndpointServiceConfigurations", ServiceIds=[one.id])
        alive = [
            each for each in self.world.endpoints.values()
            if each.service == one.id and each.state in ("pendingAcceptance", "available")
        ]  # fmt: skip
        codes = [each["Error"]["Code"] for each in answer["Unsuccessful"]]
        assert codes == (["ExistingVpcEndpointConnections"] if alive else [])
        if not alive:
            del self.world.services[one.id]

    @has("services", "subnets")
    @rule(service=PICK, subnet=PICK)
    def create_endpoint(self, service: int, subnet: int) -> None:
        one = self.world.services[pick(self.world.services, service)]
        at = self.world.subnets[pick(self.world.subnets, subnet)]
        blocked = self.world.blocks_endpoint(at.account, one.id, at.id)
        params = {
            "VpcEndpointType": "GatewayLoadBalancer",
            "ServiceName": one.name,
            "VpcId": at.vpc,
            "SubnetIds": [at.id],
        }
        made = self.call(blocked, at.account, "CreateVpcEndpoint", **params)
        if made is not None:
            id = made["VpcEndpoint"]["VpcEndpointId"]
            state = "pendingAcceptance" if one.acceptance else "available"
            self.world.endpoints[id] = Endpoint(
                id=id, account=at.account, service=one.id, subnet=at.id, created=self.now, state=state
            )

    @has("endpoints")
    @rule(number=PICK, accept=st.booleans())
    def answer_connection(self, number: int, accept: bool) -> None:
        one = self.world.endpoints[pick(self.world.endpoints, number)]
        service = self.world.services.get(one.service)
        if service is None:
            return
        operation = "AcceptVpcEndpointConnections" if accept else "RejectVpcEndpointConnections"
        answer = self.call(set(), service.account, operation, ServiceId=service.id, VpcEndpointIds=[one.id])
        takes = ("pendingAcceptance", "rejected") if accept else ("pendingAcceptance", "available")
        assert bool(answer["Unsuccessful"]) == (one.state not in takes)
        if one.state in takes:
            one.state = "available" if accept else "rejected"

    @has("endpoints")
    @rule(number=PICK)
    def delete_endpoint(self, number: int) -> None:
        one = self.world.endpoints[pick(self.world.endpoints, number)]
        routed = self.world.routed(one.id)
        one_deleted = not routed
        if one_deleted:
            one.state = "deleting"
        answer = self.call(set(), one.account, "DeleteVpcEndpoints", VpcEndpointIds=[one.id])
        assert bool(answer["Unsuccessful"]) == routed

    # Time, restarts, other people's things

    @rule(days=st.sampled_from((0.001, 0.1, 8.0)))
    def time_passes(self, days: float) -> None:
        self.now += days * DAY_S
        self.settle()
        for endpoint in self.world.endpoints.values():
            if endpoint.state == "pendingAcceptance" and self.now - endpoint.created >= 7 * DAY_S:
                endpoint.state = "expired"

    @rule()
    def the_server_restarts(self) -> None:
        before = self.store.snapshot()
        self.store.close()
        self.store = SqliteStore(Path(self.directory.name) / "store.sqlite", clock=lambda: self.now)
        assert self.store.snapshot().revision == before.revision
        self.network = NetworkReconciler(store=self.store, fabric=AbsentNetwork(), dataplane=AbsentPrograms())
        self.lifecycle = LifecycleReconciler(store=self.store, clock=lambda: self.now)
        self.settle()

    @has("subnets")
    @rule(number=PICK)
    def what_others_own_does_not_exist(self, number: int) -> None:
        subnet = self.world.subnets[pick(self.world.subnets, number)]
        other = CONSUMER if subnet.account == PROVIDER else PROVIDER
        self.call({"InvalidSubnetID.NotFound"}, other, "DeleteSubnet", SubnetId=subnet.id)
        self.call({"InvalidVpcID.NotFound"}, other, "DeleteVpc", VpcId=subnet.vpc)

    @invariant()
    def describe_calls_know_what_was_made(self) -> None:
        for account in (PROVIDER, CONSUMER):
            for ids, operation, member, of in self._described():
                rows = self.api(account).call(of, operation)[member]
                described = {row[ids] for row in rows}
                mine = {one for one in self._made(operation) if self.world.account_of(one) == account}
                assert mine <= described, f"{operation} of {account} lacks {mine - described}"
                every = set(self._made(operation))
                assert described & every == mine, f"{operation} of {account} shows {described & every - mine}"
        for endpoint in self.world.endpoints.values():
            (row,) = self.api(endpoint.account).ec2("DescribeVpcEndpoints", VpcEndpointIds=[endpoint.id])[
                "VpcEndpoints"
            ]
            assert row["State"] == endpoint.state, f"{endpoint.id} is {row['State']}; the model: {endpoint.state}"

    def _described(self) -> list[tuple[str, str, str, str]]:
        return [
            ("VpcId", "DescribeVpcs", "Vpcs", "ec2"),
            ("SubnetId", "DescribeSubnets", "Subnets", "ec2"),
            ("InternetGatewayId", "DescribeInternetGateways", "InternetGateways", "ec2"),
            ("RouteTableId", "DescribeRouteTables", "RouteTables", "ec2"),
            ("GroupId", "DescribeSecurityGroups", "SecurityGroups", "ec2"),
            ("NetworkInterfaceId", "DescribeNetworkInterfaces", "NetworkInterfaces", "ec2"),
            ("LoadBalancerArn", "DescribeLoadBalancers", "LoadBalancers", "elbv2"),
            ("TargetGroupArn", "DescribeTargetGroups", "TargetGroups", "elbv2"),
            ("ServiceId", "DescribeVpcEndpointServiceConfigurations", "ServiceConfigurations", "ec2"),
            ("VpcEndpointId", "DescribeVpcEndpoints", "VpcEndpoints", "ec2"),
        ]

    def _made(self, operation: str) -> Iterable[str]:
        world = self.world
        return {
            "DescribeVpcs": world.vpcs,
            "DescribeSubnets": world.subnets,
            "DescribeInternetGateways": world.gateways,
            "DescribeRouteTables": world.tables,
            "DescribeSecurityGroups": world.groups,
            "DescribeNetworkInterfaces": world.interfaces,
            "DescribeLoadBalancers": world.balancers,
            "DescribeTargetGroups": world.target_groups,
            "DescribeVpcEndpointServiceConfigurations": world.services,
            "DescribeVpcEndpoints": world.endpoints,
        }[operation]

    @invariant()
    def targets_are_those_that_were_registered(self) -> None:
        for group in self.world.target_groups.values():
            rows = self.api(group.account).elbv2("DescribeTargetHealth", TargetGroupArn=group.id)[
                "TargetHealthDescriptions"
            ]
            registered = {address for address, left in group.targets.items() if left is None}
            described = {row["Target"]["Id"] for row in rows}
            assert registered <= described
            draining = {address for address, left in group.targets.items() if left is not None}
            assert described - registered <= {one for one in draining if self.now - group.targets[one] < DELAY_S}

    @invariant()
    def nothing_dangles_and_packets_do_what_calls_say(self) -> None:
        snapshot = self.store.snapshot()
        wanted = network.topology(snapshot)
        programs = plane(snapshot, wanted)
        assert not dangling(snapshot)
        assert not unnumbered(snapshot)
        assert not inconsistencies(snapshot)
        assert not port_disagreements(snapshot, wanted, programs)
        for account in (PROVIDER, CONSUMER):
            assert not route_disagreements(self.api(account), snapshot, wanted)


RandomCalls.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
TestRandomCalls = pytest.mark.timeout(600)(RandomCalls.TestCase)
