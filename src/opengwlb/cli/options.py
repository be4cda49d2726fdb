"""What `gwlb serve` was asked for, as the server takes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .table_size import NEW_FLOWS_PER_S, SILENT_TCP_S

DataPlane = Literal["kernel", "none"]
Auth = Literal["sigv4", "off"]


REQUESTS_PER_S = 1000
"""More than one client can send, so that test suites never meet it; less than a loop in eight processes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    host: str
    port: int
    data_dir: Path
    """Created 0700 by the server when it is not there."""
    data_plane: DataPlane = "kernel"
    """`none`: control plane only, needs no root."""
    auth: Auth = "sigv4"
    test_hooks: bool = False
    name: str = "gwlb"
    """Prefix of every kernel object, and the name of the run directory."""
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    max_flows: int | None = None
    """Of a flow table that does not exist yet; None: by the machine's memory."""
    new_flows_per_s: int = NEW_FLOWS_PER_S
    """That one CPU opens at most; 0: no limit."""
    tcp_yields_after_s: int = SILENT_TCP_S
    """In a full table a TCP flow makes room for a new one when it was not seen for so long."""
    requests_per_s: float = REQUESTS_PER_S
    """Of one account in one region, of calls that look and again of calls that change something; 0: no limit."""

    @property
    def endpoint(self) -> str:
        """The URL that clients use."""
        scheme = "https" if self.tls_certificate else "http"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}"
