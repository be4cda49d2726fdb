"""Regions, zones and the account's few attributes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from opengwlb.api.common import filters, resources
from opengwlb.api.common.errors import dry_run
from opengwlb.api.common.zones import Zone, region_names, zones
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.vpc import Vpc
from opengwlb.wire.errors import AwsError


def _endpoint(region: str) -> str:
    return f"ec2.{region}.amazonaws.com"


REGION_SPEC: Mapping[str, Callable[[str], Iterable[str]]] = {
    "endpoint": lambda region: (_endpoint(region),),
    "opt-in-status": lambda _: ("opt-in-not-required",),
    "region-name": lambda region: (region,),
}


@action("ec2", "DescribeRegions")
def describe_regions(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)
    known = sorted({*region_names(), ctx.region})
    wanted = params.get("RegionNames") or known
    for name in wanted:
        if name not in known:
            raise AwsError("InvalidParameterValue", f"Invalid region provided: {name}")
    kept = filters.apply([name for name in known if name in wanted], params.get("Filters"), REGION_SPEC)
    return {
        "Regions": [
            {"RegionName": each, "Endpoint": _endpoint(each), "OptInStatus": "opt-in-not-required"} for each in kept
        ]
    }


def _zone_answer(region: str, zone: Zone) -> Answer:
    return {
        "ZoneName": zone.name,
        "ZoneId": zone.id,
        "RegionName": region,
        "State": "available",
        "OptInStatus": "opt-in-not-required",
        "Messages": [],
        "GroupName": f"{region}-zg-1",
        "NetworkBorderGroup": region,
        "ZoneType": "availability-zone",
    }


@action("ec2", "DescribeAvailabilityZones")
def describe_availability_zones(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)
    here = ctx.region
    spec: Mapping[str, Callable[[Zone], Iterable[str]]] = {
        "group-long-name": lambda _: (),
        "group-name": lambda _: (f"{here}-zg-1",),
        "message": lambda _: (),
        "opt-in-status": lambda _: ("opt-in-not-required",),
        "parent-zone-id": lambda _: (),
        "parent-zone-name": lambda _: (),
        "region-name": lambda _: (here,),
        "state": lambda _: ("available",),
        "zone-id": lambda zone: (zone.id,),
        "zone-name": lambda zone: (zone.name,),
        "zone-type": lambda _: ("availability-zone",),
    }
    known = list(zones(here))
    for member, values in (("ZoneNames", {zone.name for zone in known}), ("ZoneIds", {zone.id for zone in known})):
        wanted = params.get(member) or ()
        for each in wanted:
            if each not in values:
                raise AwsError("InvalidParameterValue", f"Invalid availability zone: [{each}]")
        if wanted:
            known = [zone for zone in known if zone.name in wanted or zone.id in wanted]
    kept = filters.apply(known, params.get("Filters"), spec)
    return {"AvailabilityZones": [_zone_answer(here, zone) for zone in kept]}


@action("ec2", "DescribeAccountAttributes")
def describe_account_attributes(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)
    default = next((vpc.id for vpc in resources.owned(ctx, ctx.store.snapshot(), Vpc) if vpc.is_default), "none")
    values = {
        "supported-platforms": "VPC",
        "default-vpc": default,
        "max-instances": "1000",
        "max-elastic-ips": "1000",
        "vpc-max-elastic-ips": "1000",
        "vpc-max-security-groups-per-interface": "5",
    }
    wanted = params.get("AttributeNames") or list(values)
    return {
        "AccountAttributes": [
            {"AttributeName": name, "AttributeValues": [{"AttributeValue": value}]}
            for name, value in values.items()
            if name in wanted
        ]
    }
