"""The JSON protocols (1.0 and 1.1): the operation is named by X-Amz-Target, parameters and answers are JSON objects."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from botocore.model import OperationModel, Shape

from .compatible import QueryErrors
from .errors import AccessDenied, AwsError
from .sigv4 import SignatureExpired, TokenExpired, UnknownKey
from .typed import SCALARS, Problems, Read, TypedCompiler, expect, number, shown, time, unreadable

INTERNAL = AwsError("InternalServerError", "An error occurred on the server side.", status=500)
NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
"""What JSON has no numbers for is sent as a string."""


class JsonProtocol:
    """`WireProtocol` of `models.py` for a service that speaks JSON; `version` is `1.0` or `1.1`.

    `queried` for a service that was asked by forms in its earlier life (`compatible.py`).
    """

    headers: Mapping[str, str] = {}

    def __init__(self, *, version: str, queried: QueryErrors | None = None) -> None:
        self.media_type = f"application/x-amz-json-{version}"
        self._typed = TypedCompiler(_SCALARS)
        self._queried = queried

    def compile_input(self, operation: OperationModel) -> Callable[[bytes], dict[str, Any]]:
        read = self._typed.input(operation)

        def parse(body: bytes) -> dict[str, Any]:
            try:
                sent = json.loads(body or b"{}")
            except (ValueError, RecursionError) as error:
                raise unreadable("the body is not JSON") from error
            return read(sent)

        return parse

    def compile_output(self, operation: OperationModel) -> Callable[[dict[str, Any], str], bytes]:
        shape = operation.output_shape

        def serialise(answer: dict[str, Any], request_id: str) -> bytes:
            return json.dumps({} if shape is None else shown(answer, shape, _shown), ensure_ascii=False).encode()

        return serialise

    def error(self, error: AwsError, request_id: str) -> bytes:
        kind = error.code if self._queried is None else self._queried.shape(error)
        return json.dumps({"__type": kind, "message": error.message}, ensure_ascii=False).encode()

    def error_headers(self, error: AwsError) -> dict[str, str]:
        return {} if self._queried is None else self._queried.headers(error)

    def translate(self, error: AwsError) -> AwsError:
        return translate(error)

    def internal_error(self) -> AwsError:
        return INTERNAL

    def unknown_action(self, action: str) -> AwsError:
        return AwsError("UnknownOperationException", f"There is no operation {action}.")

    def unknown_version(self, action: str, version: str) -> AwsError:
        return AwsError("UnknownOperationException", f"There is no operation {action} of version {version}.")

    def not_implemented(self, action: str) -> AwsError:
        return AwsError("UnknownOperationException", f"The operation {action} is not implemented by OpenGWLB.")


def translate(error: AwsError) -> AwsError:
    """The code that JSON (and CBOR) services have for what the gateway refuses."""
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
        "MalformedQueryString": "SerializationException",
    }
    code = codes.get(error.code)
    return error if code is None else AwsError(code, error.message, status=error.status)


def _number(value: Any, path: str, problems: Problems) -> float:
    if isinstance(value, str) and value in NOT_FINITE:
        return NOT_FINITE[value]
    return number(value, path, problems)


def _blob(value: Any, path: str, _problems: Problems) -> bytes:
    try:
        return base64.b64decode(expect(value, str, path), validate=True)
    except (binascii.Error, ValueError) as error:
        raise unreadable(f"'{path}' is not base64") from error


_SCALARS: dict[str, Read] = {
    **SCALARS,
    "float": _number,
    "double": _number,
    "timestamp": lambda value, path, _: time(value, path),
    "blob": _blob,
}


def _shown(value: Any, shape: Shape) -> Any:
    """Times are seconds since the epoch."""
    match shape.type_name:
        case "timestamp":
            return value.timestamp()
        case "blob":
            return base64.b64encode(value).decode()
        case "float" | "double" if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
