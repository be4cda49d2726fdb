"""Certify results: the operator writes them, whoever may launch the image reads them, and they go with it."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from test_api_images import MINE, PRODUCT

from opengwlb import admin_images
from opengwlb.control.images import ImageKeeper
from opengwlb.model.images import Certification, ImageState
from opengwlb.store.sqlite import SqliteStore

OPERATOR, OWNER, STRANGER = "000000000000", MINE.account, "222222222222"
BUILT_IN = "ami-0000000000000a003"
RESULT = {"passed": 75, "failed": 1, "skipped": 0, "failed_checks": ["flows.icmp-errors"], "version": "1.0"}


@pytest.fixture
def store(tmp_path) -> SqliteStore:
    made = SqliteStore(tmp_path / "store.sqlite", clock=lambda: 100.0)
    made.transact(lambda tx: [tx.put(one) for one in (MINE, PRODUCT)])
    return made


@pytest.fixture
def keeper(store) -> ImageKeeper:
    return ImageKeeper(store=store, contents=None, clock=lambda: 100.0)


@pytest.fixture
def client(store, keeper) -> TestClient:
    routes = admin_images.routes(
        store=store,
        keeper=keeper,
        authenticate=lambda request, body: request.headers["x-account"],
        operator=OPERATOR,
        region="ap-northeast-2",
    )
    return TestClient(Starlette(routes=routes))


def write(client: TestClient, image: str, *, account: str = OPERATOR, **more) -> object:
    return client.post("/_gwlb/v1/certifications", json={"image": image, **RESULT, **more}, headers=by(account))


def by(account: str) -> dict[str, str]:
    return {"x-account": account}


def seen(client: TestClient, account: str) -> set[str]:
    answer = client.get("/_gwlb/v1/certifications", headers=by(account)).json()
    return {one["image"] for one in answer["certifications"]}


def test_a_result_is_shown_with_its_image_and_its_product(client):
    assert write(client, MINE.id).json() == {"image": MINE.id, "at": 100.0, **RESULT}
    write(client, PRODUCT.id)
    images = client.get("/_gwlb/v1/images", headers=by(OWNER)).json()["images"]
    assert {one["id"]: one["certification"] and one["certification"]["passed"] for one in images} == {
        "ami-0000000000000a001": None,
        "ami-0000000000000a002": None,
        BUILT_IN: None,
        MINE.id: 75,
        PRODUCT.id: 75,
    }
    (product,) = client.get("/_gwlb/v1/marketplace", headers=by(STRANGER)).json()["products"]
    assert (product["accepted"], product["certification"]["failed_checks"]) == (False, ["flows.icmp-errors"])


def test_a_new_result_takes_the_place_of_the_old_one(client):
    write(client, MINE.id)
    write(client, MINE.id, passed=76, failed=0, failed_checks=[])
    (found,) = client.get("/_gwlb/v1/certifications", headers=by(OWNER)).json()["certifications"]
    assert (found["passed"], found["failed"]) == (76, 0)


def test_only_the_operator_writes_results_and_only_of_images_that_there_are(client):
    refused = write(client, MINE.id, account=OWNER)
    assert (refused.status_code, refused.json()["code"]) == (403, "AccessDenied")
    unknown = write(client, "ami-0ffffffffffffffff")
    assert (unknown.status_code, unknown.json()["code"]) == (400, "InvalidAMIID.NotFound")


def test_numbers_that_are_none_are_refused(client):
    for wrong in ({"passed": "many"}, {"passed": -1}):
        assert write(client, MINE.id, **wrong).json()["code"] == "ValidationError"


def test_results_are_seen_by_those_who_see_the_image(client):
    for image in (MINE.id, PRODUCT.id, BUILT_IN):
        write(client, image)
    assert seen(client, OWNER) == {MINE.id, PRODUCT.id, BUILT_IN}
    assert seen(client, STRANGER) == {PRODUCT.id, BUILT_IN}
    assert seen(client, OPERATOR) == {MINE.id, PRODUCT.id, BUILT_IN}


def test_a_result_goes_with_its_image(client, store, keeper):
    write(client, MINE.id)
    write(client, BUILT_IN)
    assert client.delete(f"/_gwlb/v1/images/{MINE.id}", headers=by(OPERATOR)).status_code == 200
    assert store.snapshot().get(type(MINE), MINE.id).state is ImageState.DEREGISTERED
    assert seen(client, OPERATOR) == {BUILT_IN}
    keeper.reconcile()
    assert [one.id for one in store.snapshot().values(Certification)] == [BUILT_IN]


def test_a_result_goes_with_the_account_of_its_image(client, store, keeper):
    write(client, MINE.id)
    store.transact(lambda tx: tx.delete(type(MINE), MINE.id))
    keeper.reconcile()
    assert not list(store.snapshot().values(Certification))


def test_a_source_that_only_the_server_would_find_is_refused(client):
    for source in ("root.tar", "oci:layout", "../root.tar", ""):
        asked = {"source": source, "name": "acme"}
        refused = client.post("/_gwlb/v1/images", json=asked, headers=by(OPERATOR))
        assert (refused.status_code, refused.json()["code"]) == (400, "InvalidParameterValue")
    found = client.post("/_gwlb/v1/images", json={"source": "/root.tar", "name": "acme"}, headers=by(OPERATOR))
    assert found.json()["code"] == "UnsupportedOperation", "a path was refused as a source"
