"""The operator's calls about uplinks: `/_gwlb/v1/uplinks`. Only who operates the machine may say what its NICs are for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.routing import Route

from opengwlb.api import uplinks
from opengwlb.model.uplinks import Nic
from opengwlb.store.protocol import Store
from opengwlb.wire.errors import AwsError

Work = Callable[[Request, bytes], Any]


class _Add(msgspec.Struct, forbid_unknown_fields=True):
    device: str
    vpc: str
    subnet: str
    addresses: list[str]
    force: bool = False


def routes(
    *,
    store: Store,
    look: Callable[[str], Nic | None] | None,
    operator_only: Callable[[Work], Callable[[Request], Any]],
    clock: Callable[[], float],
) -> list[Route]:
    """`look(device)` asks the machine; None where there is no data plane."""

    def nic(device: str) -> Nic | None:
        if look is None:
            raise AwsError("UnsupportedOperation", "This server carries no packets (--data-plane none).")
        return look(device)

    def add(request: Request, body: bytes) -> Any:
        try:
            asked = msgspec.json.decode(body, type=_Add)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise AwsError("ValidationError", f"Send device, vpc, subnet and addresses as JSON: {error}") from error
        wanted = uplinks.Asked(
            device=asked.device,
            vpc=asked.vpc,
            subnet=asked.subnet,
            addresses=tuple(asked.addresses),
            force=asked.force,
        )
        return uplinks.add(store, wanted, nic=nic(asked.device), now=clock())

    def list_(request: Request, body: bytes) -> Any:
        return {"uplinks": uplinks.listed(store.snapshot())}

    def remove(request: Request, body: bytes) -> Any:
        asked = tuple(each for each in request.query_params.getlist("address") if each)
        return uplinks.remove(store, request.path_params["uplink"], addresses=asked)

    return [
        Route("/_gwlb/v1/uplinks", operator_only(list_), methods=["GET"]),
        Route("/_gwlb/v1/uplinks", operator_only(add), methods=["POST"]),
        Route("/_gwlb/v1/uplinks/{uplink}", operator_only(remove), methods=["DELETE"]),
    ]
