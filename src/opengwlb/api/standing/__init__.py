"""What stands behind every member of every operation: the files beside this one say it, member by member.

They are read by three: by dispatch, which refuses what nobody acts on (`guard.py`); by the walk over settings (tests/standing), which
demands the proof of everything else; and by the generator of docs/*/operations.md. The form of the files:

    [ec2.CreateVpc]
    by = "packets"              what the operation as a whole does: packets, stored, answers
    tests = ["test_…"]          what proves it: functions below tests/
    packets = ["CidrBlock"]     members whose effect those tests see in packets
    answers = ["DryRun"]        members that change only what is answered
    stored = ["TagSpecifications"]      kept and shown again, without effect on packets: key pairs, DHCP options and tags only
    unproved = ["…"]            acted on, but no packet has shown it yet: a test fails until one does
    refused = ["Ipv6Pool"]      the guard refuses them
    refuses = ["OutpostArn"]    the action refuses them itself, in words of its own
    [ec2.CreateVpc.proof]       members with tests of their own
    AmazonProvidedIpv6CidrBlock = ["test_…"]
    [elbv2.ModifyListenerAttributes.keys]       attributes that the call sets by name: the tests of each, or "answers"
    "tcp.idle_timeout.seconds" = ["test_…"]
    [ec2.CreateVpc.means]       values of refused members that ask for what is done anyway
    InstanceTenancy = ["default"]

Whole operations stand in operations.toml: `refused` ones answer AWS's error whatever they are sent, `empty` ones describe what this
product has none of, so any filter and any page of it is what the caller asked for.

A member of a structure is written `Placement.Tenancy`; a list has the name of its member. What stands for a structure stands for
everything in it that is not listed by itself; where only members of a structure are listed, the others are refused.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

KINDS = ("packets", "answers", "stored", "unproved", "refused", "refuses")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One operation."""

    service: str
    """botocore's name."""
    operation: str
    by: str
    tests: tuple[str, ...]
    members: Mapping[str, str]
    """Path -> one of KINDS."""
    proof: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Path -> tests of its own."""
    means: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """Path of a refused member -> values that are taken."""
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Attribute -> the tests of it; none for one that changes only what is answered."""

    def of(self, path: str) -> str | None:
        """The kind of a member: its own, or that of the nearest structure around it; None when nothing is said."""
        while path:
            if path in self.members:
                return self.members[path]
            path = path.rpartition(".")[0]
        return None


def _read(service: str, operation: str, table: Mapping[str, Any]) -> Standing:
    proof = {path: tuple(tests) for path, tests in table.get("proof", {}).items()}
    members = {path: kind for kind in KINDS for path in table.get(kind, ())}
    for path in proof:
        members.setdefault(path, "packets")
    return Standing(
        service=service,
        operation=operation,
        by=table["by"],
        tests=tuple(table.get("tests", ())),
        members=members,
        proof=proof,
        keys={key: () if tests == "answers" else tuple(tests) for key, tests in table.get("keys", {}).items()},
        means={path: tuple(values) for path, values in table.get("means", {}).items()},
    )


WHOLE = "operations.toml"


def _tables() -> Iterator[Standing]:
    for source in sorted(files(__name__).iterdir(), key=lambda each: each.name):
        if source.name == WHOLE:
            for way, services in tomllib.loads(source.read_text(encoding="utf-8")).items():
                for service, operations in services.items():
                    for operation in operations:
                        yield Standing(service=service, operation=operation, by=way, tests=(), members={})
        elif source.name.endswith(".toml"):
            for service, operations in tomllib.loads(source.read_text(encoding="utf-8")).items():
                for operation, table in operations.items():
                    yield _read(service, operation, table)


@cache
def standings() -> Mapping[tuple[str, str], Standing]:
    """(service, operation) -> its standing, from every file; read once."""
    found: dict[tuple[str, str], Standing] = {}
    for standing in _tables():
        key = (standing.service, standing.operation)
        if key in found:
            raise ValueError(f"{standing.service} {standing.operation} stands in two files")
        found[key] = standing
    return found
