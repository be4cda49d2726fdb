"""The words of a flow filter, as the command line and the console take them: `verdict:no_targets target:fw-2 port:80 10.0.0.5`.

    filter  = term *( " " term )            every term must hold
    term    = word ":" value | address      a value with spaces is put in quotes
    word    = verdict | target | endpoint | protocol | port
    address = an IPv4 or IPv6 address, or a prefix such as 10.0.0.0/24

A word is given at most once. `port` and an address mean either end of a flow; two addresses mean the flows between them.
"""

from __future__ import annotations

import ipaddress
import shlex
from dataclasses import dataclass, replace
from typing import Literal, get_args

FlowVerdict = Literal["encapsulated", "decapsulated", "tcp_reset_unhealthy", "tcp_reset_deregistered", "no_targets"]
"""What `dataplane.FlowVerdicts` can say of a live flow."""
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "icmpv6": 58}
VERDICTS: tuple[FlowVerdict, ...] = get_args(FlowVerdict)
WORDS = ("verdict", "target", "endpoint", "protocol", "port")


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowFilter:
    """None, or no address: any."""

    verdict: FlowVerdict | None = None
    target: str | None = None
    """An id, an address or an instance's name."""
    endpoint: str | None = None
    protocol: int | None = None
    port: int | None = None
    addresses: tuple[Network, ...] = ()

    def also(self, *, verdict: FlowVerdict | None, target: str | None, endpoint: str | None) -> FlowFilter:
        """With what was asked for beside the filter. Raises ValueError where both say something."""
        beside = {"verdict": verdict, "target": target, "endpoint": endpoint}
        if twice := [word for word, value in beside.items() if value is not None and getattr(self, word) is not None]:
            raise ValueError(f"{twice[0]}: is given twice: once is enough.")
        return replace(
            self,
            verdict=self.verdict or verdict,
            target=self.target if target is None else target,
            endpoint=self.endpoint if endpoint is None else endpoint,
        )


def parse(text: str) -> FlowFilter:
    """Raises ValueError with a sentence that names the term."""
    try:
        terms = shlex.split(text)
    except ValueError as problem:
        raise ValueError(f"A quotation mark is not closed in {text}.") from problem
    given: dict[str, str] = {}
    addresses: list[Network] = []
    for term in terms:
        network = _network(term)
        if network is not None:
            addresses.append(network)
            continue
        word, colon, value = term.partition(":")
        if not colon or word not in WORDS:
            raise ValueError(f"{term} is neither an address nor one of {', '.join(f'{one}:…' for one in WORDS)}.")
        if not value:
            raise ValueError(f"{term} has no value.")
        if word in given:
            raise ValueError(f"{word}: is given twice: every term must hold, so one is enough.")
        given[word] = value
    return FlowFilter(
        verdict=_verdict(given.get("verdict")),
        target=given.get("target"),
        endpoint=given.get("endpoint"),
        protocol=_protocol(given.get("protocol")),
        port=_number(given.get("port"), word="port", most=65535),
        addresses=tuple(addresses),
    )


def _network(term: str) -> Network | None:
    try:
        return ipaddress.ip_network(term, strict=False)
    except ValueError:
        return None


def _verdict(value: str | None) -> FlowVerdict | None:
    for verdict in VERDICTS:
        if verdict == value:
            return verdict
    if value is None:
        return None
    raise ValueError(f"verdict:{value} is none of a live flow's: {', '.join(VERDICTS)}.")


def _protocol(value: str | None) -> int | None:
    if value is not None and value.lower() in PROTOCOLS:
        return PROTOCOLS[value.lower()]
    return _number(value, word="protocol", most=255, also=f"{', '.join(PROTOCOLS)} or ")


def _number(value: str | None, *, word: str, most: int, also: str = "") -> int | None:
    if value is None:
        return None
    if not (value.isascii() and value.isdecimal()) or int(value) > most:
        raise ValueError(f"{word}:{value}: give {also}a number up to {most}.")
    return int(value)
