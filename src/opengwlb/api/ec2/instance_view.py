"""How an instance is described and filtered: it is seen together with its interfaces, their groups and public addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from opengwlb.api.common import filters, tags
from opengwlb.api.common.describe import timestamp
from opengwlb.api.common.filters import flag, present
from opengwlb.api.common.zones import zones
from opengwlb.api.context import Answer
from opengwlb.model.account import ClientToken
from opengwlb.model.compute import INSTANCE_STATE_CODE, Instance, InstanceState
from opengwlb.model.instance_types import INSTANCE_TYPES
from opengwlb.model.snapshot import View
from opengwlb.model.vpc import NetworkInterface
from opengwlb.policy import images
from opengwlb.policy.resolver import private_dns_name

from . import instance_profiles, metadata_options, network_interface_view
from .images import ARCHITECTURE, product_codes

_NOT_IN_INSTANCES = (
    "AvailabilityZone",
    "AvailabilityZoneId",
    "Ipv6Address",
    "PrivateDnsName",
    "RequesterManaged",
    "RequesterId",
    "TagSet",
)
"""Members of DescribeNetworkInterfaces that the interfaces of DescribeInstances lack (or have only with DNS names on)."""


_NEVER = (
    "affinity",
    "block-device-mapping.attach-time",
    "block-device-mapping.delete-on-termination",
    "block-device-mapping.device-name",
    "block-device-mapping.status",
    "block-device-mapping.volume-id",
    "boot-mode",
    "capacity-reservation-id",
    "capacity-reservation-specification.capacity-reservation-target.capacity-reservation-id",
    "capacity-reservation-specification.capacity-reservation-target.capacity-reservation-resource-group-arn",
    "current-instance-boot-mode",
    "host-id",
    "instance-lifecycle",
    "kernel-id",
    "network-interface.addresses.association.carrier-ip",
    "network-interface.addresses.association.customer-owned-ip",
    "network-interface.association.carrier-ip",
    "network-interface.association.customer-owned-ip",
    "network-interface.deny-all-igw-traffic",
    "network-interface.ipv4-prefixes.ipv4-prefix",
    "network-interface.ipv6-native",
    "network-interface.ipv6-prefixes.ipv6-prefix",
    "network-interface.outpost-arn",
    "network-performance-options.bandwidth-weighting",
    "operator.principal",
    "outpost-arn",
    "placement-group-name",
    "placement-partition-number",
    "platform",
    "ramdisk-id",
    "requester-id",
    "spot-instance-request-id",
    "tpm-support",
)
"""Filters on what no instance has here."""


def state(value: InstanceState) -> dict[str, Any]:
    return {"Code": INSTANCE_STATE_CODE[value], "Name": str(value)}


def client_tokens(view: View) -> dict[str, str]:
    """Instance id -> the token that RunInstances was called with."""
    return {
        instance: token.id.split("/", 3)[3]
        for token in view.values(ClientToken)
        if token.id.split("/")[2] == "RunInstances"
        for instance in token.resource_id.split(",")
    }


def answer(view: View, instance: Instance, *, client_token: str = "") -> Answer:
    """A terminated instance has no network any more, as on AWS."""
    gone = instance.state is InstanceState.TERMINATED
    interfaces = [] if gone else interfaces_of(view, instance)
    primary = interfaces[0] if interfaces else None
    shown_interfaces = [_interface(view, interface) for interface in interfaces]
    association = shown_interfaces[0].get("Association", {}) if shown_interfaces else {}
    shown: Answer = {
        "AmiLaunchIndex": instance.launch_index,
        "Architecture": ARCHITECTURE,
        "BlockDeviceMappings": [],
        "ClientToken": client_token,
        "CpuOptions": {"CoreCount": _cpus(instance), "ThreadsPerCore": 1},
        "EbsOptimized": False,
        "EnaSupport": True,
        "EnclaveOptions": {"Enabled": False},
        "HibernationOptions": {"Configured": False},
        "Hypervisor": "xen",
        "ImageId": instance.image,
        "InstanceId": instance.id,
        "InstanceType": instance.instance_type,
        "LaunchTime": timestamp(instance.launch_time),
        "MetadataOptions": metadata_options.show(instance.metadata),
        "Monitoring": {"State": "enabled" if instance.monitored else "disabled"},
        "NetworkInterfaces": shown_interfaces,
        "Placement": {
            "AvailabilityZone": instance.zone,
            "AvailabilityZoneId": zone_id(instance),
            "GroupName": "",
            "Tenancy": "default",
        },
        "PlatformDetails": "Linux/UNIX",
        "PrivateDnsName": "",
        "ProductCodes": product_codes(images.find(view, instance.image)),
        "PublicDnsName": association.get("PublicDnsName", ""),
        "RootDeviceName": "/dev/xvda",
        "RootDeviceType": "ebs",
        "SecurityGroups": network_interface_view.group_names(view, primary.groups) if primary else [],
        "State": state(instance.state),
        "StateTransitionReason": _transition(instance),
        "Tags": tags.answer(instance.tags),
        "UsageOperation": "RunInstances",
        "UsageOperationUpdateTime": timestamp(instance.launch_time),
        "VirtualizationType": "hvm",
    }
    if not gone:
        shown |= {
            "PrivateDnsName": private_dns_name(instance.private_ip, region=instance.region),
            "PrivateIpAddress": instance.private_ip,
            "SourceDestCheck": source_dest_check(view, instance),
            "SubnetId": instance.subnet,
            "VpcId": instance.vpc,
        }
    profile = instance_profiles.association_of(view, instance.id)
    if profile is not None:
        shown["IamInstanceProfile"] = {"Arn": profile.profile, "Id": profile.profile_id}
    if instance.key_name is not None:
        shown["KeyName"] = instance.key_name
    if instance.state_reason:
        code = instance.state_reason_code or "Server.InternalError"
        shown["StateReason"] = {"Code": code, "Message": instance.state_reason}
    if association:
        shown["PublicIpAddress"] = association["PublicIp"]
    if primary is not None and primary.ipv6_addresses:
        shown["Ipv6Address"] = primary.ipv6_addresses[0]
    return shown


def interfaces_of(view: View, instance: Instance) -> list[NetworkInterface]:
    found = (view.get(NetworkInterface, interface) for interface in instance.network_interfaces)
    return [interface for interface in found if interface is not None]


def source_dest_check(view: View, instance: Instance) -> bool:
    """That of the first interface, which is the one that packets meet."""
    interfaces = interfaces_of(view, instance)
    return interfaces[0].source_dest_check if interfaces else instance.source_dest_check


def _interface(view: View, interface: NetworkInterface) -> Answer:
    shown = {
        member: value
        for member, value in network_interface_view.answer(view, interface).items()
        if member not in _NOT_IN_INSTANCES
    }
    if "Attachment" in shown:
        attachment = shown["Attachment"]
        shown["Attachment"] = {
            member: value for member, value in attachment.items() if not member.startswith("Instance")
        }
    for holder in (shown, *shown["PrivateIpAddresses"]):
        if "Association" in holder:
            holder["Association"] = {
                member: holder["Association"][member] for member in ("IpOwnerId", "PublicDnsName", "PublicIp")
            }
    return shown


def _transition(instance: Instance) -> str:
    if instance.state_reason_code != "Client.UserInitiatedShutdown":
        return ""
    return f"User initiated ({timestamp(instance.state_changed):%Y-%m-%d %H:%M:%S} GMT)"


def _cpus(instance: Instance) -> int:
    kind = INSTANCE_TYPES.get(instance.instance_type)
    return kind.cpus if kind is not None else 1


def zone_id(instance: Instance) -> str | None:
    return next((zone.id for zone in zones(instance.region) if zone.name == instance.zone), None)


def spec(view: View) -> Mapping[str, Callable[[Instance], Iterable[str]]]:
    """The filters of DescribeInstances."""
    of_interface = network_interface_view.spec(view)

    def first(name: str) -> Callable[[Instance], Iterable[str]]:
        """An interface filter under its own name."""
        values = of_interface[name]
        return lambda instance: [value for interface in interfaces_of(view, instance) for value in values(interface)]

    def of(member: str) -> Callable[[Instance], Iterable[str]]:
        return lambda instance: present(answer(view, instance).get(member))

    def reason(part: str) -> Callable[[Instance], Iterable[str]]:
        return lambda instance: present(answer(view, instance).get("StateReason", {}).get(part))

    def profile_part(member: str) -> Callable[[Instance], Iterable[str]]:
        return lambda instance: present(getattr(instance_profiles.association_of(view, instance.id), member, None))

    def options(member: str) -> Callable[[Instance], Iterable[str]]:
        return lambda instance: (str(metadata_options.show(instance.metadata)[member]),)

    def of_image(member: str) -> Callable[[Instance], Iterable[str]]:
        return lambda instance: [each[member] for each in product_codes(images.find(view, instance.image))]

    def interface_tags(part: Callable[[Mapping[str, str]], Iterable[str]]) -> Callable[[Instance], Iterable[str]]:
        return lambda instance: [each for interface in interfaces_of(view, instance) for each in part(interface.tags)]

    tokens = client_tokens(view)
    return {
        **dict.fromkeys(_NEVER, filters.absent),
        **{f"network-interface.{name}": first(name) for name in of_interface},
        "network-interface.attachment.network-card-index": lambda instance: [
            "0" for _ in interfaces_of(view, instance)
        ],
        "network-interface.ipv6-address": first("ipv6-addresses.ipv6-address"),
        "network-interface.ipv6-addresses.is-primary-ipv6": lambda instance: [
            "false" for interface in interfaces_of(view, instance) for _ in interface.ipv6_addresses
        ],
        "network-interface.public-dns-name": first("association.public-dns-name"),
        "network-interface.tag-key": interface_tags(lambda tags: tags.keys()),
        "network-interface.tag-value": interface_tags(lambda tags: tags.values()),
        "capacity-reservation-specification.capacity-reservation-preference": lambda _: ("open",),
        "ebs-optimized": lambda _: flag(False),
        "ena-support": lambda _: flag(True),
        "enclave-options.enabled": lambda _: flag(False),
        "hibernation-options.configured": lambda _: flag(False),
        "maintenance-options.auto-recovery": lambda _: ("default",),
        "metadata-options.http-protocol-ipv4": options("HttpEndpoint"),
        "metadata-options.http-protocol-ipv6": options("HttpProtocolIpv6"),
        "metadata-options.state": options("State"),
        "operator.managed": lambda _: flag(False),
        "private-dns-name-options.enable-resource-name-dns-a-record": lambda _: flag(False),
        "private-dns-name-options.enable-resource-name-dns-aaaa-record": lambda _: flag(False),
        "private-dns-name-options.hostname-type": lambda _: ("ip-name",),
        "product-code": of_image("ProductCodeId"),
        "product-code.type": of_image("ProductCodeType"),
        "reason": lambda instance: present(_transition(instance) or None),
        "usage-operation": lambda _: ("RunInstances",),
        "usage-operation-update-time": lambda instance: (f"{timestamp(instance.launch_time):%Y-%m-%dT%H:%M:%S.000Z}",),
        "architecture": lambda _: (ARCHITECTURE,),
        "availability-zone": lambda instance: (instance.zone,),
        "availability-zone-id": lambda instance: present(zone_id(instance)),
        "client-token": lambda instance: present(tokens.get(instance.id)),
        "dns-name": of("PublicDnsName"),
        "group-id": first("group-id"),
        "group-name": first("group-name"),
        "hypervisor": lambda _: ("xen",),
        "iam-instance-profile.arn": profile_part("profile"),
        "iam-instance-profile.id": profile_part("profile_id"),
        "image-id": lambda instance: (instance.image,),
        "instance-id": lambda instance: (instance.id,),
        "instance-state-code": lambda instance: (str(INSTANCE_STATE_CODE[instance.state]),),
        "instance-state-name": lambda instance: (str(instance.state),),
        "instance-type": lambda instance: (instance.instance_type,),
        "instance.group-id": first("group-id"),
        "instance.group-name": first("group-name"),
        "ip-address": of("PublicIpAddress"),
        "ipv6-address": first("ipv6-addresses.ipv6-address"),
        "key-name": lambda instance: present(instance.key_name),
        "launch-index": lambda instance: (str(instance.launch_index),),
        "launch-time": lambda instance: (f"{timestamp(instance.launch_time):%Y-%m-%dT%H:%M:%S.000Z}",),
        "metadata-options.http-endpoint": options("HttpEndpoint"),
        "metadata-options.http-put-response-hop-limit": options("HttpPutResponseHopLimit"),
        "metadata-options.http-tokens": options("HttpTokens"),
        "metadata-options.instance-metadata-tags": options("InstanceMetadataTags"),
        "monitoring-state": lambda instance: ("enabled" if instance.monitored else "disabled",),
        "owner-id": lambda instance: (instance.account,),
        "platform-details": lambda _: ("Linux/UNIX",),
        "private-dns-name": of("PrivateDnsName"),
        "private-ip-address": of("PrivateIpAddress"),
        "reservation-id": lambda instance: (instance.reservation,),
        "root-device-name": lambda _: ("/dev/xvda",),
        "root-device-type": lambda _: ("ebs",),
        "source-dest-check": lambda instance: flag(source_dest_check(view, instance)),
        "state-reason-code": reason("Code"),
        "state-reason-message": reason("Message"),
        "subnet-id": of("SubnetId"),
        "tenancy": lambda _: ("default",),
        "virtualization-type": lambda _: ("hvm",),
        "vpc-id": of("VpcId"),
    }
