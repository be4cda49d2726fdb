"""What is loaded before the first answer. Not a matter of time, which a busy machine decides: of which modules are there."""

from __future__ import annotations

import subprocess
import sys

import pytest

from opengwlb.wire import models

LATER = {
    "numpy": "the flow table is asked",
    "rich": "a walk is drawn",
    "yaml": "an appliance's rules are read",
    "boto3": "the demo begins",
    "botocore.client": "the demo begins",
}
"""Module -> when it is needed."""
OF_PACKETS = {"pyroute2": "boxes are built", "cryptography": "certificates are made", "dnslib": "boxes are built"}


def _loaded(code: str) -> set[str]:
    shown = f"import sys\n{code}\nprint(*sys.modules, file=sys.__stdout__)"
    ran = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True)
    return set(ran.stdout.splitlines()[-1].split())


ANSWERED = """
import pathlib, sys
from opengwlb.app import Server
from opengwlb.cli import lab
from opengwlb.cli.options import ServeOptions
from opengwlb.wire.gateway import Origin
from opengwlb.wire.models import service
from opengwlb.wire.sigv4 import HttpRequest

directory = pathlib.Path({directory!r})
lab.run_dir = lambda name: directory / name
server = Server(ServeOptions(host="127.0.0.1", port=0, data_dir=directory / "data", data_plane="none"))
server.application()
asked = HttpRequest(method="POST", path="/", query="", headers=(), body=b"Action=DescribeVpcs&Version=2016-11-15")
assert b"<Code>" in server.gateway.answer(asked, origin=Origin()).body
assert service.cache_info().currsize == 1, "only the model that has the form of this error"
"""


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """What a server without a data plane has loaded when it answered a request that is not signed."""
    return _loaded(ANSWERED.format(directory=str(tmp_path_factory.mktemp("start"))))


@pytest.mark.parametrize("module", [*LATER, *OF_PACKETS])
def test_a_server_without_packets_answers_before_this_is_loaded(bare: set[str], module: str) -> None:
    assert module not in bare, f"{module} is not needed until {(LATER | OF_PACKETS)[module]}"


@pytest.mark.parametrize("module", ["numpy", "rich"])
def test_a_server_with_packets_starts_without_this_too(module: str) -> None:
    loaded = _loaded("import opengwlb.app, opengwlb.fabric, opengwlb.services, opengwlb.dataplane.plane")
    assert module not in loaded, f"{module} is not needed until {LATER[module]}"


@pytest.mark.parametrize("module", ["numpy", "botocore", "pyroute2", "starlette"])
def test_a_command_that_asks_nobody_loads_no_library_of_the_servers(module: str) -> None:
    assert module not in _loaded("import opengwlb.cli.main")


@pytest.mark.parametrize("name", models.KNOWN)
def test_a_service_is_known_by_what_its_model_says(name: str) -> None:
    model = models.service(name)
    said = models.Known(signing_name=model.signing_name, version=model.version, target=model.target)
    assert models.KNOWN[name] == said
