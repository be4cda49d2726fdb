"""The one place where rooms are wired together."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from collections.abc import AsyncIterator, Callable
from types import FrameType
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from opengwlb import admin, admin_demo, admin_images, uplinks
from opengwlb.api import accounts, dispatch
from opengwlb.api.common import defaults
from opengwlb.api.ec2.flow_log_access import log_may_publish
from opengwlb.callers import Callers
from opengwlb.cli import lab, table_size
from opengwlb.cli.options import ServeOptions
from opengwlb.console.console import Console
from opengwlb.control.absent import AbsentInstances, AbsentNetwork, AbsentPrograms
from opengwlb.control.assumed_health import AssumedHealth
from opengwlb.control.chaos import ChaosReconciler
from opengwlb.control.flow_logs import FlowLogKeeper
from opengwlb.control.health import HealthChecker
from opengwlb.control.images import ImageKeeper
from opengwlb.control.instances import InstanceReconciler
from opengwlb.control.lifecycle import LifecycleReconciler
from opengwlb.control.loop import Loop
from opengwlb.control.network import NetworkReconciler
from opengwlb.control.paces import ABSENT_AFTER_S, AFTER_S, IGNORED
from opengwlb.control.passive import PassiveHealth
from opengwlb.control.probe_log import Probes
from opengwlb.control.settling import Settling
from opengwlb.control.uplinks import UplinkReconciler
from opengwlb.dataplane import DataPlane, programs
from opengwlb.dataplane.flows import coarse_ns, slots_for
from opengwlb.instances import ContentStore, RuncDriver
from opengwlb.instances.ended import Ended
from opengwlb.model.mode import Mode
from opengwlb.model.uplinks import Nic
from opengwlb.observe import flow_log_api, metrics, read_api, targets
from opengwlb.observe.overview import overview
from opengwlb.observe.owners import Owners
from opengwlb.observe.picture import Picture
from opengwlb.observe.publishing import Publisher
from opengwlb.store.metrics import MetricStore
from opengwlb.store.sqlite import SqliteStore
from opengwlb.wire.gateway import CBOR_PATH, Gateway
from opengwlb.wire.protocol import BoundedHttp

if TYPE_CHECKING:
    # Loaded where there is a network to make: netlink and cryptography take longer than the rest.
    from opengwlb.cli.demo.background import Background
    from opengwlb.fabric import Fabric
    from opengwlb.services import Services

log = logging.getLogger(__name__)

SWITCH_S = 0.001
"""How long a thread may compute while another waits: after each call to the kernel it waits so long again, and a change makes dozens."""


class Server:
    """Store, reconcilers and HTTP application of one `gwlb serve`.

    Stopping it leaves boxes, programs, instances and packets as they are; `gwlb down` removes them.
    """

    def __init__(self, options: ServeOptions, *, clock: Callable[[], float] = time.time) -> None:
        self.options = options
        options.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        run_dir = lab.run_dir(options.name)
        run_dir.mkdir(parents=True, exist_ok=True)
        self.store = SqliteStore(options.data_dir / "store.sqlite", clock=clock)
        self.metrics = MetricStore(options.data_dir / "metrics.sqlite")
        defaults.complete(self.store)
        self.first_start = admin.first_start(self.store, data_dir=options.data_dir, region=lab.DEFAULT_REGION)
        self.health: HealthChecker | None = None
        self.chaos: ChaosReconciler | None = None
        self.fabric: Fabric | AbsentNetwork
        self.dataplane: DataPlane | AbsentPrograms
        self.driver: RuncDriver | AbsentInstances
        if options.data_plane == "kernel":
            from opengwlb.fabric import Fabric

            fabric = self.fabric = Fabric(name=options.name, run_dir=run_dir)
            self.dataplane = DataPlane(
                run_dir=run_dir,
                objects=programs.directory(),
                max_flows=options.max_flows or table_size.default_flows(table_size.memory_bytes()),
                new_flows_per_s=options.new_flows_per_s,
                tcp_yields_after_s=options.tcp_yields_after_s,
            )
            self.dataplane.open()
            if options.max_flows and self.dataplane.max_flows != slots_for(options.max_flows):
                kept = f"{self.dataplane.max_flows:,}"
                log.warning(
                    "The flow table that is there keeps its %s slots: --max-flows counts after `gwlb down`.", kept
                )
            self.driver = RuncDriver(name=options.name, run_dir=run_dir, data_dir=options.data_dir)
            self.health = HealthChecker(
                store=self.store, open_socket=fabric.open_socket, built=lambda: self.network.built
            )
        else:
            self.fabric, self.dataplane, self.driver = AbsentNetwork(), AbsentPrograms(), AbsentInstances()
        self.network = NetworkReconciler(store=self.store, fabric=self.fabric, dataplane=self.dataplane)
        self.instances = InstanceReconciler(
            store=self.store,
            driver=self.driver,
            namespace=self.fabric.namespace,
            built=self._startable,
            made=lambda box: self.network.made.get(box, 0),
            clock=clock,
            authority=self._authority,
        )
        self.images = ImageKeeper(
            store=self.store,
            contents=ContentStore(options.data_dir / "images") if options.data_plane == "kernel" else None,
            clock=clock,
        )
        lifecycle = LifecycleReconciler(store=self.store, clock=clock)
        passes: dict[str, Callable[[], float]] = {
            "network": self._network_and_services,
            "instances": self.instances.reconcile,
            "lifecycle": lifecycle.reconcile,
            "images": self.images.reconcile,
        }
        if self.health is not None:
            passes["health"] = self.health.reconcile
        if isinstance(self.dataplane, DataPlane):
            self.chaos = ChaosReconciler(
                store=self.store,
                programs=self.dataplane,
                namespace=self.fabric.namespace,
                ifindex=lambda: self.network.ifindex,
                clock=clock,
                monotonic_ns=time.monotonic_ns,
            )
            passes["chaos"] = self.chaos.reconcile
        self.passive: PassiveHealth | None = None
        if isinstance(self.dataplane, DataPlane) and not isinstance(self.fabric, AbsentNetwork):
            from opengwlb.fabric import host
            from opengwlb.fabric.carrier import Carrier

            self.passive = PassiveHealth(
                store=self.store,
                programs=self.dataplane,
                links=Carrier(self.fabric.open_socket),
                processes=Ended(self.driver.running),
                ifindex=lambda: self.network.ifindex,
                clock=clock,
                coarse_ns=coarse_ns,
            )
            passes["passive"] = self.passive.reconcile
            passes["uplinks"] = UplinkReconciler(
                store=self.store, nics=host.nics, errors=lambda: self.network.errors
            ).reconcile
        kernel = options.data_plane == "kernel"
        mode = mode_of(options)
        handle = dispatch.make_handler(self.store, clock, console=self.driver.console, metrics=self.metrics, mode=mode)
        if not kernel:
            passes["health"] = AssumedHealth(store=self.store, mode=mode, clock=clock).reconcile
        if mode is Mode.SUITES:
            settled = [passes.pop(name) for name in ("network", "instances", "lifecycle")]
            settling = Settling(store=self.store, passes=settled)
            handle = settling.after(handle)
            passes["settling"] = settling.reconcile
        owners = Owners(self.store)
        passes["owners"] = owners.reconcile
        self.sources = read_api.Sources(
            store=self.store,
            owners=owners,
            dataplane=self.dataplane if isinstance(self.dataplane, DataPlane) else None,
            fabric=self.fabric if not isinstance(self.fabric, AbsentNetwork) else None,
            ifindex=lambda: self.network.ifindex if kernel else {},
            condemned=lambda: dict(self.passive.condemned) if self.passive is not None else {},
            probes=self.health.log.of if self.health is not None else lambda target: Probes(),
        )
        self.picture = Picture(self.sources)
        passes["targets"] = self.picture.targets.reconcile
        self.sampler = metrics.Sampler(self.sources, clock=time.monotonic)
        if kernel:
            passes["metrics"] = self.sampler.sample
        self.flow_logs = FlowLogKeeper(
            store=self.store,
            records=self.dataplane.flow_records if isinstance(self.dataplane, DataPlane) else None,
            ifindex=lambda: self.network.ifindex,
            may_publish=log_may_publish,
            directory=options.data_dir / "flow-logs",
            clock=clock,
        )
        passes["flow-logs"] = self.flow_logs.reconcile
        driver = self.driver
        publisher = Publisher(
            self.sources,
            metrics=self.metrics,
            sampler=self.sampler,
            cpu=driver.cpu_seconds if isinstance(driver, RuncDriver) else lambda _: None,
            errors=self.errors,
            ready=lambda: self.network.revision >= 0,
            clock=clock,
        )
        passes["cloudwatch"] = publisher.run
        self.passes = passes
        """Reconciler -> one pass of it."""
        rests = AFTER_S if kernel else ABSENT_AFTER_S
        self.loops = [
            Loop(run, name=name, store=self.store, ignores=IGNORED.get(name, ()), after_s=rests.get(name, 0.0))
            for name, run in passes.items()
        ]
        self.handle = handle
        self.gateway = Gateway(
            handle=handle,
            credentials=lambda key: accounts.find_credential(self.store, key),
            auth=options.auth,
            clock=clock,
            default_account=admin.OPERATOR_ACCOUNT,
            default_region=lab.DEFAULT_REGION,
            implemented=dispatch.implemented,
            sessions=lambda token: accounts.find_session(self.store, token),
            requests_per_s=options.requests_per_s,
        )
        self.console = Console(
            store=self.store,
            gateway=self.gateway,
            auth=options.auth,
            operator=admin.OPERATOR_ACCOUNT,
            default_region=lab.DEFAULT_REGION,
            data_plane=options.data_plane,
            clock=clock,
        )
        self.callers = Callers(store=self.store, gateway=self.gateway, console=self.console, auth=options.auth)
        self.demo: Background | None = None
        if kernel:
            from opengwlb.cli.demo.background import Background

            self.demo = Background(name=options.name, snapshot=self.store.snapshot)
        self.services: Services | None = None
        if not isinstance(self.fabric, AbsentNetwork):
            from opengwlb.services import Services

            self.services = Services(
                store=self.store,
                gateway=self.gateway,
                open_socket=self.fabric.open_socket,
                built=lambda: self.network.built,
                made=lambda: self.network.made,
                clock=clock,
            )

    def _network_and_services(self) -> float:
        """What listens in a box comes right after the box."""
        wait_s = self.network.reconcile()
        return wait_s if self.services is None else min(wait_s, self.services.reconcile())

    def _authority(self) -> str:
        from opengwlb.services.authority import authority_certificate

        return authority_certificate(self.store)

    def _startable(self) -> frozenset[str]:
        built = self.network.built
        return built if self.services is None else self.services.startable(built)

    def start(self) -> None:
        if self.health is not None:
            self.health.start()
        for loop in self.loops:
            loop.start()

    def stop(self) -> None:
        if self.demo is not None:
            self.demo.stop()
        for loop in self.loops:
            loop.end()
        for loop in self.loops:
            loop.stop()
        if self.services is not None:
            self.services.stop()
        if self.health is not None:
            self.health.stop()
        if isinstance(self.dataplane, DataPlane):
            self.dataplane.close()
        self.store.close()
        self.metrics.close()

    def application(self) -> ASGIApp:
        """AWS's calls go to the gateway without the router's machinery, which would cost as much as the call."""
        others = self._pages()

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http" and scope["path"] == "/" and scope["method"] in ("GET", "POST"):
                response = await self.gateway.endpoint(Request(scope, receive))
                await response(scope, receive, send)
            else:
                await others(scope, receive, send)

        return application

    def _pages(self) -> Starlette:
        joined = uplinks.routes(
            store=self.store,
            look=_look if self.options.data_plane == "kernel" else None,
            operator_only=admin.operator_only_by(self.callers.account_of),
            clock=time.time,
        )
        own = admin.routes(
            store=self.store,
            data_dir=self.options.data_dir,
            region=lab.DEFAULT_REGION,
            authenticate=self.callers.account_of,
            status=self.status,
            health=self.troubles,
            test_hooks=self.options.test_hooks,
            forget=self.metrics.forget,
        )
        images = admin_images.routes(
            store=self.store,
            keeper=self.images,
            authenticate=self.callers.account_of,
            operator=admin.OPERATOR_ACCOUNT,
            region=lab.DEFAULT_REGION,
        )
        reads = read_api.routes(
            sources=self.sources, authenticate=self.callers.account_of, operator=admin.OPERATOR_ACCOUNT
        )
        return Starlette(
            routes=[
                Route(CBOR_PATH, self.gateway.endpoint, methods=["POST"]),
                metrics.route(sources=self.sources, errors=self.errors, sampler=self.sampler),
                *own,
                *images,
                *joined,
                *admin_demo.routes(demo=self.demo, operator_only=admin.operator_only_by(self.callers.account_of)),
                *reads,
                *self.picture.routes(
                    authenticate=self.callers.account_of,
                    still_there=self.callers.may_listen,
                    operator=admin.OPERATOR_ACCOUNT,
                ),
                *flow_log_api.routes(
                    store=self.store,
                    directory=self.flow_logs.directory,
                    flush=self.flow_logs.flush,
                    quiet=self.flow_logs.quiet,
                    authenticate=self.callers.account_of,
                    operator=admin.OPERATOR_ACCOUNT,
                    clock=time.time,
                ),
                *self.console.routes(),
            ],
            lifespan=self._lifespan,
        )

    @contextlib.asynccontextmanager
    async def _lifespan(self, application: Starlette) -> AsyncIterator[None]:
        self.start()
        yield
        self.stop()

    def status(self) -> dict[str, Any]:
        snapshot = self.store.snapshot()
        counted = (
            targets.counted(snapshot, self.dataplane.target_counters) if isinstance(self.dataplane, DataPlane) else ()
        )
        return overview(snapshot, errors=self.errors(), name=self.options.name, counted=counted)

    def errors(self) -> dict[str, str]:
        """Object id -> what its reconciler could not do."""
        return (
            self.network.errors
            | self.instances.errors
            | (self.chaos.errors if self.chaos else {})
            | (self.services.errors if self.services is not None else {})
        )

    def troubles(self) -> dict[str, str]:
        return {loop.name: loop.error for loop in self.loops if loop.error}


def _look(device: str) -> Nic | None:
    from opengwlb.fabric import host

    return host.look(device)


def mode_of(options: ServeOptions) -> Mode:
    if options.data_plane == "kernel":
        return Mode.KERNEL
    return Mode.SUITES if options.test_hooks else Mode.ABSENT


def serve(options: ServeOptions) -> None:
    """Run the server until it is told to end (SIGINT, SIGTERM)."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    sys.setswitchinterval(SWITCH_S)
    server = Server(options)
    lab.announce(
        name=options.name,
        endpoint=options.endpoint,
        data_dir=options.data_dir,
        data_plane=options.data_plane,
    )
    print(_greeting(server), flush=True)
    config = uvicorn.Config(
        server.application(),
        host=options.host,
        port=options.port,
        log_config=None,
        access_log=False,
        server_header=False,
        http=BoundedHttp,
        loop="uvloop",
        # Whoever connects could otherwise say that they come from elsewhere, and policies ask for that.
        proxy_headers=False,
        ssl_certfile=options.tls_certificate,
        ssl_keyfile=options.tls_key,
    )
    _Listening(config, before_exit=server.picture.feed.close).run()


class _Listening(uvicorn.Server):
    """Ends what has no end by itself before it waits for the answers that are under way."""

    def __init__(self, config: uvicorn.Config, *, before_exit: Callable[[], None]) -> None:
        super().__init__(config)
        self._before_exit = before_exit

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._before_exit()
        super().handle_exit(sig, frame)


def _greeting(server: Server) -> str:
    options = server.options
    name = "" if options.name == lab.DEFAULT_NAME else f" --name {options.name}"
    lines = [f"OpenGWLB listens on {options.endpoint}"]
    if server.first_start:
        lines.append(f"First start: credentials are in {options.data_dir / 'credentials'}")
    lines.append(f'Use it with any AWS client: eval "$(gwlb env operator{name})" && aws ec2 describe-vpcs')
    return "\n".join(lines)
