"""EC2's actions. Importing this package registers them in `api.context.ACTIONS`."""

from . import (
    addresses,
    defaults_as_data,
    internet_gateways,
    network_interfaces,
    regions,
    route_tables,
    routes,
    security_groups,
    subnets,
    tags,
    vpcs,
)

__all__ = [
    "addresses",
    "defaults_as_data",
    "internet_gateways",
    "network_interfaces",
    "regions",
    "route_tables",
    "routes",
    "security_groups",
    "subnets",
    "tags",
    "vpcs",
]
