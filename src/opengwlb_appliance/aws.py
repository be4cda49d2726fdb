"""AWS from inside an instance, with the standard library alone: metadata (IMDSv2), role credentials, signed calls.

    python3 -m opengwlb_appliance.aws ec2 DescribeNetworkInterfaces Filter.1.Name=vpc-id Filter.1.Value.1=vpc-0…
    python3 -m opengwlb_appliance.aws ssm GetParameter Name=/aws/service/opengwlb/ami/linux/latest

For appliances without boto3; where there is boto3, it finds the same credentials and endpoints by itself. The service is asked at its
own name (`https://ec2.REGION.amazonaws.com/`), which an interface endpoint with private DNS answers, or at AWS_ENDPOINT_URL.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from xml.etree import ElementTree

METADATA = "http://169.254.169.254"
TOKEN_S = 300
RENEW_S = 300
"""Credentials are asked for again this long before they end."""
TIMEOUT_S = 10.0
VERSIONS = {"ec2": "2016-11-15", "elasticloadbalancing": "2015-12-01", "sts": "2011-06-15"}
"""Of the services that are asked by a form."""
TARGETS = {"ssm": "AmazonSSM"}
"""Of those that are asked in JSON."""


class AwsError(Exception):
    """The service refused. `code` is AWS's own."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Credentials:
    access_key: str
    secret: str
    token: str = ""
    expires: float = float("inf")
    """Seconds since the epoch."""


class Metadata:
    """The instance metadata service, version 2."""

    def __init__(self, url: str = METADATA) -> None:
        self._url = url
        self._token = ""
        self._token_until = 0.0
        self._credentials: Credentials | None = None

    def get(self, path: str) -> str:
        """`meta-data/instance-id` -> its text. Raises LookupError for what is not there, OSError when the service does not answer."""
        request = urllib.request.Request(
            f"{self._url}/latest/{path}", headers={"X-aws-ec2-metadata-token": self._fresh()}
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
                return str(response.read().decode())
        except urllib.error.HTTPError as error:
            if error.code == 404:
                raise LookupError(f"the instance metadata have no {path}") from error
            raise

    def credentials(self) -> Credentials:
        """Of the instance's role. Raises LookupError when it has none, AwsError when EC2 may not assume it."""
        if self._credentials is None or self._credentials.expires - RENEW_S < time.time():
            role = self.get("meta-data/iam/security-credentials/").splitlines()[0]
            found = json.loads(self.get(f"meta-data/iam/security-credentials/{role}"))
            if found["Code"] != "Success":
                raise AwsError(found["Code"], found.get("Message", ""))
            ends = datetime.strptime(found["Expiration"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)  # noqa: UP017
            self._credentials = Credentials(
                access_key=found["AccessKeyId"],
                secret=found["SecretAccessKey"],
                token=found["Token"],
                expires=ends.timestamp(),
            )
        return self._credentials

    def _fresh(self) -> str:
        if time.monotonic() >= self._token_until:
            asked = time.monotonic()
            request = urllib.request.Request(
                f"{self._url}/latest/api/token",
                method="PUT",
                headers={"X-aws-ec2-metadata-token-ttl-seconds": str(TOKEN_S)},
            )
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
                self._token = response.read().decode()
            self._token_until = asked + TOKEN_S - 10
        return self._token


class Client:
    """Signed calls to one service: `Client("ec2").call("DescribeInstances")`."""

    def __init__(self, service: str, *, metadata: Metadata | None = None, region: str = "", endpoint: str = "") -> None:
        """`service` as it is signed for: `ec2`, `elasticloadbalancing`, `sts`, `ssm`."""
        if service not in VERSIONS and service not in TARGETS:
            raise ValueError(f"{service} is none of {', '.join((*VERSIONS, *TARGETS))}")
        self._service = service
        self._metadata = metadata or Metadata()
        self._region = region or os.environ.get("AWS_REGION") or self._metadata.get("meta-data/placement/region")
        named = f"https://{service}.{self._region}.amazonaws.com"
        self._url = (endpoint or os.environ.get("AWS_ENDPOINT_URL") or named).rstrip("/") + "/"

    def call(self, action: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """The answer: an XML element without namespaces, or for `ssm` what the JSON says. `parameters` are named as on the wire
        (`Filter.1.Value.1`). Raises AwsError, OSError."""
        given = dict(parameters or {})
        if self._service in TARGETS:
            kind, body = "application/x-amz-json-1.1", json.dumps(given).encode()
            headers = {"X-Amz-Target": f"{TARGETS[self._service]}.{action}"}
        else:
            kind, headers = "application/x-www-form-urlencoded; charset=utf-8", {}
            body = urlencode({"Action": action, "Version": VERSIONS[self._service], **given}).encode()
        headers = {"Content-Type": kind, **headers}
        signed = sign(
            self._url,
            headers,
            body,
            credentials=self._metadata.credentials(),
            region=self._region,
            service=self._service,
            now=datetime.now(timezone.utc),  # noqa: UP017
        )
        try:
            request = urllib.request.Request(self._url, data=body, headers=signed)
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
                return _read(response.read())
        except urllib.error.HTTPError as error:
            raise _refusal(error.read()) from error


def sign(
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    credentials: Credentials,
    region: str,
    service: str,
    now: datetime,
) -> dict[str, str]:
    """`headers` of a POST to `url` with AWS's signature (version 4) and what belongs to it."""
    parts = urlsplit(url)
    stamp = f"{now:%Y%m%dT%H%M%SZ}"
    sent = {**headers, "Host": parts.netloc, "X-Amz-Date": stamp}
    if credentials.token:
        sent["X-Amz-Security-Token"] = credentials.token
    names = sorted(name.lower() for name in sent)
    values = {name.lower(): " ".join(value.split()) for name, value in sent.items()}
    canonical = "\n".join(
        (
            "POST",
            quote(parts.path or "/", safe="/~"),
            parts.query,
            *(f"{name}:{values[name]}" for name in names),
            "",
            ";".join(names),
            hashlib.sha256(body).hexdigest(),
        )
    )
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    text = "\n".join(("AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = f"AWS4{credentials.secret}".encode()
    for part in (*scope.split("/"), text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    claim = f"Credential={credentials.access_key}/{scope}, SignedHeaders={';'.join(names)}, Signature={key.hex()}"
    return {**sent, "Authorization": f"AWS4-HMAC-SHA256 {claim}"}


def _read(body: bytes) -> Any:
    if body.lstrip()[:1] != b"<":
        return json.loads(body or b"{}")
    root = ElementTree.fromstring(body)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def _refusal(body: bytes) -> AwsError:
    try:
        answer = _read(body)
    except (ElementTree.ParseError, ValueError):
        return AwsError("Unknown", body[:200].decode(errors="replace"))
    if isinstance(answer, dict):
        return AwsError(str(answer.get("__type", "Unknown")), str(answer.get("message", "")))
    return AwsError(answer.findtext(".//Code", "Unknown"), answer.findtext(".//Message", ""))


def main(arguments: list[str]) -> int:
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    service, action, *rest = arguments
    parameters = dict(each.split("=", 1) for each in rest if "=" in each)
    try:
        answer = Client(service).call(action, parameters)
    except (AwsError, LookupError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(
        json.dumps(answer, indent=2) if isinstance(answer, dict) else ElementTree.tostring(answer, encoding="unicode")
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
