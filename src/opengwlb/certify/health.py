"""The health check as a target group makes it: one connection, one answer or none."""

from __future__ import annotations

import socket
import ssl
import time
from dataclasses import dataclass
from pathlib import Path

from opengwlb.fabric.namespaces import run_in

from .profile import Profile

TIMEOUT_S = 2.0
"""The shortest that a target group allows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    well: bool
    """As a target group with AWS's defaults would say: connected, or a status from 200 to 399."""
    status: int
    """Of HTTP; 0 without one."""
    seconds: float
    what: str
    """The start of the body, or why there is none."""


def connect(namespace: Path, address: str, port: int, *, timeout_s: float = TIMEOUT_S) -> socket.socket:
    """A connection out of a node. Raises OSError."""
    return run_in(namespace, lambda: socket.create_connection((address, port), timeout=timeout_s))


def ask(namespace: Path, address: str, profile: Profile, *, timeout_s: float = TIMEOUT_S) -> Answer:
    """Never raises: what goes wrong is the answer."""
    began = time.monotonic()
    try:
        with connect(namespace, address, profile.health_port, timeout_s=timeout_s) as plain:
            if profile.health_protocol == "tcp":
                return Answer(well=True, status=0, seconds=time.monotonic() - began, what="connected")
            if profile.health_protocol == "https":
                context = ssl.create_default_context()
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                with context.wrap_socket(plain) as wrapped:
                    said = _get(wrapped, address, profile.health_path, until=began + timeout_s)
            else:
                said = _get(plain, address, profile.health_path, until=began + timeout_s)
    except OSError as problem:
        return Answer(
            well=False, status=0, seconds=time.monotonic() - began, what=str(problem) or type(problem).__name__
        )
    line, _, rest = said.partition(b"\r\n")
    words = line.split()
    status = int(words[1]) if len(words) > 1 and words[0].startswith(b"HTTP/") and words[1].isdigit() else 0
    body = rest.partition(b"\r\n\r\n")[2][:200].decode(errors="replace").strip()
    return Answer(
        well=200 <= status < 400,
        status=status,
        seconds=time.monotonic() - began,
        what=body if status else "no HTTP answer",
    )


def _get(sock: socket.socket, address: str, path: str, *, until: float) -> bytes:
    sock.sendall(
        f"GET {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: ELB-HealthChecker/2.0\r\nConnection: close\r\n\r\n".encode()
    )
    said = b""
    while len(said) < 65536:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError("no whole answer in time")
        sock.settimeout(left)
        piece = sock.recv(65536)
        if not piece:
            break
        said += piece
    return said
