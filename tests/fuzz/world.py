"""The real programs in a network namespace of their own, ready to be run on frames; for long ones (`wire.py`) some are attached.

Kernel objects carry the prefix `f1-` and are gone when the `World` is closed, also after a failure.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import ipaddress
import itertools
import mmap
import os
import platform
import random
import struct
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from opengwlb.dataplane import DataPlane, counting, layout
from opengwlb.dataplane.entries import place, u32
from opengwlb.dataplane.maps import Map, possible_cpus
from opengwlb.dataplane.syscalls import Command, inside, open_pin
from opengwlb.model.plane import (
    EndpointEntry,
    EniEntry,
    EniRole,
    Gateway6Entry,
    Guard,
    InspectorEntry,
    InspectorRule,
    NatEntry,
    NodeEntry,
    Plane,
    TargetEntry,
)
from opengwlb.model.topology import PortRef
from opengwlb.model.vpc import NetworkAcl, NetworkAclEntry, SecurityGroup, SecurityGroupRule
from opengwlb.policy import rules

from . import gateway, guards, router
from .state import PortFacts
from .wire import Wire

PREFIX = "f1-"
BOX = "fuzz"
OBJECTS = Path(__file__).parents[2] / "build" / "bpf"
MAX_FLOWS = 65536
"""So many more than an epoch makes that no set of the table is ever full."""
IDLE_S = 120
"""Longer than an epoch runs: nothing expires by itself."""
AGED_S = IDLE_S + 5

MTUS = {"node1": 1700, "door2": 1600, **router.NARROW}
PORTS = (
    *("node0", "node1", "node2", "node3", "node4", "node9"),
    *("door0", "door1", "door2", "door3", "door4", "door5", "door6", "door7"),
    *("app0", "app1", "eni0", "eni1", "eni2", "igw0", "igw1", "igw2"),
)
"""node9, door5 and igw2 have no configuration, door4's node is none."""
RULES = (
    InspectorRule(action="allow", protocol=17, from_port=53, to_port=53),
    InspectorRule(action="deny", protocol=17, from_port=50, to_port=60),
    InspectorRule(action="deny", source="10.0.1.0/28", destination="10.0.2.11/32"),
    InspectorRule(action="deny", source="fd00:1::10/128", destination="fd00:2::/33", protocol=6),
    InspectorRule(action="deny", protocol=1),
)

SETTINGS: dict[int, dict[str, object]] = {
    1: {"reset_on_idle": True},
    3: {"stickiness": 3, "mss_clamping": False},
    4: {"stickiness": 2, "adopt": True},
}
"""Of nodes, where they differ from the defaults."""

_libc = ctypes.CDLL(None, use_errno=True)
_syscall = _libc.syscall
_SYS_BPF = {"x86_64": 321, "aarch64": 280}[platform.machine()]
_CONTEXT = 180
_IFINDEX, _GSO_SEGS, _GSO_SIZE = 40, 164, 176
_FRAME_MAX = 3600
"""A test run's frame is one page with the kernel's own head and tail room."""
_OUT_MAX = _FRAME_MAX + 512
_SIZES = struct.Struct("=II")
_numbers = itertools.count(1_950_000_000)


def ref(name: str) -> PortRef:
    return PortRef(BOX, name)


class Runner:
    """One program on one port."""

    def __init__(self, world: World, program: int, ifindex: int, *, gso_size: int = 0, gso_segs: int = 0) -> None:
        context = bytearray(_CONTEXT)
        for offset, value in ((_IFINDEX, ifindex), (_GSO_SEGS, gso_segs), (_GSO_SIZE, gso_size)):
            struct.pack_into("=I", context, offset, value)
        self._context = ctypes.create_string_buffer(bytes(context), _CONTEXT)
        data, out = ctypes.addressof(world.data), ctypes.addressof(world.out)
        sizes = (program, 0, 0, 0)
        self._attr = bytearray(128)
        struct.pack_into(
            "=4IQQ4IQQ", self._attr, 0, *sizes, data, out, 1, 0, _CONTEXT, 0, ctypes.addressof(self._context), 0
        )
        self._at = ctypes.c_void_p(ctypes.addressof((ctypes.c_char * 128).from_buffer(self._attr)))
        self._data, self._out = world.data_view, world.out_view

    def __call__(self, frame: bytes) -> tuple[int, bytes] | None:
        """What the program returned, and the bytes then; None for a frame that the kernel does not run programs on."""
        size = len(frame)
        attr = self._attr
        self._data[:size] = frame
        _SIZES.pack_into(attr, 8, size, _OUT_MAX)
        if _syscall(_SYS_BPF, 10, self._at, 128) < 0:
            if ctypes.get_errno() == errno.EINVAL and size < 14 + 40:
                return None
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        code, _, got = struct.unpack_from("=III", attr, 4)
        return code, self._out[:got].tobytes()


class World:
    """Open it with `World.opened(...)`: the thread then stands in the namespace."""

    def __init__(self, *, objects: Path = OBJECTS, name: str = "hunt") -> None:
        self.name = f"{PREFIX}{name}-{os.getpid()}"
        self.dataplane = DataPlane(run_dir=Path(f"/run/{self.name}"), objects=objects, max_flows=MAX_FLOWS)
        self.ports: dict[PortRef, PortFacts] = {}
        self.data = ctypes.create_string_buffer(_FRAME_MAX)
        self.out = ctypes.create_string_buffer(_OUT_MAX)
        self.data_view = memoryview(self.data).cast("B")
        self.out_view = memoryview(self.out).cast("B")
        self.runners: dict[tuple[str, str, int], Runner] = {}
        self._flows: mmap.mmap | None = None
        self._tracked: mmap.mmap | None = None
        self._maps: dict[str, Map] = {}

    @classmethod
    @contextlib.contextmanager
    def opened(cls, *, objects: Path = OBJECTS, name: str = "hunt") -> Iterator[World]:
        world = cls(objects=objects, name=name)
        try:
            world._build()
            with inside(f"/run/netns/{world.name}"), contextlib.closing(Wire(world)) as world.wire:
                yield world
        finally:
            world._close()

    def _build(self) -> None:
        subprocess.run(["ip", "netns", "delete", self.name], check=False, capture_output=True)
        _run("ip", "netns", "add", self.name)
        inside_box = ("nsenter", f"--net=/run/netns/{self.name}")
        _run(*inside_box, "sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1", "net.ipv4.ip_forward=1")
        for name in PORTS:
            number, far = next(_numbers), next(_numbers)
            mac, peer = (f"02:f1:00:{n >> 16 & 255:02x}:{n >> 8 & 255:02x}:{n & 255:02x}" for n in (number, far))
            mtu = str(MTUS.get(name, 9001))
            one = ("ip", "link", "add", name, "index", str(number), "address", mac, "mtu", mtu)
            _run(*inside_box, *one, "type", "veth", "peer", "name", f"{name}-far", "address", peer, "mtu", mtu)
            _run(*inside_box, "ip", "link", "set", name, "up")
            _run(*inside_box, "ip", "link", "set", f"{name}-far", "up")
            self.ports[ref(name)] = PortFacts(number, _mac(mac), _mac(peer), int(mtu))
        for name in router.TABLES:
            own = ("disable_ipv6=0", "forwarding=1", "addr_gen_mode=1", "router_solicitations=0")
            _run(*inside_box, "sysctl", "-qw", *(f"net.ipv6.conf.{name}.{each}" for each in own))
        for table, routes in router.ROUTES.items():
            for kind, destination, device in routes:
                way = ("dev", device) if device else ()
                family = "-6" if ":" in destination else "-4"
                _run(*inside_box, "ip", family, "route", "add", kind, destination, *way, "table", str(table))
        self.dataplane.open()
        self._open_maps()
        errors = self.dataplane.apply(plane(self.ports), {name: port.ifindex for name, port in self.ports.items()})
        assert errors == {}, errors

    def _open_maps(self) -> None:
        """Descriptors of our own, to write what no caller of the data plane may: the table's key, a flow's age."""
        directory = Path(f"/run/{self.name}/bpf/maps")
        for name in ("flows", "flow_settings", "fragments", "targets", "counters", "passed", "tracked", "datagrams"):
            self._maps[name] = Map(open_pin(str(directory / name)), name=name)
        held = self._maps["flows"]
        size = held.max_entries * held.value_size
        self._flows = mmap.mmap(held.fd, size, prot=mmap.PROT_READ | mmap.PROT_WRITE)
        held = self._maps["tracked"]
        self._tracked = mmap.mmap(held.fd, held.max_entries * held.value_size)
        self._values = ctypes.create_string_buffer(self._maps["counters"].value_size)
        self._row = bytearray(8)
        self._ask = bytearray(128)
        key = (ctypes.c_char * 8).from_buffer(self._row)
        struct.pack_into(
            "=IIQQ", self._ask, 0, self._maps["counters"].fd, 0, ctypes.addressof(key), ctypes.addressof(self._values)
        )
        self._ask_at = ctypes.c_void_p(ctypes.addressof((ctypes.c_char * 128).from_buffer(self._ask)))
        self._values_at = struct.Struct(f"={2 * possible_cpus()}Q")

    def _close(self) -> None:
        if self._flows is not None:
            self._flows.close()
        if self._tracked is not None:
            self._tracked.close()
        for one in self._maps.values():
            one.close()
        self.dataplane.destroy()
        subprocess.run(["ip", "netns", "delete", self.name], check=False, capture_output=True)
        with contextlib.suppress(OSError):
            Path(f"/run/{self.name}").rmdir()

    # -- running

    def runner(self, program: str, port: str, gso_size: int = 0) -> Runner:
        """`gso_size` other than 0 makes every frame a super-packet of two segments of that size."""
        key = (program, port, gso_size)
        found = self.runners.get(key)
        if found is None:
            ifindex = self.ports[ref(port)].ifindex
            segments = 2 if gso_size else 0
            found = Runner(self, self.dataplane.program(program), ifindex, gso_size=gso_size, gso_segs=segments)
            self.runners[key] = found
        return found

    def counted(self, ifindex: int, verdict: int) -> tuple[int, int]:
        """Packets and bytes of one row. The table of `counters` has no row for a verdict that the array `passed` counts."""
        found = counting.passed_rows(self._maps["passed"].get(place(ifindex)) or b"", ifindex)
        if found and found[0].verdict == verdict:
            return sum(row.packets for row in found), sum(row.bytes for row in found)
        _SIZES.pack_into(self._row, 0, ifindex, verdict)
        if _syscall(_SYS_BPF, int(Command.MAP_LOOKUP_ELEM), self._ask_at, 128) < 0:
            return 0, 0
        values = self._values_at.unpack(self._values)
        return sum(values[::2]), sum(values[1::2])

    def all_counted(self) -> dict[tuple[int, int], tuple[int, int]]:
        return {(one.ifindex, one.verdict): (one.packets, one.bytes) for one in self.dataplane.counters()}

    # -- state

    def reset(self, rng: random.Random) -> None:
        """An empty flow table with a key drawn from `rng`, no fragments, every target as it began."""
        assert self._flows is not None and self._tracked is not None
        for table in (self._flows, self._tracked):
            table[:] = bytes(len(table))
        settings = layout.flow_settings.from_buffer_copy(self._maps["flow_settings"].get(u32(0)) or b"")
        settings.key[0], settings.key[1] = rng.getrandbits(64) | 1, rng.getrandbits(64)
        settings.new_flows_per_s = 0
        self._maps["flow_settings"].put(u32(0), bytes(settings))
        for pieces in (self._maps["fragments"], self._maps["datagrams"]):
            for key in [key for key, _ in pieces.entries()]:
                pieces.delete(key)
        for one in targets().values():
            self.set_target(one.slot, one.generation, 0)

    def age(self, cookie: int) -> None:
        """The flow was not seen for longer than its time."""
        assert self._flows is not None
        index = cookie & (MAX_FLOWS - 1)
        at = index * ctypes.sizeof(layout.flow_slot) + layout.flow_slot.last_seen_ns.offset
        seen = time.clock_gettime_ns(time.CLOCK_MONOTONIC) - AGED_S * 1_000_000_000
        struct.pack_into("=Q", self._flows, at, seen)

    def set_target(self, slot: int, generation: int, flags: int) -> None:
        """A new generation is what `rebalance` does to a target's flows; `flags` say that they are to be reset."""
        packed = bytes(int(part) for part in targets()[slot].address.split("."))
        config = layout.target_config(address=layout.Address(*packed), generation=generation, flags=flags)
        self._maps["targets"].put(u32(slot), bytes(config))


def targets() -> dict[int, TargetEntry]:
    """4 is registered but gets no new flows."""
    return {i: TargetEntry(slot=i, generation=1, address=f"10.9.1.{10 + i}") for i in range(5)}


def plane(ports: dict[PortRef, PortFacts]) -> Plane:
    """Nodes with one setting or another; node 2 has no targets."""

    def node(slot: int, *chosen: int) -> NodeEntry:
        port = ports[ref(f"node{slot}")]
        plain = NodeEntry(
            slot=slot,
            address=f"10.9.0.{4 + slot}",
            port=ref(f"node{slot}"),
            mac=port.mac.hex(":"),
            peer_mac=port.peer_mac.hex(":"),
            targets=chosen,
            tcp_idle_s=IDLE_S,
            other_idle_s=IDLE_S,
        )
        return replace(plain, **SETTINGS.get(slot, {}))

    def door(number: int, node: int, *, dualstack: bool = True) -> EndpointEntry:
        port = ports[ref(f"door{number}")]
        return EndpointEntry(
            endpoint=0x76BC493B822CD320 + number,
            port=ref(f"door{number}"),
            node=node,
            mac=port.mac.hex(":"),
            peer_mac=port.peer_mac.hex(":"),
            dualstack=dualstack,
        )

    def eni(name: str) -> EniEntry:
        port = ports[ref(name)]
        own, own6 = router.CHECKED.get(name), router.CHECKED6.get(name)
        return EniEntry(
            port=ref(name),
            role=EniRole.ENI,
            table=router.TABLES[name],
            delivery=900,
            subnet=router.SUBNETS[name],
            addresses=(str(ipaddress.IPv4Address(own)),) if own else (),
            ipv6=name in router.SUBNETS6,
            subnet6=router.SUBNETS6.get(name),
            addresses6=(str(ipaddress.IPv6Address(own6)),) if own6 else (),
            source_dest_check=own is not None,
            resolver=router.RESOLVER,
            mac=port.mac.hex(":"),
            peer_mac=port.peer_mac.hex(":"),
            guard=guard(name),
        )

    doors = (door(0, 0), door(1, 0, dualstack=False), door(2, 1), door(3, 2), door(4, 9), door(6, 3), door(7, 4))
    return Plane(
        nodes={0: node(0, 0, 1, 2), 1: node(1, 3), 2: node(2), 3: node(3, 0, 1), 4: node(4, 1, 2, 3)},
        targets=targets(),
        endpoints={one.endpoint: one for one in doors},
        enis={ref(name): eni(name) for name in router.TABLES},
        nats=frozenset(
            NatEntry(port=ref(name), private=str(ipaddress.IPv4Address(one)), public=str(ipaddress.IPv4Address(other)))
            for name, pairs in gateway.PUBLIC.items()
            for one, other in pairs.items()
        ),
        gateways6={
            ref(name): Gateway6Entry(port=ref(name), addresses=tuple(str(ipaddress.IPv6Address(one)) for one in held))
            for name, held in gateway.HELD6.items()
        },
        members={(_VPC, address): _MEMBERS for address in guards.MEMBERS},
        inspectors={ref("app0"): InspectorEntry(port=ref("app0"), rules=RULES)},
    )


_VPC, _MEMBERS = 7, 3


def guard(port: str) -> Guard | None:
    """What `guards.py` says, as the data plane is told it."""
    by_groups, by_acl = guards.GROUPS.get(port), guards.ACLS.get(port)
    if by_groups is None and by_acl is None:
        return None
    group = SecurityGroup(
        id="sg-1", account="1", region="r", vpc="vpc-1", name="n", description="",
        rules=tuple(
            SecurityGroupRule(
                id="sgr", egress=rule.direction == guards.EGRESS, protocol=str(rule.protocol), from_port=rule.low, to_port=rule.high,
                **{"group": "sg-members"} if rule.peer == "members" else {"cidr": rule.peer},
            )
            for rule in by_groups or ()
        ),
    )  # fmt: skip
    acl = NetworkAcl(
        id="acl-1", account="1", region="r", vpc="vpc-1",
        entries=tuple(
            NetworkAclEntry(
                number=number, egress=rule.direction == guards.EGRESS, allow=rule.allow, protocol=str(rule.protocol), cidr=rule.peer,
                from_port=rule.low, to_port=rule.high, icmp_type=rule.low, icmp_code=rule.high,
            )
            for number, rule in enumerate(by_acl or (), 1)
        ),
    )  # fmt: skip
    return Guard(
        interface=port,
        owner=int(port[-1]) + 1,
        vpc=_VPC,
        groups=None if by_groups is None else rules.compile_groups([group], {_MEMBERS: frozenset({"sg-members"})}),
        acl=None if by_acl is None else rules.compile_acl(acl),
        guards4=True,
        guards6=True,
        guards_other=True,
    )


def _mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr or done.stdout}"
