"""What a client of one account notices of ten clients of another that call without a pause."""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from collections.abc import Iterator
from multiprocessing.synchronize import Event
from pathlib import Path

from tests.stories.server import REGION, Server

from opengwlb.cli import credentials

from .client import Client
from .figures import Figure, Say, below

FLOOD, CALLS, PAUSE_S = 10, 400, 0.005
LIMIT = 200
"""Calls a second: a limit that bites. The default lets one client call as fast as it can."""
MOST = 2.0


def rows(*, name: str, directory: Path, say: Say) -> list[Figure]:
    found = []
    for limit in (0, LIMIT):
        options = ("--data-plane", "none", "--requests-per-s", str(limit))
        server = Server(name=name, data_dir=directory / f"fairness-{limit}", options=options)
        try:
            server.start()
            server.account("flood")
            server.account("honest")
            say(f"one account's {FLOOD} clients beside another's one, limit {limit or 'none'}")
            alone = _p99(server)
            with _flood(server):
                beside = _p99(server)
        finally:
            server.down()
        found.append(
            below(
                f"fairness: p99 of an account's call beside {FLOOD} clients of another, limit {limit or 'none'}",
                value=1000 * beside, unit="ms", baseline=1000 * alone, goal=MOST, of_ratio=True,
                limit="two CPUs, which eleven clients share with the server",
            )
        )  # fmt: skip
    return found


def _client(server: Server, account: str) -> Client:
    profile = credentials.profile(server.data_dir, name=account)
    return Client(server.port, access_key=profile.access_key, secret=profile.secret_key, region=REGION)


def _p99(server: Server) -> float:
    client = _client(server, "honest")
    client.call("ec2", "DescribeVpcs")
    times = []
    for _ in range(CALLS):
        start = time.monotonic()
        client.call("ec2", "DescribeVpcs")
        times.append(time.monotonic() - start)
        time.sleep(PAUSE_S)
    return sorted(times)[int(CALLS * 0.99)]


@contextlib.contextmanager
def _flood(server: Server) -> Iterator[None]:
    context = multiprocessing.get_context("fork")
    stop = context.Event()
    processes = [context.Process(target=_call, args=(server, stop)) for _ in range(FLOOD)]
    for process in processes:
        process.start()
    time.sleep(1)
    try:
        yield
    finally:
        stop.set()
        for process in processes:
            process.join(30)


def _call(server: Server, stop: Event) -> None:
    """Whatever it is answered, at once again."""
    client = _client(server, "flood")
    while not stop.is_set():
        client.ask("ec2", {"Action": "DescribeVpcs", "Version": "2016-11-15"})


if __name__ == "__main__":
    import os
    import tempfile

    from .figures import show

    with tempfile.TemporaryDirectory() as made_in:
        show(rows(name=f"b1q{os.getpid() % 10000}", directory=Path(made_in), say=print))
