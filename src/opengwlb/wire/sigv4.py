"""Signature Version 4, verified: who signed this request, with which key, for which region and service.

Works on the raw path, query string and body bytes as received; the specification is "Create a signed AWS API request"
in the IAM User Guide, and botocore.auth is the oracle of the tests. Header and presigned-URL authentication.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote, unquote

from .errors import AwsError

ALGORITHM = "AWS4-HMAC-SHA256"
SKEW_S = 300
MAX_EXPIRES_S = 7 * 24 * 3600
SCOPE_PART = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)


class UnknownKey(AwsError):
    def __init__(self) -> None:
        super().__init__("InvalidClientTokenId", "The security token included in the request is invalid.", status=403)


class SignatureExpired(AwsError):
    def __init__(self, message: str) -> None:
        super().__init__("SignatureDoesNotMatch", message, status=403)


class TokenExpired(AwsError):
    def __init__(self) -> None:
        super().__init__("ExpiredToken", "The security token included in the request is expired", status=403)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """A request as it came: nothing decoded that a signature covers."""

    method: str
    path: str
    """Percent-encoded, without the query string."""
    query: str
    headers: tuple[tuple[str, str], ...]
    """Names in lower case; a name may come twice."""
    body: bytes

    def header(self, name: str) -> str | None:
        """The values of a header (lower case), joined by commas; None when it was not sent."""
        values = [value for key, value in self.headers if key == name]
        return ",".join(values) if values else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What a server knows of an access key."""

    access_key: str
    secret: str
    account: str
    session_token: str | None = None
    """Of temporary credentials: must be sent along."""
    expires: float | None = None
    """Of temporary credentials, in seconds since the epoch."""
    role: str = ""
    """ARN of the role that the key is a session of; empty: the account itself."""
    arn: str = ""
    """Of a role's session."""
    user_id: str = ""
    """Of a role's session: `AROA…:NAME`."""
    policies: tuple[str, ...] = ()
    """Of a role's session: what was given to it to narrow what it may do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a request claims; nothing of it is verified yet."""

    access_key: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    timestamp: str
    """`20261123T120000Z`."""
    expires_s: int | None
    """Only of presigned URLs."""
    session_token: str | None


def read_signature(request: HttpRequest) -> Signature:
    """The claimed signature. Raises MissingAuthenticationToken or IncompleteSignature."""
    authorization = request.header("authorization")
    if authorization is not None:
        algorithm, _, rest = authorization.partition(" ")
        fields = dict(_pair(part) for part in rest.split(","))
        timestamp = request.header("x-amz-date")
        token, expires = request.header("x-amz-security-token"), None
    else:
        query = {key: unquote(value) for key, value in map(_pair, request.query.split("&"))}
        if "X-Amz-Algorithm" not in query:
            raise AwsError("MissingAuthenticationToken", "Request is missing Authentication Token", status=403)
        algorithm, timestamp = query["X-Amz-Algorithm"], query.get("X-Amz-Date")
        fields = {name: query.get(f"X-Amz-{name}", "") for name in ("Credential", "SignedHeaders", "Signature")}
        token, expires = query.get("X-Amz-Security-Token"), query.get("X-Amz-Expires", "")
    if algorithm != ALGORITHM:
        raise _incomplete(f"Unsupported AWS 'algorithm': '{algorithm}', only {ALGORITHM} is supported")
    for name in ("Credential", "SignedHeaders", "Signature"):
        if not fields.get(name):
            raise _incomplete(f"Authorization header requires '{name}' parameter.")
    scope = fields["Credential"].rsplit("/", 4)
    if len(scope) != 5 or scope[4] != "aws4_request" or not all(SCOPE_PART.fullmatch(part) for part in scope[1:4]):
        raise _incomplete("Credential must be ACCESS-KEY/DATE/REGION/SERVICE/aws4_request")
    if not timestamp:
        raise _incomplete("Authorization header requires existence of an 'X-Amz-Date' header.")
    if expires is not None and not (expires.isascii() and expires.isdigit() and len(expires) <= 6):
        raise _incomplete("X-Amz-Expires must be a number of seconds, at most a week")
    return Signature(
        access_key=scope[0],
        date=scope[1],
        region=scope[2],
        service=scope[3],
        signed_headers=tuple(fields["SignedHeaders"].split(";")),
        signature=fields["Signature"],
        timestamp=timestamp,
        expires_s=None if expires is None else int(expires),
        session_token=token,
    )


def verify(
    request: HttpRequest,
    *,
    signature: Signature,
    credentials: Callable[[str], Credential | None],
    sessions: Callable[[str], Credential | None] = lambda _: None,
    now: float,
) -> Credential:
    """The credential that made `signature` over `request`; `sessions` reads a session token. Raises AwsError as AWS's front door does."""
    credential = find_credential(signature, credentials=credentials, sessions=sessions)
    if credential is None:
        raise UnknownKey
    _check_time(signature, now=now)
    if "host" not in signature.signed_headers:
        raise _mismatch("'Host' must be a 'SignedHeader' in the AWS Authorization.")
    # It chooses the operation in the JSON protocols, and stands outside the body.
    if request.header("x-amz-target") is not None and "x-amz-target" not in signature.signed_headers:
        raise _mismatch("'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization.")
    body_sha256 = hashlib.sha256(request.body).hexdigest()
    if request.header("x-amz-content-sha256") not in (None, body_sha256):
        raise _mismatch("The body does not have the SHA-256 of X-Amz-Content-SHA256; unsigned bodies are not accepted.")
    scope = f"{signature.date}/{signature.region}/{signature.service}/aws4_request"
    canonical = canonical_request(request, signed_headers=signature.signed_headers, body_sha256=body_sha256)
    string_to_sign = "\n".join((ALGORITHM, signature.timestamp, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = _signing_key(credential.secret, signature.date, signature.region, signature.service)
    expected = hmac.new(key, string_to_sign.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.signature.encode()):
        raise _mismatch(MISMATCH)
    if not hmac.compare_digest((credential.session_token or "").encode(), (signature.session_token or "").encode()):
        raise UnknownKey
    if credential.expires is not None and credential.expires <= now:
        raise TokenExpired
    return credential


def find_credential(
    signature: Signature,
    *,
    credentials: Callable[[str], Credential | None],
    sessions: Callable[[str], Credential | None],
) -> Credential | None:
    """What is known of the key that a request names: a stored one, or one that its own session token vouches for."""
    known = credentials(signature.access_key)
    if known is not None or signature.session_token is None:
        return known
    session = sessions(signature.session_token)
    return session if session is not None and session.access_key == signature.access_key else None


def canonical_request(request: HttpRequest, *, signed_headers: tuple[str, ...], body_sha256: str) -> str:
    """The text whose hash is signed."""
    query = sorted(_pair(part) for part in request.query.split("&") if part)
    headers = [f"{name}:{' '.join((request.header(name) or '').split())}\n" for name in signed_headers]
    return "\n".join(
        (
            request.method,
            quote(_normal_path(request.path), safe="/~"),
            "&".join(f"{key}={value}" for key, value in query if key != "X-Amz-Signature"),
            "".join(headers),
            ";".join(signed_headers),
            body_sha256,
        )
    )


def _check_time(signature: Signature, *, now: float) -> None:
    try:
        signed = _seconds(signature.timestamp)
    except ValueError as error:
        raise _incomplete("Date must be in ISO-8601 'basic format'.") from error
    if signature.timestamp[:8] != signature.date:
        raise _mismatch("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.")
    valid_s = SKEW_S if signature.expires_s is None else signature.expires_s
    if valid_s > MAX_EXPIRES_S:
        raise _incomplete("X-Amz-Expires must be a number of seconds, at most a week")
    if signed + valid_s < now:
        raise SignatureExpired(
            f"Signature expired: {signature.timestamp} is now earlier than {_stamp(now)} - {valid_s} s."
        )
    if signed - SKEW_S > now:
        raise SignatureExpired(
            f"Signature not yet current: {signature.timestamp} is still later than {_stamp(now)} + {SKEW_S} s."
        )


@lru_cache(maxsize=64)
def _seconds(timestamp: str) -> float:
    """Since the epoch; what is signed in the same second says the same. Raises ValueError."""
    return datetime.strptime(timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()


def _stamp(now: float) -> str:
    return f"{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}"


@lru_cache(maxsize=1024)
def _signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def _normal_path(path: str) -> str:
    """RFC 3986 without dot segments and empty ones, as every service but S3 signs it."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    return "/" + "/".join(kept) + ("/" if kept and path.endswith("/") else "")


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.strip().partition("=")
    return name, value


def _incomplete(message: str) -> AwsError:
    return AwsError("IncompleteSignature", message)


def _mismatch(message: str) -> AwsError:
    return AwsError("SignatureDoesNotMatch", message, status=403)
