"""What an instance may do, and what it must not see or do."""

from __future__ import annotations

import errno
import platform
from pathlib import Path

import pytest

from .conftest import OUTSIDE, Lab

REFUSED = (126, 1, 2, 32)


@pytest.fixture
def box(lab: Lab) -> Lab:
    lab.start()
    return lab


def test_nothing_of_the_host_but_usr_can_be_read(box: Lab) -> None:
    box.data_dir.joinpath("credentials").write_text("secret")
    checkout = Path(__file__).resolve().parents[2]
    for path in (
        box.data_dir,
        box.run_dir,
        checkout,
        Path.home() / ".ssh",
        Path("/etc/ssh"),
        Path("/boot"),
        Path("/.dockerenv"),
    ):
        assert box.inside("test", "-e", str(path), check=False).returncode == 1, path
    assert box.inside("ls", "/root", "/home").stdout.split() == ["/home:", "/root:"]
    assert ":*:" in box.inside("cat", "/etc/shadow").stdout
    assert "$" not in box.inside("cat", "/etc/shadow").stdout
    assert box.inside("test", "-e", "/etc/ssl/private", check=False).returncode == 1
    top = set(box.inside("ls", "/").stdout.split())
    assert top <= {
        "bin", "dev", "etc", "home", "lib", "lib32", "lib64", "libx32", "mnt", "opt", "proc", "root", "run", "sbin", "srv", "sys",
        "tmp", "usr", "var",
    }  # fmt: skip


def test_only_its_own_processes_and_host_name_are_seen(box: Lab) -> None:
    assert box.inside("hostname").stdout == "ip-192-0-2-2\n"
    assert box.inside("cat", "/proc/1/comm").stdout == "python3\n"
    assert len([name for name in box.inside("ls", "/proc").stdout.split() if name.isdigit()]) <= 3
    assert "192.0.2.2" in box.inside("getent", "hosts", "ip-192-0-2-2").stdout


def test_host_sysctls_cannot_be_written_but_those_of_the_network_can(box: Lab) -> None:
    before = Path("/proc/sys/kernel/panic").read_text()
    assert box.inside("sh", "-c", "echo 77 > /proc/sys/kernel/panic", check=False).returncode in REFUSED
    assert box.inside("sh", "-c", "echo 1 > /proc/sys/vm/drop_caches", check=False).returncode in REFUSED
    assert box.inside("sh", "-c", "echo h > /proc/sysrq-trigger", check=False).returncode in REFUSED
    assert Path("/proc/sys/kernel/panic").read_text() == before
    host = Path("/proc/sys/net/ipv4/ip_forward").read_text()
    assert box.inside("sysctl", "-w", "net.ipv4.ip_forward=1").stdout == "net.ipv4.ip_forward = 1\n"
    assert box.inside("cat", "/proc/sys/net/ipv4/ip_forward").stdout == "1\n"
    assert Path("/proc/sys/net/ipv4/ip_forward").read_text() == host


def test_mounts_are_refused(box: Lab) -> None:
    for command in (
        "mount -t tmpfs none /mnt",
        "mount -o remount,rw /proc/sys",
        "umount /proc/sys/kernel",
        "unshare -Ur true",
    ):
        assert box.inside(*command.split(), check=False).returncode in REFUSED, command


@pytest.mark.parametrize(
    ("number", "error"),
    [(321, errno.EPERM), (165, errno.EPERM), (246, errno.EPERM), (272, errno.EPERM), (435, errno.ENOSYS)],
    ids=["bpf", "mount", "kexec_load", "unshare", "clone3"],
)
@pytest.mark.skipif(platform.machine() != "x86_64", reason="system call numbers of x86-64")
def test_system_calls_beyond_an_appliances_business_are_refused(box: Lab, number: int, error: int) -> None:
    code = (
        "import ctypes; libc = ctypes.CDLL(None, use_errno=True);"
        f"print(libc.syscall({number}, 0, 0, 0, 0, 0, 0), ctypes.get_errno())"
    )
    assert box.inside("/usr/bin/python3", "-c", code).stdout.split() == ["-1", str(error)]


def test_capabilities_are_the_ordinary_set_and_network_administration(box: Lab) -> None:
    status = box.inside("grep", "Cap", "/proc/self/status").stdout
    held = {line.split()[0]: int(line.split()[1], 16) for line in status.splitlines()}
    never = {
        "SYS_MODULE": 16,
        "SYS_PTRACE": 19,
        "SYS_ADMIN": 21,
        "MKNOD": 27,
        "PERFMON": 38,
        "BPF": 39,
        "DAC_READ_SEARCH": 2,
    }
    needed = {"NET_ADMIN": 12, "NET_RAW": 13, "NET_BIND_SERVICE": 10, "CHOWN": 0, "SETUID": 7, "SETGID": 6, "KILL": 5}
    for kind in ("CapBnd:", "CapEff:", "CapPrm:"):
        assert not any(held[kind] >> bit & 1 for bit in never.values()), kind
        assert all(held[kind] >> bit & 1 for bit in needed.values()), kind
    assert "NoNewPrivs:\t1" in box.inside("grep", "NoNewPrivs", "/proc/self/status").stdout


def test_devices_of_the_host_cannot_be_made(box: Lab) -> None:
    assert box.inside("mknod", "/root/disk", "b", "254", "0", check=False).returncode in REFUSED


def test_ping_works(box: Lab) -> None:
    assert "1 received" in box.inside("ping", "-c1", "-W2", OUTSIDE).stdout


def test_tcpdump_sees_packets(box: Lab) -> None:
    script = f"timeout 5 tcpdump -ni eth0 -c1 icmp & sleep 1; ping -c2 -W1 {OUTSIDE} >/dev/null; wait"
    assert "ICMP echo request" in box.inside("sh", "-c", script).stdout


def test_links_tunnels_and_filters_can_be_made(box: Lab) -> None:
    box.inside("ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1")
    box.inside("ip", "tuntap", "add", "tun0", "mode", "tun")
    box.inside("ip", "address", "add", "198.51.100.1/32", "dev", "tun0")
    assert "tun0" in box.inside("ip", "-br", "link").stdout
    code = (
        "import fcntl, os, struct; f = os.open('/dev/net/tun', os.O_RDWR);"
        "fcntl.ioctl(f, 0x400454ca, struct.pack('16sH22x', b'tun1', 0x1001)); print('open')"
    )
    assert box.inside("/usr/bin/python3", "-c", code).stdout == "open\n"


@pytest.mark.parametrize(
    "command",
    ["iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE", "nft add table inet filter", "nft list ruleset", "nc -h"],
)
def test_the_tools_of_an_appliance_work(box: Lab, command: str) -> None:
    done = box.inside(*command.split(), check=False)
    assert done.returncode == 0, done.stderr


def test_an_instance_has_a_limit_of_processes(lab: Lab) -> None:
    lab.start(processes=40)
    done = lab.inside("sh", "-c", "for i in $(seq 60); do sleep 1 & done", check=False)
    assert "fork" in done.stderr.lower() or done.returncode != 0


def test_certificates_of_the_public_authorities_are_known_and_no_key_is(box: Lab) -> None:
    code = "import ssl; print(len(ssl.create_default_context().get_ca_certs()))"
    assert int(box.inside("/usr/bin/python3", "-c", code).stdout) > 50
    assert box.inside("grep", "-r", "-l", "PRIVATE KEY", "/etc", check=False).returncode == 1


def test_a_command_in_the_instance_has_its_environment_and_its_exit_code(box: Lab) -> None:
    done = box.inside("sh", "-c", "pwd; echo $HOME; echo $PYTHONPATH; exit 7", check=False)
    assert (done.stdout, done.returncode) == ("/root\n/root\n/opt/opengwlb\n", 7)


def test_links_that_an_instance_leaves_on_its_disk_do_not_lead_the_next_boot_into_the_host(
    lab: Lab, tmp_path: Path
) -> None:
    trap = tmp_path / "host"
    trap.mkdir()
    (trap / "kept").write_text("kept")
    lab.start()
    assert lab.inside("touch", "/opt/opengwlb/user-data", check=False).returncode == 1
    lab.driver.stop(lab.spec.id)
    root = lab.data_dir / "instances" / lab.spec.id / "root"
    (root / "opt/opengwlb").rmdir()
    (root / "opt/opengwlb").symlink_to(trap)
    lab.start(boot=2, user_data=b"#!/bin/sh\n")
    lab.driver.remove(lab.spec.id)
    assert [path.name for path in trap.iterdir()] == ["kept"]
