"""What the appliances themselves say: their console logs, read through GetConsoleOutput like anyone's."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .clouds import Cloud
from .partner import Appliance

WAIT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a firewall's log: what it denied."""

    appliance: str
    rule: str
    endpoint: str
    flow: tuple[str, int, str, int]
    """Source, source port, destination, destination port of the packet that it denied."""

    def concerns(self, *, endpoint: str, client: tuple[str, int]) -> bool:
        """Whether it is about that client's connection, in either direction."""
        source, source_port, destination, destination_port = self.flow
        return self.endpoint == endpoint and client in ((source, source_port), (destination, destination_port))


class Logs:
    """The firewalls' logs."""

    def __init__(self, cloud: Cloud, *, appliances: Sequence[Appliance]) -> None:
        self._cloud = cloud
        self._appliances = appliances

    def entries(self) -> list[Entry]:
        found = []
        for appliance in self._appliances:
            for line in self._cloud.console_output(appliance.instance).splitlines():
                entry = parse(line, appliance=appliance.name)
                if entry is not None:
                    found.append(entry)
        return found

    def about(self, *, endpoint: str, client: tuple[str, int]) -> list[Entry]:
        """What was logged about one connection; waits a little for the first line."""
        give_up = time.monotonic() + WAIT_S
        while True:
            found = [each for each in self.entries() if each.concerns(endpoint=endpoint, client=client)]
            if found or time.monotonic() > give_up:
                return found
            time.sleep(0.2)


def parse(line: str, *, appliance: str) -> Entry | None:
    """A log line of the built-in firewall; None for any other line."""
    start = line.find("{")
    if start < 0:
        return None
    try:
        said: dict[str, Any] = json.loads(line[start:])
        return Entry(
            appliance=appliance,
            rule=said["rule"],
            endpoint=said["endpoint"],
            flow=(said["source"], int(said["source_port"]), said["destination"], int(said["destination_port"])),
        )
    except (ValueError, KeyError, TypeError):
        return None
