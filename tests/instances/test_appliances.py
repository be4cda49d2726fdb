"""The built-in appliances in their instances, and the SDK's example: GENEVE in, GENEVE out, a health page that tells the truth."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.packet import Packet, Raw

import opengwlb_appliance
from opengwlb_appliance import Header, encode

from .conftest import ADDRESS, OUTSIDE, Lab, Node, until

RULES = b"""
default: allow
rules:
  - {name: no-telnet, action: deny, protocol: tcp, ports: 23}
  - {name: no-secret, action: deny, protocol: tcp, ports: 80, payload: TOP-SECRET}
"""
DOCUMENT = Path(__file__).resolve().parents[2] / "docs/en/appliance-sdk.md"


def geneve(inner: Packet, *, cookie: int = 0x1A2B3C4D) -> bytes:
    return encode(Header(protocol=0x0800, endpoint=0x76BC493B822CD32F, cookie=cookie)) + bytes(inner)


def web(payload: bytes = b"", *, port: int = 80) -> Packet:
    return IP(src="198.51.100.7", dst="10.0.0.37") / TCP(sport=40000, dport=port, flags="PA") / Raw(payload)


def healthy(node: Node) -> None:
    until(lambda: node.health()[0] == 200, what="health page")


def pids(lab: Lab, name: str) -> list[str]:
    return lab.inside("pgrep", "-x", name, check=False).stdout.split()


def test_the_firewall_returns_what_it_got_with_swapped_addresses_and_the_port_it_came_from(
    lab: Lab, node: Node
) -> None:
    lab.start(image_kind="firewall", user_data=RULES)
    healthy(node)
    for port, payload in ((50001, b"hello"), (61000, bytes(8440)), (50001, b"again")):
        sent = geneve(web(payload))
        node.send(sent, source_port=port)
        packet = node.returned()
        assert packet is not None
        outer = IP(packet)
        assert (outer.src, outer.dst, outer.ihl, outer.frag) == (ADDRESS, OUTSIDE, 5, 0)
        assert (outer[UDP].sport, outer[UDP].dport, outer[UDP].chksum) == (port, 6081, 0)
        assert (outer.len, outer[UDP].len) == (len(packet), len(packet) - 20)
        assert packet[28:] == sent


def test_the_return_comes_from_the_address_that_was_sent_to(lab: Lab, node: Node) -> None:
    lab.start(image_kind="firewall", user_data=RULES)
    healthy(node)
    lab.inside("ip", "address", "add", "192.0.2.77/24", "dev", "eth0")
    node.send(geneve(web()), target="192.0.2.77")
    packet = node.returned()
    assert packet is not None
    assert IP(packet).src == "192.0.2.77"


def test_the_firewall_drops_and_names_the_rule_in_its_log_and_on_the_console(lab: Lab, node: Node) -> None:
    lab.start(image_kind="firewall", user_data=RULES)
    healthy(node)
    node.send(geneve(web(port=23), cookie=1))
    node.send(geneve(web(b"a TOP-SE"), cookie=2))
    assert node.returned() is not None
    node.send(
        geneve(
            IP(src="198.51.100.7", dst="10.0.0.37") / TCP(sport=40000, dport=80, seq=8, flags="PA") / Raw(b"CRET"),
            cookie=2,
        )
    )
    assert node.returned(seconds=0.5) is None
    lab.console_says('"rule": "no-secret"')
    lines = [json.loads(line) for line in lab.inside("cat", "/var/log/firewall.log").stdout.splitlines()]
    assert [(line["rule"], line["cookie"]) for line in lines] == [
        ("no-telnet", "0x00000001"),
        ("no-secret", "0x00000002"),
    ]
    counters = until(lambda: (c := json.loads(node.health()[1])["counters"])["received"] == 3 and c, what="counters")
    assert (counters["returned"], counters["dropped"], counters["malformed"]) == (1, 2, 0)


def test_malformed_packets_are_dropped_counted_and_harm_nobody(lab: Lab, node: Node) -> None:
    lab.start(image_kind="firewall", user_data=RULES)
    healthy(node)
    for bad in (b"", b"\x08", geneve(web())[:60], b"\x48" + geneve(web())[1:], geneve(web())[:40], bytes(100)):
        node.send(bad)
    node.send(geneve(web()))
    assert node.returned() is not None
    counters = until(lambda: (c := json.loads(node.health()[1])["counters"])["returned"] == 1 and c, what="counters")
    assert counters["malformed"] == 5, "an empty datagram is no packet"


def test_health_turns_503_within_two_seconds_of_the_loop_being_stopped_and_back(lab: Lab, node: Node) -> None:
    lab.start(image_kind="firewall", user_data=RULES)
    healthy(node)
    (loop,) = pids(lab, "gwlb-loop")
    lab.inside("kill", "-STOP", loop)
    until(lambda: node.health()[0] == 503, seconds=2, what="503 after SIGSTOP")
    assert "packet loop 0" in node.health()[1]
    lab.inside("kill", "-CONT", loop)
    until(lambda: node.health()[0] == 200, seconds=2, what="200 after SIGCONT")
    lab.inside("kill", "-KILL", loop)
    until(lambda: node.health()[0] == 503, seconds=2, what="503 after SIGKILL")
    lab.console_says("packet loop 0 was killed by signal 9")


def test_health_stays_good_under_silence(lab: Lab, node: Node) -> None:
    lab.start(image_kind="firewall", user_data=RULES)
    healthy(node)
    end = time.monotonic() + 3
    while time.monotonic() < end:
        assert node.health()[0] == 200
        time.sleep(0.2)


def test_several_loops_share_the_flows_and_a_flow_stays_with_one(lab: Lab, node: Node) -> None:
    lab.start(image_kind="firewall", user_data=b"workers: 2\n" + RULES)
    healthy(node)
    assert len(pids(lab, "gwlb-loop")) == 2
    for cookie, port in enumerate(range(50000, 50016), start=1):
        node.send(geneve(web(b"a TOP-SE"), cookie=cookie), source_port=port)
        assert node.returned() is not None
    for cookie, port in enumerate(range(50000, 50016), start=1):
        inner = IP(src="198.51.100.7", dst="10.0.0.37") / TCP(sport=40000, dport=80, seq=8, flags="PA") / Raw(b"CRET")
        node.send(geneve(inner, cookie=cookie), source_port=port)
    assert node.returned(seconds=0.5) is None


def test_rules_that_cannot_be_read_are_said_on_the_console_and_the_health_page(lab: Lab, node: Node) -> None:
    lab.start(image_kind="firewall", user_data=b"rules: [{name: x, action: drop}]")
    until(lambda: node.health()[0] == 503, what="health page")
    assert "rule 1 (x): `action` must be allow or deny" in node.health()[1]
    lab.console_says("the rules cannot be used: rule 1 (x)")


def test_a_script_may_write_the_firewalls_rules(lab: Lab, node: Node) -> None:
    lab.start(image_kind="firewall", user_data=b"#!/bin/sh\necho 'default: deny' > /etc/firewall.yaml\n")
    healthy(node)
    node.send(geneve(web()))
    assert node.returned(seconds=0.5) is None
    lab.console_says('"rule": "default"')


def test_the_firewall_comes_back_with_a_reboot(lab: Lab, node: Node) -> None:
    lab.start(image_kind="firewall", user_data=RULES)
    healthy(node)
    lab.start(image_kind="firewall", user_data=RULES, boot=2)
    healthy(node)
    assert lab.console().count("service firewall started") == 2
    node.send(geneve(web()))
    assert node.returned() is not None


def test_a_service_that_ends_is_said_on_the_console(lab: Lab, node: Node) -> None:
    lab.start(image_kind="inspector")
    healthy(node)
    lab.inside("pkill", "-KILL", "-x", "gwlb-health")
    lab.console_says("service inspector was killed by signal 9; it is not restarted")


def test_the_inspectors_page_is_200_with_rules_it_can_use_and_503_with_others(lab: Lab, node: Node) -> None:
    lab.start(image_kind="inspector", user_data=b"rules: [{name: x, action: deny, protocol: tcp, ports: 23}]")
    healthy(node)
    lab.start(image_kind="inspector", user_data=b"rules: [{name: x, action: deny, payload: abc}]", boot=2)
    until(lambda: node.health()[0] == 503, what="503")
    assert "does not look at payloads" in node.health()[1]


@pytest.mark.parametrize("source", ["docs", "docstring"])
def test_the_example_of_the_documents_runs(lab: Lab, node: Node, source: str) -> None:
    if source == "docs":
        found = re.search(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
        assert found is not None
        program = found[1]
    else:
        lines = (opengwlb_appliance.__doc__ or "").splitlines()
        program = "\n".join(line[4:] for line in lines if line.startswith("    ") or not line)
    assert len(program.strip().splitlines()) <= 20
    lab.start(user_data=b"#!/bin/sh\ncat > /root/appliance.py <<'END'\n" + program.encode() + b"\nEND\n"
              b"setsid /usr/bin/python3 /root/appliance.py &\n")  # fmt: skip
    healthy(node)
    node.send(geneve(web()))
    assert node.returned() is not None
    node.send(geneve(web(port=23), cookie=2))
    assert node.returned(seconds=0.5) is None
    lab.console_says("dropped telnet from 198.51.100.7 through vpce-076bc493b822cd32f")
