"""Makes the pictures of docs/{en,ko}/console-tutorial.md and of the README: `python -m tests.console.shots`.

The walk-through's own clicks, photographed before each form is sent, over a lab with packets; then the running demo on the map. Needs
root, and the pages built (`make web`).
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from opengwlb.cli import console, credentials
from tests.stories.cloud import answers
from tests.stories.server import Server, until

from . import network
from . import test_walk_through as walk_through
from .chromium import chromium, window
from .visitor import Visitor
from .words import LANGUAGES

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"
COLOURS = 128
FORMS = {
    "instances/launch": "instances",
    "load-balancers/create/gateway": "wizard",
    "security-groups": "security-group",
    "endpoint-services/create": "endpoint-service",
    "endpoints/create": "endpoint",
    "route-tables": "routes",
}
"""What a form's picture is called, by how its path begins; several pictures of one name are numbered."""


class Camera:
    """Keeps what a page shows as a small palette PNG."""

    def __init__(self, page: Page, directory: Path) -> None:
        self.page = page
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def take(self, name: str) -> None:
        self.page.evaluate("document.activeElement?.blur()")
        found = Image.open(io.BytesIO(self.page.screenshot(animations="disabled", caret="hide")))
        small = found.convert("RGB").quantize(COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        small.save(self.directory / f"{name}.png", optimize=True)


class Photographer(Visitor):
    """A visitor who photographs each form before it is sent."""

    def __init__(self, page: Page, *, endpoint: str, language: str) -> None:
        super().__init__(page, endpoint=endpoint, language=language)
        self.camera = Camera(page, PICTURES / language)
        self.taken: dict[str, int] = {}

    def submit(self) -> None:
        self._form()
        super().submit()

    def button(self, key: str, within: Locator | None = None) -> None:
        sending = key.startswith("load-balancers:wizard.next") or key in ("route-tables:edit.save", "common:create")
        if sending:
            self._form()
        super().button(key, within)

    def _form(self) -> None:
        path = self.page.url.partition("/console/")[2]
        for beginning, name in FORMS.items():
            if path.startswith(beginning):
                self.taken[name] = self.taken.get(name, 0) + 1
                self.page.evaluate("window.scrollTo(0, 0)")
                self.camera.take(f"{name}-{self.taken[name]}")


def the_walk_through(browser: Browser, cloud: Server, language: str) -> None:
    """Every step of the document, and the by-pass at its end."""
    partner, customer = f"partner-{language}", f"customer-{language}"
    for account in (partner, customer):
        cloud.account(account)
    security, shop = network.security(cloud, partner), network.consumer(cloud, customer)
    with window(browser, endpoint=cloud.endpoint, language=language) as opened:
        visitor = Photographer(opened.page, endpoint=cloud.endpoint, language=language)
        take = visitor.camera.take
        visitor.page.goto(console.link(cloud.name, account=partner))
        walk_through._steps_done(visitor)
        take("home")
        visitor.menu("marketplace")
        expect(visitor.page.get_by_test_id("product-opengwlb-firewall")).to_be_visible()
        take("marketplace")
        walk_through._accept_the_partners_firewall(visitor)
        walk_through._launch_appliances(visitor, security)
        appliances = walk_through._running(cloud, partner, count=2)
        visitor.open("load-balancers/create")
        expect(visitor.page.get_by_test_id("create-gateway")).to_be_visible()
        take("type")
        walk_through._create_load_balancer(visitor, security, appliances)
        walk_through._let_the_load_balancer_in(visitor, security)
        service = walk_through._offer_it(visitor)
        take("service-name")
        key = credentials.profile(cloud.data_dir, name=customer)
        visitor.add_account(access_key=key.access_key, secret_key=key.secret_key)
        endpoint = walk_through._create_endpoint(visitor, shop, service)
        walk_through._route(visitor, shop.tables["app"], destination="0.0.0.0/0", target=endpoint)
        walk_through._route(visitor, shop.tables["endpoint"], destination="0.0.0.0/0", target=shop.igw)
        walk_through._route(visitor, shop.tables["edge"], destination=network.APPLICATIONS, target=endpoint)
        walk_through._associate_edge(visitor, shop)
        until(lambda: answers(cloud, shop.public), what="the application answers", seconds=20)
        with asking(cloud, shop.public):
            visitor.menu("walk")
            visitor.fill("server", shop.public)
            visitor.fill("port", str(network.ALLOWED_PORT))
            Visitor.submit(visitor)
            expect(visitor.page.get_by_test_id("play")).to_be_visible(timeout=30_000)
            take("walk")
        plain = Visitor(opened.page, endpoint=cloud.endpoint, language=language)
        walk_through._remove_edge_route(plain, shop)
        walk_through._by_pass_is_seen(visitor, cloud, shop)
        take("by-pass")


@contextmanager
def asking(cloud: Server, address: str) -> Iterator[None]:
    """Requests from the internet, one after the other."""
    sent = cloud.spawn("internet", "sh", "-c", f"while :; do curl -s -m 1 -o /dev/null http://{address}/; done")
    try:
        yield
    finally:
        sent.terminate()
        sent.communicate(timeout=10)


def _stands(page: Page) -> bool:
    """Whether the map is where it was a moment ago: it glides to what it shows."""
    where = page.locator(".react-flow__viewport")
    before = where.get_attribute("style")
    page.evaluate("() => new Promise((done) => setTimeout(done, 600))")
    return where.get_attribute("style") == before


def the_demo(browser: Browser, cloud: Server, language: str, *, first: bool) -> None:
    """Built by its button the first time; then the map with traffic."""
    with window(browser, endpoint=cloud.endpoint, language=language) as opened:
        visitor = Visitor(opened.page, endpoint=cloud.endpoint, language=language)
        camera = Camera(opened.page, PICTURES / language)
        visitor.page.goto(console.link(cloud.name, account="operator"))
        build = visitor.page.get_by_test_id("demo-build")
        send = visitor.page.get_by_test_id("demo-traffic")
        if first:
            build.click()
        expect(send).to_be_enabled(timeout=120_000)
        send.click()
        visitor.menu("map")
        visitor.choose("map-vpc", "customer1")
        expect(visitor.page.locator(".react-flow__edge").first).to_be_attached()
        expect(visitor.page.locator(".map-moving").nth(8)).to_be_attached()
        visitor.button("map:controls.fit")
        expect(visitor.page.locator(".lighting")).to_have_count(0)
        until(lambda: _stands(visitor.page), what="the map stands still")
        camera.take("map")


def main() -> None:
    with tempfile.TemporaryDirectory() as directory, chromium() as browser:
        cloud = Server(name=f"sh{os.getpid() % 10000}", data_dir=Path(directory) / "data")
        try:
            cloud.start()
            for language in LANGUAGES:
                the_demo(browser, cloud, language, first=language == LANGUAGES[0])
            for language in LANGUAGES:
                the_walk_through(browser, cloud, language)
        finally:
            cloud.down()


if __name__ == "__main__":
    main()
