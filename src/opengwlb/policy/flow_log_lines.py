"""One flow log record as a line of text: AWS's fields of versions 2 to 5, in the order that the flow log's format asks for.

Source: VPC User Guide, "Flow log records" (fields and their versions) and "Flow log record examples".
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from opengwlb.model.flow_logs import FlowCount, FlowKey

from .addressing import PUBLIC_POOL
from .flow_logs import Interface

DEFAULT = (
    *("version", "account-id", "interface-id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol"),
    *("packets", "bytes", "start", "end", "action", "log-status"),
)
DEFAULT_FORMAT = " ".join(f"${{{name}}}" for name in DEFAULT)
LATER = frozenset(
    {
        *("ecs-cluster-arn", "ecs-cluster-name", "ecs-container-instance-arn", "ecs-container-instance-id"),
        *("ecs-container-id", "ecs-second-container-id", "ecs-service-name", "ecs-task-definition-arn"),
        *("ecs-task-arn", "ecs-task-id", "reject-reason", "resource-id", "encryption-status"),
    }
)
"""Fields of version 7 and later."""
MISSING = "-"
_ONE = re.compile(r"\$\{([a-z0-9-]+)\}")
Status = Literal["OK", "NODATA", "SKIPDATA"]


class FormatError(ValueError):
    """Not a format of flow log records."""


class UnknownField(FormatError):
    """A field that AWS knows, but of a later version than 5."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What one line says. `key` and `count` are None when it says that there was nothing, or that something was skipped."""

    interface: Interface
    status: Status = "OK"
    key: FlowKey | None = None
    count: FlowCount | None = None
    start: int
    end: int


def parse(text: str) -> tuple[str, ...]:
    """`${version} ${account-id}` -> the fields. Raises FormatError, UnknownField."""
    fields = []
    for word in text.split(" "):
        match = _ONE.fullmatch(word)
        if match is None or match[1] not in _FIELDS:
            if match is not None and match[1] in LATER:
                raise UnknownField(match[1])
            raise FormatError(text)
        fields.append(match[1])
    return tuple(fields)


@lru_cache(maxsize=256)
def writer(log_format: str) -> Callable[[Line], str]:
    """Lines of this format, as a function. The format was parsed before: FormatError otherwise."""
    fields = parse(log_format)
    number = str(version(fields))
    values = [_FIELDS[name][1] for name in fields]
    first = [name == "version" for name in fields]

    def write(line: Line) -> str:
        return " ".join(number if is_version else value(line) for is_version, value in zip(first, values, strict=True))

    return write


def version(fields: tuple[str, ...]) -> int:
    """The highest version of any of its fields."""
    return max(_FIELDS[name][0] for name in fields)


def header(log_format: str) -> str:
    """The first line of a file in S3: the names of the fields."""
    return " ".join(parse(log_format))


def _source(line: Line) -> str:
    """Of what the interface sent its own address, also where the packet only passes through it (facts 5.12)."""
    assert line.key is not None
    return line.key.source if line.key.direction == "ingress" else _own(line.interface, line.key.source)


def _destination(line: Line) -> str:
    assert line.key is not None
    return line.key.destination if line.key.direction == "egress" else _own(line.interface, line.key.destination)


def _own(interface: Interface, address: str) -> str:
    """The interface's address in place of the packet's: of IPv4 always the primary one, of IPv6 any that it has."""
    if ":" not in address:
        return interface.address
    if address in interface.addresses6 or not interface.addresses6:
        return address
    return interface.addresses6[0]


def _service(address: str) -> str:
    """AWS's name for whose address it is, when it is one of AWS's: here those that the cloud gives out for instances."""
    return "EC2" if ":" not in address and ipaddress.IPv4Address(address) in PUBLIC_POOL else MISSING


def _of_key(value: Callable[[FlowKey], object]) -> Callable[[Line], str]:
    return lambda line: MISSING if line.key is None else str(value(line.key))


def _of_count(value: Callable[[FlowCount], object]) -> Callable[[Line], str]:
    return lambda line: MISSING if line.count is None else str(value(line.count))


def _if_any(value: Callable[[Line], str]) -> Callable[[Line], str]:
    return lambda line: MISSING if line.key is None else value(line)


def _never(_: Line) -> str:
    return MISSING


def _path(line: Line) -> str:
    """Only of what was sent, and only where it is known which way it went."""
    assert line.key is not None and line.count is not None
    return str(line.count.path) if line.key.direction == "egress" and line.count.path else MISSING


_FIELDS: Mapping[str, tuple[int, Callable[[Line], str]]] = {
    "version": (2, _never),
    "account-id": (2, lambda line: line.interface.account),
    "interface-id": (2, lambda line: line.interface.id),
    "srcaddr": (2, _if_any(_source)),
    "dstaddr": (2, _if_any(_destination)),
    "srcport": (2, _of_key(lambda key: key.source_port)),
    "dstport": (2, _of_key(lambda key: key.destination_port)),
    "protocol": (2, _of_key(lambda key: key.protocol)),
    "packets": (2, _of_count(lambda count: count.packets)),
    "bytes": (2, _of_count(lambda count: count.bytes)),
    "start": (2, lambda line: str(line.start)),
    "end": (2, lambda line: str(line.end)),
    "action": (2, _of_key(lambda key: key.action)),
    "log-status": (2, lambda line: line.status),
    "vpc-id": (3, lambda line: line.interface.vpc),
    "subnet-id": (3, lambda line: line.interface.subnet),
    "instance-id": (3, lambda line: line.interface.instance or MISSING),
    "tcp-flags": (3, _of_count(lambda count: count.tcp_flags)),
    "type": (3, _of_key(lambda key: f"IPv{key.family}")),
    "pkt-srcaddr": (3, _of_key(lambda key: key.source)),
    "pkt-dstaddr": (3, _of_key(lambda key: key.destination)),
    "region": (4, lambda line: line.interface.region),
    "az-id": (4, lambda line: line.interface.zone_id or MISSING),
    "sublocation-type": (4, _never),
    "sublocation-id": (4, _never),
    "pkt-src-aws-service": (5, _of_key(lambda key: _service(key.source))),
    "pkt-dst-aws-service": (5, _of_key(lambda key: _service(key.destination))),
    "flow-direction": (5, _of_key(lambda key: key.direction)),
    "traffic-path": (5, _if_any(_path)),
}
"""Name -> version, and what a line says there. Wavelength zones, outposts and local zones are not in this cloud: no sublocations."""
