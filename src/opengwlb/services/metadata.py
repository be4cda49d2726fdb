"""The instance metadata service: who asks is known by address and VPC, what is answered by `policy/metadata.py`.

Version 1 is a plain GET. Version 2 wants a token, that a PUT gets; a token is good for one instance and carries its own proof, so none
is remembered and one from before a restart still holds.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from urllib.parse import unquote

from opengwlb.api.common.zones import zones
from opengwlb.api.ec2.images import ARCHITECTURE
from opengwlb.api.secrets import session_key
from opengwlb.model.compute import Instance
from opengwlb.model.snapshot import Snapshot
from opengwlb.policy import images, metadata
from opengwlb.policy.sessions import seal, unseal
from opengwlb.store.protocol import Store

from .authority import DocumentSigner, authority_certificate, document_certificate
from .http import Incoming, Outgoing

TOKEN_PATH = "/latest/api/token"
TOKEN = "x-aws-ec2-metadata-token"
TTL = "x-aws-ec2-metadata-token-ttl-seconds"
LONGEST_S = 21600
CERTIFICATES: dict[str, Callable[[Store], str]] = {
    "/opengwlb/ca.pem": authority_certificate,
    "/opengwlb/identity.pem": document_certificate,
}
"""Public, so without a token: a line in a start script gets them."""
VERSIONS = (
    *("1.0", "2007-01-19", "2007-03-01", "2007-08-29", "2007-10-10", "2007-12-15", "2008-02-01", "2008-09-01"),
    *("2009-04-04", "2011-01-01", "2011-05-01", "2012-01-12", "2014-02-25", "2014-11-05", "2015-10-20", "2016-04-19"),
    *("2016-06-30", "2016-09-02", "2018-03-28", "2018-08-17", "2018-09-24", "2019-10-01", "2020-10-27", "2021-01-03"),
    *("2021-03-23", "2021-07-15", "2022-09-24", "2024-04-11", "latest"),
)
_TITLES = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed"}
_PURPOSE = "metadata token"


class MetadataService:
    """Answers for one VPC."""

    def __init__(self, *, store: Store, vpc: str, clock: Callable[[], float]) -> None:
        self._store = store
        self._vpc = vpc
        self._clock = clock

    async def __call__(self, incoming: Incoming) -> Outgoing:
        return await asyncio.to_thread(self.answer, incoming)

    def answer(self, incoming: Incoming) -> Outgoing:
        snapshot = self._store.snapshot()
        instance = metadata.instance_at(snapshot, self._vpc, incoming.peer)
        if instance is None:
            return _refusal(404)
        if not instance.metadata.endpoint:
            return _refusal(403)
        path = unquote(incoming.target.partition("?")[0])
        if incoming.method == "PUT":
            return self._token(incoming, instance) if path == TOKEN_PATH else _refusal(405)
        if incoming.method not in ("GET", "HEAD"):
            return _refusal(405)
        if path in CERTIFICATES:
            return _answer(200, CERTIFICATES[path](self._store).encode())
        given = incoming.header(TOKEN)
        if not self._permitted(given, instance):
            return _refusal(401)
        found = self._read(path, snapshot, instance)
        if found is None:
            return _refusal(404)
        body = b"" if incoming.method == "HEAD" else found
        return _answer(200, body, ("content-length", str(len(found))), *_remaining(self._left(given, instance)))

    def _token(self, incoming: Incoming, instance: Instance) -> Outgoing:
        """A proxy that forwards says so in a header, and gets none: tokens are for the instance itself."""
        if incoming.header("x-forwarded-for") is not None:
            return _refusal(403)
        asked = (incoming.header(TTL) or "").strip()
        if not (asked.isascii() and asked.isdigit() and len(asked) <= 5 and 1 <= int(asked) <= LONGEST_S):
            return _refusal(400)
        claims = f"{instance.id} {int(self._clock()) + int(asked)}"
        token = seal(claims, key=session_key(self._store), purpose=_PURPOSE)
        return _answer(200, token.encode(), (TTL, asked), ttl=instance.metadata.hop_limit)

    def _permitted(self, given: str | None, instance: Instance) -> bool:
        if given is None:
            return instance.metadata.tokens == "optional"
        return self._left(given, instance) is not None

    def _left(self, given: str | None, instance: Instance) -> int | None:
        """Seconds that a token is still good for; None when it never was, or not for this instance, or not any more."""
        claims = unseal(given, key=session_key(self._store), purpose=_PURPOSE) if given else None
        if claims is None:
            return None
        owner, expires = claims.split(" ")
        left = int(expires) - int(self._clock())
        return left if owner == instance.id and left > 0 else None

    def _read(self, path: str, snapshot: Snapshot, instance: Instance) -> bytes | None:
        if path == "/":
            return "\n".join(VERSIONS).encode()
        version, _, rest = path.removeprefix("/").partition("/")
        if version not in VERSIONS:
            return None
        if rest == "user-data":
            return base64.b64decode(instance.user_data) if instance.user_data else None
        image = images.find(snapshot, instance.image)
        code = image.product_code if image is not None else ""
        tree: metadata.Tree = {
            "dynamic": self._dynamic(instance, code),
            "meta-data": metadata.meta_data(
                snapshot,
                instance,
                zone_id=next((zone.id for zone in zones(instance.region) if zone.name == instance.zone), ""),
                product_code=code,
                session_key=session_key(self._store),
                now=self._clock(),
            ),
        }
        if instance.user_data:
            tree["user-data"] = ""
        text = metadata.look_up(tree, rest)
        return None if text is None else text.encode()

    def _dynamic(self, instance: Instance, code: str) -> metadata.Tree:
        document = metadata.identity_document(instance, architecture=ARCHITECTURE, product_code=code)

        def signed(by: Callable[[DocumentSigner, bytes], str]) -> Callable[[], str]:
            return lambda: by(DocumentSigner(self._store), document.encode())

        return {
            "instance-identity": {
                "document": document,
                "pkcs7": signed(DocumentSigner.pkcs7),
                "rsa2048": signed(DocumentSigner.pkcs7),
                "signature": signed(DocumentSigner.signature),
            }
        }


def _remaining(left: int | None) -> tuple[tuple[str, str], ...]:
    return () if left is None else ((TTL, str(left)),)


def _refusal(status: int) -> Outgoing:
    title = f"{status} - {_TITLES[status]}"
    body = (
        '<?xml version="1.0" encoding="iso-8859-1"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN"\n'
        '\t"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">\n'
        '<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en">\n'
        f" <head>\n  <title>{title}</title>\n </head>\n <body>\n  <h1>{title}</h1>\n </body>\n</html>\n"
    )
    return Outgoing(status=status, body=body.encode(), headers=(("content-type", "text/html"), ("server", "EC2ws")))


def _answer(status: int, body: bytes, *headers: tuple[str, str], ttl: int = 64) -> Outgoing:
    return Outgoing(
        status=status, body=body, headers=(("content-type", "text/plain"), ("server", "EC2ws"), *headers), ttl=ttl
    )
