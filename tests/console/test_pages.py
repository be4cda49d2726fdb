"""The pages as files: which are kept, how they are packed, and what a browser may do with them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from opengwlb.console import pages

HASHED = "assets/index-C9Yjq1z-.js"
SCRIPT = b"console.log('packed')\n" * 100


@pytest.fixture
def built(tmp_path: Path) -> Path:
    directory = tmp_path / "static"
    (directory / "assets").mkdir(parents=True)
    (directory / "index.html").write_text("<!doctype html><div id=root></div>")
    (directory / "favicon.svg").write_text("<svg/>")
    (directory / HASHED).write_bytes(SCRIPT)
    (directory / f"{HASHED}.gz").write_bytes(gzip.compress(SCRIPT))
    (directory / f"{HASHED}.br").write_bytes(b"as brotli")
    (tmp_path / "secret.json").write_text("{}")
    return directory


@pytest.fixture
def browser(built: Path) -> TestClient:
    return TestClient(Starlette(routes=pages.routes(built)), follow_redirects=False)


@pytest.mark.parametrize("path", ["/console/", "/console/vpcs", "/console/route-tables/rtb-1/edit"])
def test_every_path_without_a_suffix_is_the_application(browser: TestClient, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 200 and "id=root" in answer.text
    assert answer.headers["cache-control"] == "no-cache"


def test_the_bare_name_leads_to_the_pages(browser: TestClient) -> None:
    answer = browser.get("/console")
    assert answer.is_redirect and answer.headers["location"] == "/console/"


def test_a_name_with_a_hash_is_kept_for_good_and_no_other(browser: TestClient) -> None:
    assert "immutable" in browser.get(f"/console/{HASHED}").headers["cache-control"]
    assert browser.get("/console/favicon.svg").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("identity", None),
        ("", None),
    ],
)
def test_the_smallest_packing_that_is_accepted_is_sent(built: Path, accepted: str, encoding: str | None) -> None:
    status, headers, _ = _raw(built, accepted)
    assert status == 200
    assert headers.get("content-encoding") == encoding
    assert headers["vary"] == "accept-encoding" and headers["content-type"].startswith("text/javascript")


def _raw(built: Path, accepted: str) -> tuple[int, dict[str, str], bytes]:
    """Undecoded: the file that stands for brotli is not brotli."""
    with (
        TestClient(Starlette(routes=pages.routes(built))) as client,
        client.stream("GET", f"/console/{HASHED}", headers={"accept-encoding": accepted}) as answer,
    ):
        return answer.status_code, dict(answer.headers), b"".join(answer.iter_raw())


def test_what_a_browser_has_is_not_sent_again(browser: TestClient) -> None:
    tag = browser.get("/console/").headers["etag"]
    again = browser.get("/console/", headers={"if-none-match": f'"x", W/{tag}'})
    assert again.status_code == 304 and again.content == b""


def test_each_packing_has_a_tag_of_its_own(built: Path) -> None:
    assert len({_raw(built, accepted)[1]["etag"] for accepted in ("br", "gzip", "identity")}) == 3


@pytest.mark.parametrize(
    "path",
    [
        "/console/missing.js",
        "/console/a%00b.js",
        f"/console/{'a' * 300}.js",
        "/console/..%2fsecret.json",
        "/console/assets/..%2f..%2fsecret.json",
        f"/console/{HASHED}.br",
    ],
)
def test_nothing_else_of_the_disk_is_served(browser: TestClient, path: str) -> None:
    assert browser.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/console/", f"/console/{HASHED}", "/console/missing.js", "/console"])
def test_every_answer_forbids_what_the_pages_do_not_need(browser: TestClient, path: str) -> None:
    headers = browser.get(path, headers={"accept-encoding": "identity"}).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; ")
    for part in ("connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"):
        assert part in policy
    assert "unsafe-eval" not in policy and "script-src 'self';" in policy
    assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"


def test_a_console_that_was_not_built_says_how_in_both_languages(tmp_path: Path) -> None:
    answer = TestClient(Starlette(routes=pages.routes(tmp_path / "none"))).get("/console/vpcs")
    assert answer.status_code == 503
    assert answer.text.count("make setup") == 2 and "빌드" in answer.text
