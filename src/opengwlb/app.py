"""The one place where rooms are wired together."""

from __future__ import annotations

from opengwlb.cli import main as command
from opengwlb.cli.options import ServeOptions
from opengwlb.cli.refusal import Refusal


def serve(options: ServeOptions) -> None:
    """Run the server until it is told to end."""
    raise Refusal(f"This build has no server yet, so nothing listens on {options.endpoint}.")


def main() -> int:
    """The console script `gwlb`."""
    return command.run(serve=serve)
