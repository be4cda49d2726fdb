"""Chaos as stored and kept by control: who may ask, when it begins and ends; the kernel's part is pretended."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from watched_lab import APPLIANCE, CONSUMER, PROVIDER, lab

from opengwlb.control.chaos import ChaosReconciler
from opengwlb.dataplane.chaos import Counts
from opengwlb.model.chaos import Chaos, Kind
from opengwlb.model.snapshot import KINDS
from opengwlb.model.vpc import NetworkInterface
from opengwlb.observe import chaos
from opengwlb.observe.chaos import ChaosAsked
from opengwlb.observe.visibility import Viewer
from opengwlb.policy import names
from opengwlb.store.sqlite import SqliteStore
from opengwlb.wire.errors import AwsError

TARGET, ENI = f"i-{'2':0>17}", f"eni-{'2':0>17}"
OPERATOR = Viewer("9", operator=True)


@dataclass
class Ports:
    """The kernel's part."""

    running: dict[int, tuple[Kind, int]] = field(default_factory=dict)
    asked: dict[str, object] = field(default_factory=dict)

    def chaos(self) -> Any:
        return self

    def start(self, kind: Kind, *, ifindex: int, until_ns: int, **how: object) -> None:
        self.running[ifindex] = (kind, until_ns)
        self.asked = how

    def stop(self, *, ifindex: int) -> Counts:
        return Counts(met=9, done=4) if self.running.pop(ifindex, None) else Counts(met=0, done=0)


@dataclass
class World:
    store: SqliteStore
    ports: Ports = field(default_factory=Ports)
    now: float = 1000.0
    built: bool = True

    def __post_init__(self) -> None:
        interface = self.store.snapshot().get(NetworkInterface, ENI)
        assert interface is not None
        self.port = names.router_port(interface.vpc, ENI)
        self.reconciler = ChaosReconciler(
            store=self.store,
            programs=self.ports,
            namespace=lambda box: f"/run/netns/{box}",
            ifindex=lambda: {self.port: 5} if self.built else {},
            clock=lambda: self.now,
            monotonic_ns=lambda: 10**12,
        )

    def ask(self, viewer: Viewer = OPERATOR, **words: Any) -> None:
        """As the server: control runs beside the question."""
        ended = threading.Event()

        def keep() -> None:
            while not ended.is_set():
                revision = self.store.snapshot().revision
                self.reconciler.reconcile()
                self.store.wait(revision, 0.05)

        beside = threading.Thread(target=keep)
        beside.start()
        try:
            chaos.ask(self.store, ChaosAsked(**words), viewer=viewer, now_s=self.now)
        finally:
            ended.set()
            beside.join()

    @property
    def stored(self) -> Chaos:
        found = self.store.snapshot().get(Chaos, ENI)
        assert found is not None
        return found


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    store = SqliteStore(tmp_path / "store.sqlite", clock=lambda: 5.0)
    stored = lab()
    store.transact(lambda tx: [tx.put(one) for kind in KINDS for one in stored.values(kind)])
    yield World(store)
    store.close()


@pytest.mark.parametrize("word", [TARGET, ENI, APPLIANCE])
def test_it_begins_with_the_time_that_is_left_and_ends_with_its_counts(world: World, word: str) -> None:
    world.ask(target=word, kind="lose", for_s=30)
    assert world.ports.running == {5: (Kind.LOSE, 10**12 + 30 * 10**9)}
    assert (world.stored.state, world.stored.account) == ("running", PROVIDER)
    world.now += 31
    world.reconciler.reconcile()
    assert world.ports.running == {}
    assert (world.stored.state, world.stored.met, world.stored.done) == ("ended", 9, 4)


def test_after_a_restart_only_what_is_left_of_its_time_is_asked_for(world: World) -> None:
    world.ask(target=TARGET, kind="stall", for_s=30)
    world.ports.running.clear()
    world.now += 20
    world.reconciler.reconcile()
    assert world.ports.running == {5: (Kind.STALL, 10**12 + 10 * 10**9)}


def test_stop_ends_it_and_a_second_stop_has_nothing_to_end(world: World) -> None:
    world.ask(target=TARGET, kind="duplicate")
    world.ask(target=TARGET, kind="stop")
    assert world.ports.running == {} and world.stored.state == "ended"
    with pytest.raises(AwsError, match="no chaos"):
        world.ask(target=TARGET, kind="stop")


@pytest.mark.parametrize(
    ("words", "share", "delay_ms"),
    [
        ({"kind": "slow"}, 1.0, 200),
        ({"kind": "slow", "share": 0.5, "delay_ms": 7000}, 0.5, 7000),
        ({"kind": "reorder"}, 0.3, 10),
        ({"kind": "reorder", "share": 0.1, "delay_ms": 3}, 0.1, 3),
        ({"kind": "lose"}, 0.3, 0),
        ({"kind": "stall"}, 1.0, 0),
    ],
)
def test_each_kind_has_its_share_and_what_holds_packets_back_its_delay(
    world: World, words: dict[str, Any], share: float, delay_ms: int
) -> None:
    world.ask(target=TARGET, **words)
    assert (world.stored.share, world.stored.delay_ms) == (share, delay_ms)
    assert (world.ports.asked["share"], world.ports.asked["delay_ms"]) == (share, delay_ms)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"kind": "lose", "delay_ms": 5}, "lose holds no packets back: a delay is for reorder, slow"),
        ({"kind": "stop", "delay_ms": 5}, "stop holds no packets back"),
        ({"kind": "stall", "share": 0.5}, "stall concerns all packets"),
        ({"kind": "stop", "share": 0.5}, "stop concerns all packets"),
        ({"kind": "faster"}, "one of stall, lie-on-health, lose, .*slow, reorder, or stop"),
    ],
)
def test_what_would_have_no_effect_is_refused(world: World, words: dict[str, Any], sentence: str) -> None:
    with pytest.raises(AwsError, match=sentence):
        world.ask(target=TARGET, **words)
    assert world.store.snapshot().get(Chaos, ENI) is None


def test_another_accounts_target_is_not_there(world: World) -> None:
    with pytest.raises(AwsError) as refused:
        world.ask(Viewer(CONSUMER, operator=False), target=TARGET, kind="stall")
    assert refused.value.code == "TargetNotFound"
    world.ask(Viewer(PROVIDER, operator=False), target=TARGET, kind="stall")
    rows = [
        chaos.rows(world.store.snapshot(), counts={}, ifindex={}, viewer=Viewer(who, operator=False), now_s=world.now)
        for who in (PROVIDER, CONSUMER)
    ]
    assert [len(one) for one in rows] == [1, 0]


def test_chaos_goes_with_its_interface(world: World) -> None:
    world.ask(target=TARGET, kind="stall")
    world.store.transact(lambda tx: tx.delete(NetworkInterface, ENI))
    world.reconciler.reconcile()
    assert world.store.snapshot().get(Chaos, ENI) is None
