"""What is told of each target: in `/metrics`, `gwlb status` and the events."""

from __future__ import annotations

from collections.abc import Collection

from opengwlb.model.elb import Slot, Target, TargetState
from opengwlb.model.passive import Sign, TargetCounters
from opengwlb.model.snapshot import Snapshot
from opengwlb.observe import events, targets
from opengwlb.observe.overview import overview
from opengwlb.observe.visibility import Viewer
from opengwlb.policy import slots
from opengwlb.store.protocol import Change

GROUP = "arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:targetgroup/tg/0123456789abcdef01"
TARGET = Target(
    id=f"{GROUP}|i-1",
    target_group=GROUP,
    target="i-1",
    registered=1.0,
    state=TargetState.UNHEALTHY,
    reason="Target.FailedHealthChecks",
    description="Passive health check: it is silent",
    condemned_at=4.0,
    condemned=2,
)
COUNTERS = TargetCounters(given=10, returned=4, flows=3, answered=2, refused=1)


def snapshot() -> Snapshot:
    slot = Slot(id=slots.target_key(TARGET.id, "10.9.0.5"), number=3, generation=7)
    node = Slot(id=slots.node_key("lb", "a"), number=3, generation=7)
    return Snapshot(7, {Slot: {one.id: one for one in (slot, node)}, Target: {TARGET.id: TARGET}})


def read(wanted: Collection[int]) -> dict[int, TargetCounters]:
    assert set(wanted) == {3}
    return {3: COUNTERS}


def test_a_target_that_takes_packets_and_returns_none_can_be_told_from_the_metrics() -> None:
    found = {
        sample.name: (sample.labels, sample.value)
        for family in targets.families(snapshot(), read, {(GROUP, "i-1", Sign.SILENT): 2})
        for sample in family.samples
    }
    labels = {"target_group": GROUP, "target": "i-1", "address": "10.9.0.5"}
    assert found["gwlb_target_given_packets_total"] == (labels, 10)
    assert found["gwlb_target_returned_packets_total"] == (labels, 4)
    assert found["gwlb_target_flows_total"] == (labels, 3)
    assert found["gwlb_target_answered_flows_total"] == (labels, 2)
    assert found["gwlb_target_refusals_total"] == (labels, 1)
    judged = {"target_group": GROUP, "target": "i-1", "sign": "silent"}
    assert found["gwlb_target_condemnations_total"] == (judged, 2)


def test_the_status_tells_what_a_target_was_given_and_returned_and_how_often_it_was_condemned() -> None:
    answer = overview(snapshot(), errors={}, name="x", counted=targets.counted(snapshot(), read))
    (row,) = answer["targets"]
    assert answer["warnings"] == ["i-1 is unhealthy. Passive health check: it is silent."]
    assert (row["given"], row["returned"], row["condemned"]) == (10, 4, 2)
    assert row["description"] == TARGET.description


def test_without_a_data_plane_the_status_leaves_packets_open() -> None:
    (row,) = overview(snapshot(), errors={}, name="x")["targets"]
    assert (row["given"], row["returned"]) == (None, None)


def test_events_of_a_targets_health_say_why() -> None:
    change = Change(revision=7, at=5.0, kind=Target, id=TARGET.id, object=TARGET)
    (row,) = events.rows(events.told([change], {}), viewer=Viewer("123456789012", False), limit=10)
    assert (row["state"], row["reason"], row["description"]) == ("unhealthy", TARGET.reason, TARGET.description)
