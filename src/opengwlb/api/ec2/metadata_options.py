"""What an instance's metadata service answers to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from opengwlb.api.common.errors import dry_run, invalid_parameter, unsupported
from opengwlb.api.common.resources import require
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.compute import Instance, InstanceState, MetadataOptions
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

_HOPS = range(1, 65)


def read(before: MetadataOptions, asked: Mapping[str, Any]) -> MetadataOptions:
    """`before` with what a call changes. Errors: InvalidParameterValue, UnsupportedOperation."""
    tokens, hops = asked.get("HttpTokens"), asked.get("HttpPutResponseHopLimit")
    if tokens not in (None, "optional", "required"):
        raise invalid_parameter(tokens, parameter="httpTokens", reason="Use optional or required.")
    if hops is not None and hops not in _HOPS:
        raise invalid_parameter(hops, parameter="httpPutResponseHopLimit", reason="It must be between 1 and 64.")
    if asked.get("HttpProtocolIpv6") == "enabled":
        raise unsupported("HttpProtocolIpv6", "the metadata service has an IPv4 address only.")
    return MetadataOptions(
        tokens=tokens or before.tokens,
        endpoint=_switch(asked, "HttpEndpoint", before.endpoint),
        hop_limit=hops or before.hop_limit,
        tags=_switch(asked, "InstanceMetadataTags", before.tags),
    )


def show(options: MetadataOptions) -> dict[str, Any]:
    return {
        "State": "applied",
        "HttpTokens": options.tokens,
        "HttpPutResponseHopLimit": options.hop_limit,
        "HttpEndpoint": "enabled" if options.endpoint else "disabled",
        "HttpProtocolIpv6": "disabled",
        "InstanceMetadataTags": "enabled" if options.tags else "disabled",
    }


@action("ec2", "ModifyInstanceMetadataOptions")
def modify_instance_metadata_options(ctx: Context, params: Parameters) -> Answer:
    """In effect with the next request that the instance makes."""

    def work(tx: Transaction) -> MetadataOptions:
        instance = require(ctx, tx, Instance, params["InstanceId"])
        if instance.state in (InstanceState.SHUTTING_DOWN, InstanceState.TERMINATED):
            raise AwsError(
                "IncorrectInstanceState",
                f"The instance '{instance.id}' is in the state '{instance.state}' and cannot be modified.",
            )
        options = read(instance.metadata, params)
        dry_run(params)
        tx.put(replace(instance, metadata=options))
        return options

    options = ctx.store.transact(work)
    return {"InstanceId": params["InstanceId"], "InstanceMetadataOptions": show(options)}


def _switch(asked: Mapping[str, Any], name: str, before: bool) -> bool:
    value = asked.get(name)
    if value not in (None, "enabled", "disabled"):
        raise invalid_parameter(value, parameter=name[0].lower() + name[1:], reason="Use enabled or disabled.")
    return before if value is None else value == "enabled"
