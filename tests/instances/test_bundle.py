"""The runtime configuration as a value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from opengwlb.instances import InstanceSpec
from opengwlb.instances.bundle import configuration, usr_mounts
from opengwlb.instances.images import service_of
from opengwlb.model.images import BUILTIN_IMAGES, Launch

SPEC = InstanceSpec(id="i-1", boot=3, namespace="/run/netns/x", image_kind="linux", hostname="box")


def made(**changes: Any) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "applications": Path("/disk/applications"),
        "usr_upper": Path("/disk/usr"),
        "usr_work": Path("/disk/usr.work"),
        "hidden": (),
    }
    mounts = usr_mounts(**{**arguments, **changes})
    process = Launch(arguments=("/bin/true",))
    return configuration(SPEC, process=process, root=Path("/disk/root"), mounts=mounts, cgroup="/opengwlb-x/i-1")


def test_directories_of_ours_below_usr_are_covered_after_usr_is_laid_over() -> None:
    mounts = [(mount["destination"], mount["type"]) for mount in made(hidden=(Path("/usr/src/opengwlb"),))["mounts"]]
    assert mounts.index(("/usr/src/opengwlb", "tmpfs")) > mounts.index(("/usr", "overlay"))


def test_only_the_network_part_of_proc_sys_is_left_writable() -> None:
    readonly = set(made()["linux"]["readonlyPaths"])
    assert "/proc/sys/kernel" in readonly
    assert "/proc/sys/net" not in readonly
    assert {f"/proc/sys/{path.name}" for path in Path("/proc/sys").iterdir()} - readonly == {"/proc/sys/net"}


def test_the_only_directory_of_the_host_beside_usr_is_the_instances_own_applications_read_only() -> None:
    binds = [mount for mount in made()["mounts"] if "bind" in (mount["type"], *mount["options"])]
    assert [(mount["source"], mount["destination"]) for mount in binds] == [("/disk/applications", "/opt/opengwlb")]
    assert "ro" in binds[0]["options"]


@pytest.mark.parametrize("image", BUILTIN_IMAGES, ids=lambda image: image.kind)
def test_every_image_of_the_catalogue_has_a_recipe(image: Any) -> None:
    service = service_of(InstanceSpec(id="i-1", boot=1, namespace="/x", image_kind=image.kind, hostname="box"))
    assert (service is None) == (image.kind == "linux")


def test_an_unknown_image_is_refused() -> None:
    with pytest.raises(ValueError, match="no image of kind 'windows'"):
        service_of(InstanceSpec(id="i-1", boot=1, namespace="/x", image_kind="windows", hostname="box"))
