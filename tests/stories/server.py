"""A real `gwlb serve` of its own name, and clients that speak to it: boto3 and the AWS CLI, unmodified."""

from __future__ import annotations

import configparser
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3

BIN = Path(sys.executable).parent
REGION = "ap-northeast-2"


def until(check: Callable[[], Any], *, what: str, seconds: float = 30.0, every: float = 0.05) -> Any:
    """Poll until `check()` is truthy; its value. Fails with `what` and the last value."""
    deadline = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}; last: {value!r}")
        time.sleep(every)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One server process at a time, over one data directory; the lab in the kernel outlives it until `down`."""

    def __init__(self, *, name: str, data_dir: Path, options: tuple[str, ...] = ()) -> None:
        self.name = name
        self.data_dir = data_dir
        self.options = options
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.log = data_dir.parent / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Server:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    str(BIN / "gwlb"),
                    "serve",
                    "--name",
                    self.name,
                    "--listen",
                    f"127.0.0.1:{self.port}",
                    "--data-dir",
                    str(self.data_dir),
                    *self.options,
                ],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        until(self._answers, what=f"the server answers; its log is {self.log}", seconds=60)
        return self

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"the server ended: {self.log.read_text()[-4000:]}"
        try:
            with urllib.request.urlopen(f"{self.endpoint}/_gwlb/health", timeout=1):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def down(self) -> None:
        """Everything of this name: process, boxes, pins, containers, data."""
        self.gwlb("down", "--data")
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    # Clients

    def cli(self, *arguments: str, account: str = "operator", check: bool = True) -> Any:
        """Run `aws …`; its parsed JSON answer (None when it printed nothing)."""
        result = subprocess.run(
            [str(BIN / "aws"), *arguments], env=self.environment(account), capture_output=True, text=True
        )
        if check:
            assert result.returncode == 0, f"aws {' '.join(arguments)}\n{result.stderr}"
            return json.loads(result.stdout) if result.stdout.strip() else None
        return result

    def environment(self, account: str) -> dict[str, str]:
        return {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": str(self.data_dir),
            "AWS_PROFILE": account,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_PAGER": "",
            "AWS_SHARED_CREDENTIALS_FILE": str(self.data_dir / "credentials"),
            "AWS_CONFIG_FILE": str(self.data_dir / "config"),
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def gwlb(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        result = subprocess.run([str(BIN / "gwlb"), *arguments, "--name", self.name], capture_output=True, text=True)
        assert not check or result.returncode == 0, f"gwlb {' '.join(arguments)}\n{result.stdout}{result.stderr}"
        return result

    def flows(self) -> list[dict[str, Any]]:
        """Every live flow, as the operator sees them."""
        found = json.loads(self.gwlb("flows", "--limit", "100000", "--json").stdout)["flows"]
        return list(found)

    def account(self, name: str) -> str:
        """Make an account; its id."""
        made = json.loads(self.gwlb("account", "create", name, "--json").stdout)
        return str(made["id"])

    def client(self, service: str, account: str = "operator") -> Any:
        parser = configparser.RawConfigParser()
        parser.read(self.data_dir / "credentials")
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=parser[account]["aws_access_key_id"],
            aws_secret_access_key=parser[account]["aws_secret_access_key"],
        )

    # Boxes

    def namespace(self, box: str) -> str:
        from opengwlb.fabric.namespaces import box_name

        return f"/run/netns/{self.name}-{box_name(box)}"

    def inside(self, box: str, *command: str, **more: Any) -> subprocess.CompletedProcess[str]:
        """Run a program of this machine in the network of a box."""
        return subprocess.run(
            ["nsenter", f"--net={self.namespace(box)}", "--", *command], capture_output=True, text=True, **more
        )

    def spawn(self, box: str, *command: str, **more: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["nsenter", f"--net={self.namespace(box)}", "--", *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **more,
        )


def forget_machine(server: Server) -> None:
    """What a reboot does to everything of this name but the data directory: boxes, pins, processes, the run directory."""
    from opengwlb.cli import teardown

    teardown.down(server.name, with_data=False)
    shutil.rmtree(f"/run/opengwlb/{server.name}", ignore_errors=True)
