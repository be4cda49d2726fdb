"""`/_gwlb/v1/…`: what AWS has no call for. Signed like AWS's calls; each account sees its own part.

The functions behind the routes block, so they run in threads. With `--data-plane none` there is nothing to see.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from opengwlb.dataplane.flows import Flow
from opengwlb.model.compute import Instance
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.topology import PortRef, Topology
from opengwlb.model.vpc import NetworkInterface
from opengwlb.policy import names, network
from opengwlb.store.protocol import Compacted
from opengwlb.wire.body import read_body
from opengwlb.wire.errors import AwsError

from . import (
    asked,
    capture_file,
    capture_places,
    chaos,
    drops,
    events,
    filters,
    flows,
    lint,
    places,
    plan,
    reach,
    rehearsal,
    visibility,
    walk_context,
    walk_question,
)
from .capture import Bounds, Capture
from .capture_comments import Books, Commentator
from .chaos import ChaosAsked
from .crafted import Craft
from .drops import Reading
from .frames import FlowTuple
from .sources import Authenticate as Authenticate
from .sources import DataPlaneReads as DataPlaneReads
from .sources import FabricReads as FabricReads
from .sources import Sources as Sources
from .visibility import Viewer, Where
from .walker import watch
from .why import why

PATH = "/_gwlb/v1"
WATCHERS = 8
"""Walks and captures at once: each holds a thread, and memory for what it caught."""
_NOT_SEEN = "No matching connection within {:g} s: one has to pass while this waits. `gwlb drops` and `gwlb why` may say why none does."


Work = Callable[[Viewer, bytes, dict[str, str]], Response]
"""(who asks, body, query) -> answer; runs in a thread. Raises AwsError."""


def answering(works: Mapping[str, Work], *, authenticate: Authenticate, operator: str) -> list[Route]:
    """A route for each of `works` by name."""

    def endpoint(work: Work) -> Callable[[Request], Any]:
        async def answer(request: Request) -> Response:
            try:
                body = await read_body(request)
                account = authenticate(request, body)
                # Where a browser can set no header it says here which of its accounts asks; `authenticate` has read it.
                query = {name: value for name, value in request.query_params.items() if name != "account"}
                return await run_in_threadpool(work, Viewer(account, account == operator), body, query)
            except AwsError as error:
                return JSONResponse({"code": error.code, "message": error.message}, status_code=error.status)

        return answer

    return [Route(f"{PATH}/{name}", endpoint(work), methods=["GET", "POST"]) for name, work in works.items()]


def routes(*, sources: Sources, authenticate: Authenticate, operator: str) -> list[Route]:
    """GET and POST take the same fields, from the query or as a JSON body. `operator` is the account that sees everything."""

    answers = _Answers(sources)
    works = {
        "flows": answers.flows,
        "plan": answers.plan,
        "drops": answers.drops,
        "why": answers.why,
        "reach": answers.reach,
        "walk": answers.walk,
        "captures": answers.captures,
        "events": answers.events,
        "lint": answers.lint,
        "chaos": answers.chaos,
    }
    return answering(works, authenticate=authenticate, operator=operator)


class _Answers:
    def __init__(self, sources: Sources) -> None:
        self._of = sources
        self._watching = threading.BoundedSemaphore(WATCHERS)
        self._rehearsing = threading.Lock()  # each holds a copy of the flow table

    @contextlib.contextmanager
    def _watcher(self) -> Iterator[FabricReads]:
        """A place among those who watch packets, and what they need. Raises AwsError."""
        if self._of.fabric is None:
            raise AwsError("UnsupportedOperation", "This server carries no packets (--data-plane none).")
        if not self._watching.acquire(blocking=False):
            raise AwsError(
                "Throttling", f"{WATCHERS} walks and captures are running: try again when one ends.", status=429
            )
        try:
            yield self._of.fabric
        finally:
            self._watching.release()

    def flows(self, viewer: Viewer, body: bytes, query: dict[str, str]) -> Response:
        want = asked.read(body, query, kind=asked.FlowsAsked)
        plane, snapshot = self._of.dataplane, self._snapshot()
        if plane is None:
            return JSONResponse({"at": 0, "total": 0, "flows": [], "total_ended": 0, "ended": []})
        targets = flows.Targets(snapshot)
        wanted = flows.wanted(snapshot, targets, want.wish(), viewer=viewer)
        if want.since is None:
            found = plane.find_flows(wanted, limit=want.limit)
            lists = {"flows": found.flows}
            head = {"at": found.at_ns, "total": found.total}
        else:
            changes = plane.changed_flows(wanted, after_ns=want.since, limit=want.limit)
            lists = {"flows": changes.began.flows, "ended": changes.ended.flows}
            head = {"at": changes.began.at_ns, "total": changes.began.total, "total_ended": changes.ended.total}
        rows = {name: flows.rows(snapshot, found, targets, viewer=viewer) for name, found in lists.items()}
        return StreamingResponse(flows.streamed(head, rows), media_type="application/json")

    def plan(self, viewer: Viewer, body: bytes, query: dict[str, str]) -> Response:
        want = asked.read(body, query, kind=asked.PlanAsked)
        live = self._of.dataplane.tally_flows(with_places=True) if self._of.dataplane else {}
        return JSONResponse(plan.answer(self._snapshot(), want, live, viewer=viewer))

    def drops(self, viewer: Viewer, body: bytes, query: dict[str, str]) -> Response:
        want = asked.read(body, query, kind=asked.DropsAsked)
        before = None
        if want.over_s:
            before = self._read_drops(network.topology(self._snapshot()))
            time.sleep(want.over_s)
        snapshot = self._snapshot()
        topology = network.topology(snapshot)
        plane = self._of.dataplane
        after = self._read_drops(topology)
        rows = drops.rows(
            snapshot,
            topology,
            counters=after.counters,
            verdicts=plane.verdicts if plane else {},
            ifindex=self._of.ifindex(),
            stacks=after.stacks,
            viewer=viewer,
            rates=drops.rates(before, after) if before else None,
            samples=plane.samples() if plane else (),
            language=want.language,
        )
        wanted = [row for row in rows if want.endpoint in (None, row.where)]
        answer = drops.DropsAnswer(
            drops=tuple(wanted[: want.limit]),
            verdicts=drops.known(plane.verdicts.values() if plane else (), language=want.language),
        )
        return Response(msgspec.json.encode(answer), media_type="application/json")

    def why(self, viewer: Viewer, body: bytes, query: dict[str, str]) -> Response:
        want = asked.read(body, query, kind=asked.WhyAsked)
        snapshot = self._snapshot()
        self._require_visible(snapshot, want.source, viewer=viewer)
        sender = snapshot.get(Instance, want.source)
        if sender is not None:
            want.source = sender.network_interfaces[0]
        with self._rehearsing:
            answer = self._rehearsed(snapshot, want, viewer=viewer)
        return JSONResponse(answer or self._by_rules(snapshot, want, viewer=viewer))

    def _rehearsed(self, snapshot: Snapshot, want: asked.WhyAsked, *, viewer: Viewer) -> dict[str, Any] | None:
        """By the programs themselves; None where the way is not built."""
        programs, fabric = self._of.dataplane, self._of.fabric
        if programs is None or fabric is None:
            return None
        craft = Craft(flow=_tuple(want), flags=want.flags, length=want.length, ttl=want.ttl)
        with contextlib.suppress(rehearsal.NotBuilt):
            return rehearsal.answer(
                snapshot,
                craft,
                source=want.source,
                programs=programs,
                run_in=fabric.run_in,
                ifindex=self._of.ifindex(),
                viewer=viewer,
            )
        return None

    def _by_rules(self, snapshot: Snapshot, want: asked.WhyAsked, *, viewer: Viewer) -> dict[str, Any]:
        try:
            steps = why(snapshot, source=want.source, flow=_tuple(want), find_flow=self._find_flow, viewer=viewer)
        except (LookupError, ValueError) as error:
            raise AwsError(
                "ValidationError", "source: name an eni-… or i-…, or an igw-… for what comes from outside."
            ) from error
        arrives = steps[-1].decision in ("delivered", "igw_out")
        return {"by": "rules", "arrives": arrives, "steps": [msgspec.to_builtins(step) for step in steps]}

    def reach(self, viewer: Viewer, body: bytes, query: dict[str, str]) -> Response:
        want = asked.read(body, query, kind=asked.ReachAsked)
        snapshot, fabric = self._snapshot(), self._of.fabric
        for named in (want.source, want.destination):
            if named.startswith(("i-", "eni-", "igw-")):
                self._require_visible(snapshot, named, viewer=viewer)
        asker = reach.Asker(
            viewer=viewer,
            find_flow=self._find_flow,
            programs=self._of.dataplane,
            run_in=fabric.run_in if fabric is not None else None,
            ifindex=self._of.ifindex(),
        )
        with self._rehearsing:
            answer = reach.reach(snapshot, want, asker)
        return Response(msgspec.json.encode(answer), media_type="application/json")

    def walk(self, viewer: Viewer, body: bytes, query: dict[str, str]) -> Response:
        want = asked.read(body, query, kind=asked.WalkAsked)
        snapshot = self._snapshot()
        question = walk_question.question(snapshot, want, viewer=viewer)
        addresses = question.servers | question.clients
        path = places.path(snapshot, endpoints=question.endpoints, addresses=addresses, vpcs=question.vpcs)
        named = visibility.where(snapshot, network.topology(snapshot))
        path = path.only({port for port, where in named.items() if viewer.sees(where.accounts)})
        with self._watcher() as fabric:
            watched = watch(
                replace(question, roles=path.roles),
                path=path,
                snapshot=snapshot,
                open_socket=fabric.open_socket,
                seconds=want.wait_s,
            )
        walk, plane = watched.walk, self._of.dataplane
        if walk is None:
            raise AwsError("NoConnection", _NOT_SEEN.format(want.wait_s), status=404)
        if plane is not None:
            ports = visibility.by_ifindex(named, self._of.ifindex())
            known = walk_context.read(walk, plane, snapshot=snapshot, ports=ports, viewer=viewer, now_s=time.time())
            walk = walk_context.explained(walk, known, language=want.language)
        from . import walk_text

        return JSONResponse(walk_text.to_json(walk))

    def captures(self, viewer: Viewer, body: bytes, query: dict[str, str]) -> Response:
        want = asked.read(body, query, kind=asked.CaptureAsked)
        snapshot = self._snapshot()
        where = visibility.where(snapshot, network.topology(snapshot))
        ports = capture_places.ports(snapshot, want.port, where=where, viewer=viewer)
        code = filters.between([want.host], [], length=want.snap) if want.host else filters.everything(length=want.snap)
        with contextlib.ExitStack() as held:
            fabric = held.enter_context(self._watcher())
            capture = held.enter_context(Capture(ports, open_socket=fabric.open_socket, code=code))
            if capture.is_over:
                raise AwsError("ResourceNotReady", f"{want.port} has no device yet.", status=404)
            file = capture_file.pieces(
                capture,
                ports=ports,
                bounds=Bounds(packets=want.packets, bytes=want.bytes, seconds=want.seconds),
                commentator=Commentator(where=where, names=ports, private=places.public_to_private(snapshot)),
                read_books=lambda: self._books(snapshot, where, viewer),
                comment=f"{want.port}, captured by gwlb",
                close=held.pop_all().close,
            )
        # Begun here, so that it ends properly even when nobody reads it.
        begun = itertools.chain([next(file)], file)
        name = capture_places.file_name(want.port, at=time.strftime("%Y%m%d-%H%M%S"))
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return StreamingResponse(begun, media_type="application/x-pcapng", headers=headers)

    def _books(self, snapshot: Snapshot, where: Mapping[PortRef, Where], viewer: Viewer) -> Books:
        plane = self._of.dataplane
        if plane is None:
            return Books(verdicts={})
        named = visibility.by_ifindex(where, self._of.ifindex())
        return capture_file.read_books(plane, snapshot=snapshot, ports=named, viewer=viewer, now_s=time.time())

    def events(self, viewer: Viewer, body: bytes, query: dict[str, str]) -> Response:
        want = asked.read(body, query, kind=asked.Since)
        if want.wait_s and want.since is not None:
            self._of.store.wait(want.since, want.wait_s)
        revision = self._snapshot().revision
        try:
            changes = events.lately(self._of.store) if want.since is None else self._of.store.changes(want.since)
        except Compacted as error:
            raise AwsError(
                "RevisionTooOld",
                f"Changes after revision {want.since} are no longer kept: list and start anew.",
                status=410,
            ) from error
        return JSONResponse(
            {
                "events": events.rows(self._of.owners.told(changes), viewer=viewer, limit=want.limit),
                "revision": revision,
            }
        )

    def lint(self, viewer: Viewer, body: bytes, query: dict[str, str]) -> Response:
        want = asked.read(body, query, kind=asked.LintAsked)
        return JSONResponse({"findings": lint.rows(self._snapshot(), viewer=viewer, language=want.language)})

    def _read_drops(self, topology: Topology) -> Reading:
        plane, fabric = self._of.dataplane, self._of.fabric
        return drops.Reading(
            at_s=time.monotonic(),
            counters=tuple(plane.counters()) if plane else (),
            stacks=tuple(drops.of_stacks(topology.boxes, run_in=fabric.run_in)) if fabric else (),
        )

    def chaos(self, viewer: Viewer, body: bytes, query: dict[str, str]) -> Response:
        want = asked.read(body, query, kind=ChaosAsked)
        plane = self._of.dataplane
        if plane is None:
            raise AwsError("UnsupportedOperation", "This server carries no packets (--data-plane none).")
        if want.target is not None:
            chaos.ask(self._of.store, want, viewer=viewer, now_s=time.time())
        found = chaos.rows(
            self._snapshot(),
            counts=plane.chaos().counts(),
            ifindex=self._of.ifindex(),
            viewer=viewer,
            now_s=time.time(),
        )
        return JSONResponse({"chaos": found})

    def _snapshot(self) -> Snapshot:
        return self._of.store.snapshot()

    def _find_flow(self, endpoint: int, flow: FlowTuple) -> Flow | None:
        for one in self._of.dataplane.flows() if self._of.dataplane else ():
            there = FlowTuple(one.source, one.destination, one.protocol, one.source_port, one.destination_port)
            if one.endpoint == endpoint and flow in (there, there.reversed()):
                return one
        return None

    def _require_visible(self, snapshot: Snapshot, resource: str, *, viewer: Viewer) -> PortRef:
        """The port that stands for an `eni-…`, `vpce-…`, `igw-…` or `i-…`. What is not the caller's is not there."""
        if resource.startswith("i-"):
            ref = names.instance_port(resource)
            resource = next(
                (link.id for link in network.topology(snapshot).links.values() if ref in (link.a.ref, link.b.ref)),
                resource,
            )
        interface = snapshot.get(NetworkInterface, resource)
        if interface is not None and interface.uplink is not None:
            resource = interface.uplink
        for port, where in visibility.where(snapshot, network.topology(snapshot)).items():
            if where.resource == resource and viewer.sees(where.accounts):
                return port
        raise AwsError("ResourceNotFound", f"There is no {resource} with a port in the network.", status=404)


def _tuple(want: asked.WhyAsked) -> FlowTuple:
    return FlowTuple(want.source_address, want.destination, want.protocol, want.source_port, want.destination_port)
