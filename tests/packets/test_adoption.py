"""A data plane that outlives its process: links and maps are adopted, programs replaced under traffic, dead devices forgotten."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from scapy.layers.inet import IP, UDP

from opengwlb.dataplane import DataPlane, DataPlaneError, KernelError, LayoutError, VerifierError
from opengwlb.dataplane.layout import MIRRORS
from opengwlb.dataplane.libbpf import BpfObject
from opengwlb.dataplane.syscalls import inside, link_info, open_pin
from opengwlb.model.topology import Program

from . import geneve
from .harness import CLIENT, OBJECTS, SERVER, Lab, eventually, run

ROOT = Path(__file__).parents[2]


@pytest.fixture
def lab() -> Iterator[Lab]:
    """One of its own for each test: these tests close and break things."""
    made = Lab("adopt")
    try:
        made.build()
        yield made
    finally:
        made.close()


def reopened(lab: Lab, objects: Path = OBJECTS) -> None:
    lab.dataplane.close()
    lab.dataplane = DataPlane(run_dir=lab.run_dir, objects=objects, max_flows=64)
    lab.dataplane.open()


def recompiled(directory: Path) -> Path:
    """The same programs with other instructions: other tags."""
    directory.mkdir()
    for source in (ROOT / "bpf").iterdir():
        if source.is_dir():
            shutil.copytree(source, directory / source.name)
        elif source.suffix == ".c":
            shutil.copy(source, directory)
    shutil.copy(ROOT / "bpf" / "Makefile", directory)
    text = (directory / "endpoint.bpf.c").read_text()
    assert "TC_ACT_SHOT" in text
    (directory / "endpoint.bpf.c").write_text(text.replace("TC_ACT_SHOT", "TC_ACT_STOLEN"))
    subprocess.run(["make", "-s", "-C", str(directory), f"OUT={directory}/out"], check=True)
    return directory / "out"


def program_of(lab: Lab) -> tuple[int, int]:
    """Link id's program and ifindex of the first endpoint."""
    ifindex = lab.endpoints[0].inner.ifindex
    info = link_info(open_pin(str(lab.run_dir / "bpf" / "links" / f"{ifindex}-endpoint")))
    return info.program, info.ifindex


def test_a_restart_and_an_upgrade_lose_no_packet_and_no_flow(lab: Lab, tmp_path: Path) -> None:
    """Numbered datagrams flow through close, adoption, and an endpoint program that was compiled anew."""
    newer = recompiled(tmp_path / "bpf")
    with inside(lab.server.netns):
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with inside(lab.client.netns):
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stop, sent = threading.Event(), 0

    def send() -> None:
        nonlocal sent
        while not stop.wait(0.0005):
            sender.sendto(sent.to_bytes(4, "big"), (SERVER, 7000))
            sent += 1

    with receiver, sender:
        receiver.bind((SERVER, 7000))
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        receiver.settimeout(2)
        sender.sendto(b"warm", (SERVER, 7000))
        assert receiver.recv(10) == b"warm"
        (before,) = (one for one in lab.dataplane.flows() if one.destination_port == 7000)
        old = program_of(lab)
        pump = threading.Thread(target=send)
        pump.start()
        try:
            reopened(lab)
            assert program_of(lab) == old
            assert lab.apply() == {}
            reopened(lab, newer)
            assert program_of(lab)[0] != old[0]
            assert program_of(lab)[1] == old[1]
            assert lab.apply() == {}
        finally:
            stop.set()
            pump.join()
        assert sent > 100
        assert [int.from_bytes(receiver.recv(10), "big") for _ in range(sent)] == list(range(sent))
    (after,) = (one for one in lab.dataplane.flows() if one.destination_port == 7000)
    assert (after.cookie, after.target) == (before.cookie, before.target)
    assert after.packets == before.packets + sent


def test_packets_flow_while_no_process_holds_the_data_plane(lab: Lab) -> None:
    lab.dataplane.close()
    run("ping", "-c", "2", "-i", "0.1", "-W", "1", SERVER, box=lab.client.box)


def test_attaching_twice_is_attaching_once(lab: Lab) -> None:
    door = lab.endpoints[0].inner
    before = program_of(lab)
    lab.dataplane.attach(door.port(Program.ENDPOINT), netns=door.netns, ifindex=door.ifindex)
    assert program_of(lab) == before
    sent = geneve.read(lab.through(IP(src=CLIENT, dst=SERVER) / UDP()))
    assert sent.cookie


def test_a_link_whose_device_died_is_made_anew(lab: Lab) -> None:
    door, outer = lab.endpoints[0].inner, lab.endpoints[0].outer
    run("ip", "link", "del", door.device, box=door.box)
    assert program_of(lab)[1] == 0
    run(
        *("ip", "link", "add", door.device, "index", str(door.ifindex), "address", door.mac, "type", "veth"),
        *("peer", "name", outer.device, "netns", outer.box, "index", str(outer.ifindex), "address", outer.mac),
        box=door.box,
    )
    lab.dataplane.attach(door.port(Program.ENDPOINT), netns=door.netns, ifindex=door.ifindex)
    assert program_of(lab)[1] == door.ifindex


def test_pruning_forgets_links_and_counters_of_dead_devices_only(lab: Lab) -> None:
    run("ping", "-c", "1", "-W", "1", SERVER, box=lab.client.box)
    links = lab.run_dir / "bpf" / "links"
    door = lab.endpoints[0].inner.ifindex
    alive = set(lab.indexes.values()) - {door}
    lab.dataplane.prune(alive)
    assert {int(path.name.split("-")[0]) for path in links.iterdir()} == alive
    assert {one.ifindex for one in lab.dataplane.counters()} == alive


def test_destroying_leaves_nothing(lab: Lab) -> None:
    lab.dataplane.destroy()
    assert not (lab.run_dir / "bpf").exists()
    assert str(lab.run_dir) not in Path("/proc/mounts").read_text()
    lab.dataplane.destroy()


def test_what_a_plane_no_longer_says_is_taken_out_of_the_maps(lab: Lab) -> None:
    endpoint = lab.endpoints.pop()
    assert lab.apply() == {}
    at = endpoint.inner.ifindex
    before = lab.counts()
    endpoint.outer.send(geneve.Ether(dst=endpoint.inner.mac) / IP(src=CLIENT, dst=SERVER) / UDP())
    lab.endpoints.append(endpoint)
    # The boxes' own multicast may come between: that is not configured for it either.
    eventually(lambda: (lab.counts() - before)[at, "endpoint_not_configured"] > 0, "the packet is not counted")
    assert (lab.counts() - before)[at, "encapsulated"] == 0
    assert lab.apply() == {}
    run("ping", "-c", "1", "-W", "1", SERVER, box=lab.client.box)


def test_a_second_data_plane_does_not_touch_the_first(lab: Lab) -> None:
    other = DataPlane(run_dir=Path("/run/dp-other"), objects=OBJECTS, max_flows=64)
    try:
        other.open()
        assert other.flows() == []
    finally:
        other.destroy()
        Path("/run/dp-other").rmdir()
    run("ping", "-c", "1", "-W", "1", SERVER, box=lab.client.box)


def test_a_struct_that_differs_from_its_mirror_is_refused(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror = next(one for one in MIRRORS if one.__name__ == "node_config")
    other = type("node_config", (mirror,), {"_fields_": [("more", mirror._fields_[0][1])]})
    monkeypatch.setattr("opengwlb.dataplane.layout.MIRRORS", (other,))
    with pytest.raises(LayoutError, match="node_config"):
        DataPlane(run_dir=lab.run_dir, objects=OBJECTS).open()


def test_missing_objects_and_devices_are_errors_of_this_room(lab: Lab, tmp_path: Path) -> None:
    with pytest.raises(DataPlaneError, match="no compiled programs"):
        DataPlane(run_dir=tmp_path / "run", objects=tmp_path / "nowhere").open()
    shutil.copy(OBJECTS / "verdicts.h", tmp_path)
    with pytest.raises(DataPlaneError, match="no compiled programs"):
        DataPlane(run_dir=tmp_path / "run", objects=tmp_path).open()
    door = lab.endpoints[0].inner
    with pytest.raises(KernelError):
        lab.dataplane.attach(door.port(Program.ENDPOINT), netns=door.netns, ifindex=door.ifindex + 7_000_000)


def test_a_refused_program_is_told_with_the_verifiers_last_lines_first(tmp_path: Path, lab: Lab) -> None:
    source = tmp_path / "bad.bpf.c"
    source.write_text(
        '#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\nSEC("tc")\nint bad(struct __sk_buff *skb)\n'
        '{ return *(int *)(long)skb->data; }\nchar LICENSE[] SEC("license") = "GPL";\n'
    )
    shutil.copy(ROOT / "bpf" / "Makefile", tmp_path)
    (tmp_path / "shared").mkdir()
    shutil.copy(ROOT / "bpf" / "shared" / "verdicts.h", tmp_path / "shared")
    subprocess.run(["make", "-s", "-C", str(tmp_path), f"OUT={tmp_path}/out"], check=True)
    with pytest.raises(VerifierError) as raised:
        BpfObject(tmp_path / "out" / "bad.bpf.o", maps=tmp_path, max_entries={})
    assert "invalid access to packet" in str(raised.value)
    assert str(raised.value).splitlines()[-1] == "the kernel refused bad.bpf.o"
