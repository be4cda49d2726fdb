"""Boxes of images that are not ours: an OCI image and a root file system, made with busybox."""

from __future__ import annotations

import shutil
import threading
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from opengwlb.instances import InstanceSpec, foreign
from opengwlb.instances.content import ContentStore
from opengwlb.instances.importing import Asked, Content, Importer

from .conftest import Lab, Node, until
from .image_maker import APPLIANCE, make_oci, make_root

pytestmark = pytest.mark.skipif(not shutil.which("umoci"), reason="needs umoci and skopeo")


@dataclass(frozen=True)
class Sources:
    root: Path
    layout: Path


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    root = make_root(tmp_path_factory.mktemp("image") / "root")
    return Sources(root, make_oci(root.with_name("layout"), root, *APPLIANCE))


def bring(lab: Lab, source: Path) -> Content:
    contents = ContentStore(lab.data_dir / "images")
    with contents.staging() as staging:
        importer = Importer(staging, progress=lambda _: None, cancelled=threading.Event())
        made = importer.run(Asked(source=str(source)))
        with contents.adopting(made.staged, made.name):
            return made


def spec(lab: Lab, made: Content, **changes: object) -> InstanceSpec:
    return replace(lab.spec, image_kind=str(made.kind), content=made.name, launch=made.launch, **changes)


def started(lab: Lab, wanted: InstanceSpec) -> InstanceSpec:
    """Start as the reconciler does: again while it says that it is starting."""

    def alive() -> bool:
        lab.driver.start(wanted)
        return lab.driver.running()[wanted.id].alive

    until(alive, what="the image's program runs")
    return wanted


@pytest.fixture
def appliance(lab: Lab, sources: Sources) -> InstanceSpec:
    lab.data_dir.mkdir()
    return spec(lab, bring(lab, sources.layout))


def test_an_oci_image_runs_as_its_configuration_says(lab: Lab, node: Node, appliance: InstanceSpec):
    started(lab, appliance)
    until(lambda: node.health()[0] == 200, what="its health page answers")
    lab.console_says("appliance of Acme starts as 0, in /srv, with its arguments")
    assert lab.inside("hostname").stdout.strip() == lab.spec.hostname
    assert "192.0.2.2 ip-192-0-2-2" in lab.inside("cat", "/etc/hosts").stdout
    assert lab.inside("nft", "list", "chain", "ip", "hairpin", "out").returncode == 0


def test_an_oci_image_returns_what_the_node_sends(lab: Lab, node: Node, appliance: InstanceSpec):
    started(lab, appliance)
    until(lambda: node.health()[0] == 200, what="its health page answers")
    node.send(b"whatever was sent", source_port=50007)
    returned = node.returned()
    assert returned is not None and returned[28:] == b"whatever was sent"
    assert returned[20:24] == (50007).to_bytes(2, "big") + (6081).to_bytes(2, "big")
    assert returned[12:20] == bytes([192, 0, 2, 2, 192, 0, 2, 1])


def test_the_box_sees_nothing_of_the_machine(lab: Lab, appliance: InstanceSpec):
    started(lab, appliance)
    assert lab.inside("ls", "/root", check=False).returncode != 0
    assert "python3" not in lab.inside("ls", "/usr/bin", check=False).stdout
    assert lab.inside("mknod", "/sda", "b", "8", "0", check=False).returncode != 0
    assert lab.inside("mount", "-t", "tmpfs", "none", "/tmp", check=False).returncode != 0


def test_user_data_runs_before_the_images_program_and_once(lab: Lab, appliance: InstanceSpec):
    script = b"#!/bin/sh\necho set up by $(id -u); sleep 0.3; echo > /etc/ready; echo again >> /etc/count\n"
    first = started(lab, replace(appliance, user_data=script))
    said = lab.console_says("appliance of Acme starts")
    assert said.index("set up by 0") < said.index("user data ended with 0") < said.index("appliance of Acme starts")
    assert lab.inside("cat", foreign.USER_DATA).stdout.encode() == script
    started(lab, replace(first, boot=2))
    assert lab.inside("cat", "/etc/count").stdout == "again\n"


def test_user_data_that_never_ends_holds_the_program_up_only_for_a_while(
    lab: Lab, appliance: InstanceSpec, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(foreign, "USER_DATA_S", 1.0)
    lab.driver.start(replace(appliance, user_data=b"#!/bin/sh\nexec sleep 1000\n"))
    found = lab.driver.running()[appliance.id]
    assert (found.alive, found.starting) == (False, True)
    started(lab, replace(appliance, user_data=b"#!/bin/sh\nexec sleep 1000\n"))


def test_an_image_without_a_shell_starts_all_the_same(lab: Lab, sources: Sources, tmp_path: Path):
    bare = tmp_path / "bare"
    (bare / "bin").mkdir(parents=True)
    shutil.copy2("/usr/bin/busybox", bare / "bin/busybox")
    entry = ("--config.entrypoint", "/bin/busybox", "--config.cmd", "sleep", "--config.cmd", "1000")
    lab.data_dir.mkdir()
    wanted = spec(lab, bring(lab, make_oci(tmp_path / "oci", bare, *entry)), user_data=b"#!/bin/sh\ntrue\n")
    started(lab, wanted)
    assert "user data cannot be run" in lab.console()


def test_stop_and_start_and_reboot_keep_the_disk_and_never_touch_the_image(lab: Lab, appliance: InstanceSpec):
    started(lab, appliance)
    lab.inside("sh", "-c", "echo kept > /etc/kept; rm /etc/group")
    assert lab.driver.stop(appliance.id)
    shared = lab.data_dir / "images" / appliance.content / "rootfs"
    assert not (shared / "etc/kept").exists() and (shared / "etc/group").exists()
    for boot in (2, 3):  # a start after the stop, and a reboot of what runs
        started(lab, replace(appliance, boot=boot))
        assert lab.inside("cat", "/etc/kept").stdout == "kept\n"
        assert lab.inside("cat", "/etc/group", check=False).returncode != 0


def test_a_disk_that_carries_no_overlay_gets_a_copy(lab: Lab, appliance: InstanceSpec, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("opengwlb.instances.runc._carries_overlay", lambda _: False)
    started(lab, appliance)
    lab.inside("sh", "-c", "echo kept > /etc/kept")
    shared = lab.data_dir / "images" / appliance.content / "rootfs"
    assert not (shared / "etc/kept").exists()
    lab.driver.stop(appliance.id)
    started(lab, replace(appliance, boot=2))
    assert lab.inside("cat", "/etc/kept").stdout == "kept\n"


def test_a_root_file_system_without_a_command_is_a_box_that_runs_user_data(lab: Lab, sources: Sources):
    lab.data_dir.mkdir()
    wanted = spec(lab, bring(lab, sources.root), user_data=b"#!/bin/sh\nhttpd -p 80 -h /etc\n")
    started(lab, wanted)
    until(lambda: lab.from_outside("curl", "-s", "http://192.0.2.2/hostname", check=False).stdout, what="httpd answers")


def test_a_program_that_ends_is_an_instance_that_ended(lab: Lab, sources: Sources, tmp_path: Path):
    lab.data_dir.mkdir()
    short = make_oci(tmp_path / "oci", sources.root, "--config.entrypoint", "/bin/true")
    lab.driver.start(spec(lab, bring(lab, short)))
    until(lambda: not lab.driver.running()[lab.spec.id].alive, what="it ended")


def test_a_console_that_grows_is_cut(lab: Lab, sources: Sources, tmp_path: Path):
    lab.data_dir.mkdir()
    noisy = make_oci(tmp_path / "oci", sources.root, "--config.entrypoint", "/bin/yes")
    lab.driver.start(spec(lab, bring(lab, noisy)))
    console = lab.data_dir / "instances" / lab.spec.id / "console.log"
    until(lambda: console.stat().st_size > 1 << 20, what="much was printed")
    lab.driver.running()
    kept = console.stat().st_size
    lab.driver.stop(lab.spec.id)
    assert kept < 1 << 20
    assert lab.driver.console(lab.spec.id).endswith(b"y\n")


def test_removing_leaves_neither_mount_nor_directory(lab: Lab, appliance: InstanceSpec):
    before = _mounts(lab)
    started(lab, appliance)
    assert _mounts(lab) == before
    lab.driver.remove(appliance.id)
    assert _mounts(lab) == before
    assert list((lab.data_dir / "instances").iterdir()) == []


def _mounts(lab: Lab) -> list[str]:
    """This lab's in the host's mount namespace: others come and go beside it."""
    ours = (lab.name, str(lab.data_dir), str(lab.run_dir))
    return [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if any(one in line for one in ours)]
