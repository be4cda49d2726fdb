"""`gwlb account …` and the calls it makes: accounts, keys, quotas, and an account that goes with everything it has."""

from __future__ import annotations

import configparser
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from api_harness import Api
from api_lab import make_lab
from starlette.applications import Starlette
from starlette.testclient import TestClient

from opengwlb import admin, admin_accounts
from opengwlb.api import accounts
from opengwlb.api.account_removal import of_account
from opengwlb.cli import client
from opengwlb.cli.main import app
from opengwlb.cli.refusal import Refusal
from opengwlb.model.account import Account, QuotaSetting
from opengwlb.model.privatelink import EndpointService, VpcEndpoint
from opengwlb.store.sqlite import SqliteStore


class Operator:
    """The command's client, with the server's application in place of a socket."""

    def __init__(self, store: SqliteStore, data_dir: Path) -> None:
        routes = admin_accounts.routes(
            store=store,
            data_dir=data_dir,
            region="ap-northeast-2",
            operator_only=admin.operator_only_by(lambda request, body: admin.OPERATOR_ACCOUNT),
            operator=admin.OPERATOR_ACCOUNT,
        )
        self._http = TestClient(Starlette(routes=routes))

    def get(self, path: str) -> Any:
        return self._answer("GET", path)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return self._answer("POST", path, content=json.dumps(body))

    def delete(self, path: str, query: Sequence[tuple[str, str]] = ()) -> Any:
        return self._answer("DELETE", path, params=list(query))

    def _answer(self, method: str, path: str, **more: Any) -> Any:
        answer = self._http.request(method, f"/_gwlb/v1/{path}", **more)
        said = answer.json()
        if answer.status_code != 200:
            raise client.Answered(f"{said['code']}: {said['message']}", code=said["code"])
        return said


class Desk:
    def __init__(self, api: Api, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.api = api
        self.directory = directory
        self._capsys = capsys

    def gwlb(self, *arguments: str) -> Any:
        app(["account", *arguments, "--json"], result_action="return_value")
        return json.loads(self._capsys.readouterr().out)

    def printed(self) -> Any:
        return self._capsys.readouterr()

    def refuses(self, code: str, *arguments: str) -> str:
        with pytest.raises(client.Answered) as caught:
            self.gwlb(*arguments)
        assert caught.value.code == code
        return str(caught.value)

    def profile(self, name: str) -> str | None:
        """The access key that the credentials file has for a profile."""
        parser = configparser.RawConfigParser(default_section="\0")
        parser.read(self.directory / "credentials")
        return parser.get(name, "aws_access_key_id") if parser.has_section(name) else None


@pytest.fixture
def desk(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    assert isinstance(api.store, SqliteStore)
    admin.first_start(api.store, data_dir=tmp_path, region="ap-northeast-2")
    operator = Operator(api.store, tmp_path)
    monkeypatch.setattr(client, "operator", lambda name: operator)
    return Desk(api, tmp_path, capsys)


def test_an_account_is_made_listed_by_its_name_and_deleted_by_its_number(desk: Desk) -> None:
    made = desk.gwlb("create", "partner", "--id", desk.api.account)
    assert desk.profile("partner") == made["access_key"]
    assert [one["name"] for one in desk.gwlb("list")["accounts"]] == ["operator", "partner"]
    assert desk.gwlb("delete", desk.api.account) == {"deleted": "partner", "objects": 0}
    assert desk.profile("partner") is None
    desk.refuses("NoSuchEntity", "delete", "partner")
    desk.refuses("DeleteConflict", "delete", "operator", "--force")


def test_keys_come_rest_and_go_and_the_profile_has_one_that_signs(desk: Desk) -> None:
    first = desk.gwlb("create", "partner")["access_key"]
    second = desk.gwlb("keys", "create", "partner")
    assert accounts.find_credential(desk.api.store, second["access_key"]) is not None
    assert desk.gwlb("keys", "deactivate", "partner", first) == {"access_key": first, "status": "Inactive"}
    assert accounts.find_credential(desk.api.store, first) is None
    assert desk.profile("partner") == second["access_key"]
    assert [key["status"] for key in desk.gwlb("keys", "list", "partner")["access_keys"]] == ["Inactive", "Active"]
    desk.gwlb("keys", "delete", "partner", second["access_key"])
    assert desk.profile("partner") is None
    desk.gwlb("keys", "activate", "partner", first)
    assert desk.profile("partner") == first
    desk.refuses("NoSuchEntity", "keys", "delete", "partner", second["access_key"])
    desk.refuses("NoSuchEntity", "keys", "delete", "operator", first)
    for _ in range(9):
        desk.gwlb("keys", "create", "partner")
    desk.refuses("LimitExceeded", "keys", "create", "partner")


def test_the_operator_cannot_lock_itself_out(desk: Desk) -> None:
    (only,) = desk.gwlb("keys", "list", "operator")["access_keys"]
    for what in ("deactivate", "delete"):
        assert "make another first" in desk.refuses("DeleteConflict", "keys", what, "operator", only["access_key"])
    other = desk.gwlb("keys", "create", "operator")["access_key"]
    desk.gwlb("keys", "delete", "operator", only["access_key"])
    assert desk.profile("operator") == desk.profile("default") == other


def test_quotas_are_shown_with_awss_name_and_changed_for_one_account(desk: Desk) -> None:
    desk.gwlb("create", "partner", "--id", desk.api.account)
    (row,) = desk.gwlb("quota", "partner", "vpcs")["quotas"]
    assert row == {
        "name": "vpcs",
        "value": 5,
        "default": 5,
        "adjustable": True,
        "aws": "VPCs per Region (L-F678F1CE)",
    }
    assert desk.gwlb("quota", "partner", "vpcs", "9") == {"name": "vpcs", "value": 9, "default": 5}
    assert {row["name"]: row["value"] for row in desk.gwlb("quota", "partner")["quotas"]}["vpcs"] == 9
    assert desk.gwlb("quota", "operator", "vpcs")["quotas"][0]["value"] == 5
    desk.refuses("ValidationError", "quota", "partner", "listeners-per-gateway-load-balancer", "2")


def test_what_is_no_json_of_a_call_is_refused_with_what_to_send(desk: Desk) -> None:
    for path in ("accounts", "accounts/operator/quotas", "accounts/operator/keys/AKIA"):
        with pytest.raises(client.Answered, match=r"ValidationError: Send \{'"):
            client.operator("gwlb").post(path, {"nonsense": 1})


def test_an_account_with_resources_goes_only_by_force_and_leaves_others_as_they_are(desk: Desk) -> None:
    api = desk.api
    desk.gwlb("create", "provider", "--id", api.account)
    desk.gwlb("create", "consumer", "--id", "222222222222")
    lab, neighbour = make_lab(api), make_lab(api.of("222222222222"))
    lab.instance()
    desk.gwlb("quota", "provider", "vpcs", "9")
    service = EndpointService(
        id="vpce-svc-00000000000000001", account=api.account, region=api.region, load_balancers=()
    )
    endpoint = api.store.snapshot().get(VpcEndpoint, neighbour.endpoint)
    assert endpoint is not None
    api.put(service, replace(endpoint, service=service.id))
    before = {obj.id: obj for _, obj in of_account(api.store.snapshot(), "222222222222")}
    assert lab.vpc in desk.refuses("DeleteConflict", "delete", "provider")
    assert desk.gwlb("delete", "provider", "--force")["objects"] > 5
    snapshot = api.store.snapshot()
    assert list(of_account(snapshot, api.account)) == []
    assert snapshot.get(Account, api.account) is None
    assert snapshot.get(QuotaSetting, f"{api.account}/vpcs") is None
    after = {obj.id: obj for _, obj in of_account(snapshot, "222222222222")}
    rejected = after.pop(neighbour.endpoint)
    assert isinstance(rejected, VpcEndpoint) and rejected.state == "rejected"
    del before[neighbour.endpoint]
    assert after == before


def test_people_read_sentences_and_tables(desk: Desk) -> None:
    def says(*arguments: str) -> str:
        app(["account", *arguments], result_action="return_value")
        printed = desk.printed()
        return printed.out + printed.err

    assert "gwlb env partner" in says("create", "partner")
    made = dict(line.split("=", 1) for line in says("keys", "create", "partner").splitlines())
    assert set(made) == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
    key = made["AWS_ACCESS_KEY_ID"]
    assert says("keys", "deactivate", "partner", key) == f"{key} is inactive.\n"
    assert "Inactive" in says("keys", "list", "partner")
    assert says("keys", "delete", "partner", key) == f"{key} is gone.\n"
    assert says("quota", "partner", "vpcs", "9") == "partner may have 9 vpcs (AWS's default: 5).\n"
    assert "VPCs per Region" in says("quota", "partner", "vpcs")
    with pytest.raises(Refusal, match="lists them"):
        says("quota", "partner", "clouds")
    assert says("delete", "partner") == "partner is gone.\n"
