"""The verdict on an appliance: outcomes, score, and the report as JSON and JUnit XML. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any
from xml.etree import ElementTree

from .registry import Check, Level


class Outcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    DECLARED = "declared"
    """It drops what its profile says that it drops."""
    NOT_APPLICABLE = "not applicable"
    ERROR = "error"
    """The check itself could not be made: counts as failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    check: Check
    outcome: Outcome
    sentence: str
    """What came back, or why not."""
    seconds: float
    sent: int
    """Frames to the appliance, of those that the capture kept."""
    returned: int
    """Frames of the appliance, likewise."""
    capture: str = ""
    """File below the output folder; empty when there is none."""

    @property
    def well(self) -> bool:
        return self.outcome not in (Outcome.FAILED, Outcome.ERROR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    appliance: str
    seed: int
    short: bool
    declared: tuple[str, ...]
    """What its profile says that it does by design."""
    results: tuple[Result, ...]

    @property
    def passed(self) -> bool:
        """Every required check that applies."""
        return all(one.well for one in self.results if one.check.level is Level.REQUIRED)

    def tally(self, level: Level) -> tuple[int, int]:
        """(passed, asked) of a level. What is declared or does not apply was not asked."""
        asked = [r for r in self.results if r.check.level is level and r.outcome not in _NOT_ASKED]
        return sum(1 for one in asked if one.well), len(asked)

    @property
    def score(self) -> int:
        """0 to 100: the share of passed checks, a required one counting three times a recommended one."""
        required, recommended = self.tally(Level.REQUIRED), self.tally(Level.RECOMMENDED)
        of = 3 * required[1] + recommended[1]
        return 100 * (3 * required[0] + recommended[0]) // of if of else 0

    def as_json(self) -> dict[str, Any]:
        return {
            "appliance": self.appliance,
            "passed": self.passed,
            "score": self.score,
            **{level.value: dict(zip(("passed", "asked"), self.tally(level), strict=True)) for level in Level},
            "seed": self.seed,
            "short": self.short,
            "declared": list(self.declared),
            "checks": [_row(one) for one in self.results],
        }

    def counts(self) -> dict[str, Any]:
        """What a server keeps of it: how many passed, failed and were skipped, and which failed."""
        failed = tuple(one.check.id for one in self.results if not one.well)
        skipped = sum(1 for one in self.results if one.outcome in _NOT_ASKED)
        return {
            "passed": len(self.results) - len(failed) - skipped,
            "failed": len(failed),
            "skipped": skipped,
            "failed_checks": failed,
        }

    def as_junit(self) -> bytes:
        """A failure is a required check that did not pass; what else did not is `skipped`, with the reason."""
        failures = [one for one in self.results if not one.well and one.check.level is Level.REQUIRED]
        skipped = [one for one in self.results if one.outcome is not Outcome.PASSED and one not in failures]
        suite = ElementTree.Element(
            "testsuite",
            name=f"gwlb certify {self.appliance}",
            tests=str(len(self.results)),
            failures=str(len(failures)),
            errors="0",
            skipped=str(len(skipped)),
            time=f"{sum(one.seconds for one in self.results):.3f}",
        )
        for one in self.results:
            case = ElementTree.SubElement(
                suite, "testcase", classname=f"certify.{one.check.theme}", name=one.check.id, time=f"{one.seconds:.3f}"
            )
            if one in failures:
                ElementTree.SubElement(case, "failure", message=_printable(one.sentence)).text = one.check.why
            elif one in skipped:
                message = f"{one.check.level}, {one.outcome}: {one.sentence}"
                ElementTree.SubElement(case, "skipped", message=_printable(message))
            ElementTree.SubElement(case, "system-out").text = _printable(f"{one.check.title}: {one.sentence}")
        return bytes(ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True))


_NOT_ASKED = (Outcome.DECLARED, Outcome.NOT_APPLICABLE)


def _row(result: Result) -> dict[str, Any]:
    row = asdict(result)
    check = row.pop("check")
    return {**{key: str(check[key]) for key in ("id", "theme", "level", "title", "why")}, **row}


def _printable(text: str) -> str:
    """XML 1.0 has no control characters."""
    return "".join(c if c.isprintable() else " " for c in text)


def summary(report: Report) -> Sequence[str]:
    """The last lines for a person."""
    counts = ", ".join(f"{level.value} {p} of {of}" for level in Level for p, of in (report.tally(level),))
    verdict = "PASSED" if report.passed else "FAILED"
    return [f"{verdict}: {report.appliance} scores {report.score} of 100 ({counts}), seed {report.seed}"]
