"""The OCI runtime configuration of an instance: what it may see and do, as one value.

The root user of an instance is the host's root user without a user namespace, so the walls are the capabilities, the
seccomp filter, the read-only parts of /proc and /sys, and the allow-listed root (`rootfs.py`). It may do anything to
its own network namespace.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opengwlb.model.images import Launch

from .driver import InstanceSpec
from .rootfs import APPLICATIONS

Mount = dict[str, Any]

BOOT_ANNOTATION = "org.opengwlb.boot"
KIND_ANNOTATION = "org.opengwlb.kind"
STOP_ANNOTATION = "org.opengwlb.stop-signal"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT = (
    f"PATH={PATH}",
    "HOME=/root",
    "LANG=C.UTF-8",
    "TERM=xterm",
    f"PYTHONPATH={APPLICATIONS}",
    # One bundle in place of the three hundred hashed links that OpenSSL would look for.
    "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt",
    "AWS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt",  # botocore brings a list of its own otherwise
)

CAPABILITIES = (
    "CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_NET_ADMIN",
    "CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT",
)  # fmt: skip
"""What runc gives by default, plus NET_ADMIN; never SYS_ADMIN, BPF, SYS_PTRACE, MKNOD or SYS_MODULE."""

_REFUSED_CALLS = (
    "acct", "add_key", "bpf", "delete_module", "finit_module", "fsconfig", "fsmount", "fsopen", "fspick", "init_module",
    "io_uring_enter", "io_uring_register", "io_uring_setup", "ioperm", "iopl", "kexec_file_load", "kexec_load",
    "keyctl", "mount", "mount_setattr", "move_mount", "name_to_handle_at", "open_by_handle_at", "open_tree",
    "perf_event_open", "pivot_root", "process_madvise", "quotactl", "reboot", "request_key", "setns", "settimeofday",
    "swapoff", "swapon", "syslog", "umount", "umount2", "unshare", "userfaultfd",
)  # fmt: skip
"""Refused with EPERM whatever the capabilities: the surface of the kernel that an appliance has no business with."""
CPU_PERIOD_US = 100_000
"""The kernel's default: short enough that a throttled packet loop is not taken for a dead one."""
_CLONE_NEWUSER = 0x10000000
_EPERM, _ENOSYS = 1, 38

_MASKED = (
    "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/kpagecount", "/proc/kpageflags",
    "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats",
    "/sys/devices/virtual/powercap", "/sys/firmware",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Device:
    """A character device that the box has."""

    path: str
    major: int
    minor: int


TUN = Device("/dev/net/tun", 10, 200)
KVM = Device("/dev/kvm", 10, 232)


def configuration(
    spec: InstanceSpec,
    *,
    process: Launch,
    root: Path,
    mounts: list[Mount],
    cgroup: str,
    devices: tuple[Device, ...] = (TUN,),
    memory_overhead: int = 0,
) -> dict[str, Any]:
    """`config.json` of the OCI runtime specification 1.0.

    `mounts` are of `usr_mounts` or `image_mounts`; `cgroup` is absolute below the control group file systems;
    `memory_overhead` is what the box needs beside the instance's own memory.
    """
    return {
        "ociVersion": "1.0.2",
        "process": {
            "terminal": False,
            "user": {"uid": process.uid, "gid": process.gid, "additionalGids": list(process.groups)},
            "args": list(process.arguments),
            "env": list(process.environment or ENVIRONMENT),
            "cwd": process.directory,
            "capabilities": {kind: list(CAPABILITIES) for kind in ("bounding", "effective", "permitted")},
            "noNewPrivileges": True,
        },
        "root": {"path": str(root), "readonly": False},
        "hostname": spec.hostname,
        "mounts": mounts,
        "annotations": {
            BOOT_ANNOTATION: str(spec.boot),
            KIND_ANNOTATION: spec.image_kind,
            STOP_ANNOTATION: process.stop_signal,
        },
        "linux": {
            "namespaces": [
                {"type": "pid"},
                {"type": "mount"},
                {"type": "uts"},
                {"type": "ipc"},
                {"type": "cgroup"},
                {"type": "network", "path": spec.namespace},
            ],
            "devices": [
                {"path": one.path, "type": "c", "major": one.major, "minor": one.minor, "fileMode": 0o666}
                for one in devices
            ],
            "cgroupsPath": cgroup,
            "resources": {
                "devices": [
                    {"allow": False, "access": "rwm"},
                    *(
                        {"allow": True, "type": "c", "major": one.major, "minor": one.minor, "access": "rwm"}
                        for one in devices
                    ),
                ],
                "memory": {"limit": spec.memory_bytes + memory_overhead},
                "cpu": {"period": CPU_PERIOD_US, "quota": int(spec.cpus * CPU_PERIOD_US)},
                "pids": {"limit": spec.processes},
            },
            "maskedPaths": list(_MASKED),
            "readonlyPaths": [*_readonly_sysctls(), "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sysrq-trigger"],
            "seccomp": _seccomp(),
        },
    }


def _readonly_sysctls() -> list[str]:
    """Everything in /proc/sys but `net`, which belongs to the network namespace: a writable /proc/sys is the host's
    own."""
    return sorted(f"/proc/sys/{name}" for name in os.listdir("/proc/sys") if name != "net")


def _mount(destination: str, kind: str, *options: str, source: str = "") -> Mount:
    return {"destination": destination, "type": kind, "source": source or kind, "options": list(options)}


def usr_mounts(*, applications: Path, usr_upper: Path, usr_work: Path, hidden: tuple[Path, ...]) -> list[Mount]:
    """Of a box over the host's /usr. `hidden` are directories of the host below /usr that must not be seen."""
    overlay = (f"lowerdir=/usr,upperdir={usr_upper},workdir={usr_work}", "nodev")
    return [
        _PROC,
        _mount("/usr", "overlay", *overlay),
        *(_mount(str(path), "tmpfs", "ro", "nosuid", "noexec", "nodev", "size=4k", "mode=000") for path in hidden),
        _mount(APPLICATIONS, "bind", "bind", "ro", "nosuid", "nodev", source=str(applications)),
        *_KERNEL,
        _mount("/run", "tmpfs", "nosuid", "nodev", "mode=755", "size=64m"),
    ]


def image_mounts(*, applications: Path, files: Mapping[str, Path]) -> list[Mount]:
    """Of a box with a root of its own. `files` are generated ones by their place in the box, which may change them."""
    return [
        _PROC,
        *_KERNEL,
        _mount(APPLICATIONS, "bind", "bind", "ro", "nosuid", "nodev", source=str(applications)),
        *(_mount(place, "bind", "bind", "nosuid", "nodev", source=str(path)) for place, path in files.items()),
    ]


def bind(source: Path, destination: str, *options: str) -> Mount:
    """A directory or file of the host in the box."""
    return _mount(destination, "bind", "bind", "nosuid", "nodev", *options, source=str(source))


_PROC = _mount("/proc", "proc", "nosuid", "noexec", "nodev")
_KERNEL = (
    _mount("/dev", "tmpfs", "nosuid", "strictatime", "mode=755", "size=1m"),
    _mount("/dev/pts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
    _mount("/dev/shm", "tmpfs", "nosuid", "noexec", "nodev", "mode=1777", "size=64m"),
    _mount("/dev/mqueue", "mqueue", "nosuid", "noexec", "nodev"),
    _mount("/sys", "sysfs", "nosuid", "noexec", "nodev", "ro"),
)


def _seccomp() -> dict[str, Any]:
    """Allow all but a list. clone3 hides its flags from the filter, so it is said not to exist and libc falls back to
    clone."""
    return {
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [
            {"names": list(_REFUSED_CALLS), "action": "SCMP_ACT_ERRNO", "errnoRet": _EPERM},
            {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": _ENOSYS},
            {
                "names": ["clone"],
                "action": "SCMP_ACT_ERRNO",
                "errnoRet": _EPERM,
                "args": [
                    {"index": 0, "value": _CLONE_NEWUSER, "valueTwo": _CLONE_NEWUSER, "op": "SCMP_CMP_MASKED_EQ"},
                ],
            },
        ],
    }
