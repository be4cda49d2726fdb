"""Network ACLs as the rest of the API needs them: the default one of a VPC, and the one association that every subnet has."""

from __future__ import annotations

from dataclasses import replace

from opengwlb.model.ids import new_id
from opengwlb.model.snapshot import View
from opengwlb.model.vpc import NetworkAcl, NetworkAclAssociation, NetworkAclEntry, Vpc
from opengwlb.store.protocol import Transaction

_FIRST, _FIRST6 = 100, 101
"""Rule numbers of a default ACL's entries, by AWS: IPv4's and, in a VPC that has it, IPv6's."""


def default_entries(*, ipv6: bool) -> tuple[NetworkAclEntry, ...]:
    """Everything is allowed, in both directions."""
    families = ((_FIRST, "0.0.0.0/0"), *(((_FIRST6, "::/0"),) if ipv6 else ()))
    return tuple(
        NetworkAclEntry(number=number, egress=egress, allow=True, protocol="-1", cidr=cidr)
        for egress in (True, False)
        for number, cidr in families
    )


def default_of(vpc: Vpc) -> NetworkAcl:
    """A VPC's default ACL as it is made, with no subnet yet."""
    return NetworkAcl(
        id=vpc.default_network_acl,
        account=vpc.account,
        region=vpc.region,
        vpc=vpc.id,
        is_default=True,
        entries=default_entries(ipv6=bool(vpc.ipv6)),
    )


def associate(tx: Transaction, acl_id: str, subnet: str) -> str:
    """Add the association of a subnet that has none; its id."""
    acl = tx.get(NetworkAcl, acl_id)
    assert acl is not None, "callers have looked"
    association = NetworkAclAssociation(id=new_id("aclassoc"), subnet=subnet)
    tx.put(replace(acl, associations=(*acl.associations, association)))
    return association.id


def dissociate(tx: Transaction, subnet: str) -> None:
    """Take the association of a subnet away, wherever it is."""
    for acl in tx.values(NetworkAcl):
        kept = tuple(each for each in acl.associations if each.subnet != subnet)
        if len(kept) != len(acl.associations):
            tx.put(replace(acl, associations=kept))


def follow_ipv6(tx: Transaction, vpc: Vpc) -> None:
    """A VPC has got its first IPv6 block: its default ACL, unless somebody changed it, allows IPv6 too, as on AWS."""
    acl = tx.get(NetworkAcl, vpc.default_network_acl)
    if acl is not None and acl.entries == default_entries(ipv6=False):
        tx.put(replace(acl, entries=default_entries(ipv6=True)))


def of_subnet(view: View, subnet: str) -> NetworkAcl | None:
    """The ACL that a subnet is associated with."""
    return next(
        (acl for acl in view.values(NetworkAcl) if any(each.subnet == subnet for each in acl.associations)), None
    )
