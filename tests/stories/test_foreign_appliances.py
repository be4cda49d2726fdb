"""Appliances that share no code with ours carry both directions, with TCP bulk; tshark judges the bytes they get."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .cloud import Customer, Partner, customer, healthy, partner, reachable
from .server import Server, until

TRANSFER = str(Path(__file__).with_name("transfer.py"))
PROXY = Path(__file__).with_name("geneve_proxy.py")

HAIRPIN = """#!/bin/sh
set -e
cd /tmp && python3 -m http.server 80 >/dev/null 2>&1 &
echo 1 > /proc/sys/net/ipv4/ip_forward
me=$(hostname -i)
for node in {nodes}; do
  iptables -t nat -A PREROUTING -p udp -s $node -d $me -i eth0 --dport 6081 -j DNAT --to-destination $node:6081
  iptables -t nat -A POSTROUTING -p udp --dport 6081 -s $node -d $node -o eth0 -j MASQUERADE
done
"""
"""AWS's published one-arm shape: DNAT back to the load balancer's node, MASQUERADE behind the instance's own address."""


def python_proxy() -> str:
    return (
        f"#!/bin/sh\ncat > /opt/proxy.py <<'PROXY'\n{PROXY.read_text()}PROXY\n"
        "nohup python3 /opt/proxy.py >/var/log/proxy.log 2>&1 &\n"
    )


@pytest.fixture(scope="module", params=["hairpin", "proxy"])
def lab(request: pytest.FixtureRequest, server: Server) -> tuple[Partner, Customer]:
    kind = request.param
    server.account(f"partner-{kind}")
    server.account(f"customer-{kind}")
    if kind == "hairpin":
        inspected = partner(server, account=f"partner-{kind}", appliance="linux", user_data=hairpin_user_data())
    else:
        inspected = partner(server, account=f"partner-{kind}", appliance="linux", user_data=python_proxy())
    made = customer(server, service=inspected.service_name, account=f"customer-{kind}")
    healthy(inspected, count=1)
    reachable(server, made.public["a"])
    return inspected, made


def hairpin_user_data() -> str:
    # The partner's only subnet is 10.9.0.0/24 and its node is the first address that AWS leaves free.
    return HAIRPIN.format(nodes="10.9.0.4")


@pytest.mark.parametrize("mode", ["push", "pull"])
def test_bulk_tcp_arrives_whole(server, lab, mode):
    _, made = lab
    serving = server.spawn(made.applications["a"], sys.executable, TRANSFER, "serve", "5001")
    try:
        assert serving.stdout.readline() == "ready\n"
        result = server.inside("internet", sys.executable, TRANSFER, mode, made.public["a"], "5001", str(32 << 20))
        assert json.loads(result.stdout or "{}").get("equal") is True, result.stderr
    finally:
        serving.kill()
        serving.wait()


def test_tshark_reads_the_headers_as_the_api_describes_them(server, lab, tmp_path):
    inspected, made = lab
    (appliance,) = inspected.appliances["a"]
    capture = tmp_path / "appliance.pcap"
    watch = server.spawn(appliance, "tcpdump", "-i", "eth0", "-U", "-w", str(capture), "udp port 6081")
    try:
        until(lambda: "listening" in watch.stderr.readline(), what="tcpdump listens")
        reachable(server, made.public["a"])
        until(lambda: len(decoded(capture)) >= 8, what="the capture holds a connection, both directions")
    finally:
        watch.terminate()
        watch.wait()
    frames = decoded(capture)
    # Not one frame malformed, and no expert item of level error.
    assert not [one for one in frames if "_ws.malformed" in one]
    assert not [one for one in frames if _expert_errors(one)]
    endpoint = int(made.endpoints["a"].removeprefix("vpce-"), 16)
    cookies: dict[frozenset, set[str]] = {}
    for one in frames:
        geneve = one["geneve"]
        assert geneve["geneve.vni"] in ("0x000000", "0")
        assert geneve["geneve.version"] == "0" and geneve["geneve.proto_type"] == "0x0800"
        raw = bytes.fromhex(one["geneve_raw"][0])
        assert raw[8:12] == bytes.fromhex("01080102") and int.from_bytes(raw[12:20], "big") == endpoint
        assert raw[20:24] == bytes.fromhex("01080202") and raw[24:32] == bytes(8)
        assert raw[32:36] == bytes.fromhex("01080301")
        if "tcp" in one:
            key = frozenset((one["tcp"]["tcp.srcport"], one["tcp"]["tcp.dstport"]))
            cookies.setdefault(key, set()).add(raw[36:40].hex())
    assert cookies and all(len(found) == 1 for found in cookies.values()), cookies


def decoded(capture: Path) -> list[dict]:
    """tshark's own reading: per frame its layers, with the raw bytes of the GENEVE header."""
    result = subprocess.run(
        ["tshark", "-r", str(capture), "-T", "json", "-x", "--no-duplicate-keys", "-d", "udp.port==6081,geneve"],
        capture_output=True,
        text=True,
    )
    return [one["_source"]["layers"] for one in json.loads(result.stdout or "[]")]


def _expert_errors(layers: dict) -> list[str]:
    found: list[str] = []

    def walk(value: object) -> None:
        if isinstance(value, dict):
            if value.get("_ws.expert.severity") == "8388608":  # PI_ERROR
                found.append(str(value.get("_ws.expert.message")))
            for child in value.values():
                walk(child)
        elif isinstance(value, list):
            for child in value:
                walk(child)

    walk(layers)
    return found
