"""The in-kernel appliance: which GENEVE it takes, what its rules deny, and how it returns the rest."""

from __future__ import annotations

from struct import pack

from opengwlb.model.topology import PortRef

from .packets import Packet, checksum, ipv4, ipv6
from .returns import ReturnRules


class InspectorRules(ReturnRules):
    """It reads GENEVE as the load balancer does."""

    def inspector(self, ref: PortRef, frame: bytes) -> str:
        """The verdict. For `inspector_returned`, `swapped` then says the bytes."""
        if not self.is_geneve(frame) or (frame[20] << 8 | frame[21]) & 0x1FFF:
            return "inspector_not_geneve"
        if (frame[20] << 8 | frame[21]) & 0x2000 or not self.outer_agrees(frame):
            return "inspector_malformed"
        family, options = self.geneve_base(frame)
        if (
            not family or frame[43] & 0x40
        ):  # an option is critical, says the header, and no known one is (RFC 8926, 3.5)
            return "inspector_malformed"
        packet = ipv4(frame, 50 + options) if family == 4 else ipv6(frame, 50 + options)
        if packet is None:
            return "inspector_malformed"
        if self.denied(self.rules.get(ref, ()), packet):
            return "inspector_denied"
        return "inspector_returned"

    def denied(self, rules: object, packet: Packet) -> bool:
        """The first rule that matches decides. One that names a network is about that network's family."""
        for deny, source, destination, protocol, first, last in rules:  # type: ignore[attr-defined]
            if not (_holds(source, packet.source) and _holds(destination, packet.destination)):
                continue
            if protocol in (0, packet.protocol) and first <= packet.destination_port <= last:
                return bool(deny)
        return False

    def swapped(self, frame: bytes) -> bytes:
        """Outer MACs and addresses exchanged, a fresh TTL of 64, all else as it came."""
        header = bytearray(frame[14:34])
        header[8], header[10:12], header[12:16], header[16:20] = 64, b"\0\0", frame[30:34], frame[26:30]
        header[10:12] = pack("!H", checksum(bytes(header)))
        return frame[6:12] + frame[:6] + frame[12:14] + bytes(header) + frame[34:]


def _holds(bits: tuple[int, int, int] | None, address: bytes) -> bool:
    if bits is None:
        return True
    size, wanted, rest = bits
    return len(address) == size and int.from_bytes(address, "big") >> rest == wanted
