"""The AWS services spoken here, from botocore's models: found by signing name or version, compiled on first use.

A protocol (`ec2.py`, `query.py`, `json.py`, `cbor.py`) turns an operation's shapes into two functions. A service that speaks several
is a `Service` for each of them: `service("cloudwatch", protocol="query")`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel

from . import cbor
from .cbor import CborProtocol
from .compatible import QueryErrors
from .ec2 import Ec2Protocol
from .errors import AwsError
from .json import JsonProtocol
from .query import QueryProtocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a request can name a service by, as its model says it: here too, because reading every model takes as long as all else that
    happens before the first answer."""

    signing_name: str
    version: str
    target: str | None = None
    """What X-Amz-Target starts with (`AmazonSSM`), for services that are asked in JSON; None for those asked by a form."""


KNOWN = {
    "ec2": Known(signing_name="ec2", version="2016-11-15"),
    "elbv2": Known(signing_name="elasticloadbalancing", version="2015-12-01"),
    "sts": Known(signing_name="sts", version="2011-06-15"),
    "iam": Known(signing_name="iam", version="2010-05-08"),
    "ssm": Known(signing_name="ssm", version="2014-11-06", target="AmazonSSM"),
    "cloudwatch": Known(signing_name="monitoring", version="2010-08-01", target="GraniteServiceVersion20100801"),
    "resourcegroupstaggingapi": Known(
        signing_name="tagging", version="2017-01-26", target="ResourceGroupsTaggingAPI_20170126"
    ),
    "service-quotas": Known(signing_name="servicequotas", version="2019-06-24", target="ServiceQuotasV20190624"),
}
"""By botocore's name."""
SERVICES = tuple(KNOWN)

Parse = Callable[[Any], dict[str, Any]]
"""What was sent -> parameters as botocore would take them; raises AwsError. Form pairs, or a JSON protocol's body in bytes."""
Serialise = Callable[[dict[str, Any], str], bytes]
"""(answer as botocore would return it, request id) -> body."""


class WireProtocol(Protocol):
    @property
    def media_type(self) -> str:
        """Of its answers."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Of every answer."""

    def compile_input(self, operation: OperationModel) -> Parse: ...
    def compile_output(self, operation: OperationModel) -> Serialise: ...
    def error(self, error: AwsError, request_id: str) -> bytes: ...
    def error_headers(self, error: AwsError) -> dict[str, str]: ...
    def translate(self, error: AwsError) -> AwsError:
        """The service's own code for a refusal of the signature."""

    def internal_error(self) -> AwsError: ...
    def unknown_action(self, action: str) -> AwsError: ...
    def unknown_version(self, action: str, version: str) -> AwsError: ...
    def not_implemented(self, action: str) -> AwsError: ...


class Operation:
    """One AWS operation, ready to parse requests and write answers."""

    def __init__(self, model: OperationModel, protocol: WireProtocol) -> None:
        self.name: str = model.name
        self.parse = protocol.compile_input(model)
        self.serialise = protocol.compile_output(model)


class Service:
    """One AWS service. Its 830 operations (EC2) are compiled one by one, when first called."""

    def __init__(self, name: str, *, model: ServiceModel | None = None, protocol: str = "") -> None:
        """`protocol` in botocore's words; by default the one that boto3 uses."""
        self.model = model or ServiceModel(Loader().load_service_model(name, "service-2"), name)
        self.name = name
        self.speaks: str = protocol or self.model.resolved_protocol
        self.signing_name: str = self.model.signing_name
        self.version: str = self.model.api_version
        self.target: str | None = self.model.metadata.get("targetPrefix")
        """What X-Amz-Target starts with (`AmazonSSM`), for services that are asked in JSON; None for those asked by a form."""
        self.protocol = _protocol(self.model, self.speaks)
        self._names = frozenset(self.model.operation_names)
        self._operations: dict[str, Operation] = {}

    def speaking(self, protocol: str) -> Service:
        """The same service in another of its protocols; itself when it has no such one."""
        spoken = protocol != self.speaks and protocol in self.model.metadata.get("protocols", ())
        return service(self.name, protocol=protocol) if spoken else self

    def operation(self, name: str) -> Operation | None:
        """None when the service has no such operation."""
        found = self._operations.get(name)
        if found is None and name in self._names:
            # Two threads may compile the same one: the results are equal.
            found = self._operations[name] = Operation(self.model.operation_model(name), self.protocol)
        return found


@cache
def service(name: str, *, protocol: str = "") -> Service:
    """A service by botocore's name, in the protocol that boto3 uses or in another of its own."""
    return Service(name, model=service(name).model, protocol=protocol) if protocol else Service(name)


def signed_for(signing_name: str) -> Service | None:
    """The service whose requests are signed for this name: `elasticloadbalancing` -> elbv2."""
    return _named(_SIGNED_FOR, signing_name)


def of_target(target: str) -> Service | None:
    """The service that an X-Amz-Target header (`AmazonSSM.GetParameter`) names."""
    return _named(_OF_TARGET, target.rpartition(".")[0])


def of_version(version: str) -> Service | None:
    """The service with this API version, for requests that name no service: no two share one."""
    return _named(_OF_VERSION, version)


_SIGNED_FOR = {known.signing_name: name for name, known in KNOWN.items()}
_OF_TARGET = {known.target: name for name, known in KNOWN.items() if known.target is not None}
_OF_VERSION = {known.version: name for name, known in KNOWN.items()}


def _named(names: Mapping[str, str], said: str) -> Service | None:
    name = names.get(said)
    return None if name is None else service(name)


def _protocol(model: ServiceModel, name: str) -> WireProtocol:
    queried = QueryErrors(model) if model.is_query_compatible else None
    match name:
        case "ec2":
            return Ec2Protocol()
        case "query":
            return QueryProtocol(namespace=model.metadata["xmlNamespace"])
        case "json":
            return JsonProtocol(version=model.metadata["jsonVersion"], queried=queried)
        case cbor.NAME:
            return CborProtocol(queried=queried)
    raise ValueError(f"{model.service_name} speaks {name}, which is not spoken here")
