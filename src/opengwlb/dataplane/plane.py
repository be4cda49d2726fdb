"""The data plane of one running instance: programs on ports, a `Plane` in maps, counters and flows out of them.

Everything it makes lives under `<run_dir>/bpf`, a bpf file system of its own, and outlives this process: the next `DataPlane` over the same
directory adopts maps and links and replaces older programs while packets flow.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections import Counter as Tally
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from opengwlb.model.flows import FlowKind
from opengwlb.model.passive import TargetCounters
from opengwlb.model.plane import NodeEntry, Plane, TargetEntry
from opengwlb.model.topology import Port, PortRef

from . import clock, counting, entries, flow_logs, flows, layout, node_counters, pins, relay, rules, samples, targets
from .chaos import ChaosPorts, Parts
from .counting import Counter
from .dry_run import DryRun
from .errors import DataPlaneError, reported
from .flow_verdicts import FlowVerdicts
from .flows import Changes, FlowTable, Found
from .libbpf import BpfObject
from .links import Links
from .maps import Map
from .node_counters import NodeCounters
from .programs import verified
from .rules import NO_PLACES, Places, RuleStore
from .tables import Tables
from .testrun import run_once
from .verdicts import Verdict, read_verdicts
from .wanted import Wanted

_LOOPBACK = 1
_OF_PORTS: dict[str, type[layout.eni_config | layout.endpoint_config | layout.node_port]] = {
    "enis": layout.eni_config,
    "endpoints": layout.endpoint_config,
    "node_ports": layout.node_port,
}


class DataPlane:
    """Methods may be called from several threads. Errors are `DataPlaneError`."""

    def __init__(
        self,
        *,
        run_dir: Path,
        objects: Path,
        max_flows: int = 262144,
        new_flows_per_s: int = 250_000,
        tcp_yields_after_s: int = 60,
    ) -> None:
        """`objects` is the directory of compiled programs (`build/bpf`); `max_flows` counts for a table that does not exist yet.

        One CPU opens at most `new_flows_per_s` flows (0: no limit). In a full table a TCP flow makes room for a new one only when it
        was not seen for `tcp_yields_after_s`.
        """
        self._bpffs = run_dir / "bpf"
        self._directory = objects
        self._max_flows = max_flows
        self._new_flows_per_s = new_flows_per_s
        self._tcp_yields_after_s = tcp_yields_after_s
        self._lock = threading.RLock()
        self._objects: list[BpfObject] = []
        self._maps: dict[str, Map] = {}
        self._ports: dict[str, dict[bytes, bytes]] = {}
        """What the arrays of ports hold, by map: they are too long to be read at each change."""
        self._uses: dict[str, Tally[bytes]] = {}
        """By map, how many entries of the last plane have a key: it goes with the last of them."""
        self._left: set[int] = set()
        """Slots of which `leave` has written what the next plane overrules."""
        self._links: Links | None = None
        self._tables: Tables | None = None
        self._rules: RuleStore | None = None
        self._places = NO_PLACES
        """Of the rule sets that were applied last."""
        self._flow_table: FlowTable | None = None
        self.verdicts: dict[int, Verdict] = {}

    def open(self) -> None:
        """Mounts the bpf file system, loads the programs onto new or found maps, and brings found links to these programs."""
        self.verdicts = read_verdicts(self._directory)
        paths = verified(self._directory)
        pins.make(self._bpffs)
        with self._lock:
            try:
                self._load(paths)
            except BaseException:
                self.close()
                raise

    def _load(self, paths: list[Path]) -> None:
        sets = flows.sets_for(self._max_flows)
        sizes = {"flows": sets, "flow_spills": sets, "flow_tuples": sets * layout.FLOW_WAYS, "tracked": sets}
        for path in paths:
            self._objects.append(BpfObject(path, maps=self._bpffs / "maps", max_entries=sizes))
        for one in self._objects:
            for name, fd in one.maps.items():
                if name not in self._maps:
                    self._maps[name] = Map(os.dup(fd), name=name)
        flows.settle(
            self._map("flow_settings"),
            self._map("flows"),
            new_flows_per_s=self._new_flows_per_s,
            tcp_yields_after_s=self._tcp_yields_after_s,
            clock=lambda: clock.compare(self._ticks),
        )
        self._ports = {name: dict(self._map(name).filled()) for name in entries.PORT_ARRAYS}
        self._rules = RuleStore(self._map("rules"))
        self._rules.adopt(self._guards_there())
        self._tables = Tables(self._map("maglev"))
        self._flow_table = FlowTable(self._map("flows"), self._map("flow_tuples"))
        self._links = Links(
            self._bpffs / "links", programs={n: fd for o in self._objects for n, fd in o.programs.items()}
        )
        self._links.refresh()

    def _guards_there(self) -> Iterator[layout.eni_guard]:
        """Those of an earlier server."""
        for value in self._ports["enis"].values():
            yield layout.eni_config.from_buffer_copy(value).guard
        for _, value in self._map("eni_addresses").entries():
            yield layout.eni_guard.from_buffer_copy(value)

    def _ticks(self) -> int:
        return clock.ticks(run_once(self.program("clock"), clock.FRAME, ifindex=_LOOPBACK))

    @property
    def max_flows(self) -> int:
        """Slots of the flow table: more than were asked for, to make a power of two, or what an earlier server made."""
        return self._map("flows").max_entries * layout.FLOW_WAYS

    def attach(self, port: Port, *, netns: str, ifindex: int) -> None:
        """Attaches the port's program, if it has one, to this device of the network namespace at this path. Idempotent."""
        if port.program is None:
            return
        with self._lock:
            self._opened().attach(port.program, netns=netns, ifindex=ifindex)

    def apply(self, plane: Plane, ifindex: Mapping[PortRef, int]) -> dict[str, str]:
        """Makes the maps say what the plane says; answers errors by object: endpoint id, box id, or a target's address.

        Ports without an ifindex are left out: whoever makes links reports those.
        """
        with self._lock:
            self._opened()
            places = self._rules_opened().place(plane)
            self._uses = {
                name: Tally(key for _, key, _ in contents(plane, ifindex))
                for name, contents in entries.in_order(places)
            }
            return self._apply(
                plane, ifindex, places=places, there=self._there, nodes=plane.nodes.values(), whole=plane
            )

    def change(
        self, before: Plane, after: Plane, *, whole: Plane, was: Mapping[PortRef, int], ifindex: Mapping[PortRef, int]
    ) -> dict[str, str]:
        """As `apply`, when only these entries differ from what was applied last: `before` went, with the ifindexes that its ports had
        (`was`), `after` came. Nothing is read, so the cost is theirs alone. `whole` is the plane as it is now."""
        with self._lock:
            self._opened()
            there: dict[str, dict[bytes, bytes]] = {}
            places = self._rules_opened().place(whole)
            for (name, came), (_, went) in zip(entries.in_order(places), entries.in_order(self._places), strict=True):
                gone = list(went(before, was))
                there[name] = {key: value for _, key, value in gone}
                uses = self._uses.setdefault(name, Tally())
                uses.subtract(key for _, key, _ in gone)
                uses.update(key for _, key, _ in came(after, ifindex))
            for slot in self._left & whole.targets.keys():
                after = replace(after, targets=after.targets | {slot: whole.targets[slot]})
                # As it stands there: still the same target, whose counters go on.
                there["targets"][entries.u32(slot)] = self._map("targets").get(entries.u32(slot)) or b""
            moved = {
                slot
                for slot, entry in after.targets.items()
                if slot not in before.targets or before.targets[slot].address != entry.address
            }
            nodes = [
                node for slot, node in whole.nodes.items() if slot in after.nodes or not moved.isdisjoint(node.targets)
            ]
            return self._apply(after, ifindex, places=places, there=there.__getitem__, nodes=nodes, whole=whole)

    def verify(self, plane: Plane, ifindex: Mapping[PortRef, int]) -> dict[str, str]:
        """Writes again what of these entries, a part of the plane that was applied, the maps do not say any more."""
        errors: dict[str, str] = {}
        with self._lock:
            self._opened()
            for name, contents in entries.in_order(self._places):
                for owner, key, value in contents(plane, ifindex):
                    with reported(owner, errors):
                        if self._map(name).get(key) != value:
                            self._map(name).put(key, value)
        return errors

    def _apply(
        self,
        plane: Plane,
        ifindex: Mapping[PortRef, int],
        *,
        places: Places,
        there: Callable[[str], dict[bytes, bytes]],
        nodes: Iterable[NodeEntry],
        whole: Plane,
    ) -> dict[str, str]:
        """`places` are those of the whole plane's rule sets; `there(map)`: what the map holds, of the keys that this is about; `nodes` are
        those whose targets may be others."""
        errors = dict(rules.errors(plane, places))
        in_order = entries.in_order(places)
        stale: list[tuple[Map, list[bytes]]] = []
        for name, contents in in_order:
            if name == "nodes":
                self._write_tables(nodes, whole.targets, errors)
            held = there(name)
            wanted = list(contents(plane, ifindex))
            # A target that flows leave first vanishes from the tables: else they could choose it again, and stay.
            now = [entry for entry in wanted if name not in entries.CHANGED_LAST or entry[1] not in held]
            if name == "targets":
                targets.count_anew(self._map("target_counters"), wanted, held)
            self._put(name, now, held, errors)
            stale.append((self._map(name), [key for key in held if self._uses[name][key] <= 0]))
        for name, contents in in_order:
            if name in entries.CHANGED_LAST:
                held = there(name)
                others = [entry for entry in contents(plane, ifindex) if held.get(entry[1], entry[2]) != entry[2]]
                if others:
                    self._tables_opened().settle()
                self._put(name, others, held, errors)
        self._left.clear()
        for found, keys in reversed(stale):
            if keys and found.name in entries.CHANGED_LAST:
                self._tables_opened().settle()
            self._remove(found, keys, errors)
        for slot in self._tables_opened().slots() - whole.nodes.keys():
            self._tables_opened().remove(slot)
        self._places = places
        self._rules_opened().settle()
        return errors

    def _write_tables(
        self, nodes: Iterable[NodeEntry], targets: Mapping[int, TargetEntry], errors: dict[str, str]
    ) -> None:
        for node in nodes:
            with reported(node.port.box, errors):
                self._tables_opened().write(node, targets)

    def _there(self, name: str) -> dict[bytes, bytes]:
        if name in entries.PORT_ARRAYS:
            return self._ports[name]
        found = self._map(name)
        return dict(found.filled() if name in entries.ARRAYS else found.entries())

    def _put(
        self, name: str, wanted: list[entries.Entry], there: Mapping[bytes, bytes], errors: dict[str, str]
    ) -> None:
        """Writes what differs."""
        for owner, key, value in wanted:
            if there.get(key) != value:
                with reported(owner, errors):
                    self._map(name).put(key, value)
                    if name in entries.PORT_ARRAYS:
                        self._ports[name][key] = value

    def _remove(self, found: Map, keys: list[bytes], errors: dict[str, str]) -> None:
        for key in keys:
            with reported(f"map {found.name}", errors):
                if found.name in entries.ARRAYS:
                    found.put(key, bytes(found.value_size))
                    if found.name in entries.PORT_ARRAYS:
                        self._ports[found.name].pop(key, None)
                    if found.name == "nodes":
                        counters = self._map("node_counters")
                        counters.put(key, bytes(counters.value_size))
                else:
                    found.delete(key)

    def prune(self, live_ifindexes: Collection[int]) -> None:
        """Forgets links and counters of devices that are no more."""
        with self._lock:
            self._opened().prune(live_ifindexes)
            for found in (self._map("counters"), self._map("samples")):
                for key in {key for key, _ in found.entries()}:
                    if layout.port_verdict.from_buffer_copy(key).ifindex not in live_ifindexes:
                        found.delete(key)
            counting.forget(self._map("passed"), self._port_indexes() - set(live_ifindexes))
            self.chaos().prune(live_ifindexes)
            self.flow_records().prune(live_ifindexes)

    def counters(self) -> list[Counter]:
        """Every verdict that happened, by port, summed over CPUs."""
        return list(counting.count(self._map("counters"), self._map("passed"), self._port_indexes()))

    def _endpoints(self) -> list[layout.endpoint_config]:
        with self._lock:
            return [layout.endpoint_config.from_buffer_copy(value) for value in self._ports["endpoints"].values()]

    def _port_indexes(self) -> set[int]:
        """Of every port that is configured."""
        with self._lock:
            return {
                shape.from_buffer_copy(value).ifindex
                for name, shape in _OF_PORTS.items()
                for value in self._ports[name].values()
            }

    def find_flows(self, wanted: Wanted, *, limit: int) -> Found:
        """The live flows that are wanted: how many, and the `limit` that were seen last."""
        table, verdicts = self._flows_opened(), self._flow_verdicts()
        return table.find(wanted, now_ns=flows.monotonic_ns(), limit=limit, verdicts=verdicts)

    def changed_flows(self, wanted: Wanted, *, after_ns: int, limit: int) -> Changes:
        """The wanted flows that began and ended since `after_ns` of the monotonic clock, which an earlier answer told."""
        table, verdicts = self._flows_opened(), self._flow_verdicts()
        return table.changes(wanted, after_ns=after_ns, now_ns=flows.monotonic_ns(), limit=limit, verdicts=verdicts)

    def tally_flows(self, *, with_places: bool = False) -> Tally[FlowKind]:
        """How many live flows there are by endpoint, target and protocol, and by place in the Maglev table if that is asked for."""
        return self._flows_opened().tally(now_ns=flows.monotonic_ns(), with_places=with_places)

    def flow_records(self) -> flow_logs.FlowRecords:
        """What was seen at the ports that a flow log covers."""
        return flow_logs.FlowRecords(
            records=self._map("flow_log_records"), ports=self._map("flow_log_ports"), round_=self._map("flow_log_round")
        )

    def samples(self) -> list[samples.Sample]:
        """The last packets that were dropped, a few for each port and verdict."""
        return list(samples.read(self._map("samples"), now_ns=flows.monotonic_ns()))

    def flows(self) -> list[flows.Flow]:
        """Live flows of every endpoint."""
        return list(self._flows_opened().live(now_ns=flows.monotonic_ns(), verdicts=self._flow_verdicts()))

    def dry_run(self) -> DryRun:
        """The programs over copies of their maps, for a packet that nobody sends. Close it."""
        with self._lock:
            self._opened()
            return DryRun(objects=self._directory, maps=self._maps, pins=self._bpffs / "dry-run")

    def node_counters(self) -> dict[int, NodeCounters]:
        """By node slot, as in `NodeEntry`; every node that the maps have."""
        with self._lock:
            ports = [layout.node_port.from_buffer_copy(value) for value in self._ports["node_ports"].values()]
        return node_counters.read(
            self._map("node_counters"),
            self.counters(),
            node_of={port.ifindex: port.slot for port in ports} | {one.ifindex: one.node for one in self._endpoints()},
            verdicts=self.verdicts,
        )

    def chaos(self, *, held_bytes: int = relay.HELD_BYTES) -> ChaosPorts:
        """Ports whose packets are spoilt on purpose, or held back: no more than `held_bytes` of each."""
        with self._lock:
            self._opened()
            return ChaosPorts(
                Parts(
                    ports=self._map("chaos_ports"),
                    relays=self._map("chaos_relays"),
                    counters=self._map("counters"),
                    program=self.program("chaos"),
                    back=self.program("chaos_back"),
                    links=self._bpffs / "links",
                    queue_full=next(one.number for one in self.verdicts.values() if one.name == "chaos_queue_full"),
                ),
                held_bytes=held_bytes,
            )

    def target_counters(self, slots: Collection[int]) -> dict[int, TargetCounters]:
        """What the targets in these slots were given and returned, by slot, as in `TargetEntry`."""
        return targets.read(self._map("target_counters"), slots)

    def leave(self, slot: int) -> None:
        """Flows leave the target in this slot at once, and new ones avoid it, until the next `apply` says what is to be."""
        held = self._map("targets").get(entries.u32(slot))
        config = layout.target_config.from_buffer_copy(held or bytes(ctypes.sizeof(layout.target_config)))
        if any(config.address):
            self._left.add(slot)
            config.flags |= layout.TARGET_LEAVING
            self._map("targets").put(entries.u32(slot), bytes(config))

    def program(self, name: str) -> int:
        """The file descriptor of a loaded program, for running it on a crafted packet."""
        for one in self._objects:
            if name in one.programs:
                return one.programs[name]
        raise DataPlaneError(f"there is no compiled program {name}")

    def close(self) -> None:
        """Lets go of everything; packets go on."""
        with self._lock:
            if self._flow_table is not None:
                self._flow_table.close()
            if self._rules is not None:
                self._rules.close()
            if self._tables is not None:
                self._tables.close()
            for found in self._maps.values():
                found.close()
            for one in self._objects:
                one.close()
            self._flow_table = self._links = self._tables = self._rules = None
            self._maps, self._objects = {}, []

    def destroy(self) -> None:
        """Closes, and takes every pin and the mount away: nothing is attached any more."""
        self.close()
        relay.end_all(self._bpffs / "maps" / "chaos_relays")
        pins.remove(self._bpffs)

    def _map(self, name: str) -> Map:
        found = self._maps.get(name)
        if found is None:
            raise DataPlaneError(f"no program in {self._directory} has a map {name}")
        return found

    def _opened(self) -> Links:
        if self._links is None:
            raise DataPlaneError("the data plane is not open")
        return self._links

    def _flow_verdicts(self) -> FlowVerdicts:
        return FlowVerdicts.read(targets=self._map("targets"), nodes=self._map("nodes"), endpoints=self._endpoints())

    def _flows_opened(self) -> FlowTable:
        if self._flow_table is None:
            raise DataPlaneError("the data plane is not open")
        return self._flow_table

    def _rules_opened(self) -> RuleStore:
        if self._rules is None:
            raise DataPlaneError("the data plane is not open")
        return self._rules

    def _tables_opened(self) -> Tables:
        if self._tables is None:
            raise DataPlaneError("the data plane is not open")
        return self._tables
