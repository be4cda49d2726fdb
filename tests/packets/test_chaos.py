"""A target that is made to misbehave: which returns are spoilt, how, and until when; by the same seed the same ones."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.packet import Raw

from opengwlb.dataplane import DataPlane
from opengwlb.dataplane.chaos import Counts
from opengwlb.model.chaos import Kind

from . import geneve
from .geneve import Tunnelled
from .harness import CLIENT, NODE, OBJECTS, SERVER, Lab, eventually, run

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


def begin(lab: Lab, kind: Kind, *, seed: int = 7, share: float = 0.3, seconds: float = 60.0) -> None:
    router = lab.appliances[0].router
    until_ns = time.monotonic_ns() + int(seconds * 1e9)
    lab.dataplane.chaos().start(
        kind, ifindex=router.ifindex, netns=router.netns, seed=seed, share=share, until_ns=until_ns
    )


@pytest.fixture(autouse=True)
def ended(lab: Lab) -> Iterator[None]:
    yield
    lab.dataplane.chaos().stop(ifindex=lab.appliances[0].router.ifindex)


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
            raw.settimeout(2)
            got = []
            while len(got) < met["decapsulated"]:
                data, address = raw.recvfrom(2000)
                if address[2] != 4 and data[12:14] == b"\x08\x00":
                    got.append(int.from_bytes(data[18:20], "big"))
        return sorted(got)

    first = survivors(1)
    assert survivors(1) == first
    assert survivors(2) != first


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
