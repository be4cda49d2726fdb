"""JSON of a page -> parameters as botocore takes them. Types are checked here; all else AWS's API itself answers."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from opengwlb.wire.errors import AwsError

_WRONG = {"ec2": "InvalidParameterValue", "query": "ValidationError"}
"""Protocol -> what its services call a value that cannot be one; others say SerializationException."""
_UNKNOWN = {"ec2": "UnknownParameter"}
_INTEGERS = ("integer", "long", "short", "byte")
_NUMBERS = ("float", "double")


def native(value: Any, shape: Shape, *, protocol: str, path: str = "") -> Any:
    """The same value with blobs decoded from base64. Raises AwsError that names the member (`Filters[0].Values`).

    What is missing is not looked for: the API says so in its own words.
    """

    def wrong(wanted: str) -> AwsError:
        named = path or "The parameters"
        return AwsError(_WRONG.get(protocol, "SerializationException"), f"{named}: must be {wanted}.")

    match shape:
        case StructureShape():
            if not isinstance(value, dict):
                raise wrong("an object")
            for name in value:
                if name not in shape.members:
                    code = _UNKNOWN.get(protocol) or _WRONG.get(protocol, "SerializationException")
                    raise AwsError(code, f"The parameter {_joined(path, name)} is not recognized")
            return {
                name: native(one, shape.members[name], protocol=protocol, path=_joined(path, name))
                for name, one in value.items()
            }
        case ListShape():
            if not isinstance(value, list):
                raise wrong("a list")
            return [native(o, shape.member, protocol=protocol, path=f"{path}[{at}]") for at, o in enumerate(value)]
        case MapShape():
            if not isinstance(value, dict):
                raise wrong("an object")
            return {k: native(o, shape.value, protocol=protocol, path=_joined(path, k)) for k, o in value.items()}
    kind = shape.type_name
    if kind == "boolean":
        if not isinstance(value, bool):
            raise wrong("true or false")
    elif kind in _INTEGERS:
        if not isinstance(value, int) or isinstance(value, bool):
            raise wrong("a whole number")
    elif kind in _NUMBERS:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise wrong("a number")
    elif kind == "timestamp":
        return _time(value, wrong("a time in ISO 8601"))
    elif not isinstance(value, str):
        raise wrong("a text")
    elif kind == "blob":
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError) as error:
            raise wrong("base64") from error
    return value


def _time(value: Any, wrong: AwsError) -> Any:
    """As it came, if botocore can read it."""
    from botocore.utils import parse_timestamp

    if not isinstance(value, str):
        raise wrong
    try:
        return parse_timestamp(value)
    except (ValueError, OverflowError) as error:
        raise wrong from error


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
