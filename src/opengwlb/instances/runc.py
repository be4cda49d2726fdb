"""Instances as runc containers.

Everything that must outlive the daemon is on disk: the instance's root and console below the data directory, runc's
own state below the run directory. Nothing is kept in memory, so a new daemon finds what an old one started by asking
runc.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from opengwlb.model.images import Launch

from . import foreign
from .builtin.init import CONSOLE_LIMIT
from .bundle import (
    BOOT_ANNOTATION,
    KIND_ANNOTATION,
    KVM,
    STOP_ANNOTATION,
    TUN,
    bind,
    configuration,
    usr_mounts,
)
from .cgroups import cpu_seconds, remove_group
from .content import DISK, ContentStore
from .driver import InstanceError, InstanceSpec, RunningInstance
from .images import PYTHON, service_of
from .rootfs import make_applications, make_root

CONSOLE_BYTES = 64 << 10
"""As much as GetConsoleOutput returns."""
STOP_S = 2.0
_COMMAND_S = 60.0
MACHINE = "disk"
"""The kind of images that are virtual machines' disks."""
MACHINE_STOP_S = 60.0
"""A guest may take this long to shut down before it is switched off."""
MACHINE_OVERHEAD_BYTES = 512 << 20
"""What QEMU takes beside the guest's memory: translated code, and the page cache of its disk."""
_STOPPING = "stopping"
OWN_ROOT = ("oci", "rootfs")
"""Kinds of images whose boxes do not see the host's /usr."""


class RuncDriver:
    """The `InstanceDriver` on Debian's runc. `name` prefixes the control groups: two servers on one machine do not
    meet."""

    def __init__(self, *, name: str, run_dir: Path, data_dir: Path) -> None:
        """`run_dir` is on a tmpfs and gone after a reboot, `data_dir` stays. Both are created when first needed."""
        self._group = f"/opengwlb-{name}"
        self._state = run_dir / "runc"
        self._run_dir = run_dir
        self._disks = data_dir / "instances"
        self._data_dir = data_dir
        self._contents = ContentStore(data_dir / "images")

    # -- life ------------------------------------------------------------------------------------------------------

    def start(self, spec: InstanceSpec) -> None:
        present = self.running().get(spec.id)
        if present is not None:
            if present.boot == spec.boot and present.starting:
                self._go_on(spec.id)
                return
            if present.alive and present.boot == spec.boot:
                return
            if not self.stop(spec.id):
                return
        elif (self._state / spec.id).exists():
            # Left by a runc that was killed before it wrote down what it had made.
            self._runc("delete", "--force", spec.id)
        try:
            disk = self._disk(spec.id)
            self._disks.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._disks.chmod(0o700)
            disk.mkdir(exist_ok=True, mode=0o711)
            make_applications(disk / "applications", spec=spec)
            with open(disk / "console.log", "ab") as console:
                if spec.launch is not None:
                    self._start_foreign(spec, disk=disk, console=console.fileno())
                else:
                    (disk / _STOPPING).unlink(missing_ok=True)
                    self._write(disk, self._over_usr(spec, disk=disk))
                    self._runc("run", "--detach", "--bundle", str(disk), spec.id, output=console.fileno())
        except (OSError, ValueError) as problem:
            raise InstanceError(f"{spec.id} cannot be started: {problem}") from problem

    @staticmethod
    def _write(disk: Path, config: dict[str, Any]) -> None:
        (disk / "config.json").write_text(json.dumps(config, indent=1), encoding="utf-8")

    def _over_usr(self, spec: InstanceSpec, *, disk: Path) -> dict[str, Any]:
        """The configuration of a box over the host's /usr; makes its root when it has none."""
        machine = spec.image_kind == MACHINE
        service = None if machine else service_of(spec)
        root = disk / "root"
        if not root.exists():
            make_root(root, spec=spec)
        upper, work = self._usr_layers(spec.id)
        argv = [PYTHON, "-m", "builtin.machine" if machine else "builtin.init", "--boot", str(spec.boot)]
        mounts = usr_mounts(applications=disk / "applications", usr_upper=upper, usr_work=work, hidden=self._hidden())
        if service is not None:
            argv += ["--service", service.name, "--", *service.argv]
        if machine:
            content = self._contents.path(spec.content)
            if not (content / DISK).is_file():
                raise InstanceError(f"the content of the image is missing: {content / DISK}")
            (disk / "machine").mkdir(exist_ok=True, mode=0o700)
            mounts += [bind(disk / "machine", "/var/lib/machine"), bind(content, "/opt/image", "ro")]
            size = ("--memory-mib", str(spec.memory_bytes >> 20), "--cpus", str(max(1, round(spec.cpus))))
            argv += ["--instance", spec.id, *size]
        return configuration(
            spec,
            process=Launch(arguments=tuple(argv), directory="/root"),
            root=root,
            mounts=mounts,
            cgroup=f"{self._group}/{spec.id}",
            devices=(TUN, KVM) if machine and os.path.exists(KVM.path) else (TUN,),
            memory_overhead=MACHINE_OVERHEAD_BYTES if machine else 0,
        )

    def _start_foreign(self, spec: InstanceSpec, *, disk: Path, console: int) -> None:
        """Make the box of an image with a root of its own. Its program starts after the user data's scripts, in a later call."""
        box = foreign.prepare(
            spec,
            disk=disk,
            applications=disk / "applications",
            content=self._contents.path(spec.content),
            overlays=_carries_overlay(self._disks),
        )
        config = configuration(
            spec, process=box.process, root=box.root, mounts=box.mounts, cgroup=f"{self._group}/{spec.id}"
        )
        self._write(disk, config)
        foreign.forget_start(disk)
        # The overlay is mounted in a mount namespace of runc's own: it lives as long as the box, and the host never sees it.
        self._runc("create", "--bundle", str(disk), spec.id, output=console, overlay=box.overlay, root=box.root)
        if not box.before:
            self._runc("start", spec.id)
            return
        pid_file = disk / "user-data.pid"
        process = ("--user", "0:0", "--cwd", "/", "--detach", "--pid-file", str(pid_file))
        try:
            self._runc("exec", *process, spec.id, *box.before, output=console)
        except InstanceError as problem:
            # No shell in the image: its own program is started all the same, and finds the user data in its file.
            os.write(console, f"user data cannot be run: {problem}\n".encode())
            self._runc("start", spec.id)
            return
        pid = int(pid_file.read_text(encoding="ascii"))
        foreign.remember_start(disk, pid=pid, ticks=start_ticks(pid))

    def _go_on(self, instance: str) -> None:
        """Start the image's program once the scripts that it waits for have ended."""
        disk = self._disk(instance)
        if foreign.still_waiting(disk, ticks_of=start_ticks):
            return
        self._runc("start", instance)
        foreign.forget_start(disk)

    def stop(self, instance: str) -> bool:
        found = self.running().get(instance)
        if found is None:
            return True
        if found.alive and self._label(instance, KIND_ANNOTATION) == MACHINE:
            if self._shutting_down(instance):
                return False
        elif found.alive:
            self._ask_to_end(instance, by=self._label(instance, STOP_ANNOTATION) or "SIGTERM")
        self._runc("delete", "--force", instance)
        return True

    def _shutting_down(self, instance: str) -> bool:
        """Whether a virtual machine that was asked to shut down may take longer. Asks it the first time."""
        asked = self._disk(instance) / _STOPPING
        if not asked.exists():
            asked.touch()
            self._runc("kill", instance, "SIGTERM", check=False)
        return time.time() - asked.stat().st_mtime < MACHINE_STOP_S

    def _end(self, instance: str) -> None:
        """Stop without waiting for a virtual machine: its disk goes with it, or the machine's owner wants it down."""
        if not self.stop(instance):
            self._runc("delete", "--force", instance)

    def remove(self, instance: str) -> None:
        self._end(instance)
        disk = self._disk(instance)
        # A crash in the middle must not leave a disk that the next start takes for a good one.
        if disk.exists():
            doomed = disk.with_name(f"{instance}.removed")
            shutil.rmtree(doomed, ignore_errors=True)
            disk.rename(doomed)
        for leftover in (disk.with_name(f"{instance}.removed"), self._run_dir / "usr" / instance):
            if leftover.exists():
                shutil.rmtree(leftover)
        remove_group(f"{self._group}/{instance}")
        # Succeeds with the last instance.
        remove_group(self._group, deep=False)

    def destroy(self) -> None:
        for instance in self.running():
            self._end(instance)
            remove_group(f"{self._group}/{instance}")
        remove_group(self._group)
        shutil.rmtree(self._state, ignore_errors=True)
        shutil.rmtree(self._run_dir / "usr", ignore_errors=True)

    # -- questions -------------------------------------------------------------------------------------------------

    def running(self) -> dict[str, RunningInstance]:
        """From runc's state files: `runc list` says the same, but costs a process each time it is asked."""
        found = {}
        for state in self._state.glob("*/state.json"):
            try:
                container = json.loads(state.read_bytes())
            except FileNotFoundError:
                continue  # just deleted
            labels = dict(label.split("=", 1) for label in container["config"]["labels"])
            pid = container["init_process_pid"]
            # While this exists runc has made the container but not let it go: it was killed in the middle of a start.
            held = (state.parent / "exec.fifo").exists()
            lives = start_ticks(pid) == container["init_process_start"]
            disk = self._disks / state.parent.name
            starting = held and lives and foreign.still_waiting(disk, ticks_of=start_ticks) is not None
            alive = not held and lives
            if labels.get(KIND_ANNOTATION) in OWN_ROOT:
                foreign.bound_console(disk / "console.log", limit=CONSOLE_LIMIT)
            found[state.parent.name] = RunningInstance(
                boot=int(labels.get(BOOT_ANNOTATION, 0)), pid=pid if alive else 0, alive=alive, starting=starting
            )
        return found

    def _label(self, instance: str, name: str) -> str:
        """An annotation of a container that runs; empty when it has none."""
        try:
            container = json.loads((self._state / instance / "state.json").read_bytes())
        except FileNotFoundError:
            return ""
        labels: dict[str, str] = dict(label.split("=", 1) for label in container["config"]["labels"])
        return labels.get(name, "")

    def console(self, instance: str) -> bytes:
        try:
            with open(self._disk(instance) / "console.log", "rb") as console:
                size = console.seek(0, os.SEEK_END)
                console.seek(max(0, size - CONSOLE_BYTES))
                return console.read()
        except FileNotFoundError:
            return b""

    def cpu_seconds(self, instance: str) -> float | None:
        """Processor time that the instance used since it started; None when it does not run."""
        return cpu_seconds(f"{self._group}/{instance}")

    def exec(self, instance: str, argv: tuple[str, ...], *, tty: bool = False) -> list[str]:
        options = ["--tty"] if tty else []
        return [*self._command("exec"), *options, instance, *argv]

    # -- directories -----------------------------------------------------------------------------------------------

    def _disk(self, instance: str) -> Path:
        if not instance or "/" in instance or instance.startswith("."):
            raise InstanceError(f"{instance!r} is not an instance id")
        return self._disks / instance

    def _usr_layers(self, instance: str) -> tuple[Path, Path]:
        """Upper and work directory of the overlay over /usr: on the instance's disk, or on the run directory's tmpfs
        where the data directory's file system (an overlay itself, NFS) cannot carry one. There the instance's changes
        to /usr end with the machine's uptime."""
        base = self._disk(instance)
        if not (base / "usr").is_dir() and not _carries_overlay(self._disks):
            base = self._run_dir / "usr" / instance
        upper, work = base / "usr", base / "usr.work"
        for directory in (upper, work):
            directory.mkdir(parents=True, exist_ok=True, mode=0o755)
            directory.chmod(0o755)
        return upper, work

    def _hidden(self) -> tuple[Path, ...]:
        """What lies below /usr and is none of an instance's business: our own directories, and the code's if it is a
        checkout."""
        own = [self._data_dir.resolve(), self._run_dir.resolve()]
        checkout = Path(__file__).resolve().parents[3]
        if (checkout / ".git").exists():
            own.append(checkout)
        return tuple(path for path in own if path.is_relative_to("/usr") and path.is_dir())

    # -- runc ------------------------------------------------------------------------------------------------------

    def _command(self, verb: str) -> list[str]:
        return ["runc", "--root", str(self._state), verb]

    def _runc(
        self,
        verb: str,
        *arguments: str,
        output: int | None = None,
        check: bool = True,
        overlay: str | None = None,
        root: Path | None = None,
    ) -> str:
        """Run runc; what it printed. With `output`, that file descriptor becomes the container's stdout and stderr for
        good, and runc's own complaint goes to its log instead. With `overlay`, such a mount on `root` is there for runc
        and the container alone. Raises InstanceError."""
        self._state.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=self._run_dir, prefix="runc-", suffix=".log") as log:
            command = ["runc", "--root", str(self._state), "--log", log.name, verb, *arguments]
            if overlay is not None:
                mounted = 'mount -t overlay overlay -o "$0" "$1" && shift && exec "$@"'
                command = ["unshare", "--mount", "sh", "-c", mounted, overlay, str(root), *command]
            try:
                done = subprocess.run(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE if output is None else output,
                    stderr=subprocess.PIPE if output is None else output,
                    timeout=_COMMAND_S,
                    check=False,
                    start_new_session=True,
                )
            except (OSError, subprocess.TimeoutExpired) as problem:
                raise InstanceError(f"runc {verb}: {problem}") from problem
            if check and done.returncode != 0:
                said = log.read().decode(errors="replace") or (done.stderr or b"").decode(errors="replace")
                raise InstanceError(f"runc {verb} {' '.join(arguments[-1:])}: {said.strip()[-600:]}")
        return (done.stdout or b"").decode(errors="replace")

    def _ask_to_end(self, instance: str, *, by: str) -> None:
        """Send the signal `by` until the first process has ended or the time is up: one that is just starting does not
        hear it yet."""
        deadline = time.monotonic() + STOP_S
        while time.monotonic() < deadline:
            self._runc("kill", instance, by, check=False)
            asked_again = time.monotonic() + 0.3
            while time.monotonic() < asked_again:
                found = self.running().get(instance)
                if found is None or not found.alive:
                    return
                time.sleep(0.02)


def start_ticks(pid: int) -> int | None:
    """When a process started, in clock ticks since the machine did; None if it is gone or a zombie. With its pid it
    names a process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def _carries_overlay(directory: Path) -> bool:
    """Whether the kernel takes an upper directory here: tried in a mount namespace of its own, so nothing is left."""
    with tempfile.TemporaryDirectory(dir=directory, prefix=".overlay-") as trial:
        for name in ("upper", "work", "merged"):
            os.mkdir(f"{trial}/{name}")
        options = f"lowerdir=/usr,upperdir={trial}/upper,workdir={trial}/work"
        command = ["unshare", "--mount", "mount", "-t", "overlay", "overlay", "-o", options, f"{trial}/merged"]
        tried = subprocess.run(command, capture_output=True, check=False, timeout=_COMMAND_S)
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(f"{trial}/work")
        return tried.returncode == 0
