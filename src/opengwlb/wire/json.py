"""The JSON protocol: Systems Manager. The operation is named by X-Amz-Target, parameters and answers are JSON objects."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from .constraints import compile_constraint, null_problem
from .errors import AccessDenied, AwsError
from .sigv4 import SignatureExpired, TokenExpired, UnknownKey

INTERNAL = AwsError("InternalServerError", "An error occurred on the server side.", status=500)
MAX_DEPTH = 64
"""Far below Python's recursion limit, and deeper than any model."""

Problems = list[str]
Read = Callable[[Any, str, Problems], Any]
"""(JSON value, its path as the error text names it, where to note constraint problems) -> parameter."""


class JsonProtocol:
    """`WireProtocol` of `models.py` for a service that speaks JSON; `version` is `1.0` or `1.1`."""

    def __init__(self, *, version: str) -> None:
        self.media_type = f"application/x-amz-json-{version}"
        self._readers: dict[str, Read] = {}

    def compile_input(self, operation: OperationModel) -> Callable[[bytes], dict[str, Any]]:
        read = None if operation.input_shape is None else self._reader(operation.input_shape)

        def parse(body: bytes) -> dict[str, Any]:
            try:
                sent = json.loads(body or b"{}")
            except (ValueError, RecursionError) as error:
                raise _unreadable("the body is not JSON") from error
            if not isinstance(sent, dict):
                raise _unreadable("the body must be a JSON object")
            if read is None:
                return {}
            problems: Problems = []
            value: dict[str, Any] = read(sent, "", problems)
            if problems:
                counted = "1 validation error" if len(problems) == 1 else f"{len(problems)} validation errors"
                raise AwsError("ValidationException", f"{counted} detected: {'; '.join(problems)}")
            return value

        return parse

    def compile_output(self, operation: OperationModel) -> Callable[[dict[str, Any], str], bytes]:
        shape = operation.output_shape

        def serialise(answer: dict[str, Any], request_id: str) -> bytes:
            return json.dumps({} if shape is None else _shown(answer, shape), ensure_ascii=False).encode()

        return serialise

    def error(self, error: AwsError, request_id: str) -> bytes:
        return json.dumps({"__type": error.code, "message": error.message}, ensure_ascii=False).encode()

    def translate(self, error: AwsError) -> AwsError:
        match error:
            case UnknownKey():
                return AwsError("UnrecognizedClientException", error.message)
            case TokenExpired():
                return AwsError("ExpiredTokenException", error.message)
            case SignatureExpired():
                return AwsError("InvalidSignatureException", error.message)
            case AccessDenied():
                return AwsError("AccessDeniedException", error.message)
        codes = {
            "SignatureDoesNotMatch": "InvalidSignatureException",
            "MissingAuthenticationToken": "MissingAuthenticationTokenException",
            "IncompleteSignature": "IncompleteSignatureException",
            "MissingAction": "UnknownOperationException",
        }
        code = codes.get(error.code)
        return error if code is None else AwsError(code, error.message)

    def internal_error(self) -> AwsError:
        return INTERNAL

    def unknown_action(self, action: str) -> AwsError:
        return AwsError("UnknownOperationException", f"There is no operation {action}.")

    def unknown_version(self, action: str, version: str) -> AwsError:
        return AwsError("UnknownOperationException", f"There is no operation {action} of version {version}.")

    def not_implemented(self, action: str) -> AwsError:
        return AwsError("UnknownOperationException", f"The operation {action} is not implemented by OpenGWLB.")

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
                each = _expect(value, list, path)
                return [member(one, f"{path}.{place}.member", problems) for place, one in enumerate(each, start=1)]

            return read_list
        if isinstance(shape, MapShape):
            content = self._reader(shape.value)
            return lambda value, path, problems: {
                key: content(one, f"{path}.{key}", problems) for key, one in _expect(value, dict, path).items()
            }
        return _SCALARS[shape.type_name]

    def _structure(self, shape: StructureShape) -> Read:
        """Members that the model does not have are ignored, null counts as not sent."""
        members = {
            str(member.serialization.get("name", name)): (name, self._reader(member))
            for name, member in shape.members.items()
        }
        required = frozenset(shape.required_members)

        def read(value: Any, path: str, problems: Problems) -> dict[str, Any]:
            sent = _expect(value, dict, path)
            if path.count(".") > MAX_DEPTH:
                raise _unreadable("it is nested too deeply")
            found = {}
            for field, (name, of_member) in members.items():
                place = name[0].lower() + name[1:]
                place = f"{path}.{place}" if path else place
                if sent.get(field) is not None:
                    found[name] = of_member(sent[field], place, problems)
                elif name in required:
                    problems.append(null_problem(place))
            return found

        return read


def _unreadable(why: str) -> AwsError:
    return AwsError("SerializationException", f"The request could not be read: {why}.")


def _expect(value: Any, kind: Any, path: str) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise _unreadable(f"'{path}' has the wrong type" if path else "the body must be a JSON object")
    return value


def _number(value: Any, path: str, _problems: Problems) -> float:
    return float(_expect(value, int | float, path))


def _timestamp(value: Any, path: str, _problems: Problems) -> datetime:
    try:
        return datetime.fromtimestamp(_expect(value, int | float, path), UTC)
    except (OverflowError, OSError, ValueError) as error:
        raise _unreadable(f"'{path}' is no time") from error


def _blob(value: Any, path: str, _problems: Problems) -> bytes:
    try:
        return base64.b64decode(_expect(value, str, path), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _unreadable(f"'{path}' is not base64") from error


_SCALARS: dict[str, Read] = {
    "string": lambda value, path, _: _expect(value, str, path),
    "character": lambda value, path, _: _expect(value, str, path),
    "integer": lambda value, path, _: _expect(value, int, path),
    "long": lambda value, path, _: _expect(value, int, path),
    "boolean": lambda value, path, _: _expect(value, bool, path),
    "float": _number,
    "double": _number,
    "timestamp": _timestamp,
    "blob": _blob,
}


def _shown(value: Any, shape: Shape) -> Any:
    """A value as JSON has it; times are seconds since the epoch. Raises TypeError and KeyError: an action's mistake."""
    if isinstance(shape, StructureShape):
        if not isinstance(value, dict):
            raise TypeError(f"{shape.name}: {value!r} is no structure")
        return {
            shape.members[name].serialization.get("name", name): _shown(each, shape.members[name])
            for name, each in value.items()
            if each is not None
        }
    if isinstance(shape, ListShape):
        return [_shown(each, shape.member) for each in value]
    if isinstance(shape, MapShape):
        return {key: _shown(each, shape.value) for key, each in value.items()}
    if shape.type_name == "timestamp":
        return value.timestamp()
    if shape.type_name == "blob":
        return base64.b64encode(value).decode()
    return value
