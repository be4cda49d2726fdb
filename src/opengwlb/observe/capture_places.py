"""Which ports stand for what a capture is asked for: one place, an instance, a whole VPC, a load balancer, a target group. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from opengwlb.model.elb import LoadBalancer, TargetGroup
from opengwlb.model.privatelink import VpcEndpoint
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.topology import PortRef
from opengwlb.model.vpc import NetworkInterface
from opengwlb.policy import balancing, names
from opengwlb.wire.errors import AwsError

from .visibility import Viewer, Where

MOST_PORTS = 128
"""Each is a socket with its buffer."""


def ports(snapshot: Snapshot, asked: str, *, where: Mapping[PortRef, Where], viewer: Viewer) -> dict[PortRef, str]:
    """Ports, each with what stands there in AWS's words. What is not the viewer's is not there; raises AwsError when nothing is."""
    found = {}
    for port, name in _named(snapshot, asked, where):
        at = where.get(port)
        if at is not None and viewer.sees(at.accounts):
            found[port] = name
            if asked.startswith(("eni-", "vpce-", "upl-")):
                break  # the other end of the same link shows the same packets
    if not found:
        raise AwsError("ResourceNotFound", f"There is no {asked} with a port in the network.", status=404)
    if len(found) > MOST_PORTS:
        sentence = f"{asked} has {len(found)} ports, and {MOST_PORTS} are captured at once: name a part of it."
        raise AwsError("ValidationError", sentence)
    return found


def _named(snapshot: Snapshot, asked: str, where: Mapping[PortRef, Where]) -> Iterator[tuple[PortRef, str]]:
    kind = asked.partition("-")[0]
    if kind in ("i", "vpc", "igw"):
        for port, at in where.items():
            if port.box == asked:
                yield port, f"{at.resource} ({_side(port)})" if kind == "igw" else f"{asked} {at.resource}"
    elif (balancer := snapshot.get(LoadBalancer, asked)) is not None:
        for zone in balancer.zones:
            yield names.node_port(balancer, zone.network_interface), f"{zone.network_interface} ({zone.zone})"
        for endpoint in snapshot.values(VpcEndpoint):
            if endpoint.load_balancer == balancer.id:
                yield names.endpoint_port(balancer, endpoint.id), endpoint.id
    elif snapshot.get(TargetGroup, asked) is not None:
        for placed in balancing.placed_targets(snapshot, asked):
            of = placed.interface
            if of is not None and of.attachment is not None:
                attached = of.attachment
                yield names.instance_port(attached.instance, attached.device_index), f"{attached.instance} {of.id}"
    else:
        interface = snapshot.get(NetworkInterface, asked)
        resource = interface.uplink if interface is not None and interface.uplink is not None else asked
        for port, at in where.items():
            if at.resource == resource:
                yield port, asked


def _side(port: PortRef) -> str:
    return "toward the internet" if port.device == names.INTERNET else "toward the VPC"


def file_name(asked: str, *, at: str) -> str:
    """A load balancer or target group by its name; `at` is a time."""
    word = asked.split("/")[-2] if asked.startswith("arn:") and asked.count("/") > 1 else asked
    return f"{''.join(letter if letter.isalnum() or letter in '-_' else '_' for letter in word)}-{at}.pcapng"
