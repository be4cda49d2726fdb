"""Appliances that misbehave, by `gwlb chaos` on a real lab, and `gwlb why` beside the packets that it speaks of."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .cloud import Customer, Partner, answers, customer, healthy, partner, reachable
from .server import Server, until

Lab = tuple[Partner, Customer]
CLIENT = "192.0.2.1"


@pytest.fixture(scope="module")
def lab(server: Server) -> Lab:
    server.account("partner")
    server.account("customer1")
    inspected = partner(server)
    made = customer(server, service=inspected.service_name)
    healthy(inspected, count=1)
    reachable(server, made.public["a"])
    return inspected, made


@pytest.fixture
def appliance(server: Server, lab: Lab) -> Iterator[str]:
    """The only target; it behaves again afterwards."""
    inspected, made = lab
    (target,) = inspected.appliances["a"]
    yield target
    server.gwlb("chaos", target, "stop", check=False)
    healthy(inspected, count=1)
    reachable(server, made.public["a"])


def chaos(server: Server, target: str, kind: str, *more: str) -> dict[str, Any]:
    rows = json.loads(server.gwlb("chaos", target, kind, *more, "--json").stdout)["chaos"]
    (row,) = [row for row in rows if row["target"] == target]
    return dict(row)


def counted(server: Server, target: str) -> dict[str, Any]:
    rows = json.loads(server.gwlb("chaos", "--json").stdout)["chaos"]
    return dict(next(row for row in rows if row["target"] == target))


def given_and_returned(server: Server, target: str) -> tuple[int, int]:
    rows = json.loads(server.gwlb("status", "--json").stdout)["targets"]
    (row,) = [row for row in rows if row["target"] == target]
    return row["given"], row["returned"]


def drops(server: Server, verdict: str, *account: str) -> list[dict[str, Any]]:
    rows = json.loads(server.gwlb("drops", "--json", *account).stdout)["drops"]
    return [row for row in rows if row["verdict"] == verdict]


def dropped(server: Server, verdict: str) -> int:
    return sum(row["packets"] for row in drops(server, verdict))


def why(server: Server, *question: str, account: str = "operator") -> dict[str, Any]:
    """Its exit status is that of the packet's fate."""
    done = server.gwlb("why", *question, "--account", account, "--json", check=False)
    answer = json.loads(done.stdout)
    assert done.returncode == (0 if answer["arrives"] else 1), done.stderr
    return dict(answer)


def decisions(answer: dict[str, Any]) -> list[str]:
    return [step["decision"] for step in answer["steps"]]


THROUGH_THE_APPLIANCE = ["encapsulated", "eni_forwarded", "returned", "eni_forwarded", "decapsulated"]


def test_why_tells_the_whole_way_and_the_packet_then_goes_it(server: Server, lab: Lab) -> None:
    inspected, made = lab
    public = made.public["a"]
    question = (CLIENT, public, "tcp", "41234:80", "--from", made.igw)
    told = why(server, *question)
    assert told["by"] == "programs" and told["arrives"]
    assert decisions(told) == ["igw_in", "eni_forwarded", *THROUGH_THE_APPLIANCE, "eni_forwarded", "delivered"]
    assert made.tables["edge"] in told["steps"][1]["sentence"]
    details = told["steps"][2]["details"]
    assert (details["flow"], details["chosen"], details["target"]) == ("new", "maglev", inspected.appliances["a"][0])
    # Nothing was sent and nothing changed: the flow does not exist, and asking again says the same.
    assert not [one for one in server.flows() if 41234 in (one["source_port"], one["destination_port"])]
    assert why(server, *question) == told
    with connection(server, public, from_port=41234):
        (flow,) = [one for one in server.flows() if 41234 in (one["source_port"], one["destination_port"])]
        assert (flow["cookie"], flow["target"]) == (details["cookie"], details["target"])
        # What follows belongs to the flow, in the reply's direction too.
        private = told["steps"][-1]["packet"].split(" > ")[1].split(":")[0]
        back = why(server, private, CLIENT, "tcp", "80:41234", "--from", _interface(made), "--flags", "A")
    assert back["arrives"], back
    known = back["steps"][1]["details"]
    assert (known["flow"], known["cookie"], known["target"]) == ("known", details["cookie"], details["target"])


CONNECT = """
import socket, sys
held = socket.create_connection((sys.argv[1], 80), timeout=5, source_address=(sys.argv[2], int(sys.argv[3])))
print("connected", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def connection(server: Server, address: str, *, from_port: int) -> Iterator[None]:
    """Open as long as the block."""
    arguments = (sys.executable, "-c", CONNECT, address, CLIENT, str(from_port))
    process = server.spawn("internet", *arguments, stdin=subprocess.PIPE)
    try:
        assert process.stdout and process.stdout.readline() == "connected\n"
        yield
    finally:
        process.communicate(timeout=10)


def _interface(made: Customer) -> str:
    found = made.ec2.describe_instances(InstanceIds=[made.applications["a"]])["Reservations"][0]["Instances"][0]
    return str(found["NetworkInterfaces"][0]["NetworkInterfaceId"])


def test_why_from_an_endpoint_says_which_verdict_ends_the_packet(server: Server, lab: Lab) -> None:
    _, made = lab
    at = ("--endpoint", made.endpoints["a"])
    for flags, length, verdict in (("A", "40", "tcp_no_flow"), ("S", "40", "delivered")):
        told = why(server, CLIENT, "10.0.0.36", "tcp", "50000:80", *at, "--flags", flags, "--length", length)
        assert decisions(told)[-1] == verdict, told
    told = why(server, CLIENT, "224.0.0.5", "udp", "53", *at)
    assert decisions(told) == ["endpoint_not_forwardable"]


def test_why_does_not_tell_a_consumer_about_the_providers_boxes(server: Server, lab: Lab) -> None:
    inspected, made = lab
    told = why(server, CLIENT, made.public["a"], "tcp", "41235:80", "--from", made.igw, account="customer1")
    assert decisions(told) == ["igw_in", "eni_forwarded", "encapsulated", "eni_forwarded", "delivered"]
    assert inspected.appliances["a"][0] not in json.dumps(told) and "10.9." not in json.dumps(told)


def test_an_appliance_that_never_returns_is_counted_and_its_last_packets_are_seen(
    server: Server, lab: Lab, appliance: str
) -> None:
    inspected, made = lab
    assert chaos(server, appliance, "lie-on-health", "--for", "60s")["state"] == "running"
    given, returned = given_and_returned(server, appliance)
    assert not answers(server, made.public["a"], seconds=1.0)
    until(lambda: given_and_returned(server, appliance)[0] > given, what="the target is given packets")
    assert given_and_returned(server, appliance)[1] == returned
    until(lambda: counted(server, appliance)["done"] > 0, what="packets are taken away")
    (row,) = drops(server, "chaos_lost", "--account", "partner")
    assert row["where"] == counted(server, appliance)["id"]
    assert any("geneve" in one["packet"] and "[S]" in one["packet"] for one in row["last"]), row
    assert drops(server, "chaos_lost", "--account", "customer1") == []
    # Nobody notices by health checks: that is what it lies about.
    healthy(inspected, count=1)
    ended = chaos(server, appliance, "stop")
    assert ended["state"] == "ended" and ended["done"] > 0
    reachable(server, made.public["a"])


def test_an_appliance_that_stalls_fails_its_health_checks(server: Server, lab: Lab, appliance: str) -> None:
    inspected, _ = lab
    chaos(server, appliance, "stall", "--for", "120s")
    healthy(inspected, count=0)


def test_a_packet_that_is_returned_twice_arrives_twice(server: Server, lab: Lab, appliance: str) -> None:
    _, made = lab
    chaos(server, appliance, "duplicate", "--share", "1")
    said = server.inside("internet", "ping", "-I", CLIENT, "-c", "3", "-i", "0.2", made.public["a"]).stdout
    assert "duplicates" in said, said
    # Both directions pass the appliance.
    assert counted(server, appliance)["done"] >= 6


@pytest.mark.parametrize(
    ("kind", "verdict"), [("corrupt-tlv", "return_bad_geneve"), ("stale-cookie", "return_no_flow")]
)
def test_what_is_spoilt_is_dropped_with_its_verdict_and_a_lost_packet_is_sent_again(
    server: Server, lab: Lab, appliance: str, kind: str, verdict: str
) -> None:
    _, made = lab
    before = dropped(server, verdict)
    chaos(server, appliance, kind, "--share", "0.2", "--seed", "3")
    until(
        lambda: answers(server, made.public["a"], seconds=5.0) and dropped(server, verdict) > before,
        what="TCP gets through, and what was spoilt is counted",
    )
    assert dropped(server, verdict) - before <= counted(server, appliance)["done"]


def test_chaos_ends_by_itself_though_the_server_is_gone(server: Server, lab: Lab, appliance: str) -> None:
    _, made = lab
    chaos(server, appliance, "lie-on-health", "--for", "3s")
    server.kill()
    assert not answers(server, made.public["a"], seconds=0.5)
    reachable(server, made.public["a"])
    server.start()
    until(lambda: counted(server, appliance)["state"] == "ended", what="the server notices")


def test_chaos_is_in_the_events(server: Server, lab: Lab, appliance: str) -> None:
    from opengwlb.cli import client, credentials

    key = credentials.profile(server.data_dir, name="partner")
    reader = client.Client(server.endpoint, access_key=key.access_key, secret_key=key.secret_key)
    since = reader.get("events")["revision"]
    chaos(server, appliance, "lose", "--seed", "5")
    chaos(server, appliance, "stop")
    rows = [one for one in reader.get("events", since=since, limit=1000)["events"] if one["kind"] == "Chaos"]
    assert [one["state"] for one in rows][:2] == ["starting", "running"] and rows[-1]["state"] == "ended"


def test_what_a_slow_appliance_returns_arrives_late_and_a_download_arrives_whole(
    server: Server, lab: Lab, appliance: str
) -> None:
    _, made = lab
    assert chaos(server, appliance, "slow", "--delay", "40")["delay_ms"] == 40
    said = server.inside("internet", "ping", "-I", CLIENT, "-c", "3", "-i", "0.2", made.public["a"]).stdout
    fastest = float(said.rsplit("=", 1)[1].split("/")[0])
    assert fastest >= 80, "question and answer both pass the appliance"
    asked = ("curl", "-sS", "--max-time", "20", "--interface", CLIENT, f"http://{made.public['a']}/")
    body = server.inside("internet", *asked).stdout
    chaos(server, appliance, "reorder", "--share", "0.5", "--delay", "30")
    assert server.inside("internet", *asked).stdout == body != ""
    server.kill()
    server.start()
    row = counted(server, appliance)
    assert (row["kind"], row["state"]) == ("reorder", "running") and row["done"] > 0
    assert server.inside("internet", *asked).stdout == body


def test_what_is_not_ones_own_is_not_there(server: Server, lab: Lab, appliance: str) -> None:
    stranger = server.gwlb("chaos", appliance, "stall", "--account", "customer1", check=False)
    assert stranger.returncode and "no registered target" in stranger.stderr


def relays(server: Server) -> list[str]:
    """Processes that hold packets of this lab back."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            words = path.read_bytes().decode(errors="replace").split("\0")
            if any(word.startswith(f"--netns=/run/netns/{server.name}-") for word in words):
                found.append(path.parent.name)
    return found


def test_down_ends_what_holds_packets_back(server: Server, lab: Lab) -> None:
    """The last of this lab."""
    inspected, _ = lab
    chaos(server, inspected.appliances["a"][0], "slow", "--delay", "60000", "--for", "1h")
    assert len(relays(server)) == 1
    server.down()
    assert relays(server) == []
    assert not [name for name in os.listdir("/run/netns") if name.startswith(f"{server.name}-")]
