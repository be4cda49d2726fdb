"""The numbered entries of network ACLs: made, replaced, deleted."""

from __future__ import annotations

from dataclasses import replace

from opengwlb.api.common import cidrs, quotas, resources
from opengwlb.api.common.errors import bad_combination, dry_run, invalid_parameter, invalid_value, missing
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.vpc import NetworkAcl, NetworkAclEntry
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

from .network_acls import LAST_RULE, PORTS

_NUMBERS = {"tcp": "6", "udp": "17", "icmp": "1", "icmpv6": "58", "all": "-1"}
_HIGHEST_PORT = 65535


@action("ec2", "CreateNetworkAclEntry")
def create_network_acl_entry(ctx: Context, params: Parameters) -> Answer:
    entry = _read(params)

    def work(tx: Transaction) -> None:
        acl = resources.require(ctx, tx, NetworkAcl, params["NetworkAclId"])
        if _find(acl, entry.number, egress=entry.egress) is not None:
            raise AwsError(
                "NetworkAclEntryAlreadyExists",
                f"The network acl entry identified by {entry.number} already exists.",
            )
        _check_quota(ctx, tx, acl, entry)
        dry_run(params)
        tx.put(replace(acl, entries=(*acl.entries, entry)))

    ctx.store.transact(work)
    return {}


@action("ec2", "ReplaceNetworkAclEntry")
def replace_network_acl_entry(ctx: Context, params: Parameters) -> Answer:
    entry = _read(params)

    def work(tx: Transaction) -> None:
        acl = resources.require(ctx, tx, NetworkAcl, params["NetworkAclId"])
        old = _require(acl, entry.number, egress=entry.egress)
        without = replace(acl, entries=tuple(each for each in acl.entries if each is not old))
        _check_quota(ctx, tx, without, entry)
        dry_run(params)
        tx.put(replace(acl, entries=tuple(entry if each is old else each for each in acl.entries)))

    ctx.store.transact(work)
    return {}


@action("ec2", "DeleteNetworkAclEntry")
def delete_network_acl_entry(ctx: Context, params: Parameters) -> Answer:
    number = _number(params)

    def work(tx: Transaction) -> None:
        acl = resources.require(ctx, tx, NetworkAcl, params["NetworkAclId"])
        old = _require(acl, number, egress=params["Egress"])
        dry_run(params)
        tx.put(replace(acl, entries=tuple(each for each in acl.entries if each is not old)))

    ctx.store.transact(work)
    return {}


def _find(acl: NetworkAcl, number: int, *, egress: bool) -> NetworkAclEntry | None:
    return next((each for each in acl.entries if each.number == number and each.egress is egress), None)


def _require(acl: NetworkAcl, number: int, *, egress: bool) -> NetworkAclEntry:
    found = _find(acl, number, egress=egress)
    if found is None:
        raise AwsError(
            "InvalidNetworkAclEntry.NotFound", f"The network acl entry identified by {number} does not exist."
        )
    return found


def _check_quota(ctx: Context, tx: Transaction, acl: NetworkAcl, entry: NetworkAclEntry) -> None:
    """Per direction and family, AWS's last entry that denies the rest counted with them."""
    alike = [each for each in acl.entries if each.egress is entry.egress and (":" in each.cidr) == (":" in entry.cidr)]
    quotas.check(ctx, tx, "rules-per-network-acl", count=len(alike) + 2)


def _read(params: Parameters) -> NetworkAclEntry:
    """Errors: MissingParameter, InvalidParameterCombination, InvalidParameterValue."""
    number, cidr, protocol = _number(params), _cidr(params), _protocol(params["Protocol"])
    verdict = params["RuleAction"].lower()
    if verdict not in ("allow", "deny"):
        raise invalid_parameter(params["RuleAction"], parameter="ruleAction", reason="Use allow or deny.")
    low, high = _ports(params) if protocol in PORTS else (0, _HIGHEST_PORT)
    # ICMPv6 in IPv4 means all of its types, whatever the call says (documented at the parameter).
    has_types = protocol == "1" or (protocol == "58" and ":" in cidr)
    kind, code = _icmp(params) if has_types else (-1, -1)
    return NetworkAclEntry(
        number=number,
        egress=params["Egress"],
        allow=verdict == "allow",
        protocol=protocol,
        cidr=cidr,
        from_port=low,
        to_port=high,
        icmp_type=kind,
        icmp_code=code,
    )


def _number(params: Parameters) -> int:
    number: int = params["RuleNumber"]
    if not 1 <= number < LAST_RULE:
        raise invalid_parameter(
            number, parameter="ruleNumber", reason=f"Must be from 1 to {LAST_RULE - 1}; higher ones are reserved."
        )
    return number


def _cidr(params: Parameters) -> str:
    four, six = params.get("CidrBlock"), params.get("Ipv6CidrBlock")
    if four and six:
        raise bad_combination("The request must contain exactly one of cidrBlock or ipv6CidrBlock")
    if six:
        return str(cidrs.block6(six, parameter="ipv6CidrBlock"))
    if not four:
        raise missing("cidrBlock or ipv6CidrBlock")
    return str(cidrs.block(four, parameter="cidrBlock"))


def _protocol(text: str) -> str:
    number = _NUMBERS.get(text.lower(), text)
    if number == "-1" or (number.isdigit() and int(number) <= 255):
        return str(int(number))
    raise invalid_parameter(text, parameter="protocol", reason="Unknown protocol.")


def _ports(params: Parameters) -> tuple[int, int]:
    asked = params.get("PortRange") or {}
    low, high = asked.get("From"), asked.get("To")
    if low is None or high is None:
        raise missing("portRange.from and portRange.to")
    if low == high == -1:
        return 0, _HIGHEST_PORT
    if not 0 <= low <= high <= _HIGHEST_PORT:
        raise invalid_value(f"Invalid TCP/UDP port range ({low}-{high})")
    return low, high


def _icmp(params: Parameters) -> tuple[int, int]:
    asked = params.get("IcmpTypeCode") or {}
    kind, code = asked.get("Type"), asked.get("Code")
    if kind is None or code is None:
        raise missing("icmpTypeCode.type and icmpTypeCode.code")
    if not (-1 <= kind <= 255 and -1 <= code <= 255):
        raise invalid_value(f"Invalid ICMP type or code ({kind}, {code})")
    return kind, code
