"""What a check works with: sends shots as a load balancer's node, and catches what the appliance sends.

Frames are caught by the kernel from the start of a check on, and read when someone waits for them: no thread, nothing missed.
"""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from opengwlb.fabric.namespaces import run_in
from opengwlb.model.topology import PortRef
from opengwlb.observe import filters
from opengwlb.observe.capture import Bounds, Capture, Frame
from opengwlb_appliance.geneve import PORT

from . import health, packets
from .appliance import Appliance, Place, Processes
from .conversation import Conversation, random_endpoints, random_flow
from .judgement import Failed, NotReturned
from .profile import Profile
from .shots import Return, Shot, read_udp

CHUNK = 64
"""Shots on their way at once: less than any receive buffer holds."""
ENDPOINTS = 3
"""Customers of a run. A target meets a handful, each for long: not a new one with each flow."""
KEPT_FRAMES = 2000
KEPT_BYTES = 4 << 20
"""Of one check, in its capture file."""
_SO_RCVBUFFORCE = 33


@dataclass(slots=True, kw_only=True)
class Sizes:
    """How much of everything: the short form for a test suite, the long one for a release."""

    bulk_bytes: int = 64 << 20
    fuzz_packets: int = 20_000
    many_flows: int = 2_000
    exhausting_flows: int = 300_000
    connections: int = 50
    rate_s: float = 0.5
    top_rate: int = 128_000
    truth_s: float = 10.0
    """How long a health check may take to tell the truth: AWS's shortest time to unhealthy, two failures five seconds apart."""
    quiet_s: float = 1.0
    """How long a silence lasts."""
    wait_s: float = 2.0
    """How long a packet may take before it counts as not returned."""

    @classmethod
    def short(cls) -> Sizes:
        return cls(
            bulk_bytes=8 << 20,
            fuzz_packets=1_500,
            many_flows=300,
            exhausting_flows=3_000,
            connections=10,
            rate_s=0.15,
            top_rate=32_000,
        )


class Lab:
    """One appliance and the nodes that try it. `begin` before each check, `close` at the end."""

    def __init__(self, *, appliance: Appliance, place: Place, profile: Profile, sizes: Sizes) -> None:
        """Raises OSError when a node's UDP 6081 is taken."""
        self.appliance, self.place, self.profile, self.sizes = appliance, place, profile, sizes
        self.processes = Processes(appliance.namespace)
        self.dice = random.Random(0)
        self.endpoints = random_endpoints(self.dice, ENDPOINTS)
        self.frames: list[Frame] = []
        self.sent: list[Shot] = []
        self._kept_bytes = 0
        self._capture: Capture | None = None
        self.port = PortRef(place.watch.name, place.device)
        self._senders = [self._open(at, socket.SOCK_RAW, socket.IPPROTO_RAW) for at in range(len(place.nodes))]
        # A bound socket, or the node's kernel would answer each return with port unreachable.
        self.tunnels = [self._bound(at) for at in range(len(place.nodes))]

    def _open(self, node: int, kind: int, protocol: int = 0) -> socket.socket:
        return run_in(self.place.namespaces[node], lambda: socket.socket(socket.AF_INET, kind, protocol))

    def _bound(self, node: int) -> socket.socket:
        made = self._open(node, socket.SOCK_DGRAM)
        made.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 8 << 20)
        made.bind((self.place.nodes[node], PORT))
        return made

    def begin(self, *, seed: str) -> None:
        """A new check: its own dice and its own capture."""
        self._end_capture()
        self.dice = random.Random(seed)
        self.frames, self.sent, self._kept_bytes = [], [], 0

        def open_socket(box_id: str, family: int, kind: int, protocol: int) -> socket.socket:
            return run_in(self.place.watch, lambda: socket.socket(family, kind, protocol))

        self._capture = Capture([self.port], open_socket=open_socket, code=filters.everything())
        if self._capture.missing:
            raise OSError(f"{self.port.device} in {self.place.watch} cannot be listened on")

    def close(self) -> None:
        self._end_capture()
        for each in (*self._senders, *self.tunnels):
            each.close()

    def _end_capture(self) -> None:
        if self._capture is not None:
            self._capture.close()
            self._capture = None

    # -- packets ---------------------------------------------------------------------------------------------------

    def conversation(self, *, version: int = 4, protocol: int | None = None, port: int | None = None) -> Conversation:
        """A new flow; TCP or UDP as the profile has it."""
        if protocol is None:
            protocol = packets.TCP if self.profile.probe == "tcp" else packets.UDP
        port = self.profile.port if port is None else port
        flow = random_flow(self.dice, endpoint=self.dice.choice(self.endpoints), version=version, port=port)
        return Conversation(flow, protocol=protocol, dice=self.dice)

    def opened(self, talk: Conversation) -> Conversation:
        """The flow after its handshake, of which nothing is judged here."""
        for shot in talk.handshake():
            self.exchange([shot], wait_s=self.sizes.wait_s / 4)
        return talk

    def fresh(self, *, version: int = 4, protocol: int | None = None) -> Conversation:
        return self.opened(self.conversation(version=version, protocol=protocol))

    def first(self) -> Shot:
        """The packet that opens a new flow."""
        return _first(self.conversation())

    def send(self, shot: Shot) -> None:
        source = self.place.nodes[shot.node]
        packet = packets.outer(source, self.appliance.address, shot.source_port, shot.data, summed=shot.summed)
        self.send_raw(packet, node=shot.node)

    def send_raw(self, packet: bytes, *, node: int = 0) -> None:
        """`packet` from its outer IP header on."""
        while True:
            try:
                self._senders[node].sendto(packet, (self.appliance.address, 0))
                return
            except BlockingIOError:
                continue
            except OSError as problem:
                if problem.errno != 105:  # ENOBUFS: the device's queue is full for a moment
                    raise

    def exchange(self, shots: Sequence[Shot], *, wait_s: float | None = None) -> list[list[Return]]:
        """Send, and wait until each has come back or the time is up; what came back for each."""
        wait_s = self.sizes.wait_s if wait_s is None else wait_s
        found: list[list[Return]] = []
        for start in range(0, len(shots), CHUNK):
            found += self._exchange(shots[start : start + CHUNK], wait_s=wait_s)
        return found

    def _exchange(
        self, shots: Sequence[Shot], *, wait_s: float, needed: Sequence[int] | None = None
    ) -> list[list[Return]]:
        """`needed`: those to wait for, when not all."""
        self.sent += shots
        for shot in shots:
            self.send(shot)
        found: list[list[Return]] = [[] for _ in shots]
        missing = set(range(len(shots)) if needed is None else needed)

        def sort(frame: Frame, seen: Return) -> bool:
            for at, shot in enumerate(shots):
                if shot.mark in seen.data:
                    found[at].append(seen)
                    missing.discard(at)
                    break
            return not missing

        self.watch(sort, seconds=wait_s)
        return found

    def watch(self, done: Callable[[Frame, Return], bool], *, seconds: float) -> bool:
        """Show `done` each UDP packet of the appliance until it says so (True) or the time is up (False)."""
        assert self._capture is not None
        for frame in self._capture.frames(Bounds(packets=1 << 30, bytes=1 << 40, seconds=seconds)):
            self._keep(frame)
            if frame.incoming is self.place.at_appliance:
                continue
            seen = read_udp(frame.data, at_ns=frame.at_ns)
            if seen is not None and done(frame, seen):
                return True
        return False

    def look(self, seconds: float) -> Iterator[Frame]:
        """Every frame of either direction that comes within the time."""
        assert self._capture is not None
        yield from self._capture.frames(Bounds(packets=1 << 30, bytes=1 << 40, seconds=seconds))

    def catch_up(self) -> None:
        """Keep what the kernel caught and nobody waited for, as far as there is room."""
        assert self._capture is not None
        for frame in self._capture.frames(Bounds(seconds=0.005 if self.frames else 0.1)):
            self._keep(frame)
            if len(self.frames) >= KEPT_FRAMES or self._kept_bytes >= KEPT_BYTES:
                return

    def _keep(self, frame: Frame) -> None:
        if len(self.frames) < KEPT_FRAMES and self._kept_bytes < KEPT_BYTES:
            self.frames.append(frame)
            self._kept_bytes += len(frame.data)

    def quietly(self, shots: Sequence[Shot]) -> list[list[Return]]:
        """Send packets that should end in the appliance, each followed by a good one on the same way; what came back for
        the first ones. Raises Failed when a good one is lost, for then the silence proves nothing."""
        found: list[list[Return]] = []
        for shot in shots:
            follower = self.conversation()
            good = replace(_first(follower), source_port=shot.source_port, node=shot.node)
            caught = self._exchange([shot, good], wait_s=self.sizes.wait_s, needed=[1])
            if not caught[1]:
                raise Failed("a good packet behind it did not come back")
            found.append(caught[0])
        return found

    def passes(self) -> bool:
        """Whether a good packet comes back. Of what returns nothing by design, its health is asked instead."""
        if self.profile.rewrites == "proxy":
            return self.health().well
        return bool(self.exchange([self.first()])[0])

    def alive(self) -> None:
        """A new flow passes and the health check is answered. Raises Failed."""
        if not self.passes():
            raise Failed("afterwards a new flow no longer passed")
        answer = self.health()
        if not answer.well:
            raise Failed(f"afterwards the health check failed: {answer.what}")

    # -- health and life -------------------------------------------------------------------------------------------

    def health(self, *, node: int = 0, timeout_s: float = health.TIMEOUT_S) -> health.Answer:
        return health.ask(self.place.namespaces[node], self.appliance.address, self.profile, timeout_s=timeout_s)

    def until_health(self, well: bool, *, seconds: float) -> float:
        """Seconds until the health check says so. Raises Failed."""
        began = time.monotonic()
        while True:
            answer = self.health()
            if answer.well is well:
                return time.monotonic() - began
            if time.monotonic() - began > seconds:
                state = f"well ({answer.status})" if answer.well else f"not well ({answer.what})"
                raise Failed(f"after {seconds:g} s the health check still says: {state}")
            time.sleep(0.05)

    def until_returned(self, make: Callable[[], Shot], *, seconds: float) -> float:
        """Send a new shot until one comes back; seconds that took. Raises NotReturned."""
        began = time.monotonic()
        while not self.exchange([make()], wait_s=0.1)[0]:
            if time.monotonic() - began > seconds:
                raise NotReturned(f"for {seconds:g} s nothing came back")
        return time.monotonic() - began


def _first(talk: Conversation) -> Shot:
    return talk.tcp(packets.SYN) if talk.protocol == packets.TCP else talk.data()
