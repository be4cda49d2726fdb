"""The first process of every instance: runs user data, starts the image's service, reaps, and writes the console.

Standard library only. Its own stdout is the console file outside the box; everything else prints into a pipe that it
copies from, so that one process keeps the file within bounds.
"""

from __future__ import annotations

import argparse
import os
import selectors
import signal
import sys
import time
from pathlib import Path

from .user_data import Script, scripts

CONSOLE_LIMIT = 512 << 10
"""The console file is cut to its last quarter when it grows beyond this."""
STATE = Path("/var/lib/cloud")
SOURCE = Path("/opt/opengwlb/user-data")
RC_LOCAL = Path("/etc/rc.local")
"""Run on every boot if it is executable: where user data puts what should come back after a reboot."""
_GRACE_S = 1.5


class Console:
    """Our stdout, bounded."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, data: bytes) -> None:
        os.write(self._descriptor, data)
        try:
            if os.fstat(self._descriptor).st_size > CONSOLE_LIMIT:
                self._cut()
        except OSError:
            return  # not a regular file: nothing to bound

    def say(self, sentence: str) -> None:
        self.write(f"[{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}] init: {sentence}\n".encode())

    def _cut(self) -> None:
        path = f"/proc/self/fd/{self._descriptor}"
        with open(path, "rb") as reader:
            reader.seek(-(CONSOLE_LIMIT // 4), os.SEEK_END)
            kept = reader.read()
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, kept)


class Init:
    """Children by pid, and the pipe that they print into."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.children: dict[int, str] = {}
        self.stopping = False
        self._output, self._input = os.pipe()
        os.set_blocking(self._output, False)
        wake_read, wake_write = os.pipe()
        os.set_blocking(wake_read, False)
        os.set_blocking(wake_write, False)
        self._wake = wake_read
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._output, selectors.EVENT_READ)
        self._selector.register(self._wake, selectors.EVENT_READ)

    def _stop(self, _signal: int, _frame: object) -> None:
        self.stopping = True

    def start(self, name: str, argv: tuple[str, ...]) -> int:
        """Start a child in a session of its own; its pid."""
        child = os.fork()
        if child == 0:
            try:
                os.setsid()
                signal.set_wakeup_fd(-1)
                for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
                    signal.signal(number, signal.SIG_DFL)
                os.dup2(self._input, 1)
                os.dup2(self._input, 2)
                os.execv(argv[0], argv)
            except OSError as problem:
                os.write(2, f"{argv[0]}: {problem.strerror}\n".encode())
            finally:
                os._exit(127)
        self.children[child] = name
        return child

    def turn(self, timeout_s: float | None = None) -> dict[str, int]:
        """Wait for output or a child's end; copy the one, reap the other. Exit codes by name of the children that
        ended, below zero for a signal."""
        self._selector.select(timeout_s)
        self._drain(self._wake)
        ended = {}
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            name = self.children.pop(pid, None)
            if name is not None:
                ended[name] = os.waitstatus_to_exitcode(status)
        # After the reaping: what a child printed before it ended comes before the line that says so.
        printed = self._drain(self._output)
        if printed:
            self.console.write(printed)
        return ended

    @staticmethod
    def _drain(descriptor: int) -> bytes:
        taken = b""
        while len(taken) < 1 << 20:
            try:
                chunk = os.read(descriptor, 65536)
            except BlockingIOError:
                break
            if not chunk:
                break
            taken += chunk
        return taken

    def run_to_end(self, name: str, argv: tuple[str, ...]) -> int | None:
        """Start a child and take turns until it has ended; its exit code, None when we were told to stop."""
        self.start(name, argv)
        while not self.stopping:
            ended = self.turn(1.0)
            if name in ended:
                return ended[name]
        return None

    def end_all(self) -> None:
        """Ask every process of the box to end, and give them a moment: the kernel ends the rest with us."""
        self.console.say("stopping")
        try:
            os.kill(-1, signal.SIGTERM)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + _GRACE_S
        while time.monotonic() < deadline:
            self.turn(0.1)
            try:
                os.kill(-1, 0)
            except ProcessLookupError:
                return


def how(code: int) -> str:
    """`failed with exit code 3`, `was killed by signal 9`."""
    return f"was killed by signal {-code}" if code < 0 else f"failed with exit code {code}"


def run_user_data(init: Init) -> None:
    """Run what is due on this boot. A script for the first boot runs once even if it fails or the box dies in the
    middle, as cloud-init has it."""
    once = STATE / "instance" / "sem" / "config_scripts_user"
    first = not once.exists()
    once.parent.mkdir(parents=True, exist_ok=True)
    once.touch()
    found, remarks = scripts(SOURCE.read_bytes())
    for remark in remarks if first else ():
        init.console.say(f"user data: {remark}")
    for number, script in enumerate(found, start=1):
        if (first or script.every_boot) and not init.stopping:
            _run_script(init, script, number=number)


def _run_script(init: Init, script: Script, *, number: int) -> None:
    path = STATE / "instance" / "scripts" / f"part-{number:03d}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(script.content)
    path.chmod(0o700)
    init.console.say("user data starts")
    code = init.run_to_end("user data", (str(path),))
    if code == 0:
        init.console.say("user data ended well")
    elif code is not None:
        init.console.say(f"user data {how(code)}")


def main() -> None:
    parser = argparse.ArgumentParser(description="First process of an instance.")
    parser.add_argument("--boot", type=int, required=True)
    parser.add_argument("--service", default="")
    parser.add_argument("argv", nargs="*")
    arguments = parser.parse_args()
    init = Init(Console(1))
    init.console.say(f"boot {arguments.boot} of {os.uname().nodename}")
    run_user_data(init)
    if not init.stopping and os.access(RC_LOCAL, os.X_OK):
        code = init.run_to_end("rc.local", (str(RC_LOCAL),))
        if code:
            init.console.say(f"/etc/rc.local {how(code)}")
    if not init.stopping and arguments.service:
        init.start(arguments.service, tuple(arguments.argv))
        init.console.say(f"service {arguments.service} started")
    while not init.stopping:
        for name, code in init.turn().items():
            init.console.say(f"service {name} {how(code)}; it is not restarted")
    init.end_all()
    sys.exit(0)


if __name__ == "__main__":
    main()
