"""Searching and tallying a flow table's memory: what is live and wanted is found, and nothing else."""

from __future__ import annotations

import ctypes
import ipaddress
import random
import time
from collections import Counter
from typing import Any

import pytest

from opengwlb.dataplane import scan
from opengwlb.dataplane.flow_verdicts import FlowVerdicts, passed
from opengwlb.dataplane.layout import (
    FLOW_ANSWERED,
    FLOW_BUSY,
    FLOW_TCP,
    FLOW_VALID,
    MAGLEV_SIZE,
    NODE_FAIL_OPEN,
    TARGET_RESET_DEREGISTERED,
    TARGET_RESET_UNHEALTHY,
    flow_slot,
    flow_tuple,
    node_config,
    target_config,
)
from opengwlb.dataplane.wanted import Latest, Wanted
from opengwlb.model.flows import FlowKind

NOW_NS = 1_000_000 * scan.NS_PER_S


def judged(state: int, endpoint: int, target: int, generation: int) -> str:
    return passed(state)


class Table:
    """Slots as the kernel writes them."""

    def __init__(self, slots: int) -> None:
        self.slots = (flow_slot * slots)()
        self.tuples = (flow_tuple * slots)()

    def put(self, index: int, *, endpoint: int = 1, target: int = 1, protocol: int = 6, unseen_s: float = 1) -> None:
        slot = self.slots[index]
        slot.tag = 0xABCD_EF00 | FLOW_VALID
        slot.endpoint, slot.target, slot.idle_s = endpoint, target, 350
        slot.last_seen_ns = NOW_NS - int(unseen_s * scan.NS_PER_S)
        self.tuples[index].protocol = protocol

    @property
    def memory(self) -> memoryview:
        return memoryview(self.slots).cast("B")

    def live(self, **wanted: Any) -> list[int]:
        tuples = memoryview(self.tuples).cast("B")
        found = scan.live(
            self.memory, tuples, Wanted(**wanted), now_ns=NOW_NS, verdict_of=judged, limit=len(self.slots)
        )
        assert found.total == len(found.indexes)
        return sorted(found.indexes)

    def tally(self) -> Counter[FlowKind]:
        return scan.tally(self.memory, memoryview(self.tuples).cast("B"), now_ns=NOW_NS)


def test_expired_and_half_written_slots_are_no_flows() -> None:
    table = Table(8)
    table.put(1)
    table.put(2, unseen_s=351)
    table.put(3)
    table.slots[3].tag |= FLOW_BUSY
    table.put(4, unseen_s=350)
    assert table.live() == [1, 4]
    assert table.tally() == Counter({FlowKind(1, 1, 6): 2})


def test_a_flow_seen_by_another_cpu_a_tick_ago_in_the_future_is_live() -> None:
    table = Table(2)
    table.put(0, unseen_s=-0.004)
    assert table.live() == [0] and table.tally().total() == 1


@pytest.mark.parametrize("slots", [scan.CHUNK - 1, scan.CHUNK, scan.CHUNK + 1, 2 * scan.CHUNK + 17])
def test_the_first_and_the_last_slot_of_every_chunk_are_read(slots: int) -> None:
    table = Table(slots)
    edges = [i for i in (0, scan.CHUNK - 1, scan.CHUNK, 2 * scan.CHUNK, slots - 1) if i < slots]
    for index in edges:
        table.put(index, protocol=17)
    assert table.live() == sorted(set(edges))
    assert table.tally() == Counter({FlowKind(1, 1, 17): len(set(edges))})


def test_endpoints_and_targets_narrow_as_a_plain_loop_would() -> None:
    table, chosen = Table(5000), random.Random(7)
    every = []
    for index in chosen.sample(range(5000), 2000):
        kind = FlowKind(chosen.getrandbits(62), chosen.randrange(9), chosen.choice((1, 6, 17)))
        unseen_s = chosen.choice((1, 349, 400))
        table.put(index, endpoint=kind.endpoint, target=kind.target, protocol=kind.protocol, unseen_s=unseen_s)
        if unseen_s < 350:
            every.append((index, kind))
    endpoints = frozenset(kind.endpoint for _, kind in every[:100])
    for wanted, holds in (
        ({"targets": frozenset({3, 5})}, lambda kind: kind.target in {3, 5}),
        ({"endpoints": endpoints}, lambda kind: kind.endpoint in endpoints),
        (
            {"endpoints": endpoints, "targets": frozenset({2})},
            lambda kind: kind.endpoint in endpoints and kind.target == 2,
        ),
        ({"targets": frozenset()}, lambda kind: False),
    ):
        assert table.live(**wanted) == sorted(index for index, kind in every if holds(kind))
    assert table.tally() == Counter(kind for _, kind in every)


def test_a_verdict_narrows_what_is_live_what_began_and_what_ended() -> None:
    table = Table(8)
    for index, (answered, unseen_s) in enumerate([(True, 1), (False, 1), (True, 351), (False, 351)]):
        table.put(index, unseen_s=unseen_s)
        table.slots[index].state = FLOW_ANSWERED if answered else 0
        table.tuples[index].created_ns = NOW_NS - int((unseen_s + 0.5) * scan.NS_PER_S)
    assert table.live(verdict="decapsulated") == [0] and table.live(verdict="encapsulated") == [1]
    assert table.live(verdict="no_targets") == []
    since = {"after_ns": NOW_NS - 2 * scan.NS_PER_S, "until_ns": NOW_NS, "verdict_of": judged}
    tuples = memoryview(table.tuples).cast("B")
    began, ended = scan.changed(table.memory, tuples, Wanted(verdict="decapsulated"), limit=9, **since)
    assert (began, ended) == (Latest(total=1, indexes=[0]), Latest(total=1, indexes=[2]))


TCP_ANSWERED, UDP_ANSWERED = FLOW_TCP | FLOW_ANSWERED, FLOW_ANSWERED


@pytest.mark.parametrize(
    ("state", "generation", "flags", "node", "expected"),
    [
        (0, 7, 0, {}, "encapsulated"),
        (UDP_ANSWERED, 7, 0, {}, "decapsulated"),
        (TCP_ANSWERED, 7, TARGET_RESET_UNHEALTHY, {}, "tcp_reset_unhealthy"),
        (FLOW_TCP, 7, TARGET_RESET_UNHEALTHY | TARGET_RESET_DEREGISTERED, {}, "tcp_reset_deregistered"),
        (UDP_ANSWERED, 7, TARGET_RESET_UNHEALTHY, {}, "decapsulated"),
        (TCP_ANSWERED, 7, TARGET_RESET_UNHEALTHY, {"flags": NODE_FAIL_OPEN}, "decapsulated"),
        (TCP_ANSWERED, 6, TARGET_RESET_UNHEALTHY, {}, "decapsulated"),
        (TCP_ANSWERED, 6, 0, {"targets": 0}, "no_targets"),
    ],
)
def test_a_flows_verdict_is_what_its_next_packet_meets_or_how_far_its_packets_came(
    state: int, generation: int, flags: int, node: dict[str, int], expected: str
) -> None:
    """Whose target is another now (an older generation) moves, unless there is nobody."""
    verdicts = FlowVerdicts(
        targets={3: target_config(generation=7, flags=flags)},
        nodes={1: node_config(**({"targets": 2} | node))},
        node_of={9: 1},
    )
    assert verdicts.of(state, 9, 3, generation) == expected
    assert verdicts.of(state | 0xFFFF_0000, 9, 3, generation) == expected, "when the slot was claimed does not matter"
    assert verdicts.of(state, 9, 4, 7) == ("no_targets" if node.get("targets") == 0 else passed(state)), (
        "its target is gone"
    )


def test_places_are_those_in_which_the_programs_look_for_a_target() -> None:
    table = Table(4)
    for index, tag in enumerate([5 << 32, (MAGLEV_SIZE + 5) << 32, 6 << 32]):
        table.put(index)
        table.slots[index].tag = tag | FLOW_VALID
    tuples = memoryview(table.tuples).cast("B")
    assert scan.tally(table.memory, tuples, now_ns=NOW_NS, with_places=True) == Counter(
        {FlowKind(1, 1, 6, 5): 2, FlowKind(1, 1, 6, 6): 1}
    )


def test_a_flow_began_or_ended_in_the_time_given_or_not_at_all() -> None:
    table = Table(6)
    for index, (created_s, unseen_s) in enumerate([(5, 1), (2, 1), (400, 348.5), (400, 352), (3, 1), (5, 1)]):
        table.put(index, unseen_s=unseen_s, target=index)
        table.tuples[index].created_ns = NOW_NS - created_s * scan.NS_PER_S
    table.slots[5].tag = 0

    def changed(after_s: float, until_s: float, **wanted: frozenset[int]) -> tuple[list[int], list[int]]:
        after, until = (NOW_NS + int(at * scan.NS_PER_S) for at in (after_s, until_s))
        tuples = memoryview(table.tuples).cast("B")
        began, ended = scan.changed(
            table.memory, tuples, Wanted(**wanted), after_ns=after, until_ns=until, verdict_of=judged, limit=9
        )
        return sorted(began.indexes), sorted(ended.indexes)

    assert changed(-4, 0) == ([1, 4], [3])
    assert changed(-2, 0) == ([], []), "what began at the moment itself was in the answer before"
    assert changed(-3, -2) == ([1], [3])
    assert changed(-5, -4) == ([], []) and changed(-6, -5) == ([0], [])
    assert changed(1, 2) == ([], [2])
    assert changed(-6, 2, targets=frozenset({1, 2})) == ([1], [2])


@pytest.mark.parametrize("limit", [0, 1, 5, 2000])
def test_of_many_flows_those_seen_last_are_answered_the_latest_first(limit: int) -> None:
    table, dice = Table(2000), random.Random(3)
    unseen = dice.sample(range(1, 340_000), 2000)
    for index, milliseconds in enumerate(unseen):
        table.put(index, unseen_s=milliseconds / 1000)
    found = scan.live(
        table.memory, memoryview(table.tuples).cast("B"), Wanted(), now_ns=NOW_NS, verdict_of=judged, limit=limit
    )
    assert found == Latest(total=2000, indexes=sorted(range(2000), key=unseen.__getitem__)[:limit])


@pytest.mark.parametrize("few", [0, scan.FEW])
def test_flows_are_tallied_the_same_by_counting_and_by_sorting(monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    monkeypatch.setattr(scan, "FEW", few)
    table, dice = Table(3000), random.Random(11)
    expected: Counter[FlowKind] = Counter()
    for index in range(3000):
        kind = FlowKind(dice.choice((1, 2**63 + 5)), dice.randrange(4), dice.choice((1, 6, 17)), dice.randrange(50))
        table.put(index, endpoint=kind.endpoint, target=kind.target, protocol=kind.protocol)
        table.slots[index].tag = (kind.place or 0) << 32 | FLOW_VALID
        expected[kind] += 1
    tuples = memoryview(table.tuples).cast("B")
    assert scan.tally(table.memory, tuples, now_ns=NOW_NS, with_places=True) == expected


def test_ends_narrow_by_protocol_port_address_and_prefix() -> None:
    table = Table(8)
    ends = [
        ("10.0.0.5", 40000, "192.0.2.1", 80, 6),
        ("192.0.2.1", 80, "10.0.0.5", 40000, 17),
        ("10.0.1.5", 53, "10.0.0.6", 53, 17),
        ("fd00::5", 40000, "fd00:1::1", 80, 6),
    ]
    for index, (source, source_port, destination, destination_port, protocol) in enumerate(ends):
        table.put(index, protocol=protocol)
        text = table.tuples[index]
        for field, address in (("source", source), ("destination", destination)):
            packed = ipaddress.ip_address(address).packed
            setattr(text, field, (ctypes.c_uint8 * 16)(*packed.ljust(16, b"\0")))
            text.family = 6 if len(packed) == 16 else 4
        text.source_port[:] = source_port.to_bytes(2, "big")
        text.destination_port[:] = destination_port.to_bytes(2, "big")

    def at(*networks: str) -> dict[str, Any]:
        return {"addresses": tuple(map(ipaddress.ip_network, networks))}

    assert table.live(protocol=17) == [1, 2]
    assert table.live(port=80) == [0, 1, 3]
    assert table.live(port=80, protocol=6) == [0, 3]
    assert table.live(**at("10.0.0.5")) == [0, 1]
    assert table.live(**at("10.0.0.0/24")) == [0, 1, 2]
    assert table.live(**at("10.0.0.5", "192.0.2.0/24")) == [0, 1]
    assert table.live(**at("10.0.0.5", "10.0.1.5")) == []
    assert table.live(**at("fd00::/32")) == [3]
    # An IPv4 prefix is not found in the first bytes of an IPv6 address, nor the other way round.
    assert table.live(**at("0.0.0.0/0")) == [0, 1, 2]
    assert table.live(**at("::/0")) == [3]


def test_an_empty_table_has_no_flows_of_any_kind() -> None:
    table = Table(64)
    assert table.live() == [] and table.live(verdict="encapsulated") == [] and not table.tally()


def test_a_million_flows_are_searched_and_tallied_within_a_second_each() -> None:
    """On an idle core a tenth of it."""
    few = Table(2048)
    for index in range(0, 2048, 2):
        few.put(index, target=index % 100)
    table = memoryview(bytes(few.memory) * 1024)
    tuples = memoryview(bytes(memoryview(few.tuples).cast("B")) * 1024)
    start = time.process_time()
    found = scan.live(table, tuples, Wanted(targets=frozenset({42})), now_ns=NOW_NS, verdict_of=judged, limit=50).total
    for wanted in (Wanted(), Wanted(verdict="encapsulated")):
        assert scan.live(table, tuples, wanted, now_ns=NOW_NS, verdict_of=judged, limit=50).total == 1024 * 1024
    searched = time.process_time()
    assert scan.tally(table, tuples, now_ns=NOW_NS).total() == 1024 * 1024
    assert found == 1024 * sum(index % 100 == 42 for index in range(0, 2048, 2))
    assert searched - start < 1 and time.process_time() - searched < 1


def test_fields_are_read_at_the_offsets_of_the_layout() -> None:
    assert all(getattr(flow_slot, name).offset % getattr(flow_slot, name).size == 0 for name, *_ in flow_slot._fields_)
    assert ctypes.sizeof(flow_slot) % 8 == 0
