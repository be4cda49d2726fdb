"""Questions and answers of the read API as TypeScript, from the very msgspec Structs (and dataclasses) that the server uses."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import inspect as types

HEADER = "// Written by `python -m opengwlb.console.typescript` from the types of OpenGWLB's read API.\n"
Fielded = types.StructType | types.DataclassType | types.TypedDictType


def module(kinds: Iterable[type[Any]]) -> str:
    """`read-api.ts`: an interface for each of `kinds` and for what they are made of. Raises ValueError when two share a name."""
    found: dict[str, Fielded] = {}
    for known in types.multi_type_info(kinds):
        _collect(known, found)
    return HEADER + "".join(_interface(found[name]) for name in sorted(found))


def _collect(info: types.Type, found: dict[str, Fielded]) -> None:
    if isinstance(info, Fielded):
        name = info.cls.__name__
        known = found.get(name)
        if known is None:
            found[name] = info
            for field in info.fields:
                _collect(field.type, found)
        elif known.cls is not info.cls:
            raise ValueError(f"{known.cls.__module__} and {info.cls.__module__} both have a {name}")
        return
    for inner in _parts(info):
        _collect(inner, found)


def _parts(info: types.Type) -> Iterable[types.Type]:
    match info:
        case types.CollectionType():
            return (info.item_type,)
        case types.TupleType():
            return info.item_types
        case types.NamedTupleType():
            return [field.type for field in info.fields]
        case types.DictType():
            return (info.key_type, info.value_type)
        case types.UnionType():
            return info.types
        case types.Metadata():
            return (info.type,)
    return ()


def _interface(info: Fielded) -> str:
    lines = [f"\nexport interface {info.cls.__name__} {{\n"]
    if isinstance(info, types.StructType) and info.tag_field is not None:
        lines.append(f"  {_key(info.tag_field)}: {json.dumps(info.tag)};\n")
    for field in info.fields:
        mark, absent = ("?", " | undefined") if _may_be_absent(info, field) else ("", "")
        lines.append(f"  {_key(field.encode_name)}{mark}: {_type(field.type)}{absent};\n")
    return "".join(lines) + "}\n"


def _may_be_absent(info: Fielded, field: types.Field) -> bool:
    """A question may leave out what has a default; an answer has all its fields, unless it omits defaults."""
    if field.required:
        return False
    if field.default is msgspec.NODEFAULT and field.default_factory is msgspec.NODEFAULT:
        return True  # its default is UNSET, of which inspect says nothing
    config = info.cls.__struct_config__ if isinstance(info, types.StructType) else None
    return config is not None and (config.forbid_unknown_fields or config.omit_defaults)


def _key(name: str) -> str:
    return name if name.isidentifier() else json.dumps(name)


def _type(info: types.Type) -> str:
    match info:
        case types.IntType() | types.FloatType():
            return "number"
        case types.BoolType():
            return "boolean"
        case types.NoneType():
            return "null"
        case types.LiteralType():
            return " | ".join(json.dumps(value) for value in info.values)
        case types.EnumType():
            return " | ".join(json.dumps(member.value) for member in info.cls)
        case types.StructType() | types.DataclassType() | types.TypedDictType():
            return info.cls.__name__
        case types.CollectionType():
            return f"Array<{_type(info.item_type)}>"
        case types.TupleType():
            return f"[{', '.join(_type(one) for one in info.item_types)}]"
        case types.NamedTupleType():
            return f"[{', '.join(f'{field.name}: {_type(field.type)}' for field in info.fields)}]"
        case types.DictType():
            return f"{{ [key: string]: {_type(info.value_type)} }}"
        case types.UnionType():
            return " | ".join(_type(one) for one in info.types)
        case types.Metadata():
            return _type(info.type)
        case types.AnyType() | types.RawType():
            return "unknown"
    return "string"  # msgspec writes dates, bytes, UUIDs and decimals as text
