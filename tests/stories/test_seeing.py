"""What people see of running traffic: `gwlb flows` as it is and as it changes, `/metrics` by AWS's names, `gwlb status`."""

from __future__ import annotations

import configparser
import contextlib
import json
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .cloud import Customer, Partner, customer, healthy, partner, reachable
from .listening import Listener
from .server import BIN, REGION, Server, until

SCRIPT = str(Path(__file__).with_name("connections.py"))
PORT = 7000


@pytest.fixture(scope="module")
def lab(server: Server) -> Iterator[tuple[Partner, Customer]]:
    server.account("partner")
    server.account("customer1")
    inspected = partner(server, per_zone=2)
    made = customer(server, service=inspected.service_name)
    healthy(inspected, count=2)
    reachable(server, made.public["a"])
    inspected.ec2.create_tags(Resources=[inspected.appliances["a"][0]], Tags=[{"Key": "Name", "Value": "fw-1"}])
    echo = server.spawn(made.applications["a"], sys.executable, SCRIPT, "serve", str(PORT))
    assert echo.stdout is not None and echo.stdout.readline() == "ready\n"
    try:
        yield inspected, made
    finally:
        echo.kill()
        echo.communicate()


@contextlib.contextmanager
def held(server: Server, made: Customer, *, tcp: int, udp: int) -> Iterator[dict[str, list[int]]]:
    """So many flows, each answered once; their source ports."""
    holder = server.spawn(
        "internet", sys.executable, SCRIPT, "hold", made.public["a"], str(PORT), str(tcp), str(udp), stdin=-1
    )
    try:
        assert holder.stdout is not None
        yield json.loads(holder.stdout.readline())
    finally:
        holder.kill()
        holder.communicate()


def test_flows_are_told_with_target_age_state_and_both_directions(server: Server, lab):
    inspected, made = lab
    with held(server, made, tcp=8, udp=8) as ports:
        rows = {(row["protocol"], row["source_port"]): row for row in server.flows()}
        for port in ports["tcp"]:
            row = rows["tcp", port]
            assert (row["endpoint"], row["destination_port"]) == (made.endpoints["a"], PORT)
            assert row["target"] in inspected.appliances["a"] and row["zone"] == f"{REGION}a"
            assert (row["state"], row["why"]) == ("established", "hash")
            assert (row["verdict"], row["target_state"]) == ("decapsulated", "healthy")
            assert row["packets_forward"] >= 3 and row["packets_backward"] >= 2 and 0 < row["age_s"] < 60
        assert rows["udp", ports["udp"][0]]["state"] is None
        by_target = json.loads(server.gwlb("flows", "--target", "fw-1", "--json").stdout)
        assert {row["target"] for row in by_target["flows"]} == {inspected.appliances["a"][0]}
        assert by_target["total"] == sum(row["target_name"] == "fw-1" for row in rows.values())
        assert "fw-1" in server.gwlb("flows", "--target", "fw-1").stdout
        lost = json.loads(server.gwlb("flows", "--verdict", "encapsulated", "--json").stdout)["flows"]
        assert not {row["source_port"] for row in lost} & {*ports["tcp"], *ports["udp"]}
        hidden = json.loads(server.gwlb("flows", "--account", "customer1", "--json").stdout)["flows"]
        assert hidden and {row["target"] for row in hidden} == {None}


def test_following_tells_what_begins_and_ends_and_stops_when_told(server: Server, lab):
    _, made = lab
    command = [str(BIN / "gwlb"), "flows", "--follow", "--endpoint", made.endpoints["a"], "--name", server.name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None and watching.stderr is not None
        assert "flows are live" in watching.stdout.readline()
        with held(server, made, tcp=1, udp=0) as ports:
            port = f":{ports['tcp'][0]} "
            line = next(line for line in watching.stdout if port in line)
            assert re.match(r"\d\d:\d\d:\d\d \+ tcp .* to .*i-[0-9a-f]{17}\)? \(hash\)", line), line
        line = next(line for line in watching.stdout if port in line)
        assert re.match(r"\d\d:\d\d:\d\d - tcp .* closed after .* packets", line), line
        watching.send_signal(signal.SIGINT)
        assert watching.wait(10) == 0 and watching.stderr.read() == ""


class Metrics:
    """`/metrics` at a moment: `AWS's name` -> value, of the only zone there is."""

    def __init__(self, server: Server) -> None:
        with urllib.request.urlopen(f"{server.endpoint}/metrics") as answer:
            self.text = answer.read().decode()

    def __getitem__(self, name: str) -> float:
        (value,) = re.findall(rf"^aws_gatewayelb_{name}(?:_total)?{{.*}} (\S+)$", self.text, re.MULTILINE)
        return float(value)


def test_the_metrics_count_the_traffic_that_was_sent(server: Server, lab):
    inspected, made = lab
    before = Metrics(server)
    with held(server, made, tcp=10, udp=5):
        after = Metrics(server)
        assert after["NewFlowCount"] - before["NewFlowCount"] == 15
        assert after["ActiveFlowCount"] == len(server.flows())
        # A connection's handshake and one word each way, and a datagram each way; all of it to the appliance and back.
        least = 10 * 6 + 5 * 2
        assert after["ProcessedPackets"] - before["ProcessedPackets"] >= 2 * least
        assert after["ProcessedBytes"] - before["ProcessedBytes"] >= 2 * least * 20
    assert (after["HealthyHostCount"], after["UnHealthyHostCount"]) == (2, 0)
    tail = inspected.load_balancer.split("loadbalancer/")[1]
    group = inspected.target_group.split(":")[-1]
    assert f'ActiveFlowCount{{AvailabilityZone="{REGION}a",LoadBalancer="{tail}"}}' in after.text
    assert f'AvailabilityZone="{REGION}a",LoadBalancer="{tail}",TargetGroup="{group}"' in after.text
    assert after["RejectedFlowCount"] == after["TCP_ELB_Reset_Count"] == after["TCP_GWLB_Reset_Count"] == 0
    assert "third part" in re.findall(r"# HELP aws_gatewayelb_ConsumedLCUs (.*)", after.text)[0]


def test_a_peak_is_there_within_two_samples_and_units_follow(server: Server, lab):
    _, made = lab
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:  # about a second's traffic in each sample
        reachable(server, made.public["a"])
        time.sleep(0.2)
    found = until(lambda: (now := Metrics(server))["PeakBytesPerSecond"] > 0 and now, what="a peak", seconds=25)
    assert found["PeakPacketsPerSecond"] > 0 and found["ConsumedLCUs"] > 0


def blocks(language: str) -> list[str]:
    page = (Path(__file__).parents[2] / "docs" / language / "observe.md").read_text()
    return re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


def test_the_page_about_it_works_when_pasted(server: Server, lab):
    _, made = lab
    with held(server, made, tcp=4, udp=4):
        done = subprocess.run(
            ["bash", "-c", "\n".join(["set -e -o pipefail", *blocks("en")])],
            capture_output=True,
            text=True,
            timeout=60,
            cwd=server.data_dir,
            env={"PATH": f"{BIN}:/usr/sbin:/usr/bin:/sbin:/bin", "GWLB_NAME": server.name},
        )
    assert done.returncode == 0, done.stdout + done.stderr
    for words in (
        "established",
        "flows are live",
        " flows stay, ",
        "Deregisters i-",
        "aws_gatewayelb_NewFlowCount_total",
    ):
        assert words in done.stdout, words


def test_both_languages_have_the_same_commands():
    assert blocks("en") == blocks("ko") and len(blocks("en")) == 10


def test_the_stream_has_the_rates_and_the_targets_their_checks_and_what_they_drain(server: Server, lab):
    inspected, made = lab
    parser = configparser.RawConfigParser()
    parser.read(server.data_dir / "credentials")
    key = parser["operator"]["aws_access_key_id"], parser["operator"]["aws_secret_access_key"]
    endpoint, leaving = made.endpoints["a"], inspected.appliances["a"][1]
    arriving = Listener(server.endpoint, key).events()
    deadline = time.monotonic() + 10
    rate = 0.0
    while not rate and time.monotonic() < deadline:
        reachable(server, made.public["a"])
        event = next(arriving)
        ports = event.data["ports"] if event.name == "traffic" else ()
        rate = sum(port["packets"] for port in ports if port["where"] == endpoint)
    assert rate > 0
    with held(server, made, tcp=8, udp=8):
        asked = ("targets", "--target-group", inspected.target_group, "--json")

        def of(target: str) -> Any:
            rows = json.loads(server.gwlb(*asked).stdout)["targets"]
            return next(row for row in rows if row["target"] == target)

        live = until(lambda: (now := of(leaving))["flows"] and now, what="live flows are counted", seconds=5)
        assert live["health"]["probes"] and live["health"]["probes"][-1]["ok"] and live["state"] == "healthy"
        inspected.elb.deregister_targets(TargetGroupArn=inspected.target_group, Targets=[{"Id": leaving}])
        draining = until(lambda: of(leaving)["draining"], what="it drains", seconds=5)
        assert 0 < draining["flows_left"] <= draining["flows_at_start"]
        assert 0 < draining["seconds_left"] <= draining["until"] - draining["since"]
        assert "of the delay left" in server.gwlb("targets").stdout
        assert endpoint in server.gwlb("map").stdout


def test_refused_flows_and_wrong_returns_are_counted_by_aws_names(server: Server, lab):
    inspected, made = lab
    before = Metrics(server)
    appliance = inspected.appliances["a"][0]
    node = inspected.ec2.describe_network_interfaces(
        Filters=[{"Name": "interface-type", "Values": ["gateway_load_balancer"]}]
    )["NetworkInterfaces"][0]["PrivateIpAddress"]
    # A cookie of a flow that never was, for the endpoint there is; then an endpoint that is not.
    for endpoint, cookie in ((made.endpoints["a"], 0xFFFF_0000), ("vpce-0fffffffffffffff1", 0xFFFF_0000)):
        header = bytes.fromhex("0800080000000000") + bytes.fromhex("01080102") + bytes.fromhex(endpoint[-16:])
        header += bytes.fromhex("01080202") + bytes(8) + bytes.fromhex("01080301") + cookie.to_bytes(4, "big")
        inner = bytes.fromhex("4500001c00010000401100000a0000250a000026") + bytes.fromhex("1111222200080000")
        program = (
            "import socket,sys; s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM);"
            "s.sendto(bytes.fromhex(sys.argv[2]),(sys.argv[1],6081))"
        )
        sent = server.inside(appliance, sys.executable, "-c", program, node, (header + inner).hex())
        assert sent.returncode == 0, sent.stderr
    names = ("PacketsDroppedCount_MissingFlowEntry", "PacketsDroppedCount_InvalidGwlbEndpointId")
    until(lambda: all(Metrics(server)[name] - before[name] == 1 for name in names), what="both are counted", seconds=5)
    inspected.elb.deregister_targets(
        TargetGroupArn=inspected.target_group, Targets=[{"Id": one} for one in inspected.appliances["a"]]
    )
    time.sleep(1)  # the promise: within a second of the change, packets go by it
    server.inside("internet", "curl", "-s", "-m", "0.5", f"http://{made.public['a']}/")
    refused = Metrics(server)
    assert refused["RejectedFlowCount_TCP"] > before["RejectedFlowCount_TCP"]
    assert refused["RejectedFlowCount"] >= refused["RejectedFlowCount_TCP"]
