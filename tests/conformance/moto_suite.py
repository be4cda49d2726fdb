"""moto's own tests, from its source distribution, run against a server of ours as if it were moto's.

What is not expected to pass is named in moto.toml with the reason; what needs a word changed to be valid at AWS, there too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

SERVICES = ("test_ec2", "test_elbv2", "test_sts", "test_cloudwatch", "test_resourcegroupstaggingapi")
EXPECTED = Path(__file__).with_name("moto.toml")
LONGEST_S = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Exceptions:
    """Why a test, or every test of a module, is not expected to pass."""

    modules: dict[str, str]
    """`test_ec2/test_hosts.py` -> kind of reason; not run at all."""
    tests: dict[str, str]
    """`test_ec2/test_tags.py::test_x` -> kind of reason. Parameters of a parametrised test are left out: it counts as one."""


def exceptions() -> Exceptions:
    """From moto.toml: tables `[[exception]]` with `kind`, `why` and `tests`. ValueError when a name comes twice."""
    modules: dict[str, str] = {}
    tests: dict[str, str] = {}
    for one in tomllib.loads(EXPECTED.read_text())["exception"]:
        if not one["why"].strip():
            raise ValueError(f"no reason is given for {one['tests']}")
        for name in one["tests"]:
            into = tests if "::" in name else modules
            if name in into:
                raise ValueError(f"{name} is named twice")
            into[name] = one["kind"]
    return Exceptions(modules=modules, tests=tests)


def unpacked(archive: Path, *, into: Path) -> Path:
    """A fresh tree of moto with the corrections of moto.toml; ValueError when one no longer fits."""
    shutil.rmtree(into, ignore_errors=True)
    with tarfile.open(archive) as tar:
        tar.extractall(into, filter="data")
    (tree,) = into.iterdir()
    shutil.rmtree(tree / "moto")  # the installed one is imported
    for one in tomllib.loads(EXPECTED.read_text()).get("correction", ()):
        path = tree / "tests" / one["file"]
        text = path.read_text()
        if one["old"] not in text:
            raise ValueError(f"{one['file']} has no {one['old']!r}")
        path.write_text(text.replace(one["old"], one["new"]))
    return tree


def run(tree: Path, *, python: Path, endpoint: str, leave: tuple[str, ...] = ()) -> dict[str, str]:
    """Every test that was run -> `passed`, `skipped` or what went wrong; of a parametrised one the worst case counts."""
    report = tree.parent / "report.xml"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tree),
        "TEST_SERVER_MODE": "true",
        "TEST_SERVER_MODE_ENDPOINT": endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    asked = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "addopts=", "--timeout", "60"]
    ignored = [f"--ignore=tests/{module}" for module in leave]
    result = subprocess.run(
        [*asked, f"--junit-xml={report}", *ignored, *(f"tests/{service}" for service in SERVICES)],
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
    )
    if result.returncode not in (0, 1):
        raise RuntimeError(f"pytest ended with {result.returncode}: {result.stdout[-4000:]}{result.stderr[-4000:]}")
    return read(report)


def read(report: Path) -> dict[str, str]:
    """A junit report as outcomes by name, with names as moto.toml has them."""
    outcomes: dict[str, str] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        name = _name(case.get("classname", ""), case.get("name", ""))
        outcome = _outcome(case)
        if outcomes.get(name, "passed") in ("passed", "skipped"):
            outcomes[name] = outcome
    return outcomes


def _name(classname: str, test: str) -> str:
    parts = classname.split(".")
    module = next(index for index, part in enumerate(parts) if index > 1 and part.startswith("test_"))
    path = "/".join(parts[1 : module + 1])
    return "::".join([f"{path}.py", *parts[module + 1 :], test.split("[")[0]])


def _outcome(case: ElementTree.Element) -> str:
    for kind in ("failure", "error"):
        found = case.find(kind)
        if found is not None:
            return (found.get("message") or kind)[:400]
    return "skipped" if case.find("skipped") is not None else "passed"


def counted(outcomes: dict[str, str], expected: Exceptions) -> Counter[str]:
    """How many passed, were skipped by moto itself, and did not pass by the kind of reason."""
    return Counter(
        outcome if outcome in ("passed", "skipped") else expected.tests.get(name, "unexpected")
        for name, outcome in outcomes.items()
    )
