"""200 VPCs, 2,000 ENIs, 1,000 endpoints and 1,000 targets: what it takes to build them, to come back over them, and until a change reaches
packets.

Objects are made through the API of a server without a data plane, so that building is one figure and not a thousand waits. Instances are
boxes without a container, of four interfaces each. A change is timed from the end of its answer to the first look at the kernel that
finds it: routes are asked as a packet's look-up asks (`RTM_GETROUTE` with the table's mark, in the VPC's box), targets and the rules of
interfaces are read from the maps that the programs read.
"""

from __future__ import annotations

import contextlib
import os
import socket
import statistics
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pyroute2.netlink import rtnl
from pyroute2.netlink.rtnl.rtmsg import rtmsg
from tests.stories.server import REGION, Server, until

from opengwlb import admin
from opengwlb.cli import credentials
from opengwlb.dataplane import layout
from opengwlb.dataplane.maps import Map
from opengwlb.dataplane.syscalls import map_by_id, open_pin
from opengwlb.fabric.namespaces import box_name, run_in
from opengwlb.fabric.netlink import Request, encode

from .client import Client, found
from .figures import Figure, Say, below

VPCS, ENIS, ENDPOINTS, TARGETS = 200, 2000, 1000, 1000
INTERFACES = 4
"""Of an instance: the most of t3.xlarge."""
BALANCERS = 10
CHANGES = 150
GOAL_MS = 50.0
LOAD_RATE = 20.0
"""Other calls a second while changes are timed: describing and making."""


@dataclass(slots=True, kw_only=True)
class Made:
    tables: list[tuple[str, str, int, list[str]]] = field(default_factory=list)
    """VPC, route table, its number in the kernel, its endpoints."""
    groups: list[str] = field(default_factory=list)
    nodes: list[str] = field(default_factory=list)


class Scaled(Server):
    """With boxes in place of instances."""

    data_plane = "none"

    def start(self) -> Scaled:
        with self.log.open("ab") as log:
            words = [sys.executable, "-m", "bench.scale_server", self.name, str(self.port), str(self.data_dir)]
            self.process = subprocess.Popen([*words, self.data_plane], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        until(self._answers, what=f"the server answers; its log is {self.log}", seconds=60)
        return self

    def end(self) -> None:
        assert self.process is not None
        self.process.terminate()
        self.process.wait(30)

    def raw(self) -> Client:
        profile = credentials.profile(self.data_dir, name="operator")
        return Client(self.port, access_key=profile.access_key, secret=profile.secret_key, region=REGION)

    def rss_mib(self) -> float:
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def rows(*, name: str, directory: Path, say: Say, part: int = 1) -> list[Figure]:
    """`part` divides every number: for trying this out."""
    server = Scaled(name=name, data_dir=directory / "scale")
    try:
        server.start()
        say(
            f"making {VPCS // part} VPCs, {ENIS // part} ENIs, {ENDPOINTS // part} endpoints, {TARGETS // part} targets"
        )
        server.gwlb("account", "quota", admin.OPERATOR_ACCOUNT, "vpcs", str(VPCS + 50))
        start = time.monotonic()
        made = _make(server.raw(), part=part)
        calls_s = time.monotonic() - start
        server.end()
        server.data_plane = "kernel"
        say("building all of it")
        built_s = _until_built(server, made)
        rss = server.rss_mib()
        server.kill()
        say("coming back over it")
        back_s = _until_built(server, made)
        every = [
            Figure(figure="scale: API calls that make the configuration", value=round(calls_s, 1), unit="s"),
            Figure(figure="scale: start until all of it stands, from nothing", value=round(built_s, 1), unit="s"),
            Figure(figure="scale: start until all of it is adopted, after kill -9", value=round(back_s, 1), unit="s"),
            Figure(figure="scale: memory of the server", value=round(rss), unit="MiB"),
        ]
        say("waiting for the health checks to give all targets up, so that all of them carry flows")
        _until_open(server, made)
        turns = min(CHANGES, BALANCERS * (TARGETS // BALANCERS // part) // 2)
        for start_at, load in ((0, 0.0), (turns, LOAD_RATE)):
            say(f"timing changes, {load:g} other calls a second")
            with _calls(server, load):
                for what, times in _changes(server, made, turns=range(start_at, start_at + turns)).items():
                    name_of = f"scale: {what}, answer to packets, p99; {load:g} other calls a second"
                    every.append(_figure(name_of, times))
        return every
    finally:
        server.down()


def _figure(name: str, times: list[float]) -> Figure:
    ordered = sorted(1000 * one for one in times)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return below(
        name,
        value=p99,
        unit="ms",
        goal=GOAL_MS,
        spread=(statistics.median(ordered), ordered[-1]),
        limit="a pass in Python beside everything else in the process",
    )


def _make(client: Client, *, part: int) -> Made:
    made = Made()
    services = []
    provider = _vpc(client, 250)
    image = "ami-0000000000000a001"
    for number in range(BALANCERS):
        subnet = found(
            client.call(
                "ec2", "CreateSubnet", VpcId=provider, CidrBlock=f"10.250.{number}.0/24", AvailabilityZone=f"{REGION}a"
            ),
            "subnetId",
        )
        balancer = found(
            client.call(
                "elasticloadbalancing",
                "CreateLoadBalancer",
                Name=f"lb{number}",
                Type="gateway",
                Subnets__member__1=subnet,
            ),
            "LoadBalancerArn",
        )
        group = found(
            client.call(
                "elasticloadbalancing", "CreateTargetGroup", Name=f"tg{number}", Protocol="GENEVE", Port="6081",
                VpcId=provider, TargetType="ip", HealthCheckPort="80",
            ),
            "TargetGroupArn",
        )  # fmt: skip
        client.call(
            "elasticloadbalancing", "CreateListener", LoadBalancerArn=balancer,
            DefaultActions__member__1__Type="forward", DefaultActions__member__1__TargetGroupArn=group,
        )  # fmt: skip
        made.groups.append(group)
        some = TARGETS // BALANCERS // part
        client.call(
            "elasticloadbalancing", "RegisterTargets", TargetGroupArn=group,
            **{f"Targets__member__{n + 1}__Id": f"10.250.{number}.{n + 20}" for n in range(some)},
        )  # fmt: skip
        services.append(
            found(
                client.call(
                    "ec2", "CreateVpcEndpointServiceConfiguration",
                    AcceptanceRequired="false", GatewayLoadBalancerArn__1=balancer,
                ),
                "serviceName",
            )
        )  # fmt: skip
    for number in range(VPCS // part):
        _customer(client, made, number=number, service=services[number % BALANCERS], image=image)
    return made


def _vpc(client: Client, number: int) -> str:
    return found(client.call("ec2", "CreateVpc", CidrBlock=f"10.{number}.0.0/16"), "vpcId")


def _customer(client: Client, made: Made, *, number: int, service: str, image: str) -> None:
    vpc = _vpc(client, number)
    subnet = found(
        client.call("ec2", "CreateSubnet", VpcId=vpc, CidrBlock=f"10.{number}.1.0/24", AvailabilityZone=f"{REGION}a"),
        "subnetId",
    )
    table = found(client.call("ec2", "CreateRouteTable", VpcId=vpc), "routeTableId")
    client.call("ec2", "AssociateRouteTable", RouteTableId=table, SubnetId=subnet)
    left = ENIS // VPCS
    while left:
        count = min(INTERFACES, left)
        left -= count
        every = {}
        for index in range(count):
            one = f"NetworkInterface__{index + 1}__"
            every |= {f"{one}DeviceIndex": str(index), f"{one}SubnetId": subnet}
        client.call("ec2", "RunInstances", ImageId=image, InstanceType="t3.xlarge", MinCount="1", MaxCount="1", **every)
    endpoints = [
        found(
            client.call(
                "ec2",
                "CreateVpcEndpoint",
                VpcEndpointType="GatewayLoadBalancer",
                VpcId=vpc,
                ServiceName=service,
                SubnetId__1=subnet,
            ),
            "vpcEndpointId",
        )
        for _ in range(ENDPOINTS // VPCS)
    ]
    made.tables.append((vpc, table, 0, endpoints))


def _until_built(server: Scaled, made: Made) -> float:
    """Until the last VPC's last endpoint has its device, and the server is idle."""
    start = time.monotonic()
    server.start()
    boxes = [Path(f"/run/netns/{server.name}-{box_name(vpc)}") for vpc, *_ in made.tables]
    log = server.log
    before = log.read_text().count(" stand after ")
    until(lambda: log.read_text().count(" stand after ") > before, what="all of it stands", seconds=900, every=0.1)
    assert all(box.exists() for box in boxes)
    return time.monotonic() - start


def _until_open(server: Scaled, made: Made) -> None:
    """Nobody is at the targets' addresses. A load balancer without a healthy one uses them all."""
    client = server.raw()

    def settled() -> bool:
        every = (client.call("elasticloadbalancing", "DescribeTargetHealth", TargetGroupArn=one) for one in made.groups)
        # `unavailable` is from the server without a data plane, which cannot ask.
        return not any(f"<State>{state}<" in body for body in every for state in ("initial", "unavailable"))

    until(settled, what="every target was checked", seconds=120, every=1)


@contextlib.contextmanager
def _calls(server: Scaled, rate: float) -> Iterator[None]:
    """Other calls meanwhile: describing and making, from a thread."""
    stop = threading.Event()

    def run() -> None:
        client = server.raw()
        while not stop.wait(1 / rate):
            vpc = found(client.call("ec2", "CreateVpc", CidrBlock="10.251.0.0/16"), "vpcId")
            client.call("ec2", "DescribeVpcs", VpcId__1=vpc)
            client.call("ec2", "DeleteVpc", VpcId=vpc)

    thread = threading.Thread(target=run)
    if rate:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        if rate:
            thread.join()


def _changes(server: Scaled, made: Made, *, turns: range) -> dict[str, list[float]]:
    client = server.raw()
    times: dict[str, list[float]] = {
        "CreateRoute": [],
        "ReplaceRoute": [],
        "RegisterTargets": [],
        "DeregisterTargets": [],
        "AuthorizeSecurityGroupIngress": [],
        "RevokeSecurityGroupIngress": [],
    }
    tables = Path(f"/run/opengwlb/{server.name}/bpf/maps")
    addresses, nodes, slots, enis = (
        Map(open_pin(str(tables / one)), name=one) for one in ("target_addresses", "maglev", "targets", "enis")
    )
    slot_of = {value[:4]: struct.unpack("=I", key)[0] for key, value in slots.filled()}
    for turn in turns:
        vpc, table, _, endpoints = made.tables[turn * 7 % len(made.tables)]
        destination = f"100.{64 + turn % 32}.{turn % 250}.0"
        with _looking(server, vpc, table, destination) as leaves_by:
            cidr = f"{destination}/24"
            client.call("ec2", "CreateRoute", RouteTableId=table, DestinationCidrBlock=cidr, VpcEndpointId=endpoints[0])
            times["CreateRoute"].append(_timed(lambda: leaves_by() is not None))
            first = leaves_by()
            client.call(
                "ec2", "ReplaceRoute", RouteTableId=table, DestinationCidrBlock=cidr, VpcEndpointId=endpoints[1]
            )
            times["ReplaceRoute"].append(_timed(lambda first=first: leaves_by() not in (None, first)))
            client.call("ec2", "DeleteRoute", RouteTableId=table, DestinationCidrBlock=cidr)
        number = turn % BALANCERS
        address = f"10.250.{number}.{200 + turn // BALANCERS}"
        key = socket.inet_aton(address)
        client.call(
            "elasticloadbalancing",
            "RegisterTargets",
            TargetGroupArn=made.groups[number],
            Targets__member__1__Id=address,
        )
        times["RegisterTargets"].append(_timed(lambda key=key: addresses.get(key) is not None))
        dead = f"10.250.{number}.{20 + turn // BALANCERS}"
        slot = slot_of[socket.inet_aton(dead)]
        node = next((one for one in range(BALANCERS) if slot in _chosen(nodes, one)), None)
        assert node is not None, f"{dead} carries no flows: it cannot lose them"
        client.call(
            "elasticloadbalancing", "DeregisterTargets", TargetGroupArn=made.groups[number], Targets__member__1__Id=dead
        )
        times["DeregisterTargets"].append(_timed(_left(nodes, node, slot)))
        group = found(
            client.call(
                "ec2", "DescribeSecurityGroups", Filter__1__Name="vpc-id", Filter__1__Value__1=vpc,
                Filter__2__Name="group-name", Filter__2__Value__1="default",
            ),
            "groupId",
        )  # fmt: skip
        members = _interfaces(enis, vpc)
        for action in ("AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress"):
            told = {place: _rules(enis, place) for place in members}
            client.call(
                "ec2", action, GroupId=group, IpPermissions__1__IpProtocol="udp", IpPermissions__1__FromPort=str(2000 + turn),
                IpPermissions__1__ToPort=str(2000 + turn), IpPermissions__1__IpRanges__1__CidrIp="192.0.2.0/24",
            )  # fmt: skip
            times[action].append(_timed(_told_anew(enis, told)))
    return times


def _interfaces(enis: Map, vpc: str) -> list[bytes]:
    """The places of a VPC's interfaces that a security group guards."""
    number = int(vpc.removeprefix("vpc-"), 16)
    guards = ((place, layout.eni_config.from_buffer_copy(value).guard) for place, value in enis.filled())
    places = [place for place, guard in guards if guard.vpc == number and guard.groups]
    assert len(places) >= ENIS // VPCS, f"{vpc} has {len(places)} interfaces"
    return places


def _rules(enis: Map, place: bytes) -> int:
    """The number of the rule set that an interface's packets are judged by."""
    return int(layout.eni_config.from_buffer_copy(enis.get(place) or b"").guard.groups)


def _told_anew(enis: Map, told: dict[bytes, int]) -> Callable[[], bool]:
    """Whether every interface has another rule set than it had."""
    left = dict(told)

    def anew() -> bool:
        while left and (place := next(iter(left))) and _rules(enis, place) != left[place]:
            del left[place]
        return not left

    return anew


def _chosen(nodes: Map, node: int) -> set[int]:
    """The slots that a node's new flows are spread over."""
    found = nodes.get(struct.pack("=I", node))
    if found is None:
        return set()
    inner = Map(map_by_id(struct.unpack("=I", found)[0]), name="maglev_table")
    try:
        return set(memoryview(inner.head(inner.max_entries)).cast("I"))
    finally:
        inner.close()


def _left(nodes: Map, node: int, slot: int) -> Callable[[], bool]:
    """Whether the node's table is without the slot; read only when it is another table, as reading one takes milliseconds."""
    key = struct.pack("=I", node)
    seen = None

    def left() -> bool:
        nonlocal seen
        now = nodes.get(key)
        if now == seen:
            return False
        seen = now
        return slot not in _chosen(nodes, node)

    return left


def _timed(check: Callable[[], bool]) -> float:
    start = time.monotonic()
    while not check():
        if time.monotonic() - start > 10:
            raise AssertionError("a change did not reach the kernel within 10 s")
        time.sleep(0.0003)
    return time.monotonic() - start


@contextlib.contextmanager
def _looking(server: Scaled, vpc: str, table: str, destination: str) -> Iterator[Callable[[], int | None]]:
    """What a packet's look-up in this route table answers: the ifindex it leaves by; None: it does not."""
    box = Path(f"/run/netns/{server.name}-{box_name(vpc)}")
    sock = run_in(box, lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE))
    message = rtmsg()
    message["family"], message["dst_len"] = socket.AF_INET, 32
    message["attrs"] = [("RTA_DST", destination[:-1] + "9"), ("RTA_MARK", MARK)]
    asked = encode(Request(rtnl.RTM_GETROUTE, 0, message), sequence=1, acknowledge=False)

    def leaves_by() -> int | None:
        sock.send(asked)
        data = sock.recv(4096)
        at = 28
        if struct.unpack_from("=H", data, 4)[0] != rtnl.RTM_NEWROUTE:
            return None
        while at + 4 <= len(data):
            length, kind = struct.unpack_from("=HH", data, at)
            if kind == 4:  # RTA_OIF
                return int(struct.unpack_from("=I", data, at + 4)[0])
            at += (length + 3) & ~3
        return None

    try:
        yield leaves_by
    finally:
        sock.close()


MARK = 1001
"""The number of the second route table of a VPC, counted from its main one."""

if __name__ == "__main__":
    import tempfile

    from .figures import show

    with tempfile.TemporaryDirectory() as made_in:
        show(rows(name=f"b1s{os.getpid() % 10000}", directory=Path(made_in), say=print, part=int(sys.argv[1])))
