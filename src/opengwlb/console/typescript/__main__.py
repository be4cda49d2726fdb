"""`python -m opengwlb.console.typescript DIR` writes `aws.ts` and `read-api.ts` there."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
from botocore.exceptions import DataNotFoundError
from botocore.loaders import Loader
from botocore.model import ServiceModel

import opengwlb.console
import opengwlb.observe
from opengwlb.api import dispatch
from opengwlb.observe.flows import FlowRow
from opengwlb.observe.walk import Walk

from . import aws, structs


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python -m opengwlb.console.typescript DIR")
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    implemented = dispatch.implemented()
    services = {name: _models(name) for name in sorted({service for service, _ in implemented})}
    _write(directory / "aws.ts", aws.module(services, implemented=implemented))
    _write(
        directory / "read-api.ts", structs.module([*_public_structs(opengwlb.observe, opengwlb.console), FlowRow, Walk])
    )


def _models(service: str) -> tuple[ServiceModel, aws.Pages]:
    loader = Loader()
    model = ServiceModel(loader.load_service_model(service, "service-2"), service)
    try:
        return model, loader.load_service_model(service, "paginators-1")["pagination"]
    except DataNotFoundError:
        return model, {}


def _public_structs(*packages: ModuleType) -> Iterator[type[Any]]:
    """Of every module of `packages`, the Structs that are defined there and do not begin with an underscore."""
    for package in packages:
        for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(found.name)
            for name, value in vars(module).items():
                own = isinstance(value, type) and issubclass(value, msgspec.Struct)
                if own and value.__module__ == module.__name__ and not name.startswith("_"):
                    yield value


def _write(path: Path, text: str) -> None:
    """Left alone when it says so already: what watches it sees no change."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


if __name__ == "__main__":
    main()
