"""One real HTTP connection through the whole network of the tutorial, walked from real captures: boxes by fabric, programs by dataplane."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from watched_lab import APPLIANCE, CONSUMER, ENDPOINT, LB, NODE, PRIVATE, PUBLIC, lab, question

from opengwlb.dataplane import DataPlane
from opengwlb.dataplane.flows import Flow
from opengwlb.fabric import Fabric
from opengwlb.model.compute import Instance
from opengwlb.model.elb import Slot
from opengwlb.model.images import BUILTIN_IMAGES
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.topology import PortRef
from opengwlb.model.vpc import NetworkInterface, SecurityGroup
from opengwlb.observe import capture_file, capture_places, drops, filters, pcapng, places, visibility
from opengwlb.observe.asked import ReachAsked
from opengwlb.observe.capture import Bounds, Capture
from opengwlb.observe.capture_comments import Commentator
from opengwlb.observe.reach import Asker, reach
from opengwlb.observe.reach_answer import Reach
from opengwlb.observe.visibility import Viewer
from opengwlb.observe.walk import Question
from opengwlb.observe.walker import Watched, watch
from opengwlb.policy import network
from opengwlb.policy.plane import plane

ROOT = Path(__file__).parents[2]
INSPECTOR = next(image for image in BUILTIN_IMAGES if image.kind == "inspector")
WEB = f"i-{'1':0>17}"
IGW = f"igw-{'9':0>17}"
OPERATOR = "999999999999"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces and loads programs")


@dataclass
class Live:
    snapshot: Snapshot
    fabric: Fabric
    dataplane: DataPlane
    more: tuple[Any, ...] = ()
    """What the lab has beyond `lab()`."""
    ifindex: Mapping[PortRef, int] = field(default_factory=dict)

    def apply(self, snapshot: Snapshot) -> None:
        topology = network.topology(snapshot)
        built = self.fabric.apply(topology, attach=self.dataplane.attach)
        assert built.errors == {}
        self.ifindex = built.ifindex
        assert self.dataplane.apply(plane(snapshot, topology), built.ifindex) == {}

    @contextmanager
    def being(self, snapshot: Snapshot) -> Iterator[None]:
        """Another network for a while."""
        before, self.snapshot = self.snapshot, snapshot
        self.apply(snapshot)
        try:
            yield
        finally:
            self.snapshot = before
            self.apply(before)

    def start(self, box: str, *command: str) -> subprocess.Popen[bytes]:
        enter = ("nsenter", f"--net={self.fabric.namespace(box)}", "--")
        return subprocess.Popen([*enter, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    subprocess.run(["make", "-s", "-C", str(ROOT / "bpf")], check=True)
    appliance = lab().get(Instance, f"i-{'2':0>17}")
    assert appliance is not None
    more = (replace(appliance, image=INSPECTOR.id), Slot(id=f"node|{LB}|a", number=0, generation=1))
    snapshot = lab(*more)
    fabric = Fabric(name="eniw", run_dir=Path("/run/opengwlb/eniw"))  # where ranges of ifindexes are shared out
    dataplane = DataPlane(run_dir=tmp_path_factory.mktemp("plane"), objects=ROOT / "build" / "bpf", max_flows=4096)
    served = Live(snapshot, fabric, dataplane, more)
    server: subprocess.Popen[bytes] | None = None
    try:
        dataplane.open()
        served.apply(snapshot)
        web_root = tmp_path_factory.mktemp("web")
        (web_root / "index.html").write_text("hello")
        server = served.start(WEB, "python3", "-m", "http.server", "80", "--directory", str(web_root))
        yield served
    finally:
        if server is not None:
            server.kill()
            server.wait()
        fabric.destroy()
        dataplane.destroy()


def fetch(live: Live) -> None:
    """Until the server answers: it may just be starting."""
    deadline = time.monotonic() + 10
    while live.start("internet", "curl", "-sf", "-m", "2", f"http://{PUBLIC}/").wait() != 0:
        assert time.monotonic() < deadline, "no answer through the load balancer"


def walked(live: Live, *, asked: Question | None = None, fetches: bool = True, client: bool = True) -> Watched:
    """Of one request, which is answered when it `fetches`; without `client`, of what is going on."""
    ready = threading.Event()

    def ask() -> None:
        ready.wait(10)
        if fetches:
            fetch(live)
        elif client:
            live.start("internet", "curl", "-sf", "-m", "1", f"http://{PUBLIC}/").wait()

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        return watch(
            asked or question(port=80, protocol=6),
            path=places.path(live.snapshot, endpoints=(ENDPOINT,)),
            snapshot=live.snapshot,
            open_socket=live.fabric.open_socket,
            seconds=15,
            ready=ready.set,
        )
    finally:
        thread.join()


def test_a_real_connection_walks_all_eight_steps_both_ways(live: Live) -> None:
    fetch(live)
    watched = walked(live)
    assert watched.missing == () and watched.walk is not None
    walk = watched.walk
    assert [check.sentence for check in walk.checks if not check.ok] == []
    request, reply = walk.legs
    arrived = next(hop for hop in request.hops if hop.title == "appliance receives")
    assert arrived.geneve is not None
    assert (arrived.geneve.outer_source, arrived.geneve.outer_destination) == (NODE, APPLIANCE)
    assert arrived.geneve.endpoint == ENDPOINT
    # The VPC's router takes one off before and one after inspection; the load balancer none.
    ttls = {(hop.title, hop.incoming): hop.ttl for hop in request.hops}
    assert ttls["load balancer sends", False] == ttls["load balancer returns", True]
    assert ttls["translated", False] - ttls["application receives", True] == 2
    assert reply.hops[-1].flow.source == PUBLIC and reply.hops[0].flow.source == PRIVATE


def test_the_kernels_flow_entry_has_the_cookie_of_the_walk(live: Live) -> None:
    walk = walked(live).walk
    assert walk is not None
    flow = next(flow for flow in live.dataplane.flows() if flow.source_port == walk.connection.source_port)
    assert flow.cookie == walk.cookie


def test_a_capture_ends_at_its_bounds_and_misses_what_is_not_there(live: Live) -> None:
    gateway = PortRef(f"igw-{'9':0>17}", "internet")
    ports = [gateway, PortRef("internet", "nothing"), PortRef("i-00000000000000000", "eth0")]
    with Capture(ports, open_socket=live.fabric.open_socket, code=filters.between([], [PUBLIC])) as capture:
        assert set(capture.missing) == set(ports[1:])
        fetch(live)
        caught = list(capture.frames(Bounds(packets=3, seconds=5)))
        assert [frame.port for frame in caught] == [gateway] * 3
        assert [frame.incoming for frame in caught] == [True, False, True]
        assert caught[0].at_ns < caught[1].at_ns < caught[2].at_ns
        started = time.monotonic()
        list(capture.frames(Bounds(seconds=0.3)))
        assert time.monotonic() - started < 2


def test_no_stack_drops_anything_on_the_way_of_ordinary_connections(live: Live) -> None:
    boxes = network.topology(live.snapshot).boxes
    before = drops.of_stacks(boxes, run_in=live.fabric.run_in)
    fetch(live)
    assert drops.of_stacks(boxes, run_in=live.fabric.run_in) == before


def asked_of(live: Live, snapshot: Snapshot, *, account: str = OPERATOR, **want: Any) -> Reach:
    """The network as `snapshot` asks for it has to be applied."""
    asker = Asker(
        viewer=Viewer(account, account == OPERATOR),
        find_flow=lambda endpoint, flow: None,
        programs=live.dataplane,
        run_in=live.fabric.run_in,
        ifindex=live.ifindex,
    )
    return reach(snapshot, ReachAsked(destination_port=80, **want), asker)


def test_both_directions_reach_by_one_appliance_and_the_real_flow_table_is_left_alone(live: Live) -> None:
    before = len(list(live.dataplane.flows()))
    found = asked_of(live, live.snapshot, source=IGW, destination=WEB)
    assert (found.by, found.blocked, found.symmetric, found.by_passes) == ("programs", None, True, False)
    assert [step.decision for step in found.forward.steps] == [
        "igw_in", "eni_forwarded", "encapsulated", "eni_forwarded", "returned", "eni_forwarded", "decapsulated",
        "eni_forwarded", "delivered",
    ]  # fmt: skip
    assert found.back is not None and found.back.steps[-1].decision == "igw_out"
    met = found.appliances
    assert met.forward == met.back and met.forward is not None
    assert (met.forward.target, met.forward.address, met.forward.zone) == (f"i-{'2':0>17}", APPLIANCE, "a")
    chosen = [step.chosen for way in (found.forward, found.back) for step in way.steps if step.chosen]
    assert chosen == ["maglev", "flow"]
    assert found.sentence.startswith("Reachable both ways. Both directions meet the same appliance, i-")
    assert len(list(live.dataplane.flows())) == before
    outward = asked_of(live, live.snapshot, source=WEB, destination="192.0.2.9")
    assert outward.symmetric and outward.forward.steps[-1].decision == "igw_out"


def test_a_consumer_is_told_that_one_appliance_is_met_and_not_which(live: Live) -> None:
    found = asked_of(live, live.snapshot, account=CONSUMER, source=IGW, destination=WEB, language="ko")
    assert found.symmetric and found.appliances.forward is not None
    assert (found.appliances.forward.target, found.appliances.forward.cookie is None) == (None, False)
    assert found.sentence == (
        "양방향으로 도달할 수 있습니다. 두 방향이 같은 어플라이언스를 지납니다. "
        "통과 여부는 어플라이언스가 직접 결정하며 여기서는 확인하지 않았습니다."
    )


def test_without_the_edge_route_the_answer_ends_at_the_endpoint_and_the_walk_shows_the_by_pass(live: Live) -> None:
    changed = lab(*live.more, without=("rtb-edge",))
    with live.being(changed):
        found = asked_of(live, changed, source=IGW, destination=WEB)
        assert found.forward.arrives and found.by_passes and found.symmetric is None
        assert found.blocked is not None and (found.blocked.direction, found.blocked.verdict) == ("back", "tcp_no_flow")
        fix = found.blocked.fix
        assert fix is not None and (fix.resource, fix.page) == (IGW, "route-table")
        assert "create-route --route-table-id" in fix.command and ENDPOINT in fix.command
        walk = walked(live, fetches=False).walk
    assert walk is not None and walk.legs[0].by_passed and not walk.legs[1].by_passed
    assert [hop.step for hop in walk.legs[0].hops] == [1, 2, 8]
    assert "no route table of its own" in next(one.sentence for one in walk.checks if one.name == "request inspected")


def test_a_closed_group_is_named_with_the_rule_that_opens_it(live: Live) -> None:
    interface = live.snapshot.get(NetworkInterface, f"eni-{'1':0>17}")
    assert interface is not None
    group = SecurityGroup(
        id="sg-1", account=CONSUMER, region="ap-northeast-2", name="closed", description="", vpc=interface.vpc
    )
    changed = lab(*live.more, group, replace(interface, groups=("sg-1",)))
    with live.being(changed):
        found = asked_of(live, changed, source=IGW, destination=WEB)
    assert found.blocked is not None and found.blocked.verdict == "security_group_ingress"
    assert found.back is None and found.symmetric is None
    assert found.blocked.by is not None and found.blocked.by.resource == "sg-1"
    fix = found.blocked.fix
    assert fix is not None and (fix.page, fix.field) == ("security-group", "IpPermissions")
    assert "FromPort=80,ToPort=80,IpRanges=[{CidrIp=192.0.2.1/32}]" in fix.command


def test_an_established_connection_is_walked_in_its_middle(live: Live) -> None:
    begin = f"import socket,time\ns=socket.create_connection(('{PUBLIC}',80))\n"
    talk = begin + "while True:\n s.send(b'G'); time.sleep(0.05)"
    talker = live.start("internet", "python3", "-c", talk)
    try:
        flow = until_talking(live)
        asked = question(clients=frozenset({flow.source}), client_port=flow.source_port, port=80, established=True)
        watched = walked(live, asked=asked, fetches=False, client=False)
    finally:
        talker.kill()
        talker.wait()
    walk = watched.walk
    assert walk is not None and walk.established and [one.sentence for one in walk.checks if not one.ok] == []
    assert walk.connection.source_port == flow.source_port and walk.cookie == flow.cookie
    assert [len(leg.hops) for leg in walk.legs] == [11, 11]


def until_talking(live: Live) -> Flow:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for flow in live.dataplane.flows():
            if (
                flow.packets_forward > 5
                and flow.packets_backward > 5
                and flow.last_seen_s < 0.5
                and flow.tcp == "established"
            ):
                return flow
        time.sleep(0.05)
    raise AssertionError("nobody talks through the load balancer")


def test_a_capture_of_a_whole_vpc_names_flow_target_and_verdict_as_it_comes(live: Live) -> None:
    where = visibility.where(live.snapshot, network.topology(live.snapshot))
    viewer = Viewer(OPERATOR, True)
    ports = capture_places.ports(live.snapshot, f"vpc-{'c':0>17}", where=where, viewer=viewer)
    assert len(ports) == 3
    named = visibility.by_ifindex(where, live.ifindex)
    closed = threading.Event()
    with Capture(ports, open_socket=live.fabric.open_socket, code=filters.everything()) as capture:
        pieces = capture_file.pieces(
            capture,
            ports=ports,
            bounds=Bounds(packets=12, seconds=5),
            commentator=Commentator(where=where, names=ports, private=places.public_to_private(live.snapshot)),
            read_books=lambda: capture_file.read_books(
                live.dataplane, snapshot=live.snapshot, ports=named, viewer=viewer, now_s=time.time()
            ),
            comment="a VPC",
            close=closed.set,
        )
        head = next(pieces)
        fetch(live)
        file = b"".join([head, *pieces])
    assert closed.is_set() and pcapng.count(file) == (12, b"")
    assert b"flow cookie 0x" in file and f"target i-{'2':0>17} ({APPLIANCE}, a)".encode() in file
    assert b"eni_forwarded: " in file
