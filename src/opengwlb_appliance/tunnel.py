"""The tunnel as network devices: what comes out of GENEVE appears on a TUN device, and what the kernel sends into it goes back.

So anything that Linux can do with a packet (nftables, connection tracking, a transparent proxy) is an appliance, and need not know
what GENEVE is. Each endpoint of the load balancer has a device of its own, `gw-` and the last ten digits of its id: two customers with
equal addresses never meet, also not in connection tracking, where each device is a zone. What comes in by a device has the device's
mark, and what has the mark leaves by the device, answers of this machine's own (a reset, an ICMP error) included. Nothing that comes
in by a device is delivered to this machine, whatever its addresses are.

A packet that leaves is wrapped in the header that the load balancer last sent for its flow, in either direction. One that belongs to no
flow is dropped and counted: an appliance has nothing to say of its own through the tunnel.
"""

from __future__ import annotations

import errno
import fcntl
import os
import selectors
import struct
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import geneve, health
from .heartbeat import BEAT_S, Heartbeats
from .loop import CACHED_FLOWS, MAX_PACKET, Sockets, open_sockets, outer_header

MTU = 8500
"""The largest packet that a Gateway Load Balancer carries."""
MARK_BASE = 0x10000
"""Marks and route tables of the devices begin above this: `MARK_BASE + number`, number from 1."""
RULE_PRIORITY, LOCAL_PRIORITY = 100, 200
"""Of the rules that send packets to the devices, and of the one for this machine's own addresses, which is behind them."""
TABLE = """\
table inet gwlb_tunnel
delete table inet gwlb_tunnel
table inet gwlb_tunnel {
  map marks { type ifname : mark; }
  chain in { type filter hook prerouting priority -350;
    iifname "gw-*" meta mark set iifname map @marks
  }
  chain own { type filter hook output priority -350; }
}
"""
MOST_TUNNELS = 1024
_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_TURN = 64
"""Packets taken from one socket or device before the next one has its turn."""
_ICMP_ERRORS = frozenset({3, 4, 5, 11, 12})
_ICMP6_ERRORS = frozenset({1, 2, 3, 4})
_SYSCTLS = {
    "net/ipv4/ip_forward": "1",
    "net/ipv4/fwmark_reflect": "1",
    "net/ipv4/conf/all/rp_filter": "0",
    "net/ipv4/conf/all/send_redirects": "0",
    "net/ipv6/conf/all/forwarding": "1",
    "net/ipv6/fwmark_reflect": "1",
}
_DEVICE_SYSCTLS = {
    "ipv4/conf/DEVICE/rp_filter": "0",
    "ipv4/conf/DEVICE/send_redirects": "0",
    # A box in a VPC without IPv6 speaks none, but its customers' packets may be of IPv6.
    "ipv6/conf/DEVICE/disable_ipv6": "0",
    "ipv6/conf/DEVICE/accept_ra": "0",
    # No address of its own: it would announce it.
    "ipv6/conf/DEVICE/addr_gen_mode": "1",
}


@dataclass(frozen=True, slots=True)
class Tunnel:
    """An endpoint's device."""

    endpoint: int
    number: int
    """From 1, in order of appearance."""

    @property
    def endpoint_id(self) -> str:
        return f"vpce-{self.endpoint:017x}"

    @property
    def device(self) -> str:
        return f"gw-{f'{self.endpoint:017x}'[-10:]}"

    @property
    def mark(self) -> int:
        """Of packets that came in by it; also the number of its route table."""
        return MARK_BASE + self.number


@dataclass(frozen=True, slots=True)
class Return:
    """How the load balancer last sent a packet of a flow: all that it takes to send one back."""

    header: bytes
    """GENEVE, without the EtherType in it."""
    node: str
    port: int
    local: bytes
    """Our own address that it came to."""


def flow_names(packet: bytes) -> tuple[bytes, ...]:
    """The names of an inner packet's flow, the exact one first; the same for both directions. Empty for what is no IP packet.

    A later fragment has no ports, so addresses and protocol are a name too. An ICMP error is of the flow that it quotes.
    """
    version = packet[0] >> 4 if packet else 0
    if version == 4 and len(packet) >= 20:
        start, protocol, size = (packet[0] & 15) * 4, packet[9], 4
        addresses = packet[12:20]
        fragment = bool((packet[6] & 0x1F) or packet[7])
        quoted = protocol == 1 and not fragment and packet[start : start + 1] and packet[start] in _ICMP_ERRORS
    elif version == 6 and len(packet) >= 40:
        start, protocol, size = 40, packet[6], 16
        addresses = packet[8:40]
        fragment = protocol == 44
        quoted = protocol == 58 and packet[start : start + 1] and packet[start] in _ICMP6_ERRORS
    else:
        return ()
    if quoted:
        inner = flow_names(packet[start + 8 :])
        if inner:
            return inner
    one, other = addresses[:size], addresses[size:]
    loose = bytes((version, protocol)) + min(one, other) + max(one, other)
    if fragment or protocol not in (6, 17) or len(packet) < start + 4:
        return (loose,)
    source, destination = one + packet[start : start + 2], other + packet[start + 2 : start + 4]
    return (bytes((version, protocol)) + min(source, destination) + max(source, destination), loose)


class Flows:
    """Flow names -> how to send back, of one tunnel. The oldest are forgotten when there are too many."""

    def __init__(self, most: int = CACHED_FLOWS) -> None:
        self._most = most
        self._known: dict[bytes, Return] = {}

    def learn(self, packet: bytes, back: Return) -> None:
        for name in flow_names(packet):
            if name not in self._known and len(self._known) >= self._most:
                del self._known[next(iter(self._known))]
            self._known[name] = back

    def find(self, packet: bytes) -> Return | None:
        for name in flow_names(packet):
            if (found := self._known.get(name)) is not None:
                return found
        return None


class Tunnels:
    """The devices, made as their endpoints appear, and the packets between them and the load balancer."""

    def __init__(self, *, opened: Callable[[Tunnel], None], sockets: Sockets | None = None) -> None:
        """`opened` is told of each new device before its first packet."""
        self._opened = opened
        self._receiving, self._sending = sockets or open_sockets()
        self._receiving.setblocking(False)
        self._tunnels: dict[int, tuple[Tunnel, int, Flows]] = {}
        self._outers: dict[tuple[str, int, bytes], bytearray] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._receiving, selectors.EVENT_READ, None)
        self.received = self.returned = self.dropped = self.malformed = self.send_errors = self.received_bytes = 0
        for name, value in _SYSCTLS.items():
            path = Path("/proc/sys", name)
            if path.exists():
                path.write_text(value, encoding="ascii")
        nft(TABLE)
        for family in families():
            _forget_rules(family)
            _ip("rule", f"del lookup local priority {LOCAL_PRIORITY}", family=family, check=False)
            _ip("rule", f"add lookup local priority {LOCAL_PRIORITY}", family=family)
            _ip("rule", "del lookup local priority 0", family=family, check=False)

    def run(self, heartbeats: Heartbeats, *, slot: int = 0, keep_running: Callable[[], bool] = lambda: True) -> None:
        """Carry packets until `keep_running` (asked every quarter of a second) says no."""
        next_beat = 0.0
        while True:
            now = time.monotonic()
            if now >= next_beat:
                if not keep_running():
                    return
                heartbeats.beat(slot, (self.received, self.returned, self.dropped, self.malformed, self.send_errors,
                                       self.received_bytes))  # fmt: skip
                next_beat = now + BEAT_S
            for key, _ in self._selector.select(BEAT_S):
                if key.data is None:
                    self._take_in()
                else:
                    self._give_back(key.data)

    # -- from the load balancer ----------------------------------------------------------------------------------------

    def _take_in(self) -> None:
        for _ in range(_TURN):
            try:
                data, ancillary, flags, (node, port) = self._receiving.recvmsg(MAX_PACKET, 64)
            except BlockingIOError:
                return
            self.received += 1
            self.received_bytes += len(data)
            try:
                header = geneve.decode(data)
            except geneve.GeneveError:
                self.malformed += 1
                continue
            packet = data[header.length :]
            if flags or not packet or packet[0] >> 4 != (4 if header.protocol == geneve.IPV4 else 6):
                self.malformed += 1
                continue
            entry = self._tunnels.get(header.endpoint) or self._open(header.endpoint)
            if entry is None:
                self.dropped += 1
                continue
            _, device, flows = entry
            flows.learn(packet, Return(data[: header.length], node, port, ancillary[0][2][8:12]))
            try:
                os.write(device, _one_hop_more(packet))
            except OSError as problem:
                # EINVAL: the kernel does not take it for a packet.
                if problem.errno not in (errno.EINVAL, errno.EIO, errno.ENOBUFS, errno.EAGAIN, errno.EMSGSIZE):
                    raise
                self.malformed += 1

    def _open(self, endpoint: int) -> tuple[Tunnel, int, Flows] | None:
        if len(self._tunnels) >= MOST_TUNNELS:
            return None
        tunnel = Tunnel(endpoint, len(self._tunnels) + 1)
        device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH14x", tunnel.device.encode(), _IFF_TUN | _IFF_NO_PI))
        _configure(tunnel)
        self._opened(tunnel)
        entry = self._tunnels[endpoint] = (tunnel, device, Flows())
        self._selector.register(device, selectors.EVENT_READ, entry)
        return entry

    # -- to the load balancer ------------------------------------------------------------------------------------------

    def _give_back(self, entry: tuple[Tunnel, int, Flows]) -> None:
        _, device, flows = entry
        for _ in range(_TURN):
            try:
                packet = os.read(device, MAX_PACKET)
            except BlockingIOError:
                return
            back = flows.find(packet)
            if back is None:
                self.dropped += 1
                continue
            self._send(packet, back)

    def _send(self, packet: bytes, back: Return) -> None:
        where = (back.node, back.port, back.local)
        outer = self._outers.get(where)
        if outer is None:
            if len(self._outers) >= CACHED_FLOWS:
                self._outers.clear()
            outer = self._outers[where] = outer_header(source=back.local, destination=back.node, source_port=back.port)
        protocol = geneve.IPV4 if packet[0] >> 4 == 4 else geneve.IPV6
        header = back.header[:2] + protocol.to_bytes(2, "big") + back.header[4:]
        struct.pack_into("!H", outer, 24, 8 + len(header) + len(packet))
        try:
            self._sending.sendmsg((outer, header, packet), (), 0, (back.node, back.port))
        except OSError as problem:
            if problem.errno not in (errno.ENOBUFS, errno.EAGAIN, errno.EMSGSIZE, errno.EPERM, errno.ENETUNREACH,
                                     errno.EHOSTUNREACH):  # fmt: skip
                raise
            self.send_errors += 1
        else:
            self.returned += 1


def _one_hop_more(packet: bytes) -> bytes:
    """With the TTL one higher, for the kernel's forwarding to take away: the appliance is no hop to those whose packets pass."""
    changed = bytearray(packet)
    if packet[0] >> 4 == 6:
        if len(packet) >= 40 and packet[7] < 255:
            changed[7] += 1
    elif len(packet) >= 20 and packet[8] < 255:
        changed[8] += 1
        # RFC 1624: the sum of the header's words grows by 0x0100.
        checksum = (~int.from_bytes(packet[10:12], "big") & 0xFFFF) + 0x0100
        checksum = ~((checksum & 0xFFFF) + (checksum >> 16)) & 0xFFFF
        changed[10:12] = checksum.to_bytes(2, "big")
    return bytes(changed)


def _configure(tunnel: Tunnel) -> None:
    """Bring the device up; what has its mark, or comes in by it, leaves by it."""
    for name, value in _DEVICE_SYSCTLS.items():
        path = Path("/proc/sys/net", name.replace("DEVICE", tunnel.device))
        if path.exists():
            path.write_text(value, encoding="ascii")
    _ip("link", f"set {tunnel.device} mtu {MTU} txqueuelen 10000 up")
    for family in families():
        _ip("route", f"replace default dev {tunnel.device} table {tunnel.mark}", family=family)
        for rule in (f"fwmark {tunnel.mark}", f"iif {tunnel.device}"):
            _ip("rule", f"add {rule} lookup {tunnel.mark} priority {RULE_PRIORITY}", family=family)
    nft(
        f'add element inet gwlb_tunnel marks {{ "{tunnel.device}" : {tunnel.mark} }}\n'
        f'add rule inet gwlb_tunnel in iifname "{tunnel.device}" ct zone set {tunnel.number}\n'
        f"add rule inet gwlb_tunnel own meta mark {tunnel.mark} ct zone set {tunnel.number}\n"
    )


def nft(rules: str) -> None:
    """Hand rules to the kernel, all or nothing. Raises OSError with what nft complains about."""
    done = subprocess.run(["nft", "-f", "-"], input=rules, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError((done.stderr.strip().splitlines() or ["nft failed"])[0])


def table_is_there() -> str:
    """What is wrong with the tunnel's own rules, or nothing: `flush ruleset` would take them away."""
    done = subprocess.run(["nft", "list", "chain", "inet", "gwlb_tunnel", "in"], capture_output=True, check=False)
    return "" if done.returncode == 0 else "the rules of table inet gwlb_tunnel are gone"


def families() -> tuple[str, ...]:
    """`ip`'s words for the families that this kernel has. A box in a VPC without IPv6 gets it on its loopback device."""
    loopback = Path("/proc/sys/net/ipv6/conf/lo/disable_ipv6")
    if not loopback.exists():
        return ("-4",)
    loopback.write_text("0", encoding="ascii")
    return ("-4", "-6")


def _forget_rules(family: str) -> None:
    """Delete every rule of an earlier life: there the same device may have had another number, and its rule would win."""
    command = ["ip", family, "rule", "del", "priority", str(RULE_PRIORITY)]
    while subprocess.run(command, capture_output=True, check=False).returncode == 0:
        continue


def _ip(noun: str, words: str, *, family: str = "-4", check: bool = True) -> None:
    done = subprocess.run(["ip", family, noun, *words.split()], capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise OSError(f"ip {family} {noun} {words}: {done.stderr.strip()}")


def serve(
    *,
    opened: Callable[[Tunnel], None] = lambda tunnel: None,
    well: Callable[[], str] = lambda: "",
    health_port: int = 80,
) -> None:
    """Run the tunnel and the health page until the process is ended. `opened` is told of each new device; `well` says what is wrong
    with the rest of the appliance, or nothing, whenever the page is asked.

    Needs CAP_NET_ADMIN, CAP_NET_RAW and /dev/net/tun. Raises OSError.
    """
    heartbeats = Heartbeats(1)
    sockets = open_sockets()
    tunnels = Tunnels(opened=opened, sockets=sockets)
    health.in_background(heartbeats, port=health_port, also=lambda: table_is_there() or well())
    health.name_process("gwlb-tunnel")
    tunnels.run(heartbeats)


__all__ = ["MARK_BASE", "MTU", "Flows", "Return", "Tunnel", "Tunnels", "families", "flow_names", "nft", "serve"]
