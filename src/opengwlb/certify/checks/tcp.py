"""Real TCP, real clients and servers: bytes in, the same bytes out."""

from __future__ import annotations

from .. import tunnel
from ..lab import Lab
from ..registry import Level, check


def _rate(size: int, seconds: float) -> str:
    return f"{size / (1 << 20):g} MiB in {seconds:.2f} s ({size * 8 / seconds / 1e6:.0f} Mbit/s), SHA-256 equal"


@check(
    Level.REQUIRED,
    "A client's bulk TCP arrives whole",
    why="single packets prove little: windows, retransmissions and checksums show in bulk",
    transparent=False,
)
def tcp_push(lab: Lab) -> str:
    with tunnel.pairs(lab) as (pair,):
        return _rate(lab.sizes.bulk_bytes, tunnel.transfer(lab, pair, size=lab.sizes.bulk_bytes, push=True))


@check(
    Level.REQUIRED,
    "A server's bulk TCP arrives whole",
    why="most bytes flow this way, and it is the direction that asymmetric appliances forget",
    transparent=False,
)
def tcp_pull(lab: Lab) -> str:
    with tunnel.pairs(lab) as (pair,):
        return _rate(lab.sizes.bulk_bytes, tunnel.transfer(lab, pair, size=lab.sizes.bulk_bytes, push=False))


@check(
    Level.RECOMMENDED,
    "Bulk TCP over IPv6 arrives whole",
    why="the other family has other headers and no checksum to save it",
    traffic="ipv6",
    transparent=False,
)
def tcp_ipv6(lab: Lab) -> str:
    size = lab.sizes.bulk_bytes // 2
    with tunnel.pairs(lab, version=6) as (pair,):
        return _rate(size, tunnel.transfer(lab, pair, size=size, push=True))


@check(
    Level.REQUIRED,
    "Many connections at once arrive whole",
    why="a browser opens dozens at once",
    transparent=False,
)
def tcp_many(lab: Lab) -> str:
    count, size = lab.sizes.connections, 64 << 10
    with tunnel.pairs(lab) as (pair,):
        seconds = tunnel.transfer(lab, pair, size=size, push=False, connections=count)
    return f"{count} connections of 64 KiB in {seconds:.2f} s"


@check(
    Level.REQUIRED,
    "TCP between equal addresses behind two endpoints does not mix",
    why="two customers with the same networks must never see each other's bytes",
    transparent=False,
)
def tcp_equal_addresses(lab: Lab) -> str:
    with tunnel.pairs(lab, 2) as both:
        for pair in both:
            tunnel.transfer(lab, pair, size=256 << 10, push=True)
    return "256 KiB behind each of 2 endpoints"
