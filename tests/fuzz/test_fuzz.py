"""A short hunt, and proof that it finds things: with a rule missing on either side it fails within its few seconds."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from . import gateway
from .guards import ACLS, Guards
from .hunt import Find, Judge, epoch, minimise, report
from .model import Model
from .packets import Packet
from .state import Door, Flow
from .world import World

ROOT = Path(__file__).parents[2]
FIXED_SEED = 20260
EPOCHS = 10
"""For each of two seeds: 200,000 frames, some eight seconds."""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="loads programs into the kernel: root only")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    subprocess.run(["make", "-s", "-C", str(ROOT / "bpf")], check=True)
    with World.opened(name="fuzz") as opened:
        yield opened


def hunted(judge: Judge, seed: int, epochs: int) -> Find | None:
    for number in range(epochs):
        _, find, history = epoch(judge, seed, number)
        if find is not None:
            print(report(seed, number, *minimise(judge, seed, number, find, history)))
            return find
    return None


@pytest.mark.parametrize("seed", [FIXED_SEED, secrets.randbits(32)], ids=["the same seed", "another seed"])
def test_hostile_frames_meet_the_rules_verdicts_and_bytes(world: World, seed: int) -> None:
    judge = Judge(world)
    find = hunted(judge, seed, EPOCHS)
    assert find is None, f"seed {seed}: {find}"
    met = {name for name, times in judge.verdicts.items() if times}
    assert met >= EVERY_VERDICT, f"the hunt no longer meets {EVERY_VERDICT - met}"


EVERY_VERDICT = {
    *("encapsulated", "endpoint_not_configured", "endpoint_malformed", "endpoint_not_forwardable", "no_targets"),
    *("tcp_no_flow", "inner_too_big", "fragment_no_flow", "endpoint_ipv6_not_enabled", "underlay_mtu_exceeded"),
    *(
        "decapsulated",
        "not_geneve",
        "return_bad_outer",
        "return_fragment",
        "return_wrong_node",
        "return_unknown_target",
    ),
    *("return_bad_geneve", "return_unknown_endpoint", "return_bad_cookie", "return_no_flow", "return_wrong_target"),
    *("return_bad_inner", "return_mtu_exceeded", "target_not_configured", "return_congestion_mark"),
    *("tcp_reset_unknown", "tcp_reset_unhealthy", "tcp_reset_deregistered"),
    *("eni_forwarded", "arp_answered", "arp_unanswered", "to_router", "ttl_exceeded", "malformed", "source_check"),
    *("dest_check", "no_route", "route_blackhole", "no_such_address", "mtu_exceeded", "not_unicast", "not_ip"),
    *("ipv6_not_enabled", "neighbour_answered", "neighbour_unanswered"),
    *("to_service", "service_not_here"),
    *("security_group_egress", "security_group_ingress", "network_acl_egress", "network_acl_ingress"),
    *("igw_out", "igw_in", "igw_no_public_address", "igw_unknown_address"),
    *("inspector_returned", "inspector_denied", "inspector_not_geneve", "inspector_malformed"),
}


class AnyoneReturns(Model):
    def is_flows_target(self, flow: Flow, sender: bytes) -> bool:
        return True


class CriticalIsOptional(Model):
    def is_critical(self, kind: int) -> bool:
        return False


class PaddingIsCarried(Model):
    def carried(self, frame: bytes, packet: Packet, door: Door) -> bytes:
        return frame[14:]


class ClampsByOneMore(Model):
    def clamped(self, inner: bytes, tcp: int, most: int) -> bytes:
        return super().clamped(inner, tcp, most + 1)


class OneDirection(Model):
    def key(self, packet: Packet, door: Door) -> tuple[object, ...]:
        return (
            door.id,
            packet.protocol,
            packet.source,
            packet.source_port,
            packet.destination,
            packet.destination_port,
        )


class EndpointsShareFlows(Model):
    def key(self, packet: Packet, door: Door) -> tuple[object, ...]:
        return super().key(packet, door)[1:]


class ErrorsAreStrangers(Model):
    def quoted_flow(self, frame: bytes, packet: Packet, door: Door) -> None:
        return None


class NothingEnds(Model):
    def is_closed(self, flow: Flow) -> bool:
        return False


class MarksAreLost(Model):
    def mark(self, outer: int, inner: int) -> int | None:
        return inner


class OnlySuperPacketsAreTooBig(Model):
    """Frames of more than 8500 bytes go over devices."""

    def too_big(self, packet: Packet, gso_size: int) -> bool:
        return bool(gso_size) and super().too_big(packet, gso_size)


class TcpBeginsAnyhow(Model):
    def may_begin(self, packet: Packet, protocol: int, door: Door) -> bool:
        return True


@pytest.mark.parametrize(
    "planted",
    [
        AnyoneReturns,
        CriticalIsOptional,
        PaddingIsCarried,
        ClampsByOneMore,
        OneDirection,
        EndpointsShareFlows,
        TcpBeginsAnyhow,
        ErrorsAreStrangers,
        NothingEnds,
        MarksAreLost,
        OnlySuperPacketsAreTooBig,
    ],
)
def test_a_rule_that_only_one_side_keeps_is_found(world: World, planted: type[Model]) -> None:
    assert hunted(Judge(world, planted), FIXED_SEED, EPOCHS) is not None


@pytest.mark.parametrize("family", [4, 16], ids=["ipv4", "ipv6"])
def test_a_router_that_decreases_no_ttl_is_found(world: World, monkeypatch: pytest.MonkeyPatch, family: int) -> None:
    judge = Judge(world)
    honest = judge.router.hopped
    monkeypatch.setattr(judge.router, "hopped", lambda frame, of: frame[14:] if of == family else honest(frame, of))
    find = hunted(judge, FIXED_SEED, EPOCHS)
    assert find is not None
    assert find.expected == "eni_forwarded"


def _decides_by_the_last(self: Guards, port: str, *asked: object) -> bool:
    matching = [one.allow for one in ACLS[port] if self.matches(one, *asked)]  # type: ignore[arg-type]  # as given
    return bool(matching) and matching[-1]


@pytest.mark.parametrize(
    ("rule", "planted"),
    [
        ("is_closed", lambda *_: False),
        ("is_about_a_flow", lambda *_: False),
        ("_of_datagram", lambda *_: None),
        ("_acl_allows", _decides_by_the_last),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_a_rule_of_guards_that_only_one_side_keeps_is_found(
    world: World, monkeypatch: pytest.MonkeyPatch, rule: str, planted: Callable[..., object]
) -> None:
    monkeypatch.setattr(Guards, rule, planted)
    find = hunted(Judge(world), FIXED_SEED, EPOCHS)
    assert find is not None
    assert find.step[0] == "eni"


@pytest.mark.parametrize("forgotten", [6, 17, 33, 136], ids=["tcp", "udp", "dccp", "udp-lite"])
def test_a_gateway_that_forgets_a_transports_checksum_is_found(
    world: World, monkeypatch: pytest.MonkeyPatch, forgotten: int
) -> None:
    monkeypatch.delitem(gateway.CHECKSUMS, forgotten)
    find = hunted(Judge(world), FIXED_SEED, EPOCHS)
    assert find is not None
    assert find.step[0] in ("igw_out", "igw_in")


def test_a_program_that_skips_a_check_is_found_and_the_frame_made_small(tmp_path: Path) -> None:
    """A build that takes every critical option for one that it knows."""
    shutil.copytree(ROOT / "bpf", tmp_path / "bpf", ignore=shutil.ignore_patterns("bench"))
    source = tmp_path / "bpf" / "lib" / "geneve.h"
    check = "option.type & 0x80"
    assert source.read_text().count(check) == 1
    source.write_text(source.read_text().replace(check, "0"))
    subprocess.run(["make", "-s", "-C", str(tmp_path / "bpf"), f"OUT={tmp_path / 'out'}"], check=True)
    with World.opened(objects=tmp_path / "out", name="planted") as world:
        judge = Judge(world)
        for number in range(EPOCHS):
            _, find, history = epoch(judge, FIXED_SEED, number)
            if find is not None:
                break
        assert find is not None
        small, steps = minimise(judge, FIXED_SEED, number, find, history)
    assert small.expected == "return_bad_geneve"
    assert small.got != "return_bad_geneve"
    assert len(steps) <= 3
    assert small.step[-1].hex() in report(FIXED_SEED, number, small, steps)  # type: ignore[union-attr]
