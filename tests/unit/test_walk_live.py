"""One real HTTP connection through the whole network of the tutorial, walked from real captures: boxes by fabric, programs by dataplane."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from watched_lab import APPLIANCE, ENDPOINT, LB, NODE, PRIVATE, PUBLIC, lab, question

from opengwlb.dataplane import DataPlane
from opengwlb.fabric import Fabric
from opengwlb.model.compute import Instance
from opengwlb.model.elb import Slot
from opengwlb.model.images import BUILTIN_IMAGES
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.topology import PortRef
from opengwlb.observe import drops, filters, places
from opengwlb.observe.capture import Bounds, Capture
from opengwlb.observe.walker import Watched, watch
from opengwlb.policy import network
from opengwlb.policy.plane import plane

ROOT = Path(__file__).parents[2]
INSPECTOR = next(image for image in BUILTIN_IMAGES if image.kind == "inspector")
WEB = f"i-{'1':0>17}"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces and loads programs")


@dataclass
class Live:
    snapshot: Snapshot
    fabric: Fabric
    dataplane: DataPlane

    def start(self, box: str, *command: str) -> subprocess.Popen[bytes]:
        enter = ("nsenter", f"--net={self.fabric.namespace(box)}", "--")
        return subprocess.Popen([*enter, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    subprocess.run(["make", "-s", "-C", str(ROOT / "bpf")], check=True)
    appliance = lab().get(Instance, f"i-{'2':0>17}")
    assert appliance is not None
    snapshot = lab(replace(appliance, image=INSPECTOR.id), Slot(id=f"node|{LB}|a", number=0, generation=1))
    fabric = Fabric(name="eniw", run_dir=Path("/run/opengwlb/eniw"))  # where ranges of ifindexes are shared out
    dataplane = DataPlane(run_dir=tmp_path_factory.mktemp("plane"), objects=ROOT / "build" / "bpf", max_flows=4096)
    served = Live(snapshot, fabric, dataplane)
    server: subprocess.Popen[bytes] | None = None
    try:
        dataplane.open()
        topology = network.topology(snapshot)
        built = fabric.apply(topology, attach=dataplane.attach)
        assert built.errors == {}
        assert dataplane.apply(plane(snapshot, topology), built.ifindex) == {}
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


def walked(live: Live) -> Watched:
    ready = threading.Event()

    def client() -> None:
        ready.wait(10)
        fetch(live)

    thread = threading.Thread(target=client)
    thread.start()
    try:
        return watch(
            question(port=80, protocol=6),
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
