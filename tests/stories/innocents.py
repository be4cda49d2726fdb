"""Five targets that passive detection must not condemn, beside two honest ones, under real traffic.

`python -m tests.stories.innocents --state FILE --seconds N --seed N` is the long form: it builds a lab, and says every minute how far it
is. Stopped, it goes on where it was; any condemnation ends it with status 1.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from opengwlb.cli import client

from .cloud import Customer, Partner, customer, healthy, partner
from .conftest import running_server
from .server import Server, until

INNOCENT = str(Path(__file__).with_name("innocent.py"))
PACES = str(Path(__file__).with_name("paces.py"))
ECHO, SYSLOG = 7, 514
FLOWS = 150
"""To each port; of those that meet a target the first `USED` are used."""
USED = 10
RATE = 1000.0
"""Packets a second for each target but the quiet one."""
ONE_A_MINUTE = 1 / 60
KINDS = ("honest", "honest", "drops", "silent", "pauses", "honest", "honest")
ROLES = ("peer", "another", "drops", "silent", "pauses", "syslog", "quiet")
PIECE_S = 60.0


@dataclass
class Innocents:
    server: Server
    inspected: Partner
    made: Customer
    seed: int
    roles: dict[str, str] = field(default_factory=dict)
    """Role -> instance."""
    processes: dict[str, subprocess.Popen[str]] = field(default_factory=dict)

    def counted(self) -> dict[str, dict[str, Any]]:
        """The status rows of the targets, by role."""
        rows = {row["target"]: row for row in client.operator(self.server.name).get("status")["targets"]}
        return {role: rows[instance] for role, instance in self.roles.items()}

    def condemned(self) -> list[str]:
        """What passive detection ever said of any of them."""
        rows = client.operator(self.server.name).get("events", limit=10_000)["events"]
        named = {instance: role for role, instance in self.roles.items()}
        return [
            f"{named[row['id'].rsplit('|', 1)[-1]]} at {row['at']}: {row['description']}"
            for row in rows
            if row.get("description", "").startswith("Passive")
        ]

    def hang(self, role: str) -> None:
        """Its packet loop is stopped for good."""
        for loop in _children(self.processes[role].pid, called="gwlb-loop"):
            os.kill(loop, signal.SIGSTOP)


def build(server: Server, *, seed: int) -> Innocents:
    server.account("partner")
    server.account("customer1")
    inspected = partner(server, per_zone=len(KINDS), appliance="linux")
    made = customer(server, service=inspected.service_name)
    values = {
        "opengwlb.passive_health.enabled": "true",
        "target_failover.on_unhealthy": "rebalance",
        "target_failover.on_deregistration": "rebalance",
    }
    inspected.elb.modify_target_group_attributes(
        TargetGroupArn=inspected.target_group,
        Attributes=[{"Key": key, "Value": value} for key, value in values.items()],
    )
    return Innocents(server, inspected, made, seed, roles=dict(zip(ROLES, inspected.appliances["a"], strict=True)))


@contextlib.contextmanager
def running(lab: Innocents) -> Iterator[None]:
    """The appliances run, and each gets the traffic that is its own."""
    with contextlib.ExitStack() as stack:
        for role, kind in zip(ROLES, KINDS, strict=True):
            process = lab.server.spawn(lab.roles[role], sys.executable, INNOCENT, kind, str(lab.seed))
            stack.callback(_end, process)
            lab.processes[role] = process
        healthy(lab.inspected, count=len(KINDS), seconds=60)
        serving = lab.server.spawn(lab.made.applications["a"], sys.executable, PACES, "serve", str(ECHO), str(SYSLOG))
        stack.callback(serving.wait, 10)
        stack.callback(serving.kill)
        assert serving.stdout and serving.stdout.readline() == "ready\n"
        sending = _send(lab)
        stack.callback(sending.communicate, timeout=10)
        yield


def _send(lab: Innocents) -> subprocess.Popen[str]:
    arguments = (lab.made.public["a"], str(ECHO), str(SYSLOG), str(FLOWS), "192.0.2.1")
    sending = lab.server.spawn("internet", sys.executable, PACES, "send", *arguments, stdin=subprocess.PIPE)
    assert sending.stdin and sending.stdout
    opened = {int(port): to for port, to in json.loads(sending.stdout.readline()).items()}
    sending.stdin.write(json.dumps(_paces(lab, opened)) + "\n")
    sending.stdin.flush()
    return sending


def _paces(lab: Innocents, opened: dict[int, int]) -> dict[int, float]:
    """By what target each flow met."""
    here = until(
        lambda: found if len(found := _met(lab, opened)) == len(opened) else None, what="every flow is in the table"
    )
    paces = {}
    for role, instance in lab.roles.items():
        to = SYSLOG if role == "syslog" else ECHO
        mine = [port for port, target in here.items() if target == instance and opened[port] == to]
        assert len(mine) >= USED, f"{len(mine)} flows for {role}"
        rate = ONE_A_MINUTE if role == "quiet" else RATE / USED
        paces |= dict.fromkeys(mine[: 1 if role == "quiet" else USED], rate)
    return paces


def _met(lab: Innocents, opened: dict[int, int]) -> dict[int, str]:
    return {
        port: flow["target"]
        for flow in lab.server.flows()
        for port in (flow["source_port"], flow["destination_port"])
        if port in opened
    }


def _end(process: subprocess.Popen[str]) -> None:
    for child in _children(process.pid, called="gwlb-loop"):
        os.kill(child, signal.SIGCONT)  # who is stopped hears nothing
    process.terminate()
    process.wait(10)


def _children(pid: int, *, called: str) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            name, rest = stat.read_text().split("(", 1)[1].rsplit(")", 1)
            if name == called and int(rest.split()[1]) == pid:
                found.append(int(stat.parent.name))
    return found


def _long(state: Path, *, seconds: float, seed: int) -> int:
    done: dict[str, Any] = json.loads(state.read_text()) if state.exists() else {}
    if done.get("seed") != seed:
        done = {"seed": seed, "seconds": 0.0, "condemned": [], "given": 0}
    with tempfile.TemporaryDirectory() as directory:
        for server in running_server(Path(directory), label="soak"):
            lab = build(server, seed=seed)
            with running(lab):
                given = 0
                while done["seconds"] < seconds and not done["condemned"]:
                    begun = time.monotonic()
                    time.sleep(min(PIECE_S, seconds - done["seconds"]))  # running time is what is measured
                    done["seconds"] += round(time.monotonic() - begun, 1)
                    before, given = given, sum(row["given"] for row in lab.counted().values())
                    done["given"] += given - before
                    done["condemned"] = lab.condemned()
                    state.parent.mkdir(parents=True, exist_ok=True)
                    state.write_text(json.dumps(done))
                    print(
                        f"{done['seconds']:.0f} of {seconds:.0f} s, {done['given']:,} packets, none condemned"
                        if not done["condemned"]
                        else "\n".join(done["condemned"]),
                        flush=True,
                    )
    return 1 if done["condemned"] else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    sys.exit(_long(asked.state, seconds=asked.seconds, seed=asked.seed))
