"""tcpdump on appliances: started, stopped, and its own words read back as packets."""

from __future__ import annotations

import re
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO

from opengwlb.model.ids import endpoint_id

from .. import boxes
from ..refusal import Refusal
from .partner import Appliance

TCPDUMP = ("tcpdump", "-l", "--immediate-mode", "-s", "256", "-B", "16384", "-i", "eth0", "-nvv", "port 6081")
"""Each packet is printed when it comes. Headers alone, and room for them: in immediate mode every waiting packet takes its full snapshot
length, so tcpdump's own 2 MiB hold eight packets and a burst loses some."""
START_WITHIN_S = 10.0
QUIET_S = 0.3

_GENEVE = re.compile(
    r"(?P<outer_source>[\d.]+)\.\d+ > (?P<outer_destination>[\d.]+)\.6081: .*Geneve.*"
    r"type 0x1 len 12 data (?P<endpoint>[0-9a-f ]{17}).*type 0x3 len 8 data (?P<cookie>[0-9a-f]{8})"
)
_ADDRESS = r"(\d+\.\d+\.\d+\.\d+)(?:\.(\d+))?"
_INNER = re.compile(rf"^\s+{_ADDRESS} > {_ADDRESS}: ", re.MULTILINE)
Socket = tuple[str, int]
"""Address and port; port 0 where the protocol has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """One GENEVE packet, as tcpdump printed it."""

    appliance: str
    incoming: bool
    """Toward the appliance."""
    endpoint: str
    cookie: int
    source: Socket
    destination: Socket
    text: str

    @property
    def connection(self) -> tuple[str, frozenset[Socket]]:
        """The same for both directions; the endpoint tells customers with equal addresses apart."""
        return self.endpoint, frozenset({self.source, self.destination})


class Dump:
    """A tcpdump that runs on one appliance."""

    def __init__(self, running: subprocess.Popen[str], *, appliance: Appliance) -> None:
        assert running.stdout is not None
        assert running.stderr is not None
        self.appliance = appliance
        self._running = running
        self._lines: list[str] = []
        self._errors: list[str] = []
        self._listening = threading.Event()
        self._readers = [
            threading.Thread(target=self._read, args=(running.stdout,), daemon=True),
            threading.Thread(target=self._read_errors, args=(running.stderr,), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, output: IO[str]) -> None:
        self._lines.extend(output)

    def _read_errors(self, output: IO[str]) -> None:
        for line in output:
            self._errors.append(line)
            if "listening on" in line:
                self._listening.set()

    def wait_until_listening(self) -> None:
        if not self._listening.wait(START_WITHIN_S):
            raise Refusal(f"tcpdump does not start on {self.appliance.name}: {' '.join(self._errors).strip()}")

    def settle(self) -> None:
        """Until nothing more was printed for a moment, so that what was sent before is in it."""
        give_up = time.monotonic() + START_WITHIN_S
        printed = -1
        while printed != len(self._lines) and time.monotonic() < give_up:
            printed = len(self._lines)
            time.sleep(QUIET_S)

    def stop(self) -> None:
        self._running.terminate()
        self._running.wait(START_WITHIN_S)
        for reader in self._readers:
            reader.join(START_WITHIN_S)

    def packets(self) -> list[Packet]:
        """Complete once stopped."""
        return list(parse("".join(self._lines), appliance=self.appliance))


@contextmanager
def listening(lab_name: str, *, appliances: Iterable[Appliance]) -> Iterator[list[Dump]]:
    """tcpdump on every appliance for as long as the block runs."""
    with ExitStack() as running:
        dumps = []
        for appliance in appliances:
            argv = boxes.inside(lab_name, box=appliance.instance, command=TCPDUMP)
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
            )
            dumps.append(Dump(process, appliance=appliance))
            running.callback(dumps[-1].stop)
        for dump in dumps:
            dump.wait_until_listening()
        yield dumps
        for dump in dumps:
            dump.settle()


def parse(text: str, *, appliance: Appliance) -> Iterator[Packet]:
    """The GENEVE packets in what `tcpdump -nvv` printed. A packet starts at the margin, the rest of it is indented."""
    for block in re.split(r"\n(?=\S)", text.strip("\n")):
        geneve = _GENEVE.search(block)
        inner = _INNER.search(block, geneve.end()) if geneve else None
        if geneve is None or inner is None:
            continue
        source, source_port, destination, destination_port = inner.groups()
        yield Packet(
            appliance=appliance.name,
            incoming=geneve["outer_destination"] == appliance.address,
            endpoint=endpoint_id(int(geneve["endpoint"].replace(" ", ""), 16)),
            cookie=int(geneve["cookie"], 16),
            source=(source, int(source_port or 0)),
            destination=(destination, int(destination_port or 0)),
            text=block,
        )
