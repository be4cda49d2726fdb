"""Veth pairs: made down, given their program, and only then set up; kept as the topology says, without a gap where
the kernel allows."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Mapping

from opengwlb.model.topology import HOST, PORT_PLACES, Link, Port

from . import namespaces, offloads, requests
from .box import LOOPBACK, LiveBox

Attach = Callable[..., None]
"""`attach(port, netns="/run/netns/…", ifindex=N)`: idempotent; raises when the program is not on the device
afterwards."""


class Indexes:
    """Gives out ifindexes of one name's range, ever upwards, so that a number does not soon mean another device, and so that no two
    devices have the same place among the data plane's ports."""

    def __init__(self, ours: range) -> None:
        self.ours = ours
        self._last = ours.start
        self._places: set[int] = set()

    def seen(self, used: Iterable[int]) -> None:
        """Every device there is; what is not among them is gone."""
        taken = set(used)
        self._last = max(self._last, *taken, self.ours.start)
        self._places = {index % PORT_PLACES for index in taken}

    def next(self) -> int:
        """OSError when as many devices are there as there are places."""
        if len(self._places) >= PORT_PLACES:
            raise OSError(errno.ENOSPC, f"more than {PORT_PLACES} devices: that is the most one server has room for")
        while True:
            self._last += 1
            if self._last >= self.ours.stop:
                self._last = self.ours.start + 1
            if self._last % PORT_PLACES not in self._places:
                self._places.add(self._last % PORT_PLACES)
                return self._last


def ensure_pair(link: Link, *, boxes: Mapping[str, LiveBox], indexes: Indexes) -> None:
    """Both ends exist and belong together. Raises OSError."""
    a_box, b_box = boxes[link.a.box], boxes[link.b.box]
    a, b = a_box.devices.get(link.a.device), b_box.devices.get(link.b.device)
    if a and b and a.peer == b.index and b.peer == a.index:
        return
    for port, box in ((link.a, a_box), (link.b, b_box)):
        if port.device in box.devices:
            delete_pair(port.device, box=box, boxes=boxes.values())
    a_index, b_index = indexes.next(), indexes.next()
    request = requests.make_veth(link.a, link.b, a_index=a_index, b_index=b_index, b_namespace=b_box.descriptor)
    a_box.netlink.execute(request)
    a_box.add(link.a, index=a_index, peer=b_index)
    b_box.add(link.b, index=b_index, peer=a_index)


def delete_pair(device: str, *, box: LiveBox, boxes: Iterable[LiveBox]) -> None:
    """The end called `device` in `box`, and with it the other. Raises OSError."""
    found = box.devices[device]
    try:
        box.netlink.execute(requests.delete_device(found.index))
    except OSError as error:
        if error.errno != errno.ENODEV:
            raise
    box.forget([device])
    for other in boxes:
        other.forget([name for name, end in other.devices.items() if end.index == found.peer])


def ensure_port(port: Port, *, box: LiveBox, altnames: set[str]) -> None:
    """MAC, MTU, addresses, altname and offloads as the port says. Raises OSError, ValueError."""
    device = box.devices[port.device]
    if device.mtu != port.mtu:
        box.netlink.execute(requests.change_device(device.index, mtu=port.mtu))
        device.mtu = port.mtu
    if device.mac != port.mac.lower():
        box.netlink.execute(requests.change_device(device.index, mac=port.mac))
        device.mac = port.mac.lower()
        box.forget_neighbours(port.device)
    if device.ipv6 != port.ipv6:
        box.set_ipv6(port.device, on=port.ipv6)
    for name in device.altnames - altnames:
        box.netlink.execute(requests.altname(device.index, name, add=False))
        device.altnames.discard(name)
    for name in altnames - device.altnames:
        box.netlink.execute(requests.altname(device.index, name, add=True))
        device.altnames.add(name)
    ensure_addresses(port.device, port.addresses, box=box)
    off = box.features_off(port.device)
    if off != port.offloads_off:
        offloads.switch(box.control_socket, device=port.device, off=port.offloads_off - off, on=off - port.offloads_off)
        device.features_off = port.offloads_off


def ensure_addresses(device: str, addresses: Iterable[str], *, box: LiveBox) -> None:
    """Exactly these are ours on the device; new ones come before old ones go. Raises OSError, ValueError."""
    wanted = {(device, requests.canonical_interface(address)) for address in addresses}
    index = box.index(device)
    if device == LOOPBACK and any(":" in address for _, address in wanted - box.addresses):
        box.set_ipv6(LOOPBACK, on=True)
    for entry in sorted(wanted - box.addresses):
        box.netlink.execute(requests.address(index, entry[1], add=True))
        box.addresses.add(entry)
    surplus = sorted(entry for entry in box.addresses - wanted if entry[0] == device)
    for entry in surplus:
        box.netlink.execute(requests.address(index, entry[1], add=False))
        box.addresses.discard(entry)
    if surplus and not wanted:
        # With a device's last address the kernel takes away its routes and neighbours too.
        box.forget_routes([device])


def attach_programs(link: Link, *, boxes: Mapping[str, LiveBox], attach: Attach) -> None:
    """If one is not there afterwards, both ends are down. Raises what `attach` raises, OSError."""
    try:
        for port in (link.a, link.b):
            if port.program is not None:
                box = boxes[port.box]
                attach(port, netns=str(box.path), ifindex=box.index(port.device))
    except BaseException:
        bring_down(link, boxes=boxes)
        raise


def bring_up(link: Link, *, boxes: Mapping[str, LiveBox]) -> None:
    """Raises OSError."""
    for port in (link.a, link.b):
        if not boxes[port.box].devices[port.device].up:
            boxes[port.box].set_up(port.device, up=True)


def bring_down(link: Link, *, boxes: Mapping[str, LiveBox]) -> None:
    """Raises OSError."""
    for port in (link.a, link.b):
        if boxes[port.box].devices[port.device].up:
            boxes[port.box].set_up(port.device, up=False)


def remove_namespace(entry: str, *, live: dict[str, LiveBox]) -> None:
    """With its devices and their other ends, also when something keeps the namespace itself alive. Raises OSError."""
    if entry == HOST:
        # Its devices went with their other ends, or go now; the namespace itself is not ours.
        if (host := live.pop(entry, None)) is not None:
            try:
                host.delete_all_devices()
            finally:
                host.close()
        return
    path = namespaces.NETNS / entry
    if entry not in live and namespaces.inode(path) is not None:
        live[entry] = LiveBox(path)
    if entry in live:
        box = live.pop(entry)
        ends = {device.peer for device in box.devices.values()}
        try:
            box.delete_all_devices()
        finally:
            box.close()
        for other in live.values():
            other.forget([name for name, device in other.devices.items() if device.index in ends])
    namespaces.remove(path)
