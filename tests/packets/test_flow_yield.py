"""Who makes room in a full flow table, and that no cookie comes back soon. One table of eight slots, filled by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.packet import Packet

from opengwlb.dataplane import flows
from opengwlb.dataplane.syscalls import inside

from .flow_slots import FlowSlots
from .harness import CLIENT, SERVER, Endpoint, Lab, into
from .testrun import REDIRECT, Run

NEWCOMER = IP(src=CLIENT, dst=SERVER) / UDP(sport=99, dport=99)


@pytest.fixture(scope="module")
def made(labs: Callable[..., Lab]) -> tuple[Lab, FlowSlots]:
    lab = labs("yield", forwards=False, max_flows=8)
    return lab, FlowSlots(lab)


@pytest.fixture
def lab(made: tuple[Lab, FlowSlots]) -> Iterator[Lab]:
    """Eight long-lived TCP flows, one from each source port 0-7, all seen 10 seconds ago."""
    lab, table = made
    table.clear()
    for port in range(8):
        lab.through(tcp(port, "S"))
    table.pass_time(10)
    yield lab


@pytest.fixture
def table(made: tuple[Lab, FlowSlots]) -> FlowSlots:
    return made[1]


@pytest.fixture
def door(lab: Lab) -> Endpoint:
    return lab.endpoints[0]


def tcp(port: int, flags: str) -> Packet:
    return IP(src=CLIENT, dst=SERVER) / TCP(sport=port, dport=80, flags=flags)


def udp(port: int) -> Packet:
    return IP(src=CLIENT, dst=SERVER) / UDP(sport=port, dport=80)


def become(lab: Lab, table: FlowSlots, port: int, what: str) -> None:
    """The flow of this source port becomes one of another kind."""
    cookie = next(one.cookie for one in lab.dataplane.flows() if one.source_port == port)
    slot = table.slots[cookie & 7]
    if what in ("expired", "unseen"):
        slot.last_seen_ns -= int((400 if what == "expired" else 51) * 1e9)
    elif what == "closed":
        lab.through(tcp(port, "R"))
        table.rest()
    else:
        packets = {"one packet": 1, "older packet": 1, "two packets": 2}[what]
        slot.tag = 0
        for _ in range(packets):
            lab.through(udp(port))
        slot.last_seen_ns -= int((20 if what == "older packet" else 10) * 1e9)
        table.rest()


def sources(lab: Lab) -> set[int]:
    return {one.source_port for one in lab.dataplane.flows()}


ORDER = ["expired", "closed", "older packet", "one packet", "unseen"]


@pytest.mark.parametrize("first", range(len(ORDER)))
def test_a_full_table_makes_room_in_this_order(lab: Lab, table: FlowSlots, first: int) -> None:
    """Expired, closed, the oldest one-packet flow without TCP, TCP unseen for a minute: of those there are, the first yields."""
    for port, what in reversed(list(enumerate(ORDER))):
        if port >= first:
            become(lab, table, port, what)
    lab.through(NEWCOMER)
    left = set(range(8)) - sources(lab)
    assert left == ({0} if first == 0 else {first})
    assert 99 in sources(lab)


@pytest.mark.parametrize("what", ["live TCP", "two packets"])
def test_flows_that_are_used_never_make_room(lab: Lab, door: Endpoint, table: FlowSlots, what: str) -> None:
    if what == "two packets":
        become(lab, table, 3, what)
    before = sources(lab)
    rejected = lab.dataplane.node_counters()[0].rejected_flows
    with lab.exactly(door.inner, "flow_table_full"):
        door.outer.send(into(door, NEWCOMER))
    assert sources(lab) == before
    assert lab.dataplane.node_counters()[0].rejected_flows == rejected + 1


def test_how_long_tcp_may_be_silent_before_it_makes_room_is_a_setting(
    lab: Lab, door: Endpoint, table: FlowSlots
) -> None:
    become(lab, table, 3, "unseen")
    table.settle(tcp_yields_after_s=90)
    try:
        with lab.exactly(door.inner, "flow_table_full"):
            door.outer.send(into(door, NEWCOMER))
    finally:
        table.settle()
    lab.through(NEWCOMER)
    assert 3 not in sources(lab)


def test_a_flood_of_new_flows_does_not_push_out_flows_in_use(lab: Lab, door: Endpoint) -> None:
    """Nor may it for the flood's own packets' sake: 2,000 newcomers in a table of eight."""
    before = sources(lab)
    program = lab.dataplane.program("endpoint")
    with inside(door.inner.netns):
        for port in range(2000):
            Run(program, into(door, udp(1000 + port)), ifindex=door.inner.ifindex)()
        assert Run(program, into(door, tcp(5, "A")), ifindex=door.inner.ifindex)() == REDIRECT
    assert sources(lab) == before


def test_a_slot_is_claimed_once_in_a_tick_so_its_cookies_do_not_come_round(lab: Lab, table: FlowSlots) -> None:
    """Open, reset, open again, as fast as this CPU can: every cookie is a new one, and none is of a slot claimed in the same tick."""
    table.clear()
    door, program = lab.endpoints[0], lab.dataplane.program("endpoint")
    shift = flows.tick_shift(1)
    claimed: list[tuple[int, int]] = []
    with inside(door.inner.netns):
        for _ in range(3000):
            began = Run(program, into(door, tcp(1, "S")), ifindex=door.inner.ifindex)() == REDIRECT
            (slot,) = table.used() if began else (None,)
            if slot is not None:
                index = next(i for i, one in enumerate(table.slots) if one.tag == slot.tag)
                claimed.append((slot.generation << 16 | index, slot.last_seen_ns >> shift))
                Run(program, into(door, tcp(1, "R")), ifindex=door.inner.ifindex)()
    assert len(claimed) > 8
    assert len({cookie for cookie, _ in claimed}) == len(claimed)
    assert len({(cookie & 7, tick) for cookie, tick in claimed}) == len(claimed)


@pytest.mark.parametrize("max_flows", [8, 4096, 65536, 262144, 524288, 2**21, 2**23])
def test_a_cookie_rests_for_30_seconds_however_large_the_table(max_flows: int) -> None:
    """All generations of a slot but one, each for a whole tick at least."""
    sets = flows.sets_for(max_flows)
    bits = flows.index_bits(sets)
    generations = (1 << 32 - bits) - 1
    assert max_flows <= 1 << bits
    assert generations < 1 << 16
    assert (generations - 1) << flows.tick_shift(sets) >= 30_000_000_000
