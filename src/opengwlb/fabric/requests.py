"""Values of the topology as route netlink requests, and back: the one place that knows the kernel's attribute names.

All that is made here carries our protocol number, so that what an instance's root added by hand is never taken for
ours.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

from pyroute2.netlink import rtnl
from pyroute2.netlink.rtnl.fibmsg import fibmsg
from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.ndmsg import ndmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from opengwlb.model.topology import KernelRoute, KernelRule, Neighbour, Port

from .netlink import NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, Request

PROTOCOL = 171
"""Our mark on addresses, routes, rules and neighbours (`proto 171` in `ip`'s output); not in use by any routing
daemon."""
GROUP = 171
"""Of our devices, so that a box's can all be deleted by one request: each deletion alone waits for every CPU."""

IFF_UP = 0x1
_NUD_PERMANENT = 0x80
_RTNH_F_ONLINK = 4
_FR_ACT_TO_TBL = 1
_SCOPE_LINK = 253
_IFA_F_NODAD = 0x02
_METRIC6 = 1024
"""What the kernel makes of an IPv6 route without a metric."""
_ROUTE_TYPES: dict[int, Literal["unicast", "throw", "blackhole", "unreachable"]] = {
    1: "unicast",
    6: "blackhole",
    7: "unreachable",
    9: "throw",
}
_TYPE_NUMBERS = {kind: number for number, kind in _ROUTE_TYPES.items()}


@lru_cache(maxsize=65536)
def canonical_network(cidr: str) -> str:
    """As the kernel prints it. Raises ValueError."""
    return str(ipaddress.ip_network(cidr, strict=False))


@lru_cache(maxsize=65536)
def canonical_interface(address: str) -> str:
    """An address with its prefix length. Raises ValueError."""
    return str(ipaddress.ip_interface(address))


def _family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def make_veth(a: Port, b: Port, *, a_index: int, b_index: int, b_namespace: int) -> Request:
    """Sent to `a`'s box; `b` is made in the namespace behind the descriptor. Both ends start down."""
    message = ifinfmsg()
    message["index"] = a_index
    peer = {"index": b_index, "attrs": [*_port_attributes(b), ("IFLA_NET_NS_FD", b_namespace)]}
    data = {"attrs": [("VETH_INFO_PEER", peer)]}
    message["attrs"] = [
        *_port_attributes(a),
        ("IFLA_LINKINFO", {"attrs": [("IFLA_INFO_KIND", "veth"), ("IFLA_INFO_DATA", data)]}),
    ]
    return Request(rtnl.RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, message)


def _port_attributes(port: Port) -> list[tuple[str, Any]]:
    return [
        ("IFLA_IFNAME", port.device),
        ("IFLA_ADDRESS", port.mac),
        ("IFLA_MTU", port.mtu),
        ("IFLA_GROUP", GROUP),
        # One queue: measured, more gain nothing on a veth.
        ("IFLA_NUM_TX_QUEUES", 1),
        ("IFLA_NUM_RX_QUEUES", 1),
    ]


def change_device(index: int, *, mac: str | None = None, mtu: int | None = None, up: bool | None = None) -> Request:
    message = ifinfmsg()
    message["index"] = index
    if mac is not None:
        message["attrs"].append(("IFLA_ADDRESS", mac))
    if mtu is not None:
        message["attrs"].append(("IFLA_MTU", mtu))
    if up is not None:
        message["change"] = IFF_UP
        message["flags"] = IFF_UP if up else 0
    return Request(rtnl.RTM_NEWLINK, 0, message)


def delete_device(index: int) -> Request:
    message = ifinfmsg()
    message["index"] = index
    return Request(rtnl.RTM_DELLINK, 0, message)


def delete_our_devices() -> Request:
    """ENODEV where there is none."""
    message = ifinfmsg()
    message["attrs"] = [("IFLA_GROUP", GROUP)]
    return Request(rtnl.RTM_DELLINK, 0, message)


def altname(index: int, name: str, *, add: bool) -> Request:
    message = ifinfmsg()
    message["index"] = index
    message["attrs"] = [("IFLA_PROP_LIST", {"attrs": [("IFLA_ALT_IFNAME", name)]})]
    kind = rtnl.RTM_NEWLINKPROP if add else rtnl.RTM_NEWLINKPROP + 1  # RTM_DELLINKPROP
    return Request(kind, NLM_F_CREATE | NLM_F_EXCL if add else 0, message)


def address(index: int, value: str, *, add: bool) -> Request:
    interface = ipaddress.ip_interface(value)
    message = ifaddrmsg()
    message["family"] = _family(value)
    message["prefixlen"] = interface.network.prefixlen
    message["index"] = index
    text = str(interface.ip)
    message["attrs"] = [("IFA_LOCAL", text), ("IFA_ADDRESS", text), ("IFA_PROTO", PROTOCOL)]
    if add and interface.version == 6:
        # No other host can have it, so it need not be probed for, and serves at once.
        message["flags"] = _IFA_F_NODAD
    return Request(rtnl.RTM_NEWADDR if add else rtnl.RTM_DELADDR, NLM_F_CREATE | NLM_F_REPLACE if add else 0, message)


def route(value: KernelRoute, *, add: bool, index: int | None = None) -> Request:
    """`add` puts it in the place of one with the same table, destination and metric, without a gap."""
    network = ipaddress.ip_network(value.destination, strict=False)
    message = rtmsg()
    message["family"] = socket.AF_INET if network.version == 4 else socket.AF_INET6
    message["dst_len"] = network.prefixlen
    message["proto"] = PROTOCOL
    message["type"] = _TYPE_NUMBERS[value.kind]
    message["scope"] = _SCOPE_LINK if value.kind == "unicast" and value.via is None else 0
    message["table"] = value.table if value.table < 256 else 0
    message["attrs"] = [("RTA_DST", str(network.network_address)), ("RTA_TABLE", value.table)]
    if metric := value.metric or (_METRIC6 if network.version == 6 else 0):
        message["attrs"].append(("RTA_PRIORITY", metric))
    if index is not None:
        message["attrs"].append(("RTA_OIF", index))
    if value.via is not None:
        message["flags"] = _RTNH_F_ONLINK
        message["attrs"].append(("RTA_GATEWAY", value.via))
    return Request(rtnl.RTM_NEWROUTE if add else rtnl.RTM_DELROUTE, NLM_F_CREATE | NLM_F_REPLACE if add else 0, message)


def rule(value: KernelRule, *, add: bool) -> Request:
    message = fibmsg()
    message["family"] = socket.AF_INET6 if value.ipv6 else socket.AF_INET
    message["action"] = _FR_ACT_TO_TBL
    message["table"] = value.table if value.table < 256 else 0
    message["attrs"] = [("FRA_PRIORITY", value.priority), ("FRA_TABLE", value.table), ("FRA_PROTOCOL", PROTOCOL)]
    if value.source is not None:
        message["src_len"] = 128 if value.ipv6 else 32
        message["attrs"].append(("FRA_SRC", value.source))
    if value.fwmark is not None:
        message["attrs"] += [("FRA_FWMARK", value.fwmark), ("FRA_FWMASK", 0xFFFFFFFF)]
    return Request(rtnl.RTM_NEWRULE if add else rtnl.RTM_DELRULE, NLM_F_CREATE | NLM_F_EXCL if add else 0, message)


def neighbour(value: Neighbour, *, index: int, add: bool) -> Request:
    message = ndmsg()
    message["family"] = _family(value.address)
    message["ifindex"] = index
    message["state"] = _NUD_PERMANENT
    message["attrs"] = [("NDA_DST", value.address)]
    if add:
        message["attrs"] += [("NDA_LLADDR", value.mac), ("NDA_PROTOCOL", PROTOCOL)]
    return Request(rtnl.RTM_NEWNEIGH if add else rtnl.RTM_DELNEIGH, NLM_F_CREATE | NLM_F_REPLACE if add else 0, message)


def read_address(message: Any) -> tuple[int, str] | None:
    """(index, address with prefix length), if ours."""
    if message.get_attr("IFA_PROTO") != PROTOCOL:
        return None
    text = message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS")
    return message["index"], canonical_interface(f"{text}/{message['prefixlen']}")


def read_route(message: Any, *, box: str, devices: Mapping[int, str]) -> KernelRoute | None:
    kind = _ROUTE_TYPES.get(message["type"])
    if message["proto"] != PROTOCOL or kind is None:
        return None
    any_address = "0.0.0.0" if message["family"] == socket.AF_INET else "::"
    metric = message.get_attr("RTA_PRIORITY") or 0
    return KernelRoute(
        box=box,
        table=message.get_attr("RTA_TABLE") or message["table"],
        destination=canonical_network(f"{message.get_attr('RTA_DST') or any_address}/{message['dst_len']}"),
        kind=kind,
        device=devices.get(message.get_attr("RTA_OIF")) if kind == "unicast" else None,
        via=message.get_attr("RTA_GATEWAY"),
        metric=0 if message["family"] == socket.AF_INET6 and metric == _METRIC6 else metric,
    )


def read_ipv6(message: Any) -> bool:
    """Whether the kernel speaks IPv6 on a link."""
    families = message.get_attr("IFLA_AF_SPEC")
    settings = families.get_attr("AF_INET6") if families else None
    values = settings.get_attr("IFLA_INET6_CONF") if settings else None
    return values is not None and not values["disable_ipv6"]


def read_rule(message: Any, *, box: str) -> KernelRule | None:
    if message["family"] not in (socket.AF_INET, socket.AF_INET6) or message.get_attr("FRA_PROTOCOL") != PROTOCOL:
        return None
    return KernelRule(
        box=box,
        priority=message.get_attr("FRA_PRIORITY") or 0,
        table=message.get_attr("FRA_TABLE") or message["table"],
        fwmark=message.get_attr("FRA_FWMARK"),
        source=message.get_attr("FRA_SRC"),
        ipv6=message["family"] == socket.AF_INET6,
    )


def read_neighbour(message: Any, *, box: str, devices: Mapping[int, str]) -> Neighbour | None:
    device = devices.get(message["ifindex"])
    if device is None or message.get_attr("NDA_PROTOCOL") != PROTOCOL or not message["state"] & _NUD_PERMANENT:
        return None
    return Neighbour(
        box=box, device=device, address=message.get_attr("NDA_DST"), mac=message.get_attr("NDA_LLADDR") or ""
    )
