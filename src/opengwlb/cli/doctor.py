"""What this machine lacks, and what to do about each lack.

Runs before anything is installed (`python3 src/opengwlb/cli/doctor.py`), so it imports the standard library alone and
asks the kernel itself instead of the tools (doctor_probes.py).
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

if __package__:
    from . import doctor_probes, table_size
else:  # run as a file by the system's python3, before there is a package
    import doctor_probes  # type: ignore[import-not-found, no-redef]
    import table_size  # type: ignore[import-not-found, no-redef]

KERNEL_NEEDED = (6, 6)
TESTED_ON = "tested on 6.18"
CLANG_VERSIONS = (19, 18, 17, 16, 15, 14)
DISK_NEEDED_GIB = 2.0
PROGRAMS = Path(__file__).resolve().parents[1] / "programs"
"""Compiled programs, in what was installed from a wheel: then nothing is built here."""

OK = "ok"
INSTALLABLE = "installable"
"""Missing, and `make setup` puts it there."""
WARNING = "warning"
FAILED = "failed"
"""Missing, and only the machine's owner can change that."""

RUN_TOOLS = {
    "runc": "runc",
    "ip": "iproute2",
    "tcpdump": "tcpdump",
    "ethtool": "ethtool",
    "nsenter": "util-linux",
    "ping": "iputils-ping",
    "curl": "curl",
    "iptables": "iptables",
    "nft": "nftables",
}
"""Command -> Debian and Ubuntu package. `iptables` and `nft` are for instances, which see the host's /usr."""
RUN_FILES = {"/usr/lib/python3/dist-packages/yaml/__init__.py": "python3-yaml"}
"""What the built-in appliances read their rules with, by the machine's own Python."""
BUILD_TOOLS = {"make": "make"}
BUILD_FILES = {"/usr/include/bpf/bpf_helpers.h": "libbpf-dev", "/usr/include/linux/bpf.h": "linux-libc-dev"}
TEST_TOOLS = {
    "tshark": "tshark",
    "iperf3": "iperf3",
    "nc": "netcat-openbsd",
    "bpftool": "bpftool",
    "chromium": "chromium",
}
"""What `make test` and `make bench` use besides."""
IMAGE_TOOLS = {
    "OCI images": {"skopeo": "skopeo", "umoci": "umoci"},
    "virtual machines": {"qemu-system-x86_64": "qemu-system-x86", "qemu-img": "qemu-utils", "mcopy": "mtools"},
    "HTTP inspector": {"haproxy": "haproxy"},
}
"""What appliances of some forms need, and nothing else: installed by who has such an appliance, and by `make test`."""
GUEST_TOOLS = {
    "syslinux": "syslinux",
    "mkfs.fat": "dosfstools",
    "cpio": "cpio",
    "depmod": "kmod",
    "busybox": "busybox-static",
}
"""With which the tests make a virtual machine."""


@dataclass(frozen=True)
class Check:
    name: str
    state: str
    found: str
    advice: str = ""
    packages: tuple[str, ...] = ()
    """Debian and Ubuntu packages that cure it, for `installable`."""


def find_tool(command: str) -> str | None:
    """The path of a command; also looks where an ordinary user's PATH does not reach."""
    return shutil.which(command, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin", "/usr/bin"]))


def find_clang() -> str | None:
    """The newest clang of those that are known to compile the programs."""
    for version in CLANG_VERSIONS:
        if path := find_tool(f"clang-{version}"):
            return path
    path = find_tool("clang")
    if path is None:
        return None
    said = re.search(r"version (\d+)", subprocess.run([path, "--version"], capture_output=True, text=True).stdout)
    return path if said and int(said[1]) >= min(CLANG_VERSIONS) else None


def clang_package() -> str:
    """The newest clang this machine's package lists offer; the oldest that is known to work when there are none yet."""
    apt_cache = find_tool("apt-cache")
    for version in CLANG_VERSIONS if apt_cache else ():
        asked = [str(apt_cache), "policy", f"clang-{version}"]
        said = subprocess.run(asked, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}).stdout
        if re.search(r"Candidate: \d", said):
            return f"clang-{version}"
    return "clang"


def _distribution() -> str:
    try:
        fields = platform.freedesktop_os_release()
    except OSError:
        return ""
    return f"{fields.get('ID', '')} {fields.get('VERSION_ID', '')}".strip()


def kernel_advice(distribution: str) -> str:
    """What the owner of a machine with too old a kernel does; one sentence."""
    if distribution == "debian 12":
        return (
            "install Debian 12's newer kernel (linux-image-amd64 from bookworm-backports, 6.12) with "
            "`apt install -t bookworm-backports linux-image-amd64` and reboot."
        )
    return (
        "use Debian 13, Ubuntu 24.04, or Debian 12 with its newer kernel "
        "(linux-image-amd64 from bookworm-backports, 6.12) and a reboot."
    )


def check_kernel(release: str, *, distribution: str) -> Check:
    numbers = re.match(r"(\d+)\.(\d+)", release)
    version = (int(numbers[1]), int(numbers[2])) if numbers else (0, 0)
    if version >= KERNEL_NEEDED:
        return Check(
            "kernel", OK, f"Linux {release} ({'.'.join(map(str, KERNEL_NEEDED))} or newer needed; {TESTED_ON})"
        )
    needed = ".".join(map(str, KERNEL_NEEDED))
    return Check(
        "kernel",
        FAILED,
        f"Linux {release}",
        f"This kernel is too old: OpenGWLB needs Linux {needed} or newer (tcx links, route look-up by table); "
        + kernel_advice(distribution),
    )


def check_root(uid: int) -> Check:
    if uid == 0:
        return Check("root", OK, "yes")
    return Check(
        "root",
        FAILED,
        f"no (uid {uid})",
        "Boxes, links and eBPF programs need root: run it with sudo. "
        "Without root only `gwlb serve --data-plane none` works.",
    )


def check_python(version: tuple[int, int]) -> Check:
    found = ".".join(map(str, version))
    if version >= (3, 11):
        return Check("python", OK, found)
    return Check(
        "python", FAILED, found, "OpenGWLB needs Python 3.11 or newer: `apt install python3` on Debian 12 or later."
    )


def check_btf() -> Check:
    path = Path("/sys/kernel/btf/vmlinux")
    if path.exists():
        return Check("BTF", OK, str(path))
    return Check(
        "BTF",
        FAILED,
        "none",
        f"{path} is missing: boot a kernel built with CONFIG_DEBUG_INFO_BTF (the distributions' are).",
    )


def check_probes() -> Iterator[Check]:
    """What the kernel lets us do; as root only, because without it every answer would be "not permitted"."""
    for answer in doctor_probes.run():
        yield Check(answer.name, OK if answer.works else FAILED, answer.found, "" if answer.works else answer.advice)


def check_cgroups() -> Check:
    root = Path("/sys/fs/cgroup")
    if (root / "cgroup.controllers").exists():
        return Check("cgroups", OK, "v2")
    if (root / "memory").is_dir() or (root / "pids").is_dir():
        return Check("cgroups", OK, "v1 or hybrid")
    return Check(
        "cgroups",
        FAILED,
        "none mounted",
        "Mount them: `mount -t cgroup2 none /sys/fs/cgroup` (systemd does it at boot).",
    )


def check_tun() -> Check:
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except FileNotFoundError:
        return Check("TUN", FAILED, "/dev/net/tun is missing", "Appliances in user space use TUN: `modprobe tun`.")
    except OSError as error:
        return Check(
            "TUN",
            FAILED,
            error.strerror or str(error),
            "Appliances in user space use /dev/net/tun: allow this user to open it.",
        )
    return Check("TUN", OK, "/dev/net/tun")


def check_tools(tools: dict[str, str], files: dict[str, str]) -> Iterator[Check]:
    for command, package in tools.items():
        if path := find_tool(command):
            yield Check(command, OK, path)
        else:
            yield Check(command, INSTALLABLE, "not installed", f"apt install {package}", (package,))
    for file, package in files.items():
        if Path(file).exists():
            yield Check(package, OK, file)
        else:
            yield Check(package, INSTALLABLE, "not installed", f"apt install {package}", (package,))


def check_image_tools() -> Iterator[Check]:
    for what, tools in IMAGE_TOOLS.items():
        missing = [package for command, package in tools.items() if not find_tool(command)]
        if missing:
            yield Check(what, WARNING, "not set up", f"If you want them: apt install {' '.join(missing)}")
        else:
            yield Check(what, OK, ", ".join(tools))


def check_build_tools() -> Iterator[Check]:
    if path := find_clang():
        yield Check("clang", OK, path)
    else:
        package = clang_package()
        yield Check("clang", INSTALLABLE, "not installed", f"apt install {package}", (package,))
    said = subprocess.run([sys.executable, "-c", "import venv, ensurepip"], capture_output=True)
    if said.returncode == 0:
        yield Check("venv", OK, sys.executable)
    else:
        yield Check("venv", INSTALLABLE, "not installed", "apt install python3-venv", ("python3-venv",))


def check_libbpf() -> Check:
    try:
        ctypes.CDLL("libbpf.so.1")
    except OSError:
        return Check("libbpf", INSTALLABLE, "not installed", "apt install libbpf1", ("libbpf1",))
    return Check("libbpf", OK, "libbpf.so.1")


def check_apt() -> Check:
    if find_tool("apt-get"):
        return Check("packages", OK, _distribution() or "apt")
    return Check(
        "packages",
        WARNING,
        _distribution() or "not Debian or Ubuntu",
        "There is no apt here: `make setup` cannot install what is missing, so install it by hand.",
    )


def check_disk(path: Path) -> Check:
    free = shutil.disk_usage(path).free / 2**30
    if free >= DISK_NEEDED_GIB:
        return Check("disk", OK, f"{free:.0f} GiB free in {path}")
    return Check(
        "disk",
        FAILED,
        f"{free:.1f} GiB free in {path}",
        f"Free {DISK_NEEDED_GIB:.0f} GiB or more: packages, .venv and instances take it.",
    )


def check_flow_table() -> Check:
    """Nothing to lack: how much this machine's load balancer holds."""
    flows = table_size.default_flows(table_size.memory_bytes())
    return Check("flow table", OK, table_size.said(flows, cpus=os.cpu_count() or 1))


def check_port(port: int) -> Check:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            owner = doctor_probes.port_owner(port)
            return Check(
                "port",
                WARNING,
                f"127.0.0.1:{port} is taken by {owner}",
                "Stop that, or give another address: `gwlb serve --listen HOST:PORT`.",
            )
    return Check("port", OK, f"127.0.0.1:{port} is free")


def examine(*, port: int = 4566, with_tests: bool = False) -> list[Check]:
    """Every check, in the order a person would cure them."""
    checks = [check_kernel(platform.release(), distribution=_distribution()), check_root(os.geteuid())]
    checks += [check_python(sys.version_info[:2]), check_btf(), check_cgroups(), check_apt()]
    if os.geteuid() == 0:
        checks += [*check_probes(), check_tun()]
    images = {command: package for tools in IMAGE_TOOLS.values() for command, package in tools.items()}
    tools = {**RUN_TOOLS, **TEST_TOOLS, **images, **GUEST_TOOLS} if with_tests else RUN_TOOLS
    if PROGRAMS.is_dir():
        checks += [check_libbpf(), *check_tools(tools, RUN_FILES)]
    else:
        checks += [*check_build_tools(), *check_tools({**tools, **BUILD_TOOLS}, {**RUN_FILES, **BUILD_FILES})]
    if not with_tests:
        checks += check_image_tools()
    return [*checks, check_disk(Path("/var/lib")), check_flow_table(), check_port(port)]


def obstacle(checks: list[Check], *, installed: bool) -> str | None:
    """The one sentence that stops us, or None. `installed`: setup has run, so what it installs must be there."""
    for check in checks:
        if check.state == FAILED:
            return check.advice
    lacking = sorted({package for check in checks if check.state == INSTALLABLE for package in check.packages})
    if installed and lacking:
        cure = f"apt install {' '.join(lacking)}" if PROGRAMS.is_dir() else "make setup"
        return f"Some packages are missing ({', '.join(lacking)}): run `{cure}`."
    return None


MARKS = {OK: ("✓", "32"), INSTALLABLE: ("+", "33"), WARNING: ("!", "33"), FAILED: ("✗", "31")}


def report(checks: list[Check], *, colour: bool) -> str:
    """The checks as lines, one each, with the advice below what is lacking."""
    lines = []
    for check in checks:
        mark, code = MARKS[check.state]
        shown = f"\033[{code}m{mark}\033[0m" if colour else mark
        lines.append(f"{shown} {check.name:<12} {check.found}")
        if check.advice:
            lines.append(f"  {'':<12} → {check.advice}")
    return "\n".join(lines)


def run(*, as_json: bool = False, packages: bool = False, with_tests: bool = False, quiet: bool = False) -> int:
    """Print the checks; 1 when something is missing that `make setup` cannot install.

    `packages`: print the missing Debian packages instead, one a line. `quiet`: print only what stops us.
    """
    checks = examine(with_tests=with_tests)
    stop = obstacle(checks, installed=False)
    lacking = sorted({package for check in checks if check.state == INSTALLABLE for package in check.packages})
    if packages:
        sys.stdout.writelines(f"{package}\n" for package in lacking)
    elif as_json:
        print(
            json.dumps(
                {"ready": stop is None and not lacking, "checks": [asdict(check) for check in checks]},
                indent=2,
                ensure_ascii=False,
            )
        )
    else:
        if not quiet:
            print(report(checks, colour=sys.stdout.isatty()))
            if lacking:
                cure = "apt install" if PROGRAMS.is_dir() else "make setup"
                print(f"`{cure}` installs what is marked +: {' '.join(lacking)}")
        if stop:
            print(f"gwlb: {stop}", file=sys.stderr)
        elif not quiet:
            print(
                "This machine can run OpenGWLB."
                if not lacking
                else "This machine can run OpenGWLB once that is installed."
            )
    return 1 if stop else 0


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="gwlb doctor", description="Says what this kernel and machine lack, and what to do."
    )
    parser.add_argument("--json", action="store_true", help="print the checks as JSON")
    parser.add_argument("--packages", action="store_true", help="print only the missing Debian packages")
    parser.add_argument("--with-tests", action="store_true", help="ask also for what `make test` uses")
    parser.add_argument("--quiet", action="store_true", help="print only what stops us")
    asked = parser.parse_args()
    python = check_python(sys.version_info[:2])
    if python.state == FAILED:
        print(f"gwlb: {python.advice}", file=sys.stderr)
        return 1
    return run(as_json=asked.json, packages=asked.packages, with_tests=asked.with_tests, quiet=asked.quiet)


if __name__ == "__main__":
    sys.exit(main())
