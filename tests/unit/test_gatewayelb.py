"""AWS/GatewayELB's metrics: right sums by zone, that never fall, peaks over ten seconds, and LCUs by the formula."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from watched_lab import ENDPOINT, LB, TG, lab

from opengwlb.dataplane.counting import Counter
from opengwlb.dataplane.node_counters import NodeCounters
from opengwlb.dataplane.verdicts import Verdict, VerdictKind, read_verdicts
from opengwlb.model.elb import Slot, Target, TargetState
from opengwlb.model.flows import FlowKind
from opengwlb.model.ids import device_name, endpoint_number
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.topology import PortRef
from opengwlb.observe import gatewayelb
from opengwlb.observe.gatewayelb import SUMS, Books, Hosts, Node, Reading

NODE = Node("gwy/lb/0123456789abcdef", "a")
BOX = "gwlb-0123456789abcdef"
IFINDEX = {PortRef(BOX, device_name(ENDPOINT)): 1, PortRef(BOX, f"eni-{'3':0>10}"): 2, PortRef("elsewhere", "eth0"): 3}
NAMES = sorted({verdict for metric in SUMS for verdict in metric.verdicts} | {"no_route"})
VERDICTS = {number: Verdict(number, name, VerdictKind.DROP, "…") for number, name in enumerate(NAMES, start=1)}


def there() -> Snapshot:
    return lab().supposing(Slot(id=f"node|{LB}|a", number=5, generation=11))


def counter(ifindex: int, verdict: str, packets: int, size: int = 0) -> Counter:
    return Counter(ifindex=ifindex, verdict=1 + NAMES.index(verdict), packets=packets, bytes=size)


def node_counters(**counts: int) -> NodeCounters:
    zeros = dict.fromkeys(NodeCounters.__slots__, 0)
    return NodeCounters(**(zeros | counts))


def read(*counters: Counter, flows: int = 0, nodes: dict[int, NodeCounters] | None = None) -> Reading:
    return gatewayelb.reading(
        there(),
        counters=counters,
        verdicts=VERDICTS,
        ifindex=IFINDEX,
        nodes=nodes or {},
        flows={FlowKind(endpoint_number(ENDPOINT), 3, 6): flows, FlowKind(1, 3, 6): 99},
    )


def sums(books: Books, names: Iterable[str] | None = None) -> dict[str, int]:
    found = {}
    for name in names or [metric.name for metric in SUMS]:
        ((node, count),) = books.sums(name)
        assert node == NODE
        found[name] = count
    return {name: count for name, count in found.items() if count}


def test_each_verdict_counts_where_aws_counts_it() -> None:
    expected = {
        "encapsulated": {"ProcessedPackets", "ProcessedBytes"},
        "decapsulated": {"ProcessedPackets", "ProcessedBytes"},
        "not_geneve": {"ProcessedPackets"},
        "return_wrong_node": {"PacketsDroppedCount_InvalidGeneveTunnel"},
        "return_unknown_target": {"PacketsDroppedCount_InvalidGeneveTunnel"},
        "return_unknown_endpoint": {"PacketsDroppedCount_InvalidGwlbEndpointId"},
        "return_bad_cookie": {"PacketsDroppedCount_InvalidGwlbFlowCookie"},
        "return_wrong_target": {"PacketsDroppedCount_InvalidGwlbFlowCookie"},
        "return_no_flow": {"PacketsDroppedCount_MissingFlowEntry"},
        "tcp_reset_unhealthy": {"TCP_GWLB_Reset_Count"},
        "no_route": set(),
    }
    for verdict, metrics in expected.items():
        books = Books()
        books.add(read(counter(2, verdict, 7, 70)))
        assert sums(books).keys() == metrics, verdict


def test_every_verdict_that_is_counted_exists() -> None:
    known = {verdict.name for verdict in read_verdicts(Path(__file__).parents[2] / "bpf" / "shared").values()}
    assert {verdict for metric in SUMS for verdict in metric.verdicts} <= known


def test_endpoints_and_the_nodes_port_add_up_to_their_zone_and_other_ports_do_not_count() -> None:
    books = Books()
    books.add(
        read(counter(1, "encapsulated", 3, 300), counter(2, "decapsulated", 2, 336), counter(3, "encapsulated", 50))
    )
    assert sums(books) == {"ProcessedPackets": 5, "ProcessedBytes": 636}


def test_sums_grow_by_what_came_and_keep_what_a_deleted_endpoint_carried() -> None:
    books = Books()
    books.add(read(counter(1, "encapsulated", 3, 300)))
    books.add(read(counter(1, "encapsulated", 5, 500)))
    assert sums(books)["ProcessedPackets"] == 5
    books.add(read())
    assert sums(books)["ProcessedPackets"] == 5
    books.add(read(counter(1, "encapsulated", 5, 500)))
    assert sums(books)["ProcessedPackets"] == 5, "a port that was missing for a moment did not carry it all again"
    books.add(read(counter(1, "encapsulated", 2, 200)))
    assert sums(books)["ProcessedPackets"] == 7, "the port was made anew under the same number"


def test_a_node_counts_its_flows_and_a_new_node_in_its_slot_begins_at_nought() -> None:
    books = Books()
    books.add(read(nodes={5: node_counters(new_flows=10, rejected_flows=3, rejected_tcp_flows=2)}))
    books.add(read(nodes={5: node_counters(new_flows=12, rejected_flows=3, rejected_tcp_flows=2)}))
    names = ("NewFlowCount", "RejectedFlowCount", "RejectedFlowCount_TCP")
    assert sums(books, names) == {"NewFlowCount": 12, "RejectedFlowCount": 3, "RejectedFlowCount_TCP": 2}
    anew = read(nodes={5: node_counters(new_flows=40)})
    books.add(replace(anew, flows={(NODE, 12): anew.flows[NODE, 11]}))
    assert sums(books, names)["NewFlowCount"] == 52


def test_live_flows_are_counted_in_the_zone_of_their_endpoint() -> None:
    assert read(flows=8).active == {NODE: 8}


def test_a_node_without_traffic_is_there_with_zeros() -> None:
    books = Books()
    books.add(read())
    assert list(books.sums("ProcessedBytes")) == [(NODE, 0)]
    assert books.peak("ProcessedBytes", NODE) == 0.0 and books.lcus(NODE.load_balancer) == 0.0


def test_a_peak_is_the_highest_ten_second_average_of_the_last_minute() -> None:
    books, total = Books(), 0
    rates = [100, 900, 100, 100, 100, 100, 100, 100]
    seen = []
    for number, rate in enumerate([0, *rates]):
        total += rate * 10
        books.sample(read(counter(1, "encapsulated", total, total * 2)), now=1000 + number * 10.0)
        seen.append((books.peak("ProcessedPackets", NODE), books.peak("ProcessedBytes", NODE)))
    assert seen[1] == (100, 200)
    assert seen[2] == seen[7] == (900, 1800)
    assert seen[8] == (100, 200), "the burst was more than a minute ago"


def test_a_late_sample_divides_by_the_time_that_passed() -> None:
    books = Books()
    books.sample(read(), now=0.0)
    books.sample(read(counter(1, "encapsulated", 600, 0)), now=30.0)
    assert books.peak("ProcessedPackets", NODE) == 20.0


@pytest.mark.parametrize(
    ("new_flows", "active", "size", "units"),
    [
        (600 * 60, 0, 0, 1.0),
        (0, 120_000, 0, 2.0),
        (0, 0, 50_000_000, 3.0),
        (600 * 60, 30_000, 1_000_000, 1.0),
    ],
)
def test_an_lcu_is_the_largest_of_three_shares(new_flows: int, active: int, size: int, units: float) -> None:
    books = Books()
    for number in range(7):
        share = number / 6
        books.sample(
            read(
                counter(1, "encapsulated", 1, int(size * share)),
                flows=active,
                nodes={5: node_counters(new_flows=int(new_flows * share))},
            ),
            now=number * 10.0,
        )
    assert books.lcus(NODE.load_balancer) == pytest.approx(units)
    assert books.lcus("gwy/other/1") == 0.0


@pytest.mark.parametrize(
    ("state", "counts"),
    [(TargetState.HEALTHY, (1, 0)), (TargetState.UNHEALTHY, (0, 1)), (TargetState.DRAINING, (0, 0))],
)
def test_hosts_are_counted_by_load_balancer_target_group_and_zone(state: TargetState, counts: tuple[int, int]) -> None:
    (target,) = lab().values(Target)
    (found,) = gatewayelb.hosts(lab().supposing(replace(target, state=state)))
    assert found == Hosts(
        load_balancer=NODE.load_balancer,
        target_group="targetgroup/tg/00123456789abcdef0",
        zone="a",
        healthy=counts[0],
        unhealthy=counts[1],
    )
    assert found.target_group == TG.split(":")[-1]
