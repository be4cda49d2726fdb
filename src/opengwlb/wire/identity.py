"""Who is calling: by signature, or, in a lab with `--auth off`, by what the request says of itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from .errors import AwsError
from .sigv4 import Credential, HttpRequest, Signature, find_credential, read_signature, verify


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    access_key: str
    """Empty for an unsigned request."""
    account: str
    region: str
    service: str
    """The signing name in the credential scope (`ec2`, `elasticloadbalancing`, `gwlb`); empty when unsigned."""
    role: str = ""
    """ARN of the role that the caller is a session of; empty: the account's root, which may do everything."""
    arn: str = ""
    """Of a role's session."""
    user_id: str = ""
    policies: tuple[str, ...] = ()
    """Of a role's session: what narrows what it may do."""


def claimed_signature(request: HttpRequest) -> Signature | None:
    """What the request says of itself, unverified; None when it says nothing readable."""
    try:
        return read_signature(request)
    except AwsError:
        return None


class Authenticator:
    """`credentials` finds an access key; `clock` gives seconds since the epoch."""

    def __init__(
        self,
        *,
        credentials: Callable[[str], Credential | None],
        auth: Literal["sigv4", "off"],
        clock: Callable[[], float],
        default_account: str,
        default_region: str,
        sessions: Callable[[str], Credential | None] = lambda _: None,
    ) -> None:
        """`sessions` reads a session token that this server gave out."""
        self._sessions = sessions
        self._credentials = credentials
        self._auth = auth
        self._clock = clock
        self._default_account = default_account
        self._default_region = default_region

    def authenticate(self, request: HttpRequest, *, service: str | None = None) -> Identity:
        """Raises AwsError (401, 403, 400) when the signature is missing, wrong, too old, or for another `service`."""
        if self._auth == "off":
            return self._unverified(request)
        signature = read_signature(request)
        credential = verify(
            request,
            signature=signature,
            credentials=self._credentials,
            sessions=self._sessions,
            now=self._clock(),
        )
        if service is not None and signature.service != service:
            raise AwsError(
                "SignatureDoesNotMatch", f"Credential should be scoped to correct service: '{service}'.", status=403
            )
        return Identity(
            access_key=credential.access_key,
            account=credential.account,
            region=signature.region,
            service=signature.service,
            role=credential.role,
            arn=credential.arn,
            user_id=credential.user_id,
            policies=credential.policies,
        )

    def _unverified(self, request: HttpRequest) -> Identity:
        signature = claimed_signature(request)
        if signature is None:
            return Identity(access_key="", account=self._default_account, region=self._default_region, service="")
        known = find_credential(signature, credentials=self._credentials, sessions=self._sessions)
        return Identity(
            access_key=signature.access_key,
            account=self._default_account if known is None else known.account,
            region=signature.region,
            service=signature.service,
            role="" if known is None else known.role,
            arn="" if known is None else known.arn,
            user_id="" if known is None else known.user_id,
            policies=() if known is None else known.policies,
        )
