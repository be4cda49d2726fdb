"""One health probe: TCP, HTTP or HTTPS, from a node's own address in its own network (facts section 3)."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from opengwlb.model.elb import HealthCheck
from opengwlb.policy.health import Failure, ProbeResult, matches

OpenSocket = Callable[[str, int, int], socket.socket]
"""(box, family, type) -> a socket inside that box's network namespace."""

STATUS_LINE_LIMIT = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeFrom:
    """Where probes start: the node of the target's zone."""

    box: str
    device: str
    address: str


def tls_context() -> ssl.SSLContext:
    """Certificates are not validated, as AWS does not."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def probe(
    address: str, *, check: HealthCheck, source: ProbeFrom, open_socket: OpenSocket, tls: ssl.SSLContext
) -> ProbeResult:
    """Probe once; the connection is closed whatever comes of it."""
    # `traffic-port` is 6081/UDP for GENEVE groups; AWS accepts it, and a TCP probe of it fails on any ordinary appliance.
    port = 6081 if check.port == "traffic-port" else int(check.port)
    sock = await asyncio.to_thread(open_socket, source.box, socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, source.device.encode())
        sock.bind((source.address, 0))
        async with asyncio.timeout(check.timeout_s):
            await asyncio.get_running_loop().sock_connect(sock, (address, port))
            if check.protocol == "TCP":
                return ProbeResult(said="connected")
            return await _http(sock, address=address, check=check, tls=tls if check.protocol == "HTTPS" else None)
    except TimeoutError:
        return ProbeResult(failure=Failure.TIMEOUT if check.protocol != "TCP" else Failure.FAILED, said="timeout")
    except (OSError, EOFError, ssl.SSLError, ValueError) as error:
        # Refused, reset, unreachable, not TLS, or an answer that is no HTTP: a failed check either way.
        return ProbeResult(failure=Failure.FAILED, said=_said(error))
    finally:
        sock.close()


def _said(error: OSError | EOFError | ValueError) -> str:
    """In a word or two, as a timeline shows it."""
    match error:
        case ConnectionRefusedError():
            return "refused"
        case ConnectionResetError():
            return "reset"
        case ssl.SSLError():
            return "no TLS"
        case OSError(errno=errno.EHOSTUNREACH | errno.ENETUNREACH):
            return "unreachable"
        case OSError():
            return (error.strerror or "failed").lower()
    return "no HTTP"


async def _http(sock: socket.socket, *, address: str, check: HealthCheck, tls: ssl.SSLContext | None) -> ProbeResult:
    reader, writer = await asyncio.open_connection(
        sock=sock, ssl=tls, server_hostname=address if tls else None, limit=STATUS_LINE_LIMIT
    )
    try:
        writer.write(
            f"GET {check.path} HTTP/1.1\r\nHost: {address}:{check.port}\r\n"
            "User-Agent: ELB-HealthChecker/2.0\r\nConnection: close\r\n\r\n".encode()
        )
        await writer.drain()
        version, code, *_ = (await reader.readuntil(b"\n")).decode("latin-1").split(None, 2)
    finally:
        writer.transport.abort()
    if not version.startswith("HTTP/"):
        return ProbeResult(failure=Failure.FAILED, said="no HTTP")
    if matches(int(code), check.matcher):
        return ProbeResult(code=int(code), said=code)
    return ProbeResult(failure=Failure.MISMATCH, code=int(code), said=code)
