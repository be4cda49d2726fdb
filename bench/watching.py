"""Who looks at a million flows disturbs none of them: `gwlb flows` over and over while packets pass.

The packets go from an endpoint through the load balancer and its VPC's router to a target, which stops them at its tunnel: the one
thread that sends, forwards and receives them stays on the last CPU, the server and `gwlb flows` on the first.
"""

from __future__ import annotations

import ctypes
import itertools
import json
import mmap
import os
import random
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.stories.cloud import WEB, Partner, healthy, partner
from tests.stories.server import REGION, Server, until

from opengwlb.dataplane.flows import monotonic_ns
from opengwlb.dataplane.layout import FLOW_BUSY, FLOW_VALID, flow_slot, flow_tuple
from opengwlb.dataplane.maps import Map
from opengwlb.dataplane.syscalls import open_pin
from opengwlb.model.ids import device_name

from .boxes import run
from .figures import Figure, Say, below

RATE = 300_000
SECONDS = 4
ROUNDS = 5
LIVE = 1_000_000
SLOTS = 1 << 21
ANSWER_GOAL_S = 2.0
RISE_GOAL = 1.1
PERMITTED_LAG = 0.99
CLIENT, ANYWHERE = "10.0.1.10", "10.0.2.10"
LONG_S = 6000
"""Idle time of the flows that are filled in: none of them expires while it is measured."""
FIRST_CPU = min(os.sched_getaffinity(0))
GWLB = (str(Path(sys.executable).parent / "gwlb"),)


def rows(*, name: str, directory: Path, inject: Path, say: Say) -> list[Figure]:
    server = Server(name=name, data_dir=directory / "watched", options=("--max-flows", str(SLOTS)))
    try:
        say("building a load balancer with two targets")
        server.start()
        watched = _Watched(server, inject)
        return watched.rows(say)
    finally:
        server.down()


class _Watched:
    """The load balancer, one flow of its first target that packets are sent on, and a million that are there."""

    def __init__(self, server: Server, inject: Path) -> None:
        self._server, self._inject = server, inject
        server.account("watched")
        made = partner(server, account="watched", per_zone=2, appliance="linux", user_data=WEB)
        self._target, self._asked_for = made.appliances["a"]
        self._vpc, self._endpoint = _endpoint(made)
        healthy(made, count=2)
        ports: dict[bool, int] = {}
        for port in itertools.count(20_000):
            ports[self._arrives(port)] = port
            if len(ports) == 2:  # each target has a flow
                break
        self._port = ports[True]

    def _words(self, *, port: int, seconds: float, rate: int) -> list[str]:
        router, balancer, target = (
            self._server.namespace(box).rsplit("/", 1)[-1] for box in (self._vpc, self._balancer(), self._target)
        )
        device = device_name(self._endpoint)
        theirs, mine = (
            json.loads(run("ip", "-n", box, "-j", "link", "show", "dev", device))[0]["address"]
            for box in (balancer, router)
        )
        ends = (router, device, target, theirs, mine, CLIENT, ANYWHERE, str(port))
        return [str(self._inject), *ends, str(seconds), str(rate)]

    def _balancer(self) -> str:
        boxes = json.loads(self._server.gwlb("status", "--json").stdout)["boxes"]
        return next(str(box["id"]) for box in boxes if box["id"].startswith("gwlb-"))

    def _arrives(self, port: int) -> bool:
        """Whether a flow from this port is the first target's."""
        done = subprocess.run(self._words(port=port, seconds=0.05, rate=1000), capture_output=True, text=True)
        return done.returncode == 0

    def _ask(self, *words: str) -> tuple[float, dict[str, Any]]:
        """(seconds, answer) of `gwlb flows` on the first CPU, from the command's start to its end."""
        command = ("taskset", "-c", str(FIRST_CPU), *GWLB, "flows", *words, "--json", "--name", self._server.name)
        start = time.monotonic()
        said = run(*command)
        return time.monotonic() - start, json.loads(said)

    def rows(self, say: Say) -> list[Figure]:
        say(f"filling {LIVE:,} flows into {SLOTS:,} slots")
        self._fill()
        assert self._server.process is not None
        run("taskset", "-a", "-p", "-c", str(FIRST_CPU), str(self._server.process.pid))
        found = self._ask()[1]["total"]
        assert found >= LIVE, f"only {found:,} flows are live"
        return self._measured(say)

    def _measured(self, say: Say) -> list[Figure]:
        quiet, busy, waits, drawn = [], [], [], []
        command = self._words(port=self._port, seconds=SECONDS, rate=RATE)
        for number in range(ROUNDS):
            say(f"{RATE:,} packets/s, round {number + 1} of {ROUNDS}")
            quiet.append(json.loads(run(*command)))
            sender = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            try:
                while sender.poll() is None:
                    took, answer = self._ask("--target", self._asked_for)
                    assert answer["total"] >= LIVE // 2
                    waits.append(took)
                busy.append(json.loads(sender.communicate()[0]))
            finally:
                sender.kill()
                sender.wait()
            drawn.append(self._ask()[0])
        lost = sum(one["sent"] - one["received"] for one in busy)
        reached = min(statistics.median(one["rate"] for one in busy), RATE)
        p99, before = ([one["p99"] / 1000 for one in rounds] for rounds in (busy, quiet))
        each = statistics.median(one["cpu_us"] for one in quiet)
        slow = f"a packet takes {each:.1f} µs of the CPU on this way" if reached < RATE * PERMITTED_LAG else None
        words = f"{LIVE:,} live flows, {RATE:,} packets/s asked, {reached:,.0f} reached"
        rise = below(
            f"p99 of one-way times while `gwlb flows --target` runs; baseline: while nobody asks; {words}",
            value=statistics.median(p99),
            baseline=statistics.median(before),
            unit="µs",
            goal=RISE_GOAL,
            of_ratio=True,
            spread=(min(p99), max(p99)),
            limit="both CPUs share their caches and memory, which the search reads from end to end",
        )
        return [
            below(
                f"`gwlb flows --target X --json`, the slowest of {len(waits)}; {words}",
                value=max(waits), unit="s", goal=ANSWER_GOAL_S, spread=(min(waits), max(waits)),
                limit="what else runs on the CPU that server and command share: alone they need a third of a second",
            ),
            below(
                f"`gwlb flows --json`, every target's, the slowest of {len(drawn)}; {LIVE:,} live flows",
                value=max(drawn), unit="s", goal=ANSWER_GOAL_S, spread=(min(drawn), max(drawn)),
                limit="what else runs on the CPU that server and command share: alone they need a third of a second",
            ),
            Figure(
                figure=f"packets lost while `gwlb flows --target` runs, of {sum(one['sent'] for one in busy):,}",
                value=lost, unit="packets", goal=0, met=lost == 0,
            ),
            rise if slow is None else replace(rise, met=False, limit=slow),
        ]  # fmt: skip

    def _fill(self) -> None:
        """Copies of the flow that is there under other tags, each as if seen just now, every second one of the other target."""
        pins = Path("/run/opengwlb") / self._server.name / "bpf" / "maps"
        flows, tuples = (Map(open_pin(str(pins / name)), name=name) for name in ("flows", "flow_tuples"))
        size, width = ctypes.sizeof(flow_slot), ctypes.sizeof(flow_tuple)
        with mmap.mmap(flows.fd, SLOTS * size) as slots, mmap.mmap(tuples.fd, SLOTS * width) as texts:
            tags = memoryview(slots).cast("Q")[0 :: size // 8].tolist()
            every = [index for index, tag in enumerate(tags) if tag & FLOW_VALID]
            own, numbers = every[0], {flow_slot.from_buffer_copy(slots, index * size).target for index in every}
            assert len(numbers) == 2, "both targets have flows"
            mine = next(index for index in every if self._is_mine(texts, index * width))
            sent_on = flow_slot.from_buffer_copy(slots, mine * size).target
            pattern, text = flow_slot.from_buffer_copy(slots, own * size), texts[own * width : (own + 1) * width]
            pattern.last_seen_ns, pattern.idle_s = monotonic_ns(), LONG_S
            dice = random.Random(1)
            for index in dice.sample(range(SLOTS), LIVE + len(every)):
                if tags[index]:
                    continue
                pattern.tag = (dice.getrandbits(64) & ~FLOW_BUSY) | FLOW_VALID
                pattern.target = next(iter(numbers - {sent_on})) if index % 2 else sent_on
                slots[index * size : (index + 1) * size] = bytes(pattern)
                texts[index * width : (index + 1) * width] = text
        flows.close()
        tuples.close()

    def _is_mine(self, texts: mmap.mmap, at: int) -> bool:
        return int.from_bytes(bytes(flow_tuple.from_buffer_copy(texts, at).source_port), "big") == self._port


def _endpoint(made: Partner) -> tuple[str, str]:
    """(VPC, endpoint) of a consumer without hosts."""
    vpc = made.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = made.ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24", AvailabilityZone=f"{REGION}a")["Subnet"]
    endpoint = made.ec2.create_vpc_endpoint(
        VpcEndpointType="GatewayLoadBalancer",
        VpcId=vpc,
        ServiceName=made.service_name,
        SubnetIds=[subnet["SubnetId"]],
    )["VpcEndpoint"]["VpcEndpointId"]

    def available() -> bool:
        found = made.ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint])["VpcEndpoints"]
        return bool(found[0]["State"] == "available")

    until(available, what="the endpoint is available")
    return vpc, endpoint
