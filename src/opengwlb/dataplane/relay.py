"""Holds packets back, which no program in the kernel can: `python -m opengwlb.dataplane.relay`, a process behind a TAP device.

`chaos.bpf.c` gives it what a port shall get late; it writes each frame back after the delay, in the order in which they came. The
kernel cuts super-packets and completes checksums on the way to it, so a frame is what a wire would carry.

It lives as long as its entry in `chaos_relays` and the port's chaos do, beyond its server's end, and leaves without a trace: the device
and the program on it belong to its descriptors. What it still holds at the end it gives back at once; if it is killed, that is lost.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import fcntl
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from .entries import u32
from .errors import DataPlaneError, KernelError
from .layout import chaos_config, chaos_relay, counter, port_verdict
from .maps import Map
from .syscalls import AttachType, create_link, inside, open_pin

MODULE = "opengwlb.dataplane.relay"
"""`__name__` is another in the process itself."""
TAP = 0x40000000
"""`CHAOS_TAP`."""
BEAT_S = 0.1
BEAT_LIMIT_NS = 2_000_000_000
"""`CHAOS_BEAT_LIMIT_NS`."""
HELD_BYTES = 64 << 20
"""How much it holds at most; each frame with what it costs."""
FRAME_COSTS = 256
DEVICE_QUEUE = 4096
"""Frames that wait in the device until they are read."""
MTU = 65521
"""The largest of a TAP: no link of a network is larger."""
FRAME_MAX = MTU + 14
BURST = 64
"""Frames read before what is due goes back."""
DRAIN_S = 0.02
"""A program that saw the entry just before it went is through with its packet long before."""
START_WITHIN_S = 10.0
END_WITHIN_S = 5.0

_TUNSETIFF, _TUNSETIFINDEX = 0x400454CA, 0x400454DA
_SIOCSIFFLAGS, _SIOCSIFMTU, _SIOCSIFTXQLEN = 0x8914, 0x8922, 0x8943
_TUN_TAP, _TUN_NO_HEADER = 0x0002, 0x1000
_UP, _NO_ARP = 0x1, 0x80
_RTM_GETLINK, _REQUEST, _STATS64 = 18, 1, 23


def start(
    *, ifindex: int, netns: str, delay_ms: int, program: int, maps: tuple[int, int, int], verdict: int, held_bytes: int
) -> None:
    """Begins one for a port, and returns when it has its device. `program` is chaos_back; `maps` are chaos_relays, chaos_ports and
    counters; `verdict` is what a packet meets that it has no room for. Raises DataPlaneError.
    """
    words = {
        "ifindex": ifindex,
        "netns": netns,
        "delay-ms": delay_ms,
        "program": program,
        "relays": maps[0],
        "ports": maps[1],
        "counters": maps[2],
        "verdict": verdict,
        "held-bytes": held_bytes,
    }
    command = [sys.executable, "-m", MODULE, *(f"--{word}={value}" for word, value in words.items())]
    try:
        done = subprocess.run(
            command,
            pass_fds=(program, *maps),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
            start_new_session=True,
            timeout=START_WITHIN_S,
        )
    except subprocess.TimeoutExpired as error:
        raise DataPlaneError(f"the relay of ifindex {ifindex} did not begin within {START_WITHIN_S:g} s") from error
    if done.returncode:
        raise DataPlaneError(f"the relay of ifindex {ifindex} did not begin: {done.stderr.strip()}")


def alive(relays: Map, ifindex: int) -> chaos_relay | None:
    """The entry of this port's relay, if that is running."""
    held = relays.get(u32(ifindex))
    if held is None:
        return None
    entry = chaos_relay.from_buffer_copy(held)
    if not _beats(entry):
        return None
    with _process(entry.pid, ifindex) as handle:
        return entry if handle is not None else None


def end(relays: Map, ifindex: int) -> None:
    """Has it give back what it holds, and returns when it is gone. Idempotent. Raises DataPlaneError."""
    held = relays.get(u32(ifindex))
    if held is None:
        return
    entry = chaos_relay.from_buffer_copy(held)
    with _process(entry.pid, ifindex) as handle:
        relays.delete(u32(ifindex))
        if handle is None or (_beats(entry) and _ended(handle)):
            return
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        if not _ended(handle):
            raise DataPlaneError(f"the relay of ifindex {ifindex} (pid {entry.pid}) does not end")


def end_all(pin: Path) -> None:
    """Every relay of a pinned map of relays, if there is one."""
    if not pin.exists():
        return
    relays = Map(open_pin(str(pin)), name=pin.name)
    try:
        for key in [key for key, _ in relays.entries()]:
            end(relays, int.from_bytes(key, sys.byteorder))
    finally:
        relays.close()


def _beats(entry: chaos_relay) -> bool:
    """It does not hang."""
    return bool(time.monotonic_ns() < entry.beat_ns + BEAT_LIMIT_NS)


def _ended(handle: int) -> bool:
    return bool(select.select([handle], [], [], END_WITHIN_S)[0])


@contextlib.contextmanager
def _process(pid: int, ifindex: int) -> Iterator[int | None]:
    """A descriptor of the process, if that number is still this port's relay."""
    try:
        handle = os.pidfd_open(pid)
    except (ProcessLookupError, ValueError):
        yield None
        return
    try:
        words = _words(pid)
        yield handle if MODULE.encode() in words and f"--ifindex={ifindex}".encode() in words else None
    finally:
        os.close(handle)


def _words(pid: int) -> list[bytes]:
    """Of its command line; none of a process that is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


class Tap:
    """A device that is there as long as its descriptor. Frames are whole, without a header of their own."""

    def __init__(self, ifindex: int, *, netns: str, program: int) -> None:
        """`program` takes what is written to it."""
        self.name = f"chaos{ifindex}"
        with inside(netns):
            self.fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(self.fd, _TUNSETIFINDEX, u32(ifindex ^ TAP))
            fcntl.ioctl(self.fd, _TUNSETIFF, self._request("H22x", _TUN_TAP | _TUN_NO_HEADER))
            # Silent: what the kernel itself would say here went to the port.
            with contextlib.suppress(FileNotFoundError):  # a kernel without IPv6
                Path(f"/proc/sys/net/ipv6/conf/{self.name}/disable_ipv6").write_text("1")
            self._link = create_link(program, ifindex=ifindex ^ TAP, attach_type=AttachType.TCX_INGRESS)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
                fcntl.ioctl(control, _SIOCSIFMTU, self._request("i20x", MTU))
                fcntl.ioctl(control, _SIOCSIFTXQLEN, self._request("i20x", DEVICE_QUEUE))
                fcntl.ioctl(control, _SIOCSIFFLAGS, self._request("H22x", _UP | _NO_ARP))
            self._netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self._ask = struct.pack("=IHHIIBxHiII", 32, _RTM_GETLINK, _REQUEST, 0, 0, 0, 0, ifindex ^ TAP, 0, 0)

    def _request(self, form: str, value: int) -> bytes:
        return struct.pack(f"=16s{form}", self.name.encode(), value)

    def read(self) -> bytes | None:
        """None when no frame waits."""
        try:
            return os.read(self.fd, FRAME_MAX)
        except BlockingIOError:
            return None

    def write(self, frame: bytes) -> None:
        """A frame that the kernel has no memory for is lost, as on any device."""
        try:
            os.write(self.fd, frame)
        except OSError as error:
            if error.errno not in (errno.ENOBUFS, errno.ENOMEM):
                raise

    def lost(self) -> int:
        """How many frames found no room in the device, since it began."""
        self._netlink.send(self._ask)
        answer = self._netlink.recv(1 << 16)
        at = 32
        while at + 4 <= len(answer):
            length, kind = struct.unpack_from("=HH", answer, at)
            if kind == _STATS64:
                return int(struct.unpack_from("=8Q", answer, at + 4)[7])
            at += (length + 3) // 4 * 4 or 4
        raise DataPlaneError(f"the kernel does not say what {self.name} dropped")


class Relay:
    """One port's. `relays`, `ports` and `counters` are the maps."""

    def __init__(
        self,
        tap: Tap,
        *,
        ifindex: int,
        delay_ms: int,
        relays: Map,
        ports: Map,
        counters: Map,
        verdict: int,
        held_bytes: int,
    ) -> None:
        self._tap, self._ifindex, self._delay_ms = tap, ifindex, delay_ms
        self._relays, self._ports, self._counters = relays, ports, counters
        self._row = bytes(port_verdict(ifindex=ifindex, verdict=verdict))
        self._held: deque[tuple[int, bytes]] = deque()
        self._bytes, self._most = 0, held_bytes
        self._refused = self._refused_bytes = self._lost = 0

    def say(self, *, first: bool = False) -> bool:
        """That it is there. False when nobody wants it to be."""
        entry = chaos_relay(beat_ns=time.monotonic_ns(), delay_ms=self._delay_ms, pid=os.getpid())
        try:
            self._relays.put(u32(self._ifindex), bytes(entry), only_known=not first)
        except KernelError as error:
            if error.number == errno.ENOENT:
                return False
            raise
        return True

    def run(self) -> None:
        """Until its time is over, or its entry is gone."""
        ready = select.poll()
        ready.register(self._tap.fd, select.POLLIN)
        beat_ns = 0
        while True:
            now = time.monotonic_ns()
            if now >= beat_ns:
                beat_ns = now + int(BEAT_S * 1e9)
                self._count()
                if not self.say():
                    break
                if not self._wanted(now):
                    self._relays.delete(u32(self._ifindex))
                    break
            self._give_back(now)
            until_ns = min(beat_ns, self._held[0][0]) if self._held else beat_ns
            ready.poll(max(0, (until_ns - time.monotonic_ns() + 999_999) // 1_000_000))
            self._take()
        while ready.poll(int(DRAIN_S * 1000)):
            self._take()
        self._give_back(None)
        self._count()

    def _wanted(self, now: int) -> bool:
        held = self._ports.get(u32(self._ifindex))
        return held is not None and now < chaos_config.from_buffer_copy(held).until_ns

    def _take(self) -> None:
        due = time.monotonic_ns() + self._delay_ms * 1_000_000
        for _ in range(BURST):
            frame = self._tap.read()
            if frame is None:
                return
            if self._bytes + len(frame) + FRAME_COSTS > self._most:
                self._refused += 1
                self._refused_bytes += len(frame) - 14
                continue
            self._bytes += len(frame) + FRAME_COSTS
            self._held.append((due, frame))

    def _give_back(self, now: int | None) -> None:
        """What is due, or all."""
        while self._held and (now is None or self._held[0][0] <= now):
            _, frame = self._held.popleft()
            self._bytes -= len(frame) + FRAME_COSTS
            self._tap.write(frame)

    def _count(self) -> None:
        """What it dropped, and what its device dropped before it, whose bytes nobody knows. No program writes this row."""
        lost = self._tap.lost()
        packets = self._refused + lost - self._lost
        if not packets:
            return
        there = self._counters.get(self._row) or bytes(self._counters.value_size)
        first = counter.from_buffer_copy(there)
        first.packets += packets
        first.bytes += self._refused_bytes
        self._counters.put(self._row, bytes(first) + there[len(bytes(first)) :])
        self._refused = self._refused_bytes = 0
        self._lost = lost


def main() -> int:
    """Goes on in the background when the device is there."""
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}", description="Holds packets of one port back.")
    for word in ("ifindex", "delay-ms", "program", "relays", "ports", "counters", "verdict", "held-bytes"):
        parser.add_argument(f"--{word}", type=int, required=True)
    parser.add_argument("--netns", required=True)
    said = parser.parse_args()
    try:
        tap = Tap(said.ifindex, netns=said.netns, program=said.program)
    except (OSError, KernelError) as error:
        print(error, file=sys.stderr)
        return 1
    relay = Relay(
        tap,
        ifindex=said.ifindex,
        delay_ms=said.delay_ms,
        relays=Map(said.relays, name="chaos_relays"),
        ports=Map(said.ports, name="chaos_ports"),
        counters=Map(said.counters, name="counters"),
        verdict=said.verdict,
        held_bytes=said.held_bytes,
    )
    said_so, says = os.pipe()
    if os.fork():
        os.close(says)
        return 0 if os.read(said_so, 1) else 1
    os.close(said_so)
    relay.say(first=True)
    os.write(says, b"!")
    os.close(says)
    _let_go_of_standard_error()
    relay.run()
    return 0


def _let_go_of_standard_error() -> None:
    """Who started this waits for its end."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    os.close(nothing)


if __name__ == "__main__":
    sys.exit(main())
