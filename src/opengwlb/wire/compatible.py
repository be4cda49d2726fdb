"""The awsQueryCompatible trait: a service that came from the query protocol keeps its error codes for those who know them.

JSON and CBOR errors are named by their shape (`InvalidParameterValueException`); the header `x-amzn-query-error` adds the code
that the query protocol answers (`InvalidParameterValue;Sender`), which is what boto3 and most people look at.
Source: https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#aws-protocols-awsquerycompatible-trait.
"""

from __future__ import annotations

from botocore.model import ServiceModel

from .errors import AwsError

CODES = {"ValidationException": "ValidationError", "UnknownOperationException": "InvalidAction"}
"""Errors that no shape of the model stands for, by the query protocol's word (inferred from the query services)."""


class QueryErrors:
    """The error names of one service, both ways."""

    def __init__(self, model: ServiceModel) -> None:
        self._namespace = f"com.amazonaws.{model.service_name}"
        self._codes = {shape.name: str(shape.error_code) for shape in model.error_shapes if shape.error_code}
        self._shapes = {code: name for name, code in self._codes.items()}

    def shape(self, error: AwsError) -> str:
        """`com.amazonaws.cloudwatch#InvalidParameterValueException`; a code that no shape has names itself."""
        return f"{self._namespace}#{self._shapes.get(error.code, error.code)}"

    def headers(self, error: AwsError) -> dict[str, str]:
        code = self._codes.get(error.code) or CODES.get(error.code, error.code)
        return {"x-amzn-query-error": f"{code};{'Sender' if error.status < 500 else 'Receiver'}"}
