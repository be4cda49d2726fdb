"""A dry run says what a real packet then meets, and changes nothing: no flow, no counter, no map at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from scapy.layers.inet import IP, TCP, UDP, fragment
from scapy.layers.inet6 import IPv6
from scapy.packet import Packet, Raw

from opengwlb.dataplane.dry_run import Ran
from opengwlb.dataplane.maps import Map
from opengwlb.dataplane.syscalls import inside, open_pin, program_info

from . import geneve
from .harness import CLIENT, CLIENT6, NODE, SERVER, SERVER6, End, Lab, into, run

MAP_OF_MAPS = 12


@pytest.fixture(scope="module")
def lab(labs: Callable[..., Lab]) -> Lab:
    return labs("dry", endpoints=2, appliances=4, forwards=False)


def everything(lab: Lab) -> dict[str, dict[bytes, bytes]]:
    """What every map of the data plane holds."""
    found = {}
    for path in (lab.run_dir / "bpf" / "maps").iterdir():
        one = Map(open_pin(str(path)), name=path.name)
        if one.kind != MAP_OF_MAPS and path.name != "flow_locks":
            found[path.name] = dict(one.entries())
        one.close()
    assert {"flows", "flow_tuples", "counters", "fragments", "samples"} <= found.keys()
    return found


def dry(lab: Lab, program: str, end: End, frame: bytes) -> tuple[str, Ran]:
    """The verdict of a dry run, which left every map as it was."""
    before = everything(lab)
    with lab.dataplane.dry_run() as trial, inside(end.netns):
        ran = trial.run(program, frame, ifindex=end.ifindex)
    assert everything(lab) == before
    (verdict,) = ran.verdicts
    return lab.dataplane.verdicts[verdict].name, ran


def test_the_programs_are_the_attached_ones(lab: Lab) -> None:
    with lab.dataplane.dry_run() as trial:
        for name, tag in trial.tags().items():
            assert tag == program_info(lab.dataplane.program(name)).tag


@pytest.mark.parametrize("port", range(20))
def test_a_new_flow_goes_where_the_dry_run_said_with_the_cookie_it_said(lab: Lab, port: int) -> None:
    packet = IP(src=CLIENT, dst=SERVER) / TCP(sport=2000 + port, dport=80, flags="S")
    door = lab.endpoints[0]
    verdict, ran = dry(lab, "endpoint", door.inner, into(door, packet))
    assert verdict == "encapsulated"
    assert lab.through(packet) == ran.frame


def test_a_known_flow_is_told_from_a_new_one(lab: Lab) -> None:
    door = lab.endpoints[0]
    packet = IP(src=CLIENT, dst=SERVER) / UDP(sport=3000, dport=53) / Raw(b"x")
    first = geneve.read(lab.through(packet))
    other = IP(src=CLIENT, dst=SERVER) / UDP(sport=3001, dport=53) / Raw(b"x")
    with lab.dataplane.dry_run() as trial, inside(door.inner.netns):
        again = geneve.read(trial.run("endpoint", into(door, packet), ifindex=door.inner.ifindex).frame)
        new = geneve.read(trial.run("endpoint", into(door, other), ifindex=door.inner.ifindex).frame)
        assert again == first
        assert (trial.is_known(again.cookie), trial.is_known(new.cookie)) == (True, False)


def test_within_one_dry_run_a_flow_that_began_is_found_by_its_return(lab: Lab) -> None:
    door = lab.endpoints[0]
    packet = IP(src=CLIENT, dst=SERVER) / UDP(sport=3100, dport=53) / Raw(b"x")
    with lab.dataplane.dry_run() as trial, inside(door.inner.netns):
        sent = geneve.read(trial.run("endpoint", into(door, packet), ifindex=door.inner.ifindex).frame)
        back = trial.run("target", bytes(sent.returned()), ifindex=lab.node.ifindex)
    (verdict,) = back.verdicts
    assert lab.dataplane.verdicts[verdict].name == "decapsulated"
    assert back.frame[14:] == bytes(packet)
    # The real data plane never heard of it.
    with lab.exactly(lab.node, "return_no_flow"):
        lab.provider_node.send(bytes(sent.returned()))


ENDPOINT_VERDICTS: dict[str, Packet | bytes] = {
    "encapsulated": IP(src=CLIENT, dst=SERVER) / UDP(sport=4000, dport=53),
    "tcp_no_flow": IP(src=CLIENT, dst=SERVER) / TCP(sport=4001, dport=80, flags="A"),
    "endpoint_malformed": bytes(IP(src=CLIENT, dst=SERVER, len=2000) / UDP()),
    "endpoint_not_forwardable": IP(src=CLIENT, dst="224.0.0.5") / UDP(),
    "fragment_no_flow": fragment(IP(src=CLIENT, dst=SERVER, id=4243) / TCP() / Raw(bytes(2000)), fragsize=1000)[1],
    "endpoint_ipv6_not_enabled": IPv6(src=CLIENT6, dst=SERVER6) / UDP(),
    "no_targets": IP(src=CLIENT, dst=SERVER) / TCP(sport=4002, dport=80, flags="S"),
    "underlay_mtu_exceeded": IP(src=CLIENT, dst=SERVER) / UDP(sport=4003) / Raw(bytes(1933 - 28)),
}


@pytest.fixture
def prepared(lab: Lab, request: pytest.FixtureRequest) -> Iterator[str]:
    """A verdict, in a lab where a packet can meet it."""
    verdict: str = request.param
    lab.healthy = set() if verdict == "no_targets" else None
    lab.dualstack = verdict != "endpoint_ipv6_not_enabled"
    if verdict == "underlay_mtu_exceeded":
        run("ip", "link", "set", lab.node.device, "mtu", "2000", box=lab.node.box)
    assert lab.apply() == {}
    yield verdict
    lab.healthy, lab.dualstack = None, True
    run("ip", "link", "set", lab.node.device, "mtu", "9001", box=lab.node.box)
    lab.apply()


@pytest.mark.parametrize("prepared", ENDPOINT_VERDICTS, indirect=True)
def test_at_an_endpoint_the_dry_run_says_what_the_real_packet_meets(lab: Lab, prepared: str) -> None:
    door = lab.endpoints[0]
    frame = into(door, ENDPOINT_VERDICTS[prepared])
    assert dry(lab, "endpoint", door.inner, frame)[0] == prepared
    with lab.exactly(door.inner, prepared):
        door.outer.send(frame)


def test_a_full_flow_table_is_foretold(labs: Callable[..., Lab]) -> None:
    lab = labs("dryfull", forwards=False, max_flows=8)
    door = lab.endpoints[0]
    for port in range(12):
        frame = into(door, IP(src=CLIENT, dst=SERVER) / TCP(sport=port, dport=80, flags="S"))
        foretold = dry(lab, "endpoint", door.inner, frame)[0]
        with lab.exactly(door.inner, foretold):
            door.outer.send(frame)
    assert foretold == "flow_table_full"


RETURNS: dict[str, Callable[[geneve.Tunnelled], geneve.Tunnelled]] = {
    "decapsulated": lambda back: back,
    "return_bad_outer": lambda back: back.change(udp_length=20),
    "return_fragment": lambda back: back.change(ip=(("flags", "MF"),)),
    "return_wrong_node": lambda back: back.change(destination="10.9.0.5"),
    "return_unknown_target": lambda back: back.change(source="10.9.1.99"),
    "return_bad_geneve": lambda back: back.change(version=1),
    "return_unknown_endpoint": lambda back: back.change(endpoint=back.endpoint ^ 0xFFFF),
    "return_bad_cookie": lambda back: back.change(cookie=0),
    "return_no_flow": lambda back: back.change(
        cookie=back.cookie ^ 1 << 30
    ),  # another generation: a neighbour may live
    "return_bad_inner": lambda back: back.change(inner=back.inner[:-1]),
}


@pytest.mark.parametrize("verdict", RETURNS)
def test_at_a_node_the_dry_run_says_what_the_real_return_meets(lab: Lab, verdict: str) -> None:
    sent = geneve.read(lab.through(IP(src=CLIENT, dst=SERVER) / UDP(sport=5000, dport=53) / Raw(b"data")))
    assert sent.source == NODE
    frame = bytes(RETURNS[verdict](sent.returned()))
    assert dry(lab, "target", lab.node, frame)[0] == verdict
    with lab.exactly(lab.node, verdict):
        lab.provider_node.send(frame)


def test_nothing_is_left_on_the_bpf_file_system(lab: Lab) -> None:
    before = set(os.listdir(lab.run_dir / "bpf"))
    with lab.dataplane.dry_run():
        pass
    assert set(os.listdir(lab.run_dir / "bpf")) == before
