"""`gwlb serve` whose instances are boxes without a container: what a thousand ENIs cost is asked, not what they run.

`python -m bench.scale_server NAME PORT DATA_DIR DATA_PLANE`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from opengwlb import app
from opengwlb.cli.options import ServeOptions
from opengwlb.control.absent import AbsentInstances


class Boxes(AbsentInstances):
    def __init__(self, **_: object) -> None:
        super().__init__()

    def cpu_seconds(self, *_: object) -> None:
        """Nothing runs."""


def main(name: str, port: str, data_dir: str, data_plane: str) -> None:
    app.RuncDriver = Boxes  # type: ignore[assignment,misc]  # in its place, for this process
    options = ServeOptions(
        host="127.0.0.1",
        port=int(port),
        data_dir=Path(data_dir),
        data_plane="kernel" if data_plane == "kernel" else "none",
        auth="sigv4",
        test_hooks=False,
        name=name,
    )
    app.serve(options)


if __name__ == "__main__":
    main(*sys.argv[1:])
