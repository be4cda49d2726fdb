"""The doctor: one clear sentence for each lack, before anything is installed."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from opengwlb.cli import doctor, doctor_probes
from opengwlb.cli.doctor import FAILED, INSTALLABLE, OK, WARNING, Check

CLI = Path(doctor.__file__).parent


@pytest.mark.parametrize("release", ["6.6.0", "6.8.0-31-generic", "6.12.9+bpo-amd64", "7.0.1"])
def test_a_kernel_of_6_6_or_newer_is_good(release: str) -> None:
    assert doctor.check_kernel(release, distribution="debian 13").state == OK


@pytest.mark.parametrize("release", ["6.1.0-40-amd64", "5.15.0", "6.5.13", "unknown"])
def test_an_older_kernel_stops_us_with_one_sentence_that_names_the_ways_out(release: str) -> None:
    check = doctor.check_kernel(release, distribution="")
    assert check.state == FAILED
    assert release in check.found
    for way_out in ("6.6", "Debian 13", "Ubuntu 24.04", "bookworm-backports", "reboot"):
        assert way_out in check.advice
    assert doctor.obstacle([check], installed=False) == check.advice
    assert "\n" not in check.advice


def test_on_debian_12_the_sentence_is_the_command_that_installs_its_newer_kernel() -> None:
    advice = doctor.check_kernel("6.1.0-40-amd64", distribution="debian 12").advice
    assert "apt install -t bookworm-backports linux-image-amd64" in advice


def test_without_root_it_says_what_still_works() -> None:
    assert doctor.check_root(0).state == OK
    assert "--data-plane none" in doctor.check_root(1000).advice


def test_what_setup_installs_does_not_stop_setup_but_stops_a_start() -> None:
    lacking = [Check("runc", INSTALLABLE, "not installed", "apt install runc", ("runc",))]
    assert doctor.obstacle(lacking, installed=False) is None
    stop = doctor.obstacle(lacking, installed=True)
    assert stop is not None
    assert "runc" in stop
    assert "make setup" in stop


def test_a_missing_tool_names_its_package() -> None:
    (check,) = doctor.check_tools({"no-such-command": "some-package"}, {})
    assert (check.state, check.packages) == (INSTALLABLE, ("some-package",))


def test_a_taken_port_is_told_with_who_has_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        check = doctor.check_port(server.getsockname()[1])
    assert check.state == WARNING
    assert f"pid {os.getpid()}" in check.found


def test_too_little_disk_stops_us(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1 << 20))
    assert doctor.check_disk(tmp_path).state == FAILED


def test_a_refused_probe_gives_its_reason_and_its_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = doctor_probes.Answer("tcx", works=False, found="Invalid argument", advice="do this")
    monkeypatch.setattr(doctor_probes, "run", lambda: [refused])
    (check,) = doctor.check_probes()
    assert (check.state, check.found, check.advice) == (FAILED, "Invalid argument", "do this")


@pytest.mark.skipif(os.geteuid() != 0, reason="probes need root")
def test_probes_leave_nothing_behind() -> None:
    def traces() -> tuple[str, str, int]:
        return Path("/proc/self/mounts").read_text(), Path("/proc/net/dev").read_text().split()[0], _descriptors()

    before = traces()
    answers = doctor_probes.run()
    assert traces() == before
    assert {"namespaces", "bpf(2)", "tcx", "veth", "bpffs", "overlayfs"} == {answer.name for answer in answers}


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_it_runs_as_a_file_with_nothing_but_the_standard_library(tmp_path: Path) -> None:
    for name in ("doctor.py", "doctor_probes.py", "table_size.py"):
        shutil.copy(CLI / name, tmp_path)
    asked = [sys.executable, "-S", str(tmp_path / "doctor.py"), "--json"]
    done = subprocess.run(asked, capture_output=True, text=True, cwd="/", env={"PATH": "/usr/bin:/bin"})
    answer = json.loads(done.stdout)
    assert {"kernel", "root", "python", "BTF", "cgroups", "clang", "disk", "port"} <= {
        check["name"] for check in answer["checks"]
    }
    assert done.returncode == (1 if any(check["state"] == FAILED for check in answer["checks"]) else 0)


def test_packages_are_printed_one_a_line_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lacking = [
        Check("kernel", OK, "Linux 6.18"),
        Check("runc", INSTALLABLE, "not installed", "", ("runc",)),
        Check("ip", INSTALLABLE, "not installed", "", ("iproute2",)),
    ]
    monkeypatch.setattr(doctor, "examine", lambda **_: lacking)
    assert doctor.run(packages=True) == 0
    assert capsys.readouterr().out == "iproute2\nrunc\n"
