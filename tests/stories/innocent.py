"""An appliance that is odd, but not dead: run as a script in a box, `KIND SEED`.

`honest` returns all it gets; `drops` returns every tenth packet, by chance; `silent` none, as a translator with two arms does, whose
packets leave by another way; `pauses` returns all, but stands still for 200 ms every five seconds.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable

from opengwlb_appliance.loop import Inspect, Packet, Verdict
from opengwlb_appliance.service import serve

RETURNED = 0.1
PAUSE_S, EVERY_S = 0.2, 5.0


def honest(seed: int) -> Inspect:
    return lambda packet: Verdict.RETURN


def drops(seed: int) -> Inspect:
    chance = random.Random(seed)
    return lambda packet: Verdict.RETURN if chance.random() < RETURNED else Verdict.DROP


def silent(seed: int) -> Inspect:
    return lambda packet: Verdict.DROP


def pauses(seed: int) -> Inspect:
    due = time.monotonic() + random.Random(seed).uniform(0, EVERY_S)

    def inspect(packet: Packet) -> Verdict:
        nonlocal due
        if time.monotonic() >= due:
            time.sleep(PAUSE_S)
            due += EVERY_S
        return Verdict.RETURN

    return inspect


KINDS: dict[str, Callable[[int], Inspect]] = {"honest": honest, "drops": drops, "silent": silent, "pauses": pauses}

if __name__ == "__main__":
    serve(KINDS[sys.argv[1]](int(sys.argv[2])))
