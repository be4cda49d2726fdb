"""Which interfaces a flow log covers, by which ports their packets pass, and how long their records may span."""

from __future__ import annotations

from dataclasses import replace

import pytest
from api_lab import Lab

from opengwlb.model.flow_logs import FlowLog
from opengwlb.model.plane import EniEntry
from opengwlb.model.privatelink import VpcEndpoint
from opengwlb.model.uplinks import Uplink
from opengwlb.model.vpc import NetworkInterface
from opengwlb.policy import flow_logs, names, network
from opengwlb.policy.plane import plane


def log(lab: Lab, resource: str, kind: str = "VPC") -> FlowLog:
    made = FlowLog(
        id=f"fl-{resource}",
        account=lab.api.account,
        region=lab.api.region,
        resource=resource,
        resource_type=kind,  # type: ignore[arg-type]  # one of the three
        traffic_type="ALL",
        destination_type="s3",
        destination="arn:aws:s3:::logs",
        log_format="${version}",
        created=0.0,
    )
    lab.api.put(made)
    return made


def entries(lab: Lab) -> dict[str, EniEntry]:
    snapshot = lab.api.store.snapshot()
    return {port.device: entry for port, entry in plane(snapshot, network.topology(snapshot)).enis.items()}


@pytest.mark.parametrize("by", ["VPC", "Subnet", "NetworkInterface"])
def test_the_kernel_is_told_of_the_covered_ports_alone(lab: Lab, by: str) -> None:
    instance = lab.instance()
    eni = instance.network_interfaces[0]
    device = names.router_port(lab.vpc, eni).device
    assert not any(entry.flow_log for entry in entries(lab).values())
    log(lab, {"VPC": lab.vpc, "Subnet": lab.app, "NetworkInterface": eni}[by], by)
    assert [name for name, entry in entries(lab).items() if entry.flow_log] == [device]
    assert set(flow_logs.interfaces(lab.api.store.snapshot())) == {eni}


def test_an_endpoints_packets_pass_the_endpoints_port(lab: Lab) -> None:
    interface = lab.interface()
    stored = lab.api.store.snapshot().get(NetworkInterface, interface)
    assert stored is not None
    endpoint = lab.make_endpoint(lab.endpoint_subnet)
    made = lab.api.store.snapshot().get(VpcEndpoint, endpoint)
    assert made is not None
    lab.api.put(replace(made, network_interface=interface))
    log(lab, lab.vpc)
    snapshot = lab.api.store.snapshot()
    ports = flow_logs.ports(
        snapshot, flow_logs.interfaces(snapshot).values(), {names.router_port(lab.vpc, endpoint): 5}
    )
    assert ports == {5: {"": interface}}
    assert [one.id for one in flow_logs.at_port(snapshot, endpoint)] == [interface]


def test_behind_an_uplink_the_address_tells_whose_record_it_is(lab: Lab) -> None:
    first, second = lab.interface(), lab.interface()
    uplink = Uplink(
        id="uplink-00000000000000001",
        account=lab.api.account,
        region=lab.api.region,
        device="eth9",
        vpc=lab.vpc,
        subnet=lab.app,
        mac="02:00:00:00:00:01",
        mtu=1500,
        created=0.0,
    )
    lab.api.put(uplink)
    for one in (first, second):
        stored = lab.api.store.snapshot().get(NetworkInterface, one)
        assert stored is not None
        lab.api.put(replace(stored, uplink=uplink.id))
    log(lab, first, "NetworkInterface")
    snapshot = lab.api.store.snapshot()
    covered = flow_logs.interfaces(snapshot)
    ports = flow_logs.ports(snapshot, covered.values(), {names.router_port(lab.vpc, uplink.id): 6})
    assert ports == {6: {covered[first].address: first}}
    assert entries(lab)[names.router_port(lab.vpc, uplink.id).device].flow_log


def test_nitro_instances_are_recorded_every_minute_and_others_as_asked(lab: Lab) -> None:
    instance = lab.instance()
    alone = lab.interface()
    made = log(lab, lab.vpc)
    covered = flow_logs.interfaces(lab.api.store.snapshot())
    eni = instance.network_interfaces[0]
    assert covered[eni].instance == instance.id and covered[alone].instance == ""
    assert flow_logs.interval_s(made, covered[eni]) == 60
    assert flow_logs.interval_s(made, covered[alone]) == 600
    lab.api.put(replace(instance, instance_type="t2.micro"))
    assert flow_logs.interval_s(made, flow_logs.interfaces(lab.api.store.snapshot())[eni]) == 600
