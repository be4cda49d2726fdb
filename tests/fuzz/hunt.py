"""The hunt: epochs of hostile frames through the real programs, each judged by the model; what differs is made small and printed.

An epoch starts from an empty flow table and depends on its seed alone, so `--seed N --epoch E` brings a find back.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from opengwlb.model.topology import PortRef

from .endpoint import RESETS
from .frames import Dice
from .gateway import Gateway
from .model import Model
from .router import Router
from .sender import SHORT, Frame, Sender, Step
from .state import Broken
from .wire import CODES, PASS, REDIRECT, SHOT
from .world import World, plane, ref

EPOCH = 10_000
"""Few enough that they take less than SHORTEST_S."""
SHORTEST_S = 4.9
"""After five seconds a closed flow is forgotten, and what the fragments of a datagram have in common. The model knows no time."""
ATTEMPTS = 5
BATCH = 2_000
"""Frames between two looks at all counters; the row of the expected verdict is looked at after each frame."""
MINIMISE_S = 8.0
SHOWN = 20
"""Steps, at most, in a report."""


@dataclass(frozen=True)
class Find:
    """Program and model disagree."""

    step: Step
    expected: str
    got: str
    expected_out: bytes = b""
    got_out: bytes = b""

    @property
    def kind(self) -> tuple[object, ...]:
        return (*self.step[:1], self.expected, self.got)

    def __str__(self) -> str:
        lines = [f"the rules say: {self.expected}", f"the program:   {self.got}"]
        if isinstance(self.step[-1], bytes):
            program, port, gso, frame = self.step
            lines.insert(0, f"{program} on {port}{f' (GSO {gso})' if gso else ''}, {len(frame)} bytes: {frame.hex()}")
        if self.expected_out != self.got_out:
            lines += [f"bytes by the rules: {self.expected_out.hex()}", f"bytes that left:    {self.got_out.hex()}"]
        return "\n".join(lines)


class Judge:
    """Runs steps and compares. `model` is what a test may replace by one with a rule missing."""

    def __init__(self, world: World, model: type[Model] = Model) -> None:
        self.world, self._model = world, model
        self.plane = plane(world.ports)
        self.numbers = {one.name: one.number for one in world.dataplane.verdicts.values()}
        self.codes = {one.name: CODES[one.kind] for one in world.dataplane.verdicts.values()}
        self.names = {one.number: one.name for one in world.dataplane.verdicts.values()}
        self.codes["ttl_exceeded"] = PASS  # a drop of the stack's own, which answers it
        self.codes["igw_out"] = self.codes["igw_in"] = PASS  # the gateway's own kernel routes
        self.router = Router({name.device: port for name, port in world.ports.items()})
        self.gateway = Gateway()
        self.tally: dict[tuple[int, int], tuple[int, int]] = {}
        self.verdicts: Counter[str] = Counter()
        self.not_run = 0

    def begin(self, seed: str) -> Dice:
        dice = Dice(seed)
        self.world.reset(dice.random)
        self.model = self._model(self.plane, self.world.ports)
        self.router.begin()
        self.tally = self.world.all_counted()
        return dice

    def step(self, step: Step) -> Find | None:
        if step[0] == "age":
            flow = self.model.cookies.get(step[1])  # type: ignore[arg-type]
            if flow is not None:
                self.world.age(flow.cookie)
                self.model.expire(flow)
            return None
        if step[0] in ("abandon", "reset"):
            _, target, value = step
            if step[0] == "abandon":
                self.model.abandon(target, value)  # type: ignore[arg-type]
            else:
                self.model.reset_flows(target, value)  # type: ignore[arg-type]
            self.world.set_target(target, self.model.generations[target], self.model.resets.get(target, 0))  # type: ignore[arg-type, index, call-overload]
            return None
        return self.frame(*step)  # type: ignore[arg-type]

    def frame(self, program: str, port: str, gso: int, frame: bytes) -> Find | None:
        name = ref(port)
        long = len(frame) > SHORT
        ran = self.world.wire(port, frame) if long else self.world.runner(program, port, gso)(frame)
        if ran is None:
            self.not_run += 1
            return None
        step, (code, out) = (program, port, gso, frame), ran
        try:
            verdict, expected_out = self._by_the_rules(step, code, out)
            broken = ""
        except Broken as error:
            verdict, expected_out, broken = "encapsulated", None, str(error)
        if code == PASS and program not in ("igw_out", "igw_in"):
            expected_out = frame
        row = (self.world.ports[name].ifindex, self.numbers[verdict])
        packets, size = self.tally.get(row, (0, 0))
        now = (packets + (2 if gso else 1), size + len(frame) - 14)
        if self.world.counted(*row) != now:
            return Find(step, verdict, self._really(row), expected_out or b"", out)
        self.tally[row] = now
        self.verdicts[verdict] += 1
        if code != self.codes[verdict]:
            return Find(step, verdict, f"{verdict}, but returned {code}")
        if broken:
            return Find(step, f"{verdict} that keeps the rules", broken, got_out=out)
        if expected_out is not None and out != expected_out:
            return Find(step, verdict, f"{verdict}, with other bytes", expected_out, out)
        return None

    def _by_the_rules(self, step: Frame, code: int, out: bytes) -> tuple[str, bytes | None]:
        """The verdict, and the bytes that have to leave where that is judged. Raises Broken."""
        program, port, _, frame = step
        if program == "endpoint":
            return self._endpoint(step, code, out)
        if program == "target":
            verdict = self.model.target(ref(port), frame)
            return verdict, self.model.returned() if verdict.startswith("decapsulated") else None
        if program == "eni":
            return self.router.eni(port, frame), self.router.out
        if program == "inspector":
            verdict = self.model.inspector(ref(port), frame)
            return verdict, self.model.swapped(frame) if verdict == "inspector_returned" else None
        verdict = (self.gateway.leaving if program == "igw_out" else self.gateway.coming)(port, frame)
        return verdict, self.gateway.out if self.codes[verdict] == PASS else None

    def _endpoint(self, step: Frame, code: int, out: bytes) -> tuple[str, bytes | None]:
        _, port, gso, frame = step
        model, segments = self.model, 2 if gso else 1
        verdict = model.endpoint(ref(port), frame, gso)
        model.settle(len(frame) - 14, segments)
        if gso and verdict == "encapsulated" and code == SHOT:
            verdict = "encap_failed"  # which super-packets of a test run can be lengthened is the kernel's affair
        if model.chance is not None and verdict in ("encapsulated", "underlay_mtu_exceeded"):
            verdict, answer = self._reset_by_chance(ref(port), frame, segments, verdict)
            if answer is not None:
                return verdict, answer
        if verdict == "encapsulated" and code == REDIRECT:
            return verdict, model.tunnelled(out)
        if verdict == "underlay_mtu_exceeded":
            model.tunnelled(out)  # dropped, but what the flow was given is there to be learned
        return verdict, model.answer if verdict.startswith("tcp_reset_") else None

    def _reset_by_chance(self, name: PortRef, frame: bytes, segments: int, otherwise: str) -> tuple[str, bytes | None]:
        """The verdict on a flow whose target the program has just chosen, maybe one whose flows are reset."""
        for verdict in RESETS.values():
            if self.model.could_be(verdict):
                row = (self.world.ports[name].ifindex, self.numbers[verdict])
                packets, size = self.tally.get(row, (0, 0))
                if self.world.counted(*row) == (packets + segments, size + len(frame) - 14):
                    return verdict, self.model.was_reset(frame, verdict)
        return otherwise, None

    def _really(self, _: tuple[int, int]) -> str:
        """What the counters say besides."""
        there = self.world.all_counted()
        changed = {self.names.get(row[1], str(row[1])) for row, value in there.items() if self.tally.get(row) != value}
        return ", ".join(sorted(changed)) or "no verdict counted"

    def look_at_all_counters(self) -> str:
        """Empty, or which rows moved that should not have: a packet has one verdict."""
        there = self.world.all_counted()
        wrong = [
            f"{self.names.get(row[1], row[1])} at {row[0]}: {there.get(row)} instead of {self.tally.get(row)}"
            for row in sorted(there.keys() | self.tally.keys())
            if there.get(row, (0, 0)) != self.tally.get(row, (0, 0))
        ]
        return "; ".join(wrong)

    def look_at_all_flows(self) -> str:
        """Empty, or how the flow table differs from the model's flows."""
        there = {
            (one.endpoint, one.cookie, one.target, one.protocol, one.packets, one.bytes)
            for one in self.world.dataplane.flows()
        }
        known = {
            (one.door.id, one.cookie, one.target, one.protocol, one.packets, one.bytes)
            for one in self.model.flows.values()
            if one.cookie >= 0 and one.target >= 0
        }
        missing = known - there
        if missing:
            return f"{len(missing)} flows are not in the table as they should be, such as {sorted(missing)[0]}"
        extra = len(there) - len(self.model.flows)
        return f"{extra} more flows in the table than began" if extra > 0 else ""


def epoch(judge: Judge, seed: int, number: int, frames: int = EPOCH) -> tuple[int, Find | None, list[Step]]:
    """Steps taken, the first find, and the steps that led to it. What took so long that time alone explains a find is judged anew."""
    for _ in range(ATTEMPTS):
        began = time.monotonic()
        taken, find, history = _epoch(judge, seed, number, frames)
        if find is None or time.monotonic() - began < SHORTEST_S:
            break
    return taken, find, history


def _epoch(judge: Judge, seed: int, number: int, frames: int) -> tuple[int, Find | None, list[Step]]:
    name = f"{seed}/{number}"
    sender = Sender(judge.begin(name), judge.world, judge.model)
    history: list[Step] = []
    for i in range(frames):
        step = sender.next()
        history.append(step)
        find = judge.step(step)
        if find is not None:
            return i + 1, find, history
        if step[0] == "endpoint":
            sender.remember(step[3])  # type: ignore[misc, arg-type]
        if i % BATCH == BATCH - 1 or i == frames - 1:
            wrong = judge.look_at_all_counters()
            if wrong:
                return i + 1, Find(step, "one verdict for each packet", wrong), history
    wrong = judge.look_at_all_flows()
    return frames, Find(history[-1], "the flow table holds the model's flows", wrong) if wrong else None, history


def minimise(judge: Judge, seed: int, number: int, find: Find, history: list[Step]) -> tuple[Find, list[Step]]:
    """The fewest steps, and the plainest last frame, that still bring the same disagreement; as far as it goes in a few seconds."""
    until = time.monotonic() + MINIMISE_S
    name = f"{seed}/{number}"

    def again(steps: Iterable[Step]) -> Find | None:
        judge.begin(name)
        for step in steps:
            found = judge.step(step)
            if found is not None:
                return found if found.kind == find.kind else None
        return None

    if not isinstance(find.step[-1], bytes) or again(history) is None:
        return find, history
    kept, last = history[:-1], history[-1]
    if again([last]):
        kept = []
    size = len(kept) // 2
    while size and time.monotonic() < until:
        at = 0
        while at < len(kept) and time.monotonic() < until:
            fewer = kept[:at] + kept[at + size :]
            if again([*fewer, last]):
                kept = fewer
            else:
                at += size
        size //= 2
    last = _plain(last, lambda step: again([*kept, step]) is not None, until)  # type: ignore[arg-type]
    return again([*kept, last]) or find, [*kept, last]


def _plain(step: Frame, holds: Callable[[Frame], bool], until: float) -> Frame:
    program, port, gso, frame = step
    for size in (64, 16, 4, 1):
        while len(frame) > 14 + size and time.monotonic() < until and holds((program, port, gso, frame[:-size])):
            frame = frame[:-size]
    for at in range(14, len(frame)):
        if frame[at] and time.monotonic() < until:
            plainer = frame[:at] + b"\0" + frame[at + 1 :]
            if holds((program, port, gso, plainer)):
                frame = plainer
    return program, port, gso, frame


def report(seed: int, number: int, find: Find, steps: list[Step]) -> str:
    """How to bring it back, what led to it, both answers."""
    lines = [f"python -m tests.fuzz --seed {seed} --epoch {number}"]
    if len(steps) <= SHOWN:
        lines += [_shown(step) for step in steps[:-1]] or ["on an empty flow table"]
    else:
        lines.append(f"after {len(steps) - 1} steps")
    return "\n".join([*lines, str(find)])


def _shown(step: Step) -> str:
    if isinstance(step[-1], bytes):
        program, port, gso, frame = step  # type: ignore[misc]
        return f"first {program} on {port}{f' (GSO {gso})' if gso else ''}: {frame.hex()}"  # type: ignore[union-attr]
    return f"first {step}"
