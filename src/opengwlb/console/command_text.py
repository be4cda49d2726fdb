"""A call as the `aws` command that makes it, to copy: judged by the AWS CLI's own parser (tests/console/test_equivalents.py)."""

from __future__ import annotations

import base64
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from botocore import xform_name
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

_PLAIN = re.compile(r"[\w./:@*+-]+", re.ASCII)
"""Texts that the CLI's shorthand takes as they are."""
_LOADED = ("file://", "fileb://", "http://", "https://")
"""The CLI would fetch what begins so."""
_OPPOSITES = {"egress": "ingress", "no-reboot": "reboot", "disable-api-termination": "enable-api-termination"}
"""Booleans whose opposite has a name of its own, instead of `no-`."""
_RENAMED = {("run-instances", "MinCount"), ("run-instances", "MaxCount")}
_COUNT = "--count"


class _NotShort(Exception):
    """A value that shorthand cannot say."""


def command(operation: OperationModel, parameters: Mapping[str, Any], *, region: str) -> str:
    """`aws SERVICE OPERATION --…`; `parameters` as the bridge takes them, of the right types."""
    name = xform_name(operation.name, "-")
    words = ["aws", operation.service_model.service_name, name]
    if _must_be_json(operation, parameters):
        words += ["--cli-input-json", shlex.quote(_json(_texts(parameters, operation.input_shape)))]
    else:
        for member, value in parameters.items():
            if (name, member) not in _RENAMED:
                words += _argument(xform_name(member, "-"), value, operation.input_shape.members[member])
        words += _counts(parameters) if name == "run-instances" else ()
    return " ".join([*words, "--region", shlex.quote(region)])


def _counts(parameters: Mapping[str, Any]) -> Iterator[str]:
    counts = [str(parameters[member]) for member in ("MinCount", "MaxCount") if member in parameters]
    if counts:
        yield _COUNT
        yield ":".join(dict.fromkeys(counts))


def _must_be_json(operation: OperationModel, parameters: Mapping[str, Any]) -> bool:
    return any(
        isinstance(value, str) and value.startswith(_LOADED)
        for member, text in parameters.items()
        for value in (text if isinstance(text, list) else [text])
    )


def _argument(name: str, value: Any, shape: Shape) -> Iterator[str]:
    if isinstance(value, bool):
        yield f"--{name}" if value else f"--{_OPPOSITES.get(name, f'no-{name}')}"
        return
    words = list(_words(_texts(value, shape), shape))
    if len(words) == 1 and words[0].startswith("-"):
        yield f"--{name}={shlex.quote(words[0])}"
        return
    yield f"--{name}"
    yield from map(shlex.quote, words)


def _words(value: Any, shape: Shape) -> Iterator[str]:
    """What follows the option, before the shell's quoting."""
    if not isinstance(shape, StructureShape | ListShape | MapShape):
        yield str(value)
        return
    try:
        if isinstance(shape, ListShape):
            if not value:
                raise _NotShort
            if isinstance(shape.member, StructureShape | MapShape):
                yield from [_pairs(one, shape.member, inside=False) for one in value]
            else:
                yield from [_plain(one, shape.member) for one in value]
        else:
            yield _pairs(value, shape, inside=False)
    except _NotShort:
        yield _json(value)


def _pairs(value: Mapping[str, Any], shape: Shape, *, inside: bool) -> str:
    """`Key=a,Values=b,c`; inside of another one `{Key=a,Values=[b,c]}`. Raises _NotShort."""
    if not value:
        raise _NotShort
    found = []
    for name, one in value.items():
        member = shape.members[name] if isinstance(shape, StructureShape) else shape.value
        found.append(f"{_plain(name)}={_inner(one, member, inside=inside)}")
    text = ",".join(found)
    return f"{{{text}}}" if inside else text


def _inner(value: Any, shape: Shape, *, inside: bool) -> str:
    if isinstance(shape, StructureShape | MapShape):
        return _pairs(value, shape, inside=True)
    if not isinstance(shape, ListShape):
        return _plain(value, shape)
    if not value or (_scalar(shape.member) and shape.member.type_name != "string"):
        raise _NotShort  # in a list within, shorthand knows texts only
    written = ",".join(_inner(one, shape.member, inside=True) for one in value)
    return written if not inside and _scalar(shape.member) else f"[{written}]"


def _scalar(shape: Shape) -> bool:
    return not isinstance(shape, StructureShape | ListShape | MapShape)


def _plain(value: Any, shape: Shape | None = None) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if (shape is not None and not _scalar(shape)) or not _PLAIN.fullmatch(text) or text.startswith(("-", *_LOADED)):
        raise _NotShort
    return text


def _texts(value: Any, shape: Shape) -> Any:
    """Blobs as the text that they hold: the CLI encodes them. What is no text has to come from a file."""
    if isinstance(shape, StructureShape):
        return {name: _texts(one, shape.members[name]) for name, one in value.items()}
    if isinstance(shape, ListShape):
        return [_texts(one, shape.member) for one in value]
    if isinstance(shape, MapShape):
        return {name: _texts(one, shape.value) for name, one in value.items()}
    if shape.type_name != "blob":
        return value
    try:
        return base64.b64decode(value).decode()
    except UnicodeDecodeError:
        return "fileb://FILE"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
