"""The firewall's rules: YAML in, values that answer "does this flow match?" out. Pure.

    default: allow
    workers: 1
    rules:
      - {name: no-telnet, action: deny, protocol: tcp, ports: "23"}
      - {name: office, action: allow, source: 198.51.100.0/24, destination: 10.0.0.0/16}
      - {name: no-secrets, action: deny, protocol: tcp, ports: "80, 8000-8080", payload: "TOP-SECRET"}
      - {name: no-cards, action: deny, protocol: tcp, payload: {regex: "card=[0-9]{16}"}}

Source, destination and ports are those of the flow's first packet. The first rule without `payload` that matches
decides the flow; rules with `payload` then look into both directions of what was allowed, wherever in the list they
stand.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Any

import yaml

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

REGEX_WINDOW = 1024
"""The longest match of a regular expression that is found when it is split over segments, in bytes."""
LONGEST_LITERAL = 4096
MAX_WORKERS = 16
_PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "icmpv6": 58}
_KEYS = frozenset({"name", "action", "source", "destination", "protocol", "ports", "payload"})
_TOP_KEYS = frozenset({"rules", "default", "workers"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A flow by its first packet."""

    source: bytes
    destination: bytes
    """4 or 16 bytes each."""
    protocol: int
    source_port: int = 0
    destination_port: int = 0

    def reversed(self) -> Flow:
        return Flow(
            source=self.destination,
            destination=self.source,
            protocol=self.protocol,
            source_port=self.destination_port,
            destination_port=self.source_port,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """What a payload rule looks for: a literal or an expression."""

    literal: bytes = b""
    """Empty: look for the expression. A plain search is several times faster than an expression's."""
    expression: re.Pattern[bytes] | None = None
    reach: int
    """Bytes of the stream before a segment that a match may begin in."""

    def is_in(self, text: bytes) -> bool:
        if self.expression is None:
            return self.literal in text
        return self.expression.search(text) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    name: str
    allow: bool
    source: Network | None = None
    destination: Network | None = None
    """None: any, of IPv4 and IPv6."""
    protocol: int | None = None
    ports: tuple[tuple[int, int], ...] = ()
    """Ranges of the destination port, inclusive; empty for any."""
    pattern: Pattern | None = None

    def matches(self, flow: Flow) -> bool:
        return (
            (self.protocol is None or self.protocol == flow.protocol)
            and (not self.ports or any(low <= flow.destination_port <= high for low, high in self.ports))
            and _holds(self.source, flow.source)
            and _holds(self.destination, flow.destination)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    header_rules: tuple[Rule, ...] = ()
    payload_rules: tuple[Rule, ...] = ()
    default_allow: bool = True
    workers: int = 1

    def denied_by(self, flow: Flow) -> str | None:
        """The name of the rule that denies a flow, `default` for the last word; None if it is allowed."""
        for rule in self.header_rules:
            if rule.matches(flow):
                return None if rule.allow else rule.name
        return None if self.default_allow else "default"

    def payload_rules_of(self, flow: Flow) -> tuple[Rule, ...]:
        """Those that look into a flow: in both of its directions, and whichever side opened it."""
        if not self.payload_rules:
            return ()
        other = flow.reversed()
        return tuple(rule for rule in self.payload_rules if rule.matches(flow) or rule.matches(other))


@dataclass(frozen=True, slots=True, kw_only=True)
class Manager:
    """Where the policy comes from."""

    url: str
    key: bytes
    via: str = ""
    workers: int = 1


def parse_manager(text: bytes) -> Manager | None:
    """The manager that a YAML document names in the place of rules; None when it has rules of its own. Raises ValueError with a
    sentence."""
    document = _document(text)
    if not isinstance(document, dict) or "manager" not in document:
        return None
    named = document["manager"]
    if document.keys() - {"manager", "workers"}:
        raise ValueError("with a `manager` there is nothing else but `workers`: the rules are the manager's")
    if not isinstance(named, dict) or named.keys() - {"url", "key", "via"} or not {"url", "key"} <= named.keys():
        raise ValueError(
            "`manager` must be a mapping with `url` and `key`, and perhaps `via`, the interface it is reached by"
        )
    if not str(named["url"]).startswith("http://"):
        raise ValueError("`manager`: `url` must begin with http://; its messages are signed, not hidden")
    return Manager(
        url=str(named["url"]),
        key=str(named["key"]).encode(),
        via=str(named.get("via", "")),
        workers=_workers(document),
    )


def parse_policy(text: bytes) -> Policy:
    """The policy in a YAML document; an empty one allows everything. Raises ValueError with a sentence that names the
    rule."""
    document = _document(text)
    if document is None:
        return Policy()
    if not isinstance(document, dict):
        raise ValueError("the rules must be a mapping with `rules` and `default`")
    unknown = sorted(str(key) for key in document.keys() - _TOP_KEYS)
    if unknown:
        raise ValueError(f"unknown key {unknown[0]!r}; known are rules, default and workers")
    default = document.get("default", "allow")
    if default not in ("allow", "deny"):
        raise ValueError("`default` must be allow or deny")
    workers = _workers(document)
    listed = document.get("rules") or []
    if not isinstance(listed, list):
        raise ValueError("`rules` must be a list")
    rules = [_rule(entry, number=number) for number, entry in enumerate(listed, start=1)]
    return Policy(
        header_rules=tuple(rule for rule in rules if rule.pattern is None),
        payload_rules=tuple(rule for rule in rules if rule.pattern is not None),
        default_allow=default == "allow",
        workers=workers,
    )


def _document(text: bytes) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as problem:
        raise ValueError("not YAML: " + " ".join(str(problem).split())) from problem


def _workers(document: dict[str, Any]) -> int:
    workers = document.get("workers", 1)
    if type(workers) is not int or not 1 <= workers <= MAX_WORKERS:
        raise ValueError(f"`workers` must be a number from 1 to {MAX_WORKERS}")
    return workers


def _rule(entry: Any, *, number: int) -> Rule:
    if not isinstance(entry, dict):
        raise ValueError(f"rule {number} must be a mapping")
    name = str(entry.get("name") or f"rule-{number}")
    label = f"rule {number} ({name})"
    unknown = sorted(str(key) for key in entry.keys() - _KEYS)
    if unknown:
        raise ValueError(f"{label}: unknown key {unknown[0]!r}")
    action = entry.get("action")
    if action not in ("allow", "deny"):
        raise ValueError(f"{label}: `action` must be allow or deny")
    protocol = _protocol(entry.get("protocol", "any"), label=label)
    ports = _ports(entry.get("ports"), label=label)
    if ports and protocol not in (6, 17):
        raise ValueError(f"{label}: `ports` needs protocol tcp or udp")
    source, destination = (_network(entry.get(end), label=label) for end in ("source", "destination"))
    if source is not None and destination is not None and source.version != destination.version:
        raise ValueError(f"{label}: {source} and {destination} are not of one family: no packet matches")
    pattern = _pattern(entry["payload"], label=label) if "payload" in entry else None
    if pattern and action == "allow":
        raise ValueError(f"{label}: a rule with `payload` can only deny")
    return Rule(
        name=name,
        allow=action == "allow",
        source=source,
        destination=destination,
        protocol=protocol,
        ports=ports,
        pattern=pattern,
    )


def _network(value: Any, *, label: str) -> Network | None:
    if value is None:
        return None
    try:
        return ipaddress.ip_network(str(value))
    except ValueError as problem:
        raise ValueError(f"{label}: {value!r} is not a CIDR block") from problem


def _protocol(value: Any, *, label: str) -> int | None:
    text = str(value).lower()
    if text == "any":
        return None
    if text in _PROTOCOLS:
        return _PROTOCOLS[text]
    if text.isascii() and text.isdigit() and int(text) <= 255:
        return int(text)
    raise ValueError(f"{label}: `protocol` {value!r} is not tcp, udp, icmp, icmpv6, any or a number up to 255")


def _ports(value: Any, *, label: str) -> tuple[tuple[int, int], ...]:
    if value is None:
        return ()
    ranges = []
    for part in value if isinstance(value, list) else str(value).split(","):
        first, _, last = str(part).partition("-")
        try:
            low, high = int(first), int(last or first)
        except ValueError:
            low, high = 1, 0
        if not 0 <= low <= high <= 65535:
            raise ValueError(f"{label}: `ports` {value!r} is not a port, a range such as 8000-8080, or a list of these")
        ranges.append((low, high))
    return tuple(ranges)


def _pattern(value: Any, *, label: str) -> Pattern:
    kind, text = ("literal", value) if isinstance(value, str) else (None, None)
    if isinstance(value, dict) and len(value) == 1:
        kind, text = next(iter(value.items()))
    if kind not in ("literal", "regex", "hex") or not isinstance(text, str) or not text:
        raise ValueError(f"{label}: `payload` must be a text, or one of literal, regex and hex with a text")
    if kind == "regex":
        try:
            expression = re.compile(text.encode(), re.DOTALL)
        except re.error as problem:
            raise ValueError(f"{label}: {text!r} is not a regular expression: {problem}") from problem
        if expression.search(b""):
            raise ValueError(f"{label}: {text!r} matches the empty text")
        return Pattern(expression=expression, reach=REGEX_WINDOW - 1)
    try:
        literal = bytes.fromhex(text) if kind == "hex" else text.encode()
    except ValueError as problem:
        raise ValueError(f"{label}: {text!r} is not hexadecimal") from problem
    if len(literal) > LONGEST_LITERAL:
        raise ValueError(f"{label}: `payload` is longer than {LONGEST_LITERAL} bytes")
    return Pattern(literal=literal, reach=len(literal) - 1)


def _holds(network: Network | None, address: bytes) -> bool:
    if network is None:
        return True
    if network.max_prefixlen != len(address) * 8:
        return False
    shift = network.max_prefixlen - network.prefixlen
    return int.from_bytes(address, "big") >> shift == int(network.network_address) >> shift
