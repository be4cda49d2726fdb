"""Flow logs: which traffic of which network interfaces is recorded, how it is written, and where it goes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .vpc import Tags

ResourceType = Literal["VPC", "Subnet", "NetworkInterface"]
TrafficType = Literal["ACCEPT", "REJECT", "ALL"]
Action = Literal["ACCEPT", "REJECT"]
Direction = Literal["ingress", "egress"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowLog:
    id: str
    """`fl-…`."""
    account: str
    region: str
    resource: str
    """`vpc-…`, `subnet-…` or `eni-…`, as `resource_type` says."""
    resource_type: ResourceType
    traffic_type: TrafficType
    destination_type: Literal["cloud-watch-logs", "s3"]
    log_group: str = ""
    """CloudWatch Logs: the group's name."""
    destination: str = ""
    """ARN of the log group, or of the bucket with its folder; empty when the group was given by name."""
    role: str = ""
    """ARN of the role that publishes to CloudWatch Logs."""
    log_format: str
    """`${version} ${account-id} …`."""
    interval_s: int = 600
    """The most that one record may span, of interfaces that are not an instance's; those are recorded every minute."""
    hive_partitions: bool = False
    """S3: keys as `aws-account-id=…/year=…`."""
    hourly: bool = False
    """S3: keys have the hour too."""
    created: float
    error: str = ""
    """Status: AWS's word for why the last delivery failed (`Access error`, `Unknown error`); empty: it succeeded."""
    tags: Tags = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowKey:
    """What packets of one record have in common, as the data plane counts them."""

    ifindex: int
    """Of the VPC router's end of the interface's link."""
    direction: Direction
    action: Action
    family: Literal[4, 6]
    source: str
    destination: str
    source_port: int
    destination_port: int
    protocol: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowCount:
    """How much of it there was."""

    packets: int
    """Super-packets count as their segments."""
    bytes: int
    first_s: float
    last_s: float
    """Seconds since the epoch."""
    tcp_flags: int = 0
    """FIN 1, SYN 2, RST 4 of any packet, and 16 when a SYN came with ACK."""
    path: int = 0
    """AWS's `traffic-path` of what left the interface; 0 where none applies."""
