"""The health of one target, probe by probe."""

from opengwlb.model.elb import HealthCheck, TargetState
from opengwlb.policy.health import Failure, ProbeResult, TargetHealth, matches, observe

CHECK = HealthCheck(healthy_threshold=5, unhealthy_threshold=2)
OK = ProbeResult()
REFUSED = ProbeResult(failure=Failure.FAILED)


def play(*results: ProbeResult, start: TargetHealth | None = None, check: HealthCheck = CHECK) -> list[TargetState]:
    health = start or TargetHealth()
    states = []
    for result in results:
        health = observe(health, result, check=check)
        states.append(health.state)
    return states


def test_a_new_target_is_healthy_with_its_first_success():
    assert play(OK) == [TargetState.HEALTHY]


def test_a_new_target_is_unhealthy_after_the_unhealthy_threshold():
    assert play(REFUSED, REFUSED) == [TargetState.INITIAL, TargetState.UNHEALTHY]


def test_one_failure_between_successes_changes_nothing():
    assert set(play(OK, REFUSED, OK, REFUSED, OK)) == {TargetState.HEALTHY}


def test_two_failures_in_a_row_take_a_healthy_target_out():
    assert play(OK, REFUSED, REFUSED)[-1] is TargetState.UNHEALTHY


def test_an_unhealthy_target_needs_the_healthy_threshold_in_a_row():
    unhealthy = TargetHealth(state=TargetState.UNHEALTHY, reason="Target.FailedHealthChecks")
    assert play(OK, OK, OK, OK, OK, start=unhealthy)[-2:] == [TargetState.UNHEALTHY, TargetState.HEALTHY]
    assert play(OK, OK, OK, OK, REFUSED, OK, start=unhealthy)[-1] is TargetState.UNHEALTHY


def test_the_reason_names_the_code_that_did_not_match():
    wrong = ProbeResult(failure=Failure.MISMATCH, code=503)
    health = observe(observe(TargetHealth(), wrong, check=CHECK), wrong, check=CHECK)
    assert health.reason == "Target.ResponseCodeMismatch"
    assert health.description == "Health checks failed with these codes: [503]"


def test_a_healthy_target_carries_no_reason():
    health = observe(TargetHealth(), OK, check=CHECK)
    assert (health.reason, health.description) == ("", "")


def test_the_matcher_takes_single_codes_lists_and_ranges():
    assert matches(200, "200") and not matches(201, "200")
    assert matches(302, "200,302") and not matches(301, "200,302")
    assert matches(399, "200-399") and not matches(404, "200-399")
