"""Opens and closes the listeners that the stored objects ask for, each in its own box; one asyncio loop in a thread serves them all.

Level-triggered: what should listen follows from the snapshot and from what is built; a box that was made anew gets new listeners,
because the old ones are in the namespace that is gone.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
import threading
from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from opengwlb.model.compute import Instance
from opengwlb.model.ids import device_name
from opengwlb.model.privatelink import InterfaceEndpoint
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.vpc import NetworkInterface, Subnet, Vpc
from opengwlb.policy.addressing import METADATA_ADDRESS, RESOLVER_ADDRESS, resolver_address
from opengwlb.policy.network import exists
from opengwlb.policy.resolver import endpoint_addresses
from opengwlb.store.protocol import Store

from .api import ApiEndpoint, ApiGateway
from .authority import server_context
from .dns import DnsServer, Resolver
from .http import HttpServer
from .metadata import MetadataService

log = logging.getLogger(__name__)

OpenSocket = Callable[[str, int, int], socket.socket]
"""(box, family, kind) -> a socket that belongs to the box (`Fabric.open_socket`). Raises OSError."""
SETTLED_S, RETRY_S = 5.0, 1.0
METADATA_BODY = 1024
API_BODY = 1 << 20
_START_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """What listens, and where; two that are equal are the same one."""

    kind: Literal["metadata", "dns", "http", "https"]
    box: str
    made: int
    """Which making of the box."""
    address: str
    device: str = ""
    """Empty: any of the box's."""
    names: tuple[str, ...] = ()
    """What its certificate says."""

    @property
    def key(self) -> str:
        return f"{self.kind} at {self.address} in {self.box}"


class Server(Protocol):
    def close(self) -> None: ...


_HEEDED = (Vpc, Subnet, Instance, InterfaceEndpoint, NetworkInterface)
"""Kinds that decide what listens where."""


class Services:
    """`reconcile` is called by one thread at a time; the rest is read by others."""

    def __init__(
        self,
        *,
        store: Store,
        gateway: ApiGateway,
        open_socket: OpenSocket,
        built: Callable[[], Collection[str]],
        made: Callable[[], Mapping[str, int]],
        clock: Callable[[], float],
    ) -> None:
        """`built()` are the boxes and links that stand, `made()` says how often this server made a box."""
        self.errors: dict[str, str] = {}
        """Box -> why something of it does not listen."""
        self.tried: frozenset[str] = frozenset()
        """VPCs whose listeners were opened, or could not be."""
        self._store = store
        self._gateway = gateway
        self._open_socket = open_socket
        self._built = built
        self._made = made
        self._clock = clock
        self._running: dict[Listener, Server] = {}
        self._settled: tuple[Snapshot, Collection[str], Mapping[str, int]] | None = None
        """What was looked at when nothing was left to be done."""
        self._startable: tuple[Any, frozenset[str]] = (None, frozenset())
        # Five sockets for each VPC, and two for each address of an endpoint: more than the usual 1024 with two hundred VPCs.
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="services", daemon=True)
        self._thread.start()

    def reconcile(self) -> float:
        snapshot, built, made = self._store.snapshot(), self._built(), self._made()
        settled = self._settled
        if settled is not None and snapshot.same(settled[0], _HEEDED) and (built, made) == settled[1:]:
            return SETTLED_S
        wanted = wanted_listeners(snapshot, built=built, made=made)
        for listener in self._running.keys() - wanted:
            self._call(self._end(self._running.pop(listener)))
        errors: dict[str, str] = {}
        for listener in sorted(wanted - self._running.keys(), key=lambda one: one.key):
            try:
                self._running[listener] = self._start(listener)
            except (OSError, TimeoutError) as error:
                errors[listener.box] = f"{listener.key}: {error}"
                if self.errors.get(listener.box) != errors[listener.box]:
                    log.warning("%s", errors[listener.box])
        self.errors = errors
        self.tried = frozenset(listener.box for listener in wanted if listener.kind == "metadata")
        pending = any(exists(one) and one.vpc not in self.tried for one in snapshot.values(Instance))
        self._settled = None if pending or errors else (snapshot, built, made)
        return RETRY_S if pending or errors else SETTLED_S

    def startable(self, built: frozenset[str]) -> frozenset[str]:
        """`built` without the instances that should wait a moment, because a script at boot may ask at once."""
        snapshot, tried = self._store.snapshot(), self.tried
        key = (snapshot.revision, built, tried)
        if self._startable[0] != key:
            early = {one.id for one in snapshot.values(Instance) if one.vpc not in tried}
            self._startable = key, built - early
        return self._startable[1]

    def stop(self) -> None:
        for server in self._running.values():
            self._call(self._end(server))
        self._running.clear()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_START_S)

    def _call(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_START_S)

    @staticmethod
    async def _end(server: Server) -> None:
        server.close()

    def _start(self, listener: Listener) -> Server:
        """Raises OSError."""
        if listener.kind == "dns":
            dns = DnsServer(Resolver(store=self._store, vpc=listener.box))
            self._call(dns.start(self._bound(listener, socket.SOCK_DGRAM, 53), self._bound(listener, port=53)))
            return dns
        if listener.kind == "metadata":
            service = MetadataService(store=self._store, vpc=listener.box, clock=self._clock)
            metadata = HttpServer(service, body_limit=METADATA_BODY)
            self._call(metadata.start(self._bound(listener, port=80)))
            return metadata
        secure = listener.kind == "https"
        endpoint = ApiEndpoint(store=self._store, gateway=self._gateway, endpoint=listener.box, secure=secure)
        server = HttpServer(endpoint, body_limit=API_BODY)
        tls = server_context(self._store, listener.names, [listener.address]) if secure else None
        self._call(server.start(self._bound(listener, port=443 if secure else 80), tls=tls))
        return server

    def _bound(self, listener: Listener, kind: int = socket.SOCK_STREAM, port: int = 80) -> socket.socket:
        """A socket of the box at the listener's address; connections that it accepts keep to its device."""
        made = self._open_socket(listener.box, socket.AF_INET, kind)
        try:
            made.setblocking(False)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if listener.device:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, listener.device.encode())
            made.bind((listener.address, port))
        except OSError:
            made.close()
            raise
        return made


def wanted_listeners(snapshot: Snapshot, *, built: Collection[str], made: Mapping[str, int]) -> set[Listener]:
    """VPCs without an instance need no one that listens."""
    found: set[Listener] = set()
    for vpc_id in {one.vpc for one in snapshot.values(Instance) if exists(one)}:
        vpc = snapshot.get(Vpc, vpc_id)
        if vpc is None or vpc_id not in built:
            continue
        generation = made.get(vpc_id, 0)
        found.add(Listener(kind="metadata", box=vpc_id, made=generation, address=METADATA_ADDRESS))
        own = resolver_address(vpc)
        for address in (RESOLVER_ADDRESS, own) if own is not None else ():
            found.add(Listener(kind="dns", box=vpc_id, made=generation, address=address))
    for endpoint in snapshot.values(InterfaceEndpoint):
        if endpoint.state == "deleting" or endpoint.id not in built:
            continue
        names = tuple(name for name, _ in endpoint_addresses(snapshot, endpoint))
        for interface_id in endpoint.network_interfaces.values():
            interface = snapshot.get(NetworkInterface, interface_id)
            if interface is None or interface_id not in built:
                continue
            for kind in ("http", "https"):
                found.add(
                    Listener(
                        kind="https" if kind == "https" else "http",
                        box=endpoint.id,
                        made=made.get(endpoint.id, 0),
                        address=interface.private_ip,
                        device=device_name(interface_id),
                        names=names if kind == "https" else (),
                    )
                )
    return found
