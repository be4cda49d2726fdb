"""A link that loses its carrier is known as soon as the kernel says so."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from opengwlb.dataplane.syscalls import inside
from opengwlb.fabric.carrier import Carrier

BOX, FAR = f"pa{os.getpid() % 10000}-carrier", f"pa{os.getpid() % 10000}-far"


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def ip(box: str, *words: str) -> str:
    return run("ip", "-n", box, *words)


@pytest.fixture
def ifindex() -> Iterator[int]:
    """Of one end of a veth pair; the other is in another box."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    try:
        for box in (BOX, FAR):
            run("ip", "netns", "add", box)
        ip(BOX, "link", "add", "one", "type", "veth", "peer", "name", "other", "netns", FAR)
        ip(BOX, "link", "set", "one", "up")
        ip(FAR, "link", "set", "other", "up")
        yield int(ip(BOX, "-o", "link", "show", "one").split(":")[0])
    finally:
        for box in (BOX, FAR):
            subprocess.run(["ip", "netns", "delete", box], capture_output=True, check=False)


@pytest.fixture
def carrier() -> Iterator[Carrier]:
    def open_socket(box: str, family: int, kind: int) -> socket.socket:
        with inside(f"/run/netns/{box}"):
            return socket.socket(family, kind)

    made = Carrier(open_socket)
    yield made
    made.close()


def soon(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 1.0
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.002)
    return True


@pytest.mark.parametrize(("box", "device"), [(BOX, "one"), (FAR, "other")])
def test_either_end_that_is_set_down_is_noticed_and_so_is_its_return(
    ifindex: int, carrier: Carrier, box: str, device: str
) -> None:
    assert soon(lambda: not carrier.lost(BOX, ifindex))
    ip(box, "link", "set", device, "down")
    assert soon(lambda: carrier.lost(BOX, ifindex))
    ip(box, "link", "set", device, "up")
    assert soon(lambda: not carrier.lost(BOX, ifindex))


def test_a_link_that_was_down_before_anybody_asked_is_known_too(ifindex: int, carrier: Carrier) -> None:
    ip(FAR, "link", "set", "other", "down")
    assert soon(lambda: carrier.lost(BOX, ifindex))
    carrier.renew()
    assert soon(lambda: carrier.lost(BOX, ifindex))


def test_a_link_that_is_taken_away_has_no_carrier(ifindex: int, carrier: Carrier) -> None:
    assert not carrier.lost(BOX, ifindex)
    ip(FAR, "link", "delete", "other")
    assert soon(lambda: carrier.lost(BOX, ifindex))


def test_a_box_that_is_not_there_is_an_error(carrier: Carrier) -> None:
    with pytest.raises(FileNotFoundError):
        carrier.lost("pa-nowhere", 1)
