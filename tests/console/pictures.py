"""Pictures of every page, and how two of them are compared. `python -m tests.console.pictures` renews the stored ones.

Stored are images of half size in 64 colours. What differs from run to run (ids, times) is made the same before; what differs from
machine to machine (how a letter's edge is drawn) is blurred away by comparing at an eighth of the size.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageChops, ImageStat

STORED = Path(__file__).with_name("pictures")
DIFFERENT = Path(__file__).resolve().parents[2] / "build" / "pictures"
DESKTOP, TABLET = 1280, 820
HEIGHT = 900
COLOURS = 64
RENEW = "GWLB_RENEW_PICTURES"
COARSE = 8
PIXEL_TOLERANCE = 40
"""Of 255, between two pixels of the coarse images."""
SHARE_TOLERANCE = 0.02
"""Of the coarse image's pixels that may differ by more."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a page is looked at."""

    language: str
    theme: str
    width: int

    def __str__(self) -> str:
        return f"{self.language}-{self.theme}-{self.width}"


LOOKS = [
    Look(language="en", theme="light", width=DESKTOP),
    Look(language="ko", theme="dark", width=DESKTOP),
    Look(language="ko", theme="light", width=TABLET),
]
"""Each language, theme and width: Korean, which is wider in small columns, at the width of a tablet."""


def small(png: bytes) -> Image.Image:
    """As pictures are stored."""
    taken = Image.open(BytesIO(png)).convert("RGB")
    return taken.resize((taken.width // 2, taken.height // 2), Image.Resampling.LANCZOS)


def path_of(page: str, look: Look) -> Path:
    return STORED / str(look) / f"{page.replace('/', '-') or 'home'}.png"


def store(picture: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def difference(actual: Image.Image, expected: Image.Image) -> float:
    """The share of the picture that looks different, 0 to 1."""
    if actual.size != expected.size:
        return 1.0
    coarse = (max(1, actual.width * 2 // COARSE), max(1, actual.height * 2 // COARSE))
    shrunk = [one.convert("RGB").resize(coarse, Image.Resampling.BOX) for one in (actual, expected)]
    apart = ImageChops.difference(*shrunk).convert("L").point(lambda value: 255 if value > PIXEL_TOLERANCE else 0)
    return float(ImageStat.Stat(apart).mean[0]) / 255


def compare(actual: Image.Image, path: Path) -> str | None:
    """None when it looks as stored; else what to look at, which then is in build/pictures."""
    if not path.exists():
        return f"{path.relative_to(STORED)}: nothing is stored; python -m tests.console.pictures stores it"
    expected = Image.open(path).convert("RGB")
    share = difference(actual, expected)
    if share <= SHARE_TOLERANCE:
        return None
    where = DIFFERENT / path.relative_to(STORED).with_suffix("")
    where.mkdir(parents=True, exist_ok=True)
    actual.save(where / "actual.png")
    expected.save(where / "expected.png")
    if actual.size == expected.size:
        ImageChops.difference(actual, expected).save(where / "difference.png")
    return f"{path.relative_to(STORED)}: {share:.1%} of it differs; see {where}"


def renewing() -> bool:
    """Whether the pictures are to be stored now instead of compared."""
    return os.environ.get(RENEW) == "yes"


if __name__ == "__main__":
    import pytest

    os.environ[RENEW] = "yes"
    sys.exit(pytest.main(["-q", str(Path(__file__).with_name("test_pictures.py"))]))
