"""Looks at packets: who met which connection, the eight-step walk, and tcpdump's own words on an appliance."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape

from opengwlb.observe import walk_text
from opengwlb.observe.walk import Walk

from ..client import Answered, Client
from . import dumps, plan
from .customer import Web
from .dumps import Packet
from .internet import Internet
from .ledger import Ledger
from .partner import Appliance

WALK_WITHIN_S = 20
SHOWN_PACKETS = 4
EVERY_WAY = {"request in", "request out", "reply in", "reply out"}


class Watching:
    def __init__(
        self,
        client: Client,
        *,
        internet: Internet,
        ledger: Ledger,
        console: Console,
        appliances: Sequence[Appliance],
    ) -> None:
        self._client = client
        self._internet = internet
        self._ledger = ledger
        self._console = console
        self._appliances = appliances

    @contextmanager
    def spread(self, webs: Sequence[Web], *, connections: int) -> Iterator[None]:
        """Of at least so many connections to `webs` made inside the block: each appliance met one, none met two."""
        with dumps.listening(self._internet.name, appliances=self._appliances) as running:
            yield
        endpoints = {web.endpoint for web in webs}
        met: defaultdict[tuple[str, frozenset[dumps.Socket]], set[str]] = defaultdict(set)
        for packet in (packet for dump in running for packet in dump.packets()):
            if packet.endpoint in endpoints:
                met[packet.connection].add(packet.appliance)
        shares = Counter(name for names in met.values() for name in names)
        self._ledger.add(
            "every firewall takes part",
            expected="each handles at least one",
            happened=", ".join(f"{one.name} {shares[one.name]}" for one in self._appliances),
            by="tcpdump on each",
            ok=all(shares[one.name] for one in self._appliances),
        )
        twice = sum(len(names) > 1 for names in met.values())
        self._ledger.add(
            "both directions of a connection meet the same firewall",
            expected="none meets two",
            happened=f"{len(met)} connections seen, {twice} met two",
            by="tcpdump on each",
            ok=len(met) >= connections and not twice,
        )

    def walk(self, web: Web) -> tuple[Walk | None, list[Packet]]:
        """Follow one request to `web` through every box; the walk, and what tcpdump saw of its flow on its appliance."""
        with dumps.listening(self._internet.name, appliances=self._appliances) as running:
            answer = self._ask_while_requesting(web)
        if answer is None:
            self._ledger.add(f"walk to {web.title}", expected="eight steps", happened="no packet was seen", ok=False)
            return None, []
        walk = walk_text.from_json(answer)
        self._console.print(f"\n  [bold]A connection to {web.title}[/]")
        self._console.print(walk_text.render(walk))
        on = next((dump for dump in running if dump.appliance.instance == walk.appliance), None)
        wrong = [check.sentence for check in walk.checks if not check.ok]
        self._ledger.add(
            f"walk to {web.title}",
            expected="eight steps each way, one appliance, one cookie",
            happened=" ".join(wrong) or f"as it should be, cookie {walk.cookie or 0:#010x}",
            by=on.appliance.name if on else str(walk.appliance),
            ok=walk.ok,
        )
        seen = on.packets() if on else []
        return walk, [packet for packet in seen if packet.cookie == walk.cookie and packet.endpoint == web.endpoint]

    def tcpdump(self, walk: Walk, *, packets: Sequence[Packet]) -> None:
        """What `tcpdump -nvv 'port 6081'` printed shows the walk's flow both ways, with its cookie."""
        name = packets[0].appliance if packets else "the appliance"
        self._console.print(f"\n  [bold]tcpdump -nvv 'port 6081'[/] on {name}: {len(packets)} packets of this flow")
        for packet in packets[:SHOWN_PACKETS]:
            self._console.print(escape(packet.text), style="dim", soft_wrap=True)
        client = walk.connection.source, walk.connection.source_port
        ways = {way(packet, client=client) for packet in packets}
        self._ledger.add(
            f"tcpdump on {name}",
            expected="request and reply, each in and out, with the walk's cookie",
            happened=", ".join(sorted(ways)) or "nothing of this flow",
            by=f"cookie {walk.cookie or 0:#010x}",
            ok=ways == EVERY_WAY,
        )

    def _ask_while_requesting(self, web: Web) -> dict[str, Any] | None:
        """Ask for the walk of the next connection, and make connections until it has seen one."""
        question = {
            "endpoint": web.endpoint,
            "client": plan.CLIENTS[0],
            "port": plan.WEB_PORT,
            "wait_s": WALK_WITHIN_S,
        }
        with ThreadPoolExecutor(1) as pool:
            asked: Future[dict[str, Any]] = pool.submit(
                self._client.post, "walk", question, timeout_s=WALK_WITHIN_S + 10
            )
            while not asked.done():
                self._internet.request(web.public_ip, source=plan.CLIENTS[0])
        try:
            return asked.result()
        except Answered as refusal:
            if refusal.code == "NoConnection":
                return None
            raise


def way(packet: Packet, *, client: dumps.Socket) -> str:
    """`request in` (to the appliance), `request out`, `reply in`, `reply out`, or `other` for another connection."""
    side = "in" if packet.incoming else "out"
    if packet.source == client:
        return f"request {side}"
    return f"reply {side}" if packet.destination == client else "other"
