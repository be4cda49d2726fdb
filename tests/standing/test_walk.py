"""The walk over settings: every operation, every member that botocore can send, and what each of them is good for.

A member is proved by a test that sees packets, or changes answers only, or is stored as AWS stores it, or is refused by an error that
names it. What an action does not read may not be listed as taken, and what is not listed is refused by the guard.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.model import Shape

from opengwlb.api import dispatch
from opengwlb.api.context import ACTIONS
from opengwlb.api.standing import KINDS, Standing, guard, standings
from opengwlb.policy import attributes
from opengwlb.policy.attributes import Scope
from opengwlb.store.sqlite import SqliteStore
from opengwlb.wire.errors import AwsError
from opengwlb.wire.models import service as service_of

from . import names
from .calls import World, world
from .reading import leaves, reads

STORED = {"KeyName", "KeyType", "KeyFormat", "PublicKeyMaterial", "Tags", "TagSpecifications", "TagKeys"}
"""Members of key pairs and tags; DHCP options have operations of their own. Nothing else may be kept without effect."""
DHCP = {"CreateDhcpOptions", "AssociateDhcpOptions", "DeleteDhcpOptions"}
WHOLE = ("refused", "empty")
WAYS = ("packets", "stored", "answers", *WHOLE)
ATTRIBUTES = (
    ("ModifyLoadBalancerAttributes", attributes.LOAD_BALANCER),
    ("ModifyTargetGroupAttributes", attributes.TARGET_GROUP),
    ("ModifyListenerAttributes", attributes.LISTENER),
)
ANSWERS_ONLY = {"deletion_protection.enabled"}
OPERATIONS = sorted(dispatch.implemented())
STANDING = sorted(standings())
"""One that stands nowhere fails in one test only."""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[World]:
    store = SqliteStore(tmp_path / "walk.db", clock=lambda: 1_800_000_000.0)
    yield world(store)
    store.close()


def shape_of(service: str, operation: str) -> Shape | None:
    return service_of(service).model.operation_model(operation).input_shape


def standing_of(service: str, operation: str) -> Standing:
    found = standings().get((service, operation))
    assert found is not None, f"{operation} needs a table in src/opengwlb/api/standing/{service}*.toml"
    return found


def test_standings_are_of_operations_that_there_are():
    assert set(standings()) <= set(OPERATIONS), "a standing without an action"


@pytest.mark.parametrize(("service", "operation"), OPERATIONS)
def test_every_operation_says_of_every_member_what_it_is_good_for(service: str, operation: str):
    standing = standing_of(service, operation)
    assert standing.by in WAYS
    if standing.by in WHOLE:
        return
    paths = set(leaves(shape_of(service, operation)))
    known = {path[: place if place > 0 else None] for path in paths for place in _ends(path)}
    assert set(standing.members) <= known, "the model has no such member"
    silent = sorted(path for path in paths if standing.of(path) is None and not _beside_listed(standing, path))
    assert not silent, "say what stands behind these members, or list them as refused"


@pytest.mark.parametrize(("service", "operation"), STANDING)
def test_no_member_is_taken_that_the_action_does_not_read(service: str, operation: str):
    standing = standing_of(service, operation)
    mentioned = reads(ACTIONS[service, operation])
    taken = [
        path for path in leaves(shape_of(service, operation)) if standing.of(path) not in (None, "refused", "refuses")
    ]
    ignored = [path for path in taken if not mentioned.issuperset(path.split("."))]
    assert not ignored, "these are accepted without effect: act on them, or list them as refused"


@pytest.mark.parametrize(("service", "operation"), STANDING)
def test_only_key_pairs_dhcp_options_and_tags_are_stored_without_effect(service: str, operation: str):
    stored = {path.split(".")[0] for path, kind in standing_of(service, operation).members.items() if kind == "stored"}
    assert operation in DHCP or stored <= STORED


@pytest.mark.parametrize(("service", "operation"), STANDING)
def test_what_is_said_to_be_proved_by_packets_has_a_test_that_sees_them(service: str, operation: str):
    standing = standing_of(service, operation)
    if "packets" in standing.members.values() and set(standing.proof) != set(_of_kind(standing, "packets")):
        assert standing.tests, "members proved by the operation's tests, which it does not name"
    for test in (*standing.tests, *(each for tests in standing.proof.values() for each in tests)):
        assert names.files_of(test), f"there is no {test}"
    proving = [*([standing.tests] if standing.by == "packets" and standing.tests else []), *standing.proof.values()]
    for tests in proving:
        assert any(names.sees_packets(test) for test in tests), f"none of {tests} sees packets"


@pytest.mark.parametrize(("service", "operation"), STANDING)
def test_what_proves_a_member_sets_it(service: str, operation: str):
    standing = standing_of(service, operation)
    unset = [
        path
        for path, kind in standing.members.items()
        if kind == "packets" and not names.mentions(standing.proof.get(path, standing.tests), path.split(".")[-1])
    ]
    assert not unset, "the tests that are to prove these members never set them"


@pytest.mark.parametrize(("operation", "scope"), ATTRIBUTES)
def test_every_attribute_that_can_be_set_is_proved_by_packets_or_changes_answers_only(operation: str, scope: Scope):
    standing = standing_of("elbv2", operation)
    assert set(standing.keys) == {*scope.attributes, *scope.extensions}
    for key, tests in standing.keys.items():
        lost = [test for test in tests if not names.files_of(test)]
        assert not lost, f"there is no {lost}"
        assert key in ANSWERS_ONLY or any(names.sees_packets(test) for test in tests), f"nothing shows {key} in packets"


@pytest.mark.parametrize(("service", "operation"), STANDING)
def test_what_is_refused_is_answered_with_an_error_that_names_it(
    request: pytest.FixtureRequest, service: str, operation: str
):
    standing = standing_of(service, operation)
    if standing.by != "refused" and not {"refused", "refuses"} & set(standing.members.values()):
        return
    lab: World = request.getfixturevalue("lab")
    if standing.by == "refused":
        with pytest.raises(AwsError) as caught:
            lab.call(service, operation, **lab.least(service, operation))
        assert caught.value.status < 500
        return
    without = str(lab.refusal(service, operation))
    for path, kind in standing.members.items():
        if kind not in ("refused", "refuses") or path in standing.proof:
            continue
        means = standing.means.get(path, ())
        if lab.sample(service, operation, path, but=means) in means:
            continue
        error = lab.refusal(service, operation, path, but=means)
        assert error is not None, f"{path} is taken"
        if kind == "refused":
            assert path in error.message and error.code == guard.CODES[service], f"{path}: {error}"
        else:
            said = error.message.lower().replace(" ", "")
            named = any(part.lower() in said for part in path.split("."))
            assert named or str(error) != without, f"{path} makes no difference: {error}"


@pytest.mark.parametrize(("service", "operation"), STANDING)
def test_a_value_that_asks_for_what_is_done_anyway_is_taken(service: str, operation: str):
    for path, values in standing_of(service, operation).means.items():
        for value in values:
            asked = value
            for name in reversed(path.split(".")):
                asked = {name: asked}
            guard.check(service, operation, asked)


def test_nothing_is_left_unproved():
    left = [f"{each.operation}.{path}" for each in standings().values() for path in _of_kind(each, "unproved")]
    assert not left


def test_a_kind_is_one_of_those_that_are_explained():
    assert {kind for each in standings().values() for kind in each.members.values()} <= set(KINDS)


def _of_kind(standing: Standing, kind: str) -> list[str]:
    return [path for path, each in standing.members.items() if each == kind]


def _ends(path: str) -> list[int]:
    """Where the names in a path end; 0 for the whole of it."""
    return [place for place, character in enumerate(path) if character == "."] + [0]


def _beside_listed(standing: Standing, path: str) -> bool:
    """Members of its structure are listed, so the guard refuses this one."""
    top = path.split(".")[0] + "."
    return any(each.startswith(top) for each in standing.members)
