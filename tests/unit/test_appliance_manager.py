"""A fleet's manager and an appliance that follows it, over loopback: what is pushed, kept, refused and survived."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from opengwlb.instances.builtin.rules import parse_manager
from opengwlb_appliance import Managed, Packet, Verdict, manager, signing
from opengwlb_appliance.managed import call

KEY = b"a shared secret"


def until(check: Callable[[], object], *, seconds: float = 5.0) -> float:
    """How long it took."""
    began = time.monotonic()
    while not check():
        assert time.monotonic() - began < seconds, "not in time"
        time.sleep(0.005)
    return time.monotonic() - began


class Running:
    """A manager on a port of loopback."""

    def __init__(self, directory: Path, *, port: int = 0) -> None:
        self.fleet = manager.Fleet(directory)
        self.server = manager._Server(("127.0.0.1", port), fleet=self.fleet, key=KEY)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def put(self, policy: str) -> None:
        status, _ = call(self.url, "/v1/policy", key=KEY, method="PUT", body=policy.encode())
        assert status == 200

    def die(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def build(policy: str) -> Callable[[Packet], Verdict]:
    if policy.startswith("bad"):
        raise ValueError(f"I do not understand {policy!r}")
    return lambda _packet: Verdict.RETURN if policy == "return" else Verdict.DROP


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A question that is held open must not hold up the end of a test."""
    monkeypatch.setattr(manager, "WAIT_S", 0.3)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    made = Running(tmp_path / "manager")
    yield made
    made.die()


@pytest.fixture
def follow(tmp_path: Path) -> Iterator[Callable[..., Managed]]:
    """Starts appliances that follow a manager, as threads."""
    stop = threading.Event()
    threads = []

    def start(url: str, name: str = "one", key: bytes = KEY) -> Managed:
        made = Managed(build, url=url, key=key, name=name, keep=tmp_path / f"{name}.json")
        thread = threading.Thread(target=made.follow, kwargs={"keep_running": lambda: not stop.is_set()}, daemon=True)
        thread.start()
        threads.append(thread)
        return made

    yield start
    stop.set()
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()


def decides(managed: Managed) -> object:
    return managed.inspect()(None)  # type: ignore[arg-type, operator]


def test_a_change_reaches_every_appliance_within_a_second(running: Running, follow: Callable[..., Managed]) -> None:
    fleet = [follow(running.url, name=f"appliance-{number}") for number in range(6)]
    assert all("waiting for a policy" in one.trouble() for one in fleet)
    running.put("return")
    assert until(lambda: all(one.generation == 1 for one in fleet)) < 1
    assert all(one.trouble() == "" and decides(one) is Verdict.RETURN for one in fleet)
    time.sleep(0.002)  # a version is a millisecond
    running.put("drop")
    assert until(lambda: all(one.generation == 2 for one in fleet)) < 1
    assert all(decides(one) is Verdict.DROP for one in fleet)
    until(lambda: {one["version"] for one in running.fleet.appliances()["appliances"]} == {running.fleet.version})
    assert all(0 <= one["took_s"] < 1 for one in running.fleet.appliances()["appliances"])


def test_without_its_manager_an_appliance_goes_on_and_follows_the_next_one(
    running: Running, follow: Callable[..., Managed], tmp_path: Path
) -> None:
    running.put("return")
    one = follow(running.url)
    until(lambda: one.generation)
    running.die()
    (tmp_path / "again.json").write_text((tmp_path / "one.json").read_text())
    again = follow(running.url, name="again")
    until(lambda: again.generation)
    assert decides(again) is Verdict.RETURN, "it came back without its manager, by what it kept"
    successor = Running(tmp_path / "another", port=running.port)
    try:
        successor.put("drop")
        until(lambda: decides(one) is Verdict.DROP and decides(again) is Verdict.DROP)
    finally:
        successor.die()


def test_a_manager_keeps_its_policy_over_a_restart(running: Running, tmp_path: Path) -> None:
    running.put("return")
    kept = manager.Fleet(tmp_path / "manager")
    assert (kept.version, kept.policy) == (running.fleet.version, "return")


def test_a_policy_that_an_appliance_does_not_understand_changes_nothing_and_is_reported(
    running: Running, follow: Callable[..., Managed]
) -> None:
    one = follow(running.url)
    running.put("return")
    until(lambda: one.generation)
    time.sleep(0.002)
    running.put("bad rules")
    until(lambda: running.fleet.appliances()["appliances"][0]["error"])
    assert running.fleet.appliances()["appliances"][0]["error"] == "I do not understand 'bad rules'"
    assert decides(one) is Verdict.RETURN


def test_who_has_not_the_key_neither_gives_nor_gets_a_policy(running: Running, follow: Callable[..., Managed]) -> None:
    running.put("return")
    with pytest.raises(ValueError, match="refuses the key"):
        call(running.url, "/v1/policy", key=b"another", method="PUT", body=b"drop")
    stranger = follow(running.url, name="stranger", key=b"another")
    honest = follow(running.url)
    until(lambda: honest.generation)
    assert stranger.generation == 0
    assert [one["name"] for one in running.fleet.appliances()["appliances"]] == ["one"]


def test_a_recorded_push_cannot_be_sent_again(running: Running) -> None:
    stamp = f"{time.time():.3f}"
    signature = signing.of_request(KEY, method="PUT", target="/v1/policy", time=stamp, body=b"old")

    def push() -> int:
        connection = http.client.HTTPConnection("127.0.0.1", running.port)
        headers = {signing.TIME_HEADER: stamp, signing.SIGNATURE_HEADER: signature}
        connection.request("PUT", "/v1/policy", body=b"old", headers=headers)
        status = connection.getresponse().status
        connection.close()
        return status

    assert push() == 200
    time.sleep(0.002)
    running.put("new")
    assert push() == 409
    assert running.fleet.policy == "new"


def test_user_data_may_name_a_manager_in_the_place_of_rules() -> None:
    found = parse_manager(b"manager: {url: 'http://10.9.1.10:8080', key: secret, via: eth1}\nworkers: 2\n")
    assert found is not None
    assert (found.url, found.key, found.via, found.workers) == ("http://10.9.1.10:8080", b"secret", "eth1", 2)
    assert parse_manager(b"default: deny\n") is None
    for text, words in (
        (b"manager: {url: 'http://x'}", "`url` and `key`"),
        (b"manager: {url: 'https://x', key: k}", "http://"),
        (b"manager: {url: 'http://x', key: k}\nrules: []", "nothing else"),
    ):
        with pytest.raises(ValueError, match=words):
            parse_manager(text)


def test_a_policy_that_cannot_be_kept_is_not_taken_up_and_the_appliance_goes_on_asking(
    running: Running, follow: Callable[..., Managed], tmp_path: Path
) -> None:
    running.put("return")
    one = follow(running.url)
    until(lambda: one.generation)
    (tmp_path / "one.json.new").mkdir()  # as good as a full disk
    time.sleep(0.002)
    running.put("drop")
    until(lambda: running.fleet.appliances()["appliances"][0]["error"])
    assert decides(one) is Verdict.RETURN
    (tmp_path / "one.json.new").rmdir()
    time.sleep(0.002)
    running.put("drop")
    until(lambda: decides(one) is Verdict.DROP)


@pytest.mark.parametrize("kept", ["", "[]", '{"version": 1}', '{"version": "1", "policy": "return"}', "\xff"])
def test_a_kept_policy_that_is_damaged_is_as_none(
    running: Running, follow: Callable[..., Managed], tmp_path: Path, kept: str
) -> None:
    (tmp_path / "one.json").write_bytes(kept.encode("latin-1"))
    one = follow(running.url)
    until(lambda: running.fleet.appliances()["appliances"])
    assert "waiting" in one.trouble()
    running.put("return")
    until(lambda: one.generation)
