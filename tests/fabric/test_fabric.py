"""Boxes, links and routes on a real kernel."""

from __future__ import annotations

import errno
import os
import signal
import socket
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from opengwlb.fabric import Fabric
from opengwlb.fabric.netlink import Netlink, Request
from opengwlb.model.topology import (
    DELIVERY_TABLE,
    VPC_MTU,
    Box,
    BoxKind,
    KernelRoute,
    KernelRule,
    Link,
    Neighbour,
    Port,
    PortRef,
    Program,
    Topology,
)

from .conftest import NAME
from .machine import devices, eventually, host_network, ip, is_up, namespaces, run

VPC = "vpc-0aaaaaaaaaaaaaaa1"
INSTANCES = ("i-0aaaaaaaaaaaaaaa2", "i-0aaaaaaaaaaaaaaa3")
ENIS = ("eni-0aaaaaaaaaaaaaaa4", "eni-0aaaaaaaaaaaaaaa5")
ADDRESSES = ("10.7.0.10", "10.7.0.11")
VPC_SPACE, INSTANCE_SPACES = f"{NAME}-vpc-aaaaaaaaa1", (f"{NAME}-i-aaaaaaaaa2", f"{NAME}-i-aaaaaaaaa3")
DEVICES = ("eni-aaaaaaaaa4", "eni-aaaaaaaaa5")
ROUTE_TABLE = 1001


def link(number: int, *, program: Program | None = None, offloads_off: frozenset[str] = frozenset()) -> Link:
    return Link(
        id=ENIS[number],
        a=Port(
            box=VPC,
            device=DEVICES[number],
            mac=f"02:07:00:00:01:{number:02x}",
            mtu=VPC_MTU,
            addresses=("10.7.0.1/32",),
            program=program,
            offloads_off=offloads_off,
        ),
        b=Port(
            box=INSTANCES[number],
            device="eth0",
            mac=f"02:07:00:00:02:{number:02x}",
            mtu=VPC_MTU,
            addresses=(f"{ADDRESSES[number]}/24",),
        ),
    )


def topology(*links: Link) -> Topology:
    """A VPC whose kernel routes between two instances, as far as their links are given."""
    present = [number for number, eni in enumerate(ENIS) if any(one.id == eni for one in links)]
    boxes = {VPC: Box(id=VPC, kind=BoxKind.VPC)}
    boxes |= {INSTANCES[n]: Box(id=INSTANCES[n], kind=BoxKind.INSTANCE) for n in present}
    delivery = {
        KernelRoute(box=VPC, table=DELIVERY_TABLE, destination=f"{ADDRESSES[n]}/32", device=DEVICES[n]) for n in present
    }
    defaults = {
        KernelRoute(box=INSTANCES[n], table=254, destination="0.0.0.0/0", device="eth0", via="10.7.0.1")
        for n in present
    }
    local = KernelRoute(box=VPC, table=ROUTE_TABLE, destination="10.7.0.0/16", kind="throw")
    return Topology(
        boxes=boxes,
        links={one.id: one for one in links},
        routes=frozenset(delivery | defaults | {local}),
        rules=frozenset(
            {
                KernelRule(box=VPC, priority=ROUTE_TABLE, fwmark=ROUTE_TABLE, table=ROUTE_TABLE),
                KernelRule(box=VPC, priority=32_000, table=DELIVERY_TABLE),
            }
        ),
        neighbours=frozenset(
            # Both directions: the instances are in one subnet here, but reach each other through the router.
            {
                Neighbour(box=VPC, device=DEVICES[n], address=ADDRESSES[n], mac=f"02:07:00:00:02:{n:02x}")
                for n in present
            }
            | {
                Neighbour(box=INSTANCES[n], device="eth0", address=address, mac=f"02:07:00:00:01:{n:02x}")
                for n in present
                for address in ("10.7.0.1", *ADDRESSES)
                if address != ADDRESSES[n]
            }
        ),
    )


BOTH = topology(link(0), link(1))


@dataclass
class Attachments:
    """Stands for the data plane: notes what it is asked, and refuses the ports in `broken`."""

    calls: list[tuple[PortRef, str, int, bool]] = field(default_factory=list)
    """Port, namespace path, ifindex, whether the device was up."""
    broken: set[PortRef] = field(default_factory=set)

    def __call__(self, port: Port, *, netns: str, ifindex: int) -> None:
        self.calls.append((port.ref, netns, ifindex, is_up(Path(netns).name, port.device)))
        if port.ref in self.broken:
            raise RuntimeError("the verifier said no")


def pings(source: int = 0, destination: int = 1) -> bool:
    command = ("ping", "-c", "1", "-W", "2", ADDRESSES[destination])
    return " 0% packet loss" in run(*command, inside=INSTANCE_SPACES[source], check=False)


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


def test_a_link_left_down_by_a_crash_gets_its_program_before_it_is_set_up(fabric: Fabric) -> None:
    wanted = topology(link(0, program=Program.ENI), link(1))

    class Crash(BaseException):
        pass

    def crash(port: Port, *, netns: str, ifindex: int) -> None:
        raise Crash

    with pytest.raises(Crash):
        fabric.apply(wanted, attach=crash)
    assert not is_up(VPC_SPACE, DEVICES[0])
    fabric.close()
    attachments = Attachments()
    assert fabric.apply(wanted, attach=attachments).errors == {}
    assert [was_up for _, _, _, was_up in attachments.calls] == [False]
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


@pytest.mark.parametrize("requests_before_death", [0, 4, 7, 11, 14, 17, 22, 27])
def test_what_a_killed_daemon_left_half_built_is_finished(fabric: Fabric, requests_before_death: int) -> None:
    """The child dies by SIGKILL after so many requests to the kernel."""
    wanted = topology(link(0, program=Program.ENI), link(1, program=Program.ENI))
    child = os.fork()
    if child == 0:
        budget = requests_before_death

        def die_when_spent(self: Netlink, requests: list[Request]) -> list[OSError | None]:
            nonlocal budget
            if budget < len(requests):
                real_submit(self, requests[:budget])
                os.kill(os.getpid(), signal.SIGKILL)
            budget -= len(requests)
            return real_submit(self, requests)

        real_submit = Netlink.submit
        Netlink.submit = die_when_spent  # type: ignore[method-assign,assignment]
        fabric.apply(wanted, attach=Attachments())
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "it was not killed: the topology takes fewer requests than that"
    attachments = Attachments()
    assert fabric.apply(wanted, attach=attachments).errors == {}
    assert pings()
    assert {ref for ref, *_ in attachments.calls} == {one.a.ref for one in wanted.links.values()}


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


def test_a_second_fabric_adopts_what_the_first_made(fabric: Fabric) -> None:
    before = fabric.apply(BOTH, attach=Attachments())
    pings()
    received = (
        devices(VPC_SPACE)[DEVICES[0]]["ifindex"],
        run("cat", f"/sys/class/net/{DEVICES[0]}/statistics/rx_packets", inside=VPC_SPACE),
    )
    fabric.close()
    successor = Fabric(name=NAME, run_dir=Path("/run/opengwlb") / NAME)
    try:
        after = successor.apply(BOTH, attach=Attachments())
        assert (after.ifindex, after.errors, after.made) == (before.ifindex, {}, frozenset())
        assert received[0] == devices(VPC_SPACE)[DEVICES[0]]["ifindex"]
        assert int(received[1]) > 0
        smaller = successor.apply(topology(link(0)), attach=Attachments())
        assert smaller.removed == {INSTANCE_SPACES[1]}
        assert DEVICES[1] not in devices(VPC_SPACE)
        routes = ip(VPC_SPACE, "route", "show", "table", str(DELIVERY_TABLE))
        assert [route["dst"] for route in routes] == [ADDRESSES[0]]
        bigger = successor.apply(BOTH, attach=Attachments())
        assert max(bigger.ifindex.values()) > max(before.ifindex.values())
    finally:
        successor.close()


@pytest.mark.parametrize("restarted", [False, True])
def test_a_box_that_vanished_is_made_again_with_its_links(fabric: Fabric, restarted: bool) -> None:
    fabric.apply(BOTH, attach=Attachments())
    if restarted:
        fabric.close()
    run("ip", "netns", "delete", VPC_SPACE)
    applied = fabric.apply(BOTH, attach=Attachments())
    assert applied.errors == {}
    assert applied.made == {VPC}
    assert pings()


def test_a_deleted_device_is_made_again_when_asked_to_verify(fabric: Fabric) -> None:
    fabric.apply(BOTH, attach=Attachments())
    run("ip", "link", "delete", "eth0", inside=INSTANCE_SPACES[0])
    run("ip", "route", "flush", "table", str(DELIVERY_TABLE), inside=VPC_SPACE)
    assert not pings(1, 0)
    assert fabric.apply(BOTH, attach=Attachments(), verify=True).errors == {}
    assert pings()


def test_the_file_of_a_namespace_that_a_crash_left_behind_is_replaced(fabric: Fabric) -> None:
    fabric.apply(topology(link(0)), attach=Attachments())
    leftover = Path("/run/netns") / INSTANCE_SPACES[1]
    leftover.touch()
    assert fabric.apply(BOTH, attach=Attachments()).errors == {}
    assert pings()


def test_what_an_instances_root_added_is_left_alone(fabric: Fabric) -> None:
    fabric.apply(BOTH, attach=Attachments())
    run("ip", "address", "add", "192.0.2.77/32", "dev", "lo", inside=INSTANCE_SPACES[0])
    run("ip", "route", "add", "198.51.100.0/24", "via", "10.7.0.1", inside=INSTANCE_SPACES[0])
    run("ip", "link", "add", "mine", "type", "veth", "peer", "name", "mine2", inside=INSTANCE_SPACES[0])
    fabric.close()
    assert fabric.apply(BOTH, attach=Attachments()).errors == {}
    assert fabric.apply(topology(link(0)), attach=Attachments()).errors == {}
    assert "192.0.2.77" in run("ip", "address", inside=INSTANCE_SPACES[0])
    assert "198.51.100.0/24" in run("ip", "route", inside=INSTANCE_SPACES[0])
    assert "mine" in devices(INSTANCE_SPACES[0])


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


def test_destroy_leaves_nothing_and_the_host_never_saw_a_thing(fabric: Fabric) -> None:
    before = host_network()
    fabric.apply(BOTH, attach=Attachments())
    assert pings()
    assert host_network() == before
    fabric.destroy()
    assert host_network() == before
    assert namespaces(f"{NAME}-") == set()
    assert not fabric.present()
    assert f"/run/netns/{NAME}-" not in Path("/proc/self/mountinfo").read_text()
    assert not (Path("/run/opengwlb") / NAME).exists()
    fabric.destroy()


def test_destroy_removes_what_an_earlier_run_left(fabric: Fabric) -> None:
    fabric.apply(BOTH, attach=Attachments())
    fabric.close()
    successor = Fabric(name=NAME, run_dir=Path("/run/opengwlb") / NAME)
    assert successor.present()
    successor.destroy()
    assert namespaces(f"{NAME}-") == set()


def test_the_other_end_of_a_link_goes_although_a_process_still_holds_the_box(fabric: Fabric) -> None:
    fabric.apply(BOTH, attach=Attachments())
    with fabric.open_socket(INSTANCES[1]):
        fabric.apply(topology(link(0)), attach=Attachments())
        assert DEVICES[1] not in devices(VPC_SPACE)
        assert fabric.apply(BOTH, attach=Attachments()).errors == {}
        assert pings()


def test_two_names_do_not_touch_each_other(fabric: Fabric, other_fabric: Fabric) -> None:
    fabric.apply(BOTH, attach=Attachments())
    other_fabric.apply(BOTH, attach=Attachments())
    assert fabric.apply(topology(link(0)), attach=Attachments()).removed == {INSTANCE_SPACES[1]}
    assert len(other_fabric.leftovers()) == 3
    fabric.destroy()
    assert len(other_fabric.leftovers()) == 3
    assert other_fabric.apply(BOTH, attach=Attachments(), verify=True).errors == {}
    other = other_fabric.run_in(INSTANCES[0], lambda: sorted(name for _, name in socket.if_nameindex()))
    assert other == ["eth0", "lo"]


def test_no_lab_packet_appears_on_an_interface_of_the_host(fabric: Fabric) -> None:
    fabric.apply(BOTH, attach=Attachments())
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as capture:
        capture.setblocking(False)
        assert pings()
        with fabric.open_socket(INSTANCES[0], kind=socket.SOCK_DGRAM) as sender:
            for address in (ADDRESSES[1], "203.0.113.9", "8.8.8.8"):
                sender.sendto(b"where does this go", (address, 9))
        seen = []
        while True:
            try:
                seen.append(capture.recv(65535))
            except BlockingIOError:
                break
    lab = [socket.inet_aton(address) for address in ADDRESSES]
    assert not [frame for frame in seen if any(address in frame[14:54] for address in lab)]


def test_an_id_that_is_no_box_is_an_error_of_its_own(fabric: Fabric) -> None:
    strange = replace(BOTH, boxes=BOTH.boxes | {"../etc": Box(id="../etc", kind=BoxKind.VPC)})
    applied = fabric.apply(strange, attach=Attachments())
    assert list(applied.errors) == ["../etc"]
    assert pings()
