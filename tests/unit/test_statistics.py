"""Data points added up, and CloudWatch's statistics of them, against plain arithmetic on all the values."""

from __future__ import annotations

import math
import random
import statistics as plain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opengwlb.model.metrics import DAY, HOUR, MINUTE, Point
from opengwlb.policy import periods, points, statistics

VALUES = st.lists(st.floats(0, 1e9).map(lambda value: round(value, 3)), min_size=1, max_size=60)


def told(name: str, point: Point) -> float | None:
    found = statistics.parse(name)
    assert found is not None, name
    return found(point)


def of(*values: float) -> Point:
    return points.merged([points.single(value) for value in values])


@settings(max_examples=200, deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=8))
def test_added_up_in_any_parts_it_is_the_same_as_at_once(parts: list[list[float]]) -> None:
    everything = [value for part in parts for value in part]
    point = points.merged([of(*part) for part in parts])
    assert told("SampleCount", point) == len(everything)
    assert told("Sum", point) == pytest.approx(math.fsum(everything))
    assert told("Average", point) == pytest.approx(plain.fmean(everything))
    assert (told("Minimum", point), told("Maximum", point)) == (min(everything), max(everything))


@settings(max_examples=200, deadline=None)
@given(VALUES, st.sampled_from([0, 1, 10, 50, 90, 99, 99.9, 100]))
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(values: list[float], percent: float) -> None:
    ordered = sorted(values)
    wanted = ordered[max(0, math.ceil(round(len(values) * percent / 100, 9)) - 1)]
    assert told(f"p{percent}", of(*values)) == wanted


def test_many_different_values_take_bounded_room_and_percentiles_stay_near() -> None:
    pick = random.Random(1)
    values = [pick.lognormvariate(3, 1) for _ in range(20_000)]
    point = points.merged([of(*values[start : start + 500]) for start in range(0, len(values), 500)])
    assert point.spread is not None and len(point.spread) <= points.MOST
    assert sum(point.spread.values()) == len(values) and point.sum == pytest.approx(math.fsum(values))
    ordered = sorted(values)
    for percent in (1, 25, 50, 90, 99):
        found = told(f"p{percent}", point)
        assert found == pytest.approx(ordered[len(values) * percent // 100 - 1], rel=0.09)


def test_trimmed_statistics_keep_what_lies_between_the_bounds() -> None:
    point = of(*range(1, 11))
    assert told("tm50", point) == 3 and told("tc50", point) == 5 and told("ts50", point) == 15
    assert told("TM(20%:80%)", point) == pytest.approx(5.5) and told("TC(20%:80%)", point) == 6
    assert told("IQM", point) == pytest.approx(5.5)
    assert told("TS(2:4)", point) == 7 and told("TM(:3)", point) == 2 and told("TC(8:)", point) == 2
    assert told("PR(:3)", point) == 30 and told("PR(9:)", point) == 10 and told("PR(2:4)", point) == 20
    assert told("wm80", point) == pytest.approx((36 + 8 + 8) / 10)
    assert told("WM(10%:90%)", point) == pytest.approx((2 + sum(range(2, 10)) + 9) / 10)
    assert told("TM(100:200)", point) is None


@pytest.mark.parametrize(
    "name",
    ["", "average", "p101", "p", "p-1", "p1e1", "TM()", "TM(:)", "TM(10%:20)", "PR(10%:20%)", "TM(90%:10%)", "TM(0%:101%)", "p99 ",
     "Stddev", "TM(%:90%)"],
)  # fmt: skip
def test_a_statistic_that_does_not_exist_is_none(name: str) -> None:
    assert statistics.parse(name) is None


def test_a_statistic_set_tells_no_percentiles_unless_all_its_values_are_known() -> None:
    unknown = Point(3, 6, 1, 3)
    assert told("p50", unknown) is None and told("Average", unknown) == 2
    assert told("p50", points.merged([unknown, points.single(2)])) is None
    assert told("p50", Point(4, 8, 2, 2)) == 2
    assert told("p50", of(-1, 1)) is None, "AWS has no percentiles where a value is negative"


def test_values_with_counts_count_and_zero_counts_are_nothing() -> None:
    point = points.of_values([1, 2, 2, 9], [1, 2, 1, 0])
    assert point == Point(4, 7, 1, 2, {1: 1, 2: 3})
    assert points.of_values([1], [0]) is None


def test_old_data_points_are_shown_with_long_periods_only() -> None:
    now = 1_800_000_000.0
    assert periods.oldest(1, now=now) == periods.oldest(30, now=now) == now - 3 * HOUR
    assert periods.oldest(60, now=now) == periods.oldest(240, now=now) == now - 15 * DAY
    assert periods.oldest(300, now=now) == now - 63 * DAY
    assert periods.oldest(3600, now=now) == periods.oldest(7200, now=now) == now - 455 * DAY
    assert [period for period in range(125) if periods.is_period(period)] == [1, 5, 10, 20, 30, 60, 120]


def test_the_start_is_rounded_the_more_the_older_it_is() -> None:
    now = 1_800_000_000.0

    def rounded(age: float, period: int) -> float:
        start = now - age
        return start - periods.rounded_start(start, period=period, now=now)

    assert rounded(59.5, 60) == (now - 59.5) % MINUTE
    assert rounded(16 * DAY + 7, 60) == (now - 16 * DAY - 7) % 300
    assert rounded(64 * DAY + 7, 60) == (now - 64 * DAY - 7) % 3600
    assert rounded(11.5, 5) == (now - 11.5) % 5
