"""`gwlb map`: the network from its VPCs to the targets as a tree, coloured by health."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from cyclopts import App, Parameter
from rich.console import Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from . import client, credentials, lab, map_tree, watching
from .map_tree import Branch
from .parameters import Account, Json, Name, Watch

COLOURS = {True: "green", False: "red"}
QUIET = frozenset({"vpc", "subnet", "route-table", "internet-gateway", "network-interface"})
"""Kinds whose state is worth a word only when something is wrong."""


def register(app: App) -> None:
    app.command(_map, name="map")


def _map(
    *,
    only_unhealthy: Annotated[bool, Parameter(negative=())] = False,
    region: str | None = None,
    watch: Watch = None,
    account: Account = credentials.OPERATOR,
    name: Name = lab.DEFAULT_NAME,
    json: Json = False,
) -> None:
    """Draw the network: VPC, subnet, route table, endpoint, load balancer, target group, target, coloured by health.

    Each resource is told once with what hangs from it; where "…" follows its name, it is told elsewhere.

    Parameters
    ----------
    only_unhealthy
        Only what is not healthy or leads nowhere, and the way to it.
    region
        Only this region's; all when not given.
    """
    ask = partial(client.as_account(name, account=account).get, "map", region=region)
    watching.answer(
        ask,
        partial(drawn, only_unhealthy=only_unhealthy),
        every=watch,
        as_json=json,
        within=unhealthy if only_unhealthy else lambda answer: answer,
    )


def unhealthy(answer: dict[str, Any]) -> dict[str, Any]:
    """For programs: the nodes that are not healthy and the edges that are bad."""
    return {
        **answer,
        "nodes": [node for node in answer["nodes"] if node["healthy"] is False],
        "edges": [edge for edge in answer["edges"] if edge["state"] == "bad"],
    }


def drawn(answer: dict[str, Any], *, only_unhealthy: bool = False) -> RenderableType:
    """The answer of `map` as trees, one below the other."""
    branches = map_tree.forest(answer["nodes"], answer["edges"])
    if only_unhealthy:
        branches = map_tree.only_unhealthy(branches)
        if not branches:
            return "[bold]map[/]: nothing is unhealthy" if answer["nodes"] else "[bold]map[/]: nothing is there"
    if not branches:
        return "[bold]map[/]: nothing is there"
    return Group(*(_planted(one) for one in map_tree.shortened(branches)))


def _planted(branch: Branch) -> Tree:
    tree = Tree(said(branch), guide_style="dim")
    for one in branch.below:
        tree.children.append(_planted(one))
    return tree


def said(branch: Branch) -> Text:
    """A line: where it leads, what it is, its state and why."""
    line = Text(branch.way, style="red" if branch.bad else "dim")
    line.append(branch.words, style="default")
    node = branch.node
    if not node or branch.words.endswith(map_tree.ELSEWHERE):
        return line
    if node["kind"] not in QUIET or node["healthy"] is False:
        line.append(f" {node['state']}", style=COLOURS.get(node["healthy"], "default"))
    if node["reason"]:
        line.append(f" {node['reason']}", style="red" if node["healthy"] is False else "yellow")
    return line
