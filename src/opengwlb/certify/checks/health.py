"""The health check: what the load balancer believes."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from .. import health
from ..judgement import Failed
from ..lab import Lab
from ..registry import Level, check


@check(
    Level.REQUIRED,
    "The health check is answered",
    why="a target that is not healthy gets no flows",
    transparent=False,
    returns=False,
)
def health_answers(lab: Lab) -> str:
    answer = lab.health()
    if not answer.well:
        raise Failed(f"{lab.profile.health_protocol} on port {lab.profile.health_port}: {answer.what}")
    return f"status {answer.status} in {answer.seconds * 1000:.0f} ms" if answer.status else "connected"


@check(
    Level.REQUIRED,
    "The health check is answered from every node",
    why="each zone's node asks for itself",
    transparent=False,
    returns=False,
)
def health_from_every_node(lab: Lab) -> str:
    for node, address in enumerate(lab.place.nodes):
        answer = lab.health(node=node)
        if not answer.well:
            raise Failed(f"asked by {address}: {answer.what}")
    return f"{len(lab.place.nodes)} nodes"


@check(
    Level.REQUIRED,
    "A probe that hangs up at once does no harm",
    why="a TCP health check connects and closes",
    transparent=False,
    returns=False,
)
def health_hang_up(lab: Lab) -> str:
    for _ in range(20):
        try:
            health.connect(lab.place.namespaces[0], lab.appliance.address, lab.profile.health_port).close()
        except OSError as problem:
            raise Failed(f"port {lab.profile.health_port}: {problem}") from problem
    lab.alive()
    return "20 connections without a word"


@check(
    Level.RECOMMENDED,
    "Slow askers do not keep others waiting",
    why="a dozen half-open connections must not make a target look dead",
    transparent=False,
    returns=False,
)
def health_slow_askers(lab: Lab) -> str:
    held = []
    try:
        for _ in range(12):
            held.append(health.connect(lab.place.namespaces[0], lab.appliance.address, lab.profile.health_port))
        answer = lab.health()
    except OSError as problem:
        raise Failed(f"port {lab.profile.health_port}: {problem}") from problem
    finally:
        for each in held:
            each.close()
    if not answer.well:
        raise Failed(f"behind 12 idle connections: {answer.what}")
    return f"{answer.seconds * 1000:.0f} ms behind 12 idle connections"


@check(
    Level.REQUIRED,
    "The health check is answered under load",
    why="a target that is busy and looks dead hands its load to the next, which then looks dead",
    transparent=False,
)
def health_under_load(lab: Lab) -> str:
    talk = lab.fresh()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(lambda: [lab.health() for _ in range(5)])
        rounds = 0
        while not asked.done():
            lab.exchange([talk.data(size=1000) for _ in range(32)], wait_s=0.5)
            lab.sent.clear()
            rounds += 1
        answers = asked.result()
    bad = [answer.what for answer in answers if not answer.well]
    if bad:
        raise Failed(f"{len(bad)} of 5 probes failed: {bad[0]}")
    return f"5 of 5 probes during {rounds * 32} packets, the slowest {max(a.seconds for a in answers) * 1000:.0f} ms"


@check(
    Level.REQUIRED,
    "The health check tells the truth about a loop that is stuck",
    why="a page that knows nothing of the loop keeps a dead firewall in service: the first cause of silent loss",
    transparent=False,
)
def health_truthful(lab: Lab) -> str:
    lab.alive()
    loops = lab.processes.loops(health_port=lab.profile.health_port)
    with lab.processes.stopped(loops):
        if lab.exchange([lab.first()], wait_s=0.3)[0]:
            raise Failed(f"packets came back although {', '.join(loops.values())} was stopped: what returns them?")
        down = lab.until_health(False, seconds=lab.sizes.truth_s)
    up = lab.until_health(True, seconds=lab.sizes.truth_s)
    lab.alive()
    return f"SIGSTOP to {', '.join(loops.values())}: unwell after {down:.1f} s, well {up:.1f} s after SIGCONT"


@check(
    Level.RECOMMENDED,
    "Silence is not taken for illness",
    why="at night nothing comes, and nothing is wrong",
    transparent=False,
    returns=False,
)
def health_in_silence(lab: Lab) -> str:
    end = time.monotonic() + 2 * lab.sizes.quiet_s
    asked = 0
    while time.monotonic() < end:
        answer = lab.health()
        asked += 1
        if not answer.well:
            raise Failed(f"without traffic: {answer.what}")
        time.sleep(lab.sizes.quiet_s / 5)
    return f"{asked} of {asked} probes during {2 * lab.sizes.quiet_s:g} s without packets"
