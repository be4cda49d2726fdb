"""Passive detection: who is dead by what the data plane saw, in a small world of targets whose packets a test makes up."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from opengwlb.model.passive import Sign, TargetCounters
from opengwlb.policy import passive

MS = 1_000_000
S = 1_000 * MS
LOOK = 10 * MS
WINDOW = 210 * MS


class World:
    """A target and a peer that returns all, looked at every ten milliseconds. A step is a millisecond."""

    def __init__(self, *, seed: int = 1) -> None:
        self.now = 1_000 * S
        self.target = self.peer = TargetCounters()
        self.memory: passive.Memory | None = None
        self.random = random.Random(seed)
        self._peer_before = 0
        self._last_flow = -1

    def give(
        self, *, flow: int = 0, known: bool = True, new: bool = False, returned: bool, answers: bool = False
    ) -> None:
        """One packet to the target. `known`: its flow was answered before; `answers`: this return is the flow's first."""
        one = self.target
        turn = known and flow != self._last_flow
        self._last_flow = flow if known else self._last_flow
        self.target = replace(
            one,
            given=one.given + 1,
            last_given_ns=self.now,
            flows=one.flows + new,
            awaited=one.awaited + known,
            turns=one.turns + turn,
            returned=one.returned + returned,
            last_returned_ns=self.now if returned else one.last_returned_ns,
            answered=one.answered + answers,
        )

    def refuse(self) -> None:
        self.target = replace(self.target, refused=self.target.refused + 1, last_refused_ns=self.now)

    def step(self, *, peer: bool = True) -> Sign | None:
        """A millisecond passes; what a look at its end says, if there is one."""
        if peer:
            self.peer = replace(self.peer, given=self.peer.given + 1, returned=self.peer.returned + 1)
        self.now += MS
        if self.now % LOOK:
            return None
        spoke, self._peer_before = self.peer.returned > self._peer_before, self.peer.returned
        if self.memory is None:
            self.memory = passive.begin(self.target, now_ns=self.now)
        self.memory = passive.look(self.memory, self.target, now_ns=self.now, peers_returned=spoke)
        return passive.sign(self.memory, window_ns=WINDOW)

    def run(self, ms: int, each: Callable[[int], None], *, peer: bool = True) -> Sign | None:
        """The first sign within so many milliseconds."""
        for number in range(ms):
            each(number)
            if found := self.step(peer=peer):
                return found
        return None


@pytest.fixture
def world() -> World:
    return World()


def alive(world: World, *, flows: int = 20) -> Callable[[int], None]:
    return lambda ms: world.give(flow=ms % flows, returned=True)


def dead(world: World, *, flows: int = 20) -> Callable[[int], None]:
    return lambda ms: world.give(flow=ms % flows, returned=False)


def test_a_hung_loop_is_known_at_the_first_look_after_the_window(world: World) -> None:
    assert world.run(8_000, alive(world)) is None
    died = world.now
    assert world.run(1_000, dead(world)) is Sign.SILENT
    assert WINDOW <= world.now - died <= WINDOW + 2 * LOOK


def test_stalled_senders_that_only_repeat_themselves_are_enough(world: World) -> None:
    """Twenty TCP senders fill their windows in a millisecond, and then repeat one packet after 200 ms."""
    assert world.run(5_000, alive(world)) is None

    def stalled(ms: int) -> None:
        if ms in (0, 200):
            for flow in range(20):
                world.give(flow=flow, returned=False)

    assert world.run(400, stalled) is Sign.SILENT


def test_a_window_that_was_lost_between_two_looks_is_not_forgotten(world: World) -> None:
    assert world.run(5_000, alive(world)) is None

    def burst(ms: int) -> None:
        if ms == 0:
            world.give(flow=0, returned=True)
            for packet in range(200):
                world.give(flow=packet % 20, returned=False)

    assert world.run(400, burst) is Sign.SILENT


def test_short_flows_count_by_flow(world: World) -> None:
    """Each packet opens a flow of its own, as queries do: none is awaited, and a dead target answers none."""

    def queries(returned: bool) -> Callable[[int], None]:
        return lambda ms: world.give(flow=ms, known=False, new=True, returned=returned, answers=returned)

    assert world.run(5_000, queries(True)) is None
    assert world.run(1_000, queries(False)) is Sign.SILENT


@pytest.mark.parametrize("seed", range(3))
def test_a_target_that_drops_nine_packets_in_ten_is_innocent(seed: int) -> None:
    world = World(seed=seed)
    assert world.run(10_000, lambda ms: world.give(flow=ms % 20, returned=world.random.random() < 0.1)) is None


def test_it_is_also_with_so_few_packets_that_a_window_often_sees_none_of_them_return(world: World) -> None:
    def few(ms: int) -> None:
        if ms % 10 == 0:
            world.give(flow=ms // 10 % 20, returned=world.random.random() < 0.1)

    assert world.run(20_000, few) is None


def test_and_dead_it_is_condemned_once_even_its_like_would_have_returned_something(world: World) -> None:
    drops = lambda ms: world.give(flow=ms % 20, returned=world.random.random() < 0.1)  # noqa: E731
    assert world.run(20_000, drops) is None
    died = world.now
    assert world.run(2_000, dead(world)) is Sign.SILENT
    assert world.now - died < 400 * MS


def test_a_target_that_denies_nine_flows_in_ten_is_innocent_however_much_they_send(world: World) -> None:
    """Nine of ten new flows are denied, and one of those sends a flood; what passes is quiet for seconds."""

    def policy(ms: int) -> None:
        world.give(flow=1_000, known=False, returned=False)
        if ms % 100 == 0:
            passes = ms % 1000 == 0
            world.give(flow=2_000 + ms, known=False, new=True, returned=passes, answers=passes)

    assert world.run(20_000, policy) is None


def test_a_two_arm_translator_that_never_returns_is_innocent(world: World) -> None:
    assert world.run(20_000, lambda ms: world.give(flow=ms, known=False, new=ms % 10 == 0, returned=False)) is None


def test_one_way_syslog_is_innocent(world: World) -> None:
    assert world.run(20_000, lambda ms: world.give(flow=0, returned=True)) is None


def test_one_packet_a_minute_is_innocent_even_if_it_is_lost(world: World) -> None:
    def rare(ms: int) -> None:
        if ms % 60_000 == 0:
            world.give(flow=0, returned=ms % 180_000 == 0)

    assert world.run(130_000, rare) is None


def test_pauses_of_200_ms_every_five_seconds_are_innocent_and_earn_patience(world: World) -> None:
    def pausing(ms: int) -> None:
        returned = ms % 5_000 < 4_800
        world.give(flow=ms % 20, returned=returned)

    assert world.run(20_000, pausing) is None
    assert world.memory is not None
    assert 190 * MS <= world.memory.pause_ns <= 210 * MS
    assert passive.patience_ns(world.memory, window_ns=WINDOW) > WINDOW
    assert world.run(1_000, dead(world)) is Sign.SILENT


def test_patience_is_bounded_and_ends(world: World) -> None:
    memory = passive.Memory(
        began_ns=0, looked_ns=10 * S, last=TargetCounters(), spoke=TargetCounters(), spoke_ns=0, pause_ns=9 * S
    )
    memory = replace(memory, pause_at_ns=5 * S, spoken=passive.SEASONED)
    assert passive.patience_ns(memory, window_ns=WINDOW) == 2 * WINDOW
    later = replace(memory, looked_ns=memory.pause_at_ns + passive.PAUSES_REMEMBERED_NS + 1)
    assert passive.patience_ns(later, window_ns=WINDOW) == WINDOW


def test_a_burst_after_a_long_silence_is_waited_for_as_any_other(world: World) -> None:
    """Nothing is owed while nothing is given, for however long; then returns come a little late."""
    assert world.run(8_000, alive(world)) is None
    assert world.run(20_000, lambda ms: None) is None

    def burst(ms: int) -> None:
        for packet in range(50):
            world.give(flow=packet, returned=ms > 100)

    assert world.run(500, burst) is None


def test_one_that_was_condemned_and_is_trusted_again_is_measured_by_what_it_did_before(world: World) -> None:
    assert world.run(8_000, alive(world)) is None
    past = passive.of_the_condemned(world.memory)
    world.memory = passive.begin(world.target, now_ns=world.now, experience=past)
    died = world.now
    assert world.run(1_000, lambda ms: world.give(flow=ms, known=False, new=True, returned=False)) is None
    assert past.of_flows() == 0  # of new flows nothing is known
    assert world.run(1_000, dead(world)) is Sign.SILENT
    assert passive.of_the_condemned(None).of_flows() > 0.5
    assert died < world.now


def test_a_newcomer_has_more_patience_than_one_that_has_shown_that_it_does_not_pause(world: World) -> None:
    assert world.run(1_000, alive(world)) is None
    died = world.now
    assert world.run(1_000, dead(world)) is Sign.SILENT
    assert world.now - died >= passive.NOVICE * WINDOW


def test_one_flow_that_is_cut_in_the_middle_is_a_firewalls_decision(world: World) -> None:
    assert world.run(5_000, alive(world)) is None
    assert world.run(5_000, lambda ms: world.give(flow=7, returned=False)) is None


def test_without_peers_that_return_there_is_no_verdict(world: World) -> None:
    assert world.run(5_000, alive(world)) is None
    assert world.run(5_000, dead(world), peer=False) is None


def test_a_machine_that_stood_still_condemns_nobody_when_it_goes_on(world: World) -> None:
    assert world.run(5_000, alive(world)) is None
    world.now += 2 * S
    assert world.run(30, dead(world)) is None
    assert world.run(5_000, alive(world)) is None


def test_time_on_a_machine_that_is_too_busy_to_look_counts_for_less_but_not_for_ever(world: World) -> None:
    assert world.run(8_000, alive(world)) is None
    died = world.now
    while (memory := world.memory) is not None and passive.sign(memory, window_ns=WINDOW) is None:
        for ms in range(40):
            world.give(flow=ms % 20, returned=False)
            world.now += MS
        world.memory = passive.look(memory, world.target, now_ns=world.now, peers_returned=True)
        assert world.now - died < 3 * WINDOW
    assert world.now - died >= 1.9 * WINDOW


def test_a_target_that_never_returned_anything_while_watched_is_not_judged(world: World) -> None:
    world.target = TargetCounters(given=100, returned=100, awaited=100, last_returned_ns=world.now)
    assert world.run(5_000, dead(world)) is None


def test_a_refusal_and_silence_are_enough_at_once(world: World) -> None:
    assert world.run(5_000, alive(world)) is None
    died = world.now

    def gone(ms: int) -> None:
        world.give(flow=ms % 20, returned=False)
        if ms < 6:
            world.refuse()

    assert world.run(1_000, gone) is Sign.REFUSED
    assert world.now - died <= passive.REFUSED_AFTER_NS + 2 * LOOK


def test_a_host_that_refuses_what_its_appliance_returns_all_the_same_is_innocent(world: World) -> None:
    """An appliance on a packet socket: the stack beside it sees nobody on the port."""

    def beside(ms: int) -> None:
        if ms % 1_000 == 910:
            world.refuse()
        world.give(flow=ms % 20, returned=ms % 3_000 < 2_900)

    assert world.run(30_000, beside) is None


def test_the_sign_of_the_last_return_is_not_an_old_refusal(world: World) -> None:
    world.refuse()
    world.now += S
    assert world.run(5_000, alive(world)) is None
    assert world.run(100, dead(world)) is None


def test_a_slot_that_was_given_to_another_target_is_judged_anew(world: World) -> None:
    assert world.run(5_000, alive(world)) is None
    world.target = TargetCounters()
    assert world.run(5_000, dead(world)) is None
