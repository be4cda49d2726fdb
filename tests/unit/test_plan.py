"""From stored objects to the network and the kernel's maps: AWS's picture, as values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from opengwlb.model.compute import Instance, InstanceState
from opengwlb.model.elb import Listener, LoadBalancer, LoadBalancerZone, Slot, Target, TargetGroup, TargetState
from opengwlb.model.ids import endpoint_number
from opengwlb.model.images import BUILTIN_IMAGES
from opengwlb.model.plane import EniRole
from opengwlb.model.privatelink import VpcEndpoint
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.topology import DELIVERY_TABLE, BoxKind, Program
from opengwlb.model.vpc import (
    Address,
    Attachment,
    InternetGateway,
    NetworkInterface,
    Route,
    RouteTable,
    RouteTableAssociation,
    Subnet,
    Vpc,
)
from opengwlb.policy import network, slots, status
from opengwlb.policy.plane import plane

WHO = {"account": "111111111111", "region": "ap-northeast-2"}
LINUX, INSPECTOR, _ = BUILTIN_IMAGES
LB = "arn:aws:elasticloadbalancing:ap-northeast-2:111111111111:loadbalancer/gwy/lb/0123456789abcdef"
TG = "arn:aws:elasticloadbalancing:ap-northeast-2:111111111111:targetgroup/tg/00123456789abcdef0"


def snapshot(*objects: Any, revision: int = 7) -> Snapshot:
    kinds: dict[type[Any], dict[str, Any]] = {}
    for obj in objects:
        kinds.setdefault(type(obj), {})[obj.id] = obj
    return Snapshot(revision, kinds)


def vpc(name: str, cidr: str = "10.0.0.0/16") -> Vpc:
    return Vpc(
        id=f"vpc-{name:0>17}",
        cidr=cidr,
        main_route_table=f"rtb-{name}",
        default_security_group="sg-0",
        default_network_acl="acl-0",
        dhcp_options="dopt-0",
        cidr_association="vpc-cidr-assoc-0",
        **WHO,
    )


def subnet(name: str, of: Vpc, cidr: str, zone: str = "a") -> Subnet:
    return Subnet(id=f"subnet-{name:0>17}", vpc=of.id, cidr=cidr, zone=zone, zone_id=f"apne2-az{zone}", **WHO)


def interface(name: str, of: Subnet, address: str, *, instance: str | None = None, **more: Any) -> NetworkInterface:
    attachment = None
    if instance:
        attachment = Attachment(
            id="eni-attach-0", instance=instance, device_index=0, delete_on_termination=True, attach_time=0.0
        )
    return NetworkInterface(
        id=f"eni-{name:0>17}",
        vpc=of.vpc,
        subnet=of.id,
        zone=of.zone,
        private_ip=address,
        mac="0a:00:00:00:00:01",
        attachment=attachment,
        **WHO,
        **more,
    )


def instance(name: str, eni: NetworkInterface, image: str = LINUX.id) -> Instance:
    return Instance(
        id=f"i-{name:0>17}",
        vpc=eni.vpc,
        subnet=eni.subnet,
        zone=eni.zone,
        image=image,
        instance_type="t3.micro",
        private_ip=eni.private_ip,
        network_interfaces=(eni.id,),
        reservation="r-0",
        launch_index=0,
        launch_time=0.0,
        state=InstanceState.RUNNING,
        **WHO,
    )


def table(name: str, of: Vpc, number: int, *routes: Route, **association: Any) -> RouteTable:
    return RouteTable(
        id=f"rtb-{name}",
        vpc=of.id,
        number=number,
        routes=(Route(destination=of.cidr, target_type="local", target="local", origin="CreateRouteTable"), *routes),
        associations=(RouteTableAssociation(id=f"rtbassoc-{name}", **association),),
        **WHO,
    )


@pytest.fixture
def lab() -> dict[str, Any]:
    """The tutorial: one consumer with a web server behind an endpoint, one provider with a node and an appliance."""
    consumer, provider = vpc("c"), vpc("d")
    application, endpoints = subnet("a1", consumer, "10.0.0.32/28"), subnet("e1", consumer, "10.0.1.0/24")
    security = subnet("5", provider, "10.0.0.0/24")
    web_id, appliance_id = f"i-{'1':0>17}", f"i-{'2':0>17}"
    web_eni = interface("1", application, "10.0.0.37", instance=web_id)
    appliance_eni = interface("2", security, "10.0.0.10", instance=appliance_id)
    node_eni = interface("3", security, "10.0.0.20", interface_type="gateway_load_balancer", source_dest_check=False)
    endpoint_eni = interface("4", endpoints, "10.0.1.9", interface_type="gateway_load_balancer_endpoint")
    igw = InternetGateway(id=f"igw-{'9':0>17}", vpc=consumer.id, **WHO)
    endpoint = VpcEndpoint(
        id="vpce-076bc493b822cd32f",
        service="vpce-svc-0",
        service_name="s",
        vpc=consumer.id,
        subnet=endpoints.id,
        zone="a",
        network_interface=endpoint_eni.id,
        created=0.0,
        load_balancer=LB,
        state="available",
        **WHO,
    )
    to_endpoint = {"target_type": "vpc-endpoint", "target": endpoint.id}
    balancer = LoadBalancer(
        id=LB,
        name="lb",
        vpc=provider.id,
        created=0.0,
        zones=(LoadBalancerZone(zone="a", subnet=security.id, network_interface=node_eni.id),),
        **WHO,
    )
    target = Target(
        id=f"{TG}|{appliance_id}",
        target_group=TG,
        target=appliance_id,
        registered=0.0,
        state=TargetState.HEALTHY,
        reason="",
        description="",
    )
    return {
        "consumer": consumer,
        "provider": provider,
        "application": application,
        "endpoints": endpoints,
        "security": security,
        "web_eni": web_eni,
        "appliance_eni": appliance_eni,
        "node_eni": node_eni,
        "endpoint_eni": endpoint_eni,
        "igw": igw,
        "endpoint": endpoint,
        "lb": balancer,
        "target": target,
        "web": instance("1", web_eni),
        "appliance": instance("2", appliance_eni),
        "group": TargetGroup(id=TG, name="tg", vpc=provider.id, target_type="instance", **WHO),
        "listener": Listener(id="listener", load_balancer=LB, target_group=TG, **WHO),
        "address": Address(id="eipalloc-1", public_ip="198.18.0.5", network_interface=web_eni.id, **WHO),
        "main": table("main", consumer, 1000, main=True),
        "edge": table("edge", consumer, 1001, Route(destination="10.0.0.32/28", **to_endpoint), gateway=igw.id),
        "app": table("app", consumer, 1002, Route(destination="0.0.0.0/0", **to_endpoint), subnet=application.id),
        "gwlbe": table(
            "gwlbe",
            consumer,
            1003,
            Route(destination="0.0.0.0/0", target_type="gateway", target=igw.id),
            subnet=endpoints.id,
        ),
        "node_slot": Slot(id=slots.node_key(LB, "a"), number=0, generation=1),
        "target_slot": Slot(id=slots.target_key(target.id, "10.0.0.10"), number=4, generation=9),
    }


def plan(lab: dict[str, Any]):
    now = snapshot(*lab.values())
    topology = network.topology(now)
    return topology, plane(now, topology)


def test_each_network_element_is_one_box(lab):
    topology, _ = plan(lab)
    kinds = sorted(box.kind for box in topology.boxes.values())
    assert kinds == [
        BoxKind.GWLB,
        BoxKind.IGW,
        BoxKind.INSTANCE,
        BoxKind.INSTANCE,
        BoxKind.INTERNET,
        BoxKind.VPC,
        BoxKind.VPC,
    ]


def test_the_four_route_tables_become_kernel_routes(lab):
    topology, _ = plan(lab)
    routes = {
        (route.table, route.destination): (route.kind, route.device)
        for route in topology.routes
        if route.box == lab["consumer"].id and route.kind != "unreachable"
    }
    vpce, igw = "vpce-3b822cd32f", lab["igw"].id[-10:]
    assert routes[1001, "10.0.0.32/28"] == ("unicast", vpce)
    assert routes[1001, "10.0.0.0/16"] == ("throw", None)
    assert routes[1002, "0.0.0.0/0"] == ("unicast", vpce)
    assert routes[1003, "0.0.0.0/0"] == ("unicast", f"igw-{igw}")
    assert routes[DELIVERY_TABLE, "10.0.0.37/32"] == ("unicast", f"eni-{lab['web_eni'].id[-10:]}")


def test_ports_use_the_table_of_their_subnet_or_edge(lab):
    topology, kernel = plan(lab)
    by_link = {link: kernel.enis[topology.links[link].a.ref] for link in topology.links if "/" not in link}
    assert (by_link[lab["igw"].id].role, by_link[lab["igw"].id].table) == (EniRole.IGW, 1001)
    assert (by_link[lab["endpoint"].id].role, by_link[lab["endpoint"].id].table) == (EniRole.ENDPOINT, 1003)
    assert by_link[lab["web_eni"].id].table == 1002


def test_an_internet_gateway_without_an_edge_association_only_delivers(lab):
    del lab["edge"]
    topology, kernel = plan(lab)
    assert kernel.enis[topology.links[lab["igw"].id].a.ref].table == DELIVERY_TABLE


def test_a_route_to_a_deleted_endpoint_is_a_blackhole_in_the_kernel_and_in_the_api(lab):
    lab["endpoint"] = replace(lab["endpoint"], state="deleting")
    topology, _ = plan(lab)
    assert {r.kind for r in topology.routes if r.table == 1002 and r.destination == "0.0.0.0/0"} == {
        "blackhole",
        "unreachable",
    }
    writes = status.after_build(snapshot(*lab.values()), built=set(), errors={})
    states = {t.id: t.routes[-1].state for t in writes.put if isinstance(t, RouteTable)}
    assert states["rtb-app"] == "blackhole" and states["rtb-edge"] == "blackhole"
    assert (VpcEndpoint, lab["endpoint"].id) in writes.delete


def test_the_node_spreads_over_healthy_targets_and_the_endpoint_points_to_its_node(lab):
    _, kernel = plan(lab)
    assert kernel.nodes[0].targets == (4,)
    assert kernel.targets[4].address == "10.0.0.10"
    assert kernel.endpoints[endpoint_number(lab["endpoint"].id)].node == 0


def test_only_unhealthy_targets_left_means_fail_open(lab):
    lab["target"] = replace(lab["target"], state=TargetState.UNHEALTHY)
    assert plan(lab)[1].nodes[0].targets == (4,)


@pytest.mark.parametrize("state", [TargetState.INITIAL, TargetState.DRAINING, TargetState.UNUSED])
def test_targets_that_were_not_checked_or_are_leaving_get_no_new_flow(lab, state):
    lab["target"] = replace(lab["target"], state=state)
    assert plan(lab)[1].nodes[0].targets == ()


def test_without_a_listener_new_flows_have_no_target(lab):
    del lab["listener"]
    assert plan(lab)[1].nodes[0].targets == ()


def test_a_rejected_endpoint_keeps_its_link_but_carries_nothing(lab):
    lab["endpoint"] = replace(lab["endpoint"], state="rejected")
    topology, kernel = plan(lab)
    assert lab["endpoint"].id in topology.links
    assert kernel.endpoints == {}


def test_a_stopped_instance_has_no_box_and_its_routes_blackhole(lab):
    lab["web"] = replace(lab["web"], state=InstanceState.STOPPED)
    topology, _ = plan(lab)
    assert lab["web"].id not in topology.boxes
    route = Route(destination="0.0.0.0/0", target_type="network-interface", target=lab["web_eni"].id)
    assert status.route_state(snapshot(*lab.values()), lab["app"], route) == "blackhole"


def test_public_addresses_are_translated_at_the_gateway_of_their_vpc(lab):
    topology, kernel = plan(lab)
    (nat,) = kernel.nats
    assert (nat.private, nat.public) == ("10.0.0.37", "198.18.0.5")
    assert topology.links[lab["igw"].id].b.ref == nat.port
    assert topology.links[lab["igw"].id].b.program is Program.IGW


def test_only_user_space_targets_get_finished_datagrams(lab):
    topology, _ = plan(lab)
    assert topology.links[lab["appliance_eni"].id].a.offloads_off == {"tx-checksum-ip-generic"}
    assert topology.links[lab["web_eni"].id].a.offloads_off == frozenset()
    lab["appliance"] = replace(lab["appliance"], image=INSPECTOR.id)
    topology, _ = plan(lab)
    assert topology.links[lab["appliance_eni"].id].a.offloads_off == frozenset()
    assert topology.links[lab["appliance_eni"].id].b.program is Program.INSPECTOR


def test_a_deregistered_user_space_target_gets_finished_datagrams_as_long_as_it_may_have_flows(lab):
    registered = {key: one for key, one in lab.items() if not isinstance(one, Target)}
    topology, _ = plan(registered)
    assert topology.links[lab["appliance_eni"].id].a.offloads_off == {"tx-checksum-ip-generic"}
    topology, _ = plan({key: one for key, one in registered.items() if not isinstance(one, Slot)})
    assert topology.links[lab["appliance_eni"].id].a.offloads_off == frozenset()


def test_two_customers_with_the_same_addresses_share_nothing(lab):
    other = vpc("b")
    other_subnet = subnet("b1", other, "10.0.0.32/28")
    eni = interface("b2", other_subnet, "10.0.0.37", instance=f"i-{'b':0>17}")
    lab |= {"other": other, "other_subnet": other_subnet, "other_eni": eni, "other_web": instance("b", eni)}
    topology, kernel = plan(lab)
    first, second = topology.links[lab["web_eni"].id], topology.links[eni.id]
    assert first.a.box != second.a.box and first.a.mac != second.a.mac
    assert kernel.enis[first.a.ref] != kernel.enis[second.a.ref]


def test_slots_are_given_once_and_kept(lab):
    del lab["node_slot"], lab["target_slot"]
    new, gone = slots.changes(snapshot(*lab.values()))
    assert sorted((slot.id.split("|")[0], slot.number) for slot in new) == [("node", 0), ("target", 0)]
    assert gone == []
    assert slots.changes(snapshot(*lab.values(), *new)) == ([], [])


def test_a_deregistered_target_keeps_its_slot(lab):
    del lab["target"]
    assert slots.changes(snapshot(*lab.values())) == ([], [])


@pytest.mark.parametrize("registered", [True, False])
def test_a_terminated_target_keeps_its_slot_until_it_is_forgotten_or_its_address_is_anothers(lab, registered):
    interface = next(name for name, one in lab.items() if getattr(one, "private_ip", "") == "10.0.0.10")
    lab["appliance"] = replace(lab["appliance"], state=InstanceState.TERMINATED)
    if not registered:
        del lab["target"]
    gone = lab.pop(interface)
    assert slots.changes(snapshot(*lab.values())) == ([], [])
    lab["elsewhere"] = replace(gone, id="eni-elsewhere", vpc="vpc-elsewhere")
    assert slots.changes(snapshot(*lab.values())) == ([], [])
    lab["heir"] = replace(gone, id="eni-heir", attachment=None)
    assert slots.changes(snapshot(*lab.values()))[1] == [lab["target_slot"].id]
    del lab["heir"], lab["appliance"]
    assert slots.changes(snapshot(*lab.values()))[1] == [lab["target_slot"].id]


def test_a_slot_freed_and_given_again_has_a_higher_generation(lab):
    old = lab.pop("target_slot")
    new, _ = slots.changes(snapshot(*lab.values(), revision=old.generation + 1))
    assert new[0].generation > old.generation


def test_a_drained_target_leaves_when_its_delay_is_over(lab):
    lab["target"] = replace(lab["target"], deregistered=100.0)
    now = snapshot(*lab.values())
    draining = status.due(now, now=399.0)
    assert [t.state for t in draining.put] == [TargetState.DRAINING] and not draining.delete
    assert status.due(now, now=400.0).delete == [(Target, lab["target"].id)]
    assert status.next_due(now, now=390.0) == 400.0


def test_a_target_group_without_a_listener_is_unused_and_says_so(lab):
    del lab["listener"]
    (target,) = status.due(snapshot(*lab.values()), now=0.0).put
    assert (target.state, target.reason) == (TargetState.UNUSED, "Target.NotInUse")


def test_a_provisioning_load_balancer_becomes_active_when_its_nodes_stand(lab):
    now = snapshot(*lab.values())
    assert not [o for o in status.after_build(now, built=set(), errors={}).put if isinstance(o, LoadBalancer)]
    built = {lab["node_eni"].id}
    (balancer,) = [o for o in status.after_build(now, built=built, errors={}).put if isinstance(o, LoadBalancer)]
    assert balancer.state == "active"


# -- failover and attributes of target groups


def grouped(lab: dict[str, Any], *, second: TargetState = TargetState.HEALTHY, zone: str = "a", **of: str) -> None:
    """A second appliance in the group, and attributes of the group (dots as underscores twice)."""
    lab["group"] = replace(lab["group"], attributes={key.replace("__", "."): value for key, value in of.items()})
    security = lab["security"]
    if zone != "a":
        security = subnet("6", lab["provider"], "10.0.9.0/24", zone)
        node = interface("6", security, "10.0.9.20", interface_type="gateway_load_balancer", source_dest_check=False)
        added = LoadBalancerZone(zone=zone, subnet=security.id, network_interface=node.id)
        lab["lb"] = replace(lab["lb"], zones=(*lab["lb"].zones, added))
        lab |= {
            "security2": security,
            "node2": node,
            "node_slot2": Slot(id=slots.node_key(LB, zone), number=1, generation=1),
        }
    eni = interface("7", security, "10.0.0.11", instance=f"i-{'7':0>17}")
    two = replace(lab["target"], id=f"{TG}|i-{'7':0>17}", target=f"i-{'7':0>17}", state=second)
    lab |= {"eni2": eni, "appliance2": instance("7", eni), "target2": two}
    lab["target_slot2"] = Slot(id=slots.target_key(two.id, "10.0.0.11"), number=5, generation=3)


REBALANCE = {"target_failover__on_unhealthy": "rebalance", "target_failover__on_deregistration": "rebalance"}


def unwell(lab: dict[str, Any], name: str = "target", state: TargetState = TargetState.UNHEALTHY) -> None:
    lab[name] = replace(lab[name], state=state)


def told(lab: dict[str, Any], *, revision: int = 100) -> dict[str, Slot]:
    """Which target slots are written, by their name in the lab; the lab has them afterwards."""
    new, gone = slots.changes(snapshot(*lab.values(), revision=revision))
    assert gone == []
    names = {lab[name].id: name for name in ("target_slot", "target_slot2")}
    lab |= {names[slot.id]: slot for slot in new}
    return {names[slot.id]: slot for slot in new}


def test_rebalance_tells_flows_to_leave_an_unhealthy_target_once_and_not_to_come_back(lab):
    grouped(lab, **REBALANCE)
    assert told(lab) == {}
    unwell(lab)
    (slot,) = told(lab, revision=100).values()
    assert (slot.id, slot.generation, slot.left) == (lab["target_slot"].id, 101, "unhealthy")
    assert told(lab, revision=101) == {}
    unwell(lab, state=TargetState.HEALTHY)
    (slot,) = told(lab, revision=102).values()
    assert (slot.generation, slot.left) == (101, "")
    unwell(lab)
    assert told(lab, revision=103)["target_slot"].generation == 104


def test_without_rebalance_flows_stay(lab):
    grouped(lab)
    unwell(lab)
    assert told(lab) == {}
    del lab["target"]
    assert told(lab) == {}


def test_flows_do_not_move_from_one_unhealthy_target_to_another_but_to_the_first_that_recovers(lab):
    grouped(lab, second=TargetState.UNHEALTHY, **REBALANCE)
    unwell(lab)
    assert told(lab) == {}
    unwell(lab, "target2", TargetState.HEALTHY)
    assert set(told(lab)) == {"target_slot"}


def test_flows_leave_a_deregistered_target_when_its_delay_ends_and_not_before(lab):
    grouped(lab, **REBALANCE)
    lab["target"] = replace(lab["target"], deregistered=5.0, state=TargetState.DRAINING)
    assert told(lab) == {}
    gone = lab.pop("target")
    assert told(lab, revision=200)["target_slot"].left == "deregistered"
    lab["target"] = replace(gone, deregistered=None, state=TargetState.HEALTHY)
    again = told(lab, revision=201)["target_slot"]
    assert (again.left, again.generation) == ("", 201)


def test_a_target_registered_again_while_draining_keeps_its_flows(lab):
    grouped(lab, **REBALANCE)
    lab["target"] = replace(lab["target"], deregistered=5.0, state=TargetState.DRAINING)
    assert told(lab) == {}
    lab["target"] = replace(lab["target"], deregistered=None, state=TargetState.INITIAL)
    assert told(lab) == {}


def test_a_stopped_targets_flows_leave_it_too(lab):
    grouped(lab, **REBALANCE)
    unwell(lab, state=TargetState.UNUSED)
    assert told(lab)["target_slot"].left == "unhealthy"


def test_another_zones_healthy_targets_are_no_place_to_go_without_cross_zone(lab):
    grouped(lab, zone="b", **REBALANCE)
    unwell(lab)
    assert told(lab) == {}
    lab["lb"] = replace(lab["lb"], attributes={"load_balancing.cross_zone.enabled": "true"})
    assert set(told(lab)) == {"target_slot"}


@pytest.mark.parametrize(
    ("states", "cross_zone", "targets", "fail_open"),
    [
        (("HEALTHY", "HEALTHY"), False, [(4,), (5,)], [False, False]),
        (("HEALTHY", "HEALTHY"), True, [(4, 5), (4, 5)], [False, False]),
        (("UNHEALTHY", "HEALTHY"), False, [(4,), (5,)], [True, False]),
        (("UNHEALTHY", "HEALTHY"), True, [(5,), (5,)], [False, False]),
        (("UNHEALTHY", "UNHEALTHY"), True, [(4, 5), (4, 5)], [True, True]),
        (("INITIAL", "HEALTHY"), False, [(), (5,)], [False, False]),
        (("DRAINING", "UNHEALTHY"), True, [(5,), (5,)], [True, True]),
    ],
)
def test_each_zone_decides_for_itself_whom_it_sends_to(lab, states, cross_zone, targets, fail_open):
    grouped(lab, zone="b")
    for name, state in zip(("target", "target2"), states, strict=True):
        unwell(lab, name, TargetState[state])
    lab["lb"] = replace(lab["lb"], attributes={"load_balancing.cross_zone.enabled": str(cross_zone).lower()})
    nodes = plan(lab)[1].nodes
    assert [nodes[slot].targets for slot in (0, 1)] == targets
    assert [nodes[slot].fail_open for slot in (0, 1)] == fail_open


@pytest.mark.parametrize(
    ("of_the_group", "stickiness", "tcp_idle_s", "reset_on_idle"),
    [
        ({}, 5, 900, True),
        ({"stickiness__type": "source_ip_dest_ip"}, 5, 900, True),
        ({"stickiness__enabled": "true"}, 3, 350, False),
        ({"stickiness__enabled": "true", "stickiness__type": "source_ip_dest_ip"}, 2, 350, False),
    ],
)
def test_the_listeners_timeout_and_reset_hold_for_flows_by_5_tuple_only(
    lab, of_the_group, stickiness, tcp_idle_s, reset_on_idle
):
    grouped(lab, **of_the_group)
    attributes = {"tcp.idle_timeout.seconds": "900", "send_tcp_reset.on_idle_timeout.enabled": "true"}
    lab["listener"] = replace(lab["listener"], attributes=attributes)
    node = plan(lab)[1].nodes[0]
    assert (node.stickiness, node.tcp_idle_s, node.reset_on_idle) == (stickiness, tcp_idle_s, reset_on_idle)


def test_targets_reset_their_flows_when_unhealthy_or_after_their_delay_if_the_group_says_so(lab):
    of = {"send_tcp_reset__on_unhealthy__enabled": "true", "send_tcp_reset__on_deregistration__enabled": "true"}
    grouped(lab, **of)
    assert {entry.reset for entry in plan(lab)[1].targets.values()} == {""}
    unwell(lab)
    assert plan(lab)[1].targets[4].reset == "unhealthy"
    lab["target"] = replace(lab["target"], deregistered=5.0, state=TargetState.DRAINING)
    assert plan(lab)[1].targets[4].reset == ""
    del lab["target"]
    assert plan(lab)[1].targets[4].reset == "deregistered"
    lab["group"] = replace(lab["group"], attributes={})
    assert plan(lab)[1].targets[4].reset == ""
