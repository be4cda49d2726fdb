"""Answers -> XML, as botocore's parsers read it: each output shape compiled once into a closure that appends text."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

Write = Callable[[str], Any]
Writer = Callable[[Any, Write], None]
"""(value, sink): writes the content of an element, without its tags."""

ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}
# XML 1.0 cannot carry these at all, not even escaped; a parser would refuse the whole answer.
SPECIAL = re.compile("[&<>\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def escape(text: str) -> str:
    """Text for an element. Characters that XML 1.0 has no way to write become U+FFFD."""
    return SPECIAL.sub(lambda match: ESCAPES.get(match[0], "\ufffd"), text)


class XmlCompiler:
    """Compiles output shapes; one per service. `writer(shape)` is cached, so recursive shapes work."""

    def __init__(self) -> None:
        self._writers: dict[tuple[str, bool], Writer] = {}

    def writer(self, shape: Shape) -> Writer:
        key = (shape.name, bool(shape.serialization.get("flattened")))
        if key not in self._writers:
            # A stand-in first: a member of this shape may be this shape again.
            self._writers[key] = lambda value, write: self._writers[key](value, write)
            self._writers[key] = self._compile(shape)
        return self._writers[key]

    def _compile(self, shape: Shape) -> Writer:
        match shape.type_name:
            case "structure":
                return self._structure(shape)
            case "list":
                return self._list(shape)
            case "map":
                return self._map(shape)
            case scalar:
                return _scalar(SCALARS[scalar])

    def _structure(self, shape: StructureShape) -> Writer:
        members = {name: self._member(name, member) for name, member in shape.members.items()}
        shape_name = shape.name

        def write_structure(value: dict[str, Any], write: Write) -> None:
            for name, member in value.items():
                if member is not None:
                    if name not in members:
                        raise ValueError(f"{shape_name} has no member {name}")
                    members[name](member, write)

        return write_structure

    def _member(self, name: str, shape: Shape) -> Writer:
        """Writes the member with its tags; a flattened list or map repeats them itself."""
        tag = shape.serialization.get("name", name)
        if shape.serialization.get("flattened"):
            if shape.type_name == "list":
                return self._repeated(shape.member.serialization.get("name", tag), self.writer(shape.member))
            entry = self._entry(shape)
            return lambda value, write: _each(tag, entry, value.items(), write)
        content = self.writer(shape)
        opened, closed = f"<{tag}>", f"</{tag}>"

        def write_member(value: Any, write: Write) -> None:
            write(opened)
            content(value, write)
            write(closed)

        return write_member

    def _list(self, shape: ListShape) -> Writer:
        return self._repeated(shape.member.serialization.get("name", "member"), self.writer(shape.member))

    def _repeated(self, tag: str, content: Writer) -> Writer:
        def write_list(value: Any, write: Write) -> None:
            if not isinstance(value, (list, tuple)):
                raise TypeError(f"{tag}: a list is wanted, not {value!r}")
            _each(tag, content, value, write)

        return write_list

    def _map(self, shape: MapShape) -> Writer:
        entry = self._entry(shape)
        return lambda value, write: _each("entry", entry, value.items(), write)

    def _entry(self, shape: MapShape) -> Writer:
        key, value = self._member("key", shape.key), self._member("value", shape.value)

        def write_entry(item: tuple[Any, Any], write: Write) -> None:
            key(item[0], write)
            value(item[1], write)

        return write_entry


def _each(tag: str, content: Writer, values: Any, write: Write) -> None:
    for value in values:
        write(f"<{tag}>")
        content(value, write)
        write(f"</{tag}>")


def _scalar(text_of: Callable[[Any], str]) -> Writer:
    return lambda value, write: write(text_of(value))


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a string is wanted, not {value!r}")
    return escape(value)


def _boolean(value: Any) -> str:
    if not isinstance(value, bool):
        raise TypeError(f"a boolean is wanted, not {value!r}")
    return "true" if value else "false"


def _integer(value: Any) -> str:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"an integer is wanted, not {value!r}")
    return str(int(value))


def _number(value: Any) -> str:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise TypeError(f"a number is wanted, not {value!r}")
    return repr(float(value))


def timestamp(value: Any) -> str:
    """ISO 8601 with milliseconds and Z, from an aware datetime or seconds since the epoch."""
    moment = value if isinstance(value, datetime) else datetime.fromtimestamp(value, UTC)
    if moment.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _blob(value: bytes) -> str:
    return base64.b64encode(value).decode()


SCALARS: dict[str, Callable[[Any], str]] = {
    "string": _string,
    "character": _string,
    "integer": _integer,
    "long": _integer,
    "float": _number,
    "double": _number,
    "boolean": _boolean,
    "timestamp": timestamp,
    "blob": _blob,
}
"""Model type -> its text. TypeError for another type: an action's mistake is found in its test, not by a client."""
