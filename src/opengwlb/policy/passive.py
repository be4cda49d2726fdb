"""Passive detection: which targets are dead by what the data plane itself saw of them (decision 0008).

Pure: counters and time come in, at every look; what has to be remembered between looks is a value. A target is judged by what it did
before: only packets that a living one would have returned, as far as its own past tells, are held against it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from opengwlb.model.passive import Sign, TargetCounters

NS = 1_000_000_000
ON_TIME_NS = 15_000_000
"""From look to look no more than this is held against a target: a machine that is too busy to look is too busy to return."""
CHANCE = 1e-9
"""A target is silent when a living one would return nothing with less than this chance."""
SURE_AT_MOST = 0.9
"""No past makes the next packet's return likelier than this: nine packets at least have to go unanswered."""
DOUBT = 10
"""Packets, or flows, that are added to those that were not answered: little experience counts for little."""
HALF_LIFE_NS = 60 * NS
"""After this time experience counts for half."""
TURNS = 3
"""So often at least another flow has to go unanswered: one that is dropped from its middle on is a firewall's decision."""
WITNESSES = 8
"""Looks, during the silence, at which peers had returned something: a machine that stands still as a whole is nobody's death."""
REFUSED_AFTER_NS = 30_000_000
"""How long a target whose host refuses GENEVE may go on returning nothing: a process that takes over needs a moment."""
PAUSES_REMEMBERED_NS = 600 * NS
PATIENCE = 1.25
"""A target that paused for longer than the window and came back gets this much of its longest pause…"""
PATIENCE_AT_MOST = 2.0
"""…but never more than this many windows."""
SEASONED = 600
"""Looks at which it had returned something: six seconds and more, in which a target that is given to pauses has shown one."""
NOVICE = 1.5
"""Windows that a target gets before that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Experience:
    """How much of what it should a target returned, the older the less."""

    awaited: float = 0.0
    returned: float = 0.0
    """Of the awaited packets."""
    flows: float = 0.0
    answered: float = 0.0

    def of_packets(self) -> float:
        """The chance that it returns an awaited packet."""
        return min(SURE_AT_MOST, self.returned / (self.awaited + DOUBT))

    def of_flows(self) -> float:
        """The chance that it returns something of a new flow."""
        return min(SURE_AT_MOST, self.answered / (self.flows + DOUBT))


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What is kept of one target from look to look."""

    began_ns: int
    looked_ns: int
    last: TargetCounters
    """At the last look."""
    spoke: TargetCounters
    """At the last look at which it had returned something since the one before."""
    spoke_ns: int
    owes_since_ns: int = 0
    """When it was given the first packet after its last return, give or take a look; 0: there is none."""
    silent_ns: int = 0
    """For how long since then it was seen to return nothing."""
    lost: float = 0.0
    """Awaited packets that were given before that look and seem not to have come back."""
    lost_turns: int = 0
    witnesses: int = 0
    """Looks since it owes something at which a peer had returned something."""
    experience: Experience = Experience()
    spoken: int = 0
    """Looks at which it had returned something."""
    pause_ns: int = 0
    """The longest one that it came back from."""
    pause_at_ns: int = 0
    refused_alive_ns: int = 0
    """When it last returned something after its host had refused GENEVE: such a host's refusals mean nothing. 0: never."""


def begin(counters: TargetCounters, *, now_ns: int, experience: Experience | None = None) -> Memory:
    """The first look. `experience` is that of an earlier life, for one that was condemned and is trusted again."""
    return Memory(
        began_ns=now_ns,
        looked_ns=now_ns,
        last=counters,
        spoke=counters,
        spoke_ns=now_ns,
        experience=experience or Experience(),
    )


def look(memory: Memory, counters: TargetCounters, *, now_ns: int, peers_returned: bool) -> Memory:
    """Takes in one more look. `now_ns` is of the clock of the counters; `peers_returned`: since the last look."""
    if counters.given < memory.last.given or counters.returned < memory.last.returned:
        return begin(counters, now_ns=now_ns)  # another target's slot
    if counters.returned > memory.last.returned:
        return _spoke(memory, counters, now_ns=now_ns)
    if memory.owes_since_ns:
        witnesses = memory.witnesses + peers_returned
        silent_ns = memory.silent_ns + min(now_ns - memory.looked_ns, ON_TIME_NS)
        return replace(memory, looked_ns=now_ns, last=counters, witnesses=witnesses, silent_ns=silent_ns)
    owes_since_ns = now_ns if counters.given > memory.last.given else 0
    return replace(memory, looked_ns=now_ns, last=counters, owes_since_ns=owes_since_ns, silent_ns=0)


def _spoke(memory: Memory, counters: TargetCounters, *, now_ns: int) -> Memory:
    last, spoke = memory.last, memory.spoke
    decay = 0.5 ** ((now_ns - memory.spoke_ns) / HALF_LIFE_NS)
    old = memory.experience
    experience = Experience(
        awaited=old.awaited * decay + counters.awaited - spoke.awaited,
        returned=old.returned * decay + _awaited_returns(spoke, counters),
        flows=old.flows * decay + counters.flows - spoke.flows,
        answered=old.answered * decay + counters.answered - spoke.answered,
    )
    # The last return may have been early in the time since the last look, and packets given after it were lost.
    chance = experience.of_packets()
    lost = max(0.0, (counters.awaited - last.awaited) * chance - _awaited_returns(last, counters))
    owes = counters.last_given_ns > counters.last_returned_ns or lost >= 1
    paused = memory.looked_ns - memory.owes_since_ns if memory.owes_since_ns else 0
    forgotten = now_ns - memory.pause_at_ns > PAUSES_REMEMBERED_NS
    longest = 0 if forgotten else memory.pause_ns
    refused_alive = counters.refused > spoke.refused and counters.last_returned_ns > counters.last_refused_ns
    return replace(
        memory,
        looked_ns=now_ns,
        last=counters,
        spoke=counters,
        spoke_ns=now_ns,
        owes_since_ns=counters.last_returned_ns if owes else 0,
        silent_ns=min(now_ns - counters.last_returned_ns, ON_TIME_NS),
        lost=lost,
        lost_turns=counters.turns - last.turns if lost >= 1 else 0,
        witnesses=0,
        experience=experience,
        spoken=memory.spoken + 1,
        pause_ns=max(longest, paused),
        pause_at_ns=now_ns if paused >= longest else memory.pause_at_ns,
        refused_alive_ns=now_ns if refused_alive else memory.refused_alive_ns,
    )


def _awaited_returns(earlier: TargetCounters, later: TargetCounters) -> int:
    """The first return of each flow answers a packet that nobody awaited."""
    return max(0, (later.returned - earlier.returned) - (later.answered - earlier.answered))


def sign(memory: Memory, *, window_ns: int) -> Sign | None:
    """What the last look says against the target: nothing, or that it is dead."""
    last, now_ns = memory.last, memory.looked_ns
    if not memory.owes_since_ns:
        return None
    silent_ns = now_ns - memory.owes_since_ns
    if _refused(memory, silent_ns=silent_ns):
        return Sign.REFUSED
    if left_ns(memory, window_ns=window_ns) > 0 or memory.witnesses < WITNESSES:
        return None
    flows = last.flows - memory.spoke.flows
    if last.turns - memory.spoke.turns + memory.lost_turns + flows < TURNS:
        return None
    awaited = last.awaited - memory.spoke.awaited + memory.lost
    unlikely = -awaited * math.log1p(-memory.experience.of_packets()) - flows * math.log1p(
        -memory.experience.of_flows()
    )
    return Sign.SILENT if unlikely >= -math.log(CHANCE) else None


def _refused(memory: Memory, *, silent_ns: int) -> bool:
    last = memory.last
    if silent_ns < REFUSED_AFTER_NS or last.last_refused_ns < max(last.last_returned_ns, memory.began_ns):
        return False
    lately_alive = memory.refused_alive_ns and memory.looked_ns - memory.refused_alive_ns < PAUSES_REMEMBERED_NS
    return not lately_alive and memory.experience.returned + memory.experience.answered >= 1


def patience_ns(memory: Memory, *, window_ns: int) -> int:
    """How long this target may be silent."""
    forgotten = memory.looked_ns - memory.pause_at_ns > PAUSES_REMEMBERED_NS
    known = 0 if forgotten else memory.pause_ns * PATIENCE
    least = window_ns if memory.spoken >= SEASONED else window_ns * NOVICE
    return int(max(least, min(known, window_ns * PATIENCE_AT_MOST)))


def left_ns(memory: Memory, *, window_ns: int) -> int:
    """For how much longer a target that owes packets may return none; of time on a busy machine, two windows at most."""
    patience = patience_ns(memory, window_ns=window_ns)
    anyway = max(patience, int(window_ns * PATIENCE_AT_MOST))
    return min(patience - memory.silent_ns, anyway - (memory.looked_ns - memory.owes_since_ns))


def due_ns(memory: Memory, *, window_ns: int) -> int | None:
    """When it will have done so for too long; None while it owes nothing."""
    return memory.looked_ns + left_ns(memory, window_ns=window_ns) if memory.owes_since_ns else None


def of_the_condemned(memory: Memory | None) -> Experience:
    """What a target is measured by that was condemned and is trusted again: what it did before, or what most do."""
    known = memory.experience if memory is not None else Experience()
    if known.returned + known.answered >= DOUBT:
        return known
    return Experience(awaited=100, returned=100, flows=100, answered=100)


DESCRIPTIONS = {
    Sign.SILENT: "Passive health check: the target takes packets and returns none, while its peers return theirs",
    Sign.REFUSED: "Passive health check: the target's host answers that nobody takes GENEVE on UDP port 6081",
    Sign.LINK_DOWN: "Passive health check: the link of the target's network interface is down",
    Sign.ENDED: "Passive health check: the instance's first process ended",
}
CERTAIN = frozenset({Sign.LINK_DOWN, Sign.ENDED})
"""Signs that need no one to take over: what they say is so, whoever is left."""
