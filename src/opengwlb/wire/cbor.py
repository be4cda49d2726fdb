"""Smithy's RPC v2 CBOR: the operation is named by the path, parameters and answers are CBOR maps (RFC 8949).

Go's and Ruby's SDKs, so also Terraform, ask CloudWatch this way. https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html

cbor2 decodes: bounded in depth, never allocating what a header merely announces. Of its tags only 1 (a time) is let through: the
others would make objects (regular expressions, mails, shared references) that no service takes. It is imported by the first
request that needs it, since most servers never get one.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from typing import Any

from botocore.model import OperationModel, Shape

from .compatible import QueryErrors
from .errors import AwsError
from .json import INTERNAL, translate
from .sigv4 import HttpRequest
from .typed import MAX_DEPTH, SCALARS, Read, TypedCompiler, expect, shown, time, unreadable

PATH = re.compile(r"/service/([A-Za-z0-9_.]{1,255})/operation/([A-Za-z0-9_]{1,255})")
"""Service (as in X-Amz-Target) and operation."""
PROTOCOL = "rpc-v2-cbor"
NAME = "smithy-rpc-v2-cbor"
"""The same in botocore's models."""
TIME = 1
TAGS = (0, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000, 55799)
"""Those that cbor2 has a meaning for, beside `TIME`; a tag that it does not know is an object of its own, which no shape takes."""


class Epoch:
    """A time as it was sent, so that only a tagged number is one."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: Any) -> None:
        self.seconds = seconds


class CborProtocol:
    """`WireProtocol` of `models.py`."""

    media_type = "application/cbor"
    headers: Mapping[str, str] = {"smithy-protocol": PROTOCOL}

    def __init__(self, *, queried: QueryErrors | None = None) -> None:
        self._typed = TypedCompiler(_SCALARS, absent=_absent)
        self._queried = queried

    def compile_input(self, operation: OperationModel) -> Callable[[bytes], dict[str, Any]]:
        read = self._typed.input(operation)
        return lambda body: read(decode(body) if body else {})

    def compile_output(self, operation: OperationModel) -> Callable[[dict[str, Any], str], bytes]:
        shape = operation.output_shape
        if shape is None:
            # An operation without output is answered without a body.
            return lambda answer, request_id: b""
        return lambda answer, request_id: encode(shown(answer, shape, _shown))

    def error(self, error: AwsError, request_id: str) -> bytes:
        kind = error.code if self._queried is None else self._queried.shape(error)
        return encode({"__type": kind, "message": error.message})

    def error_headers(self, error: AwsError) -> dict[str, str]:
        return {} if self._queried is None else self._queried.headers(error)

    def translate(self, error: AwsError) -> AwsError:
        return translate(error)

    def internal_error(self) -> AwsError:
        return INTERNAL

    def unknown_action(self, action: str) -> AwsError:
        return AwsError("UnknownOperationException", f"There is no operation {action}.", status=404)

    def unknown_version(self, action: str, version: str) -> AwsError:
        return AwsError("UnknownOperationException", f"There is no operation {action} of version {version}.")

    def not_implemented(self, action: str) -> AwsError:
        return AwsError("UnknownOperationException", f"The operation {action} is not implemented by OpenGWLB.")


def named(request: HttpRequest) -> tuple[str, str] | None:
    """(service, operation) as the path names them; None when the request is not written in this protocol."""
    found = PATH.fullmatch(request.path) if request.header("smithy-protocol") == PROTOCOL else None
    return None if found is None else (found[1].rpartition(".")[2], found[2])


def encode(value: Any) -> bytes:
    from cbor2 import dumps

    return bytes(dumps(value, datetime_as_timestamp=True))


def decode(body: bytes) -> Any:
    """One data item and nothing after it. Raises SerializationException."""
    from cbor2 import CBORDecodeEOF, CBORDecodeError, CBORDecoder

    decoder = CBORDecoder(io.BytesIO(body), semantic_decoders=_MEANINGS, max_depth=MAX_DEPTH)
    try:
        value = decoder.decode()
    except (CBORDecodeError, RecursionError) as error:
        raise unreadable(f"the body is not CBOR ({error})") from error
    try:
        decoder.decode()
    except CBORDecodeEOF:
        return value
    except CBORDecodeError as error:
        raise unreadable("something follows the CBOR map") from error
    raise unreadable("something follows the CBOR map")


def _absent(value: Any) -> bool:
    # By its name, since the module that has it may not be imported for the sake of an answer without a body.
    return value is None or type(value).__name__ == "UndefinedType"


def _refuse(value: Any, immutable: bool) -> Any:
    raise ValueError("the only tag that can be used is 1")


def _epoch(value: Any, immutable: bool) -> Epoch:
    return Epoch(value)


_MEANINGS: dict[int, Any] = {**dict.fromkeys(TAGS, _refuse), TIME: _epoch}


_SCALARS: dict[str, Read] = {
    **SCALARS,
    "timestamp": lambda value, path, _: time(expect(value, Epoch, path).seconds, path),
    "blob": lambda value, path, _: expect(value, bytes, path),
}


def _shown(value: Any, shape: Shape) -> Any:
    return float(value) if shape.type_name in ("float", "double") else value
