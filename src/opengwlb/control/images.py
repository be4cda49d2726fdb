"""Keeps the images: imports them, lets accounts accept the marketplace's terms, and deletes what nobody needs any more."""

from __future__ import annotations

import logging
import threading
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from opengwlb.instances.content import ContentStore
from opengwlb.instances.images import RECIPES
from opengwlb.instances.importing import Asked, Content, Importer, ImportFailed, Kind, Progress, monotonic_every
from opengwlb.model.ids import new_id
from opengwlb.model.images import MARKETPLACE, Agreement, Catalogue, Certification, Image, ImageState
from opengwlb.model.snapshot import View
from opengwlb.policy import catalogue, images
from opengwlb.store.protocol import Store, Transaction

log = logging.getLogger(__name__)

POLL_S = 60.0
"""Deregistered images and their contents are looked at when something changes, and this often besides."""
REPORT_S = 0.1
SHIPPED = str(Path(catalogue.__file__).parents[1] / "instances" / "catalogue.toml")
_CATALOGUE_BYTES = 4 << 20
_CATALOGUE_S = 20.0

Report = Callable[[Progress], None]


class ImageError(Exception):
    """Refused; `code` is AWS's word for it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What is said about an image that is imported."""

    name: str
    account: str
    region: str
    vendor: str = ""
    version: str = ""
    licence: str = ""
    description: str = ""
    in_kernel: bool = False
    public: bool = False


class ImageKeeper:
    """`contents` is None where no instance runs (`--data-plane none`)."""

    def __init__(self, *, store: Store, contents: ContentStore | None, clock: Callable[[], float]) -> None:
        self._store = store
        self._contents = contents
        self._clock = clock
        self._shipped = catalogue.parse(Path(SHIPPED).read_text(encoding="utf-8"), location="", recipes=RECIPES)

    # -- import ------------------------------------------------------------------------------------------------------

    def bring(self, asked: Asked, about: Registration, *, report: Report, cancelled: threading.Event) -> Image:
        """Import and register. Raises ImageError, ImportFailed; then nothing is left."""
        self.check(about)
        kept: list[Image] = []

        def register(made: Content) -> None:
            image = _with_content(
                Image(
                    id=new_id("ami"),
                    name=about.name,
                    description=about.description,
                    kind=str(made.kind),
                    in_kernel=about.in_kernel,
                    account=about.account,
                    region=about.region,
                    vendor=about.vendor,
                    version=about.version,
                    licence=about.licence,
                    source=asked.source,
                    created=self._clock(),
                    public=about.public,
                ),
                made,
            )

            def work(tx: Transaction) -> None:
                _require_free(tx, about)
                tx.put(image)

            self._store.transact(work)
            kept.append(image)

        self._import(asked, register=register, report=report, cancelled=cancelled)
        return kept[0]

    def check(self, about: Registration) -> None:
        """Raises ImageError for what cannot be registered whatever the source is."""
        try:
            catalogue.check_name(about.name, what=f"{about.name!r}")
        except ValueError as problem:
            raise ImageError("InvalidAMIName.Malformed", str(problem)) from problem
        _require_free(self._store.snapshot(), about)
        if self._contents is None:
            raise ImageError("UnsupportedOperation", "This server runs no instances (--data-plane none).")

    def _import(
        self, asked: Asked, *, register: Callable[[Content], None], report: Report, cancelled: threading.Event
    ) -> None:
        if self._contents is None:
            raise ImageError("UnsupportedOperation", "This server runs no instances (--data-plane none).")
        with self._contents.staging() as staging:
            importer = Importer(staging, progress=monotonic_every(REPORT_S, report), cancelled=cancelled)
            made = importer.run(asked)
            with self._contents.adopting(made.staged, made.name):
                register(made)

    # -- marketplace ---------------------------------------------------------------------------------------------------

    def accept(self, code: str, *, account: str, report: Report, cancelled: threading.Event) -> Image:
        """The account accepts the product's terms; what it has is fetched if it is not here yet. The newest image of it. Raises
        ImageError, ImportFailed."""
        snapshot = self._store.snapshot()
        products = [one for one in listed(snapshot) if one.product_code == code]
        if not products:
            known = ", ".join(sorted({one.product_code for one in listed(snapshot)}))
            raise ImageError("InvalidProductCode.NotFound", f"There is no product {code!r}; there are: {known}.")
        for product in products:
            if product.source and not product.content:
                self._fetch(product, report=report, cancelled=cancelled)
        agreement = Agreement(
            id=images.agreement_id(account=account, product_code=code),
            account=account,
            product_code=code,
            accepted=self._clock(),
        )
        self._store.transact(lambda tx: None if tx.get(Agreement, agreement.id) else tx.put(agreement))
        return products[-1]

    def _fetch(self, product: Image, *, report: Report, cancelled: threading.Event) -> None:
        def register(made: Content) -> None:
            def work(tx: Transaction) -> None:
                now = tx.get(Image, product.id)
                if now is not None:
                    tx.put(_with_content(replace(now, kind=str(made.kind)), made))

            self._store.transact(work)

        asked = Asked(
            source=product.source,
            kind=Kind(product.kind) if product.kind else None,
            checksum=product.source_checksum,
        )
        self._import(asked, register=register, report=report, cancelled=cancelled)

    def add_catalogue(self, location: str) -> tuple[Image, ...]:
        """Read a catalogue, again if it is known; its products. Raises ImageError."""
        try:
            found = catalogue.parse(_read(location), location=location)
        except (OSError, ValueError) as problem:
            raise ImageError("InvalidParameterValue", f"{location}: {problem}") from problem

        def work(tx: Transaction) -> None:
            tx.put(Catalogue(id=location, added=self._clock()))
            _replace_products(tx, found, location=location, now=self._clock())

        self._store.transact(work)
        return found

    def remove_catalogue(self, location: str) -> None:
        """Its products go; instances of them stay. Raises ImageError."""

        def work(tx: Transaction) -> None:
            if tx.get(Catalogue, location) is None:
                known = ", ".join(one.id for one in tx.values(Catalogue)) or "none"
                raise ImageError("InvalidParameterValue", f"There is no catalogue {location}; there are: {known}.")
            tx.delete(Catalogue, location)
            _replace_products(tx, (), location=location, now=self._clock())

        self._store.transact(work)

    # -- keeping -----------------------------------------------------------------------------------------------------

    def deregister(self, image_id: str) -> None:
        """The operator may take away anybody's. Raises ImageError."""

        def work(tx: Transaction) -> None:
            image = tx.get(Image, image_id)
            if image is None or image.state is not ImageState.AVAILABLE or image.owner_alias == MARKETPLACE:
                raise ImageError("InvalidAMIID.NotFound", f"There is no imported image {image_id}.")
            tx.put(replace(image, state=ImageState.DEREGISTERED))

        self._store.transact(work)

    def certified(
        self, image_id: str, *, passed: int, failed: int, skipped: int, failed_checks: tuple[str, ...], version: str
    ) -> Certification:
        """Keep what all checks found, in place of what they found before. Raises ImageError."""
        found = Certification(
            id=image_id,
            at=self._clock(),
            passed=passed,
            failed=failed,
            skipped=skipped,
            failed_checks=failed_checks,
            version=version,
        )

        def work(tx: Transaction) -> None:
            if images.find(tx, image_id) is None:
                raise ImageError("InvalidAMIID.NotFound", f"There is no image {image_id}.")
            tx.put(found)

        self._store.transact(work)
        return found

    def reconcile(self) -> float:
        """What is shipped is there; what is deregistered and unused goes, and its content with it."""
        snapshot = self._store.snapshot()
        stored = [replace(one, created=0.0) for one in listed(snapshot) if not one.catalogue]
        if sorted(stored, key=_by_id) != sorted(self._shipped, key=_by_id):
            self._store.transact(lambda tx: _replace_products(tx, self._shipped, location="", now=self._clock()))
        if images.no_longer_used(snapshot) or images.of_nothing(snapshot):
            self._store.transact(_forget_unused)
        if self._contents is not None:
            for name in self._contents.sweep(lambda: images.contents(self._store.snapshot())):
                log.info("deleted the content %s, which no image has any more", name)
        return POLL_S


def listed(view: View) -> list[Image]:
    """The marketplace's products, oldest first."""
    found = [one for one in view.values(Image) if one.owner_alias == MARKETPLACE]
    return [one for one in found if one.state is ImageState.AVAILABLE]


def _by_id(image: Image) -> str:
    return image.id


def _with_content(image: Image, made: Content) -> Image:
    return replace(image, content=made.name, checksum=made.checksum, size_bytes=made.size_bytes, launch=made.launch)


def _require_free(view: View, about: Registration) -> None:
    for image in view.values(Image):
        same = (image.name, image.account, image.region) == (about.name, about.account, about.region)
        if same and image.state is ImageState.AVAILABLE:
            raise ImageError("InvalidAMIName.Duplicate", f"AMI name {about.name} is already in use by AMI {image.id}")


def _replace_products(tx: Transaction, found: tuple[Image, ...], *, location: str, now: float) -> None:
    """The products of a catalogue become `found`; a product that was fetched keeps its content."""
    for image in found:
        known = tx.get(Image, image.id)
        if known is not None and known.catalogue != location:
            raise ImageError(
                "InvalidParameterValue",
                f"{image.product_code} {image.version} is in the catalogue {known.catalogue} too.",
            )
        fetched = known if known is not None and known.source_checksum == image.source_checksum else None
        if fetched is not None and fetched.content and fetched.source == image.source:
            image = replace(
                image,
                kind=fetched.kind,
                content=fetched.content,
                checksum=fetched.checksum,
                size_bytes=fetched.size_bytes,
                launch=fetched.launch,
            )
        tx.put(replace(image, created=known.created if known is not None else now))
    for image in list(tx.values(Image)):
        gone = image.owner_alias == MARKETPLACE and image.catalogue == location
        if gone and image.id not in {one.id for one in found} and image.state is ImageState.AVAILABLE:
            tx.put(replace(image, state=ImageState.DEREGISTERED))


def _forget_unused(tx: Transaction) -> None:
    for image in images.no_longer_used(tx):
        tx.delete(Image, image.id)
    for certification in images.of_nothing(tx):
        tx.delete(Certification, certification.id)


def _read(location: str) -> str:
    if location.startswith(("http://", "https://")):
        with urllib.request.urlopen(location, timeout=_CATALOGUE_S) as answer:
            text: bytes = answer.read(_CATALOGUE_BYTES + 1)
    elif location.startswith("/"):
        with open(location, "rb") as file:
            text = file.read(_CATALOGUE_BYTES + 1)
    else:
        raise ValueError("a catalogue is an absolute path, or a URL that begins with http:// or https://")
    if len(text) > _CATALOGUE_BYTES:
        raise ValueError(f"the catalogue is larger than {_CATALOGUE_BYTES} bytes")
    return text.decode("utf-8")


__all__ = ["ImageError", "ImageKeeper", "ImportFailed", "Registration", "listed"]
