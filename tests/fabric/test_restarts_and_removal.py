"""What the fabric finds when it starts: its own, half of it, none of it; and what is left when it goes: nothing."""

from __future__ import annotations

import errno
import os
import signal
import socket
from pathlib import Path

import pytest

from opengwlb.fabric import Fabric
from opengwlb.fabric.box import LiveBox
from opengwlb.fabric.netlink import Netlink, Request
from opengwlb.model.topology import (
    DELIVERY_TABLE,
    Port,
    Program,
)

from .conftest import NAME
from .machine import devices, host_network, ip, is_up, namespaces, run
from .two_instances import (
    ADDRESSES,
    BOTH,
    DEVICES,
    INSTANCE_SPACES,
    INSTANCES,
    VPC,
    VPC_SPACE,
    Attachments,
    link,
    pings,
    topology,
)


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


def test_looking_again_gives_way_to_what_is_more_urgent(fabric: Fabric) -> None:
    fabric.apply(BOTH, attach=Attachments())
    run("ip", "link", "delete", "eth0", inside=INSTANCE_SPACES[0])
    looks = iter([False] * 3 + [True] * 99)
    everything = {"boxes": BOTH.boxes.keys(), "links": BOTH.links.keys(), "attach": Attachments()}
    assert fabric.verify(BOTH, **everything, interrupted=lambda: next(looks)) is None
    assert DEVICES[0] not in devices(VPC_SPACE)
    looked = fabric.verify(BOTH, **everything, interrupted=lambda: False)
    assert looked is not None
    assert looked.errors == {}
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


def test_a_box_that_cannot_be_read_for_a_moment_keeps_what_runs_in_it(
    fabric: Fabric, monkeypatch: pytest.MonkeyPatch
) -> None:
    fabric.apply(BOTH, attach=Attachments())
    fabric.close()
    before = Path(fabric.namespace(INSTANCES[0])).stat().st_ino

    def out_of_files(self: LiveBox, path: Path) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as broken:
        broken.setattr(LiveBox, "__init__", out_of_files)
        assert INSTANCES[0] in fabric.apply(BOTH, attach=Attachments()).errors
    assert Path(fabric.namespace(INSTANCES[0])).stat().st_ino == before
    assert pings()
    assert fabric.apply(BOTH, attach=Attachments()).errors == {}
    assert pings()
