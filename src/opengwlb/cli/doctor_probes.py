"""Asks the kernel by doing: load a program, attach it, make a link, mount. For the doctor; standard library alone.

Everything happens in a forked child that has left for namespaces of its own, so nothing remains, whatever goes wrong.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import platform
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
MS_REC, MS_PRIVATE = 16384, 1 << 18
BPF_SYSCALL = {"x86_64": 321, "aarch64": 280}
BPF_PROG_LOAD, BPF_LINK_CREATE = 5, 28
BPF_PROG_TYPE_SCHED_CLS, BPF_TCX_INGRESS = 3, 46
LOOPBACK = 1
"""The only device of a fresh network namespace, and its index."""
VETH_MTU = 9001

libc = ctypes.CDLL(None, use_errno=True)


class Answer(NamedTuple):
    name: str
    works: bool
    found: str
    advice: str


def _must(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _bpf(command: int, attributes: bytes) -> int:
    number = BPF_SYSCALL.get(platform.machine())
    if number is None:
        raise OSError(errno.ENOSYS, f"unknown machine {platform.machine()}")
    buffer = ctypes.create_string_buffer(attributes, 152)
    return _must(libc.syscall(number, command, buffer, len(buffer)))


def _load_program() -> int:
    """`return 0` as a tc program: two instructions."""
    instructions = struct.pack("<BBhiBBhi", 0xB7, 0, 0, 0, 0x95, 0, 0, 0)
    code = ctypes.create_string_buffer(instructions, len(instructions))
    license_name = ctypes.create_string_buffer(b"GPL")
    attributes = struct.pack(
        "<IIQQ", BPF_PROG_TYPE_SCHED_CLS, 2, ctypes.addressof(code), ctypes.addressof(license_name)
    )
    return _bpf(BPF_PROG_LOAD, attributes)


def probe_bpf() -> str:
    os.close(_load_program())
    return "a tc program loads"


def probe_tcx() -> str:
    _bpf(BPF_LINK_CREATE, struct.pack("<IIII", _load_program(), LOOPBACK, BPF_TCX_INGRESS, 0))
    return "a program attaches by a tcx link"


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def probe_veth() -> str:
    """RTM_NEWLINK for a veth pair with the MTU of a VPC."""
    ifname, mtu, linkinfo, info_kind = 3, 4, 18, 1
    body = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, 0, 0, 0)
    body += _attribute(ifname, b"probe0\0") + _attribute(mtu, struct.pack("=I", VETH_MTU))
    body += _attribute(linkinfo, _attribute(info_kind, b"veth"))
    new_link, request_ack_create = 16, 0x1 | 0x4 | 0x400
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as netlink:
        netlink.send(struct.pack("=IHHII", 16 + len(body), new_link, request_ack_create, 1, 0) + body)
        refusal = -struct.unpack_from("=i", netlink.recv(4096), 16)[0]
    if refusal:
        raise OSError(refusal, os.strerror(refusal))
    return f"a veth pair with MTU {VETH_MTU} can be made"


def _mount(source: str, target: str, kind: str, *, options: str = "") -> None:
    _must(libc.mount(source.encode(), target.encode(), kind.encode(), 0, options.encode()))


def probe_bpffs() -> str:
    _mount("none", "/mnt", "tmpfs")
    os.mkdir("/mnt/bpf")
    _mount("none", "/mnt/bpf", "bpf")
    return "can be mounted"


def probe_overlay() -> str:
    _mount("none", "/mnt", "tmpfs")
    for name in ("upper", "work", "root"):
        os.mkdir(f"/mnt/{name}")
    _mount("none", "/mnt/root", "overlay", options="lowerdir=/usr,upperdir=/mnt/upper,workdir=/mnt/work")
    return "can be mounted over /usr"


PROBES: tuple[tuple[str, Callable[[], str], str], ...] = (
    (
        "bpf(2)",
        probe_bpf,
        "The kernel refuses eBPF: needs CONFIG_BPF_SYSCALL and real root (in a container: --privileged), no lockdown.",
    ),
    (
        "tcx",
        probe_tcx,
        "The kernel cannot attach by tcx: needs CONFIG_NET_XGRESS, Linux 6.6 or newer, and CAP_NET_ADMIN.",
    ),
    ("veth", probe_veth, "The kernel cannot make veth pairs: `modprobe veth` (CONFIG_VETH)."),
    (
        "bpffs",
        probe_bpffs,
        "The bpf file system cannot be mounted: needs CAP_SYS_ADMIN (in a container: --privileged).",
    ),
    (
        "overlayfs",
        probe_overlay,
        "Instances get an overlay of /usr as their root: `modprobe overlay` (CONFIG_OVERLAY_FS).",
    ),
)
NAMESPACE_ADVICE = "Namespaces cannot be made: needs CONFIG_NET_NS and CAP_SYS_ADMIN (in a container: --privileged)."


def _alone(probe: Callable[[], str]) -> tuple[bool, str]:
    """Run a probe in a child with its own network and mounts; (whether it works, what was found)."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        answer = (False, "died")
        try:
            _must(libc.unshare(CLONE_NEWNET | CLONE_NEWNS))
            _must(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
            answer = (True, probe())
        except OSError as error:
            answer = (False, os.strerror(error.errno) if error.errno else str(error))
        finally:
            os.write(writing, json.dumps(answer).encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    works, found = json.loads(said) if said else (False, "died")
    return bool(works), str(found)


def run() -> list[Answer]:
    """Every probe's answer. Needs root."""
    works, found = _alone(lambda: "network and mount namespaces can be made")
    answers = [Answer("namespaces", works, found, NAMESPACE_ADVICE)]
    if works:
        answers += [Answer(name, *_alone(probe), advice) for name, probe, advice in PROBES]
    return answers


def port_owner(port: int) -> str:
    """Who listens on a TCP port of this machine: `python3 (pid 123)`, or `another program`."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
                    inodes.add(f"socket:[{fields[9]}]")
    for process in Path("/proc").glob("[0-9]*") if inodes else ():
        with suppress(OSError):
            if any(os.readlink(handle) in inodes for handle in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
    return "another program"
