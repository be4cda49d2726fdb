"""Targets' health where nothing can probe them: `--data-plane none`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from opengwlb.model.elb import Target, TargetGroup
from opengwlb.model.mode import Mode
from opengwlb.model.snapshot import Snapshot
from opengwlb.policy import balancing
from opengwlb.policy.health import HEALTHY, NOT_CHECKED
from opengwlb.policy.status import Writes
from opengwlb.store.protocol import Store

from .writes import write_back

LOOK_S = 1.0


class AssumedHealth:
    """Without a probe a target is `unavailable`; for test suites it is `healthy` once its checks could have succeeded often enough."""

    def __init__(self, *, store: Store, mode: Mode, clock: Callable[[], float]) -> None:
        self._store = store
        self._mode = mode
        self._clock = clock
        self._in_use_since: dict[str, float] = {}

    def reconcile(self) -> float:
        now = self._clock()
        used = {target.id for target in self._store.snapshot().values(Target) if _is_checked(self._store, target)}
        self._in_use_since = {target: self._in_use_since.get(target, now) for target in used}
        write_back(self._store, lambda snapshot: self._health(snapshot, now=now))
        return LOOK_S

    def _health(self, snapshot: Snapshot, *, now: float) -> Writes:
        writes = Writes()
        for target_id, since in self._in_use_since.items():
            target = snapshot.get(Target, target_id)
            group = snapshot.get(TargetGroup, target.target_group) if target is not None else None
            if target is None or group is None or target.deregistered is not None:
                continue
            health = NOT_CHECKED
            if self._mode is Mode.SUITES:
                if now - since < group.health_check.interval_s * group.health_check.healthy_threshold:
                    continue
                health = HEALTHY
            known = replace(target, state=health.state, reason=health.reason, description=health.description)
            if known != target:
                writes.put.append(known)
        return writes


def _is_checked(store: Store, target: Target) -> bool:
    return target.deregistered is None and balancing.unused(store.snapshot(), target) is None
