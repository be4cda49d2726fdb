"""The rules of the in-kernel appliance, read from an instance's user data. Tuple rules only: the program never looks
at payloads.

The same words as the user-space firewall's rules (`instances/builtin/rules.py`), as far as the kernel can act on them:

    rules:
      - {name: no-telnet, action: deny, destination: 10.0.0.0/16, protocol: tcp, ports: "23"}
      - {name: no-web, action: deny, source: "2001:db8:ffff::/48", protocol: tcp, ports: "80, 8000-8080"}

A rule without addresses is about IPv4 and IPv6, one with them about their family. A list of ports takes a place in the kernel for each
of its ranges.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from opengwlb.model.plane import InspectorRule

MAX_RULES = 32
"""`INSPECTOR_RULES` in bpf/shared/layout.h."""
_PROTOCOLS = {"any": 0, "icmp": 1, "tcp": 6, "udp": 17, "icmpv6": 58}
_KEYS = frozenset({"name", "action", "source", "destination", "protocol", "ports"})


def parse_inspector_rules(user_data: bytes) -> tuple[InspectorRule, ...]:
    """The rules in `user_data`: none when it is empty or a script. First match wins; what no rule matches is returned.

    `default: deny` becomes a last rule that denies everything. Raises ValueError with a sentence that names the rule.
    """
    if not user_data.strip() or user_data.startswith((b"#!", b"#cloud-boothook", b"Content-Type:", b"MIME-Version:")):
        return ()
    import yaml

    try:
        document = yaml.safe_load(user_data)
    except yaml.YAMLError as problem:
        raise ValueError(f"the user data is not YAML: {problem}".replace("\n", " ")) from problem
    if document is None:
        return ()
    if not isinstance(document, dict) or not document.keys() <= {"rules", "default"}:
        raise ValueError("the user data must be a mapping with `rules` and `default`")
    listed = document.get("rules") or []
    if not isinstance(listed, list):
        raise ValueError("`rules` must be a list")
    rules = [rule for number, entry in enumerate(listed, start=1) for rule in _rules(entry, number=number)]
    default = document.get("default", "allow")
    if default not in ("allow", "deny"):
        raise ValueError("`default` must be allow or deny")
    if default == "deny":
        rules.append(InspectorRule(action="deny"))
    if len(rules) > MAX_RULES:
        raise ValueError(f"{len(rules)} rules (each range of ports is one), but the inspector holds {MAX_RULES}")
    return tuple(rules)


def _rules(entry: Any, *, number: int) -> list[InspectorRule]:
    """One for each range of ports."""
    if not isinstance(entry, dict):
        raise ValueError(f"rule {number} must be a mapping")
    label = f"rule {number} ({entry.get('name', 'without name')})"
    unknown = sorted(str(key) for key in entry.keys() - _KEYS)
    if "payload" in unknown:
        raise ValueError(f"{label}: the inspector does not look at payloads; use the firewall image")
    if unknown:
        raise ValueError(f"{label}: unknown key {unknown[0]!r}")
    if entry.get("action") not in ("allow", "deny"):
        raise ValueError(f"{label}: `action` must be allow or deny")
    protocol = _protocol(entry.get("protocol", "any"), label=label)
    ports = _ports(entry.get("ports"), label=label)
    if entry.get("ports") is not None and protocol not in (6, 17):
        raise ValueError(f"{label}: `ports` needs protocol tcp or udp")
    source, destination = (_network(entry.get(end), label=label) for end in ("source", "destination"))
    if source is not None and destination is not None and source.version != destination.version:
        raise ValueError(f"{label}: {source} and {destination} are not of one family: no packet matches")
    return [
        InspectorRule(
            action=entry["action"],
            source=None if source is None else str(source),
            destination=None if destination is None else str(destination),
            protocol=protocol,
            from_port=low,
            to_port=high,
        )
        for low, high in ports
    ]


def _network(text: Any, *, label: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    if text is None:
        return None
    try:
        return ipaddress.ip_network(str(text))
    except ValueError as problem:
        raise ValueError(f"{label}: {text!r} is not a CIDR block") from problem


def _protocol(value: Any, *, label: str) -> int:
    if isinstance(value, str) and value.lower() in _PROTOCOLS:
        return _PROTOCOLS[value.lower()]
    text = str(value)
    if text.isascii() and text.isdigit() and int(text) <= 255:
        return int(text)
    raise ValueError(f"{label}: `protocol` {value!r} is not tcp, udp, icmp, icmpv6, any or a number up to 255")


def _ports(value: Any, *, label: str) -> list[tuple[int, int]]:
    if value is None:
        return [(0, 65535)]
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
    return ranges
