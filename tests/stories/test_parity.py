"""The parity kit against ourselves: two recordings are equal, a planted difference is found, and nothing is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from opengwlb.cli.parity import difference, headers
from opengwlb_appliance.geneve import Header, encode

from .server import BIN, REGION, Server

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_CONFIG_FILE": os.devnull}


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The API without packets."""
    directory = tmp_path_factory.mktemp("parity")
    server = Server(name="paritynone", data_dir=directory / "data", options=("--data-plane", "none", "--auth", "off"))
    yield server.start()
    server.down()


@pytest.fixture(scope="module")
def recordings(bare: Server, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    directory = tmp_path_factory.mktemp("recordings")
    first, second = directory / "a.json", directory / "b.json"
    for out in (first, second):
        assert parity(bare, "record", "--out", str(out)).returncode == 0
    return first, second


def parity(server: Server, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    endpoint = ("--endpoint", server.endpoint) if arguments[0] == "record" else ()
    return subprocess.run(
        [str(BIN / "gwlb"), "parity", *arguments, *endpoint],
        env=os.environ | KEYS | more,
        capture_output=True,
        text=True,
        timeout=240,
    )


def left_at(server: Server) -> dict[str, int]:
    """What there is besides the default VPC."""
    made = {
        name: boto3.client(
            name,
            endpoint_url=server.endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        for name in ("ec2", "elbv2")
    }
    vpcs = made["ec2"].describe_vpcs()["Vpcs"]
    return {
        "vpcs": sum(not vpc["IsDefault"] for vpc in vpcs),
        "endpoints": len(made["ec2"].describe_vpc_endpoints()["VpcEndpoints"]),
        "services": len(made["ec2"].describe_vpc_endpoint_service_configurations()["ServiceConfigurations"]),
        "balancers": len(made["elbv2"].describe_load_balancers()["LoadBalancers"]),
        "groups": len(made["elbv2"].describe_target_groups()["TargetGroups"]),
    }


NOTHING = {"vpcs": 0, "endpoints": 0, "services": 0, "balancers": 0, "groups": 0}


def test_two_recordings_of_one_server_are_equal_and_nothing_is_left(bare: Server, recordings: tuple[Path, Path]):
    first, second = map(str, recordings)
    compared = parity(bare, "diff", first, second)
    assert compared.returncode == 0, compared.stdout + compared.stderr
    assert "differences: none" in compared.stdout
    assert left_at(bare) == NOTHING
    steps = json.loads(recordings[0].read_text())["steps"]
    assert len(steps) > 70
    refused = [step for step in steps if step["step"].startswith("refused")]
    assert refused
    assert all("error" in step for step in refused), [step["step"] for step in refused if "error" not in step]


def test_a_recording_names_nothing_of_its_own_run(recordings: tuple[Path, Path]):
    text = json.dumps(json.loads(recordings[0].read_text())["steps"])
    assert "123456789012" not in text
    assert REGION not in text
    assert "vpce-0" not in text.replace("vpce-0123456789abcdef0", "")


def test_planted_differences_are_found_and_named(bare: Server, recordings: tuple[Path, Path], tmp_path: Path):
    planted = json.loads(recordings[1].read_text())
    steps = {step["step"]: step for step in planted["steps"]}
    steps["refused: VPC in use"]["error"]["code"] = "SomethingElse"
    steps["load balancer described"]["answer"]["LoadBalancers"][0]["DNSName"] = "a.example"
    steps["endpoint available"]["states"] = [
        {"state": "partial", "at_s": 0.0},
        {"state": "available", "at_s": 2.0},
    ]
    planted["steps"].remove(steps["target gone"])
    other = tmp_path / "planted.json"
    other.write_text(json.dumps(planted))
    compared = parity(bare, "diff", str(recordings[0]), str(other), "--json")
    assert compared.returncode == 1
    answer = json.loads(compared.stdout)
    differing = {
        step["step"]: step for step in answer["steps"] if step["different"] or step["only_a"] or step["only_b"]
    }
    assert set(differing) == {"refused: VPC in use", "load balancer described", "endpoint available", "target gone"}
    assert differing["refused: VPC in use"]["different"][0]["b"] == "SomethingElse"
    assert list(differing["load balancer described"]["only_b"]) == ["answer.LoadBalancers[0].DNSName"]
    assert differing["endpoint available"]["different"][0]["b"] == ["partial", "available"]
    assert differing["target gone"]["only_a"]


def test_a_recording_that_is_interrupted_takes_away_what_it_made(bare: Server, tmp_path: Path):
    process = subprocess.Popen(
        [str(BIN / "gwlb"), "parity", "record", "--out", str(tmp_path / "cut.json"), "--endpoint", bare.endpoint],
        env=os.environ | KEYS,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("listener:"):
            process.send_signal(signal.SIGINT)
            break
    said = process.stderr.read()
    assert process.wait(timeout=60) == 1
    assert "Stopped." in said
    assert left_at(bare) == NOTHING
    cut = json.loads((tmp_path / "cut.json").read_text())
    assert not cut["complete"]
    assert 0 < len(cut["steps"]) < 70


def test_aws_is_not_touched_without_yes(bare: Server, tmp_path: Path):
    environment = {name: value for name, value in os.environ.items() if name != "AWS_ENDPOINT_URL"} | KEYS
    asked = subprocess.run(
        [str(BIN / "gwlb"), "parity", "record", "--out", str(tmp_path / "aws.json"), "--region", REGION],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert asked.returncode == 1
    assert "say --yes" in asked.stderr
    assert "charged by the begun hour" in asked.stderr


def test_states_that_come_and_go_within_a_second_are_no_difference():
    brief = {"states": [{"state": "pending", "at_s": 0.0}, {"state": "available", "at_s": 0.4}], "reached": True}
    missed = {"states": [{"state": "available", "at_s": 0.0}], "reached": True}
    long = {"states": [{"state": "pending", "at_s": 0.0}, {"state": "available", "at_s": 40.0}], "reached": True}

    def recording(step: dict[str, Any]) -> dict[str, Any]:
        return {"steps": [{"step": "x", **step}]}

    assert difference.compare(recording(brief), recording(missed)).same
    assert not difference.compare(recording(long), recording(missed)).same


def capture(*, cookie: int, endpoint: int, source_port: int = 40000, vni: int = 0) -> bytes:
    """A pcap of raw IP with both directions of one TCP flow, as an appliance sees them."""
    a, b = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
    packets = b""
    for source, destination, ports in ((a, b, (1000, 80)), (b, a, (80, 1000))):
        tcp = b"".join(port.to_bytes(2, "big") for port in ports) + bytes(16)
        inner = bytes([0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0]) + source + destination + tcp
        header = bytearray(encode(Header(protocol=0x0800, endpoint=endpoint, cookie=cookie)))
        header[4:7] = vni.to_bytes(3, "big")
        payload = bytes(header) + inner
        udp = (
            source_port.to_bytes(2, "big") + (6081).to_bytes(2, "big") + (8 + len(payload)).to_bytes(2, "big") + b"\0\0"
        )
        total = (20 + 8 + len(payload)).to_bytes(2, "big")
        outer = bytes([0x45, 0]) + total + bytes([0, 0, 0, 0, 64, 17, 0, 0, 10, 1, 0, 9, 10, 1, 0, 5])
        packet = outer + udp + payload
        packets += bytes(8) + len(packet).to_bytes(4, "little") * 2 + packet
    return (
        b"\xd4\xc3\xb2\xa1\x02\0\x04\0"
        + bytes(8)
        + (65535).to_bytes(4, "little")
        + (101).to_bytes(4, "little")
        + packets
    )


def test_captures_of_two_runs_have_equal_headers_and_a_planted_one_differs():
    one = headers.read(capture(cookie=7, endpoint=0x076BC493B822CD32))
    other = headers.read(capture(cookie=9, endpoint=0x0123456789ABCDEF, source_port=50000))
    assert one == other
    assert one["fields"]["options"] == ["0108:1:8 0108:2:8 0108:3:4"]
    assert one["fields"]["GENEVE header bytes"] == ["40"]
    assert one["one cookie and port for each flow"]
    assert headers.read(capture(cookie=7, endpoint=1, vni=5)) != one
