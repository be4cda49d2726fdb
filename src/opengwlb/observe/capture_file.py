"""A capture as it grows: pcapng, piece by piece, so that a download shows how far it is and nothing is kept that was sent."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping

from opengwlb.dataplane.flows import Flow
from opengwlb.dataplane.wanted import Wanted
from opengwlb.model.ids import endpoint_id, endpoint_number
from opengwlb.model.privatelink import VpcEndpoint
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.topology import PortRef

from . import flows, pcapng, visibility, walk_context
from .capture import Bounds, Capture
from .capture_comments import Books, Commentator
from .visibility import Viewer, Where

FLOWS_READ = 2000
"""Those seen last, each time."""
PIECE_S = 0.5
"""How often what came is written. Books are read as often: a flow's entry is there when its packets are."""


def pieces(
    capture: Capture,
    *,
    ports: Mapping[PortRef, str],
    bounds: Bounds,
    commentator: Commentator,
    read_books: Callable[[], Books],
    comment: str,
    close: Callable[[], None],
) -> Iterator[bytes]:
    """The file's head, then packets by their time. Calls `close` at the end, also when nobody reads any more."""
    listed = list(ports)
    try:
        yield pcapng.head(listed, names=ports, comment=comment)
        until = time.monotonic() + bounds.seconds
        packets, size = bounds.packets, bounds.bytes
        while (left_s := until - time.monotonic()) > 0 and packets > 0 and size > 0:
            some = Bounds(packets=packets, bytes=size, seconds=min(PIECE_S, left_s))
            found = sorted(capture.frames(some), key=lambda frame: frame.at_ns)
            if not found:
                if capture.is_over:
                    return
                continue
            packets, size = packets - len(found), size - sum(len(frame.data) for frame in found)
            commentator.learn(read_books())
            yield pcapng.packets(found, ports=listed, comment=commentator.comment)
    finally:
        close()


def read_books(
    books: walk_context.Books, *, snapshot: Snapshot, ports: Mapping[int, Where], viewer: Viewer, now_s: float
) -> Books:
    """What the asker may see of the data plane's books. `ports` are all there are, by ifindex."""
    targets = flows.Targets(snapshot)
    mine = None
    if not viewer.operator:
        sees = (one for one in snapshot.values(VpcEndpoint) if viewer.sees(visibility.endpoint_accounts(snapshot, one)))
        mine = frozenset(endpoint_number(one.id) for one in sees)
    found = list(books.find_flows(Wanted(endpoints=mine), limit=FLOWS_READ).flows)

    def target_of(flow: Flow) -> flows.Named | None:
        endpoint = snapshot.get(VpcEndpoint, endpoint_id(flow.endpoint))
        may_know = endpoint is not None and viewer.sees(visibility.provider(snapshot, endpoint))
        return targets.get(flow.target) if may_know else None

    return Books(
        verdicts={one.name: one for one in books.verdicts.values()},
        flows=found,
        target_of=target_of,
        dropped=[
            (ports[one.ifindex].port, books.verdicts[one.verdict], one)
            for one in books.samples()
            if one.ifindex in ports and one.verdict in books.verdicts and viewer.sees(ports[one.ifindex].accounts)
        ],
        now_s=now_s,
    )
