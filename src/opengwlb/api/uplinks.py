"""Uplinks and the addresses behind them. AWS has no call for what is plugged into a machine: the operator's read API carries these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from opengwlb.api.common.interfaces import make_network_interface, remove_network_interface
from opengwlb.api.common.resources import not_found
from opengwlb.api.context import Context
from opengwlb.api.ec2.network_interfaces import require_groups
from opengwlb.model.ids import new_id
from opengwlb.model.snapshot import View
from opengwlb.model.uplinks import Nic, Uplink
from opengwlb.model.vpc import NetworkInterface, Subnet, Vpc
from opengwlb.policy import uplinks
from opengwlb.store.protocol import Store, Transaction
from opengwlb.wire.errors import AwsError


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """`gwlb uplink add`."""

    device: str
    vpc: str
    subnet: str
    addresses: tuple[str, ...]
    """Single ones or small ranges."""
    force: bool = False


def add(store: Store, asked: Asked, *, nic: Nic | None, now: float) -> dict[str, Any]:
    """Join a NIC to a subnet, or allow more addresses behind one that is.

    Errors: InvalidParameterValue (a NIC that cannot be one, addresses outside the subnet), InvalidVpcID.NotFound,
    InvalidSubnetID.NotFound, InvalidIPAddress.InUse, Resource.AlreadyAssociated (with another subnet).
    """
    try:
        addresses = uplinks.addresses(asked.addresses)
    except ValueError as error:
        raise AwsError("InvalidParameterValue", str(error)) from error
    if not addresses:
        raise AwsError(
            "MissingParameter", "Name the addresses that may be behind it: --address 10.0.0.50, or 10.0.0.64/28."
        )

    def work(tx: Transaction) -> dict[str, Any]:
        vpc, subnet = tx.get(Vpc, asked.vpc), tx.get(Subnet, asked.subnet)
        if vpc is None:
            raise not_found(Vpc, asked.vpc)
        if subnet is None or subnet.vpc != vpc.id:
            raise not_found(Subnet, asked.subnet)
        known = next((one for one in tx.values(Uplink) if one.device == asked.device), None)
        if known is not None and known.subnet != subnet.id:
            raise AwsError(
                "Resource.AlreadyAssociated",
                f"{asked.device} is {known.id} already, in {known.subnet}: gwlb uplink rm {known.id}",
            )
        uplink = known or _new(subnet, nic, asked=asked, now=now)
        tx.put(uplink)
        ctx = Context(account=subnet.account, region=subnet.region, access_key="", request_id="", now=now, store=store)
        there = {one.private_ip for one in uplinks.behind(tx, uplink.id)}
        for address in addresses:
            if address in there:
                continue
            make_network_interface(
                ctx,
                tx,
                subnet=subnet,
                private_ip=address,
                groups=require_groups(ctx, tx, None, vpc=subnet.vpc),
                description=f"Outside address behind {uplink.id} ({uplink.device})",
                uplink=uplink.id,
            )
        if len(uplinks.behind(tx, uplink.id)) > uplinks.MOST_ADDRESSES:
            raise AwsError(
                "InvalidParameterValue", f"Behind one uplink there are at most {uplinks.MOST_ADDRESSES} addresses."
            )
        return answer(tx, uplink)

    return store.transact(work)


def _new(subnet: Subnet, nic: Nic | None, *, asked: Asked, now: float) -> Uplink:
    if nic is None:
        raise AwsError("InvalidParameterValue", f"This machine has no device {asked.device}: `ip link` lists them.")
    refused = uplinks.refusal(nic, force=asked.force)
    if refused is not None:
        raise AwsError("InvalidParameterValue", refused)
    return Uplink(
        id=new_id("upl"),
        account=subnet.account,
        region=subnet.region,
        vpc=subnet.vpc,
        subnet=subnet.id,
        device=nic.device,
        created=now,
        mac=nic.mac,
        mtu=nic.mtu,
    )


def listed(view: View) -> list[dict[str, Any]]:
    return [answer(view, one) for one in view.values(Uplink)]


def remove(store: Store, name: str, *, addresses: tuple[str, ...] = ()) -> dict[str, Any]:
    """Take an uplink away, by its id or device, with the interfaces behind it; or only some of the addresses.

    Errors: InvalidUplinkID.NotFound, InvalidParameterValue.
    """
    try:
        wanted = uplinks.addresses(addresses)
    except ValueError as error:
        raise AwsError("InvalidParameterValue", str(error)) from error

    def work(tx: Transaction) -> dict[str, Any]:
        uplink = next((one for one in tx.values(Uplink) if name in (one.id, one.device)), None)
        if uplink is None:
            raise AwsError("InvalidUplinkID.NotFound", f"There is no uplink {name}: `gwlb uplink list`.", status=404)
        behind = {one.private_ip: one for one in uplinks.behind(tx, uplink.id)}
        lost = [address for address in wanted if address not in behind]
        if lost:
            raise AwsError("InvalidParameterValue", f"Not behind {uplink.id}: {', '.join(lost)}.")
        for address in wanted or behind:
            remove_network_interface(tx, behind[address])
        if not wanted:
            tx.delete(Uplink, uplink.id)
        return answer(tx, uplink) | {"removed": not wanted}

    return store.transact(work)


def answer(view: View, uplink: Uplink) -> dict[str, Any]:
    behind: list[NetworkInterface] = uplinks.behind(view, uplink.id)
    return {
        "id": uplink.id,
        "device": uplink.device,
        "state": uplink.state,
        "mac": uplink.mac,
        "mtu": uplink.mtu,
        "account": uplink.account,
        "vpc": uplink.vpc,
        "subnet": uplink.subnet,
        "addresses": [{"address": one.private_ip, "network_interface": one.id} for one in behind],
        "error": uplink.last_error,
        "warnings": uplinks.warnings(uplink.mtu),
    }
