"""Its worst day: packets that nobody should send, by the dice of the seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from .. import packets
from ..judgement import Failed, NotApplicable
from ..lab import CHUNK, Lab
from ..packets import OTHER_CLASS, Option
from ..registry import Level, check


def _same_processes(lab: Lab) -> Callable[[], None]:
    """A question to be asked afterwards: are all processes still the ones that they were? Raises Failed."""
    try:
        before = lab.processes.all()
    except NotApplicable:
        return lambda: None

    def ask() -> None:
        gone = {pid: name for pid, name in before.items() if pid not in lab.processes.all()}
        try:
            loops = lab.processes.loops(health_port=lab.profile.health_port)
        except NotApplicable:
            loops = {}
        # Short-lived helpers come and go; what matters is that nobody who serves the tunnel died.
        if gone and not (set(before) & set(loops)):
            raise Failed(f"{', '.join(sorted(set(gone.values())))} died")

    return ask


def _flip(data: bytes, dice: random.Random) -> bytes:
    made = bytearray(data)
    for _ in range(dice.randrange(1, 6)):
        made[dice.randrange(len(made))] = dice.getrandbits(8)
    return bytes(made)


def _spoilt_header(lab: Lab) -> bytes:
    """A datagram whose GENEVE is wrong in one of many ways."""
    dice, shot = lab.dice, lab.first()
    flow = lab.conversation().flow
    match dice.randrange(8):
        case 0:
            return shot.data[: dice.randrange(0, 40)]
        case 1:
            return bytes(dice.getrandbits(8) for _ in range(dice.randrange(1, 200)))
        case 2:
            return bytes((shot.data[0] | 0x3F,)) + shot.data[1:]
        case 3:
            # Not in the endpoint's number: a well-formed header of an endpoint that there is not is nothing malformed.
            return _flip(shot.header[:12], dice) + shot.header[12:20] + _flip(shot.header[20:], dice) + shot.inner
        case 4:
            long = Option(OTHER_CLASS, dice.getrandbits(8), bytes(4 * dice.randrange(0, 20)))
            return packets.geneve((*flow.options[: dice.randrange(3)], long), flags=dice.getrandbits(8)) + shot.inner
        case 5:
            # The last option says that it goes on behind the header.
            made = bytearray(shot.header)
            made[35] |= 0x1F
            return bytes(made) + shot.inner
        case 6:
            return packets.geneve((), version=4) + shot.inner
        case _:
            return shot.header[:2] + dice.choice((b"\x65\x58", b"\0\0", b"\x88\x47")) + shot.header[4:] + shot.inner


def _spoilt_inner(lab: Lab) -> bytes:
    """A good header around something that is not quite IP."""
    dice = lab.dice
    talk = lab.conversation(version=dice.choice((4, 6)))
    inner = talk.data().inner
    match dice.randrange(7):
        case 0:
            return talk.flow.header + inner[: dice.randrange(0, len(inner))]
        case 1:
            return talk.flow.header + _flip(inner, dice)
        case 2:
            return talk.flow.header + inner + bytes(dice.randrange(1, 64))
        case 3:
            return talk.flow.header + bytes((inner[0] & 0xF0 | dice.randrange(16),)) + inner[1:]
        case 4:
            # An IPv6 chain of extension headers that bites its own tail.
            chain = bytes((0, 0, 1, 4, 0, 0, 0, 0)) * dice.randrange(1, 40)
            return talk.flow.header + talk.ip(0, chain)
        case 5:
            return talk.flow.header + bytes(dice.getrandbits(8) for _ in range(dice.randrange(1, 400)))
        case _:
            last = talk.ip(packets.UDP, b"\xff" * 24, fragment=packets.MORE_FRAGMENTS | 0x1FFF)
            return talk.flow.header + last


def _bombard(lab: Lab, make: Callable[[Lab], bytes]) -> str:
    survived = _same_processes(lab)
    count = lab.sizes.fuzz_packets
    source = lab.place.nodes[0]
    for start in range(0, count, CHUNK):
        for _ in range(min(CHUNK, count - start)):
            port = lab.dice.randrange(1024, 65536)
            lab.send_raw(packets.outer(source, lab.appliance.address, port, make(lab)))
        if not lab.passes():
            survived()
            raise Failed(f"after {min(start + CHUNK, count)} of them a good packet no longer came back")
    survived()
    lab.alive()
    return f"{count} of them; each good packet in between came back, and nobody died"


@check(
    Level.REQUIRED,
    "Malformed GENEVE is ignored without harm",
    why="one crafted datagram must not stop an appliance for everybody behind it",
    transparent=False,
    returns=False,
)
def malformed_geneve(lab: Lab) -> str:
    return _bombard(lab, _spoilt_header)


@check(
    Level.REQUIRED,
    "Malformed inner packets do no harm",
    why="inner packets are written by clients: anybody on the internet",
    transparent=False,
    returns=False,
)
def malformed_inner(lab: Lab) -> str:
    return _bombard(lab, _spoilt_inner)


@check(
    Level.REQUIRED,
    "Datagrams that lie about their length do no harm",
    why="the outer lengths are checked by nobody before the appliance",
    transparent=False,
    returns=False,
)
def lying_lengths(lab: Lab) -> str:
    survived = _same_processes(lab)
    for length in (0, 7, 8, 9, 15, 16, 47, 48, 65535):
        whole = packets.outer(lab.place.nodes[0], lab.appliance.address, 40000, lab.first().data)
        lab.send_raw(whole[:24] + length.to_bytes(2, "big") + whole[26:])
    survived()
    lab.alive()
    return "9 wrong UDP lengths"


@check(
    Level.RECOMMENDED,
    "A burst of back-to-back packets is not lost",
    why="a window of TCP arrives as a burst; buffers must hold what the loop has not read yet",
    transparent=False,
)
def burst(lab: Lab) -> str:
    talk = lab.fresh()
    # Together no more than an unscaled TCP window: connection tracking drops what lies beyond it, and rightly.
    shots = [talk.data(size=200) for _ in range(256)]
    for shot in shots:
        lab.send(shot)
    found: set[bytes] = set()
    marks = {shot.mark for shot in shots}

    def sort(_frame: object, seen: object) -> bool:
        data = seen.data  # type: ignore[attr-defined]
        at = data.find(b"certify ")
        found.add(data[at + 8 : at + 24])
        return found >= marks

    lab.watch(sort, seconds=2.0)
    lost = len(marks - found)
    if lost:
        raise Failed(f"{lost} of 256 packets of 200 bytes were lost")
    return "256 packets of 200 bytes"


@check(
    Level.REQUIRED,
    "Unknown senders get nothing that was somebody else's",
    why="a stray datagram from beside the tunnel must come back to its sender or end, never travel to a node",
    transparent=False,
)
def stray_sender(lab: Lab) -> str:
    if len(lab.place.nodes) < 2:
        raise NotApplicable("there is only one node to send from")
    lab.exchange([lab.fresh().data()])
    stray = replace(lab.first(), node=1)
    for found in lab.exchange([stray])[0]:
        if found.destination == lab.place.nodes[0]:
            raise Failed(f"a packet from {lab.place.nodes[1]} was returned to {lab.place.nodes[0]}")
    lab.alive()
    return "nothing went astray"
