"""The words of a flow filter: the same on the command line and in the console, so what they mean is fixed here."""

from __future__ import annotations

import ipaddress

import pytest

from opengwlb.observe import asked
from opengwlb.observe.filtering import FlowFilter, parse
from opengwlb.wire.errors import AwsError


def networks(*texts: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(map(ipaddress.ip_network, texts))


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("", FlowFilter()),
        ("   ", FlowFilter()),
        ("verdict:no_targets", FlowFilter(verdict="no_targets")),
        ("target:fw-2", FlowFilter(target="fw-2")),
        ("target:10.100.11.4", FlowFilter(target="10.100.11.4")),
        ('target:"my firewall"', FlowFilter(target="my firewall")),
        ("'target:my firewall'", FlowFilter(target="my firewall")),
        ("endpoint:vpce-076bc493b822cd32f", FlowFilter(endpoint="vpce-076bc493b822cd32f")),
        ("protocol:TCP", FlowFilter(protocol=6)),
        ("protocol:47", FlowFilter(protocol=47)),
        ("port:80", FlowFilter(port=80)),
        ("10.0.0.5", FlowFilter(addresses=networks("10.0.0.5/32"))),
        ("10.0.0.5/24", FlowFilter(addresses=networks("10.0.0.0/24"))),
        ("fd00::1", FlowFilter(addresses=networks("fd00::1/128"))),
        ("10.0.0.5 192.0.2.1", FlowFilter(addresses=networks("10.0.0.5/32", "192.0.2.1/32"))),
        (
            "protocol:tcp port:80 10.0.0.5 target:fw-2",
            FlowFilter(protocol=6, port=80, target="fw-2", addresses=networks("10.0.0.5/32")),
        ),
    ],
)
def test_a_filter_means(text: str, means: FlowFilter) -> None:
    assert parse(text) == means


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("verdit:no_targets", "verdit:no_targets is neither an address nor one of verdict:…"),
        ("fw-2", "fw-2 is neither"),
        ("10.0.0.300", "10.0.0.300 is neither"),
        ("verdict:gone", "verdict:gone is none of a live flow's: encapsulated"),
        ("target:", "target: has no value"),
        ("port:80 port:81", "port: is given twice"),
        ("port:http", "port:http: give a number up to 65535"),
        ("port:65536", "up to 65535"),
        ("port:-1", "up to 65535"),
        ("protocol:256", "icmp, tcp, udp, icmpv6 or a number up to 255"),
        ('target:"fw', "quotation mark"),
    ],
)
def test_what_means_nothing_is_refused_by_its_term(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse(text)


def test_the_read_api_takes_a_filter_beside_its_own_words() -> None:
    want = asked.read(b"", {"filter": "port:80", "target": "fw-2"}, kind=asked.FlowsAsked)
    assert want.wish() == FlowFilter(port=80, target="fw-2")


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"filter": "target:fw-1", "target": "fw-2"}, "target: is given twice"),
        ({"filter": "color:red"}, "color:red is neither"),
    ],
)
def test_the_read_api_refuses_what_the_filter_refuses(query: dict[str, str], says: str) -> None:
    with pytest.raises(AwsError, match=says) as refused:
        asked.read(b"", query, kind=asked.FlowsAsked)
    assert refused.value.code == "ValidationError"
