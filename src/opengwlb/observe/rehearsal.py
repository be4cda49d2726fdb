"""A packet's whole way, told by the programs themselves: each box's real program runs on what the one before left, over copies of the
maps. Nothing is sent and nothing is changed. An appliance is taken to return every packet as it is.
"""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

from opengwlb.dataplane.dry_run import Ran
from opengwlb.dataplane.errors import DataPlaneError
from opengwlb.dataplane.verdicts import Verdict, VerdictKind
from opengwlb.model.elb import LoadBalancer
from opengwlb.model.plane import Plane
from opengwlb.model.privatelink import VpcEndpoint
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.topology import Port, PortRef, Program, Topology
from opengwlb.model.vpc import InternetGateway, NetworkInterface, RouteTable
from opengwlb.policy import balancing, names, network
from opengwlb.policy.plane import plane
from opengwlb.wire.errors import AwsError

from . import crafted, frames, refused, samples, visibility
from .frames import FlowTuple
from .refused import Refused
from .visibility import Viewer

T = TypeVar("T")
MOST_STEPS = 200
"""A packet in a loop ends by its TTL; this is for loops that take none off."""
_COOKIE_AT, _OUTER_DESTINATION_AT = 78, 30
_IS_TUNNEL = (slice(36, 38), (6081).to_bytes(2, "big"))


class NotBuilt(Exception):
    """There is no port yet that the programs could be asked at; the argument is the id."""


class Trial(Protocol):
    """What is used of `dataplane.dry_run.DryRun`."""

    def run(self, program: str, frame: bytes, *, ifindex: int) -> Ran: ...
    def is_known(self, cookie: int) -> bool: ...


class RunIn(Protocol):
    """`fabric.run_in`: call a function inside a box. Raises OSError when there is no such box."""

    def __call__(self, box_id: str, function: Callable[[], T], /) -> T: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    at: str
    """The id of what decides here."""
    decision: str
    """The verdict's name; `returned`, `delivered` and `left` where no program of ours decides."""
    sentence: str
    packet: str = ""
    """As it was when it came here."""
    details: dict[str, Any] = field(default_factory=dict)
    """Of an endpoint: flow, target, address, node, cookie, chosen. Of a router: route_table, to."""
    seen_by: frozenset[str] = frozenset()
    """Accounts that may know of it."""
    flow: FlowTuple | None = None
    """The innermost packet's, as it was when it came here."""
    refused: Refused | None = None
    """Whose rules, where a router refused it by rules."""


class Programs(Protocol):
    """What is used of `dataplane.DataPlane`."""

    @property
    def verdicts(self) -> Mapping[int, Verdict]: ...
    def dry_run(self) -> AbstractContextManager[Trial]: ...


def answer(
    snapshot: Snapshot,
    craft: crafted.Craft,
    *,
    source: str,
    programs: Programs,
    run_in: RunIn,
    ifindex: Mapping[PortRef, int],
    viewer: Viewer,
) -> dict[str, Any]:
    """The read API's answer. Raises AwsError, and NotBuilt for a source that is not built."""
    with refusing():
        rehearsal = of(snapshot, programs=programs, run_in=run_in, ifindex=ifindex, viewer=viewer)
        steps = rehearsal.steps(source, crafted.packet(craft))
    return {
        "by": "programs",
        "arrives": rehearsal.arrived,
        "steps": [
            {name: getattr(step, name) for name in ("at", "decision", "sentence", "packet", "details")}
            for step in steps
        ],
    }


def of(
    snapshot: Snapshot, *, programs: Programs, run_in: RunIn, ifindex: Mapping[PortRef, int], viewer: Viewer
) -> Rehearsal:
    """In the network that this snapshot asks for."""
    topology = network.topology(snapshot)
    return Rehearsal(
        snapshot,
        topology,
        plane(snapshot, topology),
        ifindex=ifindex,
        verdicts=programs.verdicts,
        dry_run=programs.dry_run,
        run_in=run_in,
        viewer=viewer,
    )


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """What goes wrong inside is an AwsError outside; NotBuilt stays itself."""
    try:
        yield
    except ValueError as error:
        raise AwsError("ValidationError", str(error)) from error
    except (DataPlaneError, OSError) as error:
        raise AwsError("DryRunFailed", f"The programs could not be asked: {error}.", status=503) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A packet's way as the programs told it."""

    steps: list[Step]
    """Without what the viewer may not know."""
    arrived: bool
    at: str
    """The interface that it arrived at, or the gateway that it left by; empty where nobody answers: it ended, or the VPC itself took it."""
    frame: bytes
    """As it arrived."""


class Rehearsal:
    """One question. Raises NotBuilt for a place that is not built, ValueError for a packet that cannot be made."""

    def __init__(
        self,
        snapshot: Snapshot,
        topology: Topology,
        entries: Plane,
        *,
        ifindex: Mapping[PortRef, int],
        verdicts: Mapping[int, Verdict],
        dry_run: Callable[[], AbstractContextManager[Trial]],
        run_in: RunIn,
        viewer: Viewer,
    ) -> None:
        self._snapshot = snapshot
        self._plane = entries
        self._ifindex = ifindex
        self._verdicts = verdicts
        self._dry_run = dry_run
        self._run_in = run_in
        self._viewer = viewer
        self._where = visibility.where(snapshot, topology)
        self._peers: dict[PortRef, Port] = {}
        self._ports: dict[PortRef, Port] = {}
        for link in topology.links.values():
            self._peers[link.a.ref], self._peers[link.b.ref] = link.b, link.a
            self._ports[link.a.ref], self._ports[link.b.ref] = link.a, link.b
        self.arrived = False
        """Whether the way that `steps` told ended where the packet wanted to go."""
        self._ended = ("", b"")
        self._cookies: set[int] = set()
        self._opened: frozenset[int] = frozenset()
        """Of flows that a way before this one opened, in the copies alone."""
        self._leaving = {(_mac(one.mac), _mac(one.peer_mac)): one for one in entries.enis.values()}

    def steps(self, source: str, packet: bytes) -> list[Step]:
        """From an `eni-…`, an endpoint (as its VPC's router gives it the packet) or an `igw-…` (from the internet) on. What is
        not the viewer's is left out."""
        self._start(source)
        with self._dry_run() as self._trial:
            way = self._way(source, packet)
        self.arrived = way.arrived
        return way.steps

    def there_and_back(self, source: str, packet: bytes, answer: Callable[[bytes], bytes]) -> tuple[Way, Way | None]:
        """And the way back of what `answer` makes of the frame that arrived: it meets the flows that the packet opened. None where
        nobody answers."""
        self._start(source)
        with self._dry_run() as self._trial:
            there = self._way(source, packet)
            self._opened = frozenset(self._cookies)
            return there, self._way(there.at, answer(there.frame)) if there.at else None

    def _way(self, source: str, packet: bytes) -> Way:
        port, egress = self._start(source)
        far = self._peers[port.ref]
        made = crafted.frame(packet, source=far.mac, destination=port.mac)
        self._ended = ("", b"")
        walked = list(self._gateway_in(port, made) if egress else self._walk(port, made))
        at, frame = self._ended
        return Way(
            steps=[step for step in walked if self._viewer.sees(step.seen_by)],
            arrived=walked[-1].decision in ("delivered", "igw_out", "to_router", "to_service"),
            at=at,
            frame=frame,
        )

    def _start(self, source: str) -> tuple[Port, bool]:
        """The port that the packet meets first, and whether it meets the program on its way out of it. Raises NotBuilt."""
        interface = self._snapshot.get(NetworkInterface, source)
        endpoint = self._snapshot.get(VpcEndpoint, source)
        gateway = self._snapshot.get(InternetGateway, source)
        if interface is not None:
            link = interface.uplink or interface.id
            return self._port(names.router_port(interface.vpc, link), source), False
        if endpoint is not None:
            balancer = self._snapshot.get(LoadBalancer, endpoint.load_balancer)
            if balancer is not None:
                return self._port(names.endpoint_port(balancer, endpoint.id), source), False
        if gateway is not None and gateway.vpc is not None:
            return self._port(names.igw_vpc_port(gateway.id, gateway.vpc), source), True
        raise NotBuilt(source)

    def _port(self, ref: PortRef, source: str) -> Port:
        found = self._ports.get(ref)
        if found is None or ref not in self._ifindex:
            raise NotBuilt(source)
        return found

    def _walk(self, port: Port, frame: bytes) -> Iterator[Step]:
        at: Port | None = port
        for _ in range(MOST_STEPS):
            if at is None:
                return
            match at.program:
                case Program.ENI:
                    step, at, frame = self._router(at, frame)
                case Program.ENDPOINT:
                    step, at, frame = self._endpoint(at, frame)
                case Program.TARGET:
                    step, at, frame = self._node(at, frame)
                case Program.IGW:
                    step, at = self._gateway_out(at, frame), None
                case _:
                    step, at, frame = self._instance(at, frame)
            yield step

    def _run(self, program: str, port: Port, frame: bytes) -> tuple[Verdict, bytes]:
        ifindex = self._ifindex.get(port.ref)
        if ifindex is None:
            raise NotBuilt(self._resource(port))
        ran = self._run_in(port.box, lambda: self._trial.run(program, frame, ifindex=ifindex))
        return self._verdicts[ran.verdicts[0]], ran.frame

    def _step(self, port: Port, verdict: Verdict, frame: bytes, *, more: str = "", **details: Any) -> Step:
        return self._said(port, verdict.name, f"{verdict.sentence}{more}", frame, **details)

    def _said(self, port: Port, decision: str, sentence: str, frame: bytes, **details: Any) -> Step:
        at = self._where.get(port.ref)
        return Step(
            at=at.resource if at else port.box,
            decision=decision,
            sentence=sentence,
            packet=samples.line(frame),
            flow=seen.flow if (seen := frames.read(frame)) is not None else None,
            details=details,
            seen_by=at.accounts if at else frozenset(),
        )

    def _resource(self, port: Port) -> str:
        at = self._where.get(port.ref)
        return at.resource if at else port.box

    def _router(self, port: Port, frame: bytes) -> tuple[Step, Port | None, bytes]:
        verdict, left = self._run("eni", port, frame)
        entry = self._plane.enis.get(port.ref)
        table = self._table(entry.table) if entry else None
        if verdict.name != "eni_forwarded":
            more, by = f" By {table}." if table and verdict.kind is VerdictKind.DROP else "", None
            if verdict.name in refused.VERDICTS:
                by = refused.by(self._snapshot, verdict.name, frame, vpc=port.box, entered_by=self._resource(port))
                more = f" {by.sentence}" if by is not None else ""
            step = self._step(port, verdict, frame, more=more, **({"route_table": table} if table else {}))
            return replace(step, refused=by), None, left
        leaving = self._leaving[left[6:12], left[:6]]
        to = self._where[leaving.port].resource
        named = f"{table}: " if table else ""
        step = self._step(port, verdict, frame, more=f" {named}to {to}.", route_table=table, to=to)
        return step, self._peers[leaving.port], left

    def _table(self, number: int) -> str | None:
        return next((one.id for one in self._snapshot.values(RouteTable) if one.number == number), None)

    def _endpoint(self, port: Port, frame: bytes) -> tuple[Step, Port | None, bytes]:
        verdict, left = self._run("endpoint", port, frame)
        node = self._node_of(port)
        if verdict.name != "encapsulated" or node is None:
            return self._step(port, verdict, frame), None, left
        cookie = int.from_bytes(left[_COOKIE_AT : _COOKIE_AT + 4], "big")
        address = str(ipaddress.IPv4Address(left[_OUTER_DESTINATION_AT : _OUTER_DESTINATION_AT + 4]))
        known = cookie in self._opened or self._trial.is_known(cookie)
        self._cookies.add(cookie)
        entry = self._plane.nodes[node]
        chosen = "flow" if known else "fail-open" if entry.fail_open else "maglev"
        endpoint = self._snapshot.get(VpcEndpoint, self._resource(port))
        told = endpoint is not None and self._viewer.sees(visibility.provider(self._snapshot, endpoint))
        placed = self._placed_at(endpoint, address) if endpoint and told else None
        target = placed.target.target if placed else None
        reason = {
            "flow": "Known flow",
            "maglev": "New flow, target by its hash",
            "fail-open": "New flow, target by its hash; no target is healthy, so all that failed are used",
        }[chosen]
        more = f" {reason}, cookie 0x{cookie:08x}" + (f": to {target} ({address})." if told else ".")
        details: dict[str, Any] = {"flow": "known" if known else "new", "chosen": chosen, "cookie": f"0x{cookie:08x}"}
        if told:
            details |= {
                "target": target,
                "address": address,
                "zone": placed.zone if placed else None,
                "node": entry.address,
            }
        return self._step(port, verdict, frame, more=more, **details), self._peers[entry.port], left

    def _node_of(self, port: Port) -> int | None:
        return next((one.node for one in self._plane.endpoints.values() if one.port == port.ref), None)

    def _placed_at(self, endpoint: VpcEndpoint, address: str) -> balancing.Placed | None:
        listener = balancing.listener_of(self._snapshot, endpoint.load_balancer)
        for placed in balancing.placed_targets(self._snapshot, listener.target_group) if listener else ():
            if placed.address == address:
                return placed
        return None

    def _node(self, port: Port, frame: bytes) -> tuple[Step, Port | None, bytes]:
        verdict, left = self._run("target", port, frame)
        step = self._step(port, verdict, frame)
        if verdict.name != "decapsulated":
            return step, None, left
        for endpoint in self._plane.endpoints.values():
            if (_mac(endpoint.mac), _mac(endpoint.peer_mac)) == (left[6:12], left[:6]):
                return step, self._peers[endpoint.port], left
        return step, None, left

    def _gateway_in(self, port: Port, frame: bytes) -> Iterator[Step]:
        """From the internet: translated as it leaves the gateway's box toward the VPC."""
        far = self._peers[port.ref]
        made = crafted.frame(frame[14:], source=port.mac, destination=far.mac)
        verdict, left = self._run("igw_in", port, made)
        yield self._step(port, verdict, frame)
        if verdict.name == "igw_in":
            yield from self._walk(far, left)

    def _gateway_out(self, port: Port, frame: bytes) -> Step:
        verdict, left = self._run("igw_out", port, frame)
        more = ""
        if verdict.name == "igw_out":
            self._ended = (self._resource(port), left)
            more = f" {samples.line(left)}."
        return self._step(port, verdict, frame, more=more)

    def _instance(self, port: Port, frame: bytes) -> tuple[Step, Port | None, bytes]:
        """An appliance that a tunnel packet came to, or where the packet wanted to go; beyond an uplink, whoever is there."""
        where = self._resource(port) if port.program is Program.UPLINK else port.box
        at, wanted = _IS_TUNNEL
        if frame[12:14] == b"\x08\x00" and frame[23] == crafted.UDP and frame[at] == wanted:
            step = self._said(port, "returned", f"{where} is taken to return it as it is.", frame)
            return step, self._peers[port.ref], crafted.returned(frame)
        uplink = port.program is Program.UPLINK
        self._ended = ("" if uplink else self._resource(port), frame)
        how = "Leaves by" if uplink else "Arrives at"
        return self._said(port, "delivered", f"{how} {where}.", frame), None, frame


def _mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))
