"""Decoded JSON or CBOR -> parameters: what the two protocols share, which both send objects with the model's member names.

A protocol says how each scalar type is written; everything else (structures, lists, maps, constraints, depth) is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from . import constraints
from .constraints import compile_constraint, null_problem
from .errors import AwsError

MAX_DEPTH = 64
"""Far below Python's recursion limit, and deeper than any model."""

Problems = list[str]
Read = Callable[[Any, str, Problems], Any]
"""(decoded value, its path as the error text names it, where to note constraint problems) -> parameter."""


def unreadable(why: str) -> AwsError:
    return AwsError("SerializationException", f"The request could not be read: {why}.")


def expect(value: Any, kind: Any, path: str) -> Any:
    """`value` if it is a `kind`; a boolean is no number. Raises SerializationException."""
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise unreadable(f"'{path}' has the wrong type" if path else "the body must be an object")
    return value


def number(value: Any, path: str, _problems: Problems) -> float:
    try:
        return float(expect(value, int | float, path))
    except OverflowError as error:
        raise unreadable(f"'{path}' is no double") from error


def time(seconds: Any, path: str) -> datetime:
    """Of seconds since the epoch."""
    try:
        return datetime.fromtimestamp(expect(seconds, int | float, path), UTC)
    except (OverflowError, OSError, ValueError) as error:
        raise unreadable(f"'{path}' is no time") from error


SCALARS: Mapping[str, Read] = {
    "string": lambda value, path, _: expect(value, str, path),
    "character": lambda value, path, _: expect(value, str, path),
    "integer": lambda value, path, _: expect(value, int, path),
    "long": lambda value, path, _: expect(value, int, path),
    "boolean": lambda value, path, _: expect(value, bool, path),
    "float": number,
    "double": number,
}
"""What every typed protocol reads alike; each adds its times and blobs."""


class TypedCompiler:
    """Compiles input shapes; one per service. Readers are cached, so recursive shapes work."""

    def __init__(
        self, scalars: Mapping[str, Read], *, absent: Callable[[Any], bool] = lambda value: value is None
    ) -> None:
        """`absent`: whether a member's value is the protocol's way to say that it has none."""
        self._scalars = scalars
        self._absent = absent
        self._readers: dict[str, Read] = {}

    def input(self, operation: OperationModel) -> Callable[[Any], dict[str, Any]]:
        """(the decoded body) -> parameters. Raises SerializationException, ValidationException."""
        read = None if operation.input_shape is None else self._reader(operation.input_shape)

        def parse(sent: Any) -> dict[str, Any]:
            expect(sent, dict, "")
            if read is None:
                return {}
            problems = constraints.Problems()
            value: dict[str, Any] = {}
            with suppress(constraints.Enough):
                value = read(sent, "", problems)
            if problems:
                raise AwsError("ValidationException", problems.sentence())
            return value

        return parse

    def _reader(self, shape: Shape) -> Read:
        if shape.name not in self._readers:
            # A stand-in first: a member of this shape may be this shape again.
            self._readers[shape.name] = lambda value, path, problems: self._readers[shape.name](value, path, problems)
            self._readers[shape.name] = self._compile(shape)
        return self._readers[shape.name]

    def _compile(self, shape: Shape) -> Read:
        read = self._uncheckedly(shape)
        check = compile_constraint(shape)
        if check is None:
            return read

        def checked(value: Any, path: str, problems: Problems) -> Any:
            found = read(value, path, problems)
            check(found, path, problems)
            return found

        return checked

    def _uncheckedly(self, shape: Shape) -> Read:
        if isinstance(shape, StructureShape):
            return self._structure(shape)
        if isinstance(shape, ListShape):
            member = self._reader(shape.member)

            def read_list(value: Any, path: str, problems: Problems) -> list[Any]:
                each = expect(value, list, path)
                return [member(one, f"{path}.{place}.member", problems) for place, one in enumerate(each, start=1)]

            return read_list
        if isinstance(shape, MapShape):
            key, content = self._reader(shape.key), self._reader(shape.value)
            return lambda value, path, problems: {
                key(name, path, problems): content(one, f"{path}.{name}", problems)
                for name, one in expect(value, dict, path).items()
            }
        return self._scalars[shape.type_name]

    def _structure(self, shape: StructureShape) -> Read:
        """Members that the model does not have are ignored, null counts as not sent."""
        members = {
            str(member.serialization.get("name", name)): (name, self._reader(member))
            for name, member in shape.members.items()
        }
        required = frozenset(shape.required_members)

        def read(value: Any, path: str, problems: Problems) -> dict[str, Any]:
            sent = expect(value, dict, path)
            if path.count(".") > MAX_DEPTH:
                raise unreadable("it is nested too deeply")
            found = {}
            for field, (name, of_member) in members.items():
                place = name[0].lower() + name[1:]
                place = f"{path}.{place}" if path else place
                if not self._absent(sent.get(field)):
                    found[name] = of_member(sent[field], place, problems)
                elif name in required:
                    problems.append(null_problem(place))
            return found

        return read


def shown(value: Any, shape: Shape, scalar: Callable[[Any, Shape], Any]) -> Any:
    """An answer as plain values, each scalar by `scalar`. Raises TypeError and KeyError: an action's mistake."""
    if isinstance(shape, StructureShape):
        if not isinstance(value, dict):
            raise TypeError(f"{shape.name}: {value!r} is no structure")
        return {
            shape.members[name].serialization.get("name", name): shown(each, shape.members[name], scalar)
            for name, each in value.items()
            if each is not None
        }
    if isinstance(shape, ListShape):
        return [shown(each, shape.member, scalar) for each in value]
    if isinstance(shape, MapShape):
        return {key: shown(each, shape.value, scalar) for key, each in value.items()}
    return scalar(value, shape)
