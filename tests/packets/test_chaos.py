"""A target that is made to misbehave: which returns are spoilt, how, and until when; by the same seed the same ones."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.packet import Raw

from opengwlb.dataplane import DataPlane, relay
from opengwlb.dataplane.chaos import Counts
from opengwlb.dataplane.entries import u32
from opengwlb.dataplane.layout import chaos_config, chaos_relay
from opengwlb.dataplane.maps import Map
from opengwlb.dataplane.syscalls import inside, open_pin
from opengwlb.model.chaos import Kind

from . import geneve
from .flow_slots import FlowSlots
from .geneve import Tunnelled
from .harness import CLIENT, NODE, OBJECTS, SERVER, SERVER6, Lab, eventually, run

PACKETS = 200


@pytest.fixture(scope="module")
def lab(labs: Callable[..., Lab]) -> Lab:
    """Its routers are the VPC router's program: chaos stands before that. The appliance says nothing by itself."""
    made = labs("chaos", appliances=1, inspectors=0, eni=True)
    run("ip", "route", "flush", "table", "main", box=made.appliances[0].own.box)
    return made


@pytest.fixture
def back(lab: Lab) -> Tunnelled:
    """A packet as the appliance returns it."""
    sent = geneve.read(lab.through(IP(src=CLIENT, dst=SERVER) / UDP(sport=1000, dport=53) / Raw(b"data")))
    own = lab.appliances[0]
    return sent.returned().change(eth=(own.own.mac, own.router.mac))


def begin(
    lab: Lab,
    kind: Kind,
    *,
    seed: int = 7,
    share: float = 0.3,
    seconds: float = 60.0,
    delay_ms: int = 0,
    held_bytes: int = relay.HELD_BYTES,
) -> None:
    router = lab.appliances[0].router
    until_ns = time.monotonic_ns() + int(seconds * 1e9)
    lab.dataplane.chaos(held_bytes=held_bytes).start(
        kind,
        ifindex=router.ifindex,
        netns=router.netns,
        seed=seed,
        share=share,
        until_ns=until_ns,
        delay_ms=delay_ms,
    )


@pytest.fixture(autouse=True)
def ended(lab: Lab) -> Iterator[None]:
    yield
    lab.dataplane.chaos().stop(ifindex=lab.appliances[0].router.ifindex)
    assert held_by(lab) == []


def held_by(lab: Lab) -> list[str]:
    """Devices behind which packets are held back: there while a relay is."""
    with inside(lab.appliances[0].router.netns):
        return [name for _, name in socket.if_nameindex() if name.startswith("chaos")]


def outcome(lab: Lab, frames: list[bytes]) -> dict[str, int]:
    """The verdicts that the appliance's frames met, at its port and at the node. Every frame met one at the port."""
    before = lab.counts()
    lab.appliances[0].own.send(*frames)
    last: dict[str, int] = {}

    def settled() -> bool:
        now = met_since(lab, before)
        at_port = now.get("eni_forwarded", 0) + now.get("chaos_lost", 0)
        done = now == last and at_port >= len(frames)
        last.clear()
        last.update(now)
        return done

    eventually(settled, f"{len(frames)} frames come by")
    return last


def met_since(lab: Lab, before: Counter[tuple[int, str]]) -> dict[str, int]:
    places = (lab.appliances[0].router.ifindex, lab.node.ifindex)
    return {name: count for (ifindex, name), count in (lab.counts() - before).items() if ifindex in places}


def counts(lab: Lab) -> Counts:
    return lab.dataplane.chaos().counts()[lab.appliances[0].router.ifindex]


def test_a_share_of_the_returns_is_lost_and_counted_as_lost_on_purpose(lab: Lab, back: Tunnelled) -> None:
    begin(lab, Kind.LOSE)
    met = outcome(lab, [bytes(back)] * PACKETS)
    assert met["chaos_lost"] + met["decapsulated"] == PACKETS
    assert 0.2 * PACKETS < met["chaos_lost"] < 0.4 * PACKETS
    assert counts(lab) == Counts(met=PACKETS, done=met["chaos_lost"])


def test_the_same_seed_loses_the_same_packets_and_another_one_others(lab: Lab, back: Tunnelled) -> None:
    def survivors(seed: int) -> list[int]:
        lab.dataplane.chaos().stop(ifindex=lab.appliances[0].router.ifindex)
        begin(lab, Kind.LOSE, seed=seed)
        frames = [bytes(back.change(inner=numbered(number))) for number in range(60)]
        with lab.endpoints[0].outer.opened() as raw:
            met = outcome(lab, frames)
            got = [number for number, _ in arrivals(raw, met["decapsulated"])]
        return sorted(got)

    first = survivors(1)
    assert survivors(1) == first
    assert survivors(2) != first


def arrivals(raw: socket.socket, count: int) -> list[tuple[int, float]]:
    """What leaves by the endpoint: the numbers of `numbered`, and when."""
    raw.settimeout(5)
    got: list[tuple[int, float]] = []
    while len(got) < count:
        data, address = raw.recvfrom(2000)
        if address[2] != socket.PACKET_OUTGOING and data[12:14] == b"\x08\x00":
            got.append((int.from_bytes(data[18:20], "big"), time.monotonic()))
    return got


def numbered(number: int) -> bytes:
    return bytes(IP(src=CLIENT, dst=SERVER, id=number) / UDP(sport=1000, dport=53) / Raw(b"data"))


def test_a_packet_that_is_returned_twice_is_carried_twice(lab: Lab, back: Tunnelled) -> None:
    begin(lab, Kind.DUPLICATE)
    before = lab.counts()
    lab.appliances[0].own.send(*[bytes(back)] * PACKETS)
    eventually(lambda: counts(lab).met >= PACKETS, "every packet was considered")
    twice = counts(lab).done
    assert 0.2 * PACKETS < twice < 0.4 * PACKETS
    expected = {"eni_forwarded": PACKETS + twice, "decapsulated": PACKETS + twice}
    eventually(lambda: met_since(lab, before) == expected, f"{expected}")
    assert counts(lab) == Counts(met=PACKETS, done=twice)


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [(Kind.CORRUPT_TLV, "return_bad_geneve"), (Kind.STALE_COOKIE, "return_no_flow")],
)
def test_a_spoilt_return_is_dropped_with_its_verdict(lab: Lab, back: Tunnelled, kind: Kind, verdict: str) -> None:
    begin(lab, kind)
    met = outcome(lab, [bytes(back)] * PACKETS)
    spoilt = counts(lab).done
    assert 0.2 * PACKETS < spoilt < 0.4 * PACKETS
    assert met == {"eni_forwarded": PACKETS, verdict: spoilt, "decapsulated": PACKETS - spoilt}


@pytest.mark.parametrize(("kind", "answers"), [(Kind.STALL, False), (Kind.LIE_ON_HEALTH, True)])
def test_who_lies_on_health_returns_nothing_but_answers_and_who_stalls_is_silent(
    lab: Lab, back: Tunnelled, kind: Kind, answers: bool
) -> None:
    begin(lab, kind)
    assert outcome(lab, [bytes(back)] * 20) == {"chaos_lost": 20}
    probe = bytes(back)[:14] + bytes(
        IP(src=lab.appliances[0].address, dst=NODE) / TCP(sport=80, dport=4000, flags="SA")
    )
    met = outcome(lab, [probe])
    assert met == ({"eni_forwarded": 1, "not_geneve": 1} if answers else {"chaos_lost": 1})


def test_it_ends_by_itself_when_its_time_is_over(lab: Lab, back: Tunnelled) -> None:
    begin(lab, Kind.STALL, seconds=0.4)
    assert outcome(lab, [bytes(back)] * 5) == {"chaos_lost": 5}
    eventually(lambda: "decapsulated" in outcome(lab, [bytes(back)]), "returns go on again")
    assert outcome(lab, [bytes(back)] * 5) == {"eni_forwarded": 5, "decapsulated": 5}


def test_what_is_asked_again_for_longer_goes_on_for_longer(lab: Lab, back: Tunnelled) -> None:
    begin(lab, Kind.STALL, seconds=0.3)
    begin(lab, Kind.STALL, seconds=60)
    first_end = time.monotonic() + 0.3
    while time.monotonic() < first_end:
        assert outcome(lab, [bytes(back)]) == {"chaos_lost": 1}
    assert outcome(lab, [bytes(back)]) == {"chaos_lost": 1}


def test_it_goes_on_when_the_server_starts_again_and_stops_when_told(lab: Lab, back: Tunnelled) -> None:
    begin(lab, Kind.STALL)
    lab.dataplane.close()
    assert len(list((lab.run_dir / "bpf" / "links").glob("*-chaos"))) == 1
    lab.dataplane = DataPlane(run_dir=lab.run_dir, objects=OBJECTS, max_flows=4096)
    lab.dataplane.open()
    assert outcome(lab, [bytes(back)] * 5) == {"chaos_lost": 5}
    assert lab.dataplane.chaos().stop(ifindex=lab.appliances[0].router.ifindex).done == 5
    assert outcome(lab, [bytes(back)] * 5) == {"eni_forwarded": 5, "decapsulated": 5}
    assert list((lab.run_dir / "bpf" / "links").glob("*-chaos")) == []


DELAY_MS = 150


def test_what_a_slow_target_returns_comes_late_whole_and_in_its_order(lab: Lab, back: Tunnelled) -> None:
    begin(lab, Kind.SLOW, share=1.0, delay_ms=DELAY_MS)
    with lab.endpoints[0].outer.opened() as raw:
        began = time.monotonic()
        met = outcome(lab, [bytes(back.change(inner=numbered(number))) for number in range(50)])
        got = arrivals(raw, 50)
    assert met == {"eni_forwarded": 50, "decapsulated": 50}
    assert [number for number, _ in got] == list(range(50))
    assert got[0][1] - began >= DELAY_MS / 1000
    assert counts(lab) == Counts(met=50, done=50)


def test_the_same_seed_holds_the_same_packets_back_and_the_others_pass_them(lab: Lab, back: Tunnelled) -> None:
    def order(seed: int) -> tuple[list[int], int]:
        """As they arrive, when those that are late come last; and how many of them."""
        begin(lab, Kind.REORDER, seed=seed, delay_ms=60_000)
        with lab.endpoints[0].outer.opened() as raw:
            lab.appliances[0].own.send(*[bytes(back.change(inner=numbered(number))) for number in range(60)])
            eventually(lambda: counts(lab).met == 60, "every return was considered")
            late = counts(lab).done
            passed = [number for number, _ in arrivals(raw, 60 - late)]
            lab.dataplane.chaos().stop(ifindex=lab.appliances[0].router.ifindex)
            return passed + [number for number, _ in arrivals(raw, late)], late

    first, late = order(1)
    assert sorted(first) == list(range(60)) != first
    assert 0.15 * 60 < late < 0.45 * 60
    assert first[:-late] == sorted(first[:-late]) and first[-late:] == sorted(first[-late:])
    assert order(1) == (first, late)
    assert order(2)[0] != first


def test_a_return_that_comes_after_its_flow_was_closed_misses_its_entry(lab: Lab) -> None:
    """Five seconds after both sides know, a closed flow is forgotten."""
    segment = IP(src=CLIENT, dst=SERVER) / TCP(sport=1001, dport=80, flags="S")
    own = lab.appliances[0]
    late = geneve.read(lab.through(segment)).returned().change(eth=(own.own.mac, own.router.mac))
    begin(lab, Kind.SLOW, share=1.0, delay_ms=60_000)
    before = lab.counts()
    own.own.send(bytes(late))
    eventually(lambda: counts(lab).done == 1, "the return is held back")
    segment[TCP].flags = "R"
    lab.through(segment)
    FlowSlots(lab).pass_time(5.1)
    lab.dataplane.chaos().stop(ifindex=own.router.ifindex)
    eventually(lambda: met_since(lab, before).get("return_no_flow") == 1, "it comes late")


def test_a_target_that_never_returns_is_told_by_what_it_was_given_and_returned(lab: Lab, back: Tunnelled) -> None:
    def both() -> tuple[int, int]:
        slot = lab.appliances[0].slot
        of = lab.dataplane.target_counters({slot})[slot]
        return of.given, of.returned

    given, returned = both()
    begin(lab, Kind.LIE_ON_HEALTH)
    for sent in range(1, 4):
        lab.through(IP(src=CLIENT, dst=SERVER) / UDP(sport=1000, dport=53) / Raw(b"data"))
        assert outcome(lab, [bytes(back)]) == {"chaos_lost": 1}
        assert both() == (given + sent, returned)
    lab.dataplane.chaos().stop(ifindex=lab.appliances[0].router.ifindex)
    outcome(lab, [bytes(back)])
    assert both()[1] == returned + 1


def test_health_checks_of_a_slow_target_are_not_slow(lab: Lab, back: Tunnelled) -> None:
    begin(lab, Kind.SLOW, share=1.0, delay_ms=30_000)
    probe = bytes(back)[:14] + bytes(
        IP(src=lab.appliances[0].address, dst=NODE) / TCP(sport=80, dport=4000, flags="SA")
    )
    assert outcome(lab, [probe]) == {"eni_forwarded": 1, "not_geneve": 1}
    assert counts(lab) == Counts(met=0, done=0)


def test_more_than_may_be_held_back_is_dropped_with_its_verdict(lab: Lab, back: Tunnelled) -> None:
    room = 20 * (len(bytes(back)) + relay.FRAME_COSTS)
    begin(lab, Kind.SLOW, share=1.0, delay_ms=60_000, held_bytes=room)
    router, before = lab.appliances[0].router, lab.counts()
    size = sum(one.bytes for one in lab.dataplane.counters() if one.ifindex == router.ifindex)
    lab.appliances[0].own.send(*[bytes(back)] * 50)
    eventually(lambda: met_since(lab, before) == {"chaos_queue_full": 30}, "thirty found no room")
    lab.dataplane.chaos().stop(ifindex=router.ifindex)
    expected = {"chaos_queue_full": 30, "eni_forwarded": 20, "decapsulated": 20}
    eventually(lambda: met_since(lab, before) == expected, f"{expected}")
    taken = sum(one.bytes for one in lab.dataplane.counters() if one.ifindex == router.ifindex) - size
    assert taken == 50 * (len(bytes(back)) - 14)


def test_what_is_held_back_at_the_end_is_given_back_at_once(lab: Lab, back: Tunnelled) -> None:
    begin(lab, Kind.SLOW, share=1.0, delay_ms=60_000)
    before = lab.counts()
    lab.appliances[0].own.send(*[bytes(back)] * 5)
    eventually(lambda: counts(lab).done == 5, "they are held back")
    lab.dataplane.chaos().stop(ifindex=lab.appliances[0].router.ifindex)
    assert held_by(lab) == []
    eventually(lambda: met_since(lab, before) == {"eni_forwarded": 5, "decapsulated": 5}, "they come")


def test_a_relay_ends_with_its_time_though_nobody_asks_it_to(lab: Lab, back: Tunnelled) -> None:
    begin(lab, Kind.SLOW, share=1.0, delay_ms=60_000)
    before = lab.counts()
    lab.appliances[0].own.send(bytes(back))
    eventually(lambda: counts(lab).done == 1, "it is held back")
    assert len(held_by(lab)) == 1
    time_is_over(lab)
    eventually(lambda: held_by(lab) == [], "the device goes with its process")
    eventually(lambda: met_since(lab, before) == {"eni_forwarded": 1, "decapsulated": 1}, "it was given back")
    assert outcome(lab, [bytes(back)]) == {"eni_forwarded": 1, "decapsulated": 1}


def time_is_over(lab: Lab) -> None:
    ports = Map(open_pin(str(lab.run_dir / "bpf" / "maps" / "chaos_ports")), name="chaos_ports")
    key = u32(lab.appliances[0].router.ifindex)
    try:
        entry = chaos_config.from_buffer_copy(ports.get(key) or b"")
        entry.until_ns = time.monotonic_ns()
        ports.put(key, bytes(entry))
    finally:
        ports.close()


def relay_of(lab: Lab, *, beat_ns: int | None = None) -> int:
    """Its process; `beat_ns` says in its place when it last said that it is there."""
    router = lab.appliances[0].router
    relays = Map(open_pin(str(lab.run_dir / "bpf" / "maps" / "chaos_relays")), name="chaos_relays")
    try:
        entry = chaos_relay.from_buffer_copy(relays.get(u32(router.ifindex)) or b"")
        if beat_ns is not None:
            entry.beat_ns = beat_ns
            relays.put(u32(router.ifindex), bytes(entry))
        return int(entry.pid)
    finally:
        relays.close()


def gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}/cmdline").exists() or not Path(f"/proc/{pid}/cmdline").read_bytes()


def test_packets_pass_undisturbed_when_the_relay_dies_and_the_next_pass_brings_another(
    lab: Lab, back: Tunnelled
) -> None:
    begin(lab, Kind.SLOW, share=1.0, delay_ms=60_000)
    died = relay_of(lab)
    os.kill(died, signal.SIGKILL)
    eventually(lambda: held_by(lab) == [], "the device goes with its process")
    assert outcome(lab, [bytes(back)] * 5) == {"eni_forwarded": 5, "decapsulated": 5}
    begin(lab, Kind.SLOW, share=1.0, delay_ms=60_000)
    assert len(held_by(lab)) == 1 and relay_of(lab) != died


def test_packets_pass_undisturbed_when_the_relay_hangs_and_it_is_ended_all_the_same(lab: Lab, back: Tunnelled) -> None:
    begin(lab, Kind.SLOW, share=1.0, delay_ms=60_000)
    hung = relay_of(lab)
    os.kill(hung, signal.SIGSTOP)
    relay_of(lab, beat_ns=1)
    assert outcome(lab, [bytes(back)] * 5) == {"eni_forwarded": 5, "decapsulated": 5}
    lab.dataplane.chaos().stop(ifindex=lab.appliances[0].router.ifindex)
    assert held_by(lab) == [] and gone(hung)


def test_a_relay_goes_on_without_its_server_and_ends_with_its_port(lab: Lab, back: Tunnelled) -> None:
    begin(lab, Kind.SLOW, share=1.0, delay_ms=DELAY_MS)
    before, running = lab.counts(), relay_of(lab)
    lab.appliances[0].own.send(bytes(back))
    lab.dataplane.close()
    lab.dataplane = DataPlane(run_dir=lab.run_dir, objects=OBJECTS, max_flows=4096)
    lab.dataplane.open()
    eventually(lambda: met_since(lab, before) == {"eni_forwarded": 1, "decapsulated": 1}, "it is given back")
    begin(lab, Kind.SLOW, share=1.0, delay_ms=DELAY_MS)
    assert relay_of(lab) == running, "it was left alone"
    lab.dataplane.chaos().prune({end.ifindex for end in lab.enis} - {lab.appliances[0].router.ifindex})
    assert held_by(lab) == [] and gone(running)
    assert lab.dataplane.chaos().counts() == {}


@pytest.fixture(scope="module")
def carrying(labs: Callable[..., Lab]) -> Lab:
    """Real TCP through an in-kernel appliance: super-packets come to the relay."""
    return labs("late", appliances=1)


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize(
    ("kind", "share", "delay_ms"), [(Kind.SLOW, 1.0, 20), (Kind.REORDER, 0.1, 2)], ids=["slow", "reorder"]
)
def test_tcp_arrives_whole_however_late_or_disordered(
    carrying: Lab, family: socket.AddressFamily, kind: Kind, share: float, delay_ms: int
) -> None:
    begin(carrying, kind, share=share, delay_ms=delay_ms)
    data = os.urandom(8 << 20)
    with inside(carrying.server.netns):
        listener = socket.create_server((SERVER if family == socket.AF_INET else SERVER6, 8000), family=family)
    got = hashlib.sha256()

    def serve() -> None:
        with listener, listener.accept()[0] as server:
            while chunk := server.recv(1 << 20):
                got.update(chunk)

    serving = threading.Thread(target=serve, daemon=True)
    serving.start()
    with inside(carrying.client.netns):
        client = socket.create_connection(listener.getsockname()[:2], timeout=20)
    with client:
        client.sendall(data)
    serving.join(20)
    assert got.digest() == hashlib.sha256(data).digest()
    met = counts(carrying)
    assert met.done > 20
    carrying.dataplane.chaos().stop(ifindex=carrying.appliances[0].router.ifindex)
    assert held_by(carrying) == []


def test_nothing_is_left_of_a_relay_when_its_data_plane_is_destroyed(carrying: Lab) -> None:
    begin(carrying, Kind.SLOW, share=1.0, delay_ms=DELAY_MS)
    running = relay_of(carrying)
    DataPlane(run_dir=carrying.run_dir, objects=carrying.run_dir).destroy()
    assert held_by(carrying) == [] and gone(running)
    carrying.dataplane.close()
    carrying.close()
