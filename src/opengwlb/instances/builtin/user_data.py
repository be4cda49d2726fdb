"""Which scripts an instance's user data holds, and when each runs: the part of cloud-init's formats that AWS's
documents use."""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import dataclass

BOOTHOOK = b"#cloud-boothook"
_ALWAYS = re.compile(rb"scripts[-_]user\s*,\s*always")


@dataclass(frozen=True, slots=True)
class Script:
    content: bytes
    """Begins with `#!`."""
    every_boot: bool = False
    """False: on the first boot of the instance only."""


def is_script(user_data: bytes) -> bool:
    """Whether user data is something to run, and not some appliance's rules."""
    mime = re.match(rb"(?i)(content-type|mime-version):", user_data) is not None
    return mime or user_data.startswith((b"#!", BOOTHOOK, b"#cloud-config"))


def scripts(user_data: bytes) -> tuple[list[Script], list[str]]:
    """The scripts in order, and a sentence for each part that is not run.

    Understood are a script that begins with `#!`, a `#cloud-boothook` (every boot), and a MIME multi-part of these,
    where a cloud-config part that says `[scripts-user, always]` makes its scripts run on every boot. Anything else,
    such as a firewall's rules, is data.
    """
    if user_data.startswith(b"#!"):
        return [Script(user_data)], []
    if user_data.startswith(BOOTHOOK):
        return _boothook(user_data), []
    if user_data.startswith(b"#cloud-config"):
        return [], ["cloud-config is not run; use a script that begins with #!"]
    return _multipart(user_data) if is_script(user_data) else ([], [])


def _boothook(content: bytes) -> list[Script]:
    body = content.split(b"\n", 1)[1] if b"\n" in content else b""
    return [Script(body if body.startswith(b"#!") else b"#!/bin/sh\n" + body, every_boot=True)]


def _multipart(user_data: bytes) -> tuple[list[Script], list[str]]:
    message = email.message_from_bytes(user_data, policy=email.policy.default)
    contents = []
    for part in message.walk():
        if not part.is_multipart():
            payload = part.get_payload(decode=True)
            if isinstance(payload, bytes) and payload.strip():
                contents.append((part.get_content_type(), payload.replace(b"\r\n", b"\n")))
    always = any(kind == "text/cloud-config" and _ALWAYS.search(body) for kind, body in contents)
    found: list[Script] = []
    remarks: list[str] = []
    for kind, body in contents:
        if body.startswith(b"#!"):
            found.append(Script(body, every_boot=always))
        elif body.startswith(BOOTHOOK):
            found += _boothook(body)
        elif not (kind == "text/cloud-config" and _ALWAYS.search(body)):
            remarks.append(f"a part of type {kind} is not run")
    return found, remarks
