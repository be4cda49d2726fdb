"""Instance types: a name that clients ask for. Every instance gets what the machine has, whatever its type says."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from opengwlb.api.common import filters
from opengwlb.api.common.errors import dry_run, invalid_value
from opengwlb.api.common.filters import Spec, flag
from opengwlb.api.common.pages import slice_ec2
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.vpc import Tags
from opengwlb.wire.errors import AwsError

from .images import ARCHITECTURE

DEFAULT_TYPE = "m1.small"
_FORM = re.compile(r"[a-z][a-z0-9-]*\.(nano|micro|small|medium|large|([0-9]+)?xlarge|metal(-[0-9a-z]+)?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Type:
    id: str
    cpus: int
    memory_mib: int
    tags: Tags = field(default_factory=dict)


_CATALOGUE = (
    _Type(id="m1.small", cpus=1, memory_mib=1740),
    _Type(id="t3.nano", cpus=2, memory_mib=512),
    _Type(id="t3.micro", cpus=2, memory_mib=1024),
    _Type(id="t3.small", cpus=2, memory_mib=2048),
    _Type(id="t3.medium", cpus=2, memory_mib=4096),
    _Type(id="m5.large", cpus=2, memory_mib=8192),
    _Type(id="c5.large", cpus=2, memory_mib=4096),
    _Type(id="c5n.large", cpus=2, memory_mib=5376),
    _Type(id="c5n.xlarge", cpus=4, memory_mib=10752),
)
_FILTERS: Spec[_Type] = {
    "bare-metal": lambda kind: flag(False),
    "current-generation": lambda kind: flag(_current(kind)),
    "instance-type": lambda kind: (kind.id,),
    "memory-info.size-in-mib": lambda kind: (str(kind.memory_mib),),
    "processor-info.supported-architecture": lambda kind: (ARCHITECTURE,),
    "supported-virtualization-type": lambda kind: ("hvm",),
    "vcpu-info.default-vcpus": lambda kind: (str(kind.cpus),),
}


@action("ec2", "DescribeInstanceTypes")
def describe_instance_types(ctx: Context, params: Parameters) -> Answer:
    """A few that people use; RunInstances takes any name of the right form."""
    dry_run(params)
    kinds = list(_CATALOGUE)
    if names := params.get("InstanceTypes"):
        kinds = [kind for kind in _CATALOGUE if kind.id in names]
        lost = [name for name in names if name not in {kind.id for kind in kinds}]
        if lost:
            raise AwsError(
                "InvalidInstanceType", f"The following supplied instance types do not exist: [{', '.join(lost)}]"
            )
    kinds = filters.apply(kinds, params.get("Filters"), _FILTERS)
    shown, more = slice_ec2(kinds, params, ids="InstanceTypes", maximum=100)
    return {"InstanceTypes": [_describe(kind) for kind in shown], **more}


def check_type(name: str) -> str:
    """Errors: InvalidParameterValue."""
    if not _FORM.fullmatch(name):
        raise invalid_value(f"Invalid value '{name}' for InstanceType.")
    return name


def _current(kind: _Type) -> bool:
    return not kind.id.startswith("m1.")


def _describe(kind: _Type) -> dict[str, Any]:
    return {
        "InstanceType": kind.id,
        "CurrentGeneration": _current(kind),
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
            "MaximumNetworkInterfaces": 1,
            "Ipv4AddressesPerInterface": 1,
            "Ipv6AddressesPerInterface": 0,
            "Ipv6Supported": False,
            "EnaSupport": "supported",
        },
    }
