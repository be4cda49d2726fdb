"""`gwlb certify`: an appliance against the list of checks, one line a check."""

from __future__ import annotations

import importlib.metadata
import os
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter
from rich.markup import escape

from . import client, lab, show
from .parameters import Json, Name
from .refusal import Refusal

if TYPE_CHECKING:
    from opengwlb.certify.appliance import Appliance, Place
    from opengwlb.certify.lab import Lab, Sizes
    from opengwlb.certify.profile import Profile
    from opengwlb.certify.registry import Check
    from opengwlb.certify.report import Report

_SIGNS = {
    "passed": "[green]pass    [/]",
    "failed": "[red]FAIL    [/]",
    "declared": "[cyan]declared[/]",
    "not applicable": "[dim]n/a     [/]",
    "error": "[red]ERROR   [/]",
}


def register(app: App) -> None:
    app.command(_certify, name="certify")


def _certify(
    image: str | None = None,
    /,
    *,
    target: str | None = None,
    netns: str = "",
    node: tuple[str, ...] = (),
    profile: Path | None = None,
    only: tuple[str, ...] = (),
    listed: Annotated[bool, Parameter(name="--list", negative=())] = False,
    short: Annotated[bool, Parameter(negative=())] = False,
    seed: int | None = None,
    out: Path | None = None,
    accept_terms: Annotated[bool, Parameter(negative=())] = False,
    name: Name = lab.DEFAULT_NAME,
    json: Json = False,
) -> int:
    """Try an appliance as a Gateway Load Balancer would, and as its worst day would.

    Exit status 0: every required check passed. 1: one did not. 2: it could not be asked.

    Parameters
    ----------
    image
        An image's id or name, such as firewall: started in a lab of its own. From the running server of --name, else from a
        private one.
    target
        ADDRESS or ADDRESS:6081 of an appliance that runs already, in place of an image.
    netns
        The network namespace from which a target is reached.
    node
        Addresses of this machine that play load balancer for a target; given twice, also for a second zone.
    profile
        TOML: how the appliance is started, and what it declares that it does by design.
    only
        Ids of checks, or themes.
    listed
        Only list the checks.
    short
        Smaller transfers, fewer packets: a minute less.
    seed
        Of all that is random; the report says which was used.
    out
        Folder for report.json, junit.xml and a capture of each check.
    accept_terms
        You have read the terms of a marketplace product and accept them.
    """
    from opengwlb.certify.registry import all_checks

    chosen = _chosen(all_checks(), only)
    if listed:
        return _list(chosen, as_json=json)
    if (image is None) == (target is None):
        raise Refusal("Give an image, or --target ADDRESS of an appliance that runs.", status=2)
    if os.geteuid() != 0:
        raise Refusal("Certifying needs root: run this with sudo.", status=2)
    return _run(
        image,
        target=target,
        netns=netns,
        nodes=node,
        profile_file=profile,
        chosen=chosen,
        short=short,
        seed=random.SystemRandom().randrange(1 << 31) if seed is None else seed,
        out=out,
        accept_terms=accept_terms,
        name=name,
        as_json=json,
    )


def _chosen(checks: Sequence[Check], only: Sequence[str]) -> list[Check]:
    """Those asked for, by id or theme; all when nothing is asked. Refuses what there is not."""
    words = [word for given in only for word in given.split(",") if word]
    for word in words:
        if not any(word in (one.id, one.theme) for one in checks):
            raise Refusal(f"There is no check or theme {word}: `gwlb certify --list` names them.", status=2)
    return [one for one in checks if not words or one.id in words or one.theme in words]


def _list(checks: Sequence[Check], *, as_json: bool) -> int:
    if as_json:
        show.as_json(
            [{"id": c.id, "theme": c.theme, "level": str(c.level), "title": c.title, "why": c.why} for c in checks]
        )
        return 0
    rows = [{"id": c.id, "level": str(c.level), "title": c.title} for c in checks]
    show.table(rows, title=f"{len(checks)} checks")
    return 0


def _run(
    image: str | None,
    *,
    target: str | None,
    netns: str,
    nodes: tuple[str, ...],
    profile_file: Path | None,
    chosen: Sequence[Check],
    short: bool,
    seed: int,
    out: Path | None,
    accept_terms: bool,
    name: str,
    as_json: bool,
) -> int:
    from opengwlb.certify.lab import Sizes
    from opengwlb.certify.registry import all_checks
    from opengwlb.certify.report import Result, summary
    from opengwlb.certify.run import run_checks, write_files

    from .certify_image import ImageAppliance

    profile = read_profile(profile_file)
    console = show.console()
    wide = max((len(one.id) for one in chosen), default=0)

    def tell(result: Result) -> None:
        if not as_json:
            check = result.check
            line = (
                f"{_SIGNS[result.outcome]} {check.id:<{wide}} {escape(check.title)} [dim]({escape(result.sentence)})[/]"
            )
            console.print(line, soft_wrap=True)
            if not result.well:
                console.print(f"{'':<9}{'':<{wide}} {check.level}, because {escape(check.why)}", soft_wrap=True)

    with appliance(
        image, target=target, netns=netns, nodes=nodes, profile=profile, name=name, accept_terms=accept_terms
    ) as (tried, place):
        made = open_lab(tried, place, profile=profile, sizes=Sizes.short() if short else Sizes())
        try:
            report = run_checks(made, chosen, seed=seed, short=short, out=out, tell=tell)
        finally:
            made.close()
        if out is not None:
            write_files(report, out)
            (out / "console.log").write_text(tried.console(), encoding="utf-8")
        if isinstance(tried, ImageAppliance) and len(chosen) == len(all_checks()):
            tell_server(name, image=tried.image, report=report)
    if as_json:
        show.as_json(report.as_json())
    else:
        for line in summary(report):
            console.print(escape(line))
    return 0 if report.passed else 1


def tell_server(name: str, *, image: str, report: Report) -> None:
    """The running server of the name keeps the result, for everybody who may launch the image. A private server has no use for it."""
    if lab.running(name) is None:
        return
    said = {"image": image, "version": importlib.metadata.version("opengwlb"), **report.counts()}
    client.operator(name).post("certifications", said)


def read_profile(path: Path | None) -> Profile:
    from opengwlb.certify.profile import Profile, ProfileError
    from opengwlb.certify.profile import read_profile as read

    try:
        return read(path) if path else Profile()
    except (ProfileError, OSError) as problem:
        raise Refusal(f"--profile {path}: {problem}", status=2) from problem


@contextmanager
def appliance(
    image: str | None,
    *,
    target: str | None,
    netns: str,
    nodes: tuple[str, ...],
    profile: Profile,
    name: str,
    accept_terms: bool = False,
) -> Iterator[tuple[Appliance, Place]]:
    """What is to be tried, started if it is an image."""
    from . import certify_image, certify_target

    if target is not None:
        yield certify_target.target(target, profile=profile, netns=netns, nodes=nodes)
    else:
        with certify_image.started(image or "", profile=profile, name=name, accept_terms=accept_terms) as made:
            yield made


def open_lab(tried: Appliance, place: Place, *, profile: Profile, sizes: Sizes) -> Lab:
    """A lab whose appliance answers its health check. Refuses one that does not."""
    from opengwlb.certify.judgement import Failed
    from opengwlb.certify.lab import Lab

    try:
        made = Lab(appliance=tried, place=place, profile=profile, sizes=sizes)
    except OSError as problem:
        raise Refusal(f"UDP port 6081 of a node cannot be opened: {problem}.", status=2) from problem
    try:
        made.until_health(True, seconds=profile.start_s)
    except Failed as problem:
        made.close()
        console = tried.console().strip()
        printed = f" Its console ends with:\n{console[-1500:]}" if console else ""
        raise Refusal(f"{tried.name} never became healthy: {problem}.{printed}", status=2) from problem
    return made
