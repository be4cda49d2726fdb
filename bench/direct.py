"""A user-space appliance fed GENEVE without a load balancer: client and server behind one box that pushes a fixed header.

client --- feeder --- server
             |
         appliance, by a second device of its own namespace: the very process that the load balancer feeds
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from .boxes import attach, inside, program, run
from .traffic import Ends

CLIENT, SERVER = "10.78.0.2", "10.78.1.2"
FEEDER, APPLIANCE = "169.254.77.1", "169.254.77.2"
DEVICE = "direct"


@contextlib.contextmanager
def direct(*, prefix: str, appliance: str, directory: Path) -> Iterator[Ends]:
    """`appliance` is the namespace that the appliance runs in; it loses its second device at the end."""
    feeder, client, server = (f"{prefix}-{name}" for name in ("feeder", "client", "server"))
    compiled = program("direct", directory)
    try:
        for box in (feeder, client, server):
            run("ip", "netns", "add", box)
            run(*inside(box, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.disable_ipv6=1"))
        for number, (box, device, near, far) in enumerate(
            (
                (client, "eth0", "10.78.0.1", CLIENT),
                (server, "eth0", "10.78.1.1", SERVER),
                (appliance, DEVICE, FEEDER, APPLIANCE),
            )
        ):
            _wire(feeder, f"port{number}", near, box, device, far, number)
            attach(feeder, f"port{number}", compiled, section="strip" if device == DEVICE else "push")
        for box, via in ((client, "10.78.0.1"), (server, "10.78.1.1")):
            run("ip", "-n", box, "route", "add", "default", "via", via, "dev", "eth0", "onlink")
        # What the load balancer does for targets in user space: whole datagrams with complete checksums.
        run(*inside(feeder, "ethtool", "-K", "port2", "tx-checksum-ip-generic", "off"))
        yield Ends(client=client, server=server, address=SERVER)
    finally:
        subprocess.run(["ip", "-n", appliance, "link", "delete", DEVICE], capture_output=True)
        for box in (feeder, client, server):
            subprocess.run(["ip", "netns", "delete", box], capture_output=True)


def _wire(feeder: str, port: str, near: str, box: str, device: str, far: str, number: int) -> None:
    macs = [f"0a:78:00:00:0{number}:0{side}" for side in (1, 2)]
    run(
        "ip", "link", "add", port, "netns", feeder, "address", macs[0], "mtu", "9001",
        "type", "veth", "peer", "name", device, "netns", box, "address", macs[1], "mtu", "9001",
    )  # fmt: skip
    for where, dev, mine, theirs, mac in ((feeder, port, near, far, macs[1]), (box, device, far, near, macs[0])):
        run("ip", "-n", where, "address", "add", f"{mine}/32", "dev", dev)
        run("ip", "-n", where, "link", "set", dev, "up")
        run("ip", "-n", where, "route", "add", f"{theirs}/32", "dev", dev)
        run("ip", "-n", where, "neighbour", "replace", theirs, "lladdr", mac, "dev", dev)
