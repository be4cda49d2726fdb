"""Where rule sets are written, over memory of the shape of the map: each once, never changed in use, and found again by the next server."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast

import pytest

from opengwlb.dataplane import layout
from opengwlb.dataplane import rules as stored
from opengwlb.dataplane.maps import Map
from opengwlb.dataplane.rules import Place, Places, RuleStore
from opengwlb.model.plane import EniEntry, EniRole, Guard, Plane, RuleSet
from opengwlb.model.topology import PortRef
from opengwlb.model.vpc import SecurityGroup, SecurityGroupRule
from opengwlb.policy import rules

SIZE = layout.RULE_PAGES * layout.RULE_WORDS * 8


@pytest.fixture
def memory() -> Iterator[Map]:
    """What outlives a server."""
    fd = os.memfd_create("rules")
    os.ftruncate(fd, SIZE)
    yield cast(Map, SimpleNamespace(fd=fd))
    os.close(fd)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Whose `now` a test sets."""
    made = SimpleNamespace(now=100.0)
    monkeypatch.setattr(stored.time, "monotonic", lambda: made.now)
    return made


def allowing(*ports: int) -> RuleSet:
    wanted = tuple(
        SecurityGroupRule(
            id=f"sgr-{port}", egress=False, protocol="tcp", from_port=port, to_port=port, cidr="10.0.0.0/8"
        )
        for port in ports
    )
    group = SecurityGroup(id="sg-1", account="1", region="r", vpc="v", name="n", description="", rules=wanted)
    return rules.compile_groups([group], {})


def plane(*sets: RuleSet) -> Plane:
    """Of interfaces with one set each."""
    entries = {}
    for number, one in enumerate(sets):
        port = PortRef("router", f"eni{number}")
        guard = Guard(interface=f"eni-{number}", owner=number, vpc=1, groups=one)
        entries[port] = EniEntry(
            port=port,
            role=EniRole.ENI,
            table=1,
            delivery=2,
            mac="02:00:00:00:00:01",
            peer_mac="02:00:00:00:00:02",
            guard=guard,
        )
    return Plane(enis=entries)


def placed(places: Places, one: RuleSet) -> Place:
    found = places.of(one)
    assert found is not None
    return found


def told(*places: Place) -> list[layout.eni_guard]:
    """What the kernel's map says to interfaces."""
    return [layout.eni_guard(groups=number, groups_at=at) for number, at in places]


def words(memory: Map, place: Place) -> bytes:
    length = int.from_bytes(os.pread(memory.fd, 8, place.at * 8), "little") >> 32
    return os.pread(memory.fd, length * 8, place.at * 8)


def test_a_set_is_written_once_for_all_that_have_it(memory: Map) -> None:
    store = RuleStore(memory)
    one, same, other = allowing(80), allowing(80), allowing(81)
    places = store.place(plane(one, same, other))
    assert placed(places, one) == placed(places, same) != placed(places, other)
    store.close()


def test_the_next_server_finds_what_interfaces_are_told_of_and_numbers_on(memory: Map) -> None:
    first = RuleStore(memory)
    one, two = allowing(80), allowing(81, 82)
    places = first.place(plane(one, two))
    before = [placed(places, each) for each in (one, two)]
    content = [words(memory, each) for each in before]
    first.close()

    second = RuleStore(memory)
    second.adopt(told(*before))
    again, more, new = allowing(80), allowing(81, 82), allowing(443)
    places = second.place(plane(again, more, new))
    assert [placed(places, again), placed(places, more)] == before, "tracked flows remember these numbers"
    assert [words(memory, each) for each in before] == content
    made = placed(places, new)
    assert made.number not in {each.number for each in before}
    spans = sorted((each.at, each.at + len(words(memory, each)) // 8) for each in (*before, made))
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans)), "none lies on another"
    second.close()


def test_what_no_interface_was_told_of_is_room_for_the_next_server_under_another_number(memory: Map) -> None:
    first = RuleStore(memory)
    left = allowing(80)
    was = placed(first.place(plane(left)), left)
    first.close()
    second = RuleStore(memory)
    second.adopt([])
    now = placed(second.place(plane(left)), left)
    assert now.at == was.at and now.number != was.number
    second.close()


def test_an_adopted_set_that_nobody_wants_any_more_rests_and_then_makes_room(
    memory: Map, clock: SimpleNamespace
) -> None:
    first = RuleStore(memory)
    old = allowing(80)
    was = placed(first.place(plane(old)), old)
    first.close()
    second = RuleStore(memory)
    second.adopt(told(was))
    content = words(memory, was)
    new = allowing(81)
    assert placed(second.place(plane(new)), new).at != was.at
    second.settle()
    clock.now += stored.REST_S / 2
    second.place(plane(new, allowing(82)))
    assert words(memory, was) == content, "a program may be reading it"
    clock.now += stored.REST_S
    last = allowing(83)
    assert placed(second.place(plane(new, last)), last).at == was.at
    second.close()


def test_an_adopted_set_that_is_wanted_again_before_it_went_keeps_its_number(
    memory: Map, clock: SimpleNamespace
) -> None:
    store = RuleStore(memory)
    one, other = allowing(80), allowing(81)
    was = placed(store.place(plane(one)), one)
    store.settle()
    store.place(plane(other))
    store.settle()
    clock.now += stored.REST_S / 2
    again = allowing(80)
    assert placed(store.place(plane(again)), again) == was
    clock.now += stored.REST_S * 2
    assert placed(store.place(plane(again)), again) == was
    store.close()


def test_an_interface_whose_rules_find_no_room_is_an_error_of_its_own(
    memory: Map, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RuleStore, "_room", lambda _self, _words: None)
    store = RuleStore(memory)
    wanted = plane(allowing(80))
    errors = dict(stored.errors(wanted, store.place(wanted)))
    assert list(errors) == ["eni-0"] and "no room" in errors["eni-0"]
    store.close()
