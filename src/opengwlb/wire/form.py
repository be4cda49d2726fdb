"""Form parameters -> the dict botocore would have been called with.

The query protocols flatten nested values into dotted names (`Filter.1.Value.2=x`). Here the names become a tree again,
and each input shape of the service model is compiled once into a closure that walks it. What differs between ec2 and
the query protocol (names, lists, error codes) is in `ec2.py` and `query.py`, which subclass `FormCompiler`.
"""

from __future__ import annotations

import base64
import binascii
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from botocore.model import ListShape, MapShape, Shape, StructureShape

from .errors import AwsError

Node = str | dict[str, Any]
"""A value, or name part -> Node."""
Problems = list[str]
"""Sentences about members that break the model's constraints; the query protocol answers with all of them at once."""
Parser = Callable[[Node, str, Problems], Any]
"""(what was sent, its path as the error text names it, where to note constraint problems) -> value."""

MAX_FIELDS = 20_000
MAX_DEPTH = 64
"""Name parts: deeper than any model, and far from Python's recursion limit."""

INTEGER = re.compile(r"[+-]?[0-9]{1,20}", re.ASCII)
NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,4})?", re.ASCII)
INDEX = re.compile(r"[0-9]{1,9}", re.ASCII)
LIMITS = {"integer": 2**31, "long": 2**63}
SPECIAL_NUMBERS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


def read_form(*texts: bytes) -> list[tuple[str, str]]:
    """Name and value pairs of form-encoded texts (body, query string), in order. Raises MalformedQueryString."""
    try:
        return [
            pair
            for text in texts
            if text
            for pair in parse_qsl(
                text.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS
            )
        ]
    except ValueError as error:  # not UTF-8, or too many fields
        raise AwsError("MalformedQueryString", f"The query string is malformed: {error}") from error


def tree(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """`{"Filter": {"1": {"Name": "vpc-id"}}}` from `Filter.1.Name=vpc-id`. Raises MalformedQueryString."""
    root: dict[str, Any] = {}
    for name, value in pairs:
        parts = name.split(".")
        if len(parts) > MAX_DEPTH:
            raise AwsError("MalformedQueryString", "The query string is malformed: a parameter is nested too deeply")
        node = root
        for part in parts[:-1]:
            node = node.setdefault(part, {})
            if isinstance(node, str):
                raise AwsError("MalformedQueryString", f"The parameter {name} is also given as a single value")
        if parts[-1] in node:
            raise AwsError("MalformedQueryString", f"The parameter {name} is given twice")
        node[parts[-1]] = value
    return root


class FormCompiler(ABC):
    """Compiles input shapes; one per service. `parser(shape)` is cached, so recursive shapes work."""

    def __init__(self) -> None:
        self._parsers: dict[tuple[str, bool], Parser] = {}

    def parser(self, shape: Shape) -> Parser:
        key = (shape.name, bool(shape.serialization.get("flattened")))
        if key not in self._parsers:
            # A stand-in first: a member of this shape may be this shape again.
            self._parsers[key] = lambda node, path, problems: self._parsers[key](node, path, problems)
            self._parsers[key] = self._compile(shape)
        return self._parsers[key]

    @abstractmethod
    def field_name(self, name: str, shape: Shape) -> str:
        """What a structure's member is called in the form."""

    @abstractmethod
    def member_path(self, path: str, name: str, field: str) -> str:
        """How an error text names that member."""

    @abstractmethod
    def element_path(self, path: str, index: str) -> str: ...

    @abstractmethod
    def elements(self, shape: ListShape) -> Callable[[dict[str, Any]], Node]:
        """The node whose children are the numbered elements, given the list's own node."""

    @abstractmethod
    def wrong_type(self, path: str, *, value: str, expected: str) -> AwsError: ...

    @abstractmethod
    def misplaced(self, path: str) -> AwsError:
        """A value where a structure or list belongs, or the reverse."""

    @abstractmethod
    def missing(self, path: str, problems: Problems) -> None:
        """A required member was not sent: raise, or note a problem."""

    @abstractmethod
    def unknown(self, path: str) -> None:
        """A field the model does not have: raise, or let it pass."""

    @abstractmethod
    def constraint(self, shape: Shape) -> Callable[[Any, str, Problems], None] | None:
        """A check of the shape's lengths, ranges, patterns and enums, when this protocol makes one."""

    def _compile(self, shape: Shape) -> Parser:
        match shape.type_name:
            case "structure":
                parse = self._structure(shape)
            case "list":
                parse = self._list(shape)
            case "map":
                parse = self._map(shape)
            case scalar:
                parse = self._scalar(SCALARS[scalar])
        check = self.constraint(shape)
        if check is None:
            return parse

        def checked(node: Node, path: str, problems: Problems) -> Any:
            value = parse(node, path, problems)
            check(value, path, problems)
            return value

        return checked

    def _structure(self, shape: StructureShape) -> Parser:
        members = {self.field_name(name, member): (name, self.parser(member)) for name, member in shape.members.items()}
        fields = {name: field for field, (name, _) in members.items()}
        required = [(name, fields[name]) for name in shape.required_members]

        def parse(node: Node, path: str, problems: Problems) -> dict[str, Any]:
            if isinstance(node, str):
                if node:
                    raise self.misplaced(path)
                node = {}
            value = {}
            for field, child in node.items():
                if field in members:
                    name, parse_member = members[field]
                    value[name] = parse_member(child, self.member_path(path, name, field), problems)
                else:
                    self.unknown(f"{path}.{field}" if path else field)
            for name, field in required:
                if name not in value:
                    self.missing(self.member_path(path, name, field), problems)
            return value

        return parse

    def _list(self, shape: ListShape) -> Parser:
        elements = self.elements(shape)
        parse_element = self.parser(shape.member)

        def parse(node: Node, path: str, problems: Problems) -> list[Any]:
            return [
                parse_element(child, self.element_path(path, index), problems)
                for index, child in self._numbered(elements(node) if isinstance(node, dict) else node, path)
            ]

        return parse

    def _map(self, shape: MapShape) -> Parser:
        flattened = bool(shape.serialization.get("flattened"))
        key_field = shape.key.serialization.get("name", "key")
        value_field = shape.value.serialization.get("name", "value")
        parse_key, parse_value = self.parser(shape.key), self.parser(shape.value)

        def parse(node: Node, path: str, problems: Problems) -> dict[Any, Any]:
            if isinstance(node, dict) and not flattened:
                node = node.get("entry", {})
            value = {}
            for index, entry in self._numbered(node, path):
                if isinstance(entry, str) or key_field not in entry or value_field not in entry:
                    raise self.misplaced(path)
                entry_path = self.element_path(path, index)
                key = parse_key(entry[key_field], entry_path, problems)
                value[key] = parse_value(entry[value_field], entry_path, problems)
            return value

        return parse

    def _numbered(self, node: Node, path: str) -> list[tuple[str, Node]]:
        """Elements by number; numbers may have gaps. An empty value is an empty list, as botocore sends it."""
        if isinstance(node, str):
            if node:
                raise self.misplaced(path)
            return []
        if not all(INDEX.fullmatch(index) for index in node):
            raise self.misplaced(path)
        return sorted(node.items(), key=lambda item: int(item[0]))

    def _scalar(self, scalar: tuple[str, Callable[[str], Any]]) -> Parser:
        expected, convert = scalar

        def parse(node: Node, path: str, _problems: Problems) -> Any:
            if not isinstance(node, str):
                raise self.misplaced(path)
            try:
                return convert(node)
            except (ValueError, OverflowError) as error:
                raise self.wrong_type(path, value=node, expected=expected) from error

        return parse


def _integer(limit: int) -> Callable[[str], int]:
    def convert(text: str) -> int:
        if not INTEGER.fullmatch(text) or not -limit <= int(text) < limit:
            raise ValueError(text)
        return int(text)

    return convert


def _number(text: str) -> float:
    if text in SPECIAL_NUMBERS:
        return SPECIAL_NUMBERS[text]
    if not NUMBER.fullmatch(text):
        raise ValueError(text)
    return float(text)


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def _timestamp(text: str) -> datetime:
    """ISO 8601, or seconds since the epoch; without a zone it is UTC."""
    if NUMBER.fullmatch(text) and len(text) != len("20260101"):
        return datetime.fromtimestamp(float(text), UTC)
    value = datetime.fromisoformat(text)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _blob(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(text) from error


SCALARS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "string": ("string", str),
    "character": ("string", str),
    "integer": ("integer", _integer(LIMITS["integer"])),
    "long": ("long", _integer(LIMITS["long"])),
    "float": ("float", _number),
    "double": ("double", _number),
    "boolean": ("boolean", _boolean),
    "timestamp": ("timestamp", _timestamp),
    "blob": ("base64", _blob),
}
"""Model type -> its name in error texts, and the conversion (ValueError when the text is not one)."""
