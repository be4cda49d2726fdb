"""A walk, for people: one table a direction, then what was checked. The JSON form is the dataclass itself."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from opengwlb.model.ids import device_name

from .frames import FlowTuple
from .walk import Hop, Leg, Walk

_PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6"}


def to_json(walk: Walk) -> dict[str, Any]:
    """What the read API answers: the walk's fields."""
    form: dict[str, Any] = msgspec.to_builtins(walk)
    return form


def from_json(form: Mapping[str, Any]) -> Walk:
    """Raises msgspec.ValidationError for what `to_json` did not make."""
    return msgspec.convert(form, Walk)


def to_text(walk: Walk, *, width: int = 120) -> str:
    """Without colours, as for a log."""
    page = io.StringIO()
    Console(file=page, width=width, highlight=False).print(render(walk))
    return page.getvalue()


def render(walk: Walk) -> RenderableType:
    parts: list[RenderableType] = [Text(f"{_flow(walk.connection)}", style="bold")]
    parts += [_table(leg) for leg in walk.legs]
    parts += [_geneve(walk)]
    if (chosen := walk.chosen) is not None:
        named = f"{chosen.target} {chosen.name}" if chosen.name else chosen.target
        parts.append(Text(f"  target   {named} ({chosen.address}, {chosen.zone}), {chosen.why}. {chosen.sentence}"))
    for leg in walk.legs:
        if (ended := leg.ended) is not None:
            parts.append(Text(f"  ended    {ended.resource}  {ended.verdict}: {ended.sentence}", style="red"))
    parts += [Text(f"  note     {note}") for note in walk.notes]
    for check in walk.checks:
        parts.append(
            Text(f"  {'ok  ' if check.ok else 'FAIL'}     {check.sentence}", style="green" if check.ok else "red")
        )
    parts += [Text(f"  warning  {warning}", style="yellow") for warning in walk.warnings]
    return Group(*parts)


def _table(leg: Leg) -> Table:
    drawn = Table(title=leg.name, title_justify="left", box=box.SIMPLE_HEAD, title_style="bold", pad_edge=False)
    drawn.add_column("", justify="right")
    drawn.add_column("step")
    drawn.add_column("where", overflow="fold")
    drawn.add_column("", no_wrap=True)
    drawn.add_column("µs", justify="right", no_wrap=True)
    drawn.add_column("packet", overflow="fold")
    drawn.add_column("TTL", justify="right")
    drawn.add_column("GENEVE", overflow="fold")
    for new, hop in _first_of_step(leg):
        drawn.add_row(
            str(hop.step) if new else "",
            hop.title if new else "",
            hop.resource if hop.resource == hop.box else f"{hop.resource} ({device_name(hop.box)})",
            "in" if hop.incoming else "out",
            f"{hop.after_us:.0f}",
            _flow(hop.flow),
            str(hop.ttl),
            _outer(hop),
        )
    return drawn


def _first_of_step(leg: Leg) -> Iterator[tuple[bool, Hop]]:
    last = 0
    for hop in leg.hops:
        yield hop.step != last, hop
        last = hop.step


def _flow(flow: FlowTuple) -> str:
    protocol = _PROTOCOLS.get(flow.protocol, str(flow.protocol))
    if flow.protocol not in (6, 17):
        return f"{protocol} {flow.source} → {flow.destination}"
    ends = "{}:{} → {}:{}" if flow.family == 4 else "[{}]:{} → [{}]:{}"
    return f"{protocol} {ends.format(flow.source, flow.source_port, flow.destination, flow.destination_port)}"


def _outer(hop: Hop) -> str:
    if hop.geneve is None:
        return ""
    return f"{hop.geneve.outer_source} → {hop.geneve.outer_destination}, cookie 0x{hop.geneve.cookie:08x}"


def _geneve(walk: Walk) -> Text:
    """The decoded header, as the appliance got it."""
    for leg in walk.legs:
        for hop in leg.tunnelled:
            if hop.geneve is not None and hop.title == "appliance receives":
                return Text(
                    f"  GENEVE   at {hop.resource}: VNI {hop.geneve.vni}, endpoint {hop.geneve.endpoint}, "
                    f"attachment {hop.geneve.attachment}, flow cookie 0x{hop.geneve.cookie:08x}, "
                    f"UDP source port {hop.geneve.outer_source_port}"
                )
    return Text("  GENEVE   no appliance received this connection")
