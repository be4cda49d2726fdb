"""The Maglev table: even, stable, and of the right size."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opengwlb.policy.selection import SIZE, maglev

BACKENDS = [(number, f"10.9.1.{number} 1") for number in range(20)]


def test_every_place_is_filled_and_shares_are_almost_equal() -> None:
    shares = Counter(maglev(BACKENDS))
    assert sum(shares.values()) == SIZE
    assert set(shares) == {number for number, _ in BACKENDS}
    assert max(shares.values()) - min(shares.values()) <= 1


def test_without_backends_there_is_no_table() -> None:
    assert len(maglev([])) == 0


def test_a_single_backend_has_every_place() -> None:
    assert set(maglev([(7, b"only")])) == {7}


@pytest.mark.parametrize("gone", [0, 9, 19])
def test_a_backend_that_goes_moves_few_places_besides_its_own(gone: int) -> None:
    before = maglev(BACKENDS)
    after = maglev([one for one in BACKENDS if one[0] != gone])
    moved = sum(1 for old, new in zip(before, after, strict=True) if old not in (gone, new))
    assert moved < SIZE * 0.04


def test_a_backend_is_known_by_its_key_and_not_by_its_number() -> None:
    renumbered = [(number + 100, key) for number, key in BACKENDS]
    assert [number + 100 for number in maglev(BACKENDS)] == list(maglev(renumbered))


@settings(max_examples=30, deadline=None)
@given(st.permutations(BACKENDS[:6]))
def test_the_order_of_backends_does_not_matter(shuffled: list[tuple[int, str]]) -> None:
    assert maglev(shuffled, size=251) == maglev(BACKENDS[:6], size=251)
