"""Who may touch a flow: the target it was given to, and nobody else. Each forged return meets its own verdict, in programs and model."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from struct import pack

import pytest

from .frames import CLIENTS, CLIENTS6, SERVERS, SERVERS6, Dice, Returns, ipv4_packet, ipv6_packet, tcp, udp
from .hunt import Judge
from .state import Flow
from .world import World, ref

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="loads programs into the kernel: root only")

STRANGER = bytes((10, 9, 1, 99))
QUESTION = ipv4_packet(CLIENTS[0], SERVERS[0], 17, udp(1000, 53, b"question"))


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    subprocess.run(["make", "-s", "-C", str(ROOT / "bpf")], check=True)
    with World.opened(name="isolation") as opened:
        yield opened


class Table:
    """Packets into an empty flow table and back, each judged by the model too."""

    def __init__(self, world: World) -> None:
        self.judge = Judge(world)
        self.judge.begin("isolation")
        self.world = world

    @property
    def model(self):
        return self.judge.model

    def meets(self, program: str, port: str, frame: bytes) -> str:
        """The verdict, on which program and model agree."""
        before = dict(self.judge.verdicts)
        find = self.judge.frame(program, port, 0, frame)
        assert find is None, str(find)
        return next(name for name, times in self.judge.verdicts.items() if before.get(name, 0) != times)

    def through(self, packet: bytes, door: str = "door0") -> str:
        port = self.world.ports[ref(door)]
        kind = b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00"
        return self.meets("endpoint", door, port.mac + port.peer_mac + kind + packet)

    def flow(self, packet: bytes, door: str = "door0") -> Flow:
        assert self.through(packet, door) == "encapsulated"
        assert self.model.flow is not None
        return self.model.flow

    def back(
        self,
        flow: Flow,
        inner: bytes,
        *,
        sender: bytes | None = None,
        cookie: int | None = None,
        endpoint: int | None = None,
    ) -> str:
        """What the node says to a return, well-formed but for what is named."""
        node = flow.door.node
        assert node is not None
        tlvs = Returns(Dice("none"), nodes=[], targets=[], endpoints=[]).tlvs(
            flow.door.id if endpoint is None else endpoint, 0, flow.cookie if cookie is None else cookie
        )
        kind = 0x86DD if inner[0] >> 4 == 6 else 0x0800
        body = pack("!BBHI", 8, 0, kind, 0) + b"".join(tlvs) + inner
        outer = ipv4_packet(sender or self.model.addresses[flow.target], node.address, 17, udp(flow.port, 6081, body))
        name = node.entry.port.device
        return self.meets("target", name, node.port.mac + node.port.peer_mac + b"\x08\x00" + outer)


@pytest.fixture
def table(world: World) -> Table:
    return Table(world)


def test_the_target_of_a_flow_may_return_its_packets(table: Table) -> None:
    flow = table.flow(QUESTION)
    assert table.back(flow, QUESTION) == "decapsulated"


def test_a_registered_target_cannot_touch_a_flow_that_was_given_to_another(table: Table) -> None:
    flow = table.flow(QUESTION)
    others = [address for slot, address in table.model.addresses.items() if slot != flow.target]
    assert len(others) == 4
    for other in others:
        assert table.back(flow, QUESTION, sender=other) == "return_wrong_target"


def test_an_unregistered_sender_can_touch_nothing_whatever_it_knows(table: Table) -> None:
    flow = table.flow(QUESTION)
    assert table.back(flow, QUESTION, sender=STRANGER) == "return_unknown_target"
    for cookie in (0, flow.cookie ^ 1, flow.cookie ^ 1 << 31):
        assert table.back(flow, QUESTION, sender=STRANGER, cookie=cookie) == "return_unknown_target"
    for door in list(table.model.door_by_id)[1:]:
        assert table.back(flow, QUESTION, sender=STRANGER, endpoint=door) != "decapsulated"


def test_a_targets_own_flow_opens_no_other_endpoint(table: Table) -> None:
    flow = table.flow(QUESTION)
    same_node = table.flow(QUESTION, "door1")
    assert same_node.cookie != flow.cookie
    assert table.back(flow, QUESTION, endpoint=same_node.door.id) == "return_bad_cookie"


def test_a_cookie_of_another_load_balancer_opens_nothing_at_this_node(table: Table) -> None:
    flow, foreign = table.flow(QUESTION), table.flow(QUESTION, "door2")
    assert table.back(flow, QUESTION, endpoint=foreign.door.id, cookie=foreign.cookie) == "return_unknown_endpoint"


def test_a_cookie_ends_with_its_flow_and_the_next_flow_of_the_tuple_has_another(table: Table) -> None:
    flow = table.flow(QUESTION)
    stale = flow.cookie
    table.judge.step(("age", stale, 0))
    assert table.back(flow, QUESTION) == "return_no_flow"
    fresh = table.flow(QUESTION)
    assert fresh.cookie != stale
    assert table.back(flow, QUESTION, cookie=stale) == "return_no_flow"


def test_a_target_that_lost_a_flow_cannot_touch_it_any_more(table: Table) -> None:
    flow = table.flow(QUESTION)
    before = table.model.addresses[flow.target]
    table.judge.step(("abandon", flow.target, 7))
    assert table.back(flow, QUESTION, sender=before) == "return_wrong_target"
    assert table.flow(QUESTION) is flow
    assert table.back(flow, QUESTION) == "decapsulated"


def test_a_tcp_header_in_ethernets_padding_is_no_part_of_the_packet(table: Table) -> None:
    whole = ipv4_packet(CLIENTS[0], SERVERS[0], 6, tcp(1000, 80, 2))
    lying = whole[:2] + pack("!H", 24) + whole[4:]
    assert table.through(lying) == "endpoint_malformed"


def test_a_later_ipv6_fragment_follows_its_first_behind_destination_options(table: Table) -> None:
    options = bytes((17, 0)) + bytes(6)

    def piece(place: int, payload: bytes) -> bytes:
        header = pack("!BBHI", 60, 0, place, 0xCAFE)
        return ipv6_packet(CLIENTS6[0], SERVERS6[0], 44, header + payload)

    flow = table.flow(piece(1, options + udp(1000, 53, bytes(8))))
    assert table.flow(piece(3 << 3, bytes(24))) is flow


def test_an_appliance_drops_an_outer_header_of_another_version(table: Table) -> None:
    flow = table.flow(QUESTION)
    node = flow.door.node
    assert node is not None
    port = table.world.ports[ref("app1")]
    body = bytes.fromhex("0000080000000000") + QUESTION
    outer = ipv4_packet(node.address, table.model.addresses[flow.target], 17, udp(flow.port, 6081, body))
    frame = port.mac + port.peer_mac + b"\x08\x00"
    assert table.meets("inspector", "app1", frame + outer) == "inspector_returned"
    assert table.meets("inspector", "app1", frame + b"\x25" + outer[1:]) == "inspector_malformed"
