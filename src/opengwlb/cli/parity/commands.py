"""`gwlb parity record` and `gwlb parity diff`."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from .. import show
from ..parameters import Json
from ..refusal import Refusal
from . import difference

FORMAT = 1
"""Of the files: another number is another shape."""

app = App(name="parity", help="Record one scenario here and on AWS, and compare what came back.")


@app.command
def record(
    *,
    out: Path,
    endpoint: str | None = None,
    profile: str | None = None,
    region: str | None = None,
    geneve: Path | None = None,
    yes: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Build a Gateway Load Balancer with all around it, ask for what is refused, watch the states, and take everything away again.

    It uses the credentials that any AWS client would: `eval "$(gwlb env ACCOUNT)"` gives those of a lab.

    Parameters
    ----------
    out
        The JSON file to write.
    endpoint
        URL of a server; without it, what the environment says, or else AWS.
    profile
        Of the AWS configuration.
    region
        Where; what the environment says when not given.
    geneve
        A capture (pcap or pcapng) taken at an appliance, whose headers are recorded too.
    yes
        On AWS: make what it says, at your cost.
    """
    from . import running

    return running.record(out=out, endpoint=endpoint, profile=profile, region=region, geneve=geneve, yes=yes)


@app.command
def diff(a: Path, b: Path, /, *, json: Json = False) -> int:
    """Compare two recordings; the exit status is 1 when they differ.

    Parameters
    ----------
    a
        A recording: the JSON file of `gwlb parity record`.
    b
        The other one.
    """
    compared = difference.compare(_read(a), _read(b))
    if json:
        show.as_json(
            {
                "same": compared.same,
                "steps": [
                    {
                        "step": step.name,
                        "equal": step.equal,
                        "different": [{"path": path, "a": one, "b": other} for path, one, other in step.different],
                        "only_a": dict(step.only_a),
                        "only_b": dict(step.only_b),
                        "seconds_a": step.seconds_a,
                        "seconds_b": step.seconds_b,
                        "ratio": step.ratio,
                    }
                    for step in compared.steps
                ],
            }
        )
        return 0 if compared.same else 1
    show.table(
        [
            {
                "step": step.name,
                "equal": step.equal,
                "different": len(step.different),
                "only in A": len(step.only_a),
                "only in B": len(step.only_b),
                "A s": step.seconds_a,
                "B s": step.seconds_b,
                "B/A": step.ratio,
            }
            for step in compared.steps
        ],
        title=f"A {a}, B {b}",
    )
    show.table(
        [
            {"step": step.name, "what": path, "A": _short(one), "B": _short(other)}
            for step in compared.steps
            for path, one, other in (
                *step.different,
                *((path, value, None) for path, value in step.only_a),
                *((path, None, value) for path, value in step.only_b),
            )
        ],
        title="differences",
    )
    return 0 if compared.same else 1


def _read(path: Path) -> dict[str, Any]:
    try:
        recording: dict[str, Any] = json_module.loads(path.read_text(encoding="utf-8"))
        if recording["format"] != FORMAT:
            raise Refusal(f"{path} has the format {recording['format']}; this version compares {FORMAT}.")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refusal(f"{path} is no recording: {error}") from error
    return recording


def _short(value: Any) -> str:
    text = "" if value is None else json_module.dumps(value, ensure_ascii=False)
    return text if len(text) <= 160 else text[:157] + "..."
