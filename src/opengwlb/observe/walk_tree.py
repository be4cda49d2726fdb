"""A walk's packets taken apart, for people: at each place a tree of headers and fields, with where their bytes stand."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from .dissect import Node
from .walk import Hop, Walk

BYTES_A_LINE = 16


def render(walk: Walk) -> RenderableType:
    return Group(*(_hop(leg.name, hop) for leg in walk.legs for hop in leg.hops))


def _hop(leg: str, hop: Hop) -> RenderableType:
    way = "in" if hop.incoming else "out"
    title = f"{leg} {hop.step} {hop.title}, {hop.resource} {way}: {hop.frame_length} bytes"
    if hop.verdict is not None:
        title += f", {hop.verdict}"
    tree = Tree(Text(title, style="bold"))
    for node in hop.tree:
        _grow(tree, node)
    return Group(tree, _dump(bytes.fromhex(hop.bytes)))


def _grow(tree: Tree, node: Node) -> None:
    where = f"[{node.offset}:{node.offset + node.length}]" if node.length else ""
    grown = tree.add(Text.assemble(f"{node.name}", (f" {node.value}" if node.value else ""), (f"  {where}", "dim")))
    for child in node.children:
        _grow(grown, child)


def _dump(data: bytes) -> Text:
    lines = (data[at : at + BYTES_A_LINE].hex(" ") for at in range(0, len(data), BYTES_A_LINE))
    return Text("\n".join(f"    {at * BYTES_A_LINE:04x}  {line}" for at, line in enumerate(lines)), style="dim")
