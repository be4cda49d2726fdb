"""Instances and the images they start from."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from .vpc import Tags


class InstanceState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    SHUTTING_DOWN = "shutting-down"
    TERMINATED = "terminated"
    STOPPING = "stopping"
    STOPPED = "stopped"


INSTANCE_STATE_CODE = {
    InstanceState.PENDING: 0,
    InstanceState.RUNNING: 16,
    InstanceState.SHUTTING_DOWN: 32,
    InstanceState.TERMINATED: 48,
    InstanceState.STOPPING: 64,
    InstanceState.STOPPED: 80,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    id: str
    account: str
    region: str
    vpc: str
    subnet: str
    zone: str
    image: str
    """`ami-…`."""
    instance_type: str
    private_ip: str
    network_interfaces: tuple[str, ...]
    """Device index order."""
    reservation: str
    launch_index: int
    launch_time: float
    user_data: str = ""
    """Base64, as the API carries it."""
    key_name: str | None = None
    desired: InstanceState = InstanceState.RUNNING
    """RUNNING, STOPPED or TERMINATED: what the last API call asked for."""
    boot: int = 1
    """Counts the starts asked for; RebootInstances and StartInstances add one. An older boot that runs is restarted."""
    state: InstanceState = InstanceState.PENDING
    """Status, written by control."""
    state_reason: str = ""
    state_reason_code: str = ""
    state_changed: float = 0.0
    """When `state` last changed; a terminated instance is described for an hour, as on AWS."""
    source_dest_check: bool = True
    tags: Tags = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A catalogue entry. The built-in ones are the same in every region and owned by `amazon`'s alias."""

    id: str
    """`ami-…`."""
    name: str
    description: str
    kind: str
    """`linux`, `inspector` or `firewall`: which recipe in `instances/` makes its root."""
    in_kernel: bool = False
    """True: handles GENEVE in the kernel, so it may be sent GSO super-packets with unfinished checksums."""


BUILTIN_IMAGES: tuple[Image, ...] = (
    Image(
        id="ami-0000000000000a001",
        name="opengwlb/linux",
        description="A plain Linux box: the host's /usr, Python 3, iproute2, tcpdump; user data runs as root at boot",
        kind="linux",
    ),
    Image(
        id="ami-0000000000000a002",
        name="opengwlb/inspector",
        description="In-kernel appliance: counts, filters by tuple and returns GENEVE at tc; the fast one",
        kind="inspector",
        in_kernel=True,
    ),
    Image(
        id="ami-0000000000000a003",
        name="opengwlb/firewall",
        description="User-space firewall on the appliance SDK: rules by CIDR, port, protocol and payload pattern",
        kind="firewall",
    ),
)
