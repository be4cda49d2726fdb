"""`ConnectionTrackingSpecification`: how long security groups remember an interface's silent connections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opengwlb.api.common.errors import invalid_parameter
from opengwlb.model.vpc import ConnectionTracking

_RANGES = {"TcpEstablishedTimeout": (60, 432000), "UdpStreamTimeout": (60, 180), "UdpTimeout": (30, 60)}
"""Seconds, from the documentation of the members."""


def read(asked: Mapping[str, Any] | None, *, before: ConnectionTracking | None = None) -> ConnectionTracking:
    """What is not said stays as it was. Errors: InvalidParameterValue."""
    given = asked or {}
    for member, (least, most) in _RANGES.items():
        value = given.get(member)
        if value is not None and not least <= value <= most:
            raise invalid_parameter(
                value, parameter=member[0].lower() + member[1:], reason=f"Use seconds from {least} to {most}."
            )
    known = before or ConnectionTracking()
    return ConnectionTracking(
        tcp_established_s=given.get("TcpEstablishedTimeout", known.tcp_established_s),
        udp_stream_s=given.get("UdpStreamTimeout", known.udp_stream_s),
        udp_s=given.get("UdpTimeout", known.udp_s),
    )
