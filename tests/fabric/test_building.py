"""Boxes, links and routes on a real kernel, from nothing and from one topology to another."""

from __future__ import annotations

import errno
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from opengwlb.fabric import Fabric
from opengwlb.model.topology import (
    DELIVERY_TABLE,
    VPC_MTU,
    Box,
    BoxKind,
    KernelRoute,
    Link,
    Port,
    PortRef,
    Program,
    Topology,
)

from .conftest import NAME
from .machine import devices, eventually, ip, is_up, namespaces, run
from .two_instances import (
    ADDRESSES,
    BOTH,
    DEVICES,
    ENIS,
    INSTANCE_SPACES,
    INSTANCES,
    ROUTE_TABLE,
    VPC,
    VPC_SPACE,
    Attachments,
    link,
    pings,
    topology,
)


def test_a_box_is_a_namespace_called_by_the_name_the_kind_and_the_last_ten_digits(fabric: Fabric) -> None:
    applied = fabric.apply(BOTH, attach=Attachments())
    assert applied.errors == {}
    assert namespaces(f"{NAME}-") == {VPC_SPACE, *INSTANCE_SPACES}
    assert applied.made == {VPC, *INSTANCES}
    assert fabric.namespace(VPC) == f"/run/netns/{VPC_SPACE}"
    assert fabric.leftovers() == tuple(sorted({VPC_SPACE, *INSTANCE_SPACES}))


def test_packets_pass_between_boxes(fabric: Fabric) -> None:
    fabric.apply(BOTH, attach=Attachments())
    assert pings()
    with fabric.open_socket(INSTANCES[0], kind=socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x", (ADDRESSES[1], 9))


def test_both_ends_of_a_link_have_ifindexes_that_no_other_device_has(fabric: Fabric, other_fabric: Fabric) -> None:
    applied = fabric.apply(BOTH, attach=Attachments())
    other = other_fabric.apply(BOTH, attach=Attachments())
    numbers = [*applied.ifindex.values(), *other.ifindex.values()]
    assert len(numbers) == len(set(numbers)) == 8
    assert min(numbers) >= 1_000_000
    assert devices(VPC_SPACE)[DEVICES[0]]["ifindex"] == applied.ifindex[PortRef(VPC, DEVICES[0])]
    assert devices(INSTANCE_SPACES[0])["eth0"]["ifindex"] == applied.ifindex[PortRef(INSTANCES[0], "eth0")]


def test_devices_have_the_name_mac_mtu_and_altname_of_their_port(fabric: Fabric) -> None:
    fabric.apply(BOTH, attach=Attachments())
    for namespace, name, mac in ((VPC_SPACE, DEVICES[0], "01"), (INSTANCE_SPACES[0], "eth0", "02")):
        device = devices(namespace)[name]
        assert device["mtu"] == 9001
        assert device["address"] == f"02:07:00:00:{mac}:00"
        assert device["altnames"] == [ENIS[0]]
        assert device["num_tx_queues"] == device["num_rx_queues"] == 1


def test_two_links_that_share_an_id_share_an_altname_only_where_they_do_not_meet(fabric: Fabric) -> None:
    igw, internet = "igw-0aaaaaaaaaaaaaaa7", "internet"
    ends = [
        Port(box=box, device=device, mac=f"02:07:00:00:03:{n:02x}", mtu=1500)
        for n, (box, device) in enumerate(((VPC, "igw"), (igw, "vpc"), (igw, "internet"), (internet, "igw")))
    ]
    applied = fabric.apply(
        Topology(
            boxes={
                VPC: Box(id=VPC, kind=BoxKind.VPC),
                igw: Box(id=igw, kind=BoxKind.IGW),
                internet: Box(id=internet, kind=BoxKind.INTERNET, addresses=("203.0.113.10/32",)),
            },
            links={
                igw: Link(id=igw, a=ends[0], b=ends[1]),
                f"{igw}/internet": Link(id=f"{igw}/internet", a=ends[2], b=ends[3]),
            },
        ),
        attach=Attachments(),
    )
    assert applied.errors == {}
    assert devices(f"{NAME}-igw-aaaaaaaaa7")["vpc"]["altnames"] == [igw]
    assert "altnames" not in devices(f"{NAME}-igw-aaaaaaaaa7")["internet"]
    assert devices(f"{NAME}-internet")["igw"]["altnames"] == [igw]
    loopback = ip(f"{NAME}-internet", "address", "show", "lo")[0]
    assert "UP" in loopback["flags"]
    assert "203.0.113.10" in {entry["local"] for entry in loopback["addr_info"]}


def test_the_kernel_shows_the_routes_rules_and_neighbours_of_the_topology(fabric: Fabric) -> None:
    fabric.apply(BOTH, attach=Attachments())
    delivery = ip(VPC_SPACE, "route", "show", "table", str(DELIVERY_TABLE))
    assert {(route["dst"], route["dev"]) for route in delivery} == set(zip(ADDRESSES, DEVICES, strict=True))
    (local,) = ip(VPC_SPACE, "route", "show", "table", str(ROUTE_TABLE))
    assert (local["type"], local["dst"]) == ("throw", "10.7.0.0/16")
    (default,) = ip(INSTANCE_SPACES[0], "route", "show", "default")
    assert (default["gateway"], default["dev"], default["flags"]) == ("10.7.0.1", "eth0", ["onlink"])
    rules = {(rule["priority"], rule.get("fwmark"), rule["table"]) for rule in ip(VPC_SPACE, "rule", "show")}
    assert {(ROUTE_TABLE, hex(ROUTE_TABLE), str(ROUTE_TABLE)), (32_000, None, str(DELIVERY_TABLE))} < rules
    neighbours = ip(VPC_SPACE, "neighbour", "show", "dev", DEVICES[1])
    assert [(entry["dst"], entry["state"]) for entry in neighbours] == [(ADDRESSES[1], ["PERMANENT"])]


def test_routers_forward_and_boxes_speak_no_ipv6(fabric: Fabric) -> None:
    fabric.apply(BOTH, attach=Attachments())
    names = ("ip_forward", "fwmark_reflect", f"conf/{DEVICES[0]}/forwarding", f"conf/{DEVICES[0]}/rp_filter")
    values = fabric.run_in(VPC, lambda: [Path(f"/proc/sys/net/ipv4/{name}").read_text().strip() for name in names])
    assert values == ["1", "1", "1", "0"]
    assert fabric.run_in(INSTANCES[0], Path("/proc/sys/net/ipv4/ip_forward").read_text).strip() == "0"
    for namespace in (VPC_SPACE, *INSTANCE_SPACES):
        assert ip(namespace, "-6", "address", "show") == []


def test_a_program_is_attached_while_its_link_is_down_and_at_every_pass(fabric: Fabric) -> None:
    attachments = Attachments()
    wanted = topology(link(0, program=Program.ENI))
    applied = fabric.apply(wanted, attach=attachments)
    index = applied.ifindex[PortRef(VPC, DEVICES[0])]
    assert attachments.calls == [(PortRef(VPC, DEVICES[0]), f"/run/netns/{VPC_SPACE}", index, False)]
    assert is_up(VPC_SPACE, DEVICES[0])
    fabric.apply(wanted, attach=attachments)
    assert len(attachments.calls) == 2


def test_a_link_whose_program_cannot_be_attached_stays_down_and_the_others_work(fabric: Fabric) -> None:
    attachments = Attachments(broken={PortRef(VPC, DEVICES[0])})
    wanted = topology(link(0, program=Program.ENI), link(1, program=Program.ENI))
    applied = fabric.apply(wanted, attach=attachments)
    assert applied.errors == {ENIS[0]: "the verifier said no"}
    assert not is_up(VPC_SPACE, DEVICES[0])
    assert not is_up(INSTANCE_SPACES[0], "eth0")
    assert is_up(VPC_SPACE, DEVICES[1])
    attachments.broken.clear()
    assert fabric.apply(wanted, attach=attachments).errors == {}
    assert pings()


@pytest.mark.parametrize("restarted", [False, True])
def test_a_link_that_loses_its_program_is_taken_down(fabric: Fabric, restarted: bool) -> None:
    wanted = topology(link(0, program=Program.ENI), link(1))
    fabric.apply(wanted, attach=Attachments())
    if restarted:
        fabric.close()
    broken = Attachments(broken={PortRef(VPC, DEVICES[0])})
    assert fabric.apply(wanted, attach=broken).errors == {ENIS[0]: "the verifier said no"}
    assert not is_up(VPC_SPACE, DEVICES[0])
    assert fabric.apply(wanted, attach=Attachments()).errors == {}
    assert pings()


def offload(device: str, feature: str) -> str:
    lines = run("ethtool", "-k", device, inside=VPC_SPACE).splitlines()
    return next(line.split(": ")[1] for line in lines if line.strip().startswith(f"{feature}:"))


@pytest.mark.parametrize("restarted", [False, True])
def test_offloads_are_switched_off_and_on_again(fabric: Fabric, restarted: bool) -> None:
    features = frozenset({"tx-checksum-ip-generic", "tx-udp-segmentation"})
    fabric.apply(topology(link(0, offloads_off=features), link(1)), attach=Attachments())
    assert {offload(DEVICES[0], feature) for feature in features} == {"off"}
    assert {offload(DEVICES[1], feature) for feature in features} == {"on"}
    if restarted:
        fabric.close()
    fabric.apply(BOTH, attach=Attachments())
    assert {offload(DEVICES[0], feature) for feature in features} == {"on"}


def test_an_unknown_offload_is_its_links_error_and_keeps_it_down(fabric: Fabric) -> None:
    applied = fabric.apply(topology(link(0, offloads_off=frozenset({"tx-magic"})), link(1)), attach=Attachments())
    assert list(applied.errors) == [ENIS[0]]
    assert "tx-magic" in applied.errors[ENIS[0]]
    assert is_up(VPC_SPACE, DEVICES[1])


def test_a_port_that_changed_is_changed_in_place(fabric: Fabric) -> None:
    before = fabric.apply(BOTH, attach=Attachments())
    changed = link(0)
    changed = replace(changed, b=replace(changed.b, mac="02:07:00:00:02:77", mtu=1400, addresses=("10.7.0.20/24",)))
    after = fabric.apply(topology(changed, link(1)), attach=Attachments())
    assert after.ifindex == before.ifindex
    device = devices(INSTANCE_SPACES[0])["eth0"]
    assert (device["address"], device["mtu"]) == ("02:07:00:00:02:77", 1400)
    addresses = ip(INSTANCE_SPACES[0], "address", "show", "eth0")[0]["addr_info"]
    assert [entry["local"] for entry in addresses] == ["10.7.0.20"]


def test_neighbours_survive_a_change_of_their_devices_mac_and_mtu(fabric: Fabric) -> None:
    fabric.apply(BOTH, attach=Attachments())
    changed = link(0)
    changed = replace(changed, a=replace(changed.a, mac="02:07:00:00:01:77", mtu=1400))
    assert fabric.apply(topology(changed, link(1)), attach=Attachments()).errors == {}
    neighbours = ip(VPC_SPACE, "neighbour", "show", "dev", DEVICES[0])
    assert [(entry["dst"], entry["state"]) for entry in neighbours] == [(ADDRESSES[0], ["PERMANENT"])]


def test_routes_survive_the_loss_of_their_devices_only_address(fabric: Fabric) -> None:
    fabric.apply(BOTH, attach=Attachments())
    changed = link(0)
    changed = replace(changed, a=replace(changed.a, addresses=()))
    assert fabric.apply(topology(changed, link(1)), attach=Attachments()).errors == {}
    delivery = ip(VPC_SPACE, "route", "show", "table", str(DELIVERY_TABLE))
    assert {route["dst"] for route in delivery} == set(ADDRESSES)
    assert len(ip(VPC_SPACE, "neighbour", "show", "dev", DEVICES[0])) == 1


def test_a_lab_of_twenty_boxes_and_sixty_links_is_built_in_a_moment_and_kept_for_nothing(fabric: Fabric) -> None:
    boxes = {VPC: Box(id=VPC, kind=BoxKind.VPC)}
    links: dict[str, Link] = {}
    routes: set[KernelRoute] = set()
    for number in range(60):
        instance, eni = f"i-0dddddddddddddd{number % 19:02x}", f"eni-0dddddddddddddd{number:02x}"
        boxes[instance] = Box(id=instance, kind=BoxKind.INSTANCE)
        address = f"10.7.1.{number}"
        a = Port(box=VPC, device=f"eni-{number}", mac=f"02:07:00:00:03:{number:02x}", mtu=VPC_MTU)
        b = Port(
            box=instance,
            device=f"eth{number // 19}",
            mac=f"02:07:00:00:04:{number:02x}",
            mtu=VPC_MTU,
            addresses=(f"{address}/24",),
        )
        links[eni] = Link(id=eni, a=a, b=b)
        routes.add(KernelRoute(box=VPC, table=DELIVERY_TABLE, destination=f"{address}/32", device=a.device))
    wanted = Topology(boxes=boxes, links=links, routes=frozenset(routes))
    begin = time.monotonic()
    assert fabric.apply(wanted, attach=Attachments()).errors == {}
    built = time.monotonic()
    for _ in range(10):
        fabric.apply(wanted, attach=Attachments())
    kept = time.monotonic()
    assert built - begin < 3
    assert (kept - built) / 10 < 0.02


def test_a_route_that_cannot_be_installed_is_an_error_of_its_link_or_box(fabric: Fabric) -> None:
    bad = {
        KernelRoute(box=VPC, table=ROUTE_TABLE, destination="10.8.0.0/16", device="nonesuch"),
        KernelRoute(box=INSTANCES[0], table=254, destination="10.9.0.0/16", device="eth0", via="300.1.1.1"),
        KernelRoute(box=INSTANCES[1], table=254, destination="10.9.0.0/16", device="eth0", via="224.0.0.1"),
    }
    applied = fabric.apply(replace(BOTH, routes=BOTH.routes | bad), attach=Attachments())
    assert set(applied.errors) == {VPC, *ENIS}
    assert "nonesuch" in applied.errors[VPC]
    assert pings()
    assert fabric.apply(BOTH, attach=Attachments()).errors == {}


def test_replacing_a_route_leaves_no_moment_without_one(fabric: Fabric) -> None:
    destination = "203.0.113.0/24"

    def routed(to: KernelRoute) -> Topology:
        return replace(BOTH, routes=BOTH.routes | {to})

    by_device = KernelRoute(box=VPC, table=254, destination=destination, device=DEVICES[0])
    by_other = KernelRoute(box=VPC, table=254, destination=destination, device=DEVICES[1], via=ADDRESSES[1])
    fabric.apply(routed(by_device), attach=Attachments())
    unreachable: list[int] = []
    sent = 0
    stop = threading.Event()

    def send() -> None:
        nonlocal sent
        with fabric.open_socket(VPC, kind=socket.SOCK_DGRAM) as sender:
            while not stop.is_set():
                try:
                    sender.sendto(b"x", ("203.0.113.9", 9))
                    sent += 1
                except OSError as error:
                    if error.errno == errno.ENETUNREACH:
                        unreachable.append(error.errno)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        eventually(lambda: sent > 0)
        for to in (by_other, by_device) * 20:
            assert fabric.apply(routed(to), attach=Attachments()).errors == {}
    finally:
        stop.set()
        thread.join()
    assert sent > 100
    assert unreachable == []


def test_an_id_that_is_no_box_is_an_error_of_its_own(fabric: Fabric) -> None:
    strange = replace(BOTH, boxes=BOTH.boxes | {"../etc": Box(id="../etc", kind=BoxKind.VPC)})
    applied = fabric.apply(strange, attach=Attachments())
    assert list(applied.errors) == ["../etc"]
    assert pings()
