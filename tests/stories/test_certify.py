"""Images against the list of checks, and recorded traffic through two of them: by the command, as an engineer would."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from scapy.utils import wrpcap

from .server import BIN, Server

CHECKS = "wire,inner,tcp-push,tcp-pull,tcp-equal-addresses,health-truthful,ready-before-healthy,malformed-geneve,endpoints-apart"


def gwlb(*arguments: object, name: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BIN / "gwlb"), *map(str, arguments), "--name", name], capture_output=True, text=True, timeout=200
    )


def boxes_of(name: str) -> list[str]:
    return [box for box in os.listdir("/run/netns") if box.startswith(f"{name}-i-")]


def test_a_shipped_appliance_passes_and_leaves_nothing(server: Server, tmp_path: Path) -> None:
    before = boxes_of(server.name)
    done = gwlb("certify", "firewall", "--short", "--seed", 1, "--only", CHECKS, "--out", tmp_path, name=server.name)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["passed"] and report["score"] == 100
    passed = [one for one in report["checks"] if one["outcome"] == "passed"]
    assert len(passed) >= 40
    assert all((tmp_path / one["capture"]).exists() for one in passed)
    assert "boot 1 of" in (tmp_path / "console.log").read_text()
    assert boxes_of(server.name) == before
    vpcs = server.client("ec2").describe_vpcs(Filters=[{"Name": "tag:Name", "Values": ["gwlb-certify"]}])["Vpcs"]
    assert vpcs == []


def test_a_firewall_is_not_failed_for_a_policy_that_it_declares(server: Server, tmp_path: Path) -> None:
    profile = tmp_path / "appliance.toml"
    rules = "default: allow\\nrules:\\n  - {name: no-gre, action: deny, protocol: 47}\\n"
    profile.write_text(f'[instance]\nuser_data = "{rules}"\n[traffic]\ndrops = ["gre"]\n')
    done = gwlb("certify", "firewall", "--profile", profile, "--only", "gre,esp", "--json", name=server.name)
    assert done.returncode == 0, done.stdout + done.stderr
    outcomes = {one["id"]: one["outcome"] for one in json.loads(done.stdout)["checks"]}
    assert outcomes == {"gre": "declared", "esp": "passed"}


def test_without_a_server_a_private_one_is_started_and_gone_afterwards(tmp_path: Path) -> None:
    before = sorted(os.listdir("/run/opengwlb")) if Path("/run/opengwlb").exists() else []
    name = f"nocert{os.getpid()}"
    done = gwlb("certify", "inspector", "--short", "--only", CHECKS, "--json", name=name)
    assert done.returncode == 0, done.stdout + done.stderr
    outcomes = {one["id"]: one["outcome"] for one in json.loads(done.stdout)["checks"]}
    assert outcomes.pop("health-truthful") == "not applicable"
    assert set(outcomes.values()) == {"passed"} and len(outcomes) >= 40
    left = set(os.listdir("/run/opengwlb")) if Path("/run/opengwlb").exists() else set()
    assert not {one for one in left - set(before) if one.startswith(("cert", name))}
    assert not [box for box in os.listdir("/run/netns") if box.startswith("cert") and "-i-" in box]


def test_an_appliance_that_never_gets_well_is_said_so_with_its_console(server: Server, tmp_path: Path) -> None:
    profile = tmp_path / "appliance.toml"
    profile.write_text('[instance]\nuser_data = "rules: [{name: x, action: drop}]"\nstart_s = 4\n')
    done = gwlb("certify", "firewall", "--profile", profile, "--only", "header-echo", name=server.name)
    assert done.returncode == 2
    assert "never became healthy" in done.stderr and "the rules cannot be used: rule 1 (x)" in done.stderr


def test_two_versions_of_a_policy_differ_in_the_flow_that_it_changes(server: Server, tmp_path: Path) -> None:
    web = [
        IP(src="198.51.100.7", dst="10.0.0.37") / TCP(sport=40000, dport=80, flags=flag, seq=at)
        for at, flag in enumerate("SAF")
    ]
    dns = [IP(src="198.51.100.7", dst="10.0.0.37") / UDP(sport=5353, dport=53) / Raw(b"name") for _ in range(3)]
    wrpcap(str(tmp_path / "x.pcap"), [Ether() / packet for packet in web + dns])
    (tmp_path / "old.toml").write_text('[instance]\nuser_data = "default: allow"\n')
    (tmp_path / "new.toml").write_text(
        '[instance]\nuser_data = "rules: [{name: no-dns, action: deny, protocol: udp, ports: 53}]"\n'
    )
    via = ("replay", tmp_path / "x.pcap", "--via", "firewall", "--also", "firewall", "--profile", tmp_path / "old.toml")
    done = gwlb(*via, "--also-profile", tmp_path / "new.toml", "--json", name=server.name)
    assert done.returncode == 1, done.stdout + done.stderr
    (sentence,) = json.loads(done.stdout)["differences"]
    assert sentence.startswith("udp 198.51.100.7:5353 → 10.0.0.37:53: firewall passed 3 of 3 packets, firewall (2) 0")


def test_a_tunnel_of_devices_meets_its_endpoints_in_another_order_after_a_restart(server: Server) -> None:
    asked = ("--accept-terms", "--only", "endpoints-after-restart,endpoints-apart,cookie-refreshed", "--json")
    done = gwlb("certify", "nftables", *asked, name=server.name)
    assert done.returncode == 0, done.stdout + done.stderr
