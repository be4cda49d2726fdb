"""AWS's operations as TypeScript: input and output of each one that this server implements, from botocore's models.

Values are as the bridge's JSON has them: timestamps in ISO 8601, blobs in base64.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from botocore.model import ListShape, MapShape, ServiceModel, Shape, StringShape, StructureShape

Pages = Mapping[str, Mapping[str, Any]]
"""botocore's `paginators-1`: operation -> its tokens and results."""

NUMBERS = ("integer", "long", "short", "byte", "float", "double", "bigInteger", "bigDecimal")
HEADER = "// Written by `python -m opengwlb.console.typescript` from botocore's models.\n"
PAGINATOR = """
/** How an operation's pages are followed: an output token is sent as the input token at the same place. */
export interface Paginator {
  readonly inputTokens: readonly string[];
  readonly outputTokens: readonly string[];
  readonly results: readonly string[];
  readonly more: string | null;
}
"""


def module(services: Mapping[str, tuple[ServiceModel, Pages]], *, implemented: Collection[tuple[str, str]]) -> str:
    """`aws.ts`: a namespace of shapes for each service, the map `Operations`, and the value `paginators`."""
    names = {service: sorted(operation for known, operation in implemented if known == service) for service in services}
    parts = [HEADER]
    for service, (model, _) in services.items():
        parts += ["\n", *_namespace(namespace(service), model, names[service])]
    parts += ["\nexport interface Operations {\n"]
    for service, (model, _) in services.items():
        parts.append(f"  {json.dumps(service)}: {{\n")
        parts += [_operation(namespace(service), model, operation) for operation in names[service]]
        parts.append("  };\n")
    parts += ["}\n", PAGINATOR, "\nexport const paginators = "]
    parts.append(json.dumps({s: paginators(pages, names[s]) for s, (_, pages) in services.items()}, indent=2))
    parts.append(" as const satisfies Record<keyof Operations, Record<string, Paginator>>;\n")
    return "".join(parts)


def namespace(service: str) -> str:
    """`service-quotas` -> `serviceQuotas`, which TypeScript can write."""
    first, *rest = service.split("-")
    return first + "".join(word.capitalize() for word in rest)


def paginators(pages: Pages, operations: Collection[str]) -> dict[str, dict[str, Any]]:
    """operation -> fields of TypeScript's `Paginator`, for those of the operations that have pages."""
    return {
        name: {
            "inputTokens": _several(page["input_token"]),
            "outputTokens": _several(page["output_token"]),
            "results": _several(page["result_key"]),
            "more": page.get("more_results"),
        }
        for name, page in sorted(pages.items())
        if name in operations
    }


def _several(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _operation(space: str, model: ServiceModel, name: str) -> str:
    operation = model.operation_model(name)
    given, got = (
        f"{space}.{shape.name}" if shape is not None else "Record<string, never>"
        for shape in (operation.input_shape, operation.output_shape)
    )
    return f"    {name}: {{ input: {given}; output: {got} }};\n"


def _namespace(space: str, model: ServiceModel, operations: Collection[str]) -> Iterator[str]:
    found: dict[str, Shape] = {}
    for name in operations:
        operation = model.operation_model(name)
        for shape in (operation.input_shape, operation.output_shape):
            if shape is not None:
                _collect(shape, found)
    yield f"export namespace {space} {{\n"
    for name in sorted(found):
        yield from _declared(found[name])
    yield "}\n"


def _collect(shape: Shape, found: dict[str, Shape]) -> None:
    """The structures and enumerations that `shape` is made of; a structure may contain itself."""
    match shape:
        case StructureShape():
            if shape.name not in found:
                found[shape.name] = shape
                for member in shape.members.values():
                    _collect(member, found)
        case ListShape():
            _collect(shape.member, found)
        case MapShape():
            _collect(shape.key, found)
            _collect(shape.value, found)
        case StringShape() if shape.enum:
            found[shape.name] = shape


def _declared(shape: Shape) -> Iterator[str]:
    if isinstance(shape, StringShape):
        values = " | ".join(json.dumps(value) for value in shape.enum)
        yield f"  export type {shape.name} = {values} | (string & {{}});\n"
        return
    yield f"  export interface {shape.name} {{\n"
    for name, member in shape.members.items():
        mark, absent = ("", "") if name in shape.required_members else ("?", " | undefined")
        yield f"    {_key(name)}{mark}: {_type(member)}{absent};\n"
    yield "  }\n"


def _key(name: str) -> str:
    return name if name.isidentifier() else json.dumps(name)


def _type(shape: Shape) -> str:
    match shape:
        case StructureShape():
            return str(shape.name)
        case ListShape():
            return f"Array<{_type(shape.member)}>"
        case MapShape():
            return f"{{ [key: string]: {_type(shape.value)} }}"
        case StringShape():
            return str(shape.name) if shape.enum else "string"
    if shape.type_name in NUMBERS:
        return "number"
    return "boolean" if shape.type_name == "boolean" else "string"
