"""AWS's recurring errors, in AWS's words, so that each is written once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from opengwlb.wire.errors import AwsError


def invalid_value(message: str) -> AwsError:
    return AwsError("InvalidParameterValue", message)


def invalid_parameter(value: object, *, parameter: str, reason: str) -> AwsError:
    """EC2's usual sentence about one parameter's value."""
    return invalid_value(f"Value ({value}) for parameter {parameter} is invalid. {reason}")


def bad_combination(message: str) -> AwsError:
    return AwsError("InvalidParameterCombination", message)


def missing(parameter: str) -> AwsError:
    return AwsError("MissingParameter", f"The request must contain the parameter {parameter}")


def needed(structure: Mapping[str, Any], member: str, *, within: str) -> Any:
    """A member without which a structure says nothing, though the model does not require it. `within`: what the structure is called."""
    if structure.get(member) is None:
        raise missing(f"{within}.{member}")
    return structure[member]


def dependency(noun: str, resource_id: str) -> AwsError:
    """`dependency("vpc", "vpc-1")`: the object is still used by others."""
    return AwsError("DependencyViolation", f"The {noun} '{resource_id}' has dependencies and cannot be deleted.")


def unsupported(parameter: str, because: str) -> AwsError:
    return AwsError("UnsupportedOperation", f"The parameter {parameter} is not supported: {because}")


def refuse(params: Mapping[str, Any], unsupported_members: Iterable[str], *, because: str) -> None:
    """Raise `UnsupportedOperation` for the first of these members the caller set.

    Nothing that would change traffic is silently ignored. False, empty strings and empty lists count as not set.
    """
    for member in unsupported_members:
        if params.get(member):
            raise unsupported(member, because)


def dry_run(params: Mapping[str, Any]) -> None:
    """Raise what AWS answers to a permitted `DryRun=true`."""
    if params.get("DryRun"):
        raise AwsError("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", status=412)
