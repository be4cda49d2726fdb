"""The network's map as a tree of words for a terminal: each resource is told once, with what hangs from it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

Row = Mapping[str, Any]
"""A node or an edge of `map`'s answer."""

HOMES = ("serves", "associated", "forwards", "registered", "contains", "routes")
"""Kinds of edges. A resource that several lead to is told where the first of these does; elsewhere it is only named."""
ORDER = ("internet-gateway", "subnet", "route-table", "endpoint", "network-interface", "instance", "endpoint-service",
         "load-balancer", "target-group", "target")  # fmt: skip
"""Of what hangs from one resource."""
MOST_LISTED = 25
"""Resources of one kind below another; of more, those in trouble, and how many the others are."""
ELSEWHERE = "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A line of the tree. Its words are plain text."""

    node: Row
    """Empty of a line that only counts."""
    words: str
    way: str = ""
    """What comes before the words: of a route its destination."""
    bad: bool = False
    """The resource is not healthy, or the way to it leads nowhere."""
    below: tuple[Branch, ...] = ()


def forest(nodes: Sequence[Row], edges: Sequence[Row]) -> tuple[Branch, ...]:
    """A tree for each resource that nothing leads to: VPCs, and of other accounts what may be seen of them.

    Instances are told in their subnets, so the edges from targets to them are not drawn.
    """
    there = {node["id"]: node for node in nodes}
    drawn = [edge for edge in edges if edge["kind"] in HOMES]
    homes: dict[str, Row] = {}
    for edge in drawn:
        known = homes.get(edge["target"])
        if known is None or HOMES.index(edge["kind"]) < HOMES.index(known["kind"]):
            homes[edge["target"]] = edge
    outgoing: dict[str, list[Row]] = {}
    for edge in drawn:
        outgoing.setdefault(edge["source"], []).append(edge)

    def grown(node: Row, edge: Row | None) -> Branch:
        leading = outgoing.get(node["id"], [])
        at_home = edge is None or homes[node["id"]] is edge
        below = [grown(there[one["target"]], one) for one in leading] if at_home else []
        return Branch(
            node=node,
            words=described(node) if at_home else named(node) + (f" {ELSEWHERE}" if leading else ""),
            way=f"{edge['label']} → " if edge and edge["label"] else "",
            bad=node["healthy"] is False or (edge is not None and edge["state"] == "bad"),
            below=tuple(sorted(below, key=lambda branch: _rank(branch.node))),
        )

    return tuple(grown(node, None) for node in nodes if node["id"] not in homes)


def _rank(node: Row) -> int:
    return ORDER.index(node["kind"]) if node["kind"] in ORDER else len(ORDER)


def only_unhealthy(branches: Iterable[Branch]) -> tuple[Branch, ...]:
    """The branches that are bad, and those that lead to one."""
    kept = []
    for branch in branches:
        below = only_unhealthy(branch.below)
        if branch.bad or below:
            kept.append(replace(branch, below=below))
    return tuple(kept)


def shortened(branches: Sequence[Branch]) -> tuple[Branch, ...]:
    """Of each kind no more than a person reads: beyond that those in trouble, and the others counted by state."""
    by_kind: dict[str, list[Branch]] = {}
    for branch in branches:
        by_kind.setdefault(branch.node["kind"], []).append(branch)
    kept: list[Branch] = []
    for kind, alike in by_kind.items():
        listed = alike if len(alike) <= MOST_LISTED else [one for one in alike if only_unhealthy([one])][:MOST_LISTED]
        kept += [replace(one, below=shortened(one.below)) for one in listed]
        if len(listed) < len(alike):
            shown = {id(one) for one in listed}
            states = Counter(one.node["state"] for one in alike if id(one) not in shown)
            counted = ", ".join(f"{count:,} {state}" for state, count in states.most_common())
            kept.append(Branch(node={}, words=f"{ELSEWHERE} {kind.replace('-', ' ')}s: {counted} more"))
    return tuple(kept)


def named(node: Row) -> str:
    """Its kind, its name, and its id when that is another and short enough to be typed."""
    kind = node["kind"].replace("-", " ")
    short = node["detail"].get("target") or node["id"]
    if short == node["name"] or short.startswith("arn:"):
        return f"{kind} {node['name']}"
    return f"{kind} {node['name']} ({short})"


def described(node: Row) -> str:
    """`named`, and the addresses and the zone by which people know it."""
    detail = node["detail"]
    addresses = [*detail.get("cidrs", ()), *detail.get("addresses", ()), *detail.get("public_addresses", ())]
    known = [", ".join(one for one in addresses if one != node["name"]), node["zone"] or ""]
    if detail.get("main"):
        known.insert(0, "main")
    return " ".join((named(node), *(one for one in known if one)))
