"""Instance types: what may be asked for, and what an instance of each is given of the machine."""

from __future__ import annotations

from typing import Any

from opengwlb.api.common import filters, ipv6, private_addresses
from opengwlb.api.common.errors import dry_run, invalid_value
from opengwlb.api.common.filters import Spec, flag
from opengwlb.api.common.pages import slice_ec2
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.instance_types import DEFAULT, INSTANCE_TYPES, InstanceType
from opengwlb.wire.errors import AwsError

from .images import ARCHITECTURE

DEFAULT_TYPE = DEFAULT
_FILTERS: Spec[InstanceType] = {
    "bare-metal": lambda kind: flag(False),
    "current-generation": lambda kind: flag(kind.current),
    "instance-type": lambda kind: (kind.id,),
    "memory-info.size-in-mib": lambda kind: (str(kind.memory_mib),),
    "network-info.maximum-network-interfaces": lambda kind: (str(kind.interfaces),),
    "processor-info.supported-architecture": lambda kind: (ARCHITECTURE,),
    "supported-virtualization-type": lambda kind: ("hvm",),
    "vcpu-info.default-vcpus": lambda kind: (str(kind.cpus),),
}


@action("ec2", "DescribeInstanceTypes")
def describe_instance_types(ctx: Context, params: Parameters) -> Answer:
    """The ones that RunInstances takes."""
    dry_run(params)
    kinds = list(INSTANCE_TYPES.values())
    if names := params.get("InstanceTypes"):
        kinds = [kind for kind in INSTANCE_TYPES.values() if kind.id in names]
        lost = [name for name in names if name not in {kind.id for kind in kinds}]
        if lost:
            raise AwsError(
                "InvalidInstanceType", f"The following supplied instance types do not exist: [{', '.join(lost)}]"
            )
    kinds = filters.apply(kinds, params.get("Filters"), _FILTERS)
    shown, more = slice_ec2(kinds, params, ids="InstanceTypes", maximum=100)
    return {"InstanceTypes": [_describe(kind) for kind in shown], **more}


def check_type(name: str) -> InstanceType:
    """Errors: InvalidParameterValue."""
    found = INSTANCE_TYPES.get(name)
    if found is None:
        raise invalid_value(
            f"Invalid value '{name}' for InstanceType. `aws ec2 describe-instance-types` lists those that there are."
        )
    return found


def check_count(kind: str, interfaces: int) -> None:
    """Errors: AttachmentLimitExceeded when an instance of this type cannot have so many."""
    found = INSTANCE_TYPES.get(kind)
    if found is not None and interfaces > found.interfaces:
        raise AwsError("AttachmentLimitExceeded", f"Interface count {interfaces} exceeds the limit for {kind}")


def _describe(kind: InstanceType) -> dict[str, Any]:
    return {
        "InstanceType": kind.id,
        "CurrentGeneration": kind.current,
        "FreeTierEligible": kind.id == "t3.micro",
        "SupportedUsageClasses": ["on-demand"],
        "SupportedRootDeviceTypes": ["ebs"],
        "SupportedVirtualizationTypes": ["hvm"],
        "BareMetal": False,
        "ProcessorInfo": {"SupportedArchitectures": [ARCHITECTURE]},
        "VCpuInfo": {"DefaultVCpus": kind.cpus},
        "MemoryInfo": {"SizeInMiB": kind.memory_mib},
        "InstanceStorageSupported": False,
        "NetworkInfo": {
            "MaximumNetworkInterfaces": kind.interfaces,
            "MaximumNetworkCards": 1,
            "DefaultNetworkCardIndex": 0,
            "Ipv4AddressesPerInterface": private_addresses.MOST_ADDRESSES,
            "Ipv6AddressesPerInterface": ipv6.MOST_ADDRESSES,
            "Ipv6Supported": True,
            "EnaSupport": "supported",
        },
    }
