"""The names of all tests in this repository, found without importing them: packet tests need root, and the walk does not."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from botocore import xform_name

ROOT = Path(__file__).parents[2]


@cache
def tests() -> Mapping[str, tuple[Path, ...]]:
    """Function's name -> the files that have it, relative to the repository."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                found[node.name].append(path.relative_to(ROOT))
    return {name: tuple(paths) for name, paths in found.items()}


def files_of(name: str) -> tuple[Path, ...]:
    """Where a test is. A name that several files have is written `test_file::test_name`."""
    module, _, function = name.rpartition("::")
    return tuple(path for path in tests().get(function, ()) if not module or path.stem == module)


def mentions(tests_named: Iterable[str], member: str) -> bool:
    """Whether the files of these tests, or what they build their labs with, set this member: in boto3's words or the command line's."""
    words = {member, xform_name(member, "-"), xform_name(member), xform_name(member, "-").removesuffix("s")}
    found = "".join(_with_helpers(path) for test in tests_named for path in files_of(test))
    return any(word in found for word in words)


@cache
def _with_helpers(path: Path) -> str:
    helpers = [each for each in (ROOT / path).parent.glob("*.py") if not each.name.startswith("test_")]
    demo = (ROOT / "src/opengwlb/cli/demo").glob("*.py")
    return "".join(each.read_text(encoding="utf-8") for each in (ROOT / path, *helpers, *demo))


PACKETS = ("tests/packets", "tests/stories", "tests/fabric", "tests/instances", "tests/certify")
"""Where tests see packets, or the processes and boxes that take them."""


def sees_packets(name: str) -> bool:
    return any(str(path).startswith(PACKETS) for path in files_of(name))
