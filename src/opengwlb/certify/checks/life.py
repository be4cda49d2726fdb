"""Coming and going: drain, registration, restart."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace

from .. import packets
from ..conversation import Conversation
from ..judgement import Failed, NotApplicable, NotReturned, every_return, the_return
from ..lab import Lab
from ..packets import ACK, PSH
from ..registry import Level, check
from ..shots import Shot
from .flows import again


@check(
    Level.REQUIRED,
    "Draining flows pass to their end",
    why="a deregistered target gets no new flows, but those it has until they end",
    transparent=False,
)
def drain(lab: Lab) -> str:
    talks = [lab.fresh() for _ in range(4)]
    for _ in range(4):
        shots = [talk.data(back=back) for talk in talks for back in (False, True)]
        every_return(shots, lab.exchange(shots))
        time.sleep(lab.sizes.quiet_s / 4)
    if talks[0].protocol == packets.TCP:
        ends = [talk.tcp(packets.FIN | ACK, back=back) for talk in talks for back in (False, True)]
        every_return(ends, lab.exchange(ends), what="FINs")
    return f"4 flows, {lab.sizes.quiet_s:g} s without new ones, closed in order"


@check(
    Level.REQUIRED,
    "After a new registration the same clients pass",
    why="the load balancer has forgotten the flows: the same addresses come with new cookies, from the beginning",
    transparent=False,
)
def registered_again(lab: Lab) -> str:
    talks = [lab.fresh() for _ in range(4)]
    shots = [talk.data() for talk in talks]
    every_return(shots, lab.exchange(shots))
    time.sleep(lab.sizes.quiet_s / 2)  # out of service: nothing comes, neither packets nor probes
    renewed = [lab.opened(again(lab, talk)) for talk in talks]
    shots = [talk.data(back=back) for talk in renewed for back in (False, True)]
    every_return(shots, lab.exchange(shots))
    return "4 tuples, each with a new cookie"


@check(
    Level.REQUIRED,
    "It is healthy no sooner than it works",
    why="the first healthy answer brings the first flows: what comes before the loop is lost",
    transparent=False,
)
def ready_before_healthy(lab: Lab) -> str:
    lab.appliance.restart()
    after = lab.until_health(True, seconds=lab.profile.start_s)
    shot = lab.first()
    if not lab.exchange([shot], wait_s=1.0)[0]:
        raise NotReturned(f"well {after:.1f} s after its start, but the first packet did not come back")
    return f"well {after:.1f} s after its start, and the first packet came back"


@check(
    Level.REQUIRED,
    "A restart under traffic ends with traffic",
    why="upgrades and crashes happen while packets come",
    transparent=False,
)
def restart_under_traffic(lab: Lab) -> str:
    talk = lab.fresh()
    shots = [talk.data() for _ in range(16)]
    every_return(shots, lab.exchange(shots))
    began = time.monotonic()
    lab.appliance.restart()
    lab.until_returned(lab.first, seconds=lab.profile.start_s)
    gap = time.monotonic() - began
    lab.until_health(True, seconds=lab.profile.start_s)
    lab.alive()
    return f"packets came back {gap:.1f} s after the order to restart"


@check(
    Level.REQUIRED,
    "Every endpoint passes after a restart",
    why="what was set up for each customer is set up again, in whatever order they come this time",
    transparent=False,
)
def endpoints_after_restart(lab: Lab) -> str:
    def first_of(endpoint: int) -> Shot:
        talk = lab.conversation()
        talk = Conversation(replace(talk.flow, endpoint=endpoint), protocol=talk.protocol, dice=lab.dice)
        return talk.tcp(packets.SYN) if talk.protocol == packets.TCP else talk.data()

    # One by one: the order is what this is about.
    for endpoint in lab.endpoints:
        the_return(shot := first_of(endpoint), lab.exchange([shot])[0])
    lab.appliance.restart()
    lab.until_health(True, seconds=lab.profile.start_s)
    for at, endpoint in enumerate(reversed(lab.endpoints), start=1):
        if not lab.exchange([first_of(endpoint)])[0]:
            raise NotReturned(
                f"after the restart, in another order, endpoint {at} of {len(lab.endpoints)} no longer passed"
            )
    return f"{len(lab.endpoints)} endpoints, in the opposite order"


@check(
    Level.INFORMATIONAL,
    "Flows go on after a restart",
    why="a flow stays with its target while that is healthy again soon; a stateful firewall may have forgotten it",
    traffic="midstream",
    transparent=False,
)
def flows_after_restart(lab: Lab) -> str:
    talk = lab.fresh()
    lab.appliance.restart()
    lab.until_health(True, seconds=lab.profile.start_s)
    shot = talk.data() if talk.protocol == packets.UDP else talk.tcp(PSH | ACK, size=40)
    if not lab.exchange([shot])[0]:
        raise NotReturned("the flow from before the restart no longer passes")
    return "the flow from before the restart passes"


@check(
    Level.RECOMMENDED,
    "A loop that dies is noticed",
    why="a killed process must show in the health check, or be back at once",
    transparent=False,
)
def killed_loop(lab: Lab) -> str:
    loops = lab.processes.loops(health_port=lab.profile.health_port)
    if not lab.appliance.restarts:
        raise NotApplicable("nobody said how it is restarted afterwards: [target] restart in a profile does")
    for pid in loops:
        os.kill(pid, signal.SIGKILL)
    try:
        deadline = time.monotonic() + 10.0
        while True:
            if not lab.health().well:
                said = "the health check says so"
                break
            if lab.exchange([lab.first()], wait_s=0.3)[0]:
                said = "it is back and returns packets"
                break
            if time.monotonic() > deadline:
                raise Failed(
                    f"10 s after {', '.join(loops.values())} was killed nothing comes back and the health check is well"
                )
    finally:
        lab.appliance.restart()
        lab.until_health(True, seconds=lab.profile.start_s)
    return f"SIGKILL to {', '.join(loops.values())}: {said}"
