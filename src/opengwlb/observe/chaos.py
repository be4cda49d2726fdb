"""`/_gwlb/v1/chaos`: who may make which target misbehave, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from types import MappingProxyType
from typing import Annotated, Any

import msgspec

from opengwlb.dataplane.chaos import Counts
from opengwlb.model.chaos import HOLDS, WHOLE, Chaos, Kind
from opengwlb.model.elb import Target
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.topology import PortRef
from opengwlb.model.vpc import NetworkInterface
from opengwlb.policy import balancing, names
from opengwlb.store.protocol import Store, Transaction
from opengwlb.wire.errors import AwsError

from .visibility import Viewer

STOP = "stop"
SHARE: Mapping[Kind, float] = MappingProxyType({Kind.SLOW: 1.0})
OTHER_SHARE = 0.3
DELAY_MS: Mapping[Kind, int] = MappingProxyType({Kind.SLOW: 200, Kind.REORDER: 10})
"""Unless asked for otherwise."""
BEGIN_WITHIN_S = 5.0


class ChaosAsked(msgspec.Struct, forbid_unknown_fields=True):
    """Without `target`: a list. `kind` is one of `Kind`, or `stop`; `target` is as registered, or its `eni-…` or address. Kinds that take
    all have no `share`, and only those that hold packets back a `delay_ms`."""

    target: str | None = None
    kind: str | None = None
    seed: Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)] = 0
    share: Annotated[float, msgspec.Meta(gt=0, le=1)] | None = None
    delay_ms: Annotated[int, msgspec.Meta(ge=1, le=60_000)] | None = None
    for_s: Annotated[float, msgspec.Meta(gt=0, le=86400)] = 60.0


def rows(
    snapshot: Snapshot,
    *,
    counts: Mapping[int, Counts],
    ifindex: Mapping[PortRef, int],
    viewer: Viewer,
    now_s: float,
) -> list[dict[str, Any]]:
    """`left_s` is 0 for what ended; counts of what runs are the kernel's."""
    found = []
    for one in snapshot.values(Chaos):
        if not viewer.sees(frozenset({one.account})):
            continue
        interface = snapshot.get(NetworkInterface, one.id)
        number = ifindex.get(names.router_port(interface.vpc, one.id)) if interface else None
        live = counts.get(number) if number is not None and one.state == "running" else None
        row = asdict(one) | {"left_s": round(max(0.0, one.until - now_s), 1) if one.state != "ended" else 0.0}
        found.append(row | ({"met": live.met, "done": live.done} if live else {}))
    return found


def ask(store: Store, want: ChaosAsked, *, viewer: Viewer, now_s: float) -> None:
    """Begins or ends chaos; returns when the kernel has it. Raises AwsError."""
    if want.target is None or want.kind is None:
        raise AwsError("ValidationError", "Name a target and a kind.")
    kind = _kind(want.kind)
    share, delay_ms = _share(kind, want), _delay_ms(kind, want)
    interface, target = _target(store.snapshot(), want.target, viewer=viewer)

    def work(tx: Transaction) -> None:
        if kind is not None:
            tx.put(
                Chaos(
                    id=interface.id,
                    account=interface.account,
                    target=target,
                    kind=kind,
                    seed=want.seed,
                    share=share,
                    delay_ms=delay_ms,
                    started=now_s,
                    until=now_s + want.for_s,
                )
            )
            return
        running = tx.get(Chaos, interface.id)
        if running is None or running.state == "ended":
            raise AwsError("NoChaos", f"There is no chaos on {target}.", status=404)
        tx.put(replace(running, until=now_s))

    store.transact(work)
    _await(store, interface.id, state="running" if kind is not None else "ended")


def _kind(word: str) -> Kind | None:
    """None: stop."""
    if word == STOP:
        return None
    try:
        return Kind(word)
    except ValueError as error:
        raise AwsError("ValidationError", f"kind: one of {', '.join(Kind)}, or {STOP}.") from error


def _share(kind: Kind | None, want: ChaosAsked) -> float:
    if want.share is not None and (kind is None or kind in WHOLE):
        raise AwsError("ValidationError", f"{want.kind} concerns all packets: it has no share.")
    if kind is None or kind in WHOLE:
        return 1.0
    return want.share or SHARE.get(kind, OTHER_SHARE)


def _delay_ms(kind: Kind | None, want: ChaosAsked) -> int:
    if want.delay_ms is not None and kind not in HOLDS:
        raise AwsError(
            "ValidationError", f"{want.kind} holds no packets back: a delay is for {', '.join(sorted(HOLDS))}."
        )
    return want.delay_ms or (DELAY_MS.get(kind, 0) if kind else 0)


def _target(snapshot: Snapshot, word: str, *, viewer: Viewer) -> tuple[NetworkInterface, str]:
    """What is not the caller's is not there."""
    found: dict[str, tuple[NetworkInterface, str]] = {}
    for target in snapshot.values(Target):
        placed = balancing.place(snapshot, target)
        if placed is None or placed.interface is None or not viewer.sees(frozenset({placed.interface.account})):
            continue
        if word in (target.target, placed.interface.id, placed.address):
            found[placed.interface.id] = (placed.interface, target.target)
    if not found:
        raise AwsError("TargetNotFound", f"{word} is no registered target with a network interface.", status=404)
    if len(found) > 1:
        raise AwsError("ValidationError", f"{word} is the address of {', '.join(found)}: name one of those.")
    return next(iter(found.values()))


def _await(store: Store, interface: str, *, state: str) -> None:
    """The reconciler is woken by the write."""
    deadline = BEGIN_WITHIN_S
    while deadline > 0:
        snapshot = store.snapshot()
        chaos = snapshot.get(Chaos, interface)
        if chaos is None or chaos.state in (state, "ended"):
            return
        store.wait(snapshot.revision, 0.5)
        deadline -= 0.5
    raise AwsError(
        "ResourceNotReady",
        f"The chaos on {interface} waits for its port, or for what `gwlb status` says went wrong.",
        status=409,
    )
