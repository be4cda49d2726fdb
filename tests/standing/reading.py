"""Which members an action reads, found in its source: every string in the functions and constants that it can reach.

Keys of dictionary displays do not count: they are what answers are made of. So a member that stands in an answer only is told from one
that is read. A name that another structure has too cannot be told apart; what is listed in the standing is reviewed by people.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache, partial
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from botocore.model import Shape

OURS = "opengwlb."


@cache
def reads(action: Callable[..., Any]) -> frozenset[str]:
    """Strings that an action, and what it calls in our rooms, may look up."""
    found: set[str] = set()
    seen: set[int] = set()
    waiting: list[Any] = [action]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            found.add(one)
            continue
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, partial):
            waiting += [one.func, *one.args, *one.keywords.values()]
        elif isinstance(one, FunctionType):
            # What dataclasses write has no source, and reads nothing.
            if one.__module__.startswith(OURS) and "/opengwlb/" in one.__code__.co_filename:
                waiting += _in_function(one)
        elif isinstance(one, Mapping):
            waiting += [*one.keys(), *one.values()]
        elif is_dataclass(one) and not isinstance(one, type):
            waiting += [getattr(one, each.name) for each in fields(one)]
        elif isinstance(one, tuple | list | set | frozenset):
            waiting += list(one)
    return frozenset(found)


@cache
def _in_function(function: FunctionType) -> tuple[Any, ...]:
    return tuple(_mentioned(function))


def _mentioned(function: FunctionType) -> Iterator[Any]:
    closure = inspect.getclosurevars(function).nonlocals if function.__closure__ else {}
    known = {**function.__globals__, **closure}
    places = _functions(Path(function.__code__.co_filename))
    nodes = [node for tree in places.get(function.__code__.co_firstlineno, ()) for node in ast.walk(tree)]
    keys = {id(key) for node in nodes if isinstance(node, ast.Dict) for key in node.keys}
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in keys:
            yield node.value
        elif isinstance(node, ast.Name) and node.id in known and not isinstance(known[node.id], ModuleType):
            yield known[node.id]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = known.get(node.value.id)
            if isinstance(module, ModuleType) and module.__name__.startswith(OURS):
                yield getattr(module, node.attr, None)


@cache
def _functions(source: Path) -> Mapping[int, tuple[ast.AST, ...]]:
    """First line -> the functions that begin there, several lambdas perhaps."""
    found: dict[int, list[ast.AST]] = {}
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            line = min((node.lineno, *(each.lineno for each in node.decorator_list)))
            found.setdefault(line, []).append(node)
        elif isinstance(node, ast.Lambda):
            found.setdefault(node.lineno, []).append(node)
    return {line: tuple(nodes) for line, nodes in found.items()}


def leaves(shape: Shape | None, path: str = "", within: tuple[str, ...] = ()) -> Iterator[str]:
    """Every member that a call can set, `Placement.Tenancy`; what contains itself is told once."""
    if shape is None:
        return
    if shape.type_name == "structure" and shape.name not in within and shape.members:
        for name, member in shape.members.items():
            yield from leaves(member, f"{path}.{name}" if path else name, (*within, shape.name))
    elif shape.type_name == "list":
        yield from leaves(shape.member, path, within)
    elif path:
        yield path
