"""Instance types: what an instance of each may use of the machine, with AWS's numbers.

One table for all who ask: the API describes and refuses by it, control gives the limits to the runtime.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .vpc import Tags

DEFAULT = "m1.small"
"""What RunInstances takes when none is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceType:
    id: str
    """`t3.micro`."""
    cpus: int
    """vCPUs: as many seconds of processor time in each second."""
    memory_mib: int
    interfaces: int
    """The most network interfaces."""
    tags: Tags = field(default_factory=dict)

    @property
    def current(self) -> bool:
        """Whether AWS counts it among its current generation."""
        return not self.id.startswith(("m1.", "t1."))


def _types(family: str, *rows: tuple[str, int, int, int]) -> tuple[InstanceType, ...]:
    """Rows of size, vCPUs, MiB and interfaces."""
    return tuple(
        InstanceType(id=f"{family}.{size}", cpus=cpus, memory_mib=memory, interfaces=interfaces)
        for size, cpus, memory, interfaces in rows
    )


_BURSTING = (
    ("nano", 2, 512, 2),
    ("micro", 2, 1024, 2),
    ("small", 2, 2048, 3),
    ("medium", 2, 4096, 3),
    ("large", 2, 8192, 3),
    ("xlarge", 4, 16384, 4),
    ("2xlarge", 8, 32768, 4),
)
_GENERAL = (("large", 2, 8192, 3), ("xlarge", 4, 16384, 4), ("2xlarge", 8, 32768, 4))
_COMPUTE = (("large", 2, 4096, 3), ("xlarge", 4, 8192, 4), ("2xlarge", 8, 16384, 4))
_NETWORK = (("large", 2, 5376, 3), ("xlarge", 4, 10752, 4), ("2xlarge", 8, 21504, 4))
_MEMORY = (("large", 2, 16384, 3), ("xlarge", 4, 32768, 4), ("2xlarge", 8, 65536, 4))

INSTANCE_TYPES: dict[str, InstanceType] = {
    one.id: one
    for one in (
        *_types("m1", ("small", 1, 1740, 2)),
        *_types("t2", ("nano", 1, 512, 2), ("micro", 1, 1024, 2), ("small", 1, 2048, 3), ("medium", 2, 4096, 3)),
        *_types("t3", *_BURSTING),
        *_types("t3a", ("micro", 2, 1024, 2), ("small", 2, 2048, 2), ("medium", 2, 4096, 3), ("large", 2, 8192, 3)),
        *_types("m5", *_GENERAL),
        *_types("m5n", *_GENERAL),
        *_types("m6i", *_GENERAL),
        *_types("m7i", *_GENERAL),
        *_types("c5", *_COMPUTE),
        *_types("c5n", *_NETWORK),
        *_types("c6i", *_COMPUTE),
        *_types("c6in", *_COMPUTE),
        *_types("c7i", *_COMPUTE),
        *_types("r5", *_MEMORY),
        *_types("r6i", *_MEMORY),
    )
}
"""By name: types that the vendors of appliances name in their documents, in the sizes with up to four interfaces."""
