"""Instances. The images that they start from are in `images.py`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

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
class MetadataOptions:
    """What an instance's metadata service answers to; the defaults are EC2's."""

    tokens: Literal["optional", "required"] = "optional"
    endpoint: bool = True
    hop_limit: int = 1
    """TTL of the answers that carry a token."""
    tags: bool = False


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
    metadata: MetadataOptions = field(default_factory=MetadataOptions)
    protected_from_termination: bool = False
    """TerminateInstances is refused."""
    protected_from_stopping: bool = False
    """StopInstances is refused."""
    ends_by: Literal["stop", "terminate"] = "stop"
    """What becomes of it when it shuts itself down."""
    monitored: bool = False
    """Metrics each minute instead of each five."""
    tags: Tags = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """A public key under a name. AWS puts it into instances; here it is data."""

    id: str
    """`key-…`."""
    account: str
    region: str
    name: str
    """Unique in account and region."""
    kind: Literal["rsa", "ed25519"]
    fingerprint: str
    """By the rule for how it came: of the private key for one that was made, of the public key for one that was imported."""
    public_key: str
    """An OpenSSH line."""
    created: float
    tags: Tags = field(default_factory=dict)
