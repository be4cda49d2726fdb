"""The images there are: the built-in catalogue, the same in every region, owned by `amazon`'s alias."""

from __future__ import annotations

import platform
from dataclasses import dataclass, field
from typing import Any

from opengwlb.api.common import filters
from opengwlb.api.common.errors import dry_run
from opengwlb.api.common.filters import Spec, flag
from opengwlb.api.common.pages import slice_ec2
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.compute import BUILTIN_IMAGES, Image
from opengwlb.model.vpc import Tags
from opengwlb.wire.errors import AwsError

ARCHITECTURE = {"aarch64": "arm64"}.get(platform.machine(), "x86_64")
"""Images run on the machine's own `/usr`."""
_OWNER = "137112412989"
"""Amazon's, for its Linux images."""
_CREATED = "2026-11-01T00:00:00.000Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """A catalogue entry as filters see it."""

    image: Image
    tags: Tags = field(default_factory=dict)

    @property
    def id(self) -> str:
        return self.image.id


_FILTERS: Spec[_Shown] = {
    "architecture": lambda shown: (ARCHITECTURE,),
    "creation-date": lambda shown: (_CREATED,),
    "description": lambda shown: (shown.image.description,),
    "ena-support": lambda shown: flag(True),
    "hypervisor": lambda shown: ("xen",),
    "image-id": lambda shown: (shown.image.id,),
    "image-type": lambda shown: ("machine",),
    "is-public": lambda shown: flag(True),
    "name": lambda shown: (shown.image.name,),
    "owner-alias": lambda shown: ("amazon",),
    "owner-id": lambda shown: (_OWNER,),
    "platform": lambda shown: (),
    "root-device-name": lambda shown: ("/dev/xvda",),
    "root-device-type": lambda shown: ("ebs",),
    "state": lambda shown: ("available",),
    "virtualization-type": lambda shown: ("hvm",),
}


@action("ec2", "DescribeImages")
def describe_images(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)
    images = [_Shown(image=image) for image in BUILTIN_IMAGES]
    if ids := params.get("ImageIds"):
        wanted = [require_image(image_id) for image_id in dict.fromkeys(ids)]
        images = [_Shown(image=image) for image in wanted]
    if (owners := params.get("Owners")) and not {"amazon", _OWNER} & set(owners):
        images = []
    if (users := params.get("ExecutableUsers")) and "all" not in users:
        images = []
    shown, more = slice_ec2(filters.apply(images, params.get("Filters"), _FILTERS), params, ids="ImageIds", minimum=1)
    return {"Images": [_describe(each.image) for each in shown], **more}


def require_image(image_id: str) -> Image:
    """Errors: InvalidAMIID.Malformed, InvalidAMIID.NotFound."""
    if not image_id.startswith("ami-"):
        raise AwsError("InvalidAMIID.Malformed", f'Invalid id: "{image_id}" (expecting "ami-...")')
    for image in BUILTIN_IMAGES:
        if image.id == image_id:
            return image
    raise AwsError("InvalidAMIID.NotFound", f"The image id '[{image_id}]' does not exist")


def _describe(image: Image) -> dict[str, Any]:
    return {
        "ImageId": image.id,
        "Name": image.name,
        "Description": image.description,
        "ImageLocation": f"amazon/{image.name}",
        "ImageOwnerAlias": "amazon",
        "OwnerId": _OWNER,
        "ImageType": "machine",
        "State": "available",
        "Public": True,
        "CreationDate": _CREATED,
        "Architecture": ARCHITECTURE,
        "Hypervisor": "xen",
        "VirtualizationType": "hvm",
        "RootDeviceName": "/dev/xvda",
        "RootDeviceType": "ebs",
        "BlockDeviceMappings": [],
        "EnaSupport": True,
        "PlatformDetails": "Linux/UNIX",
        "UsageOperation": "RunInstances",
    }
