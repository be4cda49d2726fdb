"""What can go wrong between this room and the kernel, with the cause kept."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator

VERIFIER_LOG_END = "-- END PROG LOAD LOG --"
"""What libbpf prints below the verifier's words."""


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
        told = [line for line in log.partition(VERIFIER_LOG_END)[0].splitlines() if line.strip()]
        last = [line for line in told if not line.startswith("processed ")][-self.LAST_LINES :]
        super().__init__("\n".join([*last, what]))
        self.log = log


class LayoutError(DataPlaneError):
    """Python and a compiled object disagree about the bytes of a struct: one of them is older."""


@contextlib.contextmanager
def reported(owner: str, errors: dict[str, str]) -> Iterator[None]:
    """The kernel's error stays with its object."""
    try:
        yield
    except KernelError as error:
        errors[owner] = str(error)
