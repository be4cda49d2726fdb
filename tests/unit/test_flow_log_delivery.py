"""Flow logs from records to files, with a clock that the test turns: intervals, destinations, failures, and a server that is killed."""

from __future__ import annotations

import errno
import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from api_lab import Lab

from opengwlb.control import flow_log_files
from opengwlb.control.flow_log_state import State, StateFile
from opengwlb.control.flow_logs import FlowLogKeeper
from opengwlb.dataplane.flow_logs import Record
from opengwlb.model.flow_logs import FlowCount, FlowKey, FlowLog
from opengwlb.model.topology import PortRef
from opengwlb.model.vpc import NetworkInterface
from opengwlb.observe.flow_log_tail import tail
from opengwlb.policy import flow_log_windows, names

T0 = 1_800_000_000.0
"""A whole minute, and a whole ten minutes."""
SHORT = "${interface-id} ${srcaddr} ${dstport} ${packets} ${bytes} ${action} ${tcp-flags} ${log-status}"
TCP = FlowKey(
    ifindex=7,
    direction="egress",
    action="ACCEPT",
    family=4,
    source="10.0.0.36",
    destination="192.0.2.1",
    source_port=40000,
    destination_port=80,
    protocol=6,
)
ONE = FlowCount(packets=2, bytes=100, first_s=T0 + 2.5, last_s=T0 + 3.5, tcp_flags=2)


class Kernel:
    """The data plane's maps: records by round."""

    def __init__(self) -> None:
        self.round = 5
        self.held: dict[bytes, Record] = {}
        self.missing: dict[int, int] = {}

    def see(self, key: FlowKey = TCP, count: FlowCount = ONE) -> None:
        raw = f"{self.round} {key}".encode()
        self.held[raw] = Record(round=self.round, key=key, count=count, raw=raw)

    def turn(self, *, now: float) -> int:
        self.round = max(self.round + 1, int(now))
        return self.round

    def before(self, round_: int) -> Iterable[Record]:
        return [one for one in self.held.values() if one.round < round_]

    def forget(self, raws: Sequence[bytes]) -> None:
        for raw in raws:
            self.held.pop(raw, None)

    def lost(self) -> Mapping[int, int]:
        return self.missing


class World:
    """One lab with one interface at ifindex 7, and a server that can be started again."""

    def __init__(self, lab: Lab, directory: Path) -> None:
        self.lab, self.directory = lab, directory
        self.now = T0 + 1
        self.kernel = Kernel()
        self.instance = lab.instance()
        self.eni = self.instance.network_interfaces[0]
        self.allowed = True
        self.keeper = self.start()

    def start(self) -> FlowLogKeeper:
        self.keeper = FlowLogKeeper(
            store=self.lab.api.store,
            records=lambda: self.kernel,
            ifindex=lambda: self.ports(),
            may_publish=lambda snapshot, log: self.allowed,
            directory=self.directory,
            clock=lambda: self.now,
        )
        return self.keeper

    def ports(self) -> Mapping[PortRef, int]:
        return {names.router_port(self.lab.vpc, self.eni): 7}

    def log(self, **params: Any) -> FlowLog:
        """On the VPC, to a log group, in the short format."""
        log = FlowLog(
            id=params.pop("id", "fl-1"),
            account=self.lab.api.account,
            region=self.lab.api.region,
            **{
                "resource": self.lab.vpc,
                "resource_type": "VPC",
                "traffic_type": "ALL",
                "destination_type": "cloud-watch-logs",
                "log_group": "/vpc/flow",
                "log_format": SHORT,
                "created": T0,
                **params,
            },
        )
        self.lab.api.put(log)
        self.keeper.reconcile()
        return log

    def at(self, seconds: float) -> None:
        self.now = T0 + seconds
        self.keeper.reconcile()

    def lines(self, log: FlowLog, *, interface: str | None = None) -> list[str]:
        """Of this interface alone; of every one in the bucket."""
        events = tail(self.directory, log, after_ms=0, limit=1000)
        return [
            one["message"]
            for one in events
            if log.destination_type == "s3" or (interface or self.eni) in one["logStreamName"]
        ]

    def files(self) -> list[str]:
        return sorted(
            str(path.relative_to(self.directory))
            for path in self.directory.rglob("*")
            if path.suffix in (".jsonl", ".gz")
        )

    def stored(self, log: FlowLog) -> FlowLog:
        found = self.lab.api.store.snapshot().get(FlowLog, log.id)
        assert found is not None
        return found


@pytest.fixture
def world(lab: Lab, tmp_path: Path) -> World:
    return World(lab, tmp_path / "flow-logs")


def test_an_instances_records_come_each_minute_and_a_silent_minute_says_so(world: World) -> None:
    log = world.log()
    world.kernel.see()
    world.kernel.see(replace(TCP, destination_port=23, action="REJECT"), replace(ONE, packets=1, bytes=40))
    world.at(59)
    assert world.lines(log) == []
    world.at(60)
    assert world.lines(log) == [
        f"{world.eni} 10.0.0.36 80 2 100 ACCEPT 2 OK",
        f"{world.eni} 10.0.0.36 23 1 40 REJECT 2 OK",
    ]
    assert world.kernel.held == {}
    world.at(120)
    assert world.lines(log)[2:] == [f"{world.eni} - - - - - - NODATA"]


def test_events_are_shaped_and_placed_like_those_of_cloudwatch_logs(world: World) -> None:
    world.log()
    world.kernel.see()
    world.at(60)
    (path,) = (world.directory / one for one in world.files() if world.eni in one)
    assert path.relative_to(world.directory).parts == (
        *(world.lab.api.account, "cloud-watch-logs", world.lab.api.region, "%2Fvpc%2Fflow", f"{world.eni}-all"),
        "00000001.jsonl",
    )
    (line,) = path.read_text().splitlines()
    message = f"{world.eni} 10.0.0.36 80 2 100 ACCEPT 2 OK"
    assert json.loads(line) == {
        "timestamp": (int(T0) + 2) * 1000,
        "message": message,
        "ingestionTime": (int(T0) + 60) * 1000,
    }


def test_objects_are_named_like_those_of_s3_and_begin_with_the_fields(world: World) -> None:
    log = world.log(destination_type="s3", destination="arn:aws:s3:::logs/here/", log_group="")
    world.kernel.see()
    world.at(60)
    (name,) = world.files()
    account, region = world.lab.api.account, world.lab.api.region
    day = f"{account}/s3/logs/here/AWSLogs/{account}/vpcflowlogs/{region}/2027/01/15/"
    assert name.startswith(f"{day}{account}_vpcflowlogs_{region}_fl-1_20270115T0801Z_") and name.endswith(".log.gz")
    first, *rest = gzip.decompress((world.directory / name).read_bytes()).decode().splitlines()
    assert first == "interface-id srcaddr dstport packets bytes action tcp-flags log-status"
    assert f"{world.eni} 10.0.0.36 80 2 100 ACCEPT 2 OK" in rest
    assert world.lines(log) == rest


def test_partitions_are_as_asked(world: World) -> None:
    world.log(destination_type="s3", destination="arn:aws:s3:::logs", hive_partitions=True, hourly=True)
    world.at(60)
    (name,) = world.files()
    account, region = world.lab.api.account, world.lab.api.region
    assert name.startswith(
        f"{account}/s3/logs/AWSLogs/aws-account-id={account}/aws-service=vpcflowlogs/aws-region={region}/"
        "year=2027/month=01/day=15/hour=08/"
    )


def test_each_flow_log_takes_the_traffic_that_it_is_for(world: World) -> None:
    accepted = world.log(id="fl-1", traffic_type="ACCEPT")
    rejected = world.log(id="fl-2", traffic_type="REJECT", resource=world.lab.app, resource_type="Subnet")
    mine = world.log(id="fl-3", resource=world.eni, resource_type="NetworkInterface", log_group="other")
    world.log(id="fl-4", resource=world.lab.endpoint_subnet, resource_type="Subnet", log_group="elsewhere")
    world.kernel.see()
    world.kernel.see(replace(TCP, destination_port=23, action="REJECT"))
    world.at(60)
    assert [line.split()[5] for line in world.lines(accepted)] == ["ACCEPT"]
    assert [line.split()[5] for line in world.lines(rejected)] == ["REJECT"]
    assert sorted(line.split()[5] for line in world.lines(mine)) == ["ACCEPT", "REJECT"]
    assert not any("elsewhere" in name for name in world.files())


def test_interfaces_that_are_no_instances_are_gathered_for_ten_minutes(world: World) -> None:
    log = world.log()
    alone = world.lab.interface()
    world.ports = lambda: {  # type: ignore[method-assign]  # another port is built
        names.router_port(world.lab.vpc, world.eni): 7,
        names.router_port(world.lab.vpc, alone): 8,
    }
    world.at(3)
    for minute in range(10):
        world.kernel.see(replace(TCP, ifindex=8), replace(ONE, first_s=world.now, last_s=world.now + 1, tcp_flags=1))
        world.at(60 * (minute + 1) - 1)
        world.at(60 * (minute + 1))
        if minute < 9:
            assert world.lines(log, interface=alone) == []
    assert world.lines(log, interface=alone) == [f"{alone} 10.0.0.37 80 20 1000 ACCEPT 1 OK"]
    assert len(world.lines(log)) == 10


def test_what_found_no_room_is_said_once_for_its_interval(world: World) -> None:
    log = world.log()
    world.kernel.see()
    world.kernel.missing[7] = 12
    world.at(60)
    assert [line.split()[-1] for line in world.lines(log)] == ["SKIPDATA", "OK"]
    world.at(120)
    assert [line.split()[-1] for line in world.lines(log)] == ["SKIPDATA", "OK", "NODATA"]


def test_what_an_interface_saw_before_it_was_deleted_is_told(world: World) -> None:
    log = world.log()
    world.kernel.see()
    tail_of = world.eni

    def work(tx: Any) -> None:
        tx.delete(NetworkInterface, tail_of)

    world.lab.api.store.transact(work)
    world.ports = dict  # type: ignore[method-assign]  # its port is gone as well
    world.at(3)
    world.at(60)
    assert world.lines(log) == [f"{tail_of} 10.0.0.36 80 2 100 ACCEPT 2 OK"]
    world.at(120)
    assert len(world.lines(log)) == 1


def test_a_flow_log_goes_with_its_resource(world: World) -> None:
    world.log(resource=world.eni, resource_type="NetworkInterface")

    def work(tx: Any) -> None:
        tx.delete(NetworkInterface, world.eni)

    world.lab.api.store.transact(work)
    world.at(2)
    assert list(world.lab.api.store.snapshot().values(FlowLog)) == []


def test_nothing_from_before_the_flow_log_was_made_is_told(world: World) -> None:
    world.log(id="fl-1", log_group="first")
    world.kernel.see()
    world.now = T0 + 10
    later = world.log(id="fl-2", created=T0 + 10)
    world.at(60)
    assert [line.split()[-1] for line in world.lines(later)] == []


def test_a_server_that_is_killed_anywhere_delivers_each_record_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    log = world.log()
    bucket = world.log(id="fl-2", destination_type="s3", destination="arn:aws:s3:::logs", log_group="")
    steps = 0
    die_at = 0

    def stepping(owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def step(*args: Any, **kwargs: Any) -> Any:
            nonlocal steps
            steps += 1
            if steps == die_at:
                raise Killed
            answer = real(*args, **kwargs)
            steps += 1
            if steps == die_at:
                raise Killed
            return answer

        monkeypatch.setattr(owner, name, step)

    stepping(Kernel, "forget")
    stepping(flow_log_files.FlowLogFiles, "deliver")
    stepping(flow_log_files.FlowLogFiles, "_append")
    stepping(flow_log_files.FlowLogFiles, "_put")
    stepping(FlowLogKeeper, "_save")
    minute, told = 0, 0
    while True:
        minute += 1
        die_at += 1
        world.kernel.see(replace(TCP, source_port=minute), replace(ONE, first_s=world.now, last_s=world.now))
        steps = 0
        try:
            world.at(60 * minute)
            survived = True
        except Killed:
            survived = False
            die_at_now, die_at = die_at, 0
            world.start()
            world.at(60 * minute + 1)
            minute += 1
            world.at(60 * minute)
            die_at = die_at_now
        told += 1
        for each in (log, bucket):
            assert len([one for one in world.lines(each) if one.startswith(world.eni) and one.endswith("OK")]) == told
        if survived:
            break
    assert die_at > 10, "it was killed at every step"


def test_half_a_line_left_by_a_crash_is_gone(world: World) -> None:
    log = world.log()
    world.kernel.see()
    world.at(60)
    (path,) = (world.directory / one for one in world.files() if world.eni in one)
    world.keeper._save(
        flow_log_files.Intent(streams={str(path.parent.relative_to(world.directory)): (1, path.stat().st_size)})
    )
    with path.open("ab") as file:
        file.write(b'{"timestamp":180000')
    (path.parent / "00000002.jsonl").write_text("{}\n")
    world.start()
    assert len(world.lines(log)) == 1 and path.read_bytes().endswith(b"}\n")
    assert [path.name for path in path.parent.iterdir()] == ["00000001.jsonl"]


def test_a_destination_that_cannot_be_written_is_said_and_so_is_that_it_can_again(world: World) -> None:
    log = world.log()
    blocked = world.directory / world.lab.api.account
    world.kernel.see()
    world.directory.mkdir(exist_ok=True)
    blocked.write_text("a file where a directory should be")
    world.at(60)
    assert world.stored(log).error == "Unknown error"
    blocked.unlink()
    world.at(120)
    assert world.stored(log).error == ""


def test_without_room_for_what_is_gathered_nothing_is_lost_and_it_is_said(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = world.log()
    world.kernel.see()

    def full(file: StateFile, state: State) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(StateFile, "save", full)
        for second in (60, 61):
            with pytest.raises(OSError, match="No space left"):
                world.at(second)
        assert world.stored(log).error == "Unknown error"
        assert world.kernel.held != {}
    world.at(62)
    assert world.lines(log) == [f"{world.eni} 10.0.0.36 80 2 100 ACCEPT 2 OK"]
    assert world.stored(log).error == ""
    world.at(120)
    assert world.kernel.held == {}


def test_a_role_that_may_not_write_is_an_access_error_and_nothing_is_written(world: World) -> None:
    log = world.log()
    world.allowed = False
    world.kernel.see()
    world.at(60)
    assert world.stored(log).error == "Access error" and world.files() == []


def test_files_rotate_and_the_oldest_go(lab: Lab, tmp_path: Path) -> None:
    world = World(lab, tmp_path / "flow-logs")
    world.keeper._files = flow_log_files.FlowLogFiles(world.directory, account_bytes=3000, rotate_bytes=300)
    log = world.log()
    for minute in range(1, 40):
        world.kernel.see()
        world.at(60 * minute)
    sizes = [(world.directory / name).stat().st_size for name in world.files()]
    assert max(sizes) < 600 and sum(sizes) <= 3000
    assert world.lines(log)[-1].endswith("OK")


def test_an_account_that_sees_too_much_loses_records_and_another_does_not(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow_log_windows, "MOST_ROWS_OF_ACCOUNT", 3)
    log = world.log()
    for minute in (1, 2):
        for port in range(5):
            world.kernel.see(replace(TCP, source_port=port))
        world.at(60 * minute)
        statuses = [line.split()[-1] for line in world.lines(log)]
        assert (statuses.count("OK"), statuses.count("SKIPDATA")) == (3 * minute, minute)


def test_without_a_data_plane_nothing_is_delivered_and_orphans_go_all_the_same(world: World) -> None:
    world.log(resource=world.eni, resource_type="NetworkInterface")
    idle = FlowLogKeeper(
        store=world.lab.api.store,
        records=None,
        ifindex=dict,
        may_publish=lambda snapshot, log: True,
        directory=world.directory,
        clock=lambda: world.now,
    )

    def work(tx: Any) -> None:
        tx.delete(NetworkInterface, world.eni)

    world.lab.api.store.transact(work)
    assert idle.reconcile() > 0 and idle.flush(None) == 0
    assert list(world.lab.api.store.snapshot().values(FlowLog)) == [] and world.files() == []


def test_flushing_ends_the_intervals_of_one_account_now(world: World) -> None:
    log = world.log()
    world.kernel.see()
    world.now = T0 + 20
    assert world.keeper.flush("222222222222") == 0 and world.lines(log) == []
    assert world.keeper.flush(world.lab.api.account) >= 1
    assert world.lines(log) == [f"{world.eni} 10.0.0.36 80 2 100 ACCEPT 2 OK"]
    world.at(60)
    assert [line.split()[-1] for line in world.lines(log)] == ["OK", "NODATA"]


def test_following_gives_each_line_once(world: World) -> None:
    log = world.log()
    world.kernel.see()
    world.at(60)
    first = tail(world.directory, log, after_ms=0, limit=100)
    since = max(one["ingestionTime"] for one in first)
    assert tail(world.directory, log, after_ms=since, limit=100) == []
    world.at(120)
    more = tail(world.directory, log, after_ms=since, limit=100)
    assert {one["message"].split()[-1] for one in more} == {"NODATA"}


def test_a_log_groups_name_leads_nowhere_else(world: World) -> None:
    world.log(log_group="../../../x")
    world.log(id="fl-2", log_group="..", traffic_type="REJECT")
    world.log(id="fl-3", log_group="a" * 512, traffic_type="ACCEPT")
    world.at(60)
    assert len(world.files()) == 3
    assert all(len(Path(name).parts) == 6 for name in world.files())


def test_two_servers_worth_of_state_is_refused_by_name(world: World) -> None:
    world.log()
    world.at(60)
    (world.directory / "gathered.msgpack").write_bytes(b"of another version")
    world.start()
    assert (world.directory / "gathered.unread").exists()
