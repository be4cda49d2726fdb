"""Service Quotas, as boto3 sees it: AWS's codes, and an increase that counts at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from service_lab import ServiceLab, error_of


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[ServiceLab]:
    running = ServiceLab(tmp_path)
    yield running
    running.stop()


VPCS = {"ServiceCode": "vpc", "QuotaCode": "L-F678F1CE"}


def test_a_granted_increase_lets_the_account_make_more_and_leaves_the_default_as_it_is(lab: ServiceLab) -> None:
    asked, ec2 = lab.client("service-quotas"), lab.client("ec2")
    assert asked.get_service_quota(**VPCS)["Quota"]["Value"] == 5.0
    for number in range(4):
        ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")
    assert error_of(lambda: ec2.create_vpc(CidrBlock="10.9.0.0/16"))[0] == "VpcLimitExceeded"
    granted = asked.request_service_quota_increase(**VPCS, DesiredValue=6)["RequestedQuota"]
    assert (granted["Status"], granted["DesiredValue"], granted["QuotaName"]) == ("APPROVED", 6.0, "VPCs per Region")
    ec2.create_vpc(CidrBlock="10.9.0.0/16")
    assert asked.get_service_quota(**VPCS)["Quota"]["Value"] == 6.0
    assert asked.get_aws_default_service_quota(**VPCS)["Quota"]["Value"] == 5.0


def test_quotas_are_listed_in_pages_by_service(lab: ServiceLab) -> None:
    asked = lab.client("service-quotas")
    services = [one["ServiceCode"] for one in asked.list_services()["Services"]]
    assert services == ["ec2", "elasticloadbalancing", "vpc"]
    pages = asked.get_paginator("list_service_quotas").paginate(ServiceCode="vpc", PaginationConfig={"PageSize": 4})
    listed = [quota["QuotaCode"] for page in pages for quota in page["Quotas"]]
    assert len(listed) == len(set(listed)) > 10
    defaults = asked.list_aws_default_service_quotas(ServiceCode="vpc")["Quotas"]
    assert [quota["QuotaCode"] for quota in defaults] == listed
    (one,) = asked.list_service_quotas(ServiceCode="elasticloadbalancing")["Quotas"]
    assert (one["QuotaCode"], one["Value"], one["Adjustable"]) == ("L-7A15E3C5", 0.0, False)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({**VPCS, "DesiredValue": 5}, "IllegalArgumentException"),
        ({**VPCS, "DesiredValue": 6.5}, "IllegalArgumentException"),
        ({**VPCS, "DesiredValue": 10**9}, "IllegalArgumentException"),
        ({"ServiceCode": "vpc", "QuotaCode": "L-00000000", "DesiredValue": 9}, "NoSuchResourceException"),
        ({"ServiceCode": "s3", "QuotaCode": "L-00000000", "DesiredValue": 9}, "NoSuchResourceException"),
        (
            {"ServiceCode": "elasticloadbalancing", "QuotaCode": "L-7A15E3C5", "DesiredValue": 9},
            "IllegalArgumentException",
        ),
    ],
)
def test_what_is_no_increase_is_refused_and_changes_nothing(lab: ServiceLab, asked: dict[str, Any], code: str) -> None:
    client = lab.client("service-quotas")
    assert error_of(lambda: client.request_service_quota_increase(**asked))[0] == code
    assert client.get_service_quota(**VPCS)["Quota"]["Value"] == 5.0


def test_a_token_that_nobody_gave_out_is_refused(lab: ServiceLab) -> None:
    client = lab.client("service-quotas")
    assert error_of(lambda: client.list_services(NextToken="abc"))[0] == "InvalidPaginationTokenException"
