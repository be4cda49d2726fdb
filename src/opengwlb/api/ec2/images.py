"""The images there are: built in, imported by the operator, or from the marketplace."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from opengwlb.api.common import filters, tags
from opengwlb.api.common.errors import bad_combination, dry_run, invalid_value, missing, unsupported
from opengwlb.api.common.filters import Spec, flag, present
from opengwlb.api.common.pages import slice_ec2
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.images import AMAZON, EVERYONE, MARKETPLACE, Image, ImageState
from opengwlb.model.mode import Mode
from opengwlb.model.snapshot import View
from opengwlb.policy import images as policy
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

ARCHITECTURE = {"aarch64": "arm64"}.get(platform.machine(), "x86_64")
"""The machine's: what built-in images run on, and every instance."""
_WELL_FORMED = re.compile("ami-([0-9a-f]{8}|[0-9a-f]{17})")
_BUILT = 1793491200.0  # 2026-11-01, of images without a time of their own


def _alias(image: Image) -> tuple[str, ...]:
    return present(image.owner_alias or None)


_NEVER = (
    "block-device-mapping.delete-on-termination",
    "block-device-mapping.device-name",
    "block-device-mapping.encrypted",
    "block-device-mapping.snapshot-id",
    "block-device-mapping.volume-size",
    "block-device-mapping.volume-type",
    "image-watermark.source-image-creation-time",
    "image-watermark.source-image-id",
    "image-watermark.source-image-region",
    "image-watermark.watermark-creation-time",
    "image-watermark.watermark-key",
    "kernel-id",
    "public-ssm-parameter-name",
    "ramdisk-id",
    "scan-result.critical-fix-available-since",
    "scan-result.finding-scan-date",
    "scan-result.high-fix-available-since",
    "scan-result.highest-finding-severity-label",
    "scan-result.informational-fix-available-since",
    "scan-result.low-fix-available-since",
    "scan-result.medium-fix-available-since",
    "source-image-id",
    "source-image-region",
    "source-instance-id",
    "sriov-net-support",
    "state-reason-code",
    "state-reason-message",
)
"""Filters on what no image has here."""

_FILTERS: Spec[Image] = {
    **dict.fromkeys(_NEVER, filters.absent),
    "free-tier-eligible": lambda image: flag(False),
    "image-allowed": lambda image: flag(True),
    "architecture": lambda image: (image.architecture or ARCHITECTURE,),
    "creation-date": lambda image: (_created(image),),
    "description": lambda image: (image.description,),
    "ena-support": lambda image: flag(True),
    "hypervisor": lambda image: ("xen",),
    "image-id": lambda image: (image.id,),
    "image-type": lambda image: ("machine",),
    "is-public": lambda image: flag(image.public),
    "manifest-location": lambda image: (_location(image),),
    "name": lambda image: (image.name,),
    "owner-alias": _alias,
    "owner-id": lambda image: (image.account,),
    "platform": lambda image: (),
    "product-code": lambda image: present(image.product_code or None),
    "product-code.type": lambda image: ("marketplace",) if image.product_code else (),
    "root-device-name": lambda image: ("/dev/xvda",),
    "root-device-type": lambda image: ("ebs",),
    "state": lambda image: (str(image.state),),
    "virtualization-type": lambda image: ("hvm",),
}


@action("ec2", "DescribeImages")
def describe_images(ctx: Context, params: Parameters) -> Answer:
    dry_run(params)
    snapshot = ctx.store.snapshot()
    if ids := params.get("ImageIds"):
        images = [require_image(ctx, snapshot, image_id) for image_id in dict.fromkeys(ids)]
    else:
        images = list(policy.visible(snapshot, account=ctx.account, region=ctx.region))
    if owners := params.get("Owners"):
        images = [image for image in images if set(owners) & _owner_words(ctx, image)]
    if users := params.get("ExecutableUsers"):
        images = [image for image in images if set(users) & _user_words(ctx, image)]
    shown, more = slice_ec2(filters.apply(images, params.get("Filters"), _FILTERS), params, ids="ImageIds", minimum=1)
    return {"Images": [_describe(each) for each in shown], **more}


def _owner_words(ctx: Context, image: Image) -> set[str]:
    """What `Owners` may say for this image."""
    return {image.account, *_alias(image), *(("self",) if image.account == ctx.account else ())}


def _user_words(ctx: Context, image: Image) -> set[str]:
    """What `ExecutableUsers` may say: who was explicitly permitted, `self`, or `all`."""
    mine = ("self",) if ctx.account in image.launch_permissions else ()
    return {*image.launch_permissions, *mine, *((EVERYONE,) if image.public else ())}


def require_image(ctx: Context, view: View, image_id: str) -> Image:
    """One that the caller may see. Errors: InvalidAMIID.Malformed, InvalidAMIID.NotFound."""
    if not image_id.startswith("ami-"):
        raise AwsError("InvalidAMIID.Malformed", f'Invalid id: "{image_id}" (expecting "ami-...")')
    for image in policy.visible(view, account=ctx.account, region=ctx.region):
        if image.id == image_id:
            return image
    raise AwsError("InvalidAMIID.NotFound", f"The image id '[{image_id}]' does not exist")


def _is_visible(ctx: Context, view: View, image_id: str) -> bool:
    return any(image.id == image_id for image in policy.visible(view, account=ctx.account, region=ctx.region))


def require_launchable(ctx: Context, view: View, image_id: str) -> Image:
    """One that the caller may start instances of. Errors: as `require_image`, and OptInRequired (terms not accepted).

    Mode.SUITES takes any well-formed id for a plain image, which no list shows.
    """
    if ctx.mode is Mode.SUITES and _WELL_FORMED.fullmatch(image_id) and not _is_visible(ctx, view, image_id):
        return Image(
            id=image_id, name=image_id, description="", kind="linux", owner_alias=AMAZON, region=ctx.region, public=True
        )
    image = require_image(ctx, view, image_id)
    if not policy.accepted(view, image, account=ctx.account):
        raise AwsError(
            "OptInRequired",
            "In order to use this AWS Marketplace product you need to accept terms and subscribe. "
            f"To do so please run: gwlb marketplace accept {image.product_code}",
            status=401,
        )
    if image.source and not image.content:
        raise AwsError(
            "IncorrectState",
            f"The content of image {image.id} is not here: run gwlb marketplace accept {image.product_code}",
        )
    return image


def keep_assumed(tx: Transaction, image: Image) -> None:
    """Remember an image that only Mode.SUITES has, for as long as instances of it are; no list of images shows it."""
    if policy.find(tx, image.id) is None:
        tx.put(replace(image, state=ImageState.DEREGISTERED))


@action("ec2", "DeregisterImage")
def deregister_image(ctx: Context, params: Parameters) -> Answer:
    """Instances of it go on, and may be stopped and started; its content is deleted after the last of them."""

    def work(tx: Transaction) -> None:
        image = _require_own(ctx, tx, params["ImageId"])
        dry_run(params)
        tx.put(replace(image, state=ImageState.DEREGISTERED))

    ctx.store.transact(work)
    return {"Return": True}


def _require_own(ctx: Context, view: View, image_id: str) -> Image:
    """Errors: as `require_image`, and AuthFailure for somebody else's."""
    image = require_image(ctx, view, image_id)
    if image.account != ctx.account:
        raise AwsError("AuthFailure", f"Not authorized for image:{image_id}", status=403)
    return image


@action("ec2", "DescribeImageAttribute")
def describe_image_attribute(ctx: Context, params: Parameters) -> Answer:
    attribute = params["Attribute"]
    image = require_image(ctx, ctx.store.snapshot(), params["ImageId"])
    if attribute == "launchPermission" and image.account != ctx.account:
        raise AwsError("AuthFailure", f"Not authorized for image:{image.id}", status=403)
    dry_run(params)
    groups = [{"Group": EVERYONE}] if image.public else []
    known: dict[str, tuple[str, Any]] = {
        "blockDeviceMapping": ("BlockDeviceMappings", []),
        "description": ("Description", {"Value": image.description}),
        "kernel": ("KernelId", {}),
        "launchPermission": ("LaunchPermissions", groups + [{"UserId": user} for user in image.launch_permissions]),
        "productCodes": ("ProductCodes", product_codes(image)),
        "ramdisk": ("RamdiskId", {}),
        "sriovNetSupport": ("SriovNetSupport", {}),
    }
    if attribute not in known:
        raise unsupported(attribute, "images do not have it here.")
    member, value = known[attribute]
    return {"ImageId": image.id, member: value}


@action("ec2", "ModifyImageAttribute")
def modify_image_attribute(ctx: Context, params: Parameters) -> Answer:
    """`launchPermission`, in both spellings that AWS takes, or `description`."""
    added, removed = _permissions(params)
    description = (params.get("Description") or {}).get("Value")
    attribute = params.get("Attribute")
    if attribute not in (None, "launchPermission", "description"):
        raise unsupported(attribute, "only launchPermission and description can be changed.")
    for member in ("ProductCodes", "OrganizationArns", "OrganizationalUnitArns", "ImdsSupport"):
        if params.get(member):
            raise unsupported(member, "only launchPermission and description can be changed.")
    if attribute == "description" and description is None:
        description = params.get("Value")
    if description is None and not added and not removed:
        raise missing("launchPermission" if attribute != "description" else "value")

    def work(tx: Transaction) -> None:
        image = _require_own(ctx, tx, params["ImageId"])
        dry_run(params)
        users = [user for user in image.launch_permissions if user not in removed]
        users += [user for user in added if user != EVERYONE and user not in users]
        tx.put(
            replace(
                image,
                public=(image.public or EVERYONE in added) and EVERYONE not in removed,
                launch_permissions=tuple(users),
                description=image.description if description is None else description,
            )
        )

    ctx.store.transact(work)
    return {}


@action("ec2", "ResetImageAttribute")
def reset_image_attribute(ctx: Context, params: Parameters) -> Answer:
    """Launch permissions as of a new image: nobody but its owner."""
    if params["Attribute"] != "launchPermission":
        raise invalid_value(f"Value ({params['Attribute']}) for parameter attribute is invalid. Unknown attribute.")

    def work(tx: Transaction) -> None:
        image = _require_own(ctx, tx, params["ImageId"])
        dry_run(params)
        tx.put(replace(image, public=False, launch_permissions=()))

    ctx.store.transact(work)
    return {}


def _permissions(params: Parameters) -> tuple[list[str], list[str]]:
    """(added, removed): account numbers and `all`. Errors: InvalidAMIAttributeItemValue, InvalidParameterCombination."""
    structure = params.get("LaunchPermission") or {}
    added = [_who(each) for each in structure.get("Add") or ()]
    removed = [_who(each) for each in structure.get("Remove") or ()]
    flat = [*(params.get("UserIds") or ()), *(params.get("UserGroups") or ())]
    if flat:
        operation = params.get("OperationType")
        if operation not in ("add", "remove"):
            raise bad_combination("UserId and UserGroup need an OperationType of add or remove")
        (added if operation == "add" else removed).extend(_check_who(each) for each in flat)
    return added, removed


def _who(permission: dict[str, Any]) -> str:
    for member in ("OrganizationArn", "OrganizationalUnitArn"):
        if permission.get(member):
            raise unsupported(member, "there are no organizations.")
    return _check_who(permission.get("UserId") or permission.get("Group") or "")


def _check_who(word: str) -> str:
    if word != EVERYONE and not re.fullmatch(r"[0-9]{12}", word):
        raise AwsError(
            "InvalidAMIAttributeItemValue",
            f'Invalid attribute item value "{word}" for launchPermission: an account number, or the group all.',
        )
    return word


def product_codes(image: Image | None) -> list[dict[str, str]]:
    if image is None or not image.product_code:
        return []
    return [{"ProductCodeId": image.product_code, "ProductCodeType": "marketplace"}]


def _location(image: Image) -> str:
    return f"{image.owner_alias or image.account}/{image.name}"


def _created(image: Image) -> str:
    return datetime.fromtimestamp(image.created or _BUILT, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _optional(image: Image) -> Iterable[tuple[str, Any]]:
    if image.owner_alias in (AMAZON, MARKETPLACE):
        yield "ImageOwnerAlias", image.owner_alias
    if image.product_code:
        yield "ProductCodes", product_codes(image)
    if image.tags:
        yield "Tags", tags.answer(image.tags)


def _describe(image: Image) -> dict[str, Any]:
    return {
        "ImageId": image.id,
        "Name": image.name,
        "Description": image.description,
        "ImageLocation": _location(image),
        "OwnerId": image.account,
        "ImageType": "machine",
        "State": str(image.state),
        "Public": image.public,
        "CreationDate": _created(image),
        "Architecture": image.architecture or ARCHITECTURE,
        "Hypervisor": "xen",
        "VirtualizationType": "hvm",
        "RootDeviceName": "/dev/xvda",
        "RootDeviceType": "ebs",
        "BlockDeviceMappings": [],
        "EnaSupport": True,
        "PlatformDetails": "Linux/UNIX",
        "UsageOperation": "RunInstances",
        **dict(_optional(image)),
    }
