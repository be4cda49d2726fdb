"""Debian's Chromium for a whole session of tests, and windows of it that tell what went wrong inside them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

PROGRAM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--font-render-hinting=none",
)
WAIT_MS = 15_000


@dataclass(kw_only=True)
class Window:
    """A window with cookies of its own."""

    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)
    """Errors of the browser's console and of scripts, violations of the content security policy, and requests to other hosts."""

    def forgive(self, *beginnings: str) -> None:
        """Forget complaints that a test causes on purpose; each is named by how it begins."""
        self.complaints = [one for one in self.complaints if not one.startswith(beginnings)]


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=PROGRAM, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def window(
    browser: Browser, *, endpoint: str, language: str, theme: str = "light", width: int = 1280, **more: Any
) -> Iterator[Window]:
    """Nobody is signed in. Fails at the end when anything inside complained."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, locale=language, timezone_id="UTC", color_scheme=None, **more
    )
    context.set_default_timeout(WAIT_MS)
    context.add_init_script(
        f"localStorage.setItem('gwlb.language', '{language}'); localStorage.setItem('gwlb.theme', '{theme}');"
    )
    made = Window(context=context, page=context.new_page())
    host = urlsplit(endpoint).netloc

    def asked(address: str) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("data", "blob") and parts.netloc != host:
            made.complaints.append(f"asked {address}")

    context.on("request", lambda request: asked(request.url))
    context.on("weberror", lambda error: made.complaints.append(f"thrown {error.error}"))
    context.on(
        "console", lambda said: said.type == "error" and made.complaints.append(f"{said.text} ({said.location['url']})")
    )
    try:
        yield made
        assert made.complaints == [], "\n".join(made.complaints)
    finally:
        context.close()
