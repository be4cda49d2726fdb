"""Certify without packets: what a profile may say, what an end means, what the report and the documents show."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6PacketTooBig, IPv6

from opengwlb.certify import packets
from opengwlb.certify.judgement import Failed, NotApplicable, NotReturned, same_bytes, without_ttl
from opengwlb.certify.profile import TRAFFIC, Profile, ProfileError, parse_profile
from opengwlb.certify.registry import THEMES, Check, Level, all_checks
from opengwlb.certify.report import Outcome, Report, Result
from opengwlb.certify.run import judge
from opengwlb.certify.shots import read_udp

ROOT = Path(__file__).resolve().parents[2]
ACTION = ROOT / ".github/actions/certify"


def check(level: Level = Level.REQUIRED, *, name: str = "x", **more: object) -> Check:
    return Check(id=name, theme="wire", level=level, title="T", why="W", run=lambda lab: "", **more)


def raising(problem: Exception):
    def ask() -> str:
        raise problem

    return ask


# -- the list ----------------------------------------------------------------------------------------------------------


def test_there_are_at_least_forty_checks_each_with_a_reason() -> None:
    known = all_checks()
    assert len(known) >= 40
    assert len({one.id for one in known}) == len(known)
    assert all(one.title and one.why and one.theme in THEMES for one in known)
    assert all(not one.traffic or one.traffic in TRAFFIC for one in known)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_page_lists_every_check_with_its_level_and_no_other(language: str) -> None:
    page = (ROOT / "docs" / language / "certify.md").read_text(encoding="utf-8")
    words = {
        "en": {level: level.value for level in Level},
        "ko": {Level.REQUIRED: "필수", Level.RECOMMENDED: "권장", Level.INFORMATIONAL: "참고"},
    }
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| (\S+) \| ([^|]+) \|", page.partition("<!-- checks -->")[2], re.MULTILINE)
    assert [row[:2] for row in rows] == [(one.id, words[language][one.level]) for one in all_checks()]
    if language == "en":
        assert [row[2] for row in rows] == [one.title for one in all_checks()]
    for name in TRAFFIC:
        assert f"`{name}`" in page


# -- profiles ----------------------------------------------------------------------------------------------------------


def test_the_profile_of_the_document_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("default: allow\n")
    pages = [(ROOT / "docs" / language / "certify.md").read_text(encoding="utf-8") for language in ("en", "ko")]
    (text,) = {re.search(r"```toml\n(.*?)```", page, re.DOTALL)[1] for page in pages}
    profile = parse_profile(text, beside=tmp_path)
    assert profile.user_data == "default: allow\n"
    assert profile.drops == {"gre", "ip-options"}
    assert profile.restart == ("systemctl", "restart", "my-firewall")


def test_an_empty_profile_is_the_default_one() -> None:
    assert parse_profile("") == Profile()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[traffic", "not TOML"),
        ("[trafic]\nport = 1", "none of the tables"),
        ("[traffic]\nports = 1", "no key 'ports'"),
        ("[traffic]\nport = 0", "no port"),
        ("[traffic]\nport = '80'", "wrong type"),
        ("[traffic]\ndrops = ['tcp']", "'tcp' is none of"),
        ("[traffic]\nrewrites = 'all'", "none of nothing"),
        ("[health]\nprotocol = 'udp'", "none of http"),
        ("[instance]\nuser_data = 'x'\nuser_data_file = 'y'", "give one"),
        ("port = 80", "none of the tables"),
    ],
)
def test_a_profile_that_cannot_be_used_is_refused_with_what_to_write(text: str, says: str) -> None:
    with pytest.raises(ProfileError, match=re.escape(says)):
        parse_profile(text)


# -- judging -----------------------------------------------------------------------------------------------------------


def test_what_a_profile_declares_as_dropped_is_held_to_both_ways() -> None:
    firewall = Profile(drops=frozenset({"gre"}))
    gre = check(Level.RECOMMENDED, traffic="gre")
    assert judge(gre, firewall, raising(NotReturned("gone")))[0] is Outcome.DECLARED
    assert judge(gre, Profile(), raising(NotReturned("gone")))[0] is Outcome.FAILED
    outcome, sentence = judge(gre, firewall, lambda: "both ways")
    assert outcome is Outcome.FAILED and "the profile says that gre is dropped" in sentence
    # Changed is not dropped.
    assert judge(gre, firewall, raising(Failed("changed")))[0] is Outcome.FAILED


def test_what_rewrites_by_design_is_not_asked_for_equal_bytes_and_a_proxy_not_for_returns() -> None:
    def never() -> str:
        raise AssertionError("asked")

    assert judge(check(), Profile(rewrites="payload"), never)[0] is Outcome.NOT_APPLICABLE
    assert judge(check(transparent=False), Profile(rewrites="payload"), lambda: "ok")[0] is Outcome.PASSED
    assert judge(check(transparent=False), Profile(rewrites="proxy"), never)[0] is Outcome.NOT_APPLICABLE
    assert judge(check(transparent=False, returns=False), Profile(rewrites="proxy"), lambda: "ok")[0] is Outcome.PASSED


def test_a_check_that_breaks_is_an_error_and_no_pass() -> None:
    outcome, sentence = judge(check(), Profile(), raising(OSError("no device")))
    assert outcome is Outcome.ERROR and "no device" in sentence
    assert judge(check(), Profile(), raising(NotApplicable("why")))[0] is Outcome.NOT_APPLICABLE


def test_a_difference_is_named_by_its_place() -> None:
    with pytest.raises(Failed, match="changed at byte 2: 03 became 04"):
        same_bytes("it", b"\1\2\3", b"\1\2\4")
    with pytest.raises(Failed, match="went out with 3 bytes and came back with 2"):
        same_bytes("it", b"\1\2\3", b"\1\2")


def test_a_router_may_count_down_and_nothing_else() -> None:
    for one, routed in (
        (IP(src="10.0.0.1", dst="10.0.0.2", ttl=64) / UDP(), IP(src="10.0.0.1", dst="10.0.0.2", ttl=63) / UDP()),
        (IPv6(src="fd00::1", dst="fd00::2", hlim=64) / UDP(), IPv6(src="fd00::1", dst="fd00::2", hlim=63) / UDP()),
    ):
        assert without_ttl(bytes(one)) == without_ttl(bytes(routed))
        assert bytes(one) != bytes(routed)
    assert without_ttl(bytes(IP(tos=1) / UDP())) != without_ttl(bytes(IP(tos=2) / UDP()))


# -- reports -----------------------------------------------------------------------------------------------------------


def result(outcome: Outcome, level: Level, *, name: str) -> Result:
    return Result(check=check(level, name=name), outcome=outcome, sentence="s\x00", seconds=1, sent=1, returned=1)


def report(*rows: tuple[Outcome, Level]) -> Report:
    results = tuple(result(outcome, level, name=f"c{at}") for at, (outcome, level) in enumerate(rows))
    return Report(appliance="a", seed=7, short=True, declared=(), results=results)


def test_only_required_checks_decide_and_what_does_not_apply_is_in_no_score() -> None:
    made = report(
        (Outcome.PASSED, Level.REQUIRED),
        (Outcome.NOT_APPLICABLE, Level.REQUIRED),
        (Outcome.FAILED, Level.RECOMMENDED),
        (Outcome.DECLARED, Level.RECOMMENDED),
        (Outcome.FAILED, Level.INFORMATIONAL),
    )
    assert made.passed
    assert made.score == 75
    assert made.as_json()["required"] == {"passed": 1, "asked": 1}
    assert not report((Outcome.ERROR, Level.REQUIRED)).passed


def test_junit_has_a_failure_for_each_required_check_that_failed_and_skips_with_reasons() -> None:
    made = report(
        (Outcome.FAILED, Level.REQUIRED), (Outcome.FAILED, Level.RECOMMENDED), (Outcome.PASSED, Level.REQUIRED)
    )
    suite = ElementTree.fromstring(made.as_junit())
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    assert [case.find("failure") is not None for case in suite] == [True, False, False]
    assert suite[1].find("skipped").get("message").startswith("recommended, failed: s")


# -- packets, judged by scapy ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [4, 6])
def test_the_packets_that_are_sent_have_right_lengths_and_checksums(version: int) -> None:
    ends = ("198.51.100.7", "10.0.0.9") if version == 4 else ("2001:db8::1", "2001:db8::2")
    ip, kind = (packets.ipv4, IP) if version == 4 else (packets.ipv6, IPv6)
    for number, segment in (
        (packets.TCP, packets.tcp(*ends, (1, 2), flags=packets.SYN, sequence=7, ack=0)),
        (packets.TCP, packets.tcp(*ends, (1, 2), flags=packets.ACK, sequence=7, ack=9, payload=b"odd")),
        (packets.UDP, packets.udp(*ends, (1, 2), b"hello")),
    ):
        sent = ip(*ends, number, segment)
        read = kind(sent)
        for layer in (kind, TCP if number == packets.TCP else UDP):
            if "chksum" in read[layer].fields:
                del read[layer].chksum
        assert bytes(read) == sent
    quote = bytes(IPv6(src="fd00::2", dst="fd00::1") / UDP())
    error = packets.ipv6("fd00::1", "fd00::2", 58, packets.icmpv6("fd00::1", "fd00::2", 2, 0, 1400, quote))
    again = IPv6(error)
    del again[ICMPv6PacketTooBig].cksum
    assert bytes(again) == error


def test_a_return_is_read_with_its_faults() -> None:
    whole = packets.outer("192.0.2.1", "192.0.2.2", 5, b"data", summed=True)
    frame = bytes(12) + b"\x08\x00" + whole
    good = read_udp(frame)
    assert good is not None and good.checksum_right and good.lengths_agree and not good.fragment
    spoilt = read_udp(frame[:-1] + b"!")
    assert spoilt is not None and not spoilt.checksum_right
    short = read_udp(frame[:38] + b"\0\x09" + frame[40:])
    assert short is not None and not short.lengths_agree
    assert read_udp(frame[:30]) is None
    assert read_udp(bytes(12) + b"\x86\xdd" + bytes(60)) is None


# -- the action --------------------------------------------------------------------------------------------------------


def test_the_action_hands_its_inputs_to_certify_word_by_word(tmp_path: Path) -> None:
    action = yaml.safe_load((ACTION / "action.yml").read_text())
    step = next(one for one in action["runs"]["steps"] if one.get("id") == "certify")
    fake = tmp_path / "gwlb"
    fake.write_text(f'#!/bin/sh\nfor word; do echo "$word"; done > {tmp_path}/said\nexit 1\n')
    fake.chmod(0o755)
    inputs = {"IMAGE": "my firewall; exit", "LAB": "x", "NODES": "192.0.2.1 192.0.2.2", "SHORT": "true", "SEED": "5"}
    environment = {name: inputs.get(name, "") for name in step["env"]}
    done = subprocess.run(
        [ACTION / "run.sh"],
        env={**os.environ, **environment, "GWLB": str(fake), "SUDO": "", "GITHUB_WORKSPACE": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stderr
    assert (tmp_path / "said").read_text().splitlines() == [
        "certify", "--out", f"{tmp_path}/gwlb-certify", "--name", "x", "my firewall; exit",
        "--node", "192.0.2.1", "--node", "192.0.2.2", "--seed", "5", "--short",
    ]  # fmt: skip
    for value in step["env"].values():
        name = re.fullmatch(r"\$\{\{ inputs\.([a-z-]+) \}\}", value)[1]
        assert name in action["inputs"]
    assert json.dumps(action["outputs"])
