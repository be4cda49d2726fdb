"""Attributes: defaults, values, and the rules between them."""

from __future__ import annotations

import pytest

from opengwlb.policy.attributes import (
    LISTENER,
    LOAD_BALANCER,
    TARGET_GROUP,
    BadAttribute,
    Scope,
    changed,
    deregistration_delay_s,
    effective,
    tcp_idle_s,
)

FAILOVER = ("target_failover.on_deregistration", "target_failover.on_unhealthy")


def test_what_was_not_set_has_its_default():
    assert effective(LOAD_BALANCER, {"load_balancing.cross_zone.enabled": "true"}) == {
        "deletion_protection.enabled": "false",
        "load_balancing.cross_zone.enabled": "true",
    }
    assert deregistration_delay_s({}) == 300
    assert tcp_idle_s({"tcp.idle_timeout.seconds": "60"}) == 60


@pytest.mark.parametrize(
    ("scope", "key", "value", "words"),
    [
        (TARGET_GROUP, "stickiness.cookie", "x", "Target group attribute key 'stickiness.cookie' is not recognized"),
        (LOAD_BALANCER, "access_logs.s3.enabled", "true", "is not recognized"),
        (TARGET_GROUP, "stickiness.type", "lb_cookie", "must be one of [source_ip_dest_ip_proto, source_ip_dest_ip]"),
        (TARGET_GROUP, "deregistration_delay.timeout_seconds", "3601", "must be between '0-3600' inclusive"),
        (TARGET_GROUP, "deregistration_delay.timeout_seconds", "-1", "must be between '0-3600' inclusive"),
        (LISTENER, "tcp.idle_timeout.seconds", "59", "must be between '60-6000' inclusive"),
        (LISTENER, "tcp.idle_timeout.seconds", "", "must be between '60-6000' inclusive"),
        (LOAD_BALANCER, "deletion_protection.enabled", "yes", "'yes'"),
    ],
)
def test_a_bad_key_or_value_is_named(scope: Scope, key: str, value: str, words: str):
    with pytest.raises(BadAttribute) as caught:
        changed(scope, {}, [(key, value)])
    assert words in str(caught.value)


def test_failover_is_set_for_both_events_to_the_same_value():
    both = [(key, "rebalance") for key in FAILOVER]
    assert changed(TARGET_GROUP, {}, both) == dict(both)
    for wrong in (both[:1], [both[0], (FAILOVER[1], "no_rebalance")]):
        with pytest.raises(BadAttribute, match="must be set together"):
            changed(TARGET_GROUP, {}, wrong)


def test_resets_exclude_stickiness_and_rebalancing():
    reset = [("send_tcp_reset.on_unhealthy.enabled", "true")]
    assert changed(TARGET_GROUP, {}, reset) == dict(reset)
    with pytest.raises(BadAttribute, match="stickiness"):
        changed(TARGET_GROUP, {"stickiness.enabled": "true"}, reset)
    with pytest.raises(BadAttribute, match="target_failover"):
        changed(TARGET_GROUP, dict.fromkeys(FAILOVER, "rebalance"), reset)


def test_a_bad_change_leaves_the_good_ones_beside_it_out():
    stored = {"stickiness.enabled": "true"}
    with pytest.raises(BadAttribute):
        changed(TARGET_GROUP, stored, [("stickiness.type", "source_ip_dest_ip"), ("nonsense", "1")])
    assert stored == {"stickiness.enabled": "true"}
