"""Which images there are, and for whom."""

from __future__ import annotations

from collections.abc import Iterator

from opengwlb.model.compute import Instance, InstanceState
from opengwlb.model.images import BUILTIN_IMAGES, Agreement, Certification, Image, ImageState
from opengwlb.model.snapshot import View

_BUILTIN = {image.id: image for image in BUILTIN_IMAGES}


def find(view: View, image_id: str) -> Image | None:
    """Built in or stored, also a deregistered one: its instances may still be started."""
    return _BUILTIN.get(image_id) or view.get(Image, image_id)


def visible(view: View, *, account: str, region: str) -> Iterator[Image]:
    """What DescribeImages shows an account in a region."""
    for image in (*BUILTIN_IMAGES, *view.values(Image)):
        if image.state is ImageState.AVAILABLE and image.region in ("", region) and may_launch(image, account=account):
            yield image


def may_launch(image: Image, *, account: str) -> bool:
    return image.public or account in (image.account, *image.launch_permissions)


def agreement_id(*, account: str, product_code: str) -> str:
    return f"{account}/{product_code}"


def accepted(view: View, image: Image, *, account: str) -> bool:
    """Whether the account has accepted the terms that the image has, if it has any."""
    if not image.product_code:
        return True
    return view.get(Agreement, agreement_id(account=account, product_code=image.product_code)) is not None


def no_longer_used(view: View) -> list[Image]:
    """Deregistered images without an instance that may still be started."""
    used = {one.image for one in view.values(Instance) if one.state is not InstanceState.TERMINATED}
    return [one for one in view.values(Image) if one.state is ImageState.DEREGISTERED and one.id not in used]


def of_nothing(view: View) -> list[Certification]:
    """Certify results whose image is gone."""
    return [one for one in view.values(Certification) if find(view, one.id) is None]


def contents(view: View) -> frozenset[str]:
    """The content directories that stored images have."""
    return frozenset(image.content for image in view.values(Image) if image.content)
