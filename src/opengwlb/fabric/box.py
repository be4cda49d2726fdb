"""One box as it is: the open namespace and what of ours the kernel holds in it, kept up to date by every request
that succeeds."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pyroute2.netlink import rtnl
from pyroute2.netlink.rtnl.fibmsg import fibmsg
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.ndmsg import ndmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from opengwlb.model.topology import BoxKind, KernelRoute, KernelRule, Neighbour, Port

from . import namespaces, offloads, requests
from .netlink import Netlink, Request
from .sysctls import write_ipv6, write_sysctls

LOOPBACK = "lo"
_LOOPBACK_INDEX = 1

RouteKey = tuple[int, str, int]
"""Table, destination, metric: what two routes of a box cannot share."""


def route_key(route: KernelRoute) -> RouteKey:
    return route.table, requests.canonical_network(route.destination), route.metric


@dataclass(slots=True)
class Device:
    """A veth end of ours."""

    index: int
    mac: str
    mtu: int
    up: bool
    peer: int
    """ifindex of the other end."""
    ipv6: bool = False
    altnames: set[str] = field(default_factory=set)
    features_off: frozenset[str] | None = frozenset()
    """None is not read yet."""


class LiveBox:
    """Holds the namespace open: `close` it, or it lives on unseen."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self.path = path
        self.is_host = path == namespaces.HOST_PATH
        """Not ours: only the devices of our range are touched there, one by one."""
        self.inode = namespaces.inode(path)
        self.devices: dict[str, Device] = {}
        self.addresses: set[tuple[str, str]] = set()
        """(device, address with prefix length)"""
        self.routes: dict[RouteKey, KernelRoute] = {}
        self.rules: set[KernelRule] = set()
        self.neighbours: dict[tuple[str, str], Neighbour] = {}
        """(device, address) -> entry"""
        self.doubtful = True
        """To be read before it is relied on."""

        def enter() -> tuple[socket.socket, socket.socket]:
            return (
                socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE),
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
            )

        route_socket, self.control_socket = namespaces.run_in(path, enter)
        self.netlink = Netlink(route_socket)
        self.descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        if not self.is_host:
            self.netlink.execute(requests.change_device(_LOOPBACK_INDEX, up=True))

    @classmethod
    def make(cls, path: Path, *, kind: BoxKind) -> LiveBox:
        """A new one. What a crash left half-made at `path` is replaced. Raises OSError."""
        namespaces.remove(path)
        namespaces.make(path, prepare=lambda: write_sysctls(kind))
        box = cls(path)
        box.doubtful = False
        return box

    def close(self) -> None:
        self.netlink.close()
        self.control_socket.close()
        os.close(self.descriptor)

    def read(self, *, box_id: str, ours: range, between: Callable[[], None] = lambda: None) -> None:
        """Take stock. Devices are ours by their ifindex, everything else by our protocol number.

        `between` is called now and then, and may raise: what is known of the box is as it was then.
        """
        devices: dict[str, Device] = {}
        for message in self.netlink.dump(rtnl.RTM_GETLINK, ifinfmsg(), between=between):
            between()
            if message["index"] in ours:
                properties = message.get_attr("IFLA_PROP_LIST")
                devices[message.get_attr("IFLA_IFNAME")] = Device(
                    index=message["index"],
                    mac=message.get_attr("IFLA_ADDRESS"),
                    mtu=message.get_attr("IFLA_MTU"),
                    up=bool(message["flags"] & requests.IFF_UP),
                    peer=message.get_attr("IFLA_LINK") or 0,
                    ipv6=requests.read_ipv6(message),
                    altnames=set(properties.altnames()) if properties else set(),
                    features_off=None,
                )
        names = {device.index: name for name, device in devices.items()} | {_LOOPBACK_INDEX: LOOPBACK}
        read = map(requests.read_address, self.netlink.dump(rtnl.RTM_GETADDR, ifaddrmsg(), between=between))
        addresses = {(names[found[0]], found[1]) for found in read if found and found[0] in names}
        routes, rules, neighbours = self.routes, self.rules, self.neighbours
        # In the host's namespace nothing else of ours is there, and a router's host may have a million routes.
        if not self.is_host:
            routes, rules, neighbours = {}, set(), {}
            of_routes, of_rules = rtmsg(), fibmsg()
            # Left out, it would be IPv4's.
            of_routes["family"] = of_rules["family"] = socket.AF_UNSPEC
            for message in self.netlink.dump(rtnl.RTM_GETROUTE, of_routes, between=between):
                if route := requests.read_route(message, box=box_id, devices=names):
                    routes[route_key(route)] = route
            for message in self.netlink.dump(rtnl.RTM_GETRULE, of_rules, between=between):
                if rule := requests.read_rule(message, box=box_id):
                    rules.add(rule)
            for message in self.netlink.dump(rtnl.RTM_GETNEIGH, ndmsg(), between=between):
                if entry := requests.read_neighbour(message, box=box_id, devices=names):
                    neighbours[entry.device, entry.address] = entry
        self.devices, self.addresses = devices, addresses
        self.routes, self.rules, self.neighbours = routes, rules, neighbours
        self.doubtful = False

    def add(self, port: Port, *, index: int, peer: int) -> None:
        """A device just made for the port: down, without addresses."""
        # A box is made without IPv6, the host mostly has it on every new device.
        self.devices[port.device] = Device(
            index=index, mac=port.mac.lower(), mtu=port.mtu, up=False, peer=peer, ipv6=self.is_host
        )

    def index(self, device: str) -> int:
        """ifindex. Raises LookupError."""
        if device == LOOPBACK:
            return _LOOPBACK_INDEX
        if device not in self.devices:
            raise LookupError(f"there is no device {device}")
        return self.devices[device].index

    def features_off(self, device: str) -> frozenset[str]:
        found = self.devices[device]
        if found.features_off is None:
            found.features_off = offloads.features_off(self.control_socket, device=device)
        return found.features_off

    def set_up(self, device: str, *, up: bool) -> None:
        """Raises OSError. Down takes the device's routes and neighbours along, as in the kernel."""
        self.netlink.execute(requests.change_device(self.index(device), up=up))
        self.devices[device].up = up
        if not up:
            self.forget_routes([device])

    def set_ipv6(self, device: str, *, on: bool) -> None:
        """Raises OSError. Off takes the device's IPv6 addresses, routes and neighbours along, as in the kernel."""
        namespaces.run_in(self.path, lambda: write_ipv6(device, on=on))
        if device in self.devices:
            self.devices[device].ipv6 = on
        if not on:
            self.addresses = {entry for entry in self.addresses if entry[0] != device or ":" not in entry[1]}
            self.routes = {
                key: route
                for key, route in self.routes.items()
                if route.device != device or ":" not in route.destination
            }
            self.neighbours = {
                key: entry for key, entry in self.neighbours.items() if key[0] != device or ":" not in key[1]
            }

    def forget(self, devices: Iterable[str]) -> None:
        """They are gone, and with them all that hung on them."""
        gone = set(devices)
        for device in gone:
            self.devices.pop(device, None)
        self.addresses = {entry for entry in self.addresses if entry[0] not in gone}
        self.forget_routes(gone)

    def forget_neighbours(self, device: str) -> None:
        """The kernel drops them, permanent ones too, when the device's own MAC changes."""
        self.neighbours = {key: entry for key, entry in self.neighbours.items() if key[0] != device}

    def delete_all_devices(self) -> None:
        """All of ours, both ends. Raises OSError."""
        if self.is_host:
            # By group it would also be those of another name.
            for device in list(self.devices.values()):
                self._delete(requests.delete_device(device.index))
            self.forget(list(self.devices))
            return
        self._delete(requests.delete_our_devices())
        self.forget(list(self.devices))

    def _delete(self, request: Request) -> None:
        error = self.netlink.submit([request])[0]
        if error and error.errno != errno.ENODEV:
            raise error

    def forget_routes(self, devices: Iterable[str]) -> None:
        """And neighbours."""
        gone = set(devices)
        self.routes = {key: route for key, route in self.routes.items() if route.device not in gone}
        self.neighbours = {key: entry for key, entry in self.neighbours.items() if key[0] not in gone}
