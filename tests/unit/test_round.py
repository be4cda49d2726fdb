"""The round over what stands: what was given up is looked at later, not forgotten."""

from __future__ import annotations

from opengwlb.control.round import Round
from opengwlb.model.plane import Plane, TargetEntry
from opengwlb.model.topology import Box, BoxKind
from opengwlb.policy.standing import Standing

PLANE = Plane(targets={1: TargetEntry(slot=1, generation=1, address="10.0.0.1")})


class Stands(Standing):
    """Boxes without links, and one target."""

    def __init__(self, *boxes: str) -> None:
        super().__init__()
        self.boxes = {box: Box(id=box, kind=BoxKind.VPC) for box in boxes}

    def plane(self) -> Plane:
        return PLANE


def test_what_was_given_up_is_looked_at_again() -> None:
    standing, round_ = Stands("vpc-1", "vpc-2"), Round()
    round_.begin(standing.boxes, PLANE)
    boxes, entries = round_.next(standing)
    assert (boxes, entries) == ({"vpc-1", "vpc-2"}, PLANE)
    assert round_.over
    round_.again(boxes, entries)
    assert not round_.over
    assert round_.next(standing) == (boxes, entries)
    assert round_.over
