"""What is said of what came back: sentences for a pass, exceptions for everything else. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from .shots import Return, Shot


class Failed(Exception):
    """The appliance did not do it; the sentence says what it did instead."""


class NotReturned(Failed):
    """Nothing came back: what a policy may do, when it is declared."""


class NotApplicable(Exception):
    """The check cannot be asked of this appliance, or not from here; the sentence says why."""


def the_return(shot: Shot, returns: Sequence[Return]) -> Return:
    """The one packet that came back for `shot`. Raises NotReturned, and Failed for a second one."""
    if not returns:
        raise NotReturned(f"{len(shot.inner)} inner bytes were sent and did not come back")
    return returns[0]


def every_return(shots: Sequence[Shot], returns: Sequence[Sequence[Return]], *, what: str = "packets") -> list[Return]:
    """One return for each shot. Raises NotReturned with how many are missing."""
    missing = [at for at, found in enumerate(returns) if not found]
    if missing:
        first = f", the first missing is number {missing[0] + 1}" if len(shots) > 1 else ""
        raise NotReturned(f"{len(missing)} of {len(shots)} {what} did not come back{first}")
    return [found[0] for found in returns]


def same_bytes(what: str, sent: bytes, came: bytes) -> None:
    """Raises Failed that names the first difference."""
    if sent == came:
        return
    at = next((at for at, (a, b) in enumerate(zip(sent, came, strict=False)) if a != b), min(len(sent), len(came)))
    if len(sent) != len(came):
        raise Failed(
            f"{what} went out with {len(sent)} bytes and came back with {len(came)}; they differ from byte {at}"
        )
    raise Failed(
        f"{what} came back changed at byte {at}: {sent[at : at + 8].hex(' ')} became {came[at : at + 8].hex(' ')}"
    )


def same_headers(shots: Sequence[Shot], returns: Sequence[Return]) -> None:
    """Each return carries the GENEVE header of its own shot. Raises Failed."""
    for number, (shot, found) in enumerate(zip(shots, returns, strict=True), start=1):
        which = f"the GENEVE header of packet {number} of {len(shots)}" if len(shots) > 1 else "the GENEVE header"
        same_bytes(which, shot.header, found.data[: len(shot.header)])


def same_inner(shot: Shot, found: Return) -> None:
    """The inner packet came back as it was, but for the TTL: what routes may count it down, and a check of its own says so.
    Raises Failed."""
    same_bytes("the inner packet", without_ttl(shot.inner), without_ttl(found.data[len(shot.header) :]))


def without_ttl(inner: bytes) -> bytes:
    """With zeros for what a router changes: TTL and header checksum of IPv4, hop limit of IPv6."""
    if inner[:1] >= b"\x60":
        return inner[:7] + b"\0" + inner[8:]
    return inner[:8] + b"\0" + inner[9:10] + b"\0\0" + inner[12:]


def not_returned(what: str, returns: Sequence[Return]) -> None:
    """Raises Failed when a packet that has to end in the appliance came back."""
    if returns:
        raise Failed(f"{what} came back; it must be dropped")
