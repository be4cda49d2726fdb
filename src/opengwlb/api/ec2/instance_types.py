"""Instance types: what may be asked for, and what an instance of each is given of the machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from opengwlb.api.common import filters, ipv6, private_addresses
from opengwlb.api.common.errors import dry_run, invalid_value
from opengwlb.api.common.filters import Spec, flag
from opengwlb.api.common.pages import slice_ec2
from opengwlb.api.common.zones import zones
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.instance_types import DEFAULT, INSTANCE_TYPES, InstanceType
from opengwlb.wire.errors import AwsError

from .images import ARCHITECTURE

DEFAULT_TYPE = DEFAULT
_FREE = "t3.micro"
_NEVER = (
    "ebs-info.attachment-limit-type",
    "ebs-info.ebs-optimized-info.baseline-bandwidth-in-mbps",
    "ebs-info.ebs-optimized-info.baseline-iops",
    "ebs-info.ebs-optimized-info.baseline-throughput-in-mbps",
    "ebs-info.ebs-optimized-info.maximum-bandwidth-in-mbps",
    "ebs-info.ebs-optimized-info.maximum-iops",
    "ebs-info.ebs-optimized-info.maximum-throughput-in-mbps",
    "ebs-info.maximum-ebs-attachments",
    "instance-storage-info.disk.count",
    "instance-storage-info.disk.size-in-gb",
    "instance-storage-info.disk.type",
    "instance-storage-info.encryption-support",
    "instance-storage-info.nvme-support",
    "instance-storage-info.total-size-in-gb",
    "network-info.bandwidth-weightings",
    "network-info.efa-info.maximum-efa-interfaces",
    "network-info.network-performance",
    "nitro-tpm-info.supported-versions",
    "processor-info.supported-features",
    "processor-info.sustained-clock-speed-in-ghz",
    "reboot-migration-support",
    "supported-boot-mode",
)
"""Filters on what is not said of a type here."""


def _no(_: InstanceType) -> Iterable[str]:
    return flag(False)


def _unsupported(_: InstanceType) -> Iterable[str]:
    return ("unsupported",)


_FILTERS: Spec[InstanceType] = {
    **dict.fromkeys(_NEVER, filters.absent),
    "auto-recovery-supported": _no,
    "burstable-performance-supported": lambda kind: flag(kind.id.startswith("t")),
    "dedicated-hosts-supported": _no,
    "ebs-info.ebs-optimized-support": _unsupported,
    "ebs-info.encryption-support": _unsupported,
    "ebs-info.nvme-support": _unsupported,
    "free-tier-eligible": lambda kind: flag(kind.id == _FREE),
    "hibernation-supported": _no,
    "hypervisor": lambda _: ("xen",),
    "instance-storage-supported": _no,
    "network-info.efa-supported": _no,
    "network-info.ena-support": lambda _: ("supported",),
    "network-info.encryption-in-transit-supported": _no,
    "network-info.flexible-ena-queues-support": _unsupported,
    "network-info.ipv4-addresses-per-interface": lambda _: (str(private_addresses.MOST_ADDRESSES),),
    "network-info.ipv6-addresses-per-interface": lambda _: (str(ipv6.MOST_ADDRESSES),),
    "network-info.ipv6-supported": lambda _: flag(True),
    "network-info.maximum-network-cards": lambda _: ("1",),
    "nitro-enclaves-support": _unsupported,
    "nitro-tpm-support": _unsupported,
    "supported-root-device-type": lambda _: ("ebs",),
    "supported-usage-class": lambda _: ("on-demand",),
    "vcpu-info.default-cores": lambda kind: (str(kind.cpus),),
    "vcpu-info.default-threads-per-core": lambda _: ("1",),
    "vcpu-info.valid-cores": lambda kind: (str(kind.cpus),),
    "vcpu-info.valid-threads-per-core": lambda _: ("1",),
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


_OFFERED: Mapping[str, Callable[[dict[str, str]], Iterable[str]]] = {
    "instance-type": lambda offer: (offer["InstanceType"],),
    "location": lambda offer: (offer["Location"],),
}


@action("ec2", "DescribeInstanceTypeOfferings")
def describe_instance_type_offerings(ctx: Context, params: Parameters) -> Answer:
    """Every type, everywhere."""
    dry_run(params)
    kind = params.get("LocationType", "region")
    places = {
        "region": [ctx.region],
        "availability-zone": [zone.name for zone in zones(ctx.region)],
        "availability-zone-id": [zone.id for zone in zones(ctx.region)],
        "outpost": [],
    }
    if kind not in places:
        raise invalid_value(f"Value ({kind}) for parameter locationType is invalid. Use one of {', '.join(places)}.")
    offers = [
        {"InstanceType": name, "LocationType": kind, "Location": place}
        for place in places[kind]
        for name in INSTANCE_TYPES
    ]
    found = filters.apply(offers, params.get("Filters"), _OFFERED)
    shown, more = slice_ec2(found, params, key=lambda offer: f"{offer['InstanceType']} {offer['Location']}")
    return {"InstanceTypeOfferings": shown, **more}


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
        "FreeTierEligible": kind.id == _FREE,
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
