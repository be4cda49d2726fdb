"""Begins one flow of UDP from each of some addresses, and tells which of them an answer reached.

Usage: `held_flows.py PEER ADDRESS …`. Each address sends one datagram from port 5000 to the peer's port 9000; then `sent` is printed, and
from then on each address to which something comes, one a line.
"""

from __future__ import annotations

import select
import socket
import sys


def main() -> None:
    peer, *addresses = sys.argv[1:]
    sockets = []
    for address in addresses:
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one.bind((address, 5000))
        one.sendto(b"first", (peer, 9000))
        sockets.append(one)
    print("sent", flush=True)
    while True:
        ready, _, _ = select.select(sockets, [], [])
        for one in ready:
            one.recv(1500)
            print(one.getsockname()[0], flush=True)


if __name__ == "__main__":
    main()
