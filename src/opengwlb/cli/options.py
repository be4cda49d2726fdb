"""What `gwlb serve` was asked for, as the server takes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

DataPlane = Literal["kernel", "none"]
Auth = Literal["sigv4", "off"]


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

    @property
    def endpoint(self) -> str:
        """The URL that clients use."""
        scheme = "https" if self.tls_certificate else "http"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}"
