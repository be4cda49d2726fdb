"""The console's live picture: `map`, `targets` and `stream`, put together."""

from __future__ import annotations

import time
from typing import Annotated

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from . import asked, read_api, stream
from .feed import Feed
from .network_map import network_map
from .sources import Authenticate, Sources
from .target_watch import TargetWatch
from .traffic_sampler import TrafficSampler
from .visibility import Viewer


class MapAsked(msgspec.Struct, forbid_unknown_fields=True):
    """`map`: of one region, or of all."""

    region: str | None = None


class TargetsAsked(msgspec.Struct, forbid_unknown_fields=True):
    """`targets`: of one target group by ARN or name, or of all; with the last `probes` of each target."""

    target_group: str | None = None
    probes: Annotated[int, msgspec.Meta(ge=0, le=120)] = 120


class Picture:
    def __init__(self, sources: Sources) -> None:
        self._store = sources.store
        self.targets = TargetWatch(
            store=sources.store,
            dataplane=sources.dataplane,
            probes=sources.probes,
            clock=time.time,
            monotonic=time.monotonic,
        )
        sampler = TrafficSampler(sources, clock=time.time, monotonic=time.monotonic)
        self.feed = Feed(sources.store, sources.owners, sample=sampler.sample, forget=sampler.forget)

    def routes(self, *, authenticate: Authenticate, still_there: stream.StillThere, operator: str) -> list[Route]:
        works: dict[str, read_api.Work] = {"map": self._map, "targets": self._targets}
        return [
            *read_api.answering(works, authenticate=authenticate, operator=operator),
            stream.route(
                store=self._store,
                feed=self.feed,
                authenticate=authenticate,
                still_there=still_there,
                operator=operator,
            ),
        ]

    def _map(self, viewer: Viewer, body: bytes, query: dict[str, str]) -> Response:
        want = asked.read(body, query, kind=MapAsked)
        return _json(network_map(self._store.snapshot(), viewer=viewer, region=want.region))

    def _targets(self, viewer: Viewer, body: bytes, query: dict[str, str]) -> Response:
        want = asked.read(body, query, kind=TargetsAsked)
        return _json(self.targets.answer(viewer=viewer, target_group=want.target_group, probes=want.probes))


def _json(answer: msgspec.Struct) -> Response:
    return Response(msgspec.json.encode(answer), media_type="application/json")
