"""Start, stop, reboot, adopt, remove."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from opengwlb.instances import InstanceError, runc
from opengwlb.instances.runc import start_ticks

from .conftest import Lab, until

SCRIPT = b"#!/bin/sh\necho hello from user data\necho once >> /root/runs\n"


def cgroups_of(name: str) -> list[str]:
    return [str(path) for pattern in ("*", "*/*") for path in Path("/sys/fs/cgroup").glob(f"{pattern}{name}*")]


def test_user_data_runs_once_and_prints_to_the_console(lab: Lab) -> None:
    lab.start(user_data=SCRIPT)
    console = lab.console_says("user data ended well")
    assert "hello from user data" in console
    assert lab.inside("cat", "/root/runs").stdout == "once\n"

    lab.start(user_data=SCRIPT, boot=2)
    console = lab.console_says("boot 2 of ip-192-0-2-2")
    assert console.count("hello from user data") == 1
    assert lab.inside("cat", "/root/runs").stdout == "once\n"


def test_a_failing_user_data_is_named_with_its_exit_code_and_its_last_words(lab: Lab) -> None:
    lab.start(user_data=b"#!/bin/sh\necho about to fail >&2\nexit 3\n")
    console = lab.console_says("user data failed with exit code 3")
    assert "about to fail" in console
    assert lab.driver.running()[lab.spec.id].alive


def test_user_data_with_an_interpreter_that_is_not_there_fails_visibly(lab: Lab) -> None:
    lab.start(user_data=b"#!/usr/bin/no-such-shell\n")
    assert "No such file" in lab.console_says("user data failed with exit code 127")


def test_a_boothook_runs_on_every_boot(lab: Lab) -> None:
    hook = b"#cloud-boothook\n#!/bin/sh\necho hooked >> /root/runs\n"
    lab.start(user_data=hook)
    lab.console_says("user data ended well")
    lab.start(user_data=hook, boot=2)
    until(lambda: lab.inside("cat", "/root/runs").stdout == "hooked\nhooked\n", what="second run of the hook")


def test_starting_the_same_boot_again_changes_nothing(lab: Lab) -> None:
    lab.start()
    before = lab.driver.running()
    lab.start()
    assert lab.driver.running() == before


def test_stop_and_start_keep_the_disk_and_usr(lab: Lab) -> None:
    lab.start()
    lab.inside("sh", "-c", "echo kept > /var/lib/note; echo tool > /usr/local/bin/tool; echo gone > /run/note")
    lab.driver.stop(lab.spec.id)
    assert lab.driver.running() == {}
    assert not Path("/usr/local/bin/tool").exists(), "an instance wrote into the host's /usr"

    lab.start(boot=2)
    assert lab.inside("cat", "/var/lib/note", "/usr/local/bin/tool").stdout == "kept\ntool\n"
    assert lab.inside("test", "-e", "/run/note", check=False).returncode == 1


def test_processes_are_asked_to_end_before_they_are_killed(lab: Lab) -> None:
    trap = b"#!/bin/sh\n(trap 'echo bye > /root/bye; exit' TERM; echo armed; while :; do sleep 0.1; done) &\n"
    lab.start(user_data=trap)
    lab.console_says("armed")
    lab.driver.stop(lab.spec.id)
    assert "init: stopping" in lab.console()
    assert (lab.data_dir / "instances" / lab.spec.id / "root/root/bye").read_text() == "bye\n"


def test_remove_leaves_no_process_mount_cgroup_or_directory(lab: Lab) -> None:
    lab.start(user_data=b"#!/bin/sh\nsleep 1000 &\n")
    lab.console_says("user data ended well")
    pid = lab.driver.running()[lab.spec.id].pid
    assert cgroups_of(f"opengwlb-{lab.name}"), "the test looks for control groups in the wrong place"
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()

    lab.driver.remove(lab.spec.id)

    assert not any(start_ticks(int(each)) for each in (pid, *children))
    assert str(lab.data_dir) not in Path("/proc/self/mountinfo").read_text()
    assert cgroups_of(f"opengwlb-{lab.name}") == []
    assert list((lab.data_dir / "instances").iterdir()) == []
    assert lab.driver.console(lab.spec.id) == b""
    lab.driver.remove(lab.spec.id)


def test_another_driver_finds_what_the_first_one_started(lab: Lab) -> None:
    lab.start(boot=7)
    second = lab.second_driver()
    assert second.running() == lab.driver.running()
    assert second.running()[lab.spec.id].boot == 7
    second.stop(lab.spec.id)
    assert lab.driver.running() == {}


def test_an_instance_whose_first_process_died_is_reported_and_can_be_started_again(lab: Lab) -> None:
    lab.start()
    os.kill(lab.driver.running()[lab.spec.id].pid, 9)
    until(lambda: not lab.driver.running()[lab.spec.id].alive, what="seen as dead")
    lab.start()
    assert lab.driver.running()[lab.spec.id].alive


def test_after_a_reboot_of_the_machine_the_disk_is_used_again(lab: Lab) -> None:
    lab.start(user_data=SCRIPT)
    lab.console_says("user data ended well")
    lab.driver.destroy()
    assert lab.driver.running() == {}
    assert cgroups_of(f"opengwlb-{lab.name}") == []
    lab.start(user_data=SCRIPT)
    assert lab.inside("cat", "/root/runs").stdout == "once\n"


def test_a_start_in_a_namespace_that_is_not_there_says_so(lab: Lab) -> None:
    with pytest.raises(InstanceError, match="no-such-namespace"):
        lab.start(namespace="/run/netns/no-such-namespace")
    lab.start()
    assert lab.driver.running()[lab.spec.id].alive


def test_the_console_is_bounded(lab: Lab) -> None:
    lab.start(user_data=b"#!/bin/sh\nseq 1 300000\necho the end\n")
    lab.console_says("user data ended well", seconds=20)
    console = lab.driver.console(lab.spec.id)
    assert len(console) <= 64 << 10
    assert b"300000\nthe end\n" in console
    assert (lab.data_dir / "instances" / lab.spec.id / "console.log").stat().st_size < 2 << 20


def test_zombies_are_reaped(lab: Lab) -> None:
    lab.start()
    lab.inside("sh", "-c", "(sleep 0.2 &) ; exit 0")
    pid = lab.driver.running()[lab.spec.id].pid
    children = Path(f"/proc/{pid}/task/{pid}/children")
    until(lambda: children.read_text() == "", what="no children left")


def test_the_server_may_be_killed_without_its_instances(lab: Lab, tmp_path: Path) -> None:
    program = f"""
import os, signal
from pathlib import Path
from opengwlb.instances import InstanceSpec, RuncDriver
driver = RuncDriver(name={lab.name!r}, run_dir=Path({str(lab.run_dir)!r}), data_dir=Path({str(lab.data_dir)!r}))
driver.start({lab.spec!r})
os.killpg(os.getpgrp(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", program], start_new_session=True, check=False, timeout=30)
    assert lab.driver.running()[lab.spec.id].alive
    assert lab.inside("echo", "still here").stdout == "still here\n"


def test_a_start_that_was_cut_off_is_made_good_by_the_next(lab: Lab) -> None:
    lab.start()
    lab.driver.stop(lab.spec.id)
    half = lab.run_dir / "runc" / lab.spec.id
    half.mkdir()
    lab.start()
    assert lab.driver.running()[lab.spec.id].alive
    lab.driver.stop(lab.spec.id)

    bundle = lab.data_dir / "instances" / lab.spec.id
    subprocess.run(
        ["runc", "--root", str(lab.run_dir / "runc"), "create", "--bundle", str(bundle), lab.spec.id],
        check=True,
        timeout=30,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert not lab.driver.running()[lab.spec.id].alive
    lab.start()
    assert lab.driver.running()[lab.spec.id].alive
    assert lab.inside("true").returncode == 0


def test_a_disk_that_carries_no_overlay_has_its_usr_on_the_run_directory(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runc, "_carries_overlay", lambda _: False)
    lab.start()
    lab.inside("touch", "/usr/local/bin/tool")
    assert (lab.run_dir / "usr" / lab.spec.id / "usr/local/bin/tool").exists()
    lab.driver.remove(lab.spec.id)
    assert not (lab.run_dir / "usr" / lab.spec.id).exists()


def test_a_file_system_that_refuses_an_overlay_is_recognised(tmp_path: Path) -> None:
    assert runc._carries_overlay(tmp_path)
    # /proc is no place for an upper directory; the trial itself cannot even be made there.
    with pytest.raises(OSError):
        runc._carries_overlay(Path("/proc"))
    assert list(tmp_path.iterdir()) == []
