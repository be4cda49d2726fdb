"""Calls actions as the wire would: parameters checked against botocore's input shapes, answers against its output shapes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

import pytest
from botocore.model import ServiceModel, Shape
from botocore.session import get_session
from botocore.validate import ParamValidator

import opengwlb.api.ec2
import opengwlb.api.elbv2
import opengwlb.api.sts  # noqa: F401  (importing registers the actions)
from opengwlb.api.common.defaults import ensure_region
from opengwlb.api.context import ACTIONS, Context
from opengwlb.api.standing import guard
from opengwlb.model.snapshot import Stored
from opengwlb.store.protocol import Store
from opengwlb.wire.errors import AwsError

PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "double": (float, int),
    "float": (float, int),
    "timestamp": (datetime,),
    "blob": (bytes,),
}


@cache
def service_model(service: str) -> ServiceModel:
    return get_session().get_service_model(service)


@dataclass(frozen=True, kw_only=True)
class Api:
    """One caller. `api.ec2("CreateVpc", CidrBlock="10.0.0.0/16")` returns the answer or raises AwsError."""

    store: Store
    account: str = "111111111111"
    region: str = "ap-northeast-2"
    now: float = 1_800_000_000.0

    def of(self, account: str) -> Api:
        """The same store, called by another account."""
        return replace(self, account=account)

    def ec2(self, operation: str, **params: Any) -> dict[str, Any]:
        return self.call("ec2", operation, **params)

    def elbv2(self, operation: str, **params: Any) -> dict[str, Any]:
        return self.call("elbv2", operation, **params)

    def call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        model = service_model(service).operation_model(operation)
        if model.input_shape is not None:
            report = ParamValidator().validate(params, model.input_shape)
            assert not report.has_errors(), report.generate_report()
        ensure_region(self.store, account=self.account, region=self.region)
        guard.check(service, operation, params)
        answer = ACTIONS[service, operation](self.context(), params)
        if model.output_shape is None:
            assert answer == {}, f"{operation} has no output"
        else:
            check_shape(answer, model.output_shape, path=operation)
        return answer

    def context(self) -> Context:
        return Context(
            account=self.account,
            region=self.region,
            access_key="AKIAIOSFODNN7EXAMPLE",
            request_id="0" * 32,
            now=self.now,
            store=self.store,
        )

    def put(self, *objects: Stored) -> None:
        """Write status as the reconcilers would."""

        def work(tx: Any) -> None:
            for each in objects:
                tx.put(each)

        self.store.transact(work)


def check_shape(value: Any, shape: Shape, *, path: str) -> None:
    """Every member exists in the shape and has its type; what is absent is left out, never None."""
    if shape.type_name == "structure":
        assert isinstance(value, dict), f"{path}: {value!r} is no structure"
        for name, member in value.items():
            assert name in shape.members, f"{path} has no member {name}"
            check_shape(member, shape.members[name], path=f"{path}.{name}")
    elif shape.type_name == "list":
        assert isinstance(value, list), f"{path}: {value!r} is no list"
        for place, member in enumerate(value):
            check_shape(member, shape.member, path=f"{path}[{place}]")
    elif shape.type_name == "map":
        assert isinstance(value, dict), f"{path}: {value!r} is no map"
        for key, member in value.items():
            check_shape(member, shape.value, path=f"{path}[{key!r}]")
    else:
        assert isinstance(value, PYTHON_TYPES[shape.type_name]), f"{path}: {value!r} is no {shape.type_name}"
        if shape.type_name in ("integer", "long"):
            assert not isinstance(value, bool), f"{path}: {value!r} is no {shape.type_name}"


@contextmanager
def refused(code: str, *words: str) -> Iterator[None]:
    """The block must end in this AWS error, whose message has these words."""
    with pytest.raises(AwsError) as caught:
        yield
    assert caught.value.code == code, str(caught.value)
    for word in words:
        assert word in caught.value.message, caught.value.message
