"""How a network interface is described and filtered: with its groups, public address and attachment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from opengwlb.api.common import tags
from opengwlb.api.common.describe import timestamp
from opengwlb.api.common.filters import flag, present
from opengwlb.api.common.interfaces import addresses_of
from opengwlb.api.common.zones import zones
from opengwlb.api.context import Answer
from opengwlb.model.ids import hex_part
from opengwlb.model.snapshot import View
from opengwlb.model.vpc import NetworkInterface, SecurityGroup
from opengwlb.policy.resolver import private_dns_name, public_dns_name


def answer(view: View, interface: NetworkInterface) -> Answer:
    addresses = [_private_address(view, interface, each) for each in interface.private_ips]
    primary = addresses[0]
    shown: Answer = {
        "NetworkInterfaceId": interface.id,
        "OwnerId": interface.account,
        "VpcId": interface.vpc,
        "SubnetId": interface.subnet,
        "AvailabilityZone": interface.zone,
        "AvailabilityZoneId": _zone_id(interface),
        "Description": interface.description,
        "Groups": group_names(view, interface.groups),
        "InterfaceType": interface.interface_type,
        "Ipv6Addresses": [{"Ipv6Address": each, "IsPrimaryIpv6": False} for each in interface.ipv6_addresses],
        "MacAddress": interface.mac,
        "PrivateDnsName": primary["PrivateDnsName"],
        "PrivateIpAddress": interface.private_ip,
        "PrivateIpAddresses": addresses,
        "RequesterManaged": interface.requester_managed,
        "SourceDestCheck": interface.source_dest_check,
        "Status": "in-use" if _attached(interface) else "available",
        "TagSet": tags.answer(interface.tags),
    }
    if interface.ipv6_addresses:
        shown["Ipv6Address"] = interface.ipv6_addresses[0]
    # Of one that somebody made for himself, AWS names him.
    shown["RequesterId"] = interface.requester_id or interface.account
    if attachment := _attachment(interface):
        shown["Attachment"] = attachment
    if "Association" in primary:
        shown["Association"] = primary["Association"]
    if tracking := connection_tracking(interface):
        shown["ConnectionTrackingConfiguration"] = tracking
    return shown


def connection_tracking(interface: NetworkInterface) -> Answer:
    """The timeouts that were set."""
    values = {
        "TcpEstablishedTimeout": interface.tracking.tcp_established_s,
        "UdpStreamTimeout": interface.tracking.udp_stream_s,
        "UdpTimeout": interface.tracking.udp_s,
    }
    return {member: value for member, value in values.items() if value is not None}


def _private_address(view: View, interface: NetworkInterface, address: str) -> Answer:
    shown: Answer = {
        "Primary": address == interface.private_ip,
        "PrivateDnsName": private_dns_name(address, region=interface.region),
        "PrivateIpAddress": address,
    }
    if association := _association(view, interface, address):
        shown["Association"] = association
    return shown


def group_names(view: View, group_ids: Iterable[str]) -> list[dict[str, str]]:
    groups = (view.get(SecurityGroup, group_id) for group_id in group_ids)
    return [{"GroupId": group.id, "GroupName": group.name} for group in groups if group is not None]


def _zone_id(interface: NetworkInterface) -> str | None:
    return next((zone.id for zone in zones(interface.region) if zone.name == interface.zone), None)


def _attached(interface: NetworkInterface) -> bool:
    return interface.attachment is not None or interface.requester_managed or interface.uplink is not None


def _attachment(interface: NetworkInterface) -> Answer | None:
    attachment = interface.attachment
    if attachment is not None:
        return {
            "AttachmentId": attachment.id,
            "AttachTime": timestamp(attachment.attach_time),
            "DeleteOnTermination": attachment.delete_on_termination,
            "DeviceIndex": attachment.device_index,
            "NetworkCardIndex": 0,
            "InstanceId": attachment.instance,
            "InstanceOwnerId": interface.account,
            "Status": attachment.status,
        }
    if interface.uplink is not None:
        # No instance: the host behind it is not of this cloud.
        return {
            "AttachmentId": f"uplink-attach-{hex_part(interface.id)}",
            "DeleteOnTermination": True,
            "DeviceIndex": 0,
            "InstanceOwnerId": interface.account,
            "Status": "attached",
        }
    if not interface.requester_managed:
        return None
    # AWS attaches these to a service of its own, under an id that no call takes.
    return {
        "AttachmentId": f"ela-attach-{hex_part(interface.id)}",
        "DeleteOnTermination": False,
        "DeviceIndex": 1,
        "InstanceOwnerId": "amazon-aws",
        "Status": "attached",
    }


def _association(view: View, interface: NetworkInterface, private_ip: str) -> Answer | None:
    address = addresses_of(view, interface).get(private_ip)
    if address is None:
        return None
    shown: Answer = {
        "IpOwnerId": "amazon" if address.automatic else address.account,
        "PublicDnsName": public_dns_name(address.public_ip, region=address.region),
        "PublicIp": address.public_ip,
    }
    if not address.automatic:
        shown |= {"AllocationId": address.id, "AssociationId": address.association}
    return shown


def spec(view: View) -> Mapping[str, Callable[[NetworkInterface], Iterable[str]]]:
    def of(*path: str) -> Callable[[NetworkInterface], Iterable[str]]:
        return lambda interface: _at(answer(view, interface), path)

    def of_addresses(member: str) -> Callable[[NetworkInterface], Iterable[str]]:
        """A member of the association of any of the private addresses."""
        return lambda interface: [
            each["Association"][member]
            for each in answer(view, interface)["PrivateIpAddresses"]
            if member in each.get("Association", {})
        ]

    def none(_: NetworkInterface) -> Iterable[str]:
        return ()

    members = {
        "association.allocation-id": ("Association", "AllocationId"),
        "association.association-id": ("Association", "AssociationId"),
        "association.ip-owner-id": ("Association", "IpOwnerId"),
        "association.public-ip": ("Association", "PublicIp"),
        "association.public-dns-name": ("Association", "PublicDnsName"),
        "attachment.attachment-id": ("Attachment", "AttachmentId"),
        "attachment.attach-time": ("Attachment", "AttachTime"),
        "attachment.delete-on-termination": ("Attachment", "DeleteOnTermination"),
        "attachment.device-index": ("Attachment", "DeviceIndex"),
        "attachment.instance-id": ("Attachment", "InstanceId"),
        "attachment.instance-owner-id": ("Attachment", "InstanceOwnerId"),
        "attachment.status": ("Attachment", "Status"),
        "private-dns-name": ("PrivateDnsName",),
        "status": ("Status",),
    }
    return {
        **{name: of(*path) for name, path in members.items()},
        "addresses.association.allocation-id": of_addresses("AllocationId"),
        "addresses.association.association-id": of_addresses("AssociationId"),
        "addresses.association.ip-owner-id": of_addresses("IpOwnerId"),
        "addresses.association.owner-id": of_addresses("IpOwnerId"),
        "addresses.association.public-dns-name": of_addresses("PublicDnsName"),
        "addresses.private-dns-name": lambda interface: [
            private_dns_name(each, region=interface.region) for each in interface.private_ips
        ],
        "addresses.association.public-ip": of_addresses("PublicIp"),
        "addresses.primary": lambda interface: ("true", "false") if interface.further_ips else ("true",),
        "addresses.private-ip-address": lambda interface: interface.private_ips,
        "availability-zone": lambda interface: (interface.zone,),
        "availability-zone-id": lambda interface: present(_zone_id(interface)),
        "description": lambda interface: (interface.description,),
        "group-id": lambda interface: interface.groups,
        "group-name": lambda interface: [each["GroupName"] for each in group_names(view, interface.groups)],
        "interface-type": lambda interface: (interface.interface_type,),
        "ipv6-addresses.ipv6-address": lambda interface: interface.ipv6_addresses,
        "mac-address": lambda interface: (interface.mac,),
        "network-interface-id": lambda interface: (interface.id,),
        "operator.managed": lambda _: flag(False),
        "operator.principal": none,
        "owner-id": lambda interface: (interface.account,),
        "private-ip-address": lambda interface: interface.private_ips,
        "requester-id": lambda interface: (interface.requester_id or interface.account,),
        "requester-managed": lambda interface: flag(interface.requester_managed),
        "source-dest-check": lambda interface: flag(interface.source_dest_check),
        "subnet-id": lambda interface: (interface.subnet,),
        "vpc-id": lambda interface: (interface.vpc,),
    }


def _at(shown: Any, path: tuple[str, ...]) -> Iterable[str]:
    for member in path:
        shown = shown.get(member)
        if shown is None:
            return ()
    if isinstance(shown, bool):
        return flag(shown)
    return (shown.strftime("%Y-%m-%dT%H:%M:%S.000Z") if hasattr(shown, "strftime") else str(shown),)
