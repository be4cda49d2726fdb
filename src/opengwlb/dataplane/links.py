"""Programs on devices: tcx links, pinned as `<ifindex>-<program>`, so that packets are carried while no daemon runs."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path

from opengwlb.model.topology import Program

from .errors import DataPlaneError
from .syscalls import AttachType, create_link, inside, link_info, open_pin, pin, program_info, program_tag, update_link

HOOKS: dict[Program, tuple[tuple[str, AttachType], ...]] = {
    Program.ENI: (("eni", AttachType.TCX_INGRESS),),
    Program.ENDPOINT: (("endpoint", AttachType.TCX_INGRESS),),
    Program.TARGET: (("target", AttachType.TCX_INGRESS),),
    Program.UPLINK: (("uplink_out", AttachType.TCX_INGRESS),),
    Program.NIC: (("uplink_in", AttachType.TCX_INGRESS),),
    Program.INSPECTOR: (("inspector", AttachType.TCX_INGRESS),),
    Program.IGW: (("igw_out", AttachType.TCX_INGRESS), ("igw_in", AttachType.TCX_EGRESS)),
}


class Links:
    """The pinned links under one directory. `programs` are the loaded ones, name -> file descriptor."""

    def __init__(self, directory: Path, *, programs: Mapping[str, int]) -> None:
        self._directory = directory
        self._programs = programs
        self._tags = {name: program_info(fd).tag for name, fd in programs.items()}

    def attach(self, program: Program, *, netns: str, ifindex: int) -> None:
        """Idempotent. A link of an older program gets this one atomically; one whose device died is made anew."""
        for name, attach_type in HOOKS[program]:
            if name not in self._programs:
                raise DataPlaneError(f"there is no compiled program {name}: make -C bpf")
            if not self._adopt(name, ifindex):
                self._create(name, netns=netns, ifindex=ifindex, attach_type=attach_type)

    def refresh(self) -> None:
        """Brings every pinned link to the loaded programs; forgets those whose device died."""
        for name, ifindex in self._pinned():
            if name in self._programs:
                self._adopt(name, ifindex)

    def prune(self, live: Collection[int]) -> None:
        for name, ifindex in self._pinned():
            if ifindex not in live:
                self._path(name, ifindex).unlink(missing_ok=True)

    def _path(self, name: str, ifindex: int) -> Path:
        return self._directory / f"{ifindex}-{name}"

    def _pinned(self) -> list[tuple[str, int]]:
        parts = (path.name.split("-", 1) for path in self._directory.iterdir())
        return [(name, int(ifindex)) for ifindex, name in parts]

    def _adopt(self, name: str, ifindex: int) -> bool:
        """Whether the pinned link holds this device with this program, after this call. The kernel keeps a link whose device is gone
        and says "severed" on an update: its info names ifindex 0 then.
        """
        path = self._path(name, ifindex)
        if not path.exists():
            return False
        link = open_pin(str(path))
        try:
            info = link_info(link)
            if info.ifindex != ifindex:
                path.unlink()
                return False
            if program_tag(info.program) != self._tags[name]:
                update_link(link, program=self._programs[name])
            return True
        finally:
            os.close(link)

    def _create(self, name: str, *, netns: str, ifindex: int, attach_type: AttachType) -> None:
        with inside(netns):
            link = create_link(self._programs[name], ifindex=ifindex, attach_type=attach_type)
        try:
            pin(link, path=str(self._path(name, ifindex)))
        finally:
            os.close(link)
