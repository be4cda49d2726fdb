"""DHCP for the one client that a virtual machine's box has."""

from __future__ import annotations

import re

from opengwlb.instances.builtin.dhcp import Lease, answer


def frame(kind: int, *options: bytes, mac: str = "020000000001", client: bytes = bytes(4)) -> bytes:
    head = bytes([1, 1, 6, 0]) + b"abcd" + bytes(4) + client + bytes(12) + bytes.fromhex(mac).ljust(16, b"\0")
    message = head + bytes(192) + b"\x63\x82\x53\x63" + bytes([53, 1, kind]) + b"".join(options) + b"\xff"
    return bytes(12) + b"\x08\0" + bytes([0x45]) + bytes(19) + bytes(8) + message


LEASE = Lease(
    mac="02:00:00:00:00:01", address="10.0.0.5", prefix=24, router="10.0.0.1", mtu=9001, hostname="box",
    nameservers=("169.254.169.253",),
)  # fmt: skip
HEAD = 14 + 20 + 8


def test_dhcp_offers_and_confirms_the_one_address():
    for asked, verdict in ((1, 2), (3, 5)):
        reply = answer(frame(asked), LEASE)
        assert reply is not None
        message = reply[HEAD:]
        assert message[16:20] == bytes([10, 0, 0, 5]) and message[4:8] == b"abcd"
        options = message[240:]
        for option in (
            bytes([53, 1, verdict]),
            b"\x01\x04\xff\xff\xff\x00",
            b"\x03\x04\x0a\0\0\x01",
            b"\x1a\x02\x23\x29",
        ):
            assert option in options
        assert re.search(rb"\x33\x04", options) and b"\x0c\x03box" in options


def test_dhcp_refuses_another_address_and_is_silent_to_others():
    refused = answer(frame(3, bytes([50, 4, 10, 0, 0, 9])), LEASE)
    assert refused is not None and bytes([53, 1, 6]) in refused
    assert answer(frame(1, mac="020000000002"), LEASE) is None
    assert answer(frame(3, bytes([54, 4, 10, 9, 9, 9])), LEASE) is None
    assert answer(frame(7), LEASE) is None
    for size in range(0, 300, 7):
        assert answer(frame(1)[:size], LEASE) is None or size > 280
