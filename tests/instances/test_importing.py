"""What becomes an image, and what does not: an error that says why, and nothing left."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from opengwlb.instances import importing
from opengwlb.instances.content import ContentStore
from opengwlb.instances.importing import Asked, Cancelled, Content, Importer, ImportFailed, Kind, Progress

from .image_maker import APPLIANCE, make_oci, make_root, run

pytestmark = pytest.mark.skipif(not shutil.which("umoci"), reason="needs umoci and skopeo")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_root(tmp_path_factory.mktemp("image") / "root")


@pytest.fixture(scope="module")
def layout(root: Path) -> Path:
    return make_oci(root.with_name("layout"), root, *APPLIANCE)


@pytest.fixture
def contents(tmp_path: Path) -> ContentStore:
    return ContentStore(tmp_path / "images")


def bring(contents: ContentStore, source: object, **more: object) -> Content:
    """Import and adopt; the content."""
    steps: list[Progress] = []
    with contents.staging() as staging:
        importer = Importer(staging, progress=steps.append, cancelled=threading.Event())
        made = importer.run(Asked(source=str(source), **more))  # type: ignore[arg-type]
        with contents.adopting(made.staged, made.name):
            assert steps, "nothing was said on the way"
    return made


def refuses(contents: ContentStore, source: object, *words: str, **more: object) -> None:
    with pytest.raises(ImportFailed) as caught:
        bring(contents, source, **more)
    for word in words:
        assert word in str(caught.value), str(caught.value)
    assert sorted(path.name for path in contents.directory.rglob("*")) in ([], ["incoming"])


def archive(path: Path, *members: tuple[tarfile.TarInfo, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as made:  # type: ignore[call-overload]
        for member, data in members:
            member.size = len(data)
            made.addfile(member, io.BytesIO(data))
    return path


def member(name: str, **changes: object) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    for attribute, value in changes.items():
        setattr(made, attribute, value)
    return made


SHELL = (member("bin/sh", mode=0o755), b"#!/bin/true\n")


@pytest.mark.parametrize("form", ["folder", "oci archive", "docker archive"])
def test_an_oci_image_comes_with_what_it_starts(contents: ContentStore, layout: Path, tmp_path: Path, form: str):
    source = layout
    if form == "oci archive":
        source = tmp_path / "image.tar"
        run("tar", "--create", "--directory", str(layout), "--file", str(source), ".")
    elif form == "docker archive":
        source = tmp_path / "image.tar"
        copy = ("skopeo", "--insecure-policy", "copy", "--quiet", f"oci:{layout}:appliance")
        run(*copy, f"docker-archive:{source}:acme:1")
    made = bring(contents, source)
    assert made.kind is Kind.OCI and made.checksum.startswith("sha256:")
    assert made.launch is not None and made.launch.arguments[0] in ("/start",)
    assert made.launch.directory == "/srv" and "VENDOR=Acme" in made.launch.environment
    assert (contents.path(made.name) / "rootfs/etc/hairpin.nft").is_file()


def test_the_user_of_an_image_is_looked_up_in_the_image(contents: ContentStore, root: Path, tmp_path: Path):
    made = bring(contents, make_oci(tmp_path / "oci", root, *APPLIANCE, "--config.user", "web"))
    assert made.launch is not None and (made.launch.uid, made.launch.gid) == (33, 44)


def test_a_root_file_system_is_the_same_as_folder_and_as_archive(contents: ContentStore, root: Path, tmp_path: Path):
    packed = tmp_path / "root.tar.xz"
    run("tar", "--create", "--xz", "--directory", str(root), "--file", str(packed), ".")
    for source in (root, packed):
        made = bring(contents, source, command=("/start",))
        assert made.kind is Kind.ROOTFS and made.launch is not None and made.launch.arguments == ("/start",)
        assert run("diff", "-r", "--no-dereference", str(root), str(contents.path(made.name) / "rootfs")) == ""


def test_links_may_point_anywhere_but_nothing_is_written_through_them(contents: ContentStore, tmp_path: Path):
    outside = tmp_path / "outside"
    outside.mkdir()
    evil = archive(
        tmp_path / "evil.tar",
        SHELL,
        (member("way", type=tarfile.SYMTYPE, linkname=str(outside)), b""),
        (member("way/planted"), b"mine"),
    )
    with pytest.raises(ImportFailed):
        bring(contents, evil)
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (member("../../etc/cron.d/evil"), "leads out of the image"),
        (member("/etc/passwd"), "leads out of the image"),
        (member("copy", type=tarfile.LNKTYPE, linkname="../../etc/shadow"), "leads out of the image"),
        (member("etc/sda", type=tarfile.BLKTYPE, devmajor=8), "device node"),
    ],
    ids=["up", "absolute", "hard link", "device"],
)
def test_an_archive_that_reaches_out_is_refused(contents: ContentStore, tmp_path: Path, bad, words: str):
    refuses(contents, archive(tmp_path / "bad.tar", SHELL, (bad, b"")), words)


def test_device_nodes_of_dev_are_left_out(contents: ContentStore, tmp_path: Path):
    device = member("./dev/sda", type=tarfile.BLKTYPE, devmajor=8)
    made = bring(contents, archive(tmp_path / "dev.tar", SHELL, (device, b"")))
    assert not (contents.path(made.name) / "rootfs/dev/sda").exists()


def test_a_wrong_architecture_is_said(contents: ContentStore, root: Path, tmp_path: Path):
    elf = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00" + (183).to_bytes(2, "little")
    other = archive(tmp_path / "arm.tar", (member("bin/sh", mode=0o755), elf))
    refuses(contents, other, "made for arm64", "this machine is x86_64")
    foreign = make_oci(tmp_path / "oci", root, *APPLIANCE, "--architecture", "arm64")
    refuses(contents, foreign, "arm64")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.write_bytes(b"hello" * 1000), "is no tar archive, OCI image or disk"),
        (lambda path: path.write_bytes(b"\x28\xb5\x2f\xfd" + bytes(600)), "is no tar archive"),
        (lambda path: None, "No such file"),
        (lambda path: path.mkdir(), "is empty"),
        (lambda path: archive(path, (member("etc/motd"), b"hi")), "'/bin/sh', which the image is to start, is not in"),
    ],
    ids=["noise", "zstd", "missing", "empty folder", "no shell"],
)
def test_what_is_no_image_is_refused(contents: ContentStore, tmp_path: Path, make: Callable[[Path], None], words: str):
    make(tmp_path / "thing")
    refuses(contents, tmp_path / "thing", words)


def test_a_cut_off_archive_is_refused(contents: ContentStore, root: Path, tmp_path: Path):
    whole = tmp_path / "whole.tar.gz"
    run("tar", "--create", "--gzip", "--directory", str(root), "--file", str(whole), ".")
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    refuses(contents, cut, "no whole tar archive", kind=Kind.ROOTFS)


def test_an_image_with_a_broken_layer_is_refused(contents: ContentStore, layout: Path, tmp_path: Path):
    broken = tmp_path / "broken"
    shutil.copytree(layout, broken)
    largest = max((broken / "blobs/sha256").iterdir(), key=lambda blob: blob.stat().st_size)
    data = bytearray(largest.read_bytes())
    data[len(data) // 2] ^= 0xFF
    largest.write_bytes(data)
    refuses(contents, broken, "skopeo")


def test_two_images_in_one_folder_are_told_apart_by_their_tags(contents: ContentStore, layout: Path, tmp_path: Path):
    both = tmp_path / "both"
    shutil.copytree(layout, both)
    run("umoci", "tag", "--image", f"{both}:appliance", "second")
    refuses(contents, both, "holds 2 images", f"oci:{both}:second")
    assert bring(contents, f"oci:{both}:second").kind is Kind.OCI


def test_a_bomb_ends_at_the_limit(contents: ContentStore, tmp_path: Path):
    bomb = archive(tmp_path / "bomb.tar.gz", SHELL, (member("zeros"), bytes(8 << 20)), mode="w:gz")
    refuses(contents, bomb, "--max-gib", limit_bytes=1 << 20)


def test_a_disk_that_would_be_full_stops_the_import(contents: ContentStore, root: Path, layout: Path, monkeypatch):
    monkeypatch.setattr(importing, "RESERVE_BYTES", shutil.disk_usage(root).free + (1 << 40))
    for source in (root, layout):
        refuses(contents, source, "The disk is full")


def test_a_disk_that_is_full_is_said_by_the_child_that_unpacks(contents: ContentStore, root: Path, tmp_path: Path):
    small = tmp_path / "small"
    small.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(small))
    try:
        packed = tmp_path / "root.tar"
        run("tar", "--create", "--directory", str(root), "--file", str(packed), ".")
        said = importing.subprocess.run(
            ["python3", "-I", str(importing._INSIDE), "unpack", str(small), str(1 << 30)],
            stdin=packed.open("rb"),
            capture_output=True,
        )
        assert json.loads(said.stdout) == {"error": "the disk is full"}
    finally:
        run("umount", str(small))


def test_a_cancelled_import_leaves_nothing(contents: ContentStore, root: Path):
    stop = threading.Event()
    with pytest.raises(Cancelled), contents.staging() as staging:
        Importer(staging, progress=lambda _: stop.set(), cancelled=stop).run(Asked(source=str(root)))
    assert list(contents.directory.rglob("*")) == [contents.directory / "incoming"]


def test_a_file_must_have_the_checksum_that_was_promised(contents: ContentStore, tmp_path: Path):
    file = archive(tmp_path / "root.tar", SHELL)
    refuses(contents, file, "it was changed", checksum="sha256:" + "0" * 64)
    promised = f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"
    assert bring(contents, file, checksum=promised).checksum == promised


def test_a_sweep_keeps_what_is_wanted_and_what_is_being_imported(contents: ContentStore, root: Path):
    made = bring(contents, root)
    (contents.directory / "incoming" / "left by a crash").mkdir(parents=True)
    with contents.staging() as running:
        assert contents.sweep(lambda: {made.name}) == []
        assert running.is_dir()
    assert contents.path(made.name).is_dir()
    assert contents.sweep(lambda: set()) == [made.name]
    assert list(contents.directory.rglob("*")) == [contents.directory / "incoming"]
