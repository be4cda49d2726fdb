"""The rules that endpoint, target and inspector keep, in plain Python: the judge of what the programs do with a frame.

Written from the design page, the facts about AWS (wire format, flow handling) and the verdicts' own sentences; never from the programs.
Each rule is one function. Which of several broken rules names the verdict is the order in which `endpoint`, `target` and `inspector`
ask them.

What no rule fixes is learned from the first packet of a flow and then held against every other: its target (one of those listed), its
cookie (never another live flow's), its UDP source port (of the dynamic range).

Not modelled: time (flows live until `expire` says that one was not seen for too long), a full flow table, the limit of new flows a
second, and the answers of `opengwlb.pmtud.enabled`, which no node here has.
"""

from __future__ import annotations

from .inspector import InspectorRules
from .returns import ReturnRules


class Model(InspectorRules, ReturnRules):
    """The load balancer's state and all its rules. The VPC router's are in `router.py`, the internet gateway's in `gateway.py`."""
