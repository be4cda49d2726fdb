"""What is kept by its pieces equals what is derived from nothing, after every change of a random sequence."""

from __future__ import annotations

import dataclasses
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from opengwlb.control.health import Assignments, assignments
from opengwlb.model.compute import Instance, InstanceState
from opengwlb.model.elb import Listener, LoadBalancer, LoadBalancerZone, Slot, Target, TargetGroup, TargetState
from opengwlb.model.plane import Plane
from opengwlb.model.privatelink import InterfaceEndpoint, VpcEndpoint
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.topology import Topology
from opengwlb.model.uplinks import Uplink
from opengwlb.model.vpc import (
    Address,
    Attachment,
    InternetGateway,
    Ipv6Block,
    NetworkInterface,
    Route,
    RouteTable,
    RouteTableAssociation,
    Subnet,
    Vpc,
)
from opengwlb.policy import network, slots, status
from opengwlb.policy.plane import plane
from opengwlb.policy.standing import Standing

FEW = st.integers(0, 2)
OWN: dict[str, Any] = {"account": "111111111111", "region": "ap-northeast-2"}
FIRST_OF_NODES = 3
"""Interfaces from here on belong to load balancers' nodes, the last to an interface endpoint."""
ZONES = ("ap-northeast-2a", "ap-northeast-2b", "ap-northeast-2c")
LB = "arn:aws:elasticloadbalancing:ap-northeast-2:111111111111:loadbalancer/gwy/lb/{:016x}"


def name(prefix: str, number: int) -> str:
    return f"{prefix}-0{number:016x}"


@st.composite
def vpcs(draw: st.DrawFn) -> Vpc:
    number = draw(FEW)
    blocks = (Ipv6Block(association="a", cidr=f"2600:{number}::/56"),) if draw(st.booleans()) else ()
    ids = {key: key for key in ("main_route_table", "default_security_group", "default_network_acl", "dhcp_options")}
    return Vpc(id=name("vpc", number), cidr="10.0.0.0/16", cidr_association="a", ipv6=blocks, **ids, **OWN)


@st.composite
def subnets(draw: st.DrawFn) -> Subnet:
    number = draw(FEW)
    block = Ipv6Block(association="a", cidr="2600:0:0:1::/64") if draw(st.booleans()) else None
    return Subnet(
        id=name("subnet", number),
        vpc=name("vpc", draw(FEW)),
        cidr=f"10.0.{draw(FEW)}.0/24",
        zone=ZONES[draw(FEW)],
        zone_id="z",
        ipv6=block,
        **OWN,
    )


@st.composite
def interfaces(draw: st.DrawFn) -> NetworkInterface:
    number = draw(st.integers(0, 9))
    attached = Attachment(
        id="a", instance=name("i", draw(FEW)), device_index=number, delete_on_termination=True, attach_time=0
    )
    return NetworkInterface(
        id=name("eni", number),
        vpc=name("vpc", draw(FEW)),
        subnet=name("subnet", draw(FEW)),
        zone=ZONES[draw(FEW)],
        private_ip=f"10.0.{draw(FEW)}.{draw(st.integers(4, 7))}",
        mac=f"02:00:00:00:00:{number:02x}",
        source_dest_check=draw(st.booleans()),
        attachment=attached if number < FIRST_OF_NODES and draw(st.booleans()) else None,
        uplink=name("upl", 0) if number == 2 and draw(st.booleans()) else None,
        ipv6_addresses=("2600:0:0:1::9",) if draw(st.booleans()) else (),
        **OWN,
    )


@st.composite
def gateways(draw: st.DrawFn) -> InternetGateway:
    vpc = name("vpc", draw(FEW)) if draw(st.booleans()) else None
    return InternetGateway(id=name("igw", draw(FEW)), vpc=vpc, **OWN)


@st.composite
def addresses(draw: st.DrawFn) -> Address:
    number = draw(FEW)
    interface = name("eni", draw(FEW)) if draw(st.booleans()) else None
    return Address(id=name("eipalloc", number), public_ip=f"198.51.100.{number}", network_interface=interface, **OWN)


@st.composite
def tables(draw: st.DrawFn) -> RouteTable:
    number = draw(FEW)
    targets = st.sampled_from(
        [("local", "local"), ("gateway", name("igw", 0)), ("vpc-endpoint", name("vpce", 0))]
        + [("network-interface", name("eni", one)) for one in range(6)]
    )
    routes = tuple(
        Route(destination=destination, target_type=kind, target=target)  # type: ignore[arg-type]  # drawn, not literal
        for destination, (kind, target) in draw(
            st.dictionaries(st.sampled_from(["0.0.0.0/0", "::/0", "10.9.0.0/16"]), targets)
        ).items()
    )
    where = draw(st.sampled_from(["main", "subnet", "gateway"]))
    one = RouteTableAssociation(
        id="a",
        main=where == "main",
        subnet=name("subnet", draw(FEW)) if where == "subnet" else None,
        gateway=name("igw", draw(FEW)) if where == "gateway" else None,
    )
    return RouteTable(
        id=name("rtb", number),
        vpc=name("vpc", draw(FEW)),
        number=1000 + number,
        routes=routes,
        associations=(one,),
        **OWN,
    )


@st.composite
def instances(draw: st.DrawFn) -> Instance:
    number = draw(FEW)
    return Instance(
        id=name("i", number),
        vpc=name("vpc", 0),
        subnet=name("subnet", 0),
        zone=ZONES[0],
        image=draw(st.sampled_from(["ami-0f000000000000001", "ami-0f000000000000002", "ami-0f000000000000003"])),
        instance_type="t3.micro",
        private_ip="10.0.0.4",
        network_interfaces=(),
        reservation="r-1",
        launch_index=0,
        launch_time=0,
        state=draw(st.sampled_from(list(InstanceState))),
        **OWN,
    )


@st.composite
def load_balancers(draw: st.DrawFn) -> LoadBalancer:
    number = draw(st.integers(0, 1))
    first = FIRST_OF_NODES + 3 * number
    zones = tuple(
        LoadBalancerZone(zone=ZONES[one], subnet=name("subnet", one), network_interface=name("eni", first + one))
        for one in sorted(draw(st.sets(FEW)))
    )
    attributes = {"load_balancing.cross_zone.enabled": "true"} if draw(st.booleans()) else {}
    kind = draw(st.sampled_from(["ipv4", "dualstack"]))
    return LoadBalancer(
        id=LB.format(number),
        name="lb",
        vpc=name("vpc", 0),
        zones=zones,
        created=0,
        attributes=attributes,
        ip_address_type=kind,  # type: ignore[arg-type]  # drawn, not literal
        **OWN,
    )


@st.composite
def groups(draw: st.DrawFn) -> TargetGroup:
    attributes = {
        "deregistration_delay.timeout_seconds": "7",
        "target_failover.on_deregistration": "rebalance",
        "target_failover.on_unhealthy": "rebalance",
    }
    kind = draw(st.sampled_from(["instance", "ip"]))
    return TargetGroup(
        id=f"tg{draw(st.integers(0, 1))}",
        name="tg",
        vpc=name("vpc", 0),
        target_type=kind,  # type: ignore[arg-type]  # drawn, not literal
        attributes=attributes if draw(st.booleans()) else {},
        **OWN,
    )


@st.composite
def targets(draw: st.DrawFn) -> Target:
    group = f"tg{draw(st.integers(0, 1))}"
    target = draw(st.sampled_from([name("i", 0), name("i", 1), "10.0.0.4", "10.0.1.5", "192.168.0.9"]))
    state = draw(st.sampled_from(list(TargetState)))
    left = draw(st.sampled_from([None, None, 0.0, 5.0]))
    return Target(
        id=f"{group}|{target}", target_group=group, target=target, registered=0, state=state, deregistered=left
    )


@st.composite
def listeners(draw: st.DrawFn) -> Listener:
    number = draw(st.integers(0, 1))
    group = f"tg{draw(st.integers(0, 1))}"
    return Listener(id=f"listener{number}", load_balancer=LB.format(number), target_group=group, **OWN)


@st.composite
def endpoints(draw: st.DrawFn) -> VpcEndpoint:
    return VpcEndpoint(
        id=name("vpce", draw(FEW)),
        service="vpce-svc-1",
        service_name="s",
        vpc=name("vpc", draw(FEW)),
        subnet=name("subnet", draw(FEW)),
        zone=ZONES[draw(FEW)],
        network_interface=name("eni", 9),
        created=0,
        load_balancer=LB.format(draw(st.integers(0, 1))),
        state=draw(st.sampled_from(["pendingAcceptance", "pending", "available", "rejected", "deleting"])),
        ip_address_type=draw(st.sampled_from(["ipv4", "dualstack"])),
        **OWN,
    )


@st.composite
def served(draw: st.DrawFn) -> InterfaceEndpoint:
    return InterfaceEndpoint(
        id=name("vpce", 7),
        service_name="com.amazonaws.x.ec2",
        vpc=name("vpc", draw(FEW)),
        network_interfaces={name("subnet", 0): name("eni", 9)},
        created=0,
        state=draw(st.sampled_from(["pending", "available", "deleting"])),
        **OWN,
    )


@st.composite
def uplinks(draw: st.DrawFn) -> Uplink:
    return Uplink(
        id=name("upl", 0),
        vpc=name("vpc", draw(FEW)),
        subnet=name("subnet", draw(FEW)),
        device="eth9",
        created=0,
        mac="02:00:00:00:01:00",
        mtu=1500,
        **OWN,
    )


OBJECTS = st.one_of(
    vpcs(), subnets(), interfaces(), gateways(), addresses(), tables(), instances(), load_balancers(), groups(),
    targets(), listeners(), endpoints(), served(), uplinks(),
)  # fmt: skip
STEPS = st.lists(st.lists(st.tuples(st.booleans(), OBJECTS), min_size=1, max_size=4), min_size=1, max_size=25)


def without_order(found: Plane) -> dict[str, Any]:
    """A plane by its fields; addresses of a port are tried one by one by the programs, in whatever order."""
    fields = {one.name: getattr(found, one.name) for one in dataclasses.fields(found)}
    gateways6 = {port: sorted(entry.addresses) for port, entry in fields.pop("gateways6").items()}
    return fields | {"gateways6": gateways6}


@settings(deadline=None, max_examples=150)
@given(steps=STEPS)
def test_what_is_kept_by_pieces_is_what_is_derived_from_nothing(steps: list[list[tuple[bool, Any]]]) -> None:
    standing, numbering, states, due, probes = (
        Standing(),
        slots.Numbering(),
        status.States(),
        status.Due(),
        Assignments(),
    )
    objects: dict[type[Any], dict[str, Any]] = {}
    before = Plane()
    known = Topology()
    for revision, step in enumerate(steps):
        for delete, one in step:
            kind = dict(objects.get(type(one), {}))
            if delete:
                kind.pop(one.id, None)
            else:
                kind[one.id] = one
            objects = objects | {type(one): kind}
        objects = _attached(objects)
        snapshot = Snapshot(revision, objects)
        new, gone = slots.changes(snapshot)
        assert numbering.changes(snapshot) == (new, gone)
        numbered = {key: slot for key, slot in objects.get(Slot, {}).items() if key not in gone}
        objects = objects | {Slot: numbered | {slot.id: slot for slot in new}}
        snapshot = Snapshot(revision, objects)

        difference = standing.update(snapshot)

        topology = network.topology(snapshot)
        whole = plane(snapshot, topology)
        assert standing.topology() == topology
        assert without_order(standing.plane()) == without_order(whole)
        _check_links(difference.links, known, topology)
        _check_entries(difference, before, whole)
        _check_part(standing, topology)
        before, known = whole, topology

        built = frozenset(topology.links if revision % 2 else ())
        errors = dict.fromkeys(sorted(topology.links)[: revision % 3], "why")
        wanted = status.after_build(snapshot, built=built, errors=errors)
        assert _written(states.writes(snapshot, built=built, errors=errors)) == _written(wanted)
        assert _written(due.writes(snapshot, now=revision)) == _written(status.due(snapshot, now=revision))
        assert probes.of(snapshot, built=built) == assignments(snapshot, built=built)


def _attached(objects: dict[type[Any], dict[str, Any]]) -> dict[type[Any], dict[str, Any]]:
    """An interface is one instance's: the instances with the interfaces that are attached to them now."""
    found: dict[str, Any] = {}
    for key, one in objects.get(Instance, {}).items():
        mine = tuple(
            interface.id
            for interface in objects.get(NetworkInterface, {}).values()
            if interface.attachment is not None and interface.attachment.instance == key
        )
        found[key] = one if one.network_interfaces == mine else dataclasses.replace(one, network_interfaces=mine)
    return objects | {Instance: found}


def _written(writes: status.Writes) -> tuple[set[Any], set[Any]]:
    return {(type(one), one.id, repr(one)) for one in writes.put}, set(writes.delete)


def _check_links(changed: frozenset[str], known: Topology, topology: Topology) -> None:
    assert changed == {
        one for one in known.links.keys() | topology.links.keys() if known.links.get(one) != topology.links.get(one)
    }


def _check_entries(difference: Any, before: Plane, after: Plane) -> None:
    """What went, came or changed is told; nothing else."""
    for field in dataclasses.fields(Plane):
        if field.name == "gateways6":
            continue
        was, now = getattr(before, field.name), getattr(after, field.name)
        went, came = getattr(difference.before, field.name), getattr(difference.after, field.name)
        if isinstance(was, dict):
            was, now, went, came = (set(one.items()) for one in (was, now, went, came))
        assert went == was - now, field.name
        assert came == now - was, field.name


def _check_part(standing: Standing, topology: Topology) -> None:
    for box in topology.boxes:
        part = standing.part([box])
        assert part.boxes[box] == topology.boxes[box]
        assert part.routes == {one for one in topology.routes if one.box == box}
        assert part.rules == {one for one in topology.rules if one.box == box}
        assert part.neighbours == {one for one in topology.neighbours if one.box == box}
        of_box = {key: link for key, link in topology.links.items() if box in (link.a.box, link.b.box)}
        assert standing.links_of([box]) == of_box.keys()
        assert of_box.items() <= part.links.items() <= topology.links.items()
