"""The query protocol: Elastic Load Balancing, STS, IAM and, later, Auto Scaling."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from botocore.model import ListShape, OperationModel, Shape

from . import constraints
from .constraints import compile_constraint, null_problem
from .errors import AwsError
from .form import FormCompiler, Node, Problems, tree
from .xml import XmlCompiler, escape

INTERNAL = AwsError(
    "InternalFailure",
    "The request processing has failed because of an unknown error, exception or failure.",
    status=500,
)


class QueryFormCompiler(FormCompiler):
    def field_name(self, name: str, shape: Shape) -> str:
        if shape.type_name == "list" and shape.serialization.get("flattened") and "name" in shape.member.serialization:
            return str(shape.member.serialization["name"])
        return str(shape.serialization.get("name", name))

    def member_path(self, path: str, name: str, field: str) -> str:
        lower = name[0].lower() + name[1:]
        return f"{path}.{lower}" if path else lower

    def element_path(self, path: str, index: str) -> str:
        return f"{path}.{index}.member"

    def elements(self, shape: ListShape) -> Callable[[dict[str, Any]], Node]:
        if shape.serialization.get("flattened"):
            return lambda node: node
        name = shape.member.serialization.get("name", "member")

        def under_name(node: dict[str, Any]) -> Node:
            if set(node) != {name}:
                raise AwsError("MalformedInput", f"A list is sent as .{name}.1, .{name}.2 and so on")
            found: Node = node[name]
            return found

        return under_name

    def wrong_type(self, path: str, *, value: str, expected: str) -> AwsError:
        return AwsError("ValidationError", f"Value '{value}' at '{path}' is not a valid {expected}")

    def misplaced(self, path: str) -> AwsError:
        return AwsError("MalformedInput", f"The nesting of '{path}' does not fit the API")

    def missing(self, path: str, problems: Problems) -> None:
        problems.append(null_problem(path))

    def unknown(self, path: str) -> None:
        """The query services ignore what they do not know."""

    def constraint(self, shape: Shape) -> Callable[[Any, str, Problems], None] | None:
        return compile_constraint(shape)


class QueryProtocol:
    """`WireProtocol` of `models.py` for a query service."""

    media_type = "text/xml;charset=UTF-8"
    headers: Mapping[str, str] = {}

    def __init__(self, *, namespace: str) -> None:
        self._namespace = namespace
        self._forms = QueryFormCompiler()
        self._xml = XmlCompiler()

    def compile_input(self, operation: OperationModel) -> Callable[[list[tuple[str, str]]], dict[str, Any]]:
        if operation.input_shape is None:
            return lambda pairs: {}
        parse = self._forms.parser(operation.input_shape)

        def parse_checked(pairs: list[tuple[str, str]]) -> dict[str, Any]:
            problems = constraints.Problems()
            value: dict[str, Any] = {}
            with suppress(constraints.Enough):
                value = parse(tree(pairs), "", problems)
            if problems:
                raise AwsError("ValidationError", problems.sentence())
            return value

        return parse_checked

    def compile_output(self, operation: OperationModel) -> Callable[[dict[str, Any], str], bytes]:
        name, shape = operation.name, operation.output_shape
        opened, closed, content = "", "", None
        if shape is not None:
            wrapper = shape.serialization.get("resultWrapper", f"{name}Result")
            opened, closed, content = f"<{wrapper}>", f"</{wrapper}>", self._xml.writer(shape)

        def serialise(answer: dict[str, Any], request_id: str) -> bytes:
            parts = [f'<{name}Response xmlns="{self._namespace}">{opened}']
            if content is not None:
                content(answer, parts.append)
            parts.append(
                f"{closed}<ResponseMetadata><RequestId>{escape(request_id)}</RequestId></ResponseMetadata>"
                f"</{name}Response>"
            )
            return "".join(parts).encode()

        return serialise

    def error(self, error: AwsError, request_id: str) -> bytes:
        fault = "Sender" if error.status < 500 else "Receiver"
        return (
            f'<ErrorResponse xmlns="{self._namespace}"><Error><Type>{fault}</Type>'
            f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message></Error>"
            f"<RequestId>{escape(request_id)}</RequestId></ErrorResponse>"
        ).encode()

    def error_headers(self, error: AwsError) -> dict[str, str]:
        return {}

    def translate(self, error: AwsError) -> AwsError:
        return error

    def internal_error(self) -> AwsError:
        return INTERNAL

    def unknown_action(self, action: str) -> AwsError:
        return AwsError("InvalidAction", f"The action {action} is not valid for this web service.")

    def unknown_version(self, action: str, version: str) -> AwsError:
        return AwsError("InvalidAction", f"Could not find operation {action} for version {version}")

    def not_implemented(self, action: str) -> AwsError:
        return AwsError("InvalidAction", f"The action {action} is not implemented by OpenGWLB.")
