"""What `pip install` puts into an empty environment carries packets, with nothing there to compile and nothing of the checkout."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import server as servers
from .cloud import customer, healthy, partner, reachable
from .conftest import running_server
from .server import Server

ROOT = Path(__file__).parents[2]
TRANSFER = str(Path(__file__).with_name("transfer.py"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built by the environment's own backend: the build is what is tried, not the network."""
    directory = tmp_path_factory.mktemp("wheel")
    build = [*(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation")]
    subprocess.run([*build, "--wheel-dir", str(directory), str(ROOT)], check=True, capture_output=True, timeout=120)
    (made,) = directory.glob("opengwlb-*.whl")
    return made


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty one with the wheel in it. What the wheel depends on is lent by this environment, without its editable install."""
    made = tmp_path_factory.mktemp("environment") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(made)], check=True, timeout=60)
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    packages = made / "lib" / version / "site-packages"
    (packages / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    install = [*(sys.executable, "-m", "pip", "--python", str(made / "bin" / "python"), "install", "--quiet")]
    subprocess.run([*install, "--no-deps", str(wheel)], check=True, capture_output=True, timeout=120)
    return made


def test_the_wheel_has_every_program_compiled_and_no_source_to_compile(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    programs = {Path(name).name for name in names if name.startswith("opengwlb/programs/")}
    sources = {path.name for path in (ROOT / "bpf").glob("*.bpf.c")}
    assert programs == {name.removesuffix(".c") + ".o" for name in sources} | {"verdicts.h"}
    assert not [name for name in names if name.endswith((".bpf.c", "Makefile"))]


def test_the_doctor_of_an_installed_wheel_asks_for_no_compiler(environment: Path) -> None:
    said = subprocess.run([environment / "bin" / "gwlb", "doctor", "--json"], capture_output=True, text=True, cwd="/")
    checks = {one["name"] for one in json.loads(said.stdout)["checks"]}
    assert "libbpf" in checks
    assert not checks & {"clang", "make", "venv", "libbpf-dev"}


def test_what_runs_is_what_was_installed(environment: Path) -> None:
    asked = "import opengwlb, opengwlb_appliance as sdk, opengwlb.dataplane.programs as programs; "
    asked += "print(opengwlb.__file__, sdk.__file__, programs.directory(), sep='\\n')"
    found = subprocess.run(
        [environment / "bin" / "python", "-c", asked], capture_output=True, text=True, cwd="/", check=True
    ).stdout.splitlines()
    assert len(found) == 3 and all(Path(one).is_relative_to(environment) for one in found), found


@pytest.fixture
def installed(environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(servers, "BIN", environment / "bin")
    monkeypatch.chdir("/")
    yield from running_server(tmp_path, label="wheel")


def test_the_console_comes_with_the_wheel(installed: Server) -> None:
    with urllib.request.urlopen(f"{installed.endpoint}/console/", timeout=10) as answer:
        assert answer.status == 200 and "text/html" in answer.headers["content-type"]
        assert '<div id="root">' in answer.read().decode()


def test_the_tutorials_picture_carries_packets(installed: Server) -> None:
    installed.account("partner")
    installed.account("customer1")
    provider = partner(installed, appliance="firewall")
    consumer = customer(installed, service=provider.service_name)
    healthy(provider, count=1)
    reachable(installed, consumer.public["a"])
    serving = installed.spawn(consumer.applications["a"], sys.executable, TRANSFER, "serve", "7000")
    try:
        assert serving.stdout is not None and serving.stdout.readline() == "ready\n"
        done = installed.inside(
            "internet", sys.executable, TRANSFER, "pull", consumer.public["a"], "7000", str(32 << 20), timeout=60
        )
        assert json.loads(done.stdout)["equal"], done.stderr
    finally:
        serving.kill()
        serving.wait()
    assert {one["endpoint"] for one in installed.flows()} == set(consumer.endpoints.values())
