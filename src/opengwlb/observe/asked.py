"""What the read API is asked, as types: msgspec checks them, so a wrong field is named in the answer."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from opengwlb.wire.errors import AwsError

from .filtering import FlowFilter, FlowVerdict, parse

T = TypeVar("T")
TCP_FLAGS = "FSRPAUEC"

Seconds = Annotated[float, msgspec.Meta(gt=0, le=120)]
Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Protocol = Annotated[int, msgspec.Meta(ge=0, le=255)]


class Listing(msgspec.Struct, forbid_unknown_fields=True):
    """`flows`, `drops`."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 100
    endpoint: str | None = None


class FlowsAsked(Listing, forbid_unknown_fields=True):
    """`flows`: `filter` as `filtering.parse` takes it; `target` is an id, an address or an instance's name; `since` is an earlier answer's
    `at` and asks for what changed."""

    filter: str = ""
    target: str | None = None
    verdict: FlowVerdict | None = None
    since: Annotated[int, msgspec.Meta(ge=0)] | None = None

    def __post_init__(self) -> None:
        self.wish()

    def wish(self) -> FlowFilter:
        """Everything that is asked of a flow. Raises ValueError, of which msgspec makes its own error."""
        return parse(self.filter).also(verdict=self.verdict, target=self.target, endpoint=self.endpoint)


class PlanAsked(msgspec.Struct, forbid_unknown_fields=True):
    """`plan`: `value` is a target (or several, with commas), a zone, a kind of stickiness (`off` is 5-tuple), `on` or `off`."""

    change: Literal["deregister", "disable-zone", "stickiness", "cross-zone"]
    value: str
    target_group: str | None = None
    load_balancer: str | None = None
    language: Literal["en", "ko"] = "en"


class DropsAsked(Listing, forbid_unknown_fields=True):
    """`drops`: with `over_s` the answer takes that long and has each verdict's rate."""

    over_s: Annotated[float, msgspec.Meta(ge=0, le=5)] = 0.0
    language: Literal["en", "ko"] = "en"


class LintAsked(msgspec.Struct, forbid_unknown_fields=True):
    """`lint`: in which language the sentences are."""

    language: Literal["en", "ko"] = "en"


class Since(msgspec.Struct, forbid_unknown_fields=True):
    """`events`: what came after a revision, without one the latest that is kept; with `wait_s` the answer waits for something to come."""

    since: Annotated[int, msgspec.Meta(ge=0)] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 100
    wait_s: Annotated[float, msgspec.Meta(ge=0, le=30)] = 0.0


class WalkAsked(msgspec.Struct, forbid_unknown_fields=True):
    """`walk`: by the endpoints on the path, or by the server's private or public address (or both).

    A walk begins with a connection's first packet. With `client_port`, or with `live`, it begins with any: for connections that are there.
    """

    endpoint: str | None = None
    server: str | None = None
    client: str | None = None
    port: Port | None = None
    client_port: Port | None = None
    protocol: Protocol | None = None
    live: bool = False
    wait_s: Seconds = 10.0
    language: Literal["en", "ko"] = "en"

    def __post_init__(self) -> None:
        if self.server is not None:
            self.server = address(self.server, field="server")
        if self.client is not None:
            self.client = address(self.client, field="client")


class WhyAsked(msgspec.Struct, forbid_unknown_fields=True):
    """`why`: `source` is an `eni-…`, an `i-…` (its first interface), an `igw-…` for what comes from the internet, or a `vpce-…` as its
    VPC's router gives it the packet.

    `flags` are TCP's as tcpdump writes them, `length` is that of the IP packet: no more than a page of memory holds beside what the
    kernel puts there.
    """

    source: str
    source_address: str
    destination: str
    protocol: Protocol = 6
    source_port: Port = 0
    destination_port: Port = 0
    flags: str = "S"
    length: Annotated[int, msgspec.Meta(ge=0, le=3500)] = 0
    ttl: Annotated[int, msgspec.Meta(ge=0, le=255)] = 64

    def __post_init__(self) -> None:
        self.source_address = address(self.source_address, field="source_address")
        self.destination = address(self.destination, field="destination")
        if unknown := "".join(sorted(set(self.flags) - set(TCP_FLAGS))):
            raise ValueError(f"flags: TCP has no {unknown}; its letters are {TCP_FLAGS}, as tcpdump writes them")


class ReachAsked(msgspec.Struct, forbid_unknown_fields=True):
    """`reach`: `source` is an `i-…` (its first interface), an `eni-…`, or an `igw-…` for who is in the internet.

    `destination` is an address, or an `i-…` for its own (its public one when asked from the internet). Without `source_address` the source
    is the interface's own address, or one of a documentation network in the internet; without `source_port` some port.
    """

    source: str
    destination: str
    protocol: Protocol = 6
    destination_port: Port = 0
    source_port: Port | None = None
    source_address: str | None = None
    language: Literal["en", "ko"] = "en"

    def __post_init__(self) -> None:
        if self.source_address is not None:
            self.source_address = address(self.source_address, field="source_address")
        if not self.destination.startswith("i-"):
            self.destination = address(self.destination, field="destination")


class CaptureAsked(msgspec.Struct, forbid_unknown_fields=True):
    """`captures`: `port` names one place or many: an `eni-…`, `vpce-…` or `igw-…`, an `i-…` (its interfaces), a `vpc-…` (all its router's
    ports), a load balancer's ARN (its nodes and endpoints) or a target group's ARN (its targets). `host` narrows to one address, also
    inside GENEVE.
    """

    port: str
    host: str | None = None
    seconds: Annotated[float, msgspec.Meta(gt=0, le=60)] = 5.0
    packets: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 1000
    bytes: Annotated[int, msgspec.Meta(ge=1, le=64 << 20)] = 8 << 20
    snap: Annotated[int, msgspec.Meta(ge=64, le=65536)] = 65536

    def __post_init__(self) -> None:
        if self.host is not None:
            self.host = address(self.host, field="host")


def address(text: str, *, field: str) -> str:
    """An IPv4 or IPv6 address as everything here writes it. Raises ValueError, of which msgspec makes its own error."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError as problem:
        raise ValueError(f"{field}: {text!r} is neither an IPv4 nor an IPv6 address") from problem
    if isinstance(found, ipaddress.IPv6Address) and found.scope_id:
        raise ValueError(f"{field}: {text!r} names a link; no VPC carries link-local packets")
    return str(found)


def fields(query: Mapping[str, str]) -> dict[str, str]:
    """Of a query, without `account`: by that a browser chooses among its sessions where it can set no header."""
    return {name: value for name, value in query.items() if name != "account"}


def read(body: bytes, query: dict[str, str], *, kind: type[T]) -> T:
    """From a JSON body, or from the query's strings. Raises AwsError that names the field."""
    try:
        if not body:
            return msgspec.convert(query, kind, strict=False)
        asked: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
        return msgspec.convert(query | asked, kind, strict=False)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise AwsError("ValidationError", _in_words(str(error))) from error


_BOUNDS = {"<=": "of at most", ">=": "of at least", "<": "below", ">": "above"}


def _in_words(told: str) -> str:
    """msgspec's "Expected `int` <= 5 - at `$.field`" as "field: a number of at most 5"."""
    what, _, field = told.partition(" - at `$.")
    bound = re.fullmatch(r"Expected `(?:int|float)` (<=|>=|<|>) (\S+)", what)
    if bound:
        what = f"a number {_BOUNDS[bound[1]]} {bound[2].removesuffix('.0')}"
    return f"{field.rstrip('`')}: {what}" if field and not what.startswith(field.rstrip("`")) else what
