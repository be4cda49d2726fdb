"""Lines of flow logs against the examples in AWS's documentation (VPC User Guide, "Flow log record examples")."""

from __future__ import annotations

from dataclasses import replace

import pytest

from opengwlb.model.flow_logs import FlowCount, FlowKey
from opengwlb.policy.flow_log_lines import DEFAULT_FORMAT, FormatError, Line, UnknownField, header, parse, writer
from opengwlb.policy.flow_logs import Interface


def as_format(names: str) -> str:
    return " ".join(f"${{{name}}}" for name in names.split())


ENI = Interface(
    id="eni-1235b8ca123456789",
    account="123456789010",
    region="us-east-1",
    vpc="vpc-abcdefab012345678",
    subnet="subnet-aaaaaaaa012345678",
    zone_id="use1-az1",
    address="172.31.16.21",
    instance="i-01234567890123456",
)
SSH = FlowKey(
    ifindex=1,
    direction="ingress",
    action="ACCEPT",
    family=4,
    source="172.31.16.139",
    destination="172.31.16.21",
    source_port=20641,
    destination_port=22,
    protocol=6,
)
MUCH = FlowCount(packets=20, bytes=4249, first_s=1418530010.5, last_s=1418530070.2)
FLAGS = as_format(
    "version vpc-id subnet-id instance-id interface-id account-id type srcaddr dstaddr srcport dstport "
    "pkt-srcaddr pkt-dstaddr protocol bytes packets start end action tcp-flags log-status"
)
MIDDLEBOX = as_format("instance-id interface-id srcaddr dstaddr pkt-srcaddr pkt-dstaddr")


def line(log_format: str, *, key: FlowKey = SSH, count: FlowCount = MUCH, interface: Interface = ENI) -> str:
    return writer(log_format)(
        Line(interface=interface, key=key, count=count, start=int(count.first_s), end=int(count.last_s))
    )


def test_accepted_and_rejected_traffic_in_the_default_format() -> None:
    assert line(DEFAULT_FORMAT) == (
        "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK"
    )
    rdp = replace(SSH, source="172.31.9.69", source_port=49761, destination_port=3389, action="REJECT")
    assert line(DEFAULT_FORMAT, key=rdp) == (
        "2 123456789010 eni-1235b8ca123456789 172.31.9.69 172.31.16.21 49761 3389 6 20 4249 1418530010 1418530070 REJECT OK"
    )


@pytest.mark.parametrize("status", ["NODATA", "SKIPDATA"])
def test_a_line_without_data_has_a_dash_for_whatever_it_cannot_say(status: str) -> None:
    nothing = Line(interface=ENI, status=status, start=1431280876, end=1431280934)  # type: ignore[arg-type]  # both are statuses
    assert writer(DEFAULT_FORMAT)(nothing) == (
        f"2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - {status}"
    )
    assert writer(FLAGS)(nothing) == (
        "3 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-01234567890123456 eni-1235b8ca123456789 123456789010 "
        f"- - - - - - - - - - 1431280876 1431280934 - - {status}"
    )


def test_ipv6_addresses_are_written_compressed() -> None:
    key = replace(
        SSH,
        family=6,
        source="2001:db8:1234:a100:8d6e:3477:df66:f105",
        destination="2001:db8:1234:a102:3304:8879:34cf:4071",
        source_port=34892,
    )
    own = replace(ENI, addresses6=("2001:db8:1234:a102:3304:8879:34cf:4071",))
    count = FlowCount(packets=54, bytes=8855, first_s=1477913708, last_s=1477913820)
    assert line(DEFAULT_FORMAT, key=key, count=count, interface=own) == (
        "2 123456789010 eni-1235b8ca123456789 2001:db8:1234:a100:8d6e:3477:df66:f105 "
        "2001:db8:1234:a102:3304:8879:34cf:4071 34892 22 6 54 8855 1477913708 1477913820 ACCEPT OK"
    )


def test_tcp_flags_with_the_packets_own_addresses_make_it_version_3() -> None:
    key = replace(SSH, source="52.213.180.42", destination="10.0.0.62", source_port=43416, destination_port=5001)
    count = FlowCount(packets=8, bytes=568, first_s=1566848875, last_s=1566848933, tcp_flags=2)
    assert line(FLAGS, key=key, count=count, interface=replace(ENI, address="10.0.0.62")) == (
        "3 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-01234567890123456 eni-1235b8ca123456789 123456789010 IPv4 "
        "52.213.180.42 10.0.0.62 43416 5001 52.213.180.42 10.0.0.62 6 568 8 1566848875 1566848933 ACCEPT 2 OK"
    )


def test_at_a_middlebox_the_interfaces_own_address_stands_where_the_packet_only_passes() -> None:
    middle = replace(ENI, id="eni-3333cccc333333333", address="10.40.1.175", instance="")
    comes = replace(SSH, source="10.20.33.164", destination="10.40.2.236")
    goes = replace(comes, direction="egress")
    assert line(MIDDLEBOX, key=comes, interface=middle) == (
        "- eni-3333cccc333333333 10.20.33.164 10.40.1.175 10.20.33.164 10.40.2.236"
    )
    assert line(MIDDLEBOX, key=goes, interface=middle) == (
        "- eni-3333cccc333333333 10.40.1.175 10.40.2.236 10.20.33.164 10.40.2.236"
    )


def test_fields_of_version_5_say_which_way_it_went_and_whose_address_it_is() -> None:
    wide = as_format(
        "version region az-id sublocation-type sublocation-id "
        "pkt-src-aws-service pkt-dst-aws-service flow-direction traffic-path"
    )
    out = replace(SSH, direction="egress", source="172.31.16.21", destination="198.18.0.7")
    assert line(wide, key=out, count=replace(MUCH, path=8)) == "5 us-east-1 use1-az1 - - - EC2 egress 8"
    assert line(wide, key=out, count=replace(MUCH, path=0)) == "5 us-east-1 use1-az1 - - - EC2 egress -"
    assert line(wide, count=replace(MUCH, path=1)) == "5 us-east-1 use1-az1 - - - - ingress -"


def test_the_version_is_the_highest_of_the_fields() -> None:
    assert [line(f"${{version}} ${{{name}}}").split()[0] for name in ("srcaddr", "type", "region", "traffic-path")] == [
        *("2", "3", "4", "5")
    ]


@pytest.mark.parametrize("text", ["", " ", "version", "${version},${bytes}", "${version} ", "$version", "${bytez}"])
def test_what_is_no_format_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        parse(text)


def test_a_later_field_of_awss_is_refused_by_its_name() -> None:
    with pytest.raises(UnknownField, match="reject-reason"):
        parse("${version} ${reject-reason}")


def test_a_files_first_line_names_the_fields() -> None:
    assert header("${version} ${srcaddr}") == "version srcaddr"
