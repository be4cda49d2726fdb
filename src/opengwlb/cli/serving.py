"""`gwlb serve`: checks what would go wrong before the server starts, and says it in a sentence."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path

from . import doctor, doctor_probes, lab, table_size
from .options import REQUESTS_PER_S, Auth, DataPlane, ServeOptions
from .refusal import Refusal

MOST_NEW_FLOWS_PER_S = 1_000_000_000
LONGEST_IDLE_S = 6000
"""Of a listener's tcp.idle_timeout.seconds."""


def parse_listen(listen: str) -> tuple[str, int]:
    """`127.0.0.1:4566` or `[::1]:4566` -> host and port. Refuses anything else."""
    host, _, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise Refusal(f"--listen {listen} is not HOST:PORT, such as {lab.DEFAULT_LISTEN}.", status=2)
    return host, int(port)


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def options(
    *,
    listen: str,
    data_dir: Path | None,
    data_plane: DataPlane,
    auth: Auth,
    test_hooks: bool,
    name: str,
    tls_certificate: Path | None = None,
    tls_key: Path | None = None,
    max_flows: int | None = None,
    new_flows_per_s: int = table_size.NEW_FLOWS_PER_S,
    tcp_yields_after_s: int = table_size.SILENT_TCP_S,
    requests_per_s: int = REQUESTS_PER_S,
) -> ServeOptions:
    """Refuses what must not be combined: beyond loopback there is TLS and there are signatures."""
    host, port = parse_listen(listen)
    if requests_per_s < 0:
        raise Refusal(f"--requests-per-s is {requests_per_s:,}: give a number of calls, or 0 for no limit.", status=2)
    for option, value, default, least, most in (
        ("--max-flows", max_flows, None, table_size.FLOW_SET, table_size.LARGEST),
        ("--new-flows-per-s", new_flows_per_s, table_size.NEW_FLOWS_PER_S, 0, MOST_NEW_FLOWS_PER_S),
        ("--tcp-yields-after-s", tcp_yields_after_s, table_size.SILENT_TCP_S, 1, LONGEST_IDLE_S),
    ):
        if value is None or value == default:
            continue
        if not least <= value <= most:
            raise Refusal(f"{option} is {value:,}: give {least:,} to {most:,}.", status=2)
        if data_plane == "none":
            raise Refusal(f"{option} is about packets: leave it out with --data-plane none.", status=2)
    if (tls_certificate is None) != (tls_key is None):
        raise Refusal("--tls-certificate and --tls-key belong together.", status=2)
    if not is_loopback(host):
        if tls_certificate is None:
            raise Refusal(
                f"--listen {listen} is reachable from other machines: give --tls-certificate and --tls-key, "
                "or listen on 127.0.0.1.",
                status=2,
            )
        if auth == "off":
            raise Refusal(f"--auth off would let anyone who reaches {listen} in: it is for loopback only.", status=2)
    return ServeOptions(
        host=host,
        port=port,
        data_dir=data_dir or lab.default_data_dir(name),
        data_plane=data_plane,
        auth=auth,
        test_hooks=test_hooks,
        name=name,
        tls_certificate=tls_certificate,
        tls_key=tls_key,
        max_flows=max_flows,
        new_flows_per_s=new_flows_per_s,
        tcp_yields_after_s=tcp_yields_after_s,
        requests_per_s=requests_per_s,
    )


def require_startable(asked: ServeOptions) -> None:
    """Refuses when the machine, the name or the port is not free for it."""
    if asked.data_plane == "kernel" and (stop := doctor.obstacle(doctor.examine(port=asked.port), installed=True)):
        raise Refusal(stop)
    lab.require_free(asked.name)
    family = socket.AF_INET6 if ":" in asked.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((asked.host, asked.port))
        except OSError as error:
            raise Refusal(_taken(asked, error)) from error


def _taken(asked: ServeOptions, error: OSError) -> str:
    where = f"{asked.host}:{asked.port}"
    if error.errno != 98:  # EADDRINUSE
        return f"Cannot listen on {where} ({error.strerror}): give another --listen HOST:PORT."
    return f"{where} is taken by {doctor_probes.port_owner(asked.port)}: stop that, or give another --listen HOST:PORT."
