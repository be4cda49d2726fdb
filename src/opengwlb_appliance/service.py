"""An appliance as a set of processes: one supervisor, its packet loops, and the health responder beside them."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable

from . import health, loop
from .heartbeat import Heartbeats
from .managed import Managed


def serve(inspect: loop.Inspect, *, workers: int = 1, health_port: int = 80) -> None:
    """Run the appliance until SIGTERM or SIGINT.

    Each of the `workers` packet loops is a forked process with its own copy of `inspect`. A flow always meets the same
    one, in both directions, because the load balancer gives a flow one outer source port. They are called `gwlb-loop`
    in `ps`, the health responder `gwlb-health`. A loop that dies is reported on stderr and not replaced: the health
    page then says 503.

    Raises OSError when UDP 6081 cannot be opened.
    """
    _serve(inspect, workers=workers, health_port=health_port)


def serve_managed(policy: Managed, *, workers: int = 1, health_port: int = 80) -> None:
    """The same with the policy of a manager, in whose place comes every newer one; see `managed.py`."""
    _serve(_drop_all, workers=workers, health_port=health_port, policy=policy)


def _drop_all(_packet: loop.Packet) -> loop.Verdict:
    return loop.Verdict.DROP


def _serve(inspect: loop.Inspect, *, workers: int, health_port: int, policy: Managed | None = None) -> None:
    heartbeats = Heartbeats(workers)
    # All sockets are open before the first loop starts: a port added later would move flows between loops.
    sockets = [loop.open_sockets() for _ in range(workers)]
    trouble = policy.trouble if policy is not None else lambda: ""
    ours = [each for pair in sockets for each in pair]
    children = {health.in_background(heartbeats, port=health_port, also=trouble, unneeded=ours): "health responder"}
    if policy is not None:
        children[policy.in_background(unneeded=ours)] = "policy follower"
    for slot in range(workers):
        child = _start_loop(inspect, heartbeats=heartbeats, slot=slot, sockets=sockets, policy=policy)
        children[child] = f"packet loop {slot}"
    for each in ours:
        each.close()
    _supervise(children)


def _renewals(policy: Managed | None) -> Callable[[], loop.Inspect | None]:
    """What a packet loop asks for a newer policy."""
    known = 0

    def renewed() -> loop.Inspect | None:
        nonlocal known
        if policy is None or policy.generation == known:
            return None
        known = policy.generation
        return policy.inspect()

    return renewed


def _start_loop(
    inspect: loop.Inspect, *, heartbeats: Heartbeats, slot: int, sockets: list[loop.Sockets], policy: Managed | None
) -> int:
    parent = os.getpid()
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        health.name_process("gwlb-loop")
        for other, pair in enumerate(sockets):
            if other != slot:
                for each in pair:
                    each.close()
        loop.run(
            inspect,
            heartbeats=heartbeats,
            slot=slot,
            sockets=sockets[slot],
            keep_running=lambda: os.getppid() == parent,
            renewed=_renewals(policy),
        )
        status = 0
    except KeyboardInterrupt:
        status = 0
    except BaseException:  # noqa: BLE001 - the child's last words; it exits right below, whatever it was
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _supervise(children: dict[int, str]) -> None:
    """Report children that end; return once all have, which they do when told to by a signal."""
    stopping = False

    def stop(_signal: int, _frame: object) -> None:
        nonlocal stopping
        stopping = True
        for pid in children:
            os.kill(pid, signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    while children:
        pid, status = os.wait()
        name = children.pop(pid, None)
        if name and not stopping:
            code = os.waitstatus_to_exitcode(status)
            how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
            print(f"{name} {how}", file=sys.stderr, flush=True)
