"""Accounts, their keys, and the dispatch of parsed calls."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from api_harness import Api, refused, service_model

from opengwlb.api import access_keys, account_removal, accounts, dispatch
from opengwlb.wire.gateway import Origin


def test_an_account_comes_with_a_key_that_is_found_by_its_id(api: Api):
    account, key = accounts.create_account(api.store, name="partner")
    assert re.fullmatch(r"[1-9][0-9]{11}", account.id)
    assert re.fullmatch(r"AKIA[A-Z2-7]{16}", key.id)
    assert len(key.secret) == 40
    assert accounts.find_access_key(api.store, key.id) == key
    assert accounts.find_access_key(api.store, "AKIAIOSFODNN7EXAMPLE") is None
    second = access_keys.create_access_key(api.store, account_id=account.id)
    assert accounts.list_accounts(api.store) == [(account, [key, second])]
    assert accounts.find_account(api.store, name_or_id="partner") == account
    assert accounts.find_account(api.store, name_or_id=account.id) == account


def test_names_and_ids_are_unique_and_well_formed(api: Api):
    accounts.create_account(api.store, name="partner", account_id="123456789012")
    for name, account_id, code in (
        ("partner", None, "EntityAlreadyExists"),
        ("other", "123456789012", "EntityAlreadyExists"),
        ("other", "1234", "ValidationError"),
        ("../x", None, "ValidationError"),
    ):
        with refused(code):
            accounts.create_account(api.store, name=name, account_id=account_id)
    assert len(accounts.list_accounts(api.store)) == 1


def test_an_account_is_deleted_with_its_default_vpcs_but_not_with_what_it_made(api: Api):
    account, key = accounts.create_account(api.store, name="partner", account_id=api.account)
    vpc = api.ec2("CreateVpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    with refused("DeleteConflict", vpc):
        account_removal.delete_account(api.store, account_id=account.id)
    api.ec2("DeleteVpc", VpcId=vpc)
    account_removal.delete_account(api.store, account_id=account.id)
    assert accounts.list_accounts(api.store) == []
    assert accounts.find_access_key(api.store, key.id) is None
    assert api.ec2("DescribeVpcs")["Vpcs"][0]["IsDefault"], "a new use of the region makes a new default VPC"
    with refused("NoSuchEntity"):
        account_removal.delete_account(api.store, account_id=account.id)


@dataclass(frozen=True, kw_only=True)
class Call:
    service: str
    operation: str
    params: dict[str, Any] = field(default_factory=dict)
    account: str = "333333333333"
    region: str = "eu-west-1"
    access_key: str = "AKIAIOSFODNN7EXAMPLE"
    request_id: str = "1"
    role: str = ""
    arn: str = ""
    user_id: str = ""
    policies: tuple[str, ...] = ()
    origin: Origin = field(default_factory=Origin)


def test_the_handler_makes_the_region_ready_and_answers(api: Api):
    handle = dispatch.make_handler(api.store, lambda: api.now, console=lambda instance: b"")
    (vpc,) = handle(Call(service="ec2", operation="DescribeVpcs"))["Vpcs"]
    assert (vpc["IsDefault"], vpc["OwnerId"]) == (True, "333333333333")
    assert handle(Call(service="sts", operation="GetCallerIdentity"))["Account"] == "333333333333"
    with refused("InvalidAction", "CreateLaunchTemplate"):
        handle(Call(service="ec2", operation="CreateLaunchTemplate"))
    assert ("elbv2", "CreateLoadBalancer") in dispatch.implemented()
    assert ("ec2", "CreateLaunchTemplate") not in dispatch.implemented()


def test_every_action_is_an_operation_of_its_services_model(api: Api):
    for service, operation in dispatch.implemented():
        assert operation in service_model(service).operation_names, operation
