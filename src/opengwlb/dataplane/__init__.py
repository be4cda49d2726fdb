"""Programs in the kernel, their maps and links. Next to it `fabric` makes the devices; `control` introduces the two to each other."""

from .counting import Counter
from .errors import DataPlaneError, KernelError, LayoutError, VerifierError
from .flows import Flow
from .plane import DataPlane
from .verdicts import Verdict, VerdictKind, parse_verdicts, read_verdicts

__all__ = [
    "Counter",
    "DataPlane",
    "DataPlaneError",
    "Flow",
    "KernelError",
    "LayoutError",
    "Verdict",
    "VerdictKind",
    "VerifierError",
    "parse_verdicts",
    "read_verdicts",
]
