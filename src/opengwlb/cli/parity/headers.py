"""What the GENEVE headers in a capture at an appliance say, in a form that two captures can be compared by.

Addresses, ports and cookies differ from run to run; what is kept is their rules: which values each field takes, and whether a flow's two
directions share cookie and port.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from opengwlb.certify.recording import ip_packets
from opengwlb_appliance.geneve import PORT, GeneveError, decode

_UDP = 17


def read(data: bytes) -> dict[str, Any]:
    """Facts about a whole capture. Raises RecordingError."""
    fields: dict[str, set[Any]] = defaultdict(set)
    flows: dict[frozenset[bytes], set[tuple[int, int]]] = defaultdict(set)
    cookies: dict[int, set[frozenset[bytes]]] = defaultdict(set)
    packets = broken = 0
    for _, ip in ip_packets(data):
        at = (ip[0] & 15) * 4
        if ip[0] >> 4 != 4 or ip[9] != _UDP or len(ip) < at + 16 or int.from_bytes(ip[at + 2 : at + 4], "big") != PORT:
            continue
        geneve = ip[at + 8 :]
        try:
            header = decode(geneve)
        except GeneveError:
            broken += 1
            continue
        packets += 1
        fields["outer header bytes"].add(at)
        fields["outer do-not-fragment"].add(bool(ip[6] & 0x40))
        fields["UDP checksum is zero"].add(ip[at + 6 : at + 8] == b"\0\0")
        fields["GENEVE header bytes"].add(header.length)
        fields["version, option length, flags"].add(geneve[:2].hex())
        fields["inner protocol"].add(f"0x{header.protocol:04x}")
        fields["network identifier"].add(header.vni)
        fields["attachment"].add(header.attachment)
        fields["options"].add(_options(geneve[8 : header.length]))
        fields["endpoint option"].add("the endpoint's id" if header.endpoint >> 60 == 0 else "17 digits do not fit")
        inner = geneve[header.length :]
        ends = _ends(inner)
        if ends is not None:
            flows[ends].add((header.cookie, int.from_bytes(ip[at : at + 2], "big")))
            cookies[header.cookie].add(ends)
    return {
        "fields": {name: sorted(map(str, values)) for name, values in sorted(fields.items())},
        "one cookie and port for each flow": all(len(values) == 1 for values in flows.values()),
        "one flow for each cookie": all(len(values) == 1 for values in cookies.values()),
        "there are packets": packets > 0,
        "broken": broken,
    }


def _options(data: bytes) -> str:
    """`0108:1:8 0108:2:8 0108:3:4`: class, type and bytes of each option, in order."""
    found, at = [], 0
    while at + 4 <= len(data):
        length = 4 * (data[at + 3] & 31)
        found.append(f"{data[at : at + 2].hex()}:{data[at + 2]}:{length}")
        at += 4 + length
    return " ".join(found)


def _ends(inner: bytes) -> frozenset[bytes] | None:
    """Both ends of a TCP or UDP flow, whichever way the packet goes; None for others and later fragments."""
    if len(inner) >= 24 and inner[0] >> 4 == 4:
        at, protocol, width = (inner[0] & 15) * 4, inner[9], 4
        addresses = inner[12:20]
        later = int.from_bytes(inner[6:8], "big") & 0x1FFF
    elif len(inner) >= 44 and inner[0] >> 4 == 6:
        at, protocol, width, later = 40, inner[6], 16, 0
        addresses = inner[8:40]
    else:
        return None
    if protocol not in (6, _UDP) or later or len(inner) < at + 4:
        return None
    kind = bytes([protocol])
    return frozenset((kind + addresses[:width] + inner[at : at + 2], kind + addresses[width:] + inner[at + 2 : at + 4]))
