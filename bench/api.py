"""Requests a second of the API, with moto's server beside it: the same calls, signed, over kept connections, from raw clients.

moto is what people use for such calls without a cloud (Apache-2.0; PyPI `moto[server]`). Both servers run on loopback, one after the other
is asked, round by round. moto verifies no signatures; here they are verified.
"""

from __future__ import annotations

import contextlib
import http.client
import multiprocessing
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from multiprocessing.synchronize import Barrier
from pathlib import Path

from tests.stories.server import REGION, Server, free_port, until

from opengwlb.cli import credentials

from .client import Client, found
from .figures import Figure, Say, against

TABLES = 100
SECONDS, ROUNDS, CLIENTS = 2.0, 3, 8
DESCRIBE_GOAL, MIX_GOAL = 10.0, 5.0


def rows(*, name: str, directory: Path, say: Say) -> list[Figure]:
    server = Server(name=name, data_dir=directory / "api", options=("--data-plane", "none", "--requests-per-s", "0"))
    try:
        server.start()
        # Each client of the mix has a VPC of its own, and AWS's quota is five.
        server.gwlb("account", "quota", "operator", "vpcs", str(4 * CLIENTS))
        profile = credentials.profile(server.data_dir, name="operator")
        ours = {"port": server.port, "access_key": profile.access_key, "secret": profile.secret_key, "region": REGION}
        with _moto() as port:
            theirs = {"port": port, "access_key": "testing", "secret": "testing", "region": REGION}
            return [*_describing(ours, theirs, say=say), *_mixed(ours, theirs, say=say)]
    finally:
        server.down()


Who = dict[str, object]
"""Arguments of `Client`."""


def _client(who: Who) -> Client:
    return Client(**who)  # type: ignore[arg-type]  # as `rows` makes them


def _describing(ours: Who, theirs: Who, *, say: Say) -> list[Figure]:
    say(f"DescribeRouteTables of {TABLES} tables")
    for who in (ours, theirs):
        client = _client(who)
        vpc = found(client.call("ec2", "CreateVpc", CidrBlock="10.0.0.0/16"), "vpcId")
        for _ in range(TABLES):
            client.call("ec2", "CreateRouteTable", VpcId=vpc)
    return [
        _compared(
            "DescribeRouteTables of 100 tables, one client", ours, theirs, _describe, clients=1, goal=DESCRIBE_GOAL
        ),
        _compared(
            f"DescribeRouteTables of 100 tables, {CLIENTS} clients",
            ours,
            theirs,
            _describe,
            clients=CLIENTS,
            goal=DESCRIBE_GOAL,
        ),
    ]


def _mixed(ours: Who, theirs: Who, *, say: Say) -> list[Figure]:
    say("a mix of making, describing and deleting")
    return [
        _compared("calls of a create-describe-delete mix, one client", ours, theirs, _mix, clients=1, goal=MIX_GOAL),
        _compared(
            f"calls of a create-describe-delete mix, {CLIENTS} clients",
            ours,
            theirs,
            _mix,
            clients=CLIENTS,
            goal=MIX_GOAL,
        ),
    ]


def _describe(client: Client) -> int:
    client.call("ec2", "DescribeRouteTables")
    return 1


def _mix(client: Client) -> int:
    """One customer's network made, looked at and taken away; how many calls that were."""
    vpc = found(client.call("ec2", "CreateVpc", CidrBlock="10.8.0.0/16"), "vpcId")
    subnet = found(client.call("ec2", "CreateSubnet", VpcId=vpc, CidrBlock="10.8.1.0/24"), "subnetId")
    group = found(
        client.call("ec2", "CreateSecurityGroup", VpcId=vpc, GroupName="web", GroupDescription="web"), "groupId"
    )
    client.call(
        "ec2", "AuthorizeSecurityGroupIngress", GroupId=group,
        IpPermissions__1__IpProtocol="tcp", IpPermissions__1__FromPort="80", IpPermissions__1__ToPort="80",
        IpPermissions__1__IpRanges__1__CidrIp="10.0.0.0/8",
    )  # fmt: skip
    table = found(client.call("ec2", "CreateRouteTable", VpcId=vpc), "routeTableId")
    association = found(client.call("ec2", "AssociateRouteTable", RouteTableId=table, SubnetId=subnet), "associationId")
    client.call("ec2", "DescribeVpcs", VpcId__1=vpc)
    client.call("ec2", "DescribeSubnets", Filter__1__Name="vpc-id", Filter__1__Value__1=vpc)
    client.call("ec2", "DescribeSecurityGroups", GroupId__1=group)
    client.call("ec2", "DescribeRouteTables", RouteTableId__1=table)
    client.call("ec2", "DisassociateRouteTable", AssociationId=association)
    client.call("ec2", "DeleteRouteTable", RouteTableId=table)
    client.call("ec2", "DeleteSecurityGroup", GroupId=group)
    client.call("ec2", "DeleteSubnet", SubnetId=subnet)
    client.call("ec2", "DeleteVpc", VpcId=vpc)
    return 15


def _compared(what: str, ours: Who, theirs: Who, work: Callable[[Client], int], *, clients: int, goal: float) -> Figure:
    rates: dict[int, list[float]] = {0: [], 1: []}
    for _ in range(ROUNDS):
        for number, who in enumerate((ours, theirs)):
            rates[number].append(_rate(who, work, clients=clients))
    mine, base = (statistics.median(one) for one in (rates[0], rates[1]))
    return against(
        f"api: {what}; baseline: moto", value=mine, baseline=base, unit="1/s", goal=goal,
        spread=(min(rates[0]), max(rates[0])), limit="two CPUs, which the clients share",
    )  # fmt: skip


def _rate(who: Who, work: Callable[[Client], int], *, clients: int) -> float:
    """Calls a second of so many processes together."""
    context = multiprocessing.get_context("fork")
    ready = context.Barrier(clients)
    counts = context.Queue()
    processes = [context.Process(target=_work, args=(who, work, ready, counts)) for _ in range(clients)]
    for process in processes:
        process.start()
    total = sum(counts.get(timeout=120) for _ in processes)
    for process in processes:
        process.join()
    return float(total)


def _work(who: Who, work: Callable[[Client], int], ready: Barrier, counts: multiprocessing.Queue[float]) -> None:
    client = _client(who)
    work(client)
    ready.wait(60)
    done, start = 0, time.monotonic()
    while (elapsed := time.monotonic() - start) < SECONDS:
        done += work(client)
    counts.put(done / elapsed)
    client.close()


@contextlib.contextmanager
def _moto() -> Iterator[int]:
    port = free_port()
    places = (Path(sys.executable).parent, Path("build/conformance/venv/bin"))
    program = next((place / "moto_server" for place in places if (place / "moto_server").exists()), None)
    assert program is not None, "the baseline is not installed: scripts/conformance.sh installs moto's server"
    words = [str(program), "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def answers() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/moto-api/data.json", timeout=5):
                return True
        except (OSError, http.client.HTTPException):
            return False

    try:
        until(answers, what="moto answers", seconds=60)
        yield port
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    import os
    import tempfile

    from .figures import show

    with tempfile.TemporaryDirectory() as made_in:
        show(rows(name=f"b1a{os.getpid() % 10000}", directory=Path(made_in), say=print))
