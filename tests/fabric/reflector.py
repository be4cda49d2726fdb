"""A user-space appliance as small as it can be: returns every GENEVE datagram, and tells at the end what it saw.

Run inside its box. On SIGTERM it prints one JSON object: datagrams, the longest of them, and how many of the TCP segments inside
had a wrong checksum (the first few thousand are checked).
"""

from __future__ import annotations

import json
import signal
import socket
import struct
import sys

GENEVE_PORT = 6081
CHECKED = 3000
SO_RCVBUFFORCE = 33


def ones_complement(data: bytes) -> int:
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def tcp_checksum_is_wrong(packet: bytes) -> bool:
    """Of an inner IPv4 packet; False for what is not TCP."""
    header = (packet[0] & 0xF) * 4
    if packet[9] != socket.IPPROTO_TCP:
        return False
    segment = packet[header:]
    pseudo = packet[12:20] + struct.pack("!HH", socket.IPPROTO_TCP, len(segment))
    return ones_complement(pseudo + segment) != 0xFFFF


def main() -> None:
    seen = {"datagrams": 0, "longest": 0, "wrong_checksums": 0}

    def finish(*_: object) -> None:
        print(json.dumps(seen), flush=True)
        sys.exit(0)

    signal.signal(signal.SIGTERM, finish)
    geneve = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    geneve.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)  # so that nothing is lost here
    geneve.bind(("", GENEVE_PORT))
    print("ready", flush=True)
    while True:
        data, (address, _) = geneve.recvfrom(65535)
        seen["longest"] = max(seen["longest"], len(data))
        seen["datagrams"] += 1
        if seen["datagrams"] <= CHECKED:
            seen["wrong_checksums"] += tcp_checksum_is_wrong(data[8 + (data[0] & 0x3F) * 4 :])
        geneve.sendto(data, (address, GENEVE_PORT))


if __name__ == "__main__":
    main()
