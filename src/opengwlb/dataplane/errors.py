"""What can go wrong between this room and the kernel, with the cause kept."""

from __future__ import annotations

import errno
import os


class DataPlaneError(Exception):
    """Something about programs, maps or links that the caller can report on an object."""


class KernelError(DataPlaneError):
    """A bpf(2), mount(2) or setns(2) call failed."""

    def __init__(self, what: str, *, number: int) -> None:
        name = errno.errorcode.get(number, str(number))
        super().__init__(f"{what}: {os.strerror(number)} ({name})")
        self.number = number


class VerifierError(DataPlaneError):
    """The kernel refused a program. The message opens with the verifier's last lines, the ones that say why; `log` is everything."""

    LAST_LINES = 6

    def __init__(self, what: str, *, log: str) -> None:
        lines = [
            line for line in log.splitlines() if line.strip() and "-- END" not in line and "processed " not in line
        ]
        before_end = log.split("-- END PROG LOAD LOG --")[0].splitlines() if "-- END PROG LOAD LOG --" in log else lines
        last = [line for line in before_end if line.strip() and "processed " not in line][-self.LAST_LINES :]
        super().__init__("\n".join([*last, what]))
        self.log = log


class LayoutError(DataPlaneError):
    """Python and a compiled object disagree about the bytes of a struct: one of them is older."""
