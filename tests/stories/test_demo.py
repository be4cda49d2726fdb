"""The main job, as a stranger meets it: the demo passes, its lines work when pasted, and nothing of it remains."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from opengwlb.cli import client

from .server import until

ROOT = Path(__file__).resolve().parents[2]
GWLB = Path(sys.executable).parent / "gwlb"
NAME = "storydemo"


def free_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


def gwlb(*arguments: str, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run([GWLB, *arguments], capture_output=True, text=True, timeout=timeout_s)


def of_the_lab() -> dict[str, list[str]]:
    """Everything on this machine that carries the lab's name."""
    namespaces = os.listdir("/run/netns") if Path("/run/netns").exists() else []
    groups = [root for root, _, _ in os.walk("/sys/fs/cgroup") if NAME in os.path.basename(root)]
    return {
        "namespaces": [name for name in namespaces if NAME in name],
        "mounts": [line for line in Path("/proc/self/mounts").read_text().splitlines() if NAME in line],
        "control groups": groups,
        "directories": [
            str(path) for path in (Path("/run/opengwlb") / NAME, Path("/var/lib/opengwlb") / NAME) if path.exists()
        ],
        "processes": [path.parent.name for path in Path("/proc").glob("[0-9]*/cmdline") if _mentions(path)],
    }


def _mentions(path: Path) -> bool:
    try:
        words = path.read_bytes().split(b"\0")
    except OSError:
        return False
    return path.parent.name != str(os.getpid()) and NAME.encode() in words


def of_the_host() -> dict[str, str]:
    """What the demo must not touch."""
    asked = {"rules": ["ip", "rule"], "routes": ["ip", "route"], "links": ["ip", "-o", "link"]}
    if shutil.which("nft"):
        asked["nft"] = ["nft", "list", "ruleset"]
    found = {what: subprocess.run(argv, capture_output=True, text=True).stdout for what, argv in asked.items()}
    for name in ("ipv4/ip_forward", "ipv4/conf/all/rp_filter", "core/bpf_jit_enable"):
        found[name] = Path("/proc/sys/net", name).read_text()
    return found


@pytest.fixture(scope="module")
def host_before() -> dict[str, str]:
    return of_the_host()


@pytest.fixture(scope="module")
def demo(host_before: dict[str, str]) -> Iterator[dict[str, Any]]:
    gwlb("down", "--name", NAME, "--data")
    done = gwlb("demo", "--name", NAME, "--listen", free_address(), "--bulk-mib", "16", "--json", timeout_s=240)
    try:
        assert done.stdout, done.stderr
        yield {**json.loads(done.stdout), "status": done.returncode, "told": done.stderr}
    finally:
        gwlb("down", "--name", NAME, "--data")


@pytest.mark.timeout(300)
def test_everything_passes_or_is_blocked_as_it_should_be(demo: dict[str, Any]) -> None:
    wrong = [outcome for outcome in demo["outcomes"] if not outcome["ok"]]
    assert (wrong, demo["status"], demo["ok"]) == ([], 0, True), demo["told"]
    by = {outcome["what"]: outcome["by"] for outcome in demo["outcomes"]}
    assert by["port 23 of customer1/web-a"].endswith("rule: no-telnet")
    assert "tcpdump on firewall-a1" in by or "tcpdump on firewall-a2" in by


def test_every_line_it_suggests_works_when_pasted(demo: dict[str, Any]) -> None:
    script = "\n".join(demo["next_steps"])
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        capture_output=True,
        text=True,
        timeout=120,
        cwd="/",
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "customer1/web-a greets 192.0.2." in done.stdout
    assert done.stdout.count("healthy") >= 4


def test_a_second_demo_says_that_the_first_is_still_there(demo: dict[str, Any]) -> None:
    again = gwlb("demo", "--name", NAME)
    assert again.returncode == 1
    assert "An earlier demo's lab runs" in again.stderr
    assert f"gwlb down --data --name {NAME}" in again.stderr


def test_status_as_json_has_boxes_targets_and_endpoints(demo: dict[str, Any]) -> None:
    status = json.loads(gwlb("status", "--name", NAME, "--json").stdout)
    assert {row["state"] for row in status["targets"]} == {"healthy"}
    assert len(status["endpoints"]) == 4
    assert status["warnings"] == []


def test_the_server_knows_its_demo_and_sends_traffic_through_it_when_asked(demo: dict[str, Any]) -> None:
    operator = client.operator(NAME)
    stands = operator.post("demo", {})
    assert (stands["state"], stands["error"]) == ("ready", None)
    assert {step["state"] for step in stands["steps"]} == {"done"}
    assert f"{operator.endpoint}/console/#token=" in demo["console"]
    assert [one["customer"] for one in stands["addresses"]] == ["customer1", "customer1", "customer2", "customer2"]
    operator.post("demo/traffic", {"seconds": 1})
    ended = until(lambda: _sent(operator), what="every request is counted", seconds=15)
    assert ended == {"seconds_left": 0.0, "answered": 32, "blocked": 6, "unexpected": 0}


def _sent(operator: client.Client) -> dict[str, Any] | None:
    traffic: dict[str, Any] = operator.get("demo")["traffic"]
    counted = sum(traffic[name] for name in ("answered", "blocked", "unexpected"))
    return traffic if traffic["seconds_left"] == 0 and counted >= 38 else None


def test_down_leaves_nothing_of_the_lab_and_the_host_as_it_was(
    demo: dict[str, Any], host_before: dict[str, str]
) -> None:
    assert of_the_lab()["namespaces"]  # the look itself can see a lab
    done = gwlb("down", "--name", NAME, "--data")
    assert done.returncode == 0, done.stderr
    assert of_the_lab() == {"namespaces": [], "mounts": [], "control groups": [], "directories": [], "processes": []}
    assert of_the_host() == host_before


@pytest.mark.timeout(120)
def test_the_pattern_before_load_balancers_works_and_dies_with_its_appliance() -> None:
    script = ROOT / "examples" / "00-before" / "run.py"
    done = subprocess.run(
        [sys.executable, script, "--name", NAME, "--listen", free_address()],
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no answer" in done.stdout
    assert of_the_lab()["namespaces"] == []
