"""A call as the boto3 call that makes it, to copy into a program that has the service's client by its name."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from botocore import xform_name
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

_WIDTH = 100
_STEP = "    "


def client_name(service: str) -> str:
    """`service-quotas` -> `service_quotas`, which Python can write."""
    return service.replace("-", "_")


def call(operation: OperationModel, parameters: Mapping[str, Any]) -> str:
    """`ec2.create_route(…)`; `parameters` as the bridge takes them, of the right types."""
    head = f"{client_name(operation.service_model.service_name)}.{xform_name(operation.name)}"
    shape = operation.input_shape
    written = [f"{name}={_value(one, shape.members[name], depth=1)}" for name, one in parameters.items()]
    line = f"{head}({', '.join(written)})"
    if len(line) <= _WIDTH and "\n" not in line:
        return line
    return f"{head}(\n" + "".join(f"{_STEP}{each},\n" for each in written) + ")"


def _value(value: Any, shape: Shape, *, depth: int) -> str:
    match shape:
        case StructureShape():
            items = [f"{name!r}: {_value(one, shape.members[name], depth=depth + 1)}" for name, one in value.items()]
            return _wrapped("{", items, "}", depth=depth)
        case MapShape():
            items = [f"{name!r}: {_value(one, shape.value, depth=depth + 1)}" for name, one in value.items()]
            return _wrapped("{", items, "}", depth=depth)
        case ListShape():
            return _wrapped("[", [_value(one, shape.member, depth=depth + 1) for one in value], "]", depth=depth)
    return repr(base64.b64decode(value)) if shape.type_name == "blob" else repr(value)


def _wrapped(before: str, items: list[str], after: str, *, depth: int) -> str:
    """On one line if that is short, else one line for each."""
    line = before + ", ".join(items) + after
    if len(line) + depth * len(_STEP) <= _WIDTH and "\n" not in line:
        return line
    inner = _STEP * (depth + 1)
    return before + "\n" + "".join(f"{inner}{each},\n" for each in items) + _STEP * depth + after
