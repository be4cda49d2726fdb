"""Numbers: measured here and now, on this machine, with the generator's own limit beside them. Nobody fails by them."""

from __future__ import annotations

import socket
import struct
import time

from opengwlb.fabric.namespaces import run_in
from opengwlb.observe import filters

from .. import packets
from ..judgement import NotReturned
from ..lab import KEPT_FRAMES, Lab
from ..registry import Level, check

_PACKET_STATISTICS, _SOL_PACKET, _PACKET_TYPE_AT = 6, 263, 0xFFFFF004
_OUTGOING, _TO_US = 4, 0
LOWEST = 1000
_LATE_S = 0.1
"""What is not back so long after the last packet was sent counts as lost: else buffers would pass for speed."""


def _counter(lab: Lab) -> socket.socket:
    """Counts in the kernel what the appliance sends into the tunnel; nothing is ever read from it."""
    program = filters.Program()
    for code, at, wanted in (
        (0x28, 12, 0x0800),
        (0x30, 23, packets.UDP),
        (0x28, 36, 6081),
        (0x30, _PACKET_TYPE_AT, _OUTGOING if lab.place.at_appliance else _TO_US),
    ):
        program.load(code, at)
        program.equal(wanted, otherwise="no")
    program.accept(64)
    program.label("no")
    program.accept(0)
    made = run_in(lab.place.watch, lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0))
    filters.attach(made, program.compile())
    made.bind((lab.place.device, 3))
    return made


def _counted(counter: socket.socket) -> int:
    """Packets since the last question, also those that found no room."""
    return int(struct.unpack("II", counter.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))[0])


def _paced(lab: Lab, frames: list[bytes], *, rate: int, seconds: float) -> tuple[int, float]:
    """Send at `rate`; (packets, seconds they really took)."""
    count = max(1, int(rate * seconds))
    began = time.monotonic()
    sent = 0
    while sent < count:
        due = min(count, int((time.monotonic() - began) * rate) + 1)
        while sent < due:
            lab.send_raw(frames[sent % len(frames)])
            sent += 1
        if sent < count:
            time.sleep(0.0005)
    return sent, max(time.monotonic() - began, 1e-6)


def _frames(lab: Lab) -> list[bytes]:
    """Packets of 200 bytes in 64 open flows."""
    found = []
    for _ in range(64):
        shot = lab.fresh().data(size=160)
        found.append(packets.outer(lab.place.nodes[0], lab.appliance.address, shot.source_port, shot.data))
    return found


def _highest_rate(lab: Lab) -> tuple[int, str]:
    """(highest rate without loss, how it ended)."""
    frames, best, rate = _frames(lab), 0, LOWEST
    with _counter(lab) as counter:
        while rate <= lab.sizes.top_rate:
            _counted(counter)
            sent, took = _paced(lab, frames, rate=rate, seconds=lab.sizes.rate_s)
            back = _counted(counter)
            deadline = time.monotonic() + _LATE_S
            while back < sent and time.monotonic() < deadline:
                time.sleep(0.01)
                back += _counted(counter)
            real = int(sent / took)
            if back < sent:
                return best, f"first loss at {real:,}/s ({sent - back} of {sent})"
            best = max(best, real)
            if real < rate * 0.9:
                return best, f"no loss; the generator does no more than {real:,}/s"
            rate *= 2
    return best, "no loss up to the highest rate that was tried"


@check(
    Level.INFORMATIONAL,
    "Rate to the first loss",
    why="load is counted in packets, and an appliance is as big as its packet rate",
    transparent=False,
)
def rate(lab: Lab) -> str:
    best, how = _highest_rate(lab)
    if not best:
        raise NotReturned(f"at {LOWEST} packets a second: {how}")
    return f"{best:,} packets a second of 200 inner bytes without loss; {how}"


@check(
    Level.INFORMATIONAL,
    "Latency at half of that rate",
    why="at its limit every queue is full; at half of it the appliance shows its own time",
    transparent=False,
)
def latency(lab: Lab) -> str:
    best, _ = _highest_rate(lab)
    half = max(best // 2, LOWEST // 2)
    talks = [lab.fresh() for _ in range(16)]
    count = min(int(half * 0.2), KEPT_FRAMES // 2 - 100)
    frames = [
        packets.outer(lab.place.nodes[0], lab.appliance.address, shot.source_port, shot.data)
        for shot in (talks[at % 16].data(size=160) for at in range(count))
    ]
    lab.watch(lambda _frame, _seen: False, seconds=0.01)
    lab.frames.clear()
    _paced(lab, frames, rate=half, seconds=count / half)
    went: dict[bytes, int] = {}
    took: list[int] = []
    answered = 0

    def sort(frame: object, seen: object) -> bool:
        nonlocal answered
        answered += 1
        return answered >= count

    lab.watch(sort, seconds=1.0)
    for frame in lab.frames:
        at = frame.data.find(b"certify ")
        mark = frame.data[at + 8 : at + 24]
        if frame.incoming is lab.place.at_appliance:
            went[mark] = frame.at_ns
        elif mark in went:
            took.append(frame.at_ns - went.pop(mark))
    if not took:
        raise NotReturned("nothing came back")
    took.sort()
    p50, p99 = took[len(took) // 2], took[min(len(took) - 1, len(took) * 99 // 100)]
    return f"at {half:,} packets a second: p50 {p50 / 1000:.0f} µs, p99 {p99 / 1000:.0f} µs of {len(took)}"
