"""Taking an account away: what keeps it, what goes with it, and everything at once for an operator who says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from opengwlb.api.common import arns
from opengwlb.api.common.defaults import dhcp_options_id
from opengwlb.model.account import AccessKey, Account, ClientToken, QuotaSetting
from opengwlb.model.compute import Instance, InstanceState
from opengwlb.model.elb import Target
from opengwlb.model.privatelink import EndpointService, VpcEndpoint
from opengwlb.model.snapshot import KINDS, View
from opengwlb.model.vpc import DhcpOptions, InternetGateway, NetworkAcl, RouteTable, SecurityGroup, Subnet, Vpc
from opengwlb.store.protocol import Store, Transaction
from opengwlb.wire.errors import AwsError


def delete_account(store: Store, *, account_id: str, force: bool = False) -> int:
    """Remove an account, its keys, its settings and its untouched default VPCs; with `force` all that it has. How many objects went.

    One transaction: whoever looks sees the account whole or not at all. Control takes away what the objects stood for. Endpoints of
    other accounts to its services become `rejected`, as if it had rejected them before it went.
    Raises NoSuchEntity, and without `force` DeleteConflict naming what the account still has.
    """

    def work(tx: Transaction) -> int:
        if tx.get(Account, account_id) is None:
            raise AwsError("NoSuchEntity", f"The account {account_id} cannot be found.", status=404)
        owned = list(of_account(tx, account_id))
        default_vpcs = {obj.id for _, obj in owned if isinstance(obj, Vpc) and obj.is_default}
        left = [obj.id for _, obj in owned if not _goes_with_account(obj, default_vpcs)]
        if left and not force:
            raise AwsError(
                "DeleteConflict",
                f"Cannot delete account {account_id}, it still has: {', '.join(left)}. "
                "Delete these first, or everything with --force.",
                status=409,
            )
        _reject_connections(tx, {obj.id for kind, obj in owned if kind is EndpointService}, account_id)
        for kind, obj in owned:
            tx.delete(kind, obj.id)
        tx.delete(Account, account_id)
        return len(left)

    return store.transact(work)


def of_account(view: View, account_id: str) -> Iterator[tuple[type[Any], Any]]:
    """(kind, object) of everything an account has, but the account itself."""
    for kind in KINDS:
        if kind is not Account:
            yield from ((kind, obj) for obj in list(view.values(kind)) if owner(obj) == account_id)


def owner(obj: Any) -> str | None:
    """The account of a stored object; None for what belongs to the server."""
    match obj:
        case ClientToken():
            return obj.id.split("/", 1)[0]
        case Target():
            group = arns.parse(obj.target_group)
            return None if group is None else group.account
        case _:
            return getattr(obj, "account", None)


def _reject_connections(tx: Transaction, services: set[str], account_id: str) -> None:
    for endpoint in list(tx.values(VpcEndpoint)):
        if endpoint.service in services and endpoint.account != account_id and endpoint.state != "deleting":
            tx.put(replace(endpoint, state="rejected"))


def _goes_with_account(obj: Any, default_vpcs: set[str]) -> bool:
    """What nobody made by a call, or what is only remembered."""
    match obj:
        case AccessKey() | ClientToken() | QuotaSetting():
            return True
        case Vpc():
            return obj.is_default
        case Subnet():
            return obj.default_for_az and obj.vpc in default_vpcs
        case InternetGateway():
            return obj.vpc in default_vpcs
        case RouteTable():
            return obj.vpc in default_vpcs and any(association.main for association in obj.associations)
        case SecurityGroup():
            return obj.vpc in default_vpcs and obj.name == "default"
        case NetworkAcl():
            return obj.vpc in default_vpcs and obj.is_default
        case DhcpOptions():
            return obj.id == dhcp_options_id(account=obj.account, region=obj.region)
        case Instance():
            return obj.state is InstanceState.TERMINATED
        case _:
            return False
