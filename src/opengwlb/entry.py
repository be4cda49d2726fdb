"""The console script `gwlb`. Only `gwlb serve` loads the server's rooms: every other command starts in half the time without them."""

from __future__ import annotations

from opengwlb.cli import main as command
from opengwlb.cli.options import ServeOptions


def main() -> int:
    return command.run(serve=_serve)


def _serve(options: ServeOptions) -> None:
    from opengwlb import app

    app.serve(options)
