"""Images: what instances start from, and the marketplace's terms for some of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from .vpc import Tags

AMAZON_ACCOUNT = "137112412989"
"""Amazon's, for its Linux images: owns the built-in images."""
AMAZON = "amazon"
MARKETPLACE_ACCOUNT = "679593333241"
"""AWS Marketplace's: owns what comes from a catalogue."""
MARKETPLACE = "aws-marketplace"
EVERYONE = "all"
"""The one group that launch permissions know."""


class ImageState(StrEnum):
    AVAILABLE = "available"
    DEREGISTERED = "deregistered"
    """No longer there for callers; kept while instances of it are, because they may be started again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """The first process of an instance, as an OCI image's configuration says."""

    arguments: tuple[str, ...]
    environment: tuple[str, ...] = ()
    """`NAME=value`."""
    directory: str = "/"
    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()
    stop_signal: str = "SIGTERM"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    id: str
    """`ami-…`."""
    name: str
    description: str
    kind: str
    """What makes its box: `oci`, `rootfs` and `disk` have content of their own; the others are recipes over the machine's `/usr`,
    one of `instances/images.py`: `linux`, `inspector`, `firewall`, ..."""
    in_kernel: bool = False
    """True: handles GENEVE in the kernel, so it may be sent GSO super-packets with unfinished checksums."""
    account: str = AMAZON_ACCOUNT
    """Owner."""
    owner_alias: str = ""
    """`amazon`, `aws-marketplace`, or empty."""
    region: str = ""
    """Empty: every region."""
    architecture: str = ""
    """As EC2 spells it (`x86_64`, `arm64`); empty: the machine's."""
    vendor: str = ""
    version: str = ""
    licence: str = ""
    """Text; of a marketplace image the terms to accept."""
    product_code: str = ""
    """Of a marketplace image: who launches it must have accepted the product's terms."""
    source: str = ""
    """Where the content came from, or will come from once a marketplace product is accepted."""
    source_checksum: str = ""
    """`sha256:…` that the file at `source` must have, as its catalogue says."""
    catalogue: str = ""
    """The id of the catalogue that lists it."""
    checksum: str = ""
    """`sha256:…` of the content; empty for recipes."""
    content: str = ""
    """The directory of the content below the data directory's `images/`; empty: a recipe, or not fetched yet."""
    size_bytes: int = 0
    """Of the content."""
    launch: Launch | None = None
    created: float = 0.0
    public: bool = False
    """Launch permission for everyone; `launch_permissions` are the accounts that have one of their own."""
    launch_permissions: tuple[str, ...] = ()
    state: ImageState = ImageState.AVAILABLE
    tags: Tags = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """An account has accepted a marketplace product's terms."""

    id: str
    """`account/product code`."""
    account: str
    product_code: str
    accepted: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """A marketplace catalogue that the operator added, beside the one that comes with OpenGWLB."""

    id: str
    """Its path or URL."""
    added: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Certification:
    """What the last `gwlb certify` with all checks found of an image."""

    id: str
    """The image's."""
    at: float
    passed: int
    failed: int
    skipped: int
    """Declared in its profile, or not applicable."""
    failed_checks: tuple[str, ...] = ()
    version: str = ""
    """The OpenGWLB whose checks these were."""


BUILTIN_IMAGES: tuple[Image, ...] = (
    Image(
        id="ami-0000000000000a001",
        name="opengwlb/linux",
        description="A plain Linux box: the host's /usr, Python 3, iproute2, tcpdump; user data runs as root at boot",
        kind="linux",
        owner_alias=AMAZON,
        public=True,
    ),
    Image(
        id="ami-0000000000000a002",
        name="opengwlb/inspector",
        description="In-kernel appliance: counts, filters by tuple and returns GENEVE at tc; the fast one",
        kind="inspector",
        in_kernel=True,
        owner_alias=AMAZON,
        public=True,
    ),
    Image(
        id="ami-0000000000000a003",
        name="opengwlb/firewall",
        description="User-space firewall on the appliance SDK: rules by CIDR, port, protocol and payload pattern",
        kind="firewall",
        owner_alias=AMAZON,
        public=True,
    ),
)
"""The same in every region, never stored."""
