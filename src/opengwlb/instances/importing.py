"""Makes the content of an image from what people have: an OCI image, a root file system, a virtual machine's disk.

Everything happens in one staging directory, under limits, and can be cancelled; whoever calls adopts the result or lets it go.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

from opengwlb.model.images import Launch

from .content import DISK, ROOT

ARCHITECTURE = {"aarch64": "arm64"}.get(platform.machine(), "x86_64")
_OCI_ARCHITECTURE = {"x86_64": "amd64", "arm64": "arm64"}[ARCHITECTURE]
DEFAULT_LIMIT_BYTES = 32 << 30
RESERVE_BYTES = 512 << 20
"""Left free on the disk: an import that would take it ends as one that found the disk full."""
_CHUNK = 1 << 20
_NETWORK_S = 60.0
_POLL_S = 0.2
_INSIDE = Path(__file__).with_name("inside.py")
_TRANSPORTS = ("docker://", "oci:", "oci-archive:", "docker-archive:")
_SQUASHED_FILES = re.compile(r"(\./)?([0-9a-f]{64}(\.json|\.tar|/.*)?|manifest\.json|repositories)")
"""Names in what `docker save` wrote before it wrote OCI layouts."""
PLAIN_BOX = (
    "/bin/sh",
    "-c",
    'if [ -x /etc/rc.local ]; then /etc/rc.local; fi; trap "exit 0" TERM INT; while :; do sleep 3600 & wait $!; done',
)
"""What a root file system without a command runs: a box that stands there, after its user data."""


class Kind(StrEnum):
    OCI = "oci"
    ROOTFS = "rootfs"
    DISK = "disk"


class ImportFailed(Exception):
    """Nothing was imported; the message says why and what to do."""


class Cancelled(ImportFailed):
    """Whoever asked for it has gone."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import has come."""

    stage: str
    """`reading`, `fetching`, `unpacking`, `checking`."""
    done: int
    """Bytes."""
    total: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    source: str
    """A path, or a registry reference for skopeo such as `docker://registry.example/firewall:1.2`."""
    kind: Kind | None = None
    """None: found out by looking."""
    command: tuple[str, ...] = ()
    """What a root file system starts, or an OCI image instead of its own entry point."""
    limit_bytes: int = DEFAULT_LIMIT_BYTES
    checksum: str = ""
    """`sha256:…` that the file must have (what sha256sum prints); empty: any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What was made, in the staging directory."""

    kind: Kind
    staged: Path
    checksum: str
    """`sha256:…`: of the OCI image's configuration (what Docker calls the image id), of the archive, or of the disk."""
    size_bytes: int
    launch: Launch | None = None

    @property
    def name(self) -> str:
        """Of its directory: kind and checksum."""
        return f"{self.kind}-{self.checksum.removeprefix('sha256:')}"


class Importer:
    """One import. Calls `progress` often; ends soon after `cancelled` is set."""

    def __init__(self, staging: Path, *, progress: Callable[[Progress], None], cancelled: threading.Event) -> None:
        self._staging = staging
        self._progress = progress
        self._cancelled = cancelled

    def run(self, asked: Asked) -> Content:
        """Raises ImportFailed; the staging directory is then worthless."""
        try:
            if asked.source.startswith(("http://", "https://")):
                asked = replace(asked, source=str(self._download(asked)))
            if asked.checksum:
                self._compare(asked)
            match asked.kind or kind_of(asked.source):
                case Kind.OCI:
                    return self._oci(asked)
                case Kind.ROOTFS:
                    return self._rootfs(asked)
                case Kind.DISK:
                    return self._disk(asked)
        except OSError as problem:
            raise ImportFailed(f"{problem.filename or asked.source}: {problem.strerror or problem}") from problem

    def _download(self, asked: Asked) -> Path:
        place = self._staging / "download"
        with urllib.request.urlopen(asked.source, timeout=_NETWORK_S) as answer, place.open("wb") as file:
            said = answer.headers.get("Content-Length", "")
            total, taken = int(said) if said.isdigit() else None, 0
            while chunk := answer.read(_CHUNK):
                file.write(chunk)
                taken += len(chunk)
                self._step("fetching", taken, total, limit=asked.limit_bytes)
        if total is not None and taken != total:
            raise ImportFailed(f"{asked.source} ended after {taken} of {total} bytes.")
        return place

    def _compare(self, asked: Asked) -> None:
        digest, done, path = hashlib.sha256(), 0, Path(asked.source)
        if not path.is_file():
            raise ImportFailed(
                f"{asked.source} is no file, so it has no checksum; a registry reference may end in @sha256:…"
            )
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                done += len(chunk)
                self._step("reading", done, path.stat().st_size, limit=None)
        found = f"sha256:{digest.hexdigest()}"
        if found != asked.checksum:
            raise ImportFailed(f"{asked.source} is {found}, not {asked.checksum}: it was changed, or is another one.")

    # -- the three forms -----------------------------------------------------------------------------------------------

    def _oci(self, asked: Asked) -> Content:
        layout, bundle, staged = (self._staging / name for name in ("layout", "bundle", "content"))
        source = asked.source if asked.source.startswith(_TRANSPORTS) else _oci_transport(Path(asked.source))
        self._tool(
            ["skopeo", "--insecure-policy", "--override-os", "linux", "--override-arch", _OCI_ARCHITECTURE, "copy",
             "--quiet", source, f"oci:{layout}:image"],
            stage="fetching", limit=asked.limit_bytes,
        )  # fmt: skip
        manifest = _blob(layout, _only(_json(layout / "index.json")["manifests"])["digest"])
        checksum = str(manifest["config"]["digest"])
        config = _blob(layout, checksum)
        _check_architecture(str(config.get("architecture", "")), of=asked.source)
        self._tool(["umoci", "unpack", "--image", f"{layout}:image", str(bundle)], stage="unpacking",
                   limit=asked.limit_bytes)  # fmt: skip
        shutil.rmtree(layout)
        launch = _launch(_json(bundle / "config.json")["process"], config.get("config") or {}, asked.command)
        staged.mkdir()
        (bundle / ROOT).rename(staged / ROOT)
        size = self._survey(staged / ROOT, asked, launch)
        return Content(kind=Kind.OCI, staged=staged, checksum=checksum, size_bytes=size, launch=launch)

    def _rootfs(self, asked: Asked) -> Content:
        source, staged = Path(asked.source), self._staging / "content"
        root = staged / ROOT
        root.mkdir(parents=True)
        if source.is_dir():
            # The same way as an archive, so that the same walls stand. Sorted: the checksum depends on the files alone.
            command = ["tar", "--create", "--one-file-system", "--numeric-owner", "--xattrs", "--sort=name",
                       "--exclude=./proc/*", "--exclude=./sys/*", "--directory", str(source), "."]  # fmt: skip
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as packing:
                assert packing.stdout is not None and packing.stderr is not None
                checksum = self._unpack(packing.stdout, root, asked, total=None)
                if packing.wait() > 1:  # 1: a file changed as it was read
                    raise ImportFailed(f"{source} cannot be read: {packing.stderr.read().decode().strip()[-300:]}")
        else:
            with source.open("rb") as archive:
                checksum = self._unpack(archive, root, asked, total=source.stat().st_size)
        launch = Launch(arguments=asked.command or PLAIN_BOX)
        size = self._survey(root, asked, launch)
        # A command makes another image of the same files.
        return Content(kind=Kind.ROOTFS, staged=staged, checksum=checksum, size_bytes=size, launch=launch)

    def _disk(self, asked: Asked) -> Content:
        if asked.command:
            raise ImportFailed("A disk starts what is on it: leave out --command.")
        if ARCHITECTURE != "x86_64":
            raise ImportFailed("Virtual machines run on x86-64 machines only; import a root file system instead.")
        source, staged = Path(asked.source), self._staging / "content"
        staged.mkdir()
        total, taken, digest = source.stat().st_size, 0, hashlib.sha256()
        with source.open("rb") as reader, (staged / DISK).open("wb") as writer:
            while chunk := reader.read(_CHUNK):
                digest.update(chunk)
                taken += len(chunk)
                self._step("reading", taken, total, limit=asked.limit_bytes)
                if chunk.count(0) == len(chunk):
                    writer.seek(len(chunk), os.SEEK_CUR)  # stays a hole
                else:
                    writer.write(chunk)
            writer.truncate(taken)
        self._check_disk(staged / DISK, asked)
        return Content(kind=Kind.DISK, staged=staged, checksum=f"sha256:{digest.hexdigest()}", size_bytes=taken)

    # -- steps ---------------------------------------------------------------------------------------------------------

    def _unpack(self, archive: IO[bytes], root: Path, asked: Asked, *, total: int | None) -> str:
        """Feed an archive to the child that unpacks it; its checksum."""
        digest, fed = hashlib.sha256(), 0
        command = [sys.executable, "-I", str(_INSIDE), "unpack", str(root), str(asked.limit_bytes)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
            assert child.stdin is not None and child.stdout is not None
            try:
                while chunk := archive.read(_CHUNK):
                    if not fed and chunk.startswith(b"\x28\xb5\x2f\xfd"):
                        raise ImportFailed(f"{asked.source} is compressed with zstd: unpack it with `zstd -d` first.")
                    digest.update(chunk)
                    fed += len(chunk)
                    self._step("unpacking", fed, total, limit=None)
                    try:
                        child.stdin.write(chunk)
                    except BrokenPipeError:
                        break  # it has an opinion: read it below
                child.stdin.close()
            except BrokenPipeError:
                pass  # the same, at the flush
            except BaseException:
                child.kill()
                raise
            _findings(child.stdout.read(), of=asked.source)
        return f"sha256:{digest.hexdigest()}"

    def _survey(self, root: Path, asked: Asked, launch: Launch) -> int:
        """Size of a tree that is fit to be a root. Raises ImportFailed."""
        self._step("checking", 0, None, limit=None)
        command = [sys.executable, "-I", str(_INSIDE), "survey", str(root), str(asked.limit_bytes), launch.arguments[0]]
        found = _findings(subprocess.run(command, stdout=subprocess.PIPE, check=False).stdout, of=asked.source)
        _check_architecture(str(found["machine"]), of=asked.source)
        return int(found["bytes"])

    def _check_disk(self, disk: Path, asked: Asked) -> None:
        # qemu-img reads what a stranger wrote: with little memory, little time, and no other file.
        limits = ["prlimit", "--as=1073741824", "--cpu=30"]
        if not shutil.which("qemu-img"):
            raise ImportFailed("Virtual machines need QEMU: apt install qemu-system-x86 qemu-utils mtools")
        with disk.open("rb") as file:
            form = "qcow2" if file.read(4) == b"QFI\xfb" else "raw"
        said = subprocess.run(
            [*limits, "qemu-img", "info", "--output=json", "-f", form, str(disk)], capture_output=True, check=False
        )
        if said.returncode != 0:
            raise ImportFailed(f"{asked.source} is no {form} disk: {said.stderr.decode().strip()[-300:]}")
        found = json.loads(said.stdout)
        for member in ("backing-filename", "full-backing-filename"):
            if found.get(member):
                raise ImportFailed(
                    f"{asked.source} is only the changes to {found[member]}: flatten it: qemu-img convert."
                )
        if (found.get("format-specific") or {}).get("data", {}).get("data-file"):
            raise ImportFailed(f"{asked.source} keeps its data in another file: flatten it with qemu-img convert.")
        if form == "raw" and not _bootable(disk):
            raise ImportFailed(f"{asked.source} has no boot sector: a disk image (qcow2 or raw) is needed.")

    def _tool(self, command: list[str], *, stage: str, limit: int) -> None:
        """Run skopeo or umoci to its end, watching the disk. Raises ImportFailed with what it said."""
        if not shutil.which(command[0]):
            raise ImportFailed(f"{command[0]} is not installed: apt install skopeo umoci")
        log = self._staging / f"{command[0]}.log"
        with log.open("wb") as output:
            child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        try:
            free = shutil.disk_usage(self._staging).free
            while child.poll() is None:
                taken = max(0, free - shutil.disk_usage(self._staging).free)
                self._step(stage, taken, None, limit=2 * limit)
                try:
                    child.wait(_POLL_S)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
        if child.returncode != 0:
            said = log.read_text(encoding="utf-8", errors="replace").strip()
            if "no space left" in said:
                raise ImportFailed("The disk is full.")
            raise ImportFailed(f"{command[0]}: {_last_words(said)}")

    def _step(self, stage: str, done: int, total: int | None, *, limit: int | None) -> None:
        if self._cancelled.is_set():
            raise Cancelled("The import was cancelled; nothing of it is left.")
        if limit is not None and done > limit:
            raise ImportFailed(f"This is larger than {limit} bytes: raise the limit with --max-gib.")
        if shutil.disk_usage(self._staging).free < RESERVE_BYTES:
            raise ImportFailed(f"The disk is full: {RESERVE_BYTES >> 20} MiB must stay free.")
        self._progress(Progress(stage, done, total))


def kind_of(source: str) -> Kind:
    """What a source is, by looking at it. Raises ImportFailed."""
    if source.startswith(_TRANSPORTS):
        return Kind.OCI
    if "://" in source:
        raise ImportFailed(f"{source}: registries are named docker://HOST/NAME:TAG; anything else is a path here.")
    path = Path(source)
    if path.is_dir():
        return Kind.OCI if (path / "oci-layout").exists() else Kind.ROOTFS
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as problem:
        raise ImportFailed(f"{source}: {problem.strerror}") from problem
    if head.startswith(b"QFI\xfb"):
        return Kind.DISK
    try:
        names = list(_names(path))
    except (tarfile.ReadError, EOFError, OSError) as problem:
        if head[510:512] == b"\x55\xaa":
            return Kind.DISK
        raise ImportFailed(f"{source} is no tar archive, OCI image or disk: {problem}") from problem
    return Kind.OCI if _archive_transport(names) else Kind.ROOTFS


def _names(path: Path, most: int = 100) -> Iterator[str]:
    with tarfile.open(path) as archive:
        for number, member in enumerate(archive):
            if number >= most:
                return
            yield member.name


def _archive_transport(names: list[str]) -> str:
    """skopeo's word for an archive of an image; empty for an archive of files."""
    plain = [name.removeprefix("./") for name in names]
    if "oci-layout" in plain or any(name == "blobs" or name.startswith("blobs/sha256") for name in plain):
        return "oci-archive"
    if "manifest.json" in plain and all(_SQUASHED_FILES.fullmatch(name) for name in plain if name):
        return "docker-archive"
    return ""


def _oci_transport(path: Path) -> str:
    if path.is_dir():
        references = _json(path / "index.json").get("manifests", [])
        tags = [(one.get("annotations") or {}).get("org.opencontainers.image.ref.name", "") for one in references]
        if len(references) != 1:
            known = ", ".join(f"oci:{path}:{tag}" for tag in tags if tag) or "none"
            raise ImportFailed(f"{path} holds {len(references)} images: name one of {known}.")
        return f"oci:{path}:{tags[0]}" if tags[0] else f"oci:{path}"
    try:
        transport = _archive_transport(list(_names(path)))
    except (tarfile.ReadError, EOFError) as problem:
        raise ImportFailed(f"{path} is no OCI image: {problem}") from problem
    if not transport:
        raise ImportFailed(f"{path} is no OCI image: it has neither oci-layout nor manifest.json.")
    return f"{transport}:{path}"


def _launch(process: dict[str, Any], config: dict[str, Any], command: tuple[str, ...]) -> Launch:
    """From the runtime configuration that umoci made: entry point and command joined, the user's number looked up in the image."""
    own = [*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())]
    arguments = command or tuple(own)
    if not arguments:
        raise ImportFailed("The image does not say what it starts: say it with --command.")
    user = process.get("user") or {}
    return Launch(
        arguments=tuple(arguments),
        environment=tuple(process.get("env") or ()),
        directory=process.get("cwd") or "/",
        uid=int(user.get("uid", 0)),
        gid=int(user.get("gid", 0)),
        groups=tuple(int(one) for one in user.get("additionalGids") or ()),
        stop_signal=str(config.get("StopSignal") or "SIGTERM"),
    )


def _check_architecture(found: str, *, of: str) -> None:
    found = {"amd64": "x86_64", "aarch64": "arm64"}.get(found, found)
    if found and found != ARCHITECTURE:
        raise ImportFailed(f"{of} is made for {found}, and this machine is {ARCHITECTURE}.")


def _findings(said: bytes, *, of: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(said)
    except ValueError as problem:
        raise ImportFailed(f"{of} cannot be read: the process that unpacks it ended early.") from problem
    if "error" in found:
        raise ImportFailed(f"{of}: {found['error']}")
    return found


def _json(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError) as problem:
        raise ImportFailed(f"{path} cannot be read: {problem}") from problem
    return found


def _blob(layout: Path, digest: str) -> dict[str, Any]:
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        raise ImportFailed(f"The image has a digest that is not understood: {digest[:80]!r}")
    return _json(layout / "blobs" / "sha256" / digest.removeprefix("sha256:"))


def _only(listed: list[Any]) -> Any:
    if len(listed) != 1:
        raise ImportFailed(f"One image is expected, and there are {len(listed)}.")
    return listed[0]


def _bootable(disk: Path) -> bool:
    with disk.open("rb") as file:
        return file.read(512)[510:512] == b"\x55\xaa"


def _last_words(log: str) -> str:
    """The error of a Go program's log."""
    lines = [line for line in log.splitlines() if line.strip()]
    fatal = (
        [line for line in lines if "fatal" in line or "error" in line.lower()] or lines or ["it ended without a word"]
    )
    found = re.search(r'msg="(.*)"$', fatal[-1])
    return (found[1] if found else fatal[-1]).replace('\\"', '"')[-400:]


def monotonic_every(interval_s: float, report: Callable[[Progress], None]) -> Callable[[Progress], None]:
    """`report`, at most once in `interval_s` for the same stage."""
    last: tuple[str, float] = ("", 0.0)

    def step(progress: Progress) -> None:
        nonlocal last
        now = time.monotonic()
        if progress.stage != last[0] or now - last[1] >= interval_s:
            last = (progress.stage, now)
            report(progress)

    return step
