"""Everything that is stored, at one revision: an immutable value that policy decides on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from . import account, chaos, compute, elb, flow_logs, iam, images, privatelink, uplinks, vpc


class Stored(Protocol):
    """Any object of the model: a frozen dataclass with an `id`."""

    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=Stored)

KINDS: tuple[type[Any], ...] = (
    account.Account,
    account.AccessKey,
    account.ClientToken,
    vpc.Vpc,
    vpc.Subnet,
    vpc.InternetGateway,
    vpc.RouteTable,
    vpc.NetworkInterface,
    vpc.Address,
    vpc.SecurityGroup,
    vpc.NetworkAcl,
    compute.Instance,
    images.Image,
    images.Agreement,
    images.Catalogue,
    elb.LoadBalancer,
    elb.TargetGroup,
    elb.Target,
    elb.Listener,
    elb.Slot,
    privatelink.EndpointService,
    privatelink.VpcEndpoint,
    chaos.Chaos,
    privatelink.InterfaceEndpoint,
    iam.Role,
    iam.ManagedPolicy,
    iam.InstanceProfile,
    iam.ProfileAssociation,
    iam.Parameter,
    iam.Secret,
    uplinks.Uplink,
    flow_logs.FlowLog,
)
"""What the store keeps. The class name is the kind's name on disk: renaming one is a migration."""


class View(Protocol):
    """What a `Snapshot` and a store's `Transaction` have in common: enough to decide on."""

    def get(self, kind: type[T], object_id: str | None) -> T | None: ...
    def values(self, kind: type[T]) -> Iterable[T]: ...


class Snapshot:
    """Typed, read-only look at one revision. Cheap to hold: maps are shared between revisions and never changed."""

    __slots__ = ("_objects", "revision")

    def __init__(self, revision: int, objects: Mapping[type[Any], Mapping[str, Any]]) -> None:
        self.revision = revision
        self._objects = objects

    def get(self, kind: type[T], object_id: str | None) -> T | None:
        """The object, or None when there is none of that id."""
        if object_id is None:
            return None
        return self._objects.get(kind, {}).get(object_id)

    def all(self, kind: type[T]) -> Mapping[str, T]:
        """id -> object, in order of creation."""
        return MappingProxyType(dict(self._objects.get(kind, {})))

    def values(self, kind: type[T]) -> Iterable[T]:
        return self._objects.get(kind, {}).values()

    def supposing(self, *objects: Stored) -> Snapshot:
        """This revision as it would be with these objects in it, in the place of those of the same id."""
        kinds = dict(self._objects)
        for one in objects:
            kinds[type(one)] = {**kinds.get(type(one), {}), one.id: one}
        return Snapshot(self.revision, kinds)
