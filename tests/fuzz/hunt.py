"""The hunt: epochs of hostile frames through the real programs, each judged by the model; what differs is made small and printed.

An epoch starts from an empty flow table and depends on its seed alone, so `--seed N --epoch E` brings a find back.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from opengwlb.dataplane import VerdictKind
from opengwlb.model.topology import PortRef

from .frames import ODD4, Dice, Returns, Traffic, ipv4_packet, spoil_ethernet, spoil_packet, udp
from .model import RESETS, Broken, Flow, Model
from .router import ENI, PEER, Router
from .world import World, plane, ref

EPOCH = 10_000
"""Few enough that no closed flow (5 s) expires meanwhile."""
BATCH = 2_000
"""Frames between two looks at all counters; the row of the expected verdict is looked at after each frame."""
MINIMISE_S = 8.0
SHOWN = 20
"""Steps, at most, in a report."""
PASS, SHOT, REDIRECT = 0, 2, 7
CODES = {VerdictKind.PASS: REDIRECT, VerdictKind.REPLY: REDIRECT, VerdictKind.STACK: PASS, VerdictKind.DROP: SHOT}

DESTINATIONS = [
    bytes(one)
    for one in (
        *((10, 0, 1, 1), (10, 0, 1, 77), (10, 0, 2, 77), (198, 51, 100, 9), (192, 0, 2, 1), (8, 8, 8, 8)),
        *((169, 254, 169, 254), (169, 254, 169, 253), (10, 0, 0, 2)),
    )
]
"""Of the VPC router's traffic: itself, addresses that nobody has, each of its routes, none, and what its own box serves."""

Frame = tuple[str, str, int, bytes]
"""Program, port, GSO size, bytes."""
Event = tuple[str, int, int]
"""("age", cookie, 0), ("abandon", target, generation) or ("reset", target, flags)."""
Step = Frame | Event


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
        self.router = Router({name.device: port for name, port in world.ports.items()})
        self.tally: dict[tuple[int, int], tuple[int, int]] = {}
        self.verdicts: Counter[str] = Counter()
        self.not_run = 0

    def begin(self, seed: str) -> Dice:
        dice = Dice(seed)
        self.world.reset(dice.random)
        self.model = self._model(self.plane, self.world.ports)
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
        world, model = self.world, self.model
        ran = world.runner(program, port, gso)(frame)
        if ran is None:
            self.not_run += 1
            return None
        code, out = ran
        name = ref(port)
        expected_out = None
        broken = ""
        try:
            if program == "endpoint":
                verdict = model.endpoint(name, frame, gso)
                model.settle(len(frame) - 14, 2 if gso else 1)
                if gso and verdict == "encapsulated" and code == SHOT:
                    verdict = (
                        "encap_failed"  # which super-packets of a test run can be lengthened is the kernel's affair
                    )
                if model.chance is not None and verdict in ("encapsulated", "underlay_mtu_exceeded"):
                    verdict, expected_out = self._reset_by_chance(name, frame, 2 if gso else 1, verdict)
                if verdict == "encapsulated" and code == REDIRECT:
                    expected_out = model.tunnelled(out)
                elif verdict.startswith("tcp_reset_") and expected_out is None:
                    expected_out = model.answer
                elif verdict == "underlay_mtu_exceeded":
                    model.tunnelled(out)  # dropped, but what the flow was given is there to be learned
            elif program == "target":
                verdict = model.target(name, frame)
                if verdict == "decapsulated":
                    expected_out = model.returned()
            elif program == "eni":
                verdict = self.router.eni(port, frame)
                expected_out = self.router.out
            else:
                verdict = model.inspector(name, frame)
                if verdict == "inspector_returned":
                    expected_out = model.swapped(frame)
        except Broken as error:
            broken = str(error)
        if code == PASS:
            expected_out = frame
        ifindex = world.ports[name].ifindex
        row = (ifindex, self.numbers[verdict])
        packets, size = self.tally.get(row, (0, 0))
        now = (packets + (2 if gso else 1), size + len(frame) - 14)
        if world.counted(*row) != now:
            return Find((program, port, gso, frame), verdict, self._really(row), expected_out or b"", out)
        self.tally[row] = now
        self.verdicts[verdict] += 1
        if code != self.codes[verdict]:
            return Find((program, port, gso, frame), verdict, f"{verdict}, but returned {code}")
        if broken:
            return Find((program, port, gso, frame), f"{verdict} that keeps the rules", broken, got_out=out)
        if expected_out is not None and out != expected_out:
            return Find((program, port, gso, frame), verdict, f"{verdict}, with other bytes", expected_out, out)
        return None

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


class Sender:
    """Chooses the next step, from what the model knows by now."""

    def __init__(self, dice: Dice, judge: Judge) -> None:
        self.dice, self.judge, self.model = dice, judge, judge.model
        self.traffic = Traffic(dice)
        world = judge.world
        self.doors = [(f"door{i}", world.ports[ref(f"door{i}")]) for i in range(8)]
        self.returns = Returns(
            dice,
            nodes=[one.address for one in self.model.nodes.values()],
            targets=list(self.model.addresses.values()),
            endpoints=list(self.model.door_by_id),
        )
        self.recent: list[tuple[Flow, bytes]] = []
        self.stale = [1 << 23]
        self.again: Step | None = None
        self.generation = 1
        self.node_names = {name: name.device for name in self.model.nodes}

    def remember(self, out_of: bytes) -> None:
        """A packet that just went to a target, to be returned later."""
        flow = self.model.flow
        if flow is not None and flow.cookie >= 0:
            if len(self.recent) < 256:
                self.recent.append((flow, self.model.inner))
            else:
                self.recent[self.dice.below(256)] = (flow, self.model.inner)

    def next(self) -> Step:
        dice = self.dice
        if self.again is not None:
            step, self.again = self.again, None
            return step
        roll = dice.roll()
        if roll < 0.45 or not self.recent:
            return self.into_endpoint()
        if roll < 0.85:
            return self.to_node()
        if roll < 0.935:
            return self.to_appliance()
        if roll < 0.985:
            return self.to_router()
        flow, _ = self.recent[dice.below(len(self.recent))]
        if roll < 0.997:
            self.stale.append(flow.cookie)
            return ("age", flow.cookie, 0)
        if roll < 0.9993:
            return ("reset", dice.below(4), dice.of((0, 0, 0, 1, 2)))
        self.generation += 1
        return ("abandon", dice.below(5), self.generation)

    def into_endpoint(self) -> Step:
        dice = self.dice
        place = 0 if dice.roll() < 0.5 else dice.below(8)
        name, port = self.doors[place]
        family = 6 if (dice.roll() < 0.3 and place != 1) or dice.roll() < 0.05 else 4
        packet = self.traffic.packet(family)
        if dice.roll() < 0.5:
            packet = spoil_packet(dice, packet)
            if dice.roll() < 0.3:
                packet = spoil_packet(dice, packet)
        frame = port.mac + port.peer_mac + (b"\x08\x00" if family == 4 else b"\x86\xdd") + packet
        if dice.roll() < 0.05:
            frame = spoil_ethernet(dice, frame)
        gso = dice.of((100, 1400, 8440, 8480, 8500)) if place < 2 and dice.roll() < 0.02 else 0
        if gso:  # may begin a flow without showing what it was given: the same frame, whole, shows it
            self.again = ("endpoint", name, 0, frame[:3500])
        return ("endpoint", name, gso, frame[:3500])

    def to_node(self) -> Step:
        dice = self.dice
        flow, inner = self.recent[dice.below(len(self.recent))]
        node = flow.door.node
        assert node is not None
        name, port = node.entry.port.device, node.port
        if dice.roll() < 0.05:
            name = dice.of(("node0", "node1", "node2", "node3", "node4", "node9"))
        sender = self.model.addresses.get(flow.target) or bytes((10, 9, 1, 99))
        frame = self.returns.frame(
            port.mac + port.peer_mac,
            sender,
            node.address,
            flow.port,
            flow.door.id,
            flow.cookie,
            inner,
            self.other_cookie(),
        )
        if dice.roll() < 0.1:
            frame = frame[:14] + spoil_packet(dice, frame[14:])
        if dice.roll() < 0.03:
            frame = spoil_ethernet(dice, frame)
        return ("target", name, 0, frame[:3500])

    def to_appliance(self) -> Step:
        dice = self.dice
        flow, inner = self.recent[dice.below(len(self.recent))]
        name = dice.of(("app0", "app1"))
        port = self.judge.world.ports[ref(name)]
        node = flow.door.node
        assert node is not None
        frame = self.returns.frame(
            port.mac + port.peer_mac,
            node.address,
            self.model.addresses.get(flow.target) or bytes((10, 9, 1, 99)),
            flow.port,
            flow.door.id,
            flow.cookie,
            inner if dice.roll() < 0.5 else self.traffic.packet(dice.of((4, 6))),
            self.other_cookie(),
        )
        if dice.roll() < 0.1:
            frame = frame[:14] + spoil_packet(dice, frame[14:])
        if dice.roll() < 0.03:
            frame = spoil_ethernet(dice, frame)
        return ("inspector", name, 0, frame[:3500])

    def to_router(self) -> Step:
        dice = self.dice
        name = dice.of(("eni0", "eni0", "eni1"))
        port = self.judge.world.ports[ref(name)]
        macs = port.mac + port.peer_mac
        if dice.roll() < 0.1:
            asked = bytes((10, 0, dice.below(3), dice.below(12)))
            arp = bytes.fromhex("0001080006040001") + port.peer_mac + bytes((10, 0, 1, 10)) + bytes(6) + asked
            frame = macs + b"\x08\x06" + (spoil_packet(dice, arp) if dice.roll() < 0.5 else arp + bytes(18))
        else:
            source = ENI if dice.roll() < 0.8 else dice.of((PEER, *ODD4))
            destination = dice.of((ENI, PEER, *DESTINATIONS) if dice.roll() < 0.9 else ODD4)
            data = udp(1000, 53, bytes(dice.below(40) if dice.roll() < 0.9 else 1440 + dice.below(60)))
            packet = ipv4_packet(
                source, destination, 17, data, options=b"\1" * 4 * dice.below(3), ttl=dice.of((64, 2, 1, 0))
            )
            frame = macs + b"\x08\x00" + (spoil_packet(dice, packet) if dice.roll() < 0.4 else packet)
        if dice.roll() < 0.1:
            frame = spoil_ethernet(dice, frame)
        return ("eni", name, 0, frame[:3500])

    def other_cookie(self) -> int:
        dice = self.dice
        if dice.roll() < 0.5:
            return self.stale[dice.below(len(self.stale))]
        return self.recent[dice.below(len(self.recent))][0].cookie


def epoch(judge: Judge, seed: int, number: int, frames: int = EPOCH) -> tuple[int, Find | None, list[Step]]:
    """Steps taken, the first find, and the steps that led to it."""
    name = f"{seed}/{number}"
    sender = Sender(judge.begin(name), judge)
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
