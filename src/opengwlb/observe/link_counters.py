"""What the routers' ends of links carried, as the kernel's devices count it: bytes of Ethernet frames, super-packets as one packet."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from opengwlb.model.topology import PortRef

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """Since the link was made; as seen from the router."""

    bytes_in: int
    packets_in: int
    bytes_out: int
    packets_out: int


class RunIn(Protocol):
    """`fabric.run_in`: call a function inside a box. Raises OSError when there is no such box."""

    def __call__(self, box_id: str, function: Callable[[], T], /) -> T: ...


def read(boxes: Iterable[str], *, run_in: RunIn) -> dict[PortRef, Carried]:
    """Every device of the boxes that exist."""
    found: dict[PortRef, Carried] = {}
    for box in boxes:
        try:
            text = run_in(box, _devices_here)
        except OSError:
            continue  # planned but not built, or gone meanwhile
        found |= {PortRef(box, device): carried for device, carried in parse(text)}
    return found


def _devices_here() -> str:
    with open("/proc/thread-self/net/dev") as devices:
        return devices.read()


def parse(text: str) -> list[tuple[str, Carried]]:
    """`/proc/net/dev`: bytes and packets are the first two numbers of each half, received first."""
    found = []
    for line in text.splitlines()[2:]:
        device, _, rest = line.partition(":")
        numbers = [int(each) for each in rest.split()]
        carried = Carried(bytes_in=numbers[0], packets_in=numbers[1], bytes_out=numbers[8], packets_out=numbers[9])
        found.append((device.strip(), carried))
    return found
