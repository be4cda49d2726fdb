"""DHCP options: made, described, given to VPCs. Stored only: a box has its addresses before its first process runs, and asks nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

from opengwlb.api.common import resources, tags
from opengwlb.api.common.describe import describe
from opengwlb.api.common.errors import dry_run, invalid_parameter, invalid_value, missing
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.ids import new_id
from opengwlb.model.vpc import DhcpOptions, Vpc
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

NO_OPTIONS = "default"
"""The id by which a VPC is told to have none."""
_ADDRESSES = {"domain-name-servers": 4, "ntp-servers": 8, "netbios-name-servers": 4}
"""Options whose values are addresses -> how many of them at most."""
_OTHERS = ("domain-name", "netbios-node-type", "ipv6-address-preferred-lease-time")
_LEASE_S = range(140, 2147483647 + 1)

SPEC: Mapping[str, Callable[[DhcpOptions], Iterable[str]]] = {
    "dhcp-options-id": lambda options: (options.id,),
    "key": lambda options: [key for key, _ in options.values],
    "value": lambda options: [value for _, values in options.values for value in values],
    "owner-id": lambda options: (options.account,),
}


def answer(options: DhcpOptions) -> Answer:
    return {
        "DhcpOptionsId": options.id,
        "OwnerId": options.account,
        "DhcpConfigurations": [
            {"Key": key, "Values": [{"Value": value} for value in values]} for key, values in options.values
        ],
        "Tags": tags.answer(options.tags),
    }


@action("ec2", "CreateDhcpOptions")
def create_dhcp_options(ctx: Context, params: Parameters) -> Answer:
    values = tuple(_read(each) for each in params["DhcpConfigurations"])
    keys = [key for key, _ in values]
    if not keys:
        raise missing("dhcpConfiguration")
    if len(set(keys)) != len(keys):
        raise invalid_value("Each DHCP option can be given once only.")
    made = DhcpOptions(
        id=new_id("dopt"),
        account=ctx.account,
        region=ctx.region,
        values=values,
        tags=tags.from_specifications(params, "dhcp-options"),
    )
    dry_run(params)
    ctx.store.transact(lambda tx: tx.put(made))
    return {"DhcpOptions": answer(made)}


def _read(configuration: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    key = configuration.get("Key") or ""
    # Some tools write several values into one, separated by commas, as AWS's own page does for addresses.
    values = [part.strip() for value in configuration.get("Values") or () for part in value.split(",")]
    if key not in _ADDRESSES and key not in _OTHERS:
        raise invalid_value(f"Value ({key}) for parameter name is invalid. Unknown DHCP option")
    if not values or not all(values):
        raise invalid_parameter("", parameter="value", reason=f"The DHCP option {key} needs a value.")
    if key in _ADDRESSES:
        _check_addresses(key, values)
    elif len(values) > 1:
        raise invalid_value(f"The DHCP option {key} has one value.")
    if key == "netbios-node-type" and values[0] not in ("1", "2", "4", "8"):
        raise invalid_parameter(values[0], parameter="value", reason="A NetBIOS node type is 1, 2, 4 or 8.")
    if key == "ipv6-address-preferred-lease-time" and not (values[0].isdigit() and int(values[0]) in _LEASE_S):
        raise invalid_parameter(
            values[0], parameter="value", reason=f"Use seconds from {_LEASE_S[0]} to {_LEASE_S[-1]}."
        )
    return key, tuple(values)


def _check_addresses(key: str, values: Sequence[str]) -> None:
    if len(values) > _ADDRESSES[key]:
        raise invalid_value(f"The DHCP option {key} has at most {_ADDRESSES[key]} addresses.")
    for value in values:
        if key == "domain-name-servers" and value == "AmazonProvidedDNS":
            continue
        try:
            ip_address(value)
        except ValueError as cause:
            raise invalid_parameter(value, parameter="value", reason="This is not a valid IP address.") from cause


@action("ec2", "DescribeDhcpOptions")
def describe_dhcp_options(ctx: Context, params: Parameters) -> Answer:
    found, more = describe(ctx, ctx.store.snapshot(), params, kind=DhcpOptions, ids="DhcpOptionsIds", spec=SPEC)
    return {"DhcpOptions": [answer(options) for options in found], **more}


@action("ec2", "DeleteDhcpOptions")
def delete_dhcp_options(ctx: Context, params: Parameters) -> Answer:
    def work(tx: Transaction) -> None:
        options = resources.require(ctx, tx, DhcpOptions, params["DhcpOptionsId"])
        if any(vpc.dhcp_options == options.id for vpc in tx.values(Vpc)):
            raise AwsError(
                "DependencyViolation", f"The dhcpOptions '{options.id}' has dependencies and cannot be deleted."
            )
        dry_run(params)
        tx.delete(DhcpOptions, options.id)

    ctx.store.transact(work)
    return {}


@action("ec2", "AssociateDhcpOptions")
def associate_dhcp_options(ctx: Context, params: Parameters) -> Answer:
    wanted = params["DhcpOptionsId"]

    def work(tx: Transaction) -> None:
        vpc = resources.require(ctx, tx, Vpc, params["VpcId"])
        if wanted != NO_OPTIONS:
            resources.require(ctx, tx, DhcpOptions, wanted)
        dry_run(params)
        tx.put(replace(vpc, dhcp_options=wanted))

    ctx.store.transact(work)
    return {}
