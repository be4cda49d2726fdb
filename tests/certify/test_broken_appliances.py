"""A planted fault fails exactly the checks that are there to find it; an appliance without one passes them all."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from opengwlb.certify.registry import Check, all_checks
from opengwlb.certify.report import Outcome
from opengwlb.certify.run import run_checks, write_files

from .conftest import ADDRESS, Wire
from .hairpin import FAULTS

LASTING = {
    "no-packets-of-its-own",
    "health-in-silence",
    "drain",
    "health-truthful",
    "table-exhaustion",
    "registered-again",
}
"""Checks that take a second or more, asked of the faults that they are for and of the sound appliance."""
DEADLY = {"dies-of-bad-geneve": ("unknown-version", "critical-option")}
"""Who dies of what other checks send as well: there only the last check is to kill."""
TOGETHER = ("wire", "inner", "flows")


EVERY = 1 if os.environ.get("CERTIFY") == "all" else 3
"""In the short form each fault meets every third of the checks that have to pass, another third than its neighbour."""


def asked_of(fault: str) -> list[Check]:
    """Checks of the packet themes, those that have to fail, and nothing slow besides."""
    expected = FAULTS[fault][1]
    left_out = LASTING.union(DEADLY.get(fault, ()), expected)
    sound = [one for one in all_checks() if one.theme in TOGETHER and one.id not in left_out]
    chosen = sound[list(FAULTS).index(fault) % EVERY :: EVERY]
    known = {one.id: at for at, one in enumerate(all_checks())}
    wanted = [one for one in all_checks() if one.id in expected]
    return sorted([*chosen, *wanted], key=lambda one: (one.theme not in TOGETHER, known[one.id]))


@pytest.mark.parametrize("fault", [name for name in FAULTS if name != "healthy-too-soon"])
def test_a_planted_fault_fails_exactly_the_checks_that_look_for_it(wire: Wire, fault: str) -> None:
    with wire.hairpin(fault):
        lab = wire.lab()
        try:
            report = run_checks(lab, asked_of(fault), seed=1, short=True, out=None)
        finally:
            lab.close()
    failed = {one.check.id: one.sentence for one in report.results if not one.well}
    assert set(failed) == FAULTS[fault][1], failed
    assert not [one for one in report.results if one.outcome is Outcome.ERROR]


def test_every_fault_names_checks_that_exist() -> None:
    known = {one.id for one in all_checks()}
    assert all(expected <= known and expected for _, expected in FAULTS.values())


def restarting(wire: Wire, *fault: str) -> tuple[str, ...]:
    """A command that ends the hairpin and starts it anew."""
    start = (
        f"nsenter --net=/run/netns/{wire.app} -- {sys.executable} -m tests.certify.hairpin {ADDRESS} {' '.join(fault)}"
    )
    end = f'for pid in $(ip netns pids {wire.app}); do kill -9 $pid; done; while [ -n "$(ip netns pids {wire.app})" ]; do :; done'
    return ("sh", "-c", f"{end}; cd {Path(__file__).parents[2]}; {start} >/dev/null 2>&1 &")


def test_an_appliance_that_is_healthy_before_it_works_is_found(wire: Wire) -> None:
    (check,) = (one for one in all_checks() if one.id == "ready-before-healthy")
    with wire.hairpin("healthy-too-soon"):
        lab = wire.lab(restart=restarting(wire, "healthy-too-soon"))
        try:
            (result,) = run_checks(lab, [check], seed=1, short=True, out=None).results
        finally:
            lab.close()
            wire.end_all()
    assert result.outcome is Outcome.FAILED, result.sentence
    assert "first packet did not come back" in result.sentence


def test_a_sound_appliance_passes_every_check_and_the_files_say_so(wire: Wire, tmp_path: Path) -> None:
    with wire.hairpin():
        lab = wire.lab(restart=restarting(wire))
        try:
            report = run_checks(lab, all_checks(), seed=1, short=True, out=tmp_path)
        finally:
            lab.close()
            wire.end_all()
    write_files(report, tmp_path)
    assert not {one.check.id: one.sentence for one in report.results if one.outcome is not Outcome.PASSED}
    assert report.passed and report.score == 100
    assert len(report.results) >= 40
    assert (tmp_path / "junit.xml").read_bytes().count(b"<testcase") == len(report.results)
    for one in report.results:
        assert one.capture and (tmp_path / one.capture).stat().st_size > 100, one.check.id
