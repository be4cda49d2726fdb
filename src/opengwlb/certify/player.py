"""Sends a recording through an appliance and notes what became of each packet."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Sequence

from opengwlb.observe.capture import Frame
from opengwlb_appliance.geneve import GeneveError, decode

from . import packets
from .comparison import Fate
from .lab import Lab
from .recording import Recorded
from .shots import Shot, read_udp

WINDOW = 128
"""Packets on their way at once."""
GIVE_UP_S = 0.25
"""So old, a packet no longer holds up the next ones. It may still come back until the end."""
AT_THE_END_S = 1.0


class Player:
    """One recording, one appliance."""

    def __init__(self, lab: Lab, recorded: Sequence[Recorded], numbers: Sequence[int], *, seed: int) -> None:
        dice = random.Random(seed)
        self._lab, self._recorded, self._numbers = lab, recorded, numbers
        flows = max(numbers, default=-1) + 1
        # Cookies and ports are ours: the load balancer of the recording is not there.
        self._cookies = dice.sample(range(1, 1 << 32), flows)
        self._ports = [dice.randrange(32768, 65536) for _ in range(flows)]
        self._endpoints = {one.endpoint: one.endpoint or dice.getrandbits(60) for one in recorded}
        self._flow_of = {cookie: number for number, cookie in enumerate(self._cookies)}
        self._waiting: list[deque[int]] = [deque() for _ in range(flows)]
        self._sent_ns: dict[int, int] = {}
        """By packet, when the appliance's interface saw it."""
        self._unseen: list[deque[int]] = [deque() for _ in range(flows)]
        self.fates: list[Fate | None] = [None] * len(recorded)
        self.strange = 0
        """Packets of the appliance that belong to nothing that was sent."""

    def play(self, *, rate: int) -> list[Fate]:
        """Send everything in order, `rate` packets a second at most; what became of each."""
        at, began = 0, time.monotonic()
        young: deque[tuple[int, float]] = deque()
        while at < len(self._recorded):
            now = time.monotonic()
            while young and (self.fates[young[0][0]] is not None or now - young[0][1] > GIVE_UP_S):
                young.popleft()
            due = min(len(self._recorded), int((now - began) * rate) + 1, at + WINDOW - len(young))
            while at < due:
                self._send(at)
                young.append((at, now))
                at += 1
            self._hear(0.001)
        deadline = time.monotonic() + AT_THE_END_S
        while time.monotonic() < deadline and any(fate is None for fate in self.fates):
            self._hear(0.02)
        return [fate or Fate(returned=False, size=0) for fate in self.fates]

    def _send(self, at: int) -> None:
        recorded, number = self._recorded[at], self._numbers[at]
        version = recorded.inner[0] >> 4
        options = packets.aws_options(endpoint=self._endpoints[recorded.endpoint], cookie=self._cookies[number])
        self._waiting[number].append(at)
        self._unseen[number].append(at)
        self._lab.send(
            Shot(
                header=packets.geneve(options, version=version),
                inner=recorded.inner,
                mark=b"",
                source_port=self._ports[number],
            )
        )

    def _hear(self, seconds: float) -> None:
        for frame in self._lab.look(seconds):
            seen = read_udp(frame.data, at_ns=frame.at_ns)
            if seen is None:
                continue
            try:
                header = decode(seen.data)
            except GeneveError:
                self.strange += frame.incoming is not self._lab.place.at_appliance
                continue
            number = self._flow_of.get(header.cookie)
            if frame.incoming is self._lab.place.at_appliance:
                if number is not None and self._unseen[number]:
                    self._sent_ns[self._unseen[number].popleft()] = frame.at_ns
            elif number is None:
                self.strange += 1
            else:
                self._came_back(number, seen.data[header.length :], frame)

    def _came_back(self, number: int, inner: bytes, frame: Frame) -> None:
        waiting = self._waiting[number]
        wanted = _comparable(inner)
        found = next((at for at in waiting if _comparable(self._recorded[at].inner) == wanted), None)
        altered = found is None
        if found is None:
            found = next((at for at in waiting if _alike(self._recorded[at].inner, inner)), None)
        if found is None:
            self.strange += 1
            return
        waiting.remove(found)
        sent = self._sent_ns.get(found)
        self.fates[found] = Fate(
            returned=True, size=len(inner), altered=altered, latency_ns=frame.at_ns - sent if sent is not None else None
        )


def _comparable(inner: bytes) -> bytes:
    """Without the IPv4 header checksum: filling in what a capture at the sender lacks is no alteration."""
    if inner[:1] and inner[0] >> 4 == 4 and len(inner) >= 20:
        return inner[:10] + inner[12:]
    return inner


def _alike(sent: bytes, came: bytes) -> bool:
    """Whether a packet may be another one after some appliance's hand: same addresses, and the same place in its flow."""
    if len(came) < 20 or sent[:1] != came[:1]:
        return False
    if sent[0] >> 4 == 4:
        at = (sent[0] & 15) * 4
        return sent[12:20] == came[12:20] and sent[4:6] == came[4:6] and sent[at : at + 4] == came[at : at + 4]
    return sent[8:40] == came[8:40] and sent[40:48] == came[40:48]
