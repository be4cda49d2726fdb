"""The SDK's codec against the documented bytes and against scapy's own implementation."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.contrib.geneve import GENEVE, GeneveOptions
from scapy.layers.inet import IP, UDP

from opengwlb_appliance import GeneveError, Header, decode, encode

VECTOR = bytes.fromhex(
    "08000800 00000000 01080102 76bc493b 822cd32f 01080202 00000000 00000000 01080301 1a2b3c4d".replace(" ", "")
)
ENDPOINT = 0x76BC493B822CD32F


def option(option_class: int, kind: int, data: bytes) -> bytes:
    return struct.pack("!HBB", option_class, kind, len(data) // 4) + data


def header(*options: bytes, first: int | None = None, flags: int = 0, protocol: int = 0x0800) -> bytes:
    body = b"".join(options)
    return struct.pack("!BBHI", len(body) // 4 if first is None else first, flags, protocol, 0) + body


ENDPOINT_OPTION = option(0x0108, 1, ENDPOINT.to_bytes(8, "big"))
ATTACHMENT_OPTION = option(0x0108, 2, bytes(8))
COOKIE_OPTION = option(0x0108, 3, bytes.fromhex("1a2b3c4d"))


def test_the_documented_bytes_decode_and_encode() -> None:
    decoded = decode(VECTOR)
    assert decoded == Header(protocol=0x0800, endpoint=ENDPOINT, cookie=0x1A2B3C4D)
    assert decoded.endpoint_id == "vpce-076bc493b822cd32f"
    assert encode(decoded) == VECTOR


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1), st.booleans())
def test_what_is_encoded_decodes_and_scapy_reads_the_same(
    endpoint: int, attachment: int, cookie: int, v6: bool
) -> None:
    made = Header(protocol=0x86DD if v6 else 0x0800, endpoint=endpoint, attachment=attachment, cookie=cookie)
    raw = encode(made)
    assert decode(raw) == made
    dissected = GENEVE(raw)
    assert (dissected.optionlen, dissected.proto, dissected.vni, dissected.critical) == (8, made.protocol, 0, 0)
    options = [(o.classid, o.type, bytes(o.data)) for o in dissected.options]
    assert options == [
        (0x0108, 1, endpoint.to_bytes(8, "big")),
        (0x0108, 2, attachment.to_bytes(8, "big")),
        (0x0108, 3, cookie.to_bytes(4, "big")),
    ]


def test_what_scapy_builds_decodes() -> None:
    options = [
        GeneveOptions(classid=0x0108, type=1, data=ENDPOINT.to_bytes(8, "big")),
        GeneveOptions(classid=0x0108, type=2, data=bytes(8)),
        GeneveOptions(classid=0x0108, type=3, data=bytes.fromhex("1a2b3c4d")),
    ]
    raw = bytes(GENEVE(proto=0x0800, options=options) / IP() / UDP())
    assert decode(raw).cookie == 0x1A2B3C4D
    assert raw[:40] == VECTOR


def test_options_are_found_in_any_order_among_unknown_ones() -> None:
    raw = header(COOKIE_OPTION, option(0x0101, 1, bytes(4)), ATTACHMENT_OPTION, option(0x0108, 9, b""), ENDPOINT_OPTION)
    decoded = decode(raw)
    assert (decoded.endpoint, decoded.cookie, decoded.length) == (ENDPOINT, 0x1A2B3C4D, len(raw))


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (VECTOR[:7], "too short"),
        (VECTOR[:39], "options end"),
        (b"\x48" + VECTOR[1:], "version 1"),
        (VECTOR[:2] + b"\x65\x58" + VECTOR[4:], "inner protocol"),
        (header(ENDPOINT_OPTION, ATTACHMENT_OPTION), "type 3 is missing"),
        (header(ENDPOINT_OPTION, ATTACHMENT_OPTION, COOKIE_OPTION, COOKIE_OPTION), "twice"),
        (header(ENDPOINT_OPTION, ATTACHMENT_OPTION, option(0x0108, 3, bytes(8))), "8 bytes instead of 4"),
        (header(ENDPOINT_OPTION, ATTACHMENT_OPTION, option(0x0102, 3, bytes(4))), "type 3 is missing"),
        (header(ENDPOINT_OPTION, ATTACHMENT_OPTION, COOKIE_OPTION[:3] + b"\x02" + bytes(4)), "runs past"),
        (header(ENDPOINT_OPTION, ATTACHMENT_OPTION, COOKIE_OPTION, option(1, 0x81, b""), flags=0x40), "not known"),
        (header(ENDPOINT_OPTION, ATTACHMENT_OPTION, COOKIE_OPTION, option(1, 0x81, b"")), "C bit"),
    ],
)
def test_a_malformed_header_is_refused_with_a_reason(raw: bytes, why: str) -> None:
    with pytest.raises(GeneveError, match=why):
        decode(raw)


@given(st.binary(max_size=80))
def test_arbitrary_bytes_decode_or_are_refused(raw: bytes) -> None:
    with contextlib.suppress(GeneveError):
        assert decode(raw).length <= len(raw)
