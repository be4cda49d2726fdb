"""The ec2 protocol: the query protocol's older sister, with names, lists and errors of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.model import ListShape, OperationModel, Shape

from .errors import AccessDenied, AwsError
from .form import FormCompiler, Node, Problems, tree
from .sigv4 import SignatureExpired, TokenExpired, UnknownKey
from .xml import XmlCompiler, escape

INTERNAL = AwsError("InternalError", "An internal error has occurred", status=500)


class Ec2FormCompiler(FormCompiler):
    def field_name(self, name: str, shape: Shape) -> str:
        if "queryName" in shape.serialization:
            return str(shape.serialization["queryName"])
        sent = str(shape.serialization.get("name", name))
        return sent[0].upper() + sent[1:] if "name" in shape.serialization else sent

    def member_path(self, path: str, name: str, field: str) -> str:
        return f"{path}.{field}" if path else field

    def element_path(self, path: str, index: str) -> str:
        return f"{path}.{index}"

    def elements(self, shape: ListShape) -> Callable[[dict[str, Any]], Node]:
        return lambda node: node

    def wrong_type(self, path: str, *, value: str, expected: str) -> AwsError:
        return AwsError(
            "InvalidParameterValue", f"Value ({value}) for parameter {path} is invalid. It is not a valid {expected}."
        )

    def misplaced(self, path: str) -> AwsError:
        return AwsError("InvalidParameterValue", f"The parameter {path} is invalid: its nesting does not fit the API.")

    def missing(self, path: str, problems: Problems) -> None:
        raise AwsError("MissingParameter", f"The request must contain the parameter {path}")

    def unknown(self, path: str) -> None:
        raise AwsError("UnknownParameter", f"The parameter {path} is not recognized")

    def constraint(self, shape: Shape) -> None:
        # EC2 answers with a code of its own for each parameter: the action knows it.
        return None


_OF_NO_INSTANCES = frozenset({"RebootInstances", "StartInstances", "StopInstances", "TerminateInstances"})
"""Operations whose actions say themselves that no instance was named: AWS has another code for it than for other members."""


class Ec2Protocol:
    """`WireProtocol` of `models.py` for Amazon EC2."""

    media_type = "text/xml;charset=UTF-8"
    headers: Mapping[str, str] = {}

    def __init__(self) -> None:
        self._forms = Ec2FormCompiler()
        self._xml = XmlCompiler()

    def compile_input(self, operation: OperationModel) -> Callable[[list[tuple[str, str]]], dict[str, Any]]:
        if operation.input_shape is None:
            return lambda pairs: {}
        parse = self._forms.parser(operation.input_shape)
        if operation.name in _OF_NO_INSTANCES:
            return lambda pairs: parse(node, "", []) if "InstanceId" in (node := tree(pairs)) else {"InstanceIds": []}
        return lambda pairs: parse(tree(pairs), "", [])

    def compile_output(self, operation: OperationModel) -> Callable[[dict[str, Any], str], bytes]:
        name = operation.name
        root = f'<{name}Response xmlns="{operation.metadata["xmlNamespace"]}/">'
        content = None if operation.output_shape is None else self._xml.writer(operation.output_shape)

        def serialise(answer: dict[str, Any], request_id: str) -> bytes:
            parts = [f'<?xml version="1.0" encoding="UTF-8"?>\n{root}<requestId>{escape(request_id)}</requestId>']
            if content is None:
                # AWS sends it although the model has no output; older clients look for it.
                parts.append("<return>true</return>")
            else:
                content(answer, parts.append)
            parts.append(f"</{name}Response>")
            return "".join(parts).encode()

        return serialise

    def error(self, error: AwsError, request_id: str) -> bytes:
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error>'
            f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
            f"</Error></Errors><RequestID>{escape(request_id)}</RequestID></Response>"
        ).encode()

    def error_headers(self, error: AwsError) -> dict[str, str]:
        return {}

    def translate(self, error: AwsError) -> AwsError:
        """EC2 has codes of its own for refusals of a signature and of a permission."""
        match error:
            case UnknownKey():
                return AwsError(
                    "AuthFailure", "AWS was not able to validate the provided access credentials", status=401
                )
            case SignatureExpired():
                return AwsError("RequestExpired", f"Request has expired. {error.message}")
            case TokenExpired():
                return AwsError("RequestExpired", "Request has expired.")
            case AccessDenied():
                return AwsError(
                    "UnauthorizedOperation",
                    f"You are not authorized to perform this operation. {error.message}",
                    status=403,
                )
        return error

    def internal_error(self) -> AwsError:
        return INTERNAL

    def unknown_action(self, action: str) -> AwsError:
        return AwsError("InvalidAction", f"The action {action} is not valid for this web service.")

    def unknown_version(self, action: str, version: str) -> AwsError:
        return AwsError("NoSuchVersion", f"The requested version ({version}) of service AmazonEC2 does not exist")

    def not_implemented(self, action: str) -> AwsError:
        return AwsError("UnsupportedOperation", f"The action {action} is not implemented by OpenGWLB.")
