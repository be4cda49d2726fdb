"""A VPC whose kernel routes between two instances, and a stand-in for the data plane: enough to see what the fabric does."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from opengwlb.model.topology import (
    DELIVERY_TABLE,
    VPC_MTU,
    Box,
    BoxKind,
    KernelRoute,
    KernelRule,
    Link,
    Neighbour,
    Port,
    PortRef,
    Program,
    Topology,
)

from .conftest import NAME
from .machine import is_up, run

VPC = "vpc-0aaaaaaaaaaaaaaa1"
INSTANCES = ("i-0aaaaaaaaaaaaaaa2", "i-0aaaaaaaaaaaaaaa3")
ENIS = ("eni-0aaaaaaaaaaaaaaa4", "eni-0aaaaaaaaaaaaaaa5")
ADDRESSES = ("10.7.0.10", "10.7.0.11")
VPC_SPACE, INSTANCE_SPACES = f"{NAME}-vpc-aaaaaaaaa1", (f"{NAME}-i-aaaaaaaaa2", f"{NAME}-i-aaaaaaaaa3")
DEVICES = ("eni-aaaaaaaaa4", "eni-aaaaaaaaa5")
ROUTE_TABLE = 1001


def link(number: int, *, program: Program | None = None, offloads_off: frozenset[str] = frozenset()) -> Link:
    return Link(
        id=ENIS[number],
        a=Port(
            box=VPC,
            device=DEVICES[number],
            mac=f"02:07:00:00:01:{number:02x}",
            mtu=VPC_MTU,
            addresses=("10.7.0.1/32",),
            program=program,
            offloads_off=offloads_off,
        ),
        b=Port(
            box=INSTANCES[number],
            device="eth0",
            mac=f"02:07:00:00:02:{number:02x}",
            mtu=VPC_MTU,
            addresses=(f"{ADDRESSES[number]}/24",),
        ),
    )


def topology(*links: Link) -> Topology:
    """A VPC whose kernel routes between two instances, as far as their links are given."""
    present = [number for number, eni in enumerate(ENIS) if any(one.id == eni for one in links)]
    boxes = {VPC: Box(id=VPC, kind=BoxKind.VPC)}
    boxes |= {INSTANCES[n]: Box(id=INSTANCES[n], kind=BoxKind.INSTANCE) for n in present}
    delivery = {
        KernelRoute(box=VPC, table=DELIVERY_TABLE, destination=f"{ADDRESSES[n]}/32", device=DEVICES[n]) for n in present
    }
    defaults = {
        KernelRoute(box=INSTANCES[n], table=254, destination="0.0.0.0/0", device="eth0", via="10.7.0.1")
        for n in present
    }
    local = KernelRoute(box=VPC, table=ROUTE_TABLE, destination="10.7.0.0/16", kind="throw")
    return Topology(
        boxes=boxes,
        links={one.id: one for one in links},
        routes=frozenset(delivery | defaults | {local}),
        rules=frozenset(
            {
                KernelRule(box=VPC, priority=ROUTE_TABLE, fwmark=ROUTE_TABLE, table=ROUTE_TABLE),
                KernelRule(box=VPC, priority=32_000, table=DELIVERY_TABLE),
            }
        ),
        neighbours=frozenset(
            # Both directions: the instances are in one subnet here, but reach each other through the router.
            {
                Neighbour(box=VPC, device=DEVICES[n], address=ADDRESSES[n], mac=f"02:07:00:00:02:{n:02x}")
                for n in present
            }
            | {
                Neighbour(box=INSTANCES[n], device="eth0", address=address, mac=f"02:07:00:00:01:{n:02x}")
                for n in present
                for address in ("10.7.0.1", *ADDRESSES)
                if address != ADDRESSES[n]
            }
        ),
    )


BOTH = topology(link(0), link(1))


@dataclass
class Attachments:
    """Stands for the data plane: notes what it is asked, and refuses the ports in `broken`."""

    calls: list[tuple[PortRef, str, int, bool]] = field(default_factory=list)
    """Port, namespace path, ifindex, whether the device was up."""
    broken: set[PortRef] = field(default_factory=set)

    def __call__(self, port: Port, *, netns: str, ifindex: int) -> None:
        self.calls.append((port.ref, netns, ifindex, is_up(Path(netns).name, port.device)))
        if port.ref in self.broken:
            raise RuntimeError("the verifier said no")


def pings(source: int = 0, destination: int = 1) -> bool:
    """Whether one of two seconds' requests is answered: the kernel opens the queue of a link that came up within a second, not at once."""
    command = ("ping", "-c", "1", "-w", "2", "-i", "0.2", ADDRESSES[destination])
    return " 1 received" in run(*command, inside=INSTANCE_SPACES[source], check=False)
