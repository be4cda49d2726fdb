"""Runs the checks one after the other and writes down what happened."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from opengwlb.observe import pcapng

from .conversation import random_endpoints
from .judgement import Failed, NotApplicable, NotReturned
from .lab import ENDPOINTS, Lab
from .profile import Profile
from .registry import Check
from .report import Outcome, Report, Result


def run_checks(
    lab: Lab,
    checks: Sequence[Check],
    *,
    seed: int,
    short: bool,
    out: Path | None,
    tell: Callable[[Result], None] = lambda _result: None,
) -> Report:
    """The report; with `out`, also files in that folder. `tell` hears of each result as it is there."""
    if out is not None:
        (out / "captures").mkdir(parents=True, exist_ok=True)
    lab.endpoints = random_endpoints(random.Random(seed), ENDPOINTS)
    results = []
    for check in checks:
        result = _one(lab, check, seed=seed, out=out)
        results.append(result)
        tell(result)
    profile = lab.profile
    declared = sorted(profile.drops) + ([f"rewrites: {profile.rewrites}"] if profile.rewrites != "nothing" else [])
    return Report(
        appliance=lab.appliance.name, seed=seed, short=short, declared=tuple(declared), results=tuple(results)
    )


def _one(lab: Lab, check: Check, *, seed: int, out: Path | None) -> Result:
    began = time.monotonic()
    lab.begin(seed=f"{seed}/{check.id}")
    outcome, sentence = judge(check, lab.profile, lambda: check.run(lab))
    seconds = time.monotonic() - began
    capture = ""
    if out is not None:
        lab.catch_up()
    if out is not None and lab.frames:
        capture = f"captures/{check.id}.pcapng"
        where = "the appliance's interface" if lab.place.at_appliance else "the node's interface"
        comment = f"gwlb certify {lab.appliance.name}: {check.id}: {outcome}: {sentence}"
        (out / capture).write_bytes(
            pcapng.write(lab.frames, ports=[lab.port], names={lab.port: where}, comment=comment)
        )
    inbound = sum(1 for frame in lab.frames if frame.incoming is lab.place.at_appliance)
    return Result(
        check=check,
        outcome=outcome,
        sentence=sentence,
        seconds=round(seconds, 3),
        sent=inbound,
        returned=len(lab.frames) - inbound,
        capture=capture,
    )


def judge(check: Check, profile: Profile, ask: Callable[[], str]) -> tuple[Outcome, str]:
    """What a check's end means in the light of what the appliance declares."""
    declared = check.traffic in profile.drops
    if profile.rewrites == "proxy" and check.returns:
        return Outcome.NOT_APPLICABLE, "it declares that it does not return what it gets"
    if profile.rewrites != "nothing" and check.transparent:
        return Outcome.NOT_APPLICABLE, "it declares that it rewrites inner packets"
    try:
        said = ask()
    except NotApplicable as reason:
        return Outcome.NOT_APPLICABLE, str(reason)
    except NotReturned as reason:
        return (Outcome.DECLARED if declared else Outcome.FAILED), str(reason)
    except Failed as reason:
        return Outcome.FAILED, str(reason)
    except Exception as problem:  # noqa: BLE001 - reported as what it is; the other checks still have their say
        return Outcome.ERROR, f"{type(problem).__name__}: {problem}"
    if declared:
        return Outcome.FAILED, f"the profile says that {check.traffic} is dropped, but: {said}"
    return Outcome.PASSED, said


def write_files(report: Report, out: Path) -> None:
    """report.json and junit.xml."""
    (out / "report.json").write_text(
        json.dumps(report.as_json(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    (out / "junit.xml").write_bytes(report.as_junit())
