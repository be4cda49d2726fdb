"""Namespaces and devices by the `ip` command, and programs compiled beside the benchmarks."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
COMPILERS = ("clang-19", "clang-18", "clang-17", "clang-16", "clang-15", "clang-14", "clang")


def run(*command: str) -> str:
    """What it printed. `AssertionError` with what it complained of."""
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


def inside(box: str, *command: str) -> list[str]:
    return ["nsenter", f"--net=/run/netns/{box}", "--", *command]


def compiler() -> str:
    return next(name for name in COMPILERS if shutil.which(name))


def program(name: str, directory: Path) -> Path:
    """`bench/<name>.bpf.c`, compiled."""
    target, machine = directory / f"{name}.bpf.o", run("uname", "-m").strip()
    run(
        compiler(), "-O2", "-g", "-target", "bpf", "-mcpu=v3", f"-I/usr/include/{machine}-linux-gnu",
        f"-I{HERE.parent / 'bpf'}", "-c", str(HERE / f"{name}.bpf.c"), "-o", str(target),
    )  # fmt: skip
    return target


def tool(name: str, directory: Path) -> Path:
    """`bench/<name>.c`, compiled for this machine."""
    target = directory / name
    run(compiler(), "-O2", "-Wall", "-Wextra", "-o", str(target), str(HERE / f"{name}.c"), "-pthread")
    return target


def attach(box: str, device: str, compiled: Path, *, section: str) -> None:
    """At the device's ingress; goes with its box."""
    run("tc", "-n", box, "qdisc", "add", "dev", device, "clsact")
    run(
        "tc", "-n", box, "filter", "add", "dev", device, "ingress",
        "bpf", "direct-action", "object-file", str(compiled), "section", section,
    )  # fmt: skip
