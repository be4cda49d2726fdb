"""Regions and their three zones. Any region that a request's signature names is valid."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from opengwlb.api.common.errors import bad_combination, invalid_value


class Zone(NamedTuple):
    name: str
    """`ap-northeast-2a`."""
    id: str
    """`apne2-az1`."""


_DIRECTIONS = {
    "north": "n",
    "south": "s",
    "east": "e",
    "west": "w",
    "central": "c",
    "northeast": "ne",
    "northwest": "nw",
    "southeast": "se",
    "southwest": "sw",
}


def zones(region: str) -> tuple[Zone, ...]:
    """Zones a, b and c of a region. Zone ids are the same for every account."""
    short = _short(region)
    return tuple(Zone(f"{region}{letter}", f"{short}-az{number}") for number, letter in enumerate("abc", start=1))


def choose_zone(region: str, *, name: str | None, zone_id: str | None, otherwise: int = 0) -> Zone:
    """The zone a call asks for by name or id; the `otherwise`-th when it asks for none.

    Errors: InvalidParameterValue.
    """
    if name and zone_id:
        raise bad_combination("AvailabilityZone and AvailabilityZoneId cannot be used together")
    known = zones(region)
    for zone in known:
        if zone.name == name or zone.id == zone_id:
            return zone
    if name or zone_id:
        names = ", ".join(zone.name if name else zone.id for zone in known)
        parameter = "availabilityZone" if name else "availabilityZoneId"
        raise invalid_value(
            f"Value ({name or zone_id}) for parameter {parameter} is invalid. "
            f"Subnets can currently only be created in the following availability zones: {names}."
        )
    return known[otherwise % len(known)]


def _short(region: str) -> str:
    """AWS's abbreviation: `ap-northeast-2` -> `apne2`, `us-gov-west-1` -> `usgw1`."""
    match = re.fullmatch(r"([a-z]{2})-(?:(gov|iso|isob)-)?([a-z]+)-(\d+)", region)
    if match is None:
        return region.replace("-", "")
    partition = {"gov": "g", "iso": "i", "isob": "ib"}.get(match[2] or "", "")
    return f"{match[1]}{partition}{_DIRECTIONS.get(match[3], match[3])}{match[4]}"


@lru_cache(maxsize=1)
def region_names() -> tuple[str, ...]:
    """AWS's public regions, from botocore's endpoint data."""
    # Here, because a server starts a tenth of a second sooner without it, and few ever ask.
    from botocore.session import get_session

    return tuple(sorted(get_session().get_available_regions("ec2")))
