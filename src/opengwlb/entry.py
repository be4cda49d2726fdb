"""The console script `gwlb`. Only `gwlb serve` loads the server's rooms: every other command starts in half the time without them."""

from __future__ import annotations

import gc

from opengwlb.cli import main as command
from opengwlb.cli.options import ServeOptions


def main() -> int:
    return command.run(serve=_serve)


def _serve(options: ServeOptions) -> None:
    # What is imported stays: looking for garbage in it again and again only takes time, at the start and in every call.
    gc.disable()
    from opengwlb import app

    gc.freeze()
    gc.enable()

    app.serve(options)
