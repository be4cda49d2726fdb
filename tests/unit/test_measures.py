"""From growing counters to a minute's data points: what a period gets, when it begins anew, and whose metric it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from test_gatewayelb import IFINDEX, NODE, VERDICTS, counter, node_counters, there
from watched_lab import CONSUMER, ENDPOINT, LB, PROVIDER

from opengwlb.instances import cgroups
from opengwlb.model.compute import Instance, InstanceState
from opengwlb.model.elb import LoadBalancer
from opengwlb.model.flows import FlowKind
from opengwlb.model.ids import device_name, endpoint_number
from opengwlb.model.instance_types import INSTANCE_TYPES
from opengwlb.model.metrics import Datum, MetricKey
from opengwlb.observe import link_counters, measured_gatewayelb
from opengwlb.observe.measures import Kind, Ledger, Measure
from opengwlb.observe.metrics import Sampler
from opengwlb.observe.owners import Owners
from opengwlb.observe.publishing import Publisher
from opengwlb.observe.read_api import Sources
from opengwlb.store.metrics import MetricStore

NOON = 1_800_000_000 // 300 * 300
KEY = MetricKey(account="1", region="r", namespace="AWS/X", name="a")


def measure(value: float, kind: Kind = "sum", **more: Any) -> Measure:
    return Measure(**{"id": "a", "keys": (KEY,), "unit": "Count", "value": value, "kind": kind, **more})


def told(data: list[Datum]) -> list[tuple[int, float]]:
    return [(one.at - NOON, one.point.sum) for one in data]


def test_a_period_s_data_point_grows_until_the_next_period_begins() -> None:
    ledger = Ledger()
    assert told(ledger.take([measure(100)], now=NOON)) == [(0, 0)], "what was there before is no news"
    assert told(ledger.take([measure(103)], now=NOON + 10)) == [(0, 3)]
    assert told(ledger.take([measure(103)], now=NOON + 20)) == [], "nothing new, nothing to write"
    assert told(ledger.take([measure(110)], now=NOON + 60)) == [(0, 10)], (
        "what came before the boundary is the first minute's"
    )
    assert told(ledger.take([measure(111)], now=NOON + 70)) == [(60, 1)]
    assert told(ledger.take([measure(4)], now=NOON + 80)) == [(60, 5)], "the counter began anew"


def test_what_appears_later_counted_from_nothing() -> None:
    ledger = Ledger()
    ledger.take([], now=NOON)
    assert told(ledger.take([measure(7)], now=NOON + 10)) == [(0, 7)]


def test_zero_is_told_only_where_aws_tells_it() -> None:
    ledger = Ledger()
    assert told(ledger.take([measure(0, always=False), measure(0, id="b", keys=(KEY,))], now=NOON)) == [(0, 0)]
    assert ledger.take([measure(0, always=False)], now=NOON + 10) == []


def test_peaks_are_the_most_in_a_second_and_shares_the_average_of_the_period() -> None:
    ledger = Ledger()
    found: list[Datum] = []
    for at, value in ((0, 0), (10, 50), (20, 250), (30, 260)):
        found = ledger.take([measure(value, "peak"), measure(value, "share", id="b", unit="Percent")], now=NOON + at)
    assert [(one.unit, one.point.sum) for one in found] == [("Percent", pytest.approx(260 / 30))], "no new peak"
    found = ledger.take([measure(520, "peak")], now=NOON + 40)
    assert told(found) == [(0, 26)]


def test_samples_of_a_period_and_of_several_nodes_are_one_data_point() -> None:
    ledger = Ledger()
    nodes = [measure(2, "sample"), measure(5, "sample", id="b")]
    (one,) = ledger.take(nodes, now=NOON)
    assert (one.point.count, one.point.minimum, one.point.maximum, one.point.sum) == (2, 2, 5, 7)
    (one,) = ledger.take([measure(1, "sample")], now=NOON + 10)
    assert (one.point.count, one.point.minimum, one.point.maximum) == (2, 1, 2)
    (one,) = ledger.take([measure(9, "sample")], now=NOON + 61)
    assert (one.at - NOON, one.point.count, one.point.sum) == (60, 1, 9)


def test_basic_monitoring_has_a_data_point_every_five_minutes() -> None:
    ledger = Ledger()
    ledger.take([measure(0, period=300)], now=NOON)
    assert told(ledger.take([measure(8, period=300)], now=NOON + 250)) == [(0, 8)]
    assert told(ledger.take([measure(9, period=300)], now=NOON + 300)) == [(0, 9)]
    assert told(ledger.take([measure(10, period=300)], now=NOON + 320)) == [(300, 1)]


DEVICES = """Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0
eni-01: 1500 10 0 0 0 0 0 0 700 5 0 0 0 0 0 0
"""


def test_devices_are_read_as_the_kernel_lists_them() -> None:
    (_, lo), (device, carried) = link_counters.parse(DEVICES)
    assert device == "eni-01" and lo.bytes_in == 0
    assert (carried.bytes_in, carried.packets_in, carried.bytes_out, carried.packets_out) == (1500, 10, 700, 5)


class Plane:
    """A data plane that says what the test puts there."""

    verdicts = VERDICTS

    def __init__(self) -> None:
        self.count, self.new = 0, 0

    def counters(self) -> list[Any]:
        return [counter(1, "encapsulated", self.count, self.count * 100), counter(2, "decapsulated", 0, 0)]

    def node_counters(self) -> dict[int, Any]:
        return {5: node_counters(new_flows=self.new)}

    def tally_flows(self, *, with_places: bool = False) -> dict[FlowKind, int]:
        return {FlowKind(endpoint_number(ENDPOINT), 3, 6): 4}


class Cloud:
    """A publisher over the tutorial's objects, at any time of day."""

    def __init__(self, path: Path) -> None:
        self.plane, self.now, self.devices = Plane(), float(NOON), DEVICES
        self.store = MetricStore(path)
        self.start()

    def start(self, *, monitored: bool = False, cpu: Callable[[str], float | None] = lambda _: None) -> None:
        """As a new process would. `monitored`: instances have detailed monitoring."""
        snapshot = there()
        instances = [
            replace(one, monitored=monitored, state=InstanceState.RUNNING) for one in snapshot.values(Instance)
        ]
        for one in instances:
            snapshot = snapshot.supposing(one)
        run_in: Callable[..., Any] = lambda box, function: self.devices  # noqa: E731  (as a function's attribute)
        store = cast(Any, SimpleNamespace(snapshot=lambda: snapshot))
        sources = Sources(
            store=store,
            owners=Owners(store),
            dataplane=cast(Any, self.plane),
            fabric=cast(Any, SimpleNamespace(run_in=run_in)),
            ifindex=lambda: IFINDEX,
        )
        self.publisher = Publisher(
            sources,
            metrics=self.store,
            sampler=Sampler(sources, clock=lambda: self.now),
            cpu=cpu,
            errors=dict,
            ready=lambda: True,
            clock=lambda: self.now,
        )

    def at(self, second: float, *, packets: int, new: int) -> None:
        self.now, self.plane.count, self.plane.new = NOON + second, packets, new
        self.publisher.publish(self.now)

    def told(self, name: str, account: str = PROVIDER, **dimensions: str) -> list[tuple[int, float]]:
        return [
            (point.at - NOON, point.point.sum)
            for one in self.store.listed(account, region="ap-northeast-2")
            if one.key.name == name
            and dimensions.items() <= dict(one.key.dimensions).items()
            and len(one.key.dimensions) == max(1, len(dimensions))
            for point in self.store.points(one.key, start=0, end=2**40)
        ]


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    made = Cloud(tmp_path / "metrics.sqlite")
    yield made
    made.store.close()


def test_a_load_balancer_s_minute_is_told_to_its_owner_whole_and_by_zone(cloud: Cloud) -> None:
    cloud.at(0, packets=1000, new=100)
    cloud.at(10, packets=1003, new=102)
    cloud.at(60, packets=1010, new=105)
    cloud.at(70, packets=1011, new=105)
    for dimensions in ({}, {"LoadBalancer": NODE.load_balancer, "AvailabilityZone": "a"}):
        assert cloud.told("NewFlowCount", **dimensions) == [(0, 5)], "no flow came in the second minute"
        assert cloud.told("ProcessedBytes", **dimensions) == [(0, 1000), (60, 100)]
        assert cloud.told("RejectedFlowCount", **dimensions) == [(0, 0), (60, 0)]
        assert cloud.told("RejectedFlowCount_TCP", **dimensions) == []
        assert cloud.told("PeakPacketsPerSecond", **dimensions) == [(0, 0.3), (60, 0.1)]
    assert cloud.told("NewFlowCount", CONSUMER) == []


def test_a_restart_in_the_middle_of_a_minute_loses_and_doubles_nothing(cloud: Cloud) -> None:
    cloud.at(0, packets=0, new=0)
    cloud.at(20, packets=0, new=7)
    cloud.start()
    cloud.at(30, packets=0, new=7)
    assert cloud.told("NewFlowCount") == [(0, 7)]
    cloud.at(40, packets=0, new=9)
    cloud.at(50, packets=0, new=10)
    assert cloud.told("NewFlowCount") == [(0, 10)]
    cloud.at(70, packets=0, new=10)
    cloud.at(80, packets=0, new=11)
    assert cloud.told("NewFlowCount") == [(0, 10), (60, 1)]


def test_every_metric_is_aws_s(cloud: Cloud) -> None:
    """Facts 5.11: the names, and the dimensions of each."""
    for second in (0, 10):
        cloud.at(second, packets=second, new=second)
    snapshot = there()
    balancer = snapshot.get(LoadBalancer, LB)
    assert balancer is not None
    keys = [one.key for one in cloud.store.listed(PROVIDER, region="ap-northeast-2")]
    elb = {key.name for key in keys if key.namespace == measured_gatewayelb.NAMESPACE}
    assert elb >= {
        "NewFlowCount", "ProcessedBytes", "ProcessedPackets", "PeakBytesPerSecond", "PeakPacketsPerSecond", "ConsumedLCUs",
        "RejectedFlowCount", "PacketsDroppedCount_InvalidGeneveTunnel", "PacketsDroppedCount_InvalidGwlbEndpointId",
        "PacketsDroppedCount_InvalidGwlbFlowCookie", "PacketsDroppedCount_MissingFlowEntry", "TCP_GWLB_Reset_Count",
        "TCP_ELB_Reset_Count", "HealthyHostCount", "UnHealthyHostCount",
    }  # fmt: skip
    hosts = {tuple(name for name, _ in key.dimensions) for key in keys if key.name == "HealthyHostCount"}
    assert hosts == {("LoadBalancer", "TargetGroup"), ("AvailabilityZone", "LoadBalancer", "TargetGroup")}


def test_passes_are_made_on_the_tens_of_seconds(cloud: Cloud) -> None:
    cloud.now = NOON + 3.5
    assert cloud.publisher.run() == pytest.approx(6.5)
    cloud.now = NOON + 9.0
    assert cloud.publisher.run() == pytest.approx(1.0), "called early: nothing is due"
    cloud.now = NOON + 10.01
    assert cloud.publisher.run() == pytest.approx(9.99)


def devices(**counts: tuple[int, int]) -> str:
    """`/proc/net/dev` with (bytes in, bytes out) of each device; a packet is 100 bytes."""
    lines = [
        f"{name.replace('_', '-')}: {inward} {inward // 100} 0 0 0 0 0 0 {outward} {outward // 100} 0 0 0 0 0 0"
        for name, (inward, outward) in counts.items()
    ]
    return "\n".join(["Inter-", " face", *lines])


def link(resource: str) -> str:
    return device_name(resource).replace("-", "_")


def test_an_endpoint_s_bytes_are_told_to_its_consumer_and_to_the_service_s_owner(cloud: Cloud) -> None:
    cloud.devices = devices(**{link(ENDPOINT): (1000, 2000)})
    cloud.at(0, packets=0, new=0)
    cloud.devices = devices(**{link(ENDPOINT): (1300, 2500)})
    cloud.at(10, packets=0, new=0)
    found = {
        tuple(name for name, _ in one.key.dimensions): [
            (point.at - NOON, point.point.sum) for point in cloud.store.points(one.key, start=0, end=2**40)
        ]
        for one in cloud.store.listed(CONSUMER, region="ap-northeast-2")
        if (one.key.namespace, one.key.name) == ("AWS/PrivateLinkEndpoints", "BytesProcessed")
    }
    whole = ("Endpoint Type", "Service Name", "VPC Endpoint Id", "VPC Id")
    assert found == {whole: [(0, 800)], (*whole[:2], "Subnet Id", *whole[2:]): [(0, 800)]}


def test_an_instance_s_processor_and_links_are_told_by_its_kind_of_monitoring(cloud: Cloud) -> None:
    """From the router's side of the link: what it sends is what the instance receives."""
    web = next(one for one in there().values(Instance) if one.account == CONSUMER)
    interface = link(web.network_interfaces[0])
    used = {web.id: 10.0}
    for monitored, told_at in ((False, 0), (True, 60)):
        cloud.start(monitored=monitored, cpu=used.get)
        cloud.devices = devices(**{interface: (1000, 5000)})
        cloud.at(60, packets=0, new=0)
        cloud.devices = devices(**{interface: (1200, 5900)})
        used[web.id] += 5.0
        cloud.at(70, packets=0, new=0)
        cpus = INSTANCE_TYPES[web.instance_type].cpus
        for name, value in (
            ("NetworkIn", 900),
            ("NetworkOut", 200),
            ("NetworkPacketsIn", 9),
            ("CPUUtilization", 50 / cpus),
        ):
            found = dict(cloud.told(name, CONSUMER, InstanceId=web.id))
            assert found[told_at] == pytest.approx(value), name
        assert cloud.told("StatusCheckFailed", CONSUMER, InstanceId=web.id)[-1] == (60, 0)
        cloud.store.forget()


def test_processor_time_is_read_where_either_version_of_control_groups_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cgroups, "_hierarchies", lambda: [tmp_path / "unified", tmp_path / "cpuacct"])
    assert cgroups.cpu_seconds("/g") is None
    (tmp_path / "unified" / "g").mkdir(parents=True)
    (tmp_path / "unified" / "g" / "cpu.stat").write_text("usage_usec 1500000\nuser_usec 1\nsystem_usec 2\n")
    assert cgroups.cpu_seconds("/g") == 1.5
    (tmp_path / "cpuacct" / "g").mkdir(parents=True)
    (tmp_path / "cpuacct" / "g" / "cpuacct.usage").write_text("2500000000\n")
    assert cgroups.cpu_seconds("/g") == 2.5, "where both are, the processes are in version 1's"
