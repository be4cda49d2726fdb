"""What an instance may read about itself: the metadata service's tree, as a value. Pure; `services/metadata.py` serves it.

Directories are dicts, leaves text or a function that makes it when it is asked for. Source: "Instance metadata categories" and
"Instance identity documents" in the EC2 User Guide.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from opengwlb.model.compute import Instance
from opengwlb.model.iam import InstanceProfile, ProfileAssociation, Role
from opengwlb.model.snapshot import View
from opengwlb.model.vpc import Address, NetworkInterface, SecurityGroup, Subnet, Vpc

from . import iam
from .resolver import private_dns_name, public_dns_name
from .sessions import Session, issue

Leaf = str | Callable[[], str]
Tree = dict[str, "Leaf | Tree"]

CREDENTIALS_S = 6 * 3600
"""How long an instance's credentials hold; it gets new ones every hour."""
RENEWED_S = 3600
EC2 = iam.Principal(account="", service="ec2.amazonaws.com")


def instance_at(view: View, vpc: str, address: str) -> Instance | None:
    """Whose address that is in this VPC."""
    for interface in view.values(NetworkInterface):
        if interface.vpc == vpc and address in interface.private_ips and interface.attachment is not None:
            return view.get(Instance, interface.attachment.instance)
    return None


def meta_data(
    view: View, instance: Instance, *, zone_id: str, product_code: str, session_key: bytes, now: float
) -> Tree:
    """`/latest/meta-data/`."""
    interfaces = [one for each in instance.network_interfaces if (one := view.get(NetworkInterface, each)) is not None]
    primary = interfaces[0]
    public = _public(view, primary)
    hostname = private_dns_name(instance.private_ip, region=instance.region)
    tree: Tree = {
        "ami-id": instance.image,
        "ami-launch-index": str(instance.launch_index),
        "ami-manifest-path": "(unknown)",
        "block-device-mapping": {"ami": "/dev/xvda", "root": "/dev/xvda"},
        "events": {"maintenance": {"history": "[]", "scheduled": "[]"}},
        "hostname": hostname,
        "instance-action": "none",
        "instance-id": instance.id,
        "instance-life-cycle": "on-demand",
        "instance-type": instance.instance_type,
        "local-hostname": hostname,
        "local-ipv4": instance.private_ip,
        "mac": primary.mac,
        "network": {"interfaces": {"macs": {one.mac: _interface(view, one) for one in interfaces}}},
        "placement": {
            "availability-zone": instance.zone,
            "availability-zone-id": zone_id,
            "region": instance.region,
        },
        "profile": "default-hvm",
        "reservation-id": instance.reservation,
        "security-groups": "\n".join(_group_names(view, primary)),
        "services": {"domain": "amazonaws.com", "partition": "aws"},
        "system": "xen",
    }
    if public is not None:
        tree["public-ipv4"] = public
        if _has_public_names(view, instance.vpc):
            tree["public-hostname"] = public_dns_name(public, region=instance.region)
    if primary.ipv6_addresses:
        tree["ipv6"] = primary.ipv6_addresses[0]
    if product_code:
        tree["product-codes"] = product_code
    if instance.metadata.tags:
        # A name with a slash would be a directory; EC2 refuses to show such ones.
        tree["tags"] = {"instance": {key: value for key, value in instance.tags.items() if "/" not in key}}
    association = next((each for each in view.values(ProfileAssociation) if each.instance == instance.id), None)
    if association is not None:
        tree["iam"] = _iam(view, instance, association, session_key=session_key, now=now)
    return dict(sorted(tree.items()))


def _interface(view: View, interface: NetworkInterface) -> Tree:
    """`network/interfaces/macs/MAC/`."""
    subnet, vpc = view.get(Subnet, interface.subnet), view.get(Vpc, interface.vpc)
    associations = {
        one.public_ip: one.private_ip or interface.private_ip
        for one in view.values(Address)
        if one.network_interface == interface.id
    }
    attachment = interface.attachment
    tree: Tree = {
        "device-number": str(attachment.device_index if attachment is not None else 0),
        "interface-id": interface.id,
        "local-hostname": private_dns_name(interface.private_ip, region=interface.region),
        "local-ipv4s": "\n".join(interface.private_ips),
        "mac": interface.mac,
        "owner-id": interface.account,
        "security-group-ids": "\n".join(interface.groups),
        "security-groups": "\n".join(_group_names(view, interface)),
        "subnet-id": interface.subnet,
        "vpc-id": interface.vpc,
    }
    if subnet is not None:
        tree["subnet-ipv4-cidr-block"] = subnet.cidr
        if subnet.ipv6 is not None:
            tree["subnet-ipv6-cidr-blocks"] = subnet.ipv6.cidr
    if vpc is not None:
        tree["vpc-ipv4-cidr-block"], tree["vpc-ipv4-cidr-blocks"] = vpc.cidr, "\n".join(vpc.cidrs)
        if vpc.ipv6:
            tree["vpc-ipv6-cidr-blocks"] = "\n".join(block.cidr for block in vpc.ipv6)
    if interface.ipv6_addresses:
        tree["ipv6s"] = "\n".join(interface.ipv6_addresses)
    if associations:
        tree["public-ipv4s"] = "\n".join(associations)
        tree["ipv4-associations"] = dict(associations)
    public = _public(view, interface)
    if public is not None and _has_public_names(view, interface.vpc):
        tree["public-hostname"] = public_dns_name(public, region=interface.region)
    return dict(sorted(tree.items()))


def _public(view: View, interface: NetworkInterface) -> str | None:
    """The one of its primary address."""
    main = (None, interface.private_ip)
    mine = (one for one in view.values(Address) if one.network_interface == interface.id and one.private_ip in main)
    return next((one.public_ip for one in mine), None)


def _has_public_names(view: View, vpc_id: str) -> bool:
    vpc = view.get(Vpc, vpc_id)
    return vpc is not None and vpc.enable_dns_hostnames


def _group_names(view: View, interface: NetworkInterface) -> list[str]:
    found = (view.get(SecurityGroup, group) for group in interface.groups)
    return [group.name for group in found if group is not None]


def _iam(view: View, instance: Instance, association: ProfileAssociation, *, session_key: bytes, now: float) -> Tree:
    """`iam/`: nothing but `info` once the profile has no role (any more)."""
    profile = view.get(InstanceProfile, association.profile)
    role = view.get(Role, profile.role) if profile is not None else None
    issued = int(now) - int(now) % RENEWED_S
    info: dict[str, Any] = {
        "Code": "Success",
        "LastUpdated": _time(issued),
        "InstanceProfileArn": association.profile,
        "InstanceProfileId": association.profile_id,
    }
    if role is None:
        return {"info": _json({**info, "Code": "InstanceProfileNotFound"})}
    asked = iam.Asked(action="sts:AssumeRole", principal=EC2)
    if iam.evaluate(iam.parse(role.trust, principals=True), asked) != "allowed":
        refused = {
            "Code": "AssumeRoleUnauthorizedAccess",
            "Message": f"EC2 cannot assume the role {role.name}. Its trust policy must allow sts:AssumeRole to ec2.amazonaws.com.",
            "LastUpdated": _time(issued),
        }
        return {"info": _json({**info, **refused}), "security-credentials": {role.name: _json(refused)}}
    session = Session(
        account=role.account,
        role=role.id,
        role_id=role.role_id,
        name=instance.id,
        issued=issued,
        expires=issued + CREDENTIALS_S,
        nonce="instance",
    )

    def credentials() -> str:
        made = issue(session, key=session_key)
        return _json(
            {
                "Code": "Success",
                "LastUpdated": _time(issued),
                "Type": "AWS-HMAC",
                "AccessKeyId": made.access_key,
                "SecretAccessKey": made.secret,
                "Token": made.token,
                "Expiration": _time(session.expires),
            }
        )

    return {"info": _json(info), "security-credentials": {role.name: credentials}}


def identity_document(instance: Instance, *, architecture: str, product_code: str) -> str:
    """As AWS formats it, because its signatures are over these very bytes."""
    document = {
        "accountId": instance.account,
        "architecture": architecture,
        "availabilityZone": instance.zone,
        "billingProducts": None,
        "devpayProductCodes": None,
        "marketplaceProductCodes": [product_code] if product_code else None,
        "imageId": instance.image,
        "instanceId": instance.id,
        "instanceType": instance.instance_type,
        "kernelId": None,
        "pendingTime": _time(int(instance.launch_time)),
        "privateIp": instance.private_ip,
        "ramdiskId": None,
        "region": instance.region,
        "version": "2017-09-30",
    }
    return json.dumps(document, indent=2, separators=(",", " : "))


def look_up(tree: Mapping[str, Any], path: str) -> str | None:
    """What stands at `a/b/c`, or the listing of a directory; None for nothing."""
    node: Any = tree
    parts = path.split("/")
    for place, part in enumerate(parts):
        if isinstance(node, Mapping):
            if part == "" and place == len(parts) - 1:
                break
            if part not in node:
                return None
            node = node[part]
        else:
            return None
    if isinstance(node, Mapping):
        return "\n".join(f"{name}/" if isinstance(below, Mapping) else name for name, below in node.items())
    return str(node() if callable(node) else node)


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2, separators=(",", " : "))


def _time(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
