"""The metrics of AWS/GatewayELB (facts 5.11), by AWS's names and dimensions.

The kernel counts by port and by node; ports and nodes come and go, while AWS's numbers belong to a load balancer's zone and only grow.
`Books` keeps them: it takes readings, which hold what the kernel says at a moment, and adds what came since the one before.
"""

from __future__ import annotations

from collections import Counter as Tally
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from opengwlb.dataplane.counting import Counter
from opengwlb.dataplane.node_counters import NodeCounters
from opengwlb.dataplane.verdicts import Verdict
from opengwlb.model.elb import LoadBalancer, Slot, TargetState
from opengwlb.model.flows import FlowKind
from opengwlb.model.ids import device_name, endpoint_id
from opengwlb.model.privatelink import VpcEndpoint
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.topology import PortRef
from opengwlb.policy import balancing, names, slots

SAMPLE_S = 10.0
"""Peaks are averages over this long, as AWS says."""
WINDOW = 6
"""Samples that a peak and an LCU look back on: AWS reports once a minute."""
LCU_NEW_FLOWS_PER_S, LCU_ACTIVE_FLOWS, LCU_BYTES_PER_H = 600.0, 60_000.0, 1e9
"""What one LCU covers, of each (facts 7): the largest of the three counts."""


@dataclass(frozen=True, slots=True)
class Node:
    """One zone of one load balancer, as the dimensions LoadBalancer and AvailabilityZone name it."""

    load_balancer: str
    """The ARN's tail, `gwy/NAME/16hex`."""
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """A metric of which only what came in a period counts."""

    name: str
    help: str
    verdicts: tuple[str, ...]
    bytes: bool = False
    """Of packets otherwise."""


CARRIED = ("encapsulated", "decapsulated", "decapsulated_changed")
SUMS = (
    Sum(
        name="ProcessedBytes",
        help="Bytes to and from targets, as they came in: from endpoints without, from targets with their GENEVE header.",
        verdicts=CARRIED,
        bytes=True,
    ),
    Sum(
        name="ProcessedPackets",
        help="Packets to and from targets, with what targets answer to health checks.",
        verdicts=(*CARRIED, "not_geneve"),
    ),
    Sum(
        name="PacketsDroppedCount_InvalidGeneveTunnel",
        help="Returns whose outer addresses, lengths or GENEVE header are wrong, or that come from a stranger.",
        verdicts=(
            "return_bad_outer",
            "return_fragment",
            "return_wrong_node",
            "return_unknown_target",
            "return_bad_geneve",
            "return_bad_inner",
        ),
    ),
    Sum(
        name="PacketsDroppedCount_InvalidGwlbEndpointId",
        help="Returns whose endpoint id option is missing or names no endpoint of the load balancer.",
        verdicts=("return_unknown_endpoint",),
    ),
    Sum(
        name="PacketsDroppedCount_InvalidGwlbFlowCookie",
        help="Returns whose flow cookie is missing, or is that of another endpoint's or another target's flow.",
        verdicts=("return_bad_cookie", "return_wrong_target"),
    ),
    Sum(
        name="PacketsDroppedCount_MissingFlowEntry",
        help="Returns whose flow is not known: it expired or never existed.",
        verdicts=("return_no_flow",),
    ),
    Sum(
        name="TCP_GWLB_Reset_Count",
        help="TCP resets that the load balancer sent.",
        verdicts=("tcp_reset_unknown", "tcp_reset_unhealthy", "tcp_reset_deregistered"),
    ),
)


OF_FLOWS = ("NewFlowCount", "RejectedFlowCount", "RejectedFlowCount_TCP")
"""Sums that the node itself counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the kernel says at one moment."""

    nodes: frozenset[Node]
    """Those that exist."""
    counted: Mapping[tuple[Node, int, str], tuple[int, int]]
    """(node, port's ifindex, verdict's name) -> packets and bytes since the port was made."""
    flows: Mapping[tuple[Node, int], NodeCounters] = field(default_factory=dict)
    """(node, generation of its slot) -> its own counters."""
    active: Mapping[Node, int] = field(default_factory=dict)
    """Live flows."""


class Books:
    """Sums, peaks and LCUs. Not for several threads at once."""

    def __init__(self) -> None:
        self._sums: Tally[tuple[str, Node]] = Tally()
        self._last: dict[object, tuple[int, ...]] = {}
        self._nodes: frozenset[Node] = frozenset()
        self._samples: deque[tuple[float, Tally[tuple[str, Node]], Mapping[Node, int]]] = deque(maxlen=WINDOW + 1)

    def add(self, reading: Reading) -> None:
        """Takes what came since the last reading. A port or node that is new came with all it has."""
        for (node, port, verdict), count in reading.counted.items():
            packets, size = self._since((port, verdict), count)
            for metric in SUMS:
                if verdict in metric.verdicts:
                    self._sums[metric.name, node] += size if metric.bytes else packets
        for (node, generation), flows in reading.flows.items():
            counts = (flows.new_flows, flows.rejected_flows, flows.rejected_tcp_flows)
            new = self._since((node, generation), counts)
            for name, more in zip(OF_FLOWS, new, strict=True):
                self._sums[name, node] += more
        self._nodes = reading.nodes

    def _since(self, key: object, now: tuple[int, ...]) -> tuple[int, ...]:
        before = self._last.get(key, (0,) * len(now))
        self._last[key] = now  # and kept: a port that is missing in one reading is back in the next
        # Less than before: the kernel began anew under the same name.
        return tuple(new - old if new >= old else new for new, old in zip(now, before, strict=True))

    def sample(self, reading: Reading, *, now: float) -> None:
        """As `add`, and remembered for peaks and LCUs. To be called every `SAMPLE_S`; `now` is any clock's seconds."""
        self.add(reading)
        self._samples.append((now, self._sums.copy(), reading.active))

    def sums(self, name: str) -> Iterator[tuple[Node, int]]:
        """Of every node that exists, also of those that have counted nothing."""
        for node in sorted(self._nodes, key=lambda one: (one.load_balancer, one.zone)):
            yield node, self._sums[name, node]

    def totals(self) -> dict[tuple[str, Node], int]:
        """Every sum of every node that exists, by name and node."""
        metrics = [*(metric.name for metric in SUMS), *OF_FLOWS]
        return {(name, node): self._sums[name, node] for name in metrics for node in self._nodes}

    def peak(self, name: str, node: Node) -> float:
        """The highest average over `SAMPLE_S`, a second, in the last minute."""
        return max(self._rates(name, node), default=0.0)

    def _rates(self, name: str, node: Node) -> Iterator[float]:
        samples = list(self._samples)
        for (earlier, before, _), (later, after, _) in pairwise(samples):
            yield (after[name, node] - before[name, node]) / (later - earlier)

    def lcus(self, load_balancer: str) -> float:
        """By the published formula over the last minute: the largest of three shares."""
        if len(self._samples) < 2:
            return 0.0
        (earlier, before, _), (later, after, _) = self._samples[0], self._samples[-1]
        nodes = {node for _, node in after if node.load_balancer == load_balancer}

        def a_second(name: str) -> float:
            return sum(after[name, node] - before[name, node] for node in nodes) / (later - earlier)

        active = [
            sum(count for node, count in live.items() if node.load_balancer == load_balancer)
            for _, _, live in self._samples
        ]
        return max(
            a_second("NewFlowCount") / LCU_NEW_FLOWS_PER_S,
            sum(active) / len(active) / LCU_ACTIVE_FLOWS,
            a_second("ProcessedBytes") * 3600 / LCU_BYTES_PER_H,
        )


def dimension(arn: str) -> str:
    """What CloudWatch calls a load balancer or target group: `gwy/NAME/16hex`, `targetgroup/NAME/18hex`."""
    tail = arn.split(":", 5)[-1]
    return tail.removeprefix("loadbalancer/")


def reading(
    snapshot: Snapshot,
    *,
    counters: Iterable[Counter],
    verdicts: Mapping[int, Verdict],
    ifindex: Mapping[PortRef, int],
    nodes: Mapping[int, NodeCounters],
    flows: Mapping[FlowKind, int],
) -> Reading:
    """`nodes` by node slot, `flows` as tallied."""
    there: dict[str, Node] = {}
    """By load balancer's ARN and zone, joined as in a slot's id."""
    ports: dict[int, Node] = {}
    counts: dict[tuple[Node, int], NodeCounters] = {}
    for balancer in snapshot.values(LoadBalancer):
        for one in balancer.zones:
            node = Node(dimension(balancer.id), one.zone)
            key = slots.node_key(balancer.id, one.zone)
            there[key] = node
            number = ifindex.get(names.node_port(balancer, one.network_interface))
            if number is not None:
                ports[number] = node
            slot = snapshot.get(Slot, key)
            if slot is not None and slot.number in nodes:
                counts[node, slot.generation] = nodes[slot.number]
    behind: dict[str, Node] = {}
    for endpoint in snapshot.values(VpcEndpoint):
        found = there.get(slots.node_key(endpoint.load_balancer, endpoint.zone))
        of = snapshot.get(LoadBalancer, endpoint.load_balancer)
        if found is None or of is None:
            continue
        behind[endpoint.id] = found
        number = ifindex.get(PortRef(names.load_balancer_box(of), device_name(endpoint.id)))
        if number is not None:
            ports[number] = found
    active: Tally[Node] = Tally()
    for kind, count in flows.items():
        through = behind.get(endpoint_id(kind.endpoint))
        if through is not None:
            active[through] += count
    counted = {
        (ports[one.ifindex], one.ifindex, verdicts[one.verdict].name): (one.packets, one.bytes)
        for one in counters
        if one.ifindex in ports and one.verdict in verdicts
    }
    return Reading(nodes=frozenset(there.values()), counted=counted, flows=counts, active=active)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosts:
    """How many targets a zone's node may count on; by the dimensions LoadBalancer, TargetGroup and AvailabilityZone."""

    load_balancer: str
    target_group: str
    zone: str
    healthy: int
    unhealthy: int


def hosts(snapshot: Snapshot) -> Iterator[Hosts]:
    """For every zone of every load balancer with a listener; what is neither healthy nor unhealthy counts as neither."""
    for balancer in snapshot.values(LoadBalancer):
        listener = balancing.listener_of(snapshot, balancer.id)
        if listener is None:
            continue
        placed = list(balancing.placed_targets(snapshot, listener.target_group))
        for one in balancer.zones:
            states = Tally(at.target.state for at in placed if at.zone in (one.zone, "all"))
            yield Hosts(
                load_balancer=dimension(balancer.id),
                target_group=dimension(listener.target_group),
                zone=one.zone,
                healthy=states[TargetState.HEALTHY],
                unhealthy=states[TargetState.UNHEALTHY],
            )
