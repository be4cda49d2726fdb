"""What boxes, ports and addresses are called that AWS has no name for."""

from __future__ import annotations

from opengwlb.model.elb import LoadBalancer
from opengwlb.model.ids import device_name, hex_part, mac_address
from opengwlb.model.topology import PortRef

INTERNET = "internet"
CLIENT_ADDRESSES = tuple(f"192.0.2.{host}/32" for host in range(1, 65))
"""The internet box's own addresses (TEST-NET-1, RFC 5737): clients and servers of the lab."""
IGW_ADDRESS = "192.0.2.254/32"
"""Every internet gateway's own: the source of the ICMP errors it sends."""
CLIENT_ADDRESSES6 = tuple(f"2001:db8:ffff::{host:x}/128" for host in range(1, 65))
"""The same for IPv6, in the documentation range (RFC 3849)."""
IGW_ADDRESS6 = "2001:db8:ffff::fffe/128"
NEXT_HOP_VPC = "169.254.0.3"
NEXT_HOP_IGW = "169.254.0.2"
NEXT_HOP_INTERNET = "169.254.0.1"
"""Next hops of the unnumbered links around an internet gateway; permanent neighbours, seen by no one else."""
NEXT_HOP6_VPC = "fe80::3"
NEXT_HOP6_IGW = "fe80::2"
NEXT_HOP6_INTERNET = "fe80::1"


def load_balancer_box(load_balancer: LoadBalancer) -> str:
    return f"gwlb-{load_balancer.hex}"


def router_port(vpc: str, link: str) -> PortRef:
    """The VPC router's end of an `eni-…`, `vpce-…` or `igw-…` link."""
    return PortRef(vpc, device_name(link))


def endpoint_port(load_balancer: LoadBalancer, endpoint: str) -> PortRef:
    """An endpoint's end in its load balancer's box."""
    return PortRef(load_balancer_box(load_balancer), device_name(endpoint))


def node_port(load_balancer: LoadBalancer, interface: str) -> PortRef:
    """A node's end of its ENI."""
    return PortRef(load_balancer_box(load_balancer), device_name(interface))


def instance_port(instance: str, index: int = 0) -> PortRef:
    """The instance's own end of an ENI: `eth0`, `eth1` …"""
    return PortRef(instance, f"eth{index}")


def igw_vpc_port(gateway: str, vpc: str) -> PortRef:
    """The internet gateway's end toward its VPC, where addresses are translated."""
    return PortRef(gateway, f"vpc-{hex_part(vpc)[-10:]}")


def router_mac(link: str) -> str:
    return mac_address(f"{link}/router")


def far_mac(link: str) -> str:
    """The other end of a link that is no ENI of an instance or node."""
    return mac_address(f"{link}/far")
