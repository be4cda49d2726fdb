"""Whoever looks at the flows takes nothing from them: packets pass while a full table is read over and over."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Callable

import pytest

from opengwlb.dataplane.flows import monotonic_ns
from opengwlb.dataplane.layout import FLOW_BUSY, FLOW_VALID
from opengwlb.dataplane.syscalls import inside
from opengwlb.dataplane.wanted import Wanted

from .flow_slots import FlowSlots
from .harness import SERVER, Lab

SO_RCVBUFFORCE = 33
"""Of asm-generic/socket.h; Python has no name for it."""
SLOTS, FILLED, PACKETS, PORT = 65536, 32768, 20_000, 5301


@pytest.fixture
def lab(labs: Callable[..., Lab]) -> Lab:
    return labs("watching", appliances=2, max_flows=SLOTS)


def filled(lab: Lab, of: int) -> None:
    """Flows of the target in slot `of`, alive for as long as the test."""
    table, dice = FlowSlots(lab), random.Random(1)
    for index in dice.sample(range(SLOTS), FILLED):
        slot = table.slots[index]
        slot.last_seen_ns, slot.idle_s, slot.target = monotonic_ns(), 6000, of
        slot.endpoint, slot.target_generation, slot.generation = lab.endpoints[0].number, 1, 1
        slot.tag = (dice.getrandbits(64) & ~FLOW_BUSY) | FLOW_VALID


def test_no_packet_is_lost_and_no_flow_missed_while_the_table_is_read(lab: Lab) -> None:
    watched = lab.appliances[1].slot
    filled(lab, of=watched)
    with inside(lab.server.netns):
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with inside(lab.client.netns):
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with server, client:
        server.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 26)
        server.bind((SERVER, PORT))
        client.connect((SERVER, PORT))

        def send() -> None:
            for number in range(PACKETS):
                client.send(number.to_bytes(4, "big"))

        sender = threading.Thread(target=send)
        sender.start()
        looks = 0
        while sender.is_alive() or not looks:
            for wanted in (Wanted(targets=frozenset({watched})), Wanted(verdict="encapsulated"), Wanted()):
                assert FILLED <= lab.dataplane.find_flows(wanted, limit=50).total <= FILLED + 1
            looks += 1
        sender.join()
        server.settimeout(2)
        assert sorted(int.from_bytes(server.recv(4), "big") for _ in range(PACKETS)) == list(range(PACKETS))
    (sent,) = (flow for flow in lab.dataplane.find_flows(Wanted(), limit=1).flows)
    assert (sent.destination_port, sent.packets) == (PORT, PACKETS)
