"""One client and one server as the load balancer sees them: a flow with its cookie, and the packets that belong to it. Pure."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from . import packets
from .packets import ACK, PSH, SYN, Option
from .shots import Shot

_TEXT = b"certify "


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What names a flow. Ports are the client's and the server's."""

    version: int
    client: str
    server: str
    ports: tuple[int, int]
    endpoint: int
    cookie: int
    source_port: int
    """Of the outer packet: one for the whole flow."""
    attachment: int = 0

    @property
    def options(self) -> tuple[Option, ...]:
        return packets.aws_options(endpoint=self.endpoint, cookie=self.cookie, attachment=self.attachment)

    @property
    def header(self) -> bytes:
        return packets.geneve(self.options, version=self.version)


def random_endpoints(dice: random.Random, count: int) -> tuple[int, ...]:
    """Endpoint ids as AWS makes them: 17 digits, the first 0."""
    return tuple(dice.getrandbits(64) | 1 for _ in range(count))


def random_flow(dice: random.Random, *, endpoint: int, version: int = 4, port: int = 443) -> Flow:
    """Between addresses that nobody has (RFC 5737, RFC 3849)."""
    if version == 4:
        client, server = f"198.51.100.{dice.randrange(1, 255)}", f"10.{dice.randrange(64)}.0.{dice.randrange(4, 255)}"
    else:
        client, server = f"2001:db8:1::{dice.randrange(1, 65536):x}", f"2001:db8:2::{dice.randrange(1, 65536):x}"
    return Flow(
        version=version,
        client=client,
        server=server,
        ports=(dice.randrange(32768, 61000), port),
        endpoint=endpoint,
        cookie=dice.getrandbits(32) | 1,
        source_port=dice.randrange(32768, 65536),
    )


class Conversation:
    """Makes the shots of a flow. A TCP one keeps the sequence numbers of both ends, so that a stateful firewall agrees with it."""

    def __init__(self, flow: Flow, *, protocol: int, dice: random.Random) -> None:
        self.flow = flow
        self.protocol = protocol
        self._dice = dice
        self._next = {False: dice.getrandbits(30), True: dice.getrandbits(30)}
        """By `back`: the next sequence number of client and server."""

    def ends(self, *, back: bool) -> tuple[str, str]:
        return (self.flow.server, self.flow.client) if back else (self.flow.client, self.flow.server)

    def mark(self) -> bytes:
        """Sixteen characters that no other packet has."""
        return f"{self._dice.getrandbits(64):016x}".encode()

    def payload(self, size: int, mark: bytes) -> bytes:
        """`size` bytes that begin with the mark; at least 24."""
        return (_TEXT + mark + b"." * max(0, size - len(_TEXT) - len(mark)))[: max(size, len(_TEXT) + len(mark))]

    def shot(
        self, inner: bytes, mark: bytes, *, header: bytes | None = None, summed: bool = False, node: int = 0
    ) -> Shot:
        return Shot(
            header=self.flow.header if header is None else header,
            inner=inner,
            mark=mark,
            source_port=self.flow.source_port,
            node=node,
            summed=summed,
        )

    def ip(
        self, protocol: int, payload: bytes, *, back: bool = False, tos: int = 0, ttl: int = 64, fragment: int | None = None,
        identification: int = 0, options: bytes = b"",
    ) -> bytes:  # fmt: skip
        """An inner packet of the flow's family. What only IPv4 has is ignored for IPv6."""
        source, destination = self.ends(back=back)
        if self.flow.version == 6:
            return packets.ipv6(source, destination, protocol, payload, hop_limit=ttl, traffic_class=tos)
        return packets.ipv4(
            source, destination, protocol, payload, ttl=ttl, tos=tos, options=options, identification=identification,
            fragment=packets.DO_NOT_FRAGMENT if fragment is None else fragment,
        )  # fmt: skip

    def segment(self, flags: int, *, back: bool = False, size: int = 0, mark: bytes = b"") -> tuple[bytes, bytes]:
        """(TCP segment, mark): the next one of an end. Without payload its mark is its header up to the flags."""
        source, destination = self.ends(back=back)
        ports = self.flow.ports[::-1] if back else self.flow.ports
        payload = self.payload(size, mark or self.mark()) if size else b""
        sequence = self._next[back]
        made = packets.tcp(
            source, destination, ports, flags=flags, sequence=sequence,
            ack=self._next[not back] if flags & ACK else 0, payload=payload,
        )  # fmt: skip
        self._next[back] = (sequence + len(payload) + bool(flags & (SYN | packets.FIN))) & 0xFFFFFFFF
        return made, payload[len(_TEXT) : len(_TEXT) + 16] if payload else made[:14]

    def tcp(self, flags: int, *, back: bool = False, size: int = 0) -> Shot:
        made, mark = self.segment(flags, back=back, size=size)
        return self.shot(self.ip(packets.TCP, made, back=back), mark)

    def handshake(self) -> Sequence[Shot]:
        """SYN, SYN with ACK, ACK; nothing for what is not TCP."""
        if self.protocol != packets.TCP:
            return ()
        return (self.tcp(SYN), self.tcp(SYN | ACK, back=True), self.tcp(ACK))

    def datagram(self, *, back: bool = False, size: int = 40, summed: bool = True) -> tuple[bytes, bytes]:
        """(UDP datagram, mark)."""
        source, destination = self.ends(back=back)
        mark = self.mark()
        ports = self.flow.ports[::-1] if back else self.flow.ports
        return packets.udp(source, destination, ports, self.payload(size, mark), summed=summed), mark

    def transport(self, *, back: bool = False, size: int = 40) -> tuple[bytes, bytes]:
        """(segment or datagram with `size` bytes of data, mark)."""
        if self.protocol == packets.TCP:
            return self.segment(PSH | ACK, back=back, size=size)
        return self.datagram(back=back, size=size)

    def data(
        self, *, back: bool = False, size: int = 40, header: bytes | None = None, summed: bool = False, node: int = 0,
        tos: int = 0, ttl: int = 64, options: bytes = b"",
    ) -> Shot:  # fmt: skip
        """A packet with `size` bytes of data."""
        made, mark = self.transport(back=back, size=size)
        inner = self.ip(self.protocol, made, back=back, tos=tos, ttl=ttl, options=options)
        return self.shot(inner, mark, header=header, summed=summed, node=node)

    def room(self, total: int) -> int:
        """The data in an inner packet of `total` bytes."""
        return total - (20 if self.flow.version == 4 else 40) - (20 if self.protocol == packets.TCP else 8)
