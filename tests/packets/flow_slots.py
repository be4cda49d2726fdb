"""The flow table's memory, open for writing: time passes, counters run and settings change without waiting."""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Iterator

from opengwlb.dataplane import flows
from opengwlb.dataplane.layout import FLOW_CLAIMED_SHIFT, FLOW_VALID, FLOW_WAYS, flow_slot
from opengwlb.dataplane.maps import Map
from opengwlb.dataplane.syscalls import open_pin

from .harness import Lab


class FlowSlots:
    def __init__(self, lab: Lab) -> None:
        self._pins = lab.run_dir / "bpf" / "maps"
        self._flows = Map(open_pin(str(self._pins / "flows")), name="flows")
        size = (self._flows.max_entries * FLOW_WAYS * ctypes.sizeof(flow_slot) + mmap.PAGESIZE - 1) // mmap.PAGESIZE
        self._memory = mmap.mmap(self._flows.fd, size * mmap.PAGESIZE)
        self.slots = (flow_slot * (self._flows.max_entries * FLOW_WAYS)).from_buffer(self._memory)
        """As they are in the kernel now."""

    def used(self) -> Iterator[flow_slot]:
        return (slot for slot in self.slots if slot.tag & FLOW_VALID)

    def pass_time(self, seconds: float) -> None:
        """For every flow: when it was seen and when its slot was claimed is so much longer ago."""
        for slot in self.used():
            slot.last_seen_ns -= int(seconds * 1e9)
        self.rest()

    def rest(self) -> None:
        """Makes every slot claimed in another tick than this one."""
        for slot in self.slots:
            slot.state ^= 0x8000 << FLOW_CLAIMED_SHIFT

    def clear(self) -> None:
        for slot in self.slots:
            slot.tag = 0
        self.rest()

    def settle(self, *, new_flows_per_s: int = 0, tcp_yields_after_s: int = 60) -> None:
        """What `DataPlane` was made with, otherwise."""
        settings = Map(open_pin(str(self._pins / "flow_settings")), name="flow_settings")
        flows.settle(settings, self._flows, new_flows_per_s=new_flows_per_s, tcp_yields_after_s=tcp_yields_after_s)
        settings.close()
