"""NICs of this machine, looked at and never changed."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from pyroute2.netlink import rtnl
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from opengwlb.model.uplinks import Nic

from .netlink import Netlink

_IFF_UP, _IFF_LOOPBACK = 0x1, 0x8
_ARPHRD_ETHER, _ARPHRD_LOOPBACK = 1, 772
_SCOPE_LINK = 253
_UNICAST = 1


def identity(device: str) -> tuple[int, str]:
    """ifindex and MAC. Raises LookupError when there is no such device, OSError."""
    asked = ifinfmsg()
    with _netlink() as netlink:
        for message in netlink.dump(rtnl.RTM_GETLINK, asked):
            if message.get_attr("IFLA_IFNAME") == device:
                return message["index"], message.get_attr("IFLA_ADDRESS") or ""
    raise LookupError(f"this machine has no device {device} just now")


@contextmanager
def _netlink() -> Iterator[Netlink]:
    netlink = Netlink(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE))
    try:
        yield netlink
    finally:
        netlink.close()


def look(device: str) -> Nic | None:
    """The device of that name in the server's own network namespace, with what the host uses it for; None when there is none. Raises
    OSError."""
    found = next((nic for nic in nics() if nic.device == device), None)
    if found is None:
        return None
    with _netlink() as netlink:
        addresses = [
            f"{message.get_attr('IFA_LOCAL') or message.get_attr('IFA_ADDRESS')}/{message['prefixlen']}"
            for message in netlink.dump(rtnl.RTM_GETADDR, ifaddrmsg())
            if message["index"] == found.ifindex and message["scope"] < _SCOPE_LINK
        ]
        default = any(found.ifindex in _by_default(netlink, family) for family in (socket.AF_INET, socket.AF_INET6))
    return replace(found, addresses=tuple(addresses), default_route=default)


def _by_default(netlink: Netlink, family: int) -> set[int]:
    """ifindexes that the default routes leave by."""
    asked = rtmsg()
    asked["family"] = family
    found: set[int] = set()
    for message in netlink.dump(rtnl.RTM_GETROUTE, asked):
        if message["dst_len"] == 0 and message["type"] == _UNICAST:
            hops = message.get_attr("RTA_MULTIPATH") or ()
            found |= {message.get_attr("RTA_OIF"), *(hop["oif"] for hop in hops)}
    return found


def nics() -> list[Nic]:
    """Every device of the server's own network namespace, by itself: without what the host uses it for. Raises OSError."""
    with _netlink() as netlink:
        links = netlink.dump(rtnl.RTM_GETLINK, ifinfmsg())
    return [
        Nic(
            device=message.get_attr("IFLA_IFNAME"),
            ifindex=message["index"],
            mac=message.get_attr("IFLA_ADDRESS") or "",
            mtu=message.get_attr("IFLA_MTU"),
            up=bool(message["flags"] & _IFF_UP),
            ethernet=message["ifi_type"] == _ARPHRD_ETHER,
            loopback=bool(message["flags"] & _IFF_LOOPBACK) or message["ifi_type"] == _ARPHRD_LOOPBACK,
            master=message.get_attr("IFLA_MASTER") is not None,
        )
        for message in links
    ]
