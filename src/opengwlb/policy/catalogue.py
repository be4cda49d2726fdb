"""Marketplace catalogues: a TOML file that says which products there are, under which terms, and where their images come from.

    catalogue = 1                              # of this format

    [[product]]
    code = "acme-firewall"                     # what people accept: gwlb marketplace accept acme-firewall
    name = "acme/firewall"                     # of the image; with the version it names one
    vendor = "Acme"
    version = "4.2"
    description = "Acme's firewall"
    terms = "What people agree to when they accept."
    source = "firewall-4.2.oci.tar"            # a path or URL (relative to this file), or docker://HOST/NAME:TAG
    sha256 = "9f86d081884c7d65…"               # of that file; needed for one that comes from a URL
    kind = "oci"                               # oci, rootfs or disk; found out by looking when it is left out
    in_kernel = false                          # true: handles GENEVE in the kernel

The catalogue that comes with OpenGWLB has `recipe` in place of `source`: an image over the machine's own /usr.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from typing import Any
from urllib.parse import urljoin, urlsplit

from opengwlb.model.images import MARKETPLACE, MARKETPLACE_ACCOUNT, Image

FORMAT = 1
_CODE = re.compile(r"[a-z0-9][a-z0-9-]{2,62}")
_NAME = re.compile(r"[A-Za-z0-9()\[\]. /'@_-]{3,128}")
_TEXTS = frozenset({"code", "name", "vendor", "version", "terms"})
_KNOWN = _TEXTS | {"description", "source", "sha256", "kind", "recipe", "in_kernel", "architecture"}
_KINDS = ("oci", "rootfs", "disk")


def parse(text: str, *, location: str, recipes: frozenset[str] = frozenset()) -> tuple[Image, ...]:
    """The images of a catalogue that was read from `location` (a path or URL). `recipes` are what `recipe` may say.

    Raises ValueError with a sentence that names the product.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise ValueError(f"the catalogue is not TOML: {problem}") from problem
    if document.get("catalogue") != FORMAT:
        raise ValueError(f"the catalogue must begin with `catalogue = {FORMAT}`")
    products = document.get("product")
    if not isinstance(products, list) or document.keys() != {"catalogue", "product"}:
        raise ValueError("the catalogue must be a list of [[product]] and nothing else")
    images = tuple(
        _image(entry, number=number, location=location, recipes=recipes) for number, entry in enumerate(products, 1)
    )
    twice = {one.id for one in images if [other.id for other in images].count(one.id) > 1}
    if twice:
        raise ValueError("the same product and version is there twice")
    return images


def image_id(*, code: str, version: str) -> str:
    """The same on every machine that has the catalogue."""
    return f"ami-0{hashlib.sha256(f'{code} {version}'.encode()).hexdigest()[:16]}"


def _image(entry: Any, *, number: int, location: str, recipes: frozenset[str]) -> Image:
    if not isinstance(entry, dict):
        raise ValueError(f"product {number} must be a table")
    label = f"product {number} ({entry.get('code', 'without code')})"
    for key in sorted(_TEXTS):
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            raise ValueError(f"{label}: `{key}` must be there")
    if unknown := sorted(entry.keys() - _KNOWN):
        raise ValueError(f"{label}: `{unknown[0]}` is not known")
    if not _CODE.fullmatch(entry["code"]):
        raise ValueError(f"{label}: a code is 3 to 63 lower-case letters, digits and hyphens")
    check_name(entry["name"], what=label)
    recipe, source = entry.get("recipe"), entry.get("source")
    if (recipe is None) == (source is None):
        raise ValueError(f"{label}: one of `source` and `recipe` must be there")
    if recipe is not None and recipe not in recipes:
        raise ValueError(f"{label}: there is no recipe {recipe!r} here")
    kind = entry.get("kind", "")
    if kind and kind not in _KINDS:
        raise ValueError(f"{label}: `kind` must be one of {', '.join(_KINDS)}")
    return Image(
        id=image_id(code=entry["code"], version=entry["version"]),
        name=entry["name"],
        description=str(entry.get("description", "")),
        kind=recipe or kind,
        in_kernel=entry.get("in_kernel") is True,
        account=MARKETPLACE_ACCOUNT,
        owner_alias=MARKETPLACE,
        architecture=str(entry.get("architecture", "")),
        vendor=entry["vendor"],
        version=entry["version"],
        licence=entry["terms"].strip(),
        product_code=entry["code"],
        source=_source(source, location=location) if source else "",
        source_checksum=_checksum(entry.get("sha256"), source=source or "", location=location, label=label),
        catalogue=location,
        public=True,
    )


def check_name(name: str, *, what: str) -> None:
    """Raises ValueError for what is no image's name."""
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{what}: an image's name is 3 to 128 letters, digits, spaces and ( ) [ ] . - / ' @ _ characters"
        )


def _source(source: str, *, location: str) -> str:
    if re.match(r"(docker://|oci:|oci-archive:|docker-archive:|/)", source):
        return source
    if urlsplit(location).scheme in ("http", "https") or urlsplit(source).scheme in ("http", "https"):
        return urljoin(location, source)
    return f"{location.rpartition('/')[0]}/{source}"


def _checksum(sha256: Any, *, source: str, location: str, label: str) -> str:
    if sha256 is None:
        if source and _source(source, location=location).startswith(("http://", "https://")):
            raise ValueError(f"{label}: what comes from a URL needs `sha256`, as sha256sum prints it")
        return ""
    if not isinstance(sha256, str) or not re.fullmatch(r"[0-9a-f]{64}", sha256):
        raise ValueError(f"{label}: `sha256` must be 64 hexadecimal digits")
    return f"sha256:{sha256}"
