"""Uplinks: NICs of this machine that are joined to subnets (docs/decisions/0009-uplinks.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Nic:
    """A network device of this machine as the kernel describes it."""

    device: str
    """`eth1`, `enp3s0`, `tap0`, `eth0.100`, `vxlan7`."""
    ifindex: int
    mac: str
    mtu: int
    up: bool
    ethernet: bool
    """False for what carries no Ethernet frames: a tunnel of IP, WireGuard."""
    loopback: bool = False
    master: bool = False
    """It is a port of a bridge, bond or team, which takes its packets before we see them."""
    addresses: tuple[str, ...] = ()
    """The host's own on it, with prefix length; link-local ones left out."""
    default_route: bool = False
    """The host reaches the world by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Uplink:
    """A NIC joined to a subnet. The addresses behind it are `NetworkInterface`s that name it."""

    id: str
    """`upl-…`."""
    account: str
    """The VPC's."""
    region: str
    vpc: str
    subnet: str
    device: str
    created: float
    mac: str
    """Of the NIC, and therefore of the VPC router toward it; kept up to date by control, as the next two are."""
    mtu: int
    state: Literal["up", "down", "missing"] = "up"
    """`down`: the host has switched the NIC off; `missing`: there is no device of that name."""
    last_error: str = ""
