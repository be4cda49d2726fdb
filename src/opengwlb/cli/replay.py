"""`gwlb replay`: recorded traffic through an appliance, and through a second one to compare with."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from . import lab, show
from .certify import open_lab, read_profile
from .parameters import Json, Name
from .refusal import Refusal

if TYPE_CHECKING:
    from opengwlb.certify.appliance import Appliance, Place
    from opengwlb.certify.comparison import Fate, FlowOutcome
    from opengwlb.certify.profile import Profile
    from opengwlb.certify.recording import Recorded, Recording

_SHOWN = 40
"""Flows in the table, when nobody asked for JSON."""


def register(app: App) -> None:
    app.command(_replay, name="replay")


def _replay(
    file: Path,
    /,
    *,
    via: str,
    also: str | None = None,
    profile: Path | None = None,
    also_profile: Path | None = None,
    rate: int = 2000,
    slower: float | None = None,
    netns: str = "",
    node: tuple[str, ...] = (),
    seed: int = 1,
    accept_terms: Annotated[bool, Parameter(negative=())] = False,
    name: Name = lab.DEFAULT_NAME,
    json: Json = False,
) -> int:
    """Send a recorded capture through an appliance; compare with another one, or with what was recorded.

    Exit status 0: no difference. 1: a difference. 2: it could not be asked.

    Parameters
    ----------
    file
        pcap or pcapng of clients and servers, or of an appliance's interface on AWS: GENEVE is taken off, and what the appliance
        returned then is what this one is compared with.
    via
        An image's id or name, or the address of an appliance that runs.
    also
        A second one, such as the next version: each flow's packets, bytes and latency are compared.
    profile
        TOML: how the appliance is started, as for `gwlb certify`.
    also_profile
        The second one's, when it has another.
    rate
        Packets a second at most.
    slower
        Also call it a difference when a flow's median latency is this many times the other's, and a millisecond more.
    netns
        The network namespace from which an appliance that runs is reached.
    node
        The address of this machine that plays load balancer for it.
    seed
        Of cookies and outer ports.
    accept_terms
        You have read the terms of a marketplace product and accept them.
    """
    from opengwlb.certify import comparison
    from opengwlb.certify.recording import RecordingError, read_recording

    if rate < 1:
        raise Refusal(f"--rate {rate}: at least one packet a second.", status=2)
    if os.geteuid() != 0:
        raise Refusal("Replaying needs root: run this with sudo.", status=2)
    declared = [read_profile(profile), read_profile(also_profile or profile)]
    try:
        recording = read_recording(file.read_bytes())
    except (RecordingError, OSError) as problem:
        raise Refusal(f"{file}: {problem}", status=2) from problem
    if not recording.packets:
        raise Refusal(f"{file} holds no whole IP packet ({recording.cut_short} were cut short).", status=2)
    numbers, names = comparison.assign_flows(recording.packets)
    sides: list[tuple[str, list[FlowOutcome], int]] = []
    recorded = comparison.recorded_fates(recording.packets)
    if recorded is not None and also is None:
        sides.append(("the recording", comparison.summarise(recording.packets, numbers, names, recorded), 0))
    with ExitStack() as stack:
        for which, one in zip((via, also), declared, strict=True):
            if which is not None:
                opened = _appliance(
                    stack, which, profile=one, netns=netns, nodes=node, name=name, accept_terms=accept_terms
                )
                played = _play(opened, one, recording.packets, numbers, rate=rate, seed=seed)
                label = f"{which} (2)" if any(which == label for label, *_ in sides) else which
                sides.append((label, comparison.summarise(recording.packets, numbers, names, played[0]), played[1]))
    found = []
    if len(sides) == 2:
        labels = (sides[0][0], sides[1][0])
        found = comparison.differences(sides[0][1], sides[1][1], names=labels, slower=slower)
    _tell(file, recording, sides, found, as_json=json)
    return 1 if found else 0


def _play(
    opened: AbstractContextManager[tuple[Appliance, Place]],
    profile: Profile,
    packets: Sequence[Recorded],
    numbers: list[int],
    *,
    rate: int,
    seed: int,
) -> tuple[list[Fate], int]:
    """(what became of each packet, packets that nobody sent)."""
    from opengwlb.certify.lab import Sizes
    from opengwlb.certify.player import Player

    with opened as (tried, place):
        made = open_lab(tried, place, profile=profile, sizes=Sizes())
        try:
            made.begin(seed=str(seed))
            player = Player(made, packets, numbers, seed=seed)
            return player.play(rate=rate), player.strange
        finally:
            made.close()


@contextmanager
def _appliance(
    stack: ExitStack,
    which: str,
    *,
    profile: Profile,
    netns: str,
    nodes: tuple[str, ...],
    name: str,
    accept_terms: bool,
) -> Iterator[tuple[Appliance, Place]]:
    from . import certify_image, certify_target

    try:
        ipaddress.IPv4Address(which.partition(":")[0])
    except ValueError:
        pass
    else:
        yield certify_target.target(which, profile=profile, netns=netns, nodes=nodes)
        return
    # The server stays for a second image, and goes with the stack.
    record = (
        lab.running(name)
        or lab.running(certify_image.private_name())
        or stack.enter_context(certify_image.server(name))
    )
    with certify_image.instance_of(record, which, profile=profile, accept_terms=accept_terms) as made:
        yield made


def _tell(
    file: Path,
    recording: Recording,
    sides: list[tuple[str, list[FlowOutcome], int]],
    found: list[str],
    *,
    as_json: bool,
) -> None:
    if as_json:
        show.as_json(
            {
                "file": str(file),
                "packets": len(recording.packets),
                "cut_short": recording.cut_short,
                "other_frames": recording.other,
                "appliances": [
                    {"name": label, "strange_packets": strange, "flows": [one.as_row() for one in flows]}
                    for label, flows, strange in sides
                ],
                "differences": found,
            }
        )
        return
    console = show.console()
    rows = []
    for at, first in enumerate(sides[0][1][:_SHOWN]):
        row: dict[str, Any] = {"flow": first.flow, "packets": first.packets}
        for label, flows, _ in sides:
            one = flows[at]
            altered = f", {one.altered} altered" if one.altered else ""
            latency = f", {one.latency_p50_us:g} µs" if one.latency_p50_us is not None else ""
            row[label] = f"{one.verdict} {one.passed}, {one.bytes_passed} B{altered}{latency}"
        rows.append(row)
    left = len(sides[0][1]) - len(rows)
    show.table(rows, title=f"{file.name}: {len(recording.packets)} packets in {len(sides[0][1])} flows")
    if left:
        console.print(f"{left} more flows: --json lists them all.")
    if recording.cut_short or recording.other:
        console.print(
            f"Left out: {recording.cut_short} packets that were cut short, {recording.other} frames that are not IP."
        )
    for label, _, strange in sides:
        if strange:
            console.print(f"{label} sent {strange} packets that nobody had sent to it.", markup=False)
    for sentence in found:
        console.print(f"DIFFERENT {sentence}", markup=False, soft_wrap=True)
    if len(sides) == 2:
        console.print(f"{len(found)} of {len(sides[0][1])} flows differ." if found else "No difference.")
