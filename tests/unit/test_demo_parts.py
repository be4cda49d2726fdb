"""What the demo believes: tcpdump's words read back, the firewalls' log, the plan, the table, waiting."""

from __future__ import annotations

import io
import json
import subprocess

import pytest
import yaml
from rich.console import Console

from opengwlb.cli.demo import dumps, evidence, plan, watching
from opengwlb.cli.demo.ledger import Ledger
from opengwlb.cli.demo.partner import Appliance
from opengwlb.cli.demo.waits import Waits
from opengwlb.cli.refusal import Refusal

APPLIANCE = Appliance(name="firewall-a1", instance="i-0aa", address="10.100.11.4")
OPTIONS = (
    "options [class Unknown (0x108) type 0x1 len 12 data 76bc493b 822cd32f, class Unknown (0x108) type 0x2 len 12 "
    "data 00000000 00000000, class Unknown (0x108) type 0x3 len 8 data 1a2b3c4d]"
)


def printed(outer: str, inner: str) -> str:
    return (
        "12:41:45.853499 IP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto UDP (17), length 108)\n"
        f"    {outer}: [no cksum] Geneve, Flags [none], vni 0x0, {OPTIONS}\n"
        "\tIP (tos 0x0, ttl 64, id 1, offset 0, flags [none], proto TCP (6), length 40)\n"
        f"    {inner}\n"
    )


TO, BACK = "10.100.1.4.40001 > 10.100.11.4.6081", "10.100.11.4.40001 > 10.100.1.4.6081"
REQUEST = "192.0.2.1.33333 > 10.0.0.36.80: Flags [S], seq 0, win 8192, length 0"
REPLY = "10.0.0.36.80 > 192.0.2.1.33333: Flags [S.], seq 0, ack 1, win 8192, length 0"


def test_tcpdumps_words_are_read_back_as_packets() -> None:
    noise = "12:41:45.8 IP (tos 0x0, proto TCP (6), length 40)\n    10.0.0.1.1 > 10.0.0.2.80: Flags [S], length 0\n"
    text = printed(TO, REQUEST) + noise + printed(BACK, REQUEST)
    arriving, returning = dumps.parse(text, appliance=APPLIANCE)
    assert (arriving.incoming, returning.incoming) == (True, False)
    assert arriving.endpoint == "vpce-076bc493b822cd32f"
    assert arriving.cookie == 0x1A2B3C4D
    assert (arriving.source, arriving.destination) == (("192.0.2.1", 33333), ("10.0.0.36", 80))


def test_a_payload_that_looks_like_addresses_does_not_confuse_the_reading() -> None:
    text = printed(TO, REQUEST + ": HTTP, length: 20\n\tGET /1.2.3.4 > 5.6.7.8: HTTP/1.1\n\tHost: x")
    (packet,) = dumps.parse(text, appliance=APPLIANCE)
    assert packet.source == ("192.0.2.1", 33333)


def test_packets_without_ports_are_read_too() -> None:
    text = printed(TO, "192.0.2.1 > 10.0.0.36: ICMP echo request, id 0, seq 0, length 8")
    (packet,) = dumps.parse(text, appliance=APPLIANCE)
    assert packet.source == ("192.0.2.1", 0)


def test_both_directions_are_one_connection_and_tenants_are_told_apart() -> None:
    request, reply = dumps.parse(printed(TO, REQUEST) + printed(TO, REPLY), appliance=APPLIANCE)
    assert request.connection == reply.connection
    (other,) = dumps.parse(printed(TO, REQUEST).replace("822cd32f", "822cd330"), appliance=APPLIANCE)
    assert other.connection != request.connection


def test_the_four_ways_of_a_flow_are_told_apart() -> None:
    text = "".join(printed(outer, inner) for inner in (REQUEST, REPLY) for outer in (TO, BACK))
    packets = list(dumps.parse(text, appliance=APPLIANCE))
    assert {watching.way(packet, client=("192.0.2.1", 33333)) for packet in packets} == watching.EVERY_WAY
    assert {watching.way(packet, client=("192.0.2.1", 44444)) for packet in packets} == {"other"}


def test_a_firewalls_log_line_names_rule_and_connection() -> None:
    said = {
        "time": "2026-01-01T00:00:00Z",
        "event": "denied",
        "rule": plan.TEXT_RULE,
        "source": "10.0.0.36",
        "source_port": 80,
        "destination": "192.0.2.1",
        "destination_port": 40000,
        "endpoint": "vpce-0aa",
    }
    entry = evidence.parse(json.dumps(said), appliance="firewall-a1")
    assert entry is not None
    assert entry.rule == plan.TEXT_RULE
    assert entry.concerns(endpoint="vpce-0aa", client=("192.0.2.1", 40000))
    assert not entry.concerns(endpoint="vpce-0bb", client=("192.0.2.1", 40000))


@pytest.mark.parametrize("line", ["", "firewall: 2 rules", "{not json", '{"event": "denied"}', "[1]"])
def test_any_other_console_line_is_no_evidence(line: str) -> None:
    assert evidence.parse(line, appliance="firewall-a1") is None


def test_the_plan_is_the_documents_picture() -> None:
    assert len({customer.vpc for customer in plan.CUSTOMERS}) == 1
    zones = [{site.letter for site in customer.sites} for customer in plan.CUSTOMERS]
    assert zones == [{"a", "b"}, {"b"}]
    assert all(customer.sites[0].application_subnet == "10.0.0.32/28" for customer in plan.CUSTOMERS)
    assert len(plan.PARTNER_ZONES) * plan.FIREWALLS_PER_ZONE == 4


def test_the_firewalls_rules_forbid_the_port_and_the_text_but_not_the_near_miss() -> None:
    rules = {rule["name"]: rule for rule in yaml.safe_load(plan.FIREWALL_RULES)["rules"]}
    assert rules[plan.PORT_RULE]["ports"] == str(plan.FORBIDDEN_PORT)
    assert rules[plan.TEXT_RULE]["payload"] == plan.FORBIDDEN_TEXT
    assert plan.FORBIDDEN_TEXT not in plan.NEAR_MISS
    assert plan.FORBIDDEN_TEXT[:-4] == plan.NEAR_MISS[:-4]


def test_user_data_is_a_valid_script_within_awss_limit() -> None:
    script = plan.application_user_data("it's/web")
    assert subprocess.run(["sh", "-n"], input=script, text=True).returncode == 0
    assert len(script) < 16384


def test_the_table_is_good_only_when_every_line_is() -> None:
    ledger = Ledger(Console(file=io.StringIO(), width=200))
    assert not ledger.ok
    ledger.add("a", expected="passes", happened="passed", ok=True)
    assert ledger.ok
    ledger.add("b [x]", expected="blocked", happened="passed", ok=False)
    assert not ledger.ok
    ledger.console.print(ledger.table())
    assert "b [x]" in ledger.console.file.getvalue()  # type: ignore[attr-defined]


def test_a_wait_shows_each_state_and_gives_up_with_the_last_one() -> None:
    output = io.StringIO()
    waits = Waits(Console(file=output, width=200))
    states = iter([(False, "2 initial"), (False, "1 initial, 1 healthy"), (True, "2 healthy")])
    waits.until("targets", lambda: next(states))
    said = output.getvalue()
    assert said.index("2 initial") < said.index("1 initial, 1 healthy") < said.index("2 healthy")
    with pytest.raises(Refusal, match="still is: stuck"):
        waits.until("targets", lambda: (False, "stuck"), timeout_s=0)


def test_a_wait_that_gives_up_says_what_is_wrong_with_what_was_built() -> None:
    mistakes = ["No security group of eni-1 lets in TCP 80."]
    waits = Waits(Console(file=io.StringIO(), width=200), mistakes=lambda: mistakes)
    with pytest.raises(Refusal, match=r"still is: stuck.*\n  No security group of eni-1 lets in TCP 80\."):
        waits.until("targets", lambda: (False, "stuck"), timeout_s=0)


def test_a_wait_for_a_server_that_never_came_asks_it_nothing_more() -> None:
    def nobody() -> list[str]:
        raise Refusal("No server runs.")

    waits = Waits(Console(file=io.StringIO(), width=200), mistakes=nobody)
    with pytest.raises(Refusal, match=r"it still is: stuck\. The lab is left as it is\.$"):
        waits.until("the server", lambda: (False, "stuck"), timeout_s=0)
