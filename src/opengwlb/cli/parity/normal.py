"""Answers of two clouds made comparable: what can never be equal becomes a placeholder, numbered by its first appearance.

Ids, addresses that the service chose, MACs, times and names with the run's own suffix are such; sizes, states, flags and texts are not.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

_ID = re.compile(r"\b([a-z]+(?:-[a-z]+)*)-[0-9a-f]{8}(?:[0-9a-f]{9})?\b")
_TAIL = re.compile(r"(?<=/)(?:00)?[0-9a-f]{16}\b")
_MAC = re.compile(r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b")
_ZONE_ID = re.compile(r"\b[a-z]{2,4}\d-az\d\b")
_TOKEN = ("NextToken", "NextMarker", "ClientToken")
_CHOSEN = ("PrivateIpAddress", "PrivateDnsName", "PublicIp", "DhcpOptionsId")
"""Members whose value the service picks."""
DROPPED = ("ResponseMetadata",)


class Normaliser:
    """One run; `literal` are its own texts (account, region, name suffix) and what stands for them."""

    def __init__(self, literal: Mapping[str, str]) -> None:
        self._literal = dict(sorted(literal.items(), key=lambda each: -len(each[0])))
        self._seen: dict[str, dict[str, int]] = defaultdict(dict)

    def value(self, value: Any, *, name: str = "") -> Any:
        """The same shape with placeholders."""
        if isinstance(value, Mapping):
            return {key: self.value(each, name=key) for key, each in value.items() if key not in DROPPED}
        if isinstance(value, list | tuple):
            return [self.value(each, name=name) for each in value]
        if isinstance(value, datetime):
            return "<time>"
        if name in _TOKEN and value:
            return "<token>"
        if name in _CHOSEN and isinstance(value, str):
            return self._placed(name[0].lower() + name[1:], value)
        return self.text(value) if isinstance(value, str) else value

    def text(self, text: str) -> str:
        """A sentence or an ARN with placeholders."""
        text = _ID.sub(lambda match: self._placed(match[1], match[0]), text)
        text = _TAIL.sub(lambda match: self._placed("digits", match[0]), text)
        text = _MAC.sub(lambda match: self._placed("mac", match[0]), text)
        text = _ZONE_ID.sub(lambda match: self._placed("zone-id", match[0]), text)
        for own, placeholder in self._literal.items():
            text = text.replace(own, placeholder)
        return text

    def _placed(self, kind: str, value: str) -> str:
        known = self._seen[kind]
        return f"<{kind}-{known.setdefault(value, len(known) + 1)}>"
