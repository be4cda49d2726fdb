"""The event stream of a real server, as a browser listens to it: nothing is missed, nobody hears what is not theirs."""

from __future__ import annotations

import configparser
import os
import signal
import socket
import threading
import time
import urllib.error
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .listening import Event, Listener
from .server import Server, until


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(name=f"st{os.getpid() % 100000}", data_dir=tmp_path / "data", options=("--data-plane", "none"))
    made.start()
    yield made
    made.down()


def listener(server: Server, account: str = "operator") -> Listener:
    parser = configparser.RawConfigParser()
    parser.read(server.data_dir / "credentials")
    key = parser[account]["aws_access_key_id"], parser[account]["aws_secret_access_key"]
    return Listener(server.endpoint, key)


def take(listener: Listener, enough: Callable[[list[Event]], bool], **asked: Any) -> list[Event]:
    """Events until there are enough, or the server ended the stream."""
    found: list[Event] = []
    for event in listener.events(**asked):
        found.append(event)
        if enough(found):
            break
    return found


def ids(events: list[Event], kind: str = "Vpc") -> list[str]:
    return [one.data["id"] for one in events if one.name == "change" and one.data["kind"] == kind]


def make_vpcs(server: Server, count: int, account: str = "operator") -> list[str]:
    ec2 = server.client("ec2", account)
    return [ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"] for _ in range(count)]


def stop(server: Server, number: int = signal.SIGTERM) -> float:
    """Tell the server to end; in how many seconds it did."""
    assert server.process is not None
    began = time.monotonic()
    server.process.send_signal(number)
    server.process.wait(20)
    return time.monotonic() - began


def test_a_listener_misses_nothing_while_it_is_away_and_while_the_server_is_restarted(server: Server) -> None:
    here = listener(server)
    first = make_vpcs(server, 1)
    heard = take(here, lambda events: set(first) <= set(ids(events)), since=0)
    away = make_vpcs(server, 2)
    heard += take(here, lambda events: set(away) <= set(ids(events)))
    late = make_vpcs(server, 1)
    stop(server)
    server.start()
    heard += take(here, lambda events: set(late) <= set(ids(events)))
    assert sorted(set(ids(heard))) == sorted({*first, *away, *late, *_default_vpcs(server)})
    numbers = [one.id for one in heard if one.id is not None]
    assert numbers == sorted(numbers)


def test_a_new_listener_hears_what_comes_within_a_moment(server: Server) -> None:
    here = listener(server)
    heard: list[tuple[float, Event]] = []
    thread = threading.Thread(target=lambda: heard.extend((time.monotonic(), one) for one in here.events()))
    thread.start()
    until(lambda: here.last_id is not None, what="the stream begins")
    called = time.monotonic()
    (made,) = make_vpcs(server, 1)
    until(lambda: made in ids([one for _, one in list(heard)]), what="the VPC is heard of", seconds=3)
    assert min(at for at, one in heard if one.data.get("id") == made) - called < 2
    assert stop(server) < 8, "a listener keeps the server from ending"
    thread.join(5)
    assert not thread.is_alive()


def test_an_account_hears_of_its_own_objects_also_that_they_are_deleted(server: Server) -> None:
    server.account("blue")
    server.account("red")
    red = listener(server, "red")
    heard: list[Event] = []
    thread = threading.Thread(target=lambda: heard.extend(red.events()))
    thread.start()
    until(lambda: red.last_id is not None, what="the stream begins")
    (theirs,), (own,) = make_vpcs(server, 1, "blue"), make_vpcs(server, 1, "red")
    server.client("ec2", "red").delete_vpc(VpcId=own)
    until(lambda: any(one.data["event"] == "deleted" and one.data["id"] == own for one in heard), what="a deletion")
    assert own in ids(heard) and theirs not in ids(heard)
    assert not [one for one in heard if one.data["kind"] == "AccessKey"]
    stop(server)
    thread.join(5)


def test_revisions_of_another_life_are_answered_by_a_reset(server: Server) -> None:
    here = listener(server)
    (event,) = take(here, lambda events: True, since=1_000_000)
    assert (event.name, event.data) == ("reset", event.id)
    assert event.data == here.ask("events")["revision"]


def test_a_listener_whose_key_was_deleted_is_not_told_more(server: Server) -> None:
    server.account("gone")
    here = listener(server, "gone")
    ended = threading.Event()

    def listen() -> None:
        for _ in here.events():
            pass
        ended.set()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    until(lambda: here.last_id is not None, what="the stream begins")
    server.gwlb("account", "delete", "gone")
    assert ended.wait(25)


def test_garbage_is_refused_with_the_field_that_it_is_in(server: Server) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        next(listener(server).events(since=-1))
    assert refused.value.code == 400 and b"since" in refused.value.read()


def test_a_listener_that_reads_nothing_does_not_keep_the_server_from_ending(server: Server) -> None:
    here = listener(server)
    request = here._signed("stream?since=0", {})
    lines = [f"GET {request.selector} HTTP/1.1", f"Host: 127.0.0.1:{server.port}"]
    lines += [f"{name}: {value}" for name, value in request.header_items()]
    with socket.create_connection(("127.0.0.1", server.port)) as silent:
        silent.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        assert silent.recv(12) == b"HTTP/1.1 200"
        make_vpcs(server, 1)
        assert stop(server) < 8


def _default_vpcs(server: Server) -> list[str]:
    found = server.client("ec2").describe_vpcs()["Vpcs"]
    return [one["VpcId"] for one in found if one["IsDefault"]]
