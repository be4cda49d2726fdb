"""Everything that is stored, at one revision: an immutable value that policy decides on."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Generic, Protocol, TypeVar

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
    account.QuotaSetting,
    vpc.Vpc,
    vpc.Subnet,
    vpc.InternetGateway,
    vpc.RouteTable,
    vpc.NetworkInterface,
    vpc.Address,
    vpc.SecurityGroup,
    vpc.NetworkAcl,
    vpc.DhcpOptions,
    compute.KeyPair,
    compute.Instance,
    images.Image,
    images.Agreement,
    images.Catalogue,
    images.Certification,
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


_NONE: Mapping[str, Any] = MappingProxyType({})


class View(Protocol):
    """What a `Snapshot` and a store's `Transaction` have in common: enough to decide on."""

    def get(self, kind: type[T], object_id: str | None) -> T | None: ...
    def values(self, kind: type[T]) -> Iterable[T]: ...


class Index(Generic[T]):
    """Objects of one kind by what `keys` says of each: `Index(Target, lambda one: (one.target_group,))`.

    Made once, beside the functions that ask it. It is built at the first question after a change of its kind, and shared by all
    snapshots that have the same objects of it.
    """

    def __init__(self, kind: type[T], keys: Callable[[T], Iterable[Hashable]]) -> None:
        self.kind = kind
        self.keys = keys
        self._last: tuple[Mapping[str, T], dict[Hashable, tuple[T, ...]]] = ({}, {})

    def of(self, objects: Mapping[str, T]) -> Mapping[Hashable, tuple[T, ...]]:
        """Key -> objects in order of creation. `objects` is never changed by anybody, so the same one has the same answer."""
        # One tuple, so that threads with different snapshots never mix a map with another one's answer.
        known, found = self._last
        if known is not objects:
            gathered: dict[Hashable, list[T]] = {}
            for one in objects.values():
                for key in self.keys(one):
                    gathered.setdefault(key, []).append(one)
            found = {key: tuple(ones) for key, ones in gathered.items()}
            self._last = objects, found
        return found


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

    def find(self, index: Index[T], key: Hashable) -> tuple[T, ...]:
        """The objects that have this key, in order of creation; a look-up, but for the first one after a change of their kind."""
        return index.of(self._objects.get(index.kind, _NONE)).get(key, ())

    def same(self, other: Snapshot, kinds: Iterable[type[Any]]) -> bool:
        """Whether nothing of these kinds differs, by identity: as cheap as it sounds."""
        return all(self._objects.get(kind) is other._objects.get(kind) for kind in kinds)

    def differences(self, older: Snapshot) -> Iterator[tuple[type[Any], str, Any, Any]]:
        """(kind, id, object in `older`, object here) of what is not the very same object; None: not there."""
        for kind in self._objects.keys() | older._objects.keys():
            here, there = self._objects.get(kind, _NONE), older._objects.get(kind, _NONE)
            if here is there:
                continue
            for object_id, one in here.items():
                if (was := there.get(object_id)) is not one:
                    yield kind, object_id, was, one
            # Every replaced object was found above; the walk for those that are gone is needed only when some are.
            for object_id in there.keys() - here.keys():
                yield kind, object_id, there[object_id], None

    def supposing(self, *objects: Stored) -> Snapshot:
        """This revision as it would be with these objects in it, in the place of those of the same id."""
        kinds = dict(self._objects)
        for one in objects:
            kinds[type(one)] = {**kinds.get(type(one), {}), one.id: one}
        return Snapshot(self.revision, kinds)
