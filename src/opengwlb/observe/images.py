"""Images, marketplace products and certify results as their readers get them: what AWS has no members for."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from opengwlb.model.images import Certification, Image
from opengwlb.model.snapshot import View
from opengwlb.policy import images

Count = Annotated[int, msgspec.Meta(ge=0)]


class CertificationAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `gwlb certify` says of an image after all checks."""

    image: str
    """`ami-…`."""
    passed: Count
    failed: Count
    skipped: Count
    """Declared in its profile, or not applicable."""
    failed_checks: tuple[str, ...] = ()
    """Ids of those that failed."""
    version: str = ""
    """The OpenGWLB whose checks these were."""


class CertificationRow(msgspec.Struct, frozen=True, kw_only=True):
    image: str
    at: float
    """Seconds since 1970."""
    passed: int
    failed: int
    skipped: int
    failed_checks: tuple[str, ...]
    version: str


class CertificationsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    certifications: tuple[CertificationRow, ...]


class ImageRow(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    kind: str
    vendor: str
    version: str
    owner: str
    """An account, `amazon` or `aws-marketplace`."""
    region: str
    """Empty: every region."""
    size_bytes: int
    product_code: str
    description: str
    in_kernel: bool
    public: bool
    source: str
    checksum: str
    starts: tuple[str, ...]
    """The command line of its first process, where it has one of its own."""
    licence: str
    certification: CertificationRow | None
    """Of the last `gwlb certify` with all checks."""


class ProductRow(ImageRow, frozen=True, kw_only=True):
    accepted: bool
    """Whether the account that asks has accepted the terms."""


class ImagesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    images: tuple[ImageRow, ...]


class MarketplaceAnswer(msgspec.Struct, frozen=True, kw_only=True):
    products: tuple[ProductRow, ...]
    """Oldest first."""
    catalogues: tuple[str, ...]
    """Paths and URLs of those that the operator added."""


class ImageProgress(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an import's answer."""

    stage: str
    done: int
    total: int | None
    """Of bytes; None while nobody knows."""


def image_row(image: Image, view: View) -> ImageRow:
    return ImageRow(**_common(image, view))


def product_row(image: Image, view: View, *, account: str) -> ProductRow:
    return ProductRow(**_common(image, view), accepted=images.accepted(view, image, account=account))


def certification_row(found: Certification) -> CertificationRow:
    return CertificationRow(
        image=found.id,
        at=found.at,
        passed=found.passed,
        failed=found.failed,
        skipped=found.skipped,
        failed_checks=found.failed_checks,
        version=found.version,
    )


def _common(image: Image, view: View) -> dict[str, Any]:
    certified = view.get(Certification, image.id)
    return {
        "id": image.id,
        "name": image.name,
        "kind": image.kind,
        "vendor": image.vendor,
        "version": image.version,
        "owner": image.owner_alias or image.account,
        "region": image.region,
        "size_bytes": image.size_bytes,
        "product_code": image.product_code,
        "description": image.description,
        "in_kernel": image.in_kernel,
        "public": image.public,
        "source": image.source,
        "checksum": image.checksum,
        "starts": image.launch.arguments if image.launch else (),
        "licence": image.licence,
        "certification": certification_row(certified) if certified else None,
    }
