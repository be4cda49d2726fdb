"""Zone names and ids, as AWS abbreviates regions."""

from __future__ import annotations

from dataclasses import replace

import pytest
from api_harness import Api, refused

from opengwlb.api.common.zones import zones


@pytest.mark.parametrize(
    ("region", "zone_id"),
    [
        ("ap-northeast-2", "apne2-az1"),
        ("us-east-1", "use1-az1"),
        ("eu-central-1", "euc1-az1"),
        ("ap-southeast-2", "apse2-az1"),
        ("us-gov-west-1", "usgw1-az1"),
        ("seoul", "seoul-az1"),
    ],
)
def test_zone_ids_abbreviate_the_region(region: str, zone_id: str):
    assert zones(region)[0] == (f"{region}a", zone_id)
    assert [zone.name[-1] for zone in zones(region)] == ["a", "b", "c"]


def test_a_region_nobody_has_heard_of_works_and_is_a_world_of_its_own(api: Api):
    seoul = replace(api, region="seoul")
    vpc = seoul.ec2("CreateVpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = seoul.ec2("CreateSubnet", VpcId=vpc, CidrBlock="10.0.0.0/24", AvailabilityZoneId="seoul-az2")["Subnet"]
    assert subnet["AvailabilityZone"] == "seoulb"
    assert vpc not in {each["VpcId"] for each in api.ec2("DescribeVpcs")["Vpcs"]}
    with refused("InvalidVpcID.NotFound"):
        api.ec2("DescribeVpcs", VpcIds=[vpc])
    assert "seoul" in {each["RegionName"] for each in seoul.ec2("DescribeRegions")["Regions"]}
