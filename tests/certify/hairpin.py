"""A whole appliance in a page, on the SDK's parts, with a place for one planted fault: `python -m tests.certify.hairpin ADDRESS FAULT`.

A fault is a class that spoils one method. `FAULTS` says which checks have to notice it, and no others may.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
import threading
import time

from opengwlb_appliance import geneve, health
from opengwlb_appliance.heartbeat import Heartbeats
from opengwlb_appliance.inner import Inner, InnerError
from opengwlb_appliance.loop import outer_header

Way = tuple[bytes, str, str, int, int]
"""(data, source address, destination address, source port, destination port) of a return."""


class Hairpin:
    """Without a fault. `data` is always from the GENEVE header on."""

    buffer = 9216

    def __init__(self, address: str) -> None:
        self.address = address
        self.heartbeats = Heartbeats(1)
        self.port = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.port.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
        self.port.bind((address, geneve.PORT))
        self.port.settimeout(0.01)
        self.raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)

    # -- what faults spoil -------------------------------------------------------------------------------------------

    def wanted(self, data: bytes, header: geneve.Header, inner: Inner, peer: tuple[str, int]) -> bool:
        return True

    def changed(self, data: bytes, header: geneve.Header, inner: Inner) -> bytes:
        return data

    def way(self, data: bytes, peer: tuple[str, int]) -> Way:
        return data, self.address, peer[0], peer[1], geneve.PORT

    def checksum(self) -> int:
        return 0

    def ways(self, way: Way) -> list[Way]:
        return [way]

    def idle(self) -> None:
        pass

    def decoded(self, data: bytes) -> geneve.Header:
        return geneve.decode(data)

    def serve_health(self) -> None:
        health.in_background(self.heartbeats, port=80)

    def before_the_loop(self) -> None:
        pass

    # -- the loop ----------------------------------------------------------------------------------------------------

    def run(self) -> None:
        self.before_the_loop()
        self.serve_health()
        last = 0.0
        while True:
            now = time.monotonic()
            if now - last > 0.2:
                self.heartbeats.beat(0, (0,) * 6)
                last = now
            try:
                data, peer = self.port.recvfrom(self.buffer)
            except TimeoutError:
                self.idle()
                continue
            self.one(data, peer)

    def one(self, data: bytes, peer: tuple[str, int]) -> None:
        try:
            header = self.decoded(data)
            inner = Inner(data[header.length :])
        except (geneve.GeneveError, InnerError):
            return
        if self.wanted(data, header, inner, peer):
            for way in self.ways(self.way(self.changed(data, header, inner), peer)):
                self.send(way)

    def send(self, way: Way) -> None:
        data, source, destination, source_port, port = way
        outer = outer_header(source=socket.inet_aton(source), destination=destination, source_port=source_port)
        struct.pack_into("!HHH", outer, 22, port, len(data) + 8, self.checksum())
        self.raw.sendto(bytes(outer) + data, (destination, 0))


def tuple_of(header: geneve.Header, inner: Inner) -> frozenset[bytes]:
    """The flow's ends, the same in both directions."""
    return frozenset((inner.source_bytes + inner.port_bytes[:2], inner.destination_bytes + inner.port_bytes[2:]))


class RemembersCookie(Hairpin):
    """The cookie of a tuple's first packet, for ever (a real handler did, once)."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.cookies: dict[object, bytes] = {}

    def changed(self, data: bytes, header: geneve.Header, inner: Inner) -> bytes:
        if header.length != 40 or inner.protocol not in (6, 17) or data[8:12] != b"\x01\x08\x01\x02":
            return data
        cookie = self.cookies.setdefault((header.endpoint, tuple_of(header, inner)), data[36:40])
        return data[:36] + cookie + data[40:]


class RefreshesByClient(RemembersCookie):
    """The same, but a SYN brings a new one."""

    def changed(self, data: bytes, header: geneve.Header, inner: Inner) -> bytes:
        if inner.tcp_flags & 0x12 == 0x02:
            self.cookies.pop((header.endpoint, tuple_of(header, inner)), None)
        return super().changed(data, header, inner)


class MixesEndpoints(Hairpin):
    """The endpoint of a pair of addresses, as first seen."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.endpoints: dict[object, bytes] = {}

    def changed(self, data: bytes, header: geneve.Header, inner: Inner) -> bytes:
        if header.length != 40 or inner.protocol not in (6, 17) or data[8:12] != b"\x01\x08\x01\x02":
            return data
        return data[:12] + self.endpoints.setdefault(tuple_of(header, inner), data[12:20]) + data[20:]


class SwapsPorts(Hairpin):
    def way(self, data: bytes, peer: tuple[str, int]) -> Way:
        return data, self.address, peer[0], geneve.PORT, peer[1]


class LosesSourcePort(Hairpin):
    def way(self, data: bytes, peer: tuple[str, int]) -> Way:
        return data, self.address, peer[0], geneve.PORT, geneve.PORT


class OtherAddress(Hairpin):
    """Returns from an address that is not its own."""

    def way(self, data: bytes, peer: tuple[str, int]) -> Way:
        return data, "192.0.2.99", peer[0], peer[1], geneve.PORT


class OneNode(Hairpin):
    """Knows one load balancer's node: the first."""

    first: str | None = None

    def way(self, data: bytes, peer: tuple[str, int]) -> Way:
        self.first = self.first or peer[0]
        return data, self.address, self.first, peer[1], geneve.PORT


class WrongChecksum(Hairpin):
    def checksum(self) -> int:
        return 0xBEEF


class ClearsAttachment(Hairpin):
    def changed(self, data: bytes, header: geneve.Header, inner: Inner) -> bytes:
        return data[:24] + bytes(8) + data[32:] if data[20:24] == b"\x01\x08\x02\x02" else data


class ChangesHeader(Hairpin):
    """Sets a bit in the VNI."""

    def changed(self, data: bytes, header: geneve.Header, inner: Inner) -> bytes:
        return data[:4] + b"\0\0\1\0" + data[8:]


class FixedOrder(Hairpin):
    """Wants endpoint, attachment and cookie in AWS's order, whatever stands around them."""

    def wanted(self, data: bytes, header: geneve.Header, inner: Inner, peer: tuple[str, int]) -> bool:
        places = [data.find(start, 8, header.length) for start in (b"\x01\x08\x01\2", b"\x01\x08\2\2", b"\x01\x08\3\1")]
        return places == sorted(places)


class FixedLength(Hairpin):
    def wanted(self, data: bytes, header: geneve.Header, inner: Inner, peer: tuple[str, int]) -> bool:
        return header.length == 40


class ShortHeaders(Hairpin):
    def wanted(self, data: bytes, header: geneve.Header, inner: Inner, peer: tuple[str, int]) -> bool:
        return header.length <= 128


class ZeroesOptions(Hairpin):
    """Writes zeros into what it does not know."""

    def changed(self, data: bytes, header: geneve.Header, inner: Inner) -> bytes:
        made, at = bytearray(data), 8
        while at < header.length:
            size = 4 * (made[at + 3] & 31)
            if made[at : at + 2] != b"\x01\x08":
                made[at + 4 : at + 4 + size] = bytes(size)
            at += 4 + size
        return bytes(made)


class StrictReserved(Hairpin):
    def wanted(self, data: bytes, header: geneve.Header, inner: Inner, peer: tuple[str, int]) -> bool:
        return not data[1] & 0x3F and not data[7]


class BlindToVersion(Hairpin):
    def decoded(self, data: bytes) -> geneve.Header:
        return geneve.decode(bytes((data[0] & 0x3F,)) + data[1:] if data else data)


class BlindToCritical(Hairpin):
    def decoded(self, data: bytes) -> geneve.Header:
        made, at = bytearray(data), 8
        while at + 4 <= len(made) and at < 8 + 4 * (made[0] & 0x3F):
            made[at + 2] &= 0x7F
            at += 4 + 4 * (made[at + 3] & 31)
        return geneve.decode(bytes(made))


class Doubles(Hairpin):
    def ways(self, way: Way) -> list[Way]:
        return [way, way]


class SwallowsRepeats(Hairpin):
    """Takes a retransmission for an attack."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.seen: set[bytes] = set()

    def wanted(self, data: bytes, header: geneve.Header, inner: Inner, peer: tuple[str, int]) -> bool:
        known = data in self.seen
        self.seen.add(data)
        return not known


class Disorders(Hairpin):
    """Holds every other packet of a flow back until the next one has gone."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.held: dict[bytes, Way] = {}

    def ways(self, way: Way) -> list[Way]:
        flow = way[0][36:40]
        if flow not in self.held:
            self.held[flow] = way
            return []
        return [way, self.held.pop(flow)]

    def idle(self) -> None:
        for flow in list(self.held):
            self.send(self.held.pop(flow))


class UnreadQueue(Hairpin):
    """Loses the share of flows whose port hashes to a queue that nobody reads."""

    def wanted(self, data: bytes, header: geneve.Header, inner: Inner, peer: tuple[str, int]) -> bool:
        return peer[1] >= 4096


class SmallBuffer(Hairpin):
    buffer = 8000

    def decoded(self, data: bytes) -> geneve.Header:
        if len(data) == self.buffer:
            raise geneve.GeneveError("cut off")
        return super().decoded(data)


class OnlyIPv4(Hairpin):
    def wanted(self, data: bytes, header: geneve.Header, inner: Inner, peer: tuple[str, int]) -> bool:
        return inner.version == 4


class TiresOfServers(Hairpin):
    """Returns only the first few data packets of a flow's server."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.answers: dict[int, int] = {}

    def wanted(self, data: bytes, header: geneve.Header, inner: Inner, peer: tuple[str, int]) -> bool:
        if inner.source_port == 443 and inner.payload:
            self.answers[header.cookie] = self.answers.get(header.cookie, 0) + 1
        return inner.source_port != 443 or self.answers.get(header.cookie, 0) <= 4


class OnlyTcpUdpIcmp(Hairpin):
    def wanted(self, data: bytes, header: geneve.Header, inner: Inner, peer: tuple[str, int]) -> bool:
        return inner.protocol in (1, 6, 17, 58)


class NoErrors(Hairpin):
    def wanted(self, data: bytes, header: geneve.Header, inner: Inner, peer: tuple[str, int]) -> bool:
        return inner.quoted() is None


class NoFragments(Hairpin):
    def wanted(self, data: bytes, header: geneve.Header, inner: Inner, peer: tuple[str, int]) -> bool:
        return not (inner.fragment or inner.more_fragments)


class NoOptions(Hairpin):
    def wanted(self, data: bytes, header: geneve.Header, inner: Inner, peer: tuple[str, int]) -> bool:
        return inner.version == 6 or inner.data[0] == 0x45


class IsAHop(Hairpin):
    """Lets packets die whose TTL is 1."""

    def wanted(self, data: bytes, header: geneve.Header, inner: Inner, peer: tuple[str, int]) -> bool:
        return (inner.data[8] if inner.version == 4 else inner.data[7]) > 1


class ClearsDscp(Hairpin):
    def changed(self, data: bytes, header: geneve.Header, inner: Inner) -> bytes:
        if inner.version == 6 or not inner.data[1]:
            return data
        made = bytearray(data)
        made[header.length + 1] = 0
        return bytes(made)


class FillsChecksum(Hairpin):
    """Knows better than a zero UDP checksum."""

    def changed(self, data: bytes, header: geneve.Header, inner: Inner) -> bytes:
        if inner.protocol != 17 or inner.fragment or inner.transport[6:8] != b"\0\0":
            return data
        return data[: header.length + 26] + b"\x12\x34" + data[header.length + 28 :]


class NoReset(Hairpin):
    def wanted(self, data: bytes, header: geneve.Header, inner: Inner, peer: tuple[str, int]) -> bool:
        return not inner.tcp_flags & 0x04


class ChangesPayload(Hairpin):
    def changed(self, data: bytes, header: geneve.Header, inner: Inner) -> bytes:
        return data[:-1] + b"!" if len(inner.data) == 552 else data


class EndsOneWay(Hairpin):
    """Gives up a datagram flow that nobody answers."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.unanswered: dict[bytes, int] = {}

    def wanted(self, data: bytes, header: geneve.Header, inner: Inner, peer: tuple[str, int]) -> bool:
        if inner.protocol == 17:
            self.unanswered[data[32:40]] = self.unanswered.get(data[32:40], 0) + 1
        return self.unanswered.get(data[32:40], 0) <= 20


class SmallTable(Hairpin):
    """Forgets its oldest flow for each new one, and drops what it has forgotten."""

    size = 400

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.known: dict[int, None] = {}
        self.forgotten: set[int] = set()

    def wanted(self, data: bytes, header: geneve.Header, inner: Inner, peer: tuple[str, int]) -> bool:
        if header.cookie in self.forgotten:
            return False
        self.known[header.cookie] = None
        if len(self.known) > self.size:
            oldest = next(iter(self.known))
            del self.known[oldest]
            self.forgotten.add(oldest)
        return True


class Talks(Hairpin):
    """Sends reports of its own into the tunnel."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.node = ""

    def way(self, data: bytes, peer: tuple[str, int]) -> Way:
        self.node = peer[0]
        return super().way(data, peer)

    def idle(self) -> None:
        if self.node:
            header = geneve.Header(protocol=geneve.IPV4, endpoint=1, cookie=1)
            self.send((geneve.encode(header) + bytes(40), self.address, self.node, 7777, geneve.PORT))
            time.sleep(0.1)


class LyingHealth(Hairpin):
    """A page that knows nothing of the loop."""

    def serve_health(self) -> None:
        if os.fork() == 0:
            self.port.close()
            self.raw.close()
            threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
            health.serve(lambda: (True, {"status": "ok"}), port=80)


class DiesOfBadGeneve(Hairpin):
    def one(self, data: bytes, peer: tuple[str, int]) -> None:
        try:
            geneve.decode(data)
        except geneve.GeneveError:
            os._exit(1)
        super().one(data, peer)


class DiesOfBadInner(Hairpin):
    def one(self, data: bytes, peer: tuple[str, int]) -> None:
        try:
            Inner(data[geneve.decode(data).length :])
        except geneve.GeneveError:
            return
        except InnerError:
            os._exit(1)
        super().one(data, peer)


class HealthyTooSoon(Hairpin):
    """Its page is up two seconds before its loop."""

    def serve_health(self) -> None:
        LyingHealth.serve_health(self)  # type: ignore[arg-type]
        time.sleep(2)
        while True:  # what came meanwhile is gone
            try:
                self.port.recv(1)
            except TimeoutError:
                return


def end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.1)
    os._exit(0)


FAULTS: dict[str, tuple[type[Hairpin], frozenset[str]]] = {
    name: (fault, frozenset(checks.split()))
    for name, fault, checks in (
        ("remembers-cookie", RemembersCookie, "cookie-refreshed cookie-refreshed-by-server"),
        ("refreshes-by-client", RefreshesByClient, "cookie-refreshed-by-server"),
        ("mixes-endpoints", MixesEndpoints, "endpoints-apart"),
        ("swaps-ports", SwapsPorts, "outer-destination-port outer-source-port"),
        ("loses-source-port", LosesSourcePort, "outer-source-port"),
        ("other-address", OtherAddress, "outer-addresses"),
        ("one-node", OneNode, "second-node stray-sender"),
        ("wrong-checksum", WrongChecksum, "outer-checksum checksum-full"),
        ("clears-attachment", ClearsAttachment, "attachment-echo"),
        ("fixed-order", FixedOrder, "options-reordered"),
        ("fixed-length", FixedLength, "unknown-option longest-header options-untouched"),
        ("short-headers", ShortHeaders, "longest-header"),
        ("zeroes-options", ZeroesOptions, "unknown-option options-untouched"),
        ("strict-reserved", StrictReserved, "reserved-bits"),
        ("blind-to-version", BlindToVersion, "unknown-version"),
        ("blind-to-critical", BlindToCritical, "critical-option"),
        ("doubles", Doubles, "returned-once"),
        ("swallows-repeats", SwallowsRepeats, "retransmission"),
        ("disorders", Disorders, "in-order"),
        ("unread-queue", UnreadQueue, "source-port-spread"),
        ("small-buffer", SmallBuffer, "largest ipv6-largest"),
        ("only-ipv4", OnlyIPv4, "ipv6 ipv6-largest icmpv6-error ipv6-extensions"),
        ("tires-of-servers", TiresOfServers, "both-directions"),
        ("only-tcp-udp-icmp", OnlyTcpUdpIcmp, "gre esp sctp"),
        ("no-errors", NoErrors, "icmp-error icmpv6-error"),
        ("no-fragments", NoFragments, "fragments fragments-reordered"),
        ("no-options", NoOptions, "ip-options"),
        ("is-a-hop", IsAHop, "inner-ttl"),
        ("clears-dscp", ClearsDscp, "dscp-and-ecn"),
        ("fills-checksum", FillsChecksum, "udp-unsummed"),
        ("no-reset", NoReset, "fin-and-rst"),
        ("changes-payload", ChangesPayload, "inner-untouched"),
        ("ends-one-way", EndsOneWay, "one-way"),
        ("small-table", SmallTable, "table-exhaustion"),
        ("talks", Talks, "no-packets-of-its-own"),
        ("lying-health", LyingHealth, "health-truthful"),
        ("dies-of-bad-geneve", DiesOfBadGeneve, "malformed-geneve"),
        ("dies-of-bad-inner", DiesOfBadInner, "malformed-inner"),
        ("healthy-too-soon", HealthyTooSoon, "ready-before-healthy"),
    )
}
"""Fault -> who does it, and exactly the checks that fail by it."""


if __name__ == "__main__":
    kind = FAULTS[sys.argv[2]][0] if len(sys.argv) > 2 else Hairpin
    kind(sys.argv[1]).run()
