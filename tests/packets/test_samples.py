"""What the programs keep of dropped packets: the last few, however many come, and nothing of what passes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.packet import Raw

from opengwlb.observe import samples

from . import geneve
from .harness import CLIENT, SERVER, Lab, eventually, into

MID_FLOW = IP(src=CLIENT, dst=SERVER, ttl=61) / TCP(sport=42947, dport=80, flags="A")


@pytest.fixture(scope="module")
def lab(labs: Callable[..., Lab]) -> Lab:
    return labs("samples", endpoints=2, forwards=False)


def of(lab: Lab, ifindex: int, verdict: str) -> list[str]:
    """Newest last."""
    names = {one.name: one.number for one in lab.dataplane.verdicts.values()}
    found = [one for one in lab.dataplane.samples() if (one.ifindex, one.verdict) == (ifindex, names[verdict])]
    return [f"{samples.line(one.head)} length {one.length}" for one in found]


def test_a_dropped_packet_is_kept_with_the_length_that_it_arrived_with(lab: Lab) -> None:
    door = lab.endpoints[0]
    with lab.exactly(door.inner, "tcp_no_flow"):
        door.outer.send(into(door, MID_FLOW / Raw(bytes(1000))))
    assert of(lab, door.inner.ifindex, "tcp_no_flow") == [
        "tcp 10.0.1.10:42947 > 10.0.2.10:80 [A] ttl 61 length 1040",
    ]


def test_a_flood_keeps_no_more_than_a_few_and_later_ones_replace_them(lab: Lab) -> None:
    door = lab.endpoints[1]
    for port in (7, 8):
        flood = [into(door, IP(src=CLIENT, dst=SERVER) / TCP(sport=port, dport=80, flags="A"))] * 200
        with lab.exactly(door.inner, "tcp_no_flow", packets=200):
            door.outer.send(*flood)
        # The window in which no more are kept has to end before others are.
        eventually(lambda: all(one.age_s > 0.15 for one in lab.dataplane.samples()), "samples grow old")
    kept = of(lab, door.inner.ifindex, "tcp_no_flow")
    assert len(kept) == 4 and f"{CLIENT}:8 " in kept[-1]


def test_what_passes_is_not_kept_and_a_refused_return_is_kept_with_its_tunnel(lab: Lab) -> None:
    before = len(lab.dataplane.samples())
    sent = geneve.read(lab.through(IP(src=CLIENT, dst=SERVER, ttl=9) / UDP(sport=1000, dport=53)))
    assert len(lab.dataplane.samples()) == before
    with lab.exactly(lab.node, "return_bad_cookie"):
        lab.provider_node.send(bytes(sent.returned().change(cookie=0)))
    (line,) = of(lab, lab.node.ifindex, "return_bad_cookie")
    assert line == (
        "geneve 10.9.1.10 > 10.9.0.4 vpce-00a1b2c3d4e5f6070 cookie 0x00000000: "
        f"udp {CLIENT}:1000 > {SERVER}:53 ttl 9 length 96"
    )
