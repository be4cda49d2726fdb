"""How large a flow table is by default, and the new flows a second that it sustains."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from opengwlb.cli import doctor, table_size
from opengwlb.dataplane import flows, layout
from opengwlb.policy import attributes

GIB = 1 << 30
HEADER = (Path(__file__).parents[2] / "bpf" / "lib" / "flow.h").read_text()


@pytest.mark.parametrize(
    ("gib", "expected"),
    [
        (0.5, 65_536),
        (2, 65_536),
        (7.7, 1 << 18),
        (8, 1 << 18),
        (15.6, 1 << 19),
        (23.5, 1 << 19),
        (62.5, 1 << 21),
        (251, 1 << 23),
        (2000, 1 << 23),
    ],
)
def test_a_256th_of_the_memory_is_the_flow_tables_within_its_bounds(gib: float, expected: int) -> None:
    assert table_size.default_flows(int(gib * GIB)) == expected


def test_every_default_is_a_table_that_can_be_made_as_it_is() -> None:
    for mib in range(64, 512 * 1024, 997):
        size = table_size.default_flows(mib << 20)
        assert flows.slots_for(size) == size


def test_the_doctors_numbers_are_those_of_the_programs_and_of_awss_defaults() -> None:
    assert re.search(r"#define FLOW_LINGER_S (\d+)", HEADER)[1] == str(table_size.CLOSED_S)  # type: ignore[index]
    assert attributes.tcp_idle_s({}) > table_size.SILENT_TCP_S
    assert table_size.COOKIE_BITS == layout.FLOW_COOKIE_BITS
    assert table_size.COOKIE_REST_S * 10**9 == flows.COOKIE_REST_NS
    assert table_size.FLOW_SET == layout.FLOW_WAYS
    assert table_size.LARGEST == 1 << layout.FLOW_INDEX_BITS_MAX


def test_cookies_are_enough_for_whatever_the_doctor_promises() -> None:
    """A slot is claimed once a tick: also the smallest table has more cookies in 30 s than it sustains flows."""
    for bits in range(16, 24):
        size = 1 << bits
        ticks_per_s = 10**9 >> flows.tick_shift(flows.sets_for(size))
        assert table_size.sustained(size, cpus=1024, new_flows_per_s=0).ending <= size * ticks_per_s


def test_flows_that_stay_longer_leave_room_for_fewer_a_second() -> None:
    size = 1 << 19
    assert table_size.sustained(size, cpus=2) == table_size.Sustained(ending=52_428, silent=4_369, other=2_184)
    assert table_size.sustained(size, cpus=2, silent_s=10).silent == 26_214


def test_more_than_the_cpus_may_open_is_not_promised() -> None:
    assert table_size.sustained(1 << 23, cpus=2, new_flows_per_s=1000).ending == 2000
    assert table_size.sustained(1 << 23, cpus=2, new_flows_per_s=0).ending == (1 << 23) // 2 // 5


def test_at_half_a_table_fewer_than_3_newcomers_in_1000_find_no_place() -> None:
    """Both sets full of flows that yield to nobody, at a steady half: as many end as begin."""
    sets, dice = 4096, random.Random(5)
    used, where, refused, asked = [0] * sets, [], 0, 60_000
    while len(where) < sets * layout.FLOW_WAYS // table_size.USABLE:
        _insert(dice, used, where)
    for _ in range(asked):
        used[where.pop(dice.randrange(len(where)))] -= 1
        while not _insert(dice, used, where):
            refused += 1
    assert refused / asked < 0.003


def _insert(dice: random.Random, used: list[int], where: list[int]) -> bool:
    for number in (dice.randrange(len(used)), dice.randrange(len(used))):
        if used[number] < layout.FLOW_WAYS:
            used[number] += 1
            where.append(number)
            return True
    return False


def test_the_doctor_prints_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_size, "memory_bytes", lambda: 16 * GIB)
    check = doctor.check_flow_table()
    assert check.state == doctor.OK
    assert "524,288 flows by default (64 MiB)" in check.found and "52,428 new TCP" in check.found
