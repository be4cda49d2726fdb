"""Policy documents: read, checked, and evaluated as IAM does. Pure: time and addresses come with the request's context.

Source: "Policy evaluation logic", "IAM JSON policy elements: Condition operators" in the IAM User Guide. A denial wins over every
permission; without a permission nothing is allowed; a condition key that the request does not have fails every operator but the
negated ones and those with `IfExists`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any, Literal

from .wildcards import expression

VERSIONS = ("2012-10-17", "2008-10-17")
_STATEMENT = {
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
}
_QUALIFIED = re.compile(r"(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?")
_VARIABLE = re.compile(r"\$\{([^}]*)\}")

Decision = Literal["allowed", "denied", "unmentioned"]
"""Explicitly allowed, explicitly denied, or neither (which is a refusal too)."""


class PolicyError(ValueError):
    """The document is not a policy; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks, in all the ways that a policy may name it."""

    account: str
    arns: tuple[str, ...] = ()
    """Of a session: its role's ARN and its own; of an account's root: `arn:aws:iam::ACCOUNT:root`."""
    service: str = ""
    """`ec2.amazonaws.com`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question: may `action` be done to `resource`?"""

    action: str
    """`ec2:DescribeInstances`."""
    resource: str = "*"
    """An ARN, or `*` for actions that are about none."""
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Condition key in lower case -> its values."""
    principal: Principal | None = None
    """Needed by documents with principals: trust policies and endpoints' policies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    operator: str
    key: str
    """Lower case."""
    values: tuple[str, ...]
    quantifier: str
    """`ForAllValues`, `ForAnyValue` or empty."""
    if_exists: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    allow: bool
    principals: tuple[tuple[str, str], ...] | None
    """(`AWS`, `Service` or `Federated`, value); None in identity policies."""
    not_principals: bool
    actions: tuple[str, ...]
    not_actions: bool
    resources: tuple[str, ...]
    not_resources: bool
    conditions: tuple[Condition, ...]


@lru_cache(maxsize=1024)
def parse(text: str, *, principals: bool = False) -> tuple[Statement, ...]:
    """A document's statements; `principals` for trust and endpoint policies. Raises PolicyError."""
    try:
        document = json.loads(text, object_pairs_hook=_unique)
    except (json.JSONDecodeError, RecursionError) as error:
        raise PolicyError(f"Syntax errors in policy: {error}") from error
    if not isinstance(document, dict):
        raise PolicyError("Syntax errors in policy: the document must be an object.")
    if unknown := set(document) - {"Version", "Id", "Statement"}:
        raise PolicyError(f"Syntax errors in policy: unknown element {sorted(unknown)[0]}.")
    if document.get("Version", VERSIONS[1]) not in VERSIONS:
        raise PolicyError(f"The policy's Version must be one of {', '.join(VERSIONS)}.")
    statements = document.get("Statement")
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not statements:
        raise PolicyError("Syntax errors in policy: Statement must be an object or a list of them.")
    found = tuple(_statement(each, principals=principals) for each in statements)
    sids = [each["Sid"] for each in statements if each.get("Sid")]
    if len(sids) != len(set(sids)):
        raise PolicyError("Statement IDs (SID) in a single policy must be unique.")
    return found


def evaluate(statements: Iterable[Statement], asked: Asked) -> Decision:
    """What these statements, of one policy or several, say together."""
    decision: Decision = "unmentioned"
    for statement in statements:
        if not _applies(statement, asked):
            continue
        if not statement.allow:
            return "denied"
        decision = "allowed"
    return decision


def names_itself(statements: Iterable[Statement], principal: Principal) -> bool:
    """Whether a permission names the caller's own ARN, or everybody, and not just its account: then the trusting side suffices."""
    return any(
        statement.allow and not statement.not_principals and (kind, value) == ("AWS", name)
        for statement in statements
        for kind, value in statement.principals or ()
        for name in ("*", *principal.arns)
        if not value.endswith(":root")
    )


# -- reading --------------------------------------------------------------------------------------------------------------


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise PolicyError("Syntax errors in policy: an element is given twice.")
    return found


def _statement(raw: Any, *, principals: bool) -> Statement:
    if not isinstance(raw, dict):
        raise PolicyError("Syntax errors in policy: a statement must be an object.")
    if unknown := set(raw) - _STATEMENT:
        raise PolicyError(f"Syntax errors in policy: unknown element {sorted(unknown)[0]} in a statement.")
    if raw.get("Effect") not in ("Allow", "Deny"):
        raise PolicyError("Policy statement must have an Effect of Allow or Deny.")
    who, not_who = _principals(raw, wanted=principals)
    actions, not_actions = _one_of(raw, "Action", "actions")
    for action in actions:
        if action != "*" and not re.fullmatch(r"[A-Za-z0-9*?-]+:[A-Za-z0-9*?]+", action):
            raise PolicyError(f"Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.: {action}")
    resources: tuple[str, ...] = ("*",)
    not_resources = False
    if "Resource" in raw or "NotResource" in raw or not principals:
        resources, not_resources = _one_of(raw, "Resource", "resources")
    for resource in resources:
        if resource != "*" and not resource.startswith("*") and len(resource.split(":", 5)) != 6:
            raise PolicyError(f'Resource {resource} must be in ARN format or "*".')
    return Statement(
        allow=raw["Effect"] == "Allow",
        principals=who,
        not_principals=not_who,
        actions=actions,
        not_actions=not_actions,
        resources=resources,
        not_resources=not_resources,
        conditions=tuple(_conditions(raw.get("Condition", {}))),
    )


def _one_of(raw: Mapping[str, Any], name: str, noun: str) -> tuple[tuple[str, ...], bool]:
    """The values of `Name` or `NotName`, and whether it was the latter."""
    given = [key for key in (name, f"Not{name}") if key in raw]
    if len(given) != 1:
        raise PolicyError(f"Policy statement must contain {noun}.")
    values = _strings(raw[given[0]], where=given[0])
    if not values:
        raise PolicyError(f"Policy statement must contain {noun}.")
    return values, given[0] != name


def _strings(raw: Any, *, where: str) -> tuple[str, ...]:
    values = raw if isinstance(raw, list) else [raw]
    if not all(isinstance(each, str) for each in values):
        raise PolicyError(f"Syntax errors in policy: {where} must be a string or a list of strings.")
    return tuple(values)


def _principals(raw: Mapping[str, Any], *, wanted: bool) -> tuple[tuple[tuple[str, str], ...] | None, bool]:
    given = [key for key in ("Principal", "NotPrincipal") if key in raw]
    if not wanted:
        if given:
            raise PolicyError("Policy document should not specify a principal.")
        return None, False
    if len(given) != 1:
        raise PolicyError("Policy statement must contain a principal.")
    value = raw[given[0]]
    if value == "*":
        return (("AWS", "*"),), given[0] == "NotPrincipal"
    if not isinstance(value, dict) or set(value) - {"AWS", "Service", "Federated", "CanonicalUser"} or not value:
        raise PolicyError("Invalid principal in policy: use AWS, Service or Federated.")
    found = []
    for kind, names in value.items():
        for name in _strings(names, where="Principal"):
            if kind == "AWS" and name != "*" and not re.fullmatch(r"[0-9]{12}|arn:aws:(iam|sts)::[0-9]{12}:.+", name):
                raise PolicyError(f'Invalid principal in policy: "AWS":"{name}"')
            found.append((kind, f"arn:aws:iam::{name}:root" if re.fullmatch("[0-9]{12}", name) else name))
    return tuple(found), given[0] == "NotPrincipal"


def _conditions(raw: Any) -> Iterable[Condition]:
    if not isinstance(raw, dict):
        raise PolicyError("Syntax errors in policy: Condition must be an object.")
    for qualified, block in raw.items():
        match = _QUALIFIED.fullmatch(qualified)
        if match is None or match[2] not in _OPERATORS or (match[2] == "Null" and match[3]):
            raise PolicyError(f"Invalid Condition type : {qualified}.")
        if not isinstance(block, dict) or not block:
            raise PolicyError(f"Syntax errors in policy: {qualified} must be an object of keys and values.")
        for key, values in block.items():
            listed = values if isinstance(values, list) else [values]
            if not listed or not all(isinstance(each, str | bool | int | float) for each in listed):
                raise PolicyError(f"Syntax errors in policy: the values of {key} must be strings, numbers or booleans.")
            texts = tuple(str(each).lower() if isinstance(each, bool) else str(each) for each in listed)
            _check_values(match[2], texts)
            yield Condition(
                operator=match[2],
                key=key.lower(),
                values=texts,
                quantifier=match[1] or "",
                if_exists=match[3] is not None,
            )


def _check_values(operator: str, values: Sequence[str]) -> None:
    """A value that the operator can never compare is a mistake in the document."""
    reads: dict[str, Callable[[str], object]] = {
        "Numeric": Decimal,
        "Date": _moment,
        "IpAddress": lambda value: ip_network(value, strict=False),
    }
    for prefix, read in reads.items():
        if operator.removeprefix("Not").startswith(prefix):
            for value in values:
                try:
                    read(value)
                except (ValueError, InvalidOperation) as error:
                    raise PolicyError(f"Invalid value {value} for the condition {operator}.") from error
    if operator in ("Bool", "Null") and not set(values) <= {"true", "false"}:
        raise PolicyError(f"The condition {operator} takes true or false.")


# -- matching -------------------------------------------------------------------------------------------------------------


def _applies(statement: Statement, asked: Asked) -> bool:
    return (
        (statement.principals is None or _is_named(statement, asked.principal))
        and any(_like(pattern.lower(), asked.action.lower()) for pattern in statement.actions) != statement.not_actions
        and any(_like(_filled(pattern, asked.context, wild=True), asked.resource) for pattern in statement.resources)
        != statement.not_resources
        and all(_holds(condition, asked.context) for condition in statement.conditions)
    )


def _is_named(statement: Statement, principal: Principal | None) -> bool:
    if principal is None:
        return False
    own = {
        ("AWS", "*"),
        ("AWS", f"arn:aws:iam::{principal.account}:root"),
        *(("AWS", arn) for arn in principal.arns),
    }
    if principal.service:
        own = {("AWS", "*"), ("Service", principal.service)}
    return bool(own & set(statement.principals or ())) != statement.not_principals


@lru_cache(maxsize=4096)
def _pattern(text: str) -> re.Pattern[str]:
    """`*` any run, `?` one character; a character behind NUL stands for itself (what a variable brought in)."""
    return re.compile(expression(text, escape="\0"), re.DOTALL)


def _like(pattern: str, value: str) -> bool:
    return _pattern(pattern).fullmatch(value) is not None


def _filled(text: str, context: Mapping[str, tuple[str, ...]], *, wild: bool = False) -> str:
    """With policy variables (`${aws:userid}`) replaced; one that the request lacks matches nothing. `wild`: as a pattern, in which
    what a variable brings is never a wildcard."""

    def value(match: re.Match[str]) -> str:
        name, _, default = match[1].partition(",")
        name = name.strip()
        if name in ("*", "?", "$"):
            return f"\0{name}" if wild else name
        found = context.get(name.lower(), ())
        text = found[0] if len(found) == 1 else default.strip().strip("'") if default else match[0]
        return "".join(f"\0{character}" for character in text) if wild else text

    return _VARIABLE.sub(value, text)


def _holds(condition: Condition, context: Mapping[str, tuple[str, ...]]) -> bool:
    values = context.get(condition.key)
    if condition.operator == "Null":
        return any((wanted == "true") == (values is None) for wanted in condition.values)
    if values is None:
        if condition.quantifier == "ForAnyValue":
            return False
        negated = "Not" in condition.operator
        return condition.if_exists or condition.quantifier == "ForAllValues" or negated
    negated, test = _OPERATORS[condition.operator]
    wild = test in (_string_like, _arn_like)
    wanted = [_filled(each, context, wild=wild) for each in condition.values]

    def one(value: str) -> bool:
        return any(test(each, value) for each in wanted) != negated

    return any(map(one, values)) if condition.quantifier == "ForAnyValue" else all(map(one, values))


def _moment(text: str) -> float:
    """Seconds since the epoch, of ISO 8601 or of the number itself."""
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        return float(text)
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _string(wanted: str, value: str) -> bool:
    return wanted == value


def _string_ignore_case(wanted: str, value: str) -> bool:
    return wanted.lower() == value.lower()


def _string_like(wanted: str, value: str) -> bool:
    return _like(wanted, value)


def _arn_like(wanted: str, value: str) -> bool:
    """Each of the six parts by itself: a wildcard does not reach over a colon before the last part."""
    parts, given = wanted.split(":", 5), value.split(":", 5)
    return len(parts) == len(given) == 6 and all(map(_like, parts, given))


def _number(compare: Callable[[Decimal, Decimal], bool]) -> Callable[[str, str], bool]:
    def test(wanted: str, value: str) -> bool:
        try:
            return compare(Decimal(value), Decimal(wanted))
        except InvalidOperation:
            return False

    return test


def _date(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    def test(wanted: str, value: str) -> bool:
        try:
            return compare(_moment(value), _moment(wanted))
        except ValueError:
            return False

    return test


def _address(wanted: str, value: str) -> bool:
    try:
        return ip_address(value) in ip_network(wanted, strict=False)
    except ValueError:
        return False


_OPERATORS: dict[str, tuple[bool, Callable[[str, str], bool]]] = {
    "StringEquals": (False, _string),
    "StringNotEquals": (True, _string),
    "StringEqualsIgnoreCase": (False, _string_ignore_case),
    "StringNotEqualsIgnoreCase": (True, _string_ignore_case),
    "StringLike": (False, _string_like),
    "StringNotLike": (True, _string_like),
    "ArnEquals": (False, _arn_like),
    "ArnNotEquals": (True, _arn_like),
    "ArnLike": (False, _arn_like),
    "ArnNotLike": (True, _arn_like),
    "NumericEquals": (False, _number(lambda a, b: a == b)),
    "NumericNotEquals": (True, _number(lambda a, b: a == b)),
    "NumericLessThan": (False, _number(lambda a, b: a < b)),
    "NumericLessThanEquals": (False, _number(lambda a, b: a <= b)),
    "NumericGreaterThan": (False, _number(lambda a, b: a > b)),
    "NumericGreaterThanEquals": (False, _number(lambda a, b: a >= b)),
    "DateEquals": (False, _date(lambda a, b: a == b)),
    "DateNotEquals": (True, _date(lambda a, b: a == b)),
    "DateLessThan": (False, _date(lambda a, b: a < b)),
    "DateLessThanEquals": (False, _date(lambda a, b: a <= b)),
    "DateGreaterThan": (False, _date(lambda a, b: a > b)),
    "DateGreaterThanEquals": (False, _date(lambda a, b: a >= b)),
    "Bool": (False, _string_ignore_case),
    "IpAddress": (False, _address),
    "NotIpAddress": (True, _address),
    "Null": (False, _string),
}
"""Operator -> (negated, does one wanted value fit one given value)."""
