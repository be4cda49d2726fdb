"""The built console, as files: compressed when it was built, kept by browsers for good where the name has a hash in it."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path, PurePosixPath

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

STATIC = Path(__file__).parent / "static"
"""Where web/ is built to, in a checkout and in a wheel."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self' data:; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
SECURITY = {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""Of every page and file."""
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
_PACKED = (("br", ".br"), ("gzip", ".gz"))
"""Content-Encoding and the suffix of such a file, the smaller one first."""
_HASHED = re.compile(r"assets/.+-[\w-]{8}\.\w+")
"""As Vite names what it may name freely."""
_NOT_BUILT = """<!doctype html>
<html lang="en">
<meta charset="utf-8"><title>OpenGWLB</title>
<h1>The console is not built</h1>
<p>This is a checkout in which the pages were not made yet. Run <code>make setup</code> there, and load this page again.
The API and the command line work without it.</p>
<div lang="ko">
<h1>콘솔이 아직 빌드되지 않았습니다</h1>
<p>체크아웃에서 <code>make setup</code>을 실행한 다음 이 페이지를 새로 고치세요.
API와 명령줄은 콘솔 없이도 작동합니다.</p>
</div>
"""


def routes(directory: Path = STATIC) -> list[Route]:
    """`/console/…`: a path without a suffix is a page of the application, which is one file."""

    async def file(request: Request) -> Response:
        return await run_in_threadpool(_answer, directory, request.path_params["path"], request)

    async def root(request: Request) -> Response:
        return RedirectResponse("/console/", headers=SECURITY)

    return [Route("/console", root, methods=["GET"]), Route("/console/{path:path}", file, methods=["GET"])]


def _answer(directory: Path, path: str, request: Request) -> Response:
    named = PurePosixPath(path or "index.html")
    if named.suffix == "":
        named = PurePosixPath("index.html")
    found = _inside(directory, named)
    kind = _TYPES.get(named.suffix)
    if kind is None or found is None:
        if named.name == "index.html":
            return Response(_NOT_BUILT, status_code=503, media_type="text/html", headers=SECURITY)
        return Response("Not found\n", status_code=404, media_type="text/plain", headers=SECURITY)
    encoding, body = _read(found, accepted=request.headers.get("accept-encoding", ""))
    headers = {
        **SECURITY,
        "cache-control": "public, max-age=31536000, immutable" if _HASHED.fullmatch(str(named)) else "no-cache",
        "content-type": kind,
        "etag": f'"{hashlib.sha256(body).hexdigest()[:32]}"',
        "vary": "accept-encoding",
    }
    if encoding is not None:
        headers["content-encoding"] = encoding
    known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    if headers["etag"] in known:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers)


def _inside(directory: Path, named: PurePosixPath) -> Path | None:
    """The file of that name in the directory; None also for a name that no file can have: too long, or with a NUL in it."""
    try:
        found = (directory / named).resolve()
        return found if found.is_relative_to(directory.resolve()) and found.is_file() else None
    except (OSError, ValueError):
        return None


def _read(file: Path, *, accepted: str) -> tuple[str | None, bytes]:
    """(Content-Encoding, bytes) of the best that the client takes and the build has made."""
    takes = _encodings(accepted)
    for encoding, suffix in _PACKED:
        packed = file.with_name(file.name + suffix)
        if encoding in takes and packed.is_file():
            return encoding, packed.read_bytes()
    return None, file.read_bytes()


def _encodings(accepted: str) -> set[str]:
    """Those that Accept-Encoding names and does not forbid by `q=0`."""
    found = set()
    for part in accepted.lower().split(","):
        name, _, weight = part.partition(";")
        if not re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", weight):
            found.add(name.strip())
    return found
