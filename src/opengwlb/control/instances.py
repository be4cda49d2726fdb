"""Keeps instances running, stopped or gone, as their owners asked.

An instance starts once its box stands. One whose first process ended by itself was shut down from inside: it becomes `stopped`,
as on AWS, and StartInstances brings it back. After a reboot of the machine, or when the server was away, all that should run is
started again: nobody saw them end.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from opengwlb.instances.driver import InstanceDriver, InstanceError, InstanceSpec, RunningInstance
from opengwlb.model.compute import Instance, InstanceState
from opengwlb.model.instance_types import DEFAULT, INSTANCE_TYPES
from opengwlb.model.vpc import Address, NetworkInterface, Vpc
from opengwlb.policy import images
from opengwlb.policy.addressing import resolver_address
from opengwlb.policy.resolver import private_domain
from opengwlb.store.protocol import Store, Transaction

log = logging.getLogger(__name__)

POLL_S = 0.5
"""How soon an instance that ended by itself is noticed."""
PARALLEL = 4
"""Starts at once: each takes some 30 ms, mostly in the kernel and on the disk."""


class InstanceReconciler:
    def __init__(
        self,
        *,
        store: Store,
        driver: InstanceDriver,
        namespace: Callable[[str], str],
        built: Callable[[], Collection[str]],
        made: Callable[[str], int],
        clock: Callable[[], float],
        authority: Callable[[], str] = str,
    ) -> None:
        """`namespace(box)` is the path of its network namespace; `built()` the links and boxes that stand; `made(box)` how often
        this server made that box; `authority()` the certificate that instances trust, in PEM."""
        self.errors: dict[str, str] = {}
        self._store = store
        self._driver = driver
        self._namespace = namespace
        self._built = built
        self._made = made
        self._clock = clock
        self._authority = authority
        self._seen_alive: set[tuple[str, int]] = set()
        """(instance, boot) that this server saw running."""
        self._started_in: dict[str, int] = {}
        """Instance -> which making of its box it was started in."""

    def reconcile(self) -> float:
        snapshot = self._store.snapshot()
        running = self._driver.running()
        instances = [one for one in snapshot.values(Instance) if not self._settled(one, running.get(one.id))]
        errors = {}
        if instances:
            with ThreadPoolExecutor(PARALLEL, thread_name_prefix="instance") as pool:
                outcomes = pool.map(lambda one: self._attempt(one, running.get(one.id)), instances)
                errors = {one.id: error for one, error in zip(instances, outcomes, strict=True) if error}
        for orphan in running.keys() - snapshot.all(Instance).keys():
            log.info("removing %s, which no longer exists", orphan)
            self._driver.remove(orphan)
        self.errors = errors
        return POLL_S

    def _settled(self, instance: Instance, running: RunningInstance | None) -> bool:
        """Whether `_attempt` would find it as it should be, as it does with nearly all of hundreds."""
        if instance.desired is not instance.state or instance.state_reason:
            return False
        if instance.state is InstanceState.TERMINATED:
            return running is None
        return (
            instance.state is InstanceState.RUNNING
            and running is not None
            and running.alive
            and not running.starting
            and running.boot == instance.boot
            and (instance.id, instance.boot) in self._seen_alive
            and self._started_in.get(instance.id, 0) == self._made(instance.id)
        )

    def _attempt(self, instance: Instance, running: RunningInstance | None) -> str | None:
        try:
            self._one(instance, running)
        except Exception as error:
            log.exception("%s", instance.id)
            reason = f"{type(error).__name__}: {error}"
            if instance.state_reason != reason:
                self._update(instance.id, lambda now: replace(now, state_reason=reason))
            return reason
        return None

    def _one(self, instance: Instance, running: RunningInstance | None) -> None:
        if instance.desired is InstanceState.TERMINATED:
            if instance.state is not InstanceState.TERMINATED:
                self._driver.remove(instance.id)
                self._terminated(instance)
            elif running is not None:
                self._driver.remove(instance.id)
        elif instance.desired is InstanceState.STOPPED:
            if running is not None and (running.alive or running.starting) and not self._driver.stop(instance.id):
                return  # a virtual machine shuts down
            self._became(instance, InstanceState.STOPPED)
        else:
            self._keep_running(instance, running)

    def _keep_running(self, instance: Instance, running: RunningInstance | None) -> None:
        made = self._made(instance.id)
        boot = (instance.id, instance.boot)
        current = running is not None and running.boot == instance.boot
        alive = running is not None and running.alive
        if running is not None and running.starting and current and self._started_in.get(instance.id, 0) == made:
            self._driver.start(self._spec(instance))
        elif current and alive and self._started_in.get(instance.id, 0) == made:
            self._seen_alive.add(boot)
            self._became(instance, InstanceState.RUNNING)
        elif current and not alive and boot in self._seen_alive:
            log.info("%s ended by itself", instance.id)
            self._shut_down(instance)
        elif self._ready(instance):
            # Rebooted, or its box was taken away and made anew: what runs is cut off in the old one.
            if running is not None and not self._driver.stop(instance.id):
                return
            self._started_in[instance.id] = made
            self._driver.start(self._spec(instance))
            self._seen_alive.add(boot)
            self._became(instance, InstanceState.RUNNING)

    def _ready(self, instance: Instance) -> bool:
        built = self._built()
        return instance.id in built and all(one in built for one in instance.network_interfaces)

    def _spec(self, instance: Instance) -> InstanceSpec:
        image = images.find(self._store.snapshot(), instance.image)
        if image is None:
            raise InstanceError(f"{instance.image} is no longer there: terminate the instance.")
        # A data directory of an older version may name a type that the table has not.
        kind = INSTANCE_TYPES.get(instance.instance_type, INSTANCE_TYPES[DEFAULT])
        vpc = self._store.snapshot().get(Vpc, instance.vpc)
        nameserver = resolver_address(vpc) if vpc is not None else None
        return InstanceSpec(
            id=instance.id,
            boot=instance.boot,
            namespace=str(self._namespace(instance.id)),
            image_kind=image.kind,
            content=image.content,
            launch=image.launch,
            hostname=f"ip-{instance.private_ip.replace('.', '-')}",
            user_data=base64.b64decode(instance.user_data),
            addresses=(instance.private_ip,),
            nameservers=(nameserver,) if nameserver else (),
            search=private_domain(instance.region) if nameserver else "",
            authority=self._authority(),
            memory_bytes=kind.memory_mib << 20,
            cpus=kind.cpus,
        )

    def _became(self, instance: Instance, state: InstanceState) -> None:
        if instance.state is state and not instance.state_reason:
            return

        def change(now: Instance) -> Instance:
            if now.desired is not instance.desired or now.boot != instance.boot:
                return now  # another call came meanwhile: the next pass acts on it
            keep = now.state_reason if state is InstanceState.STOPPED else ""
            return replace(
                now,
                state=state,
                state_reason=keep,
                state_changed=self._clock() if now.state is not state else now.state_changed,
            )

        self._update(instance.id, change)

    def _shut_down(self, instance: Instance) -> None:
        def change(now: Instance) -> Instance:
            if now.boot != instance.boot or now.desired is not InstanceState.RUNNING:
                return now
            ends = now.ends_by == "terminate"
            return replace(
                now,
                desired=InstanceState.TERMINATED if ends else InstanceState.STOPPED,
                state=InstanceState.SHUTTING_DOWN if ends else InstanceState.STOPPED,
                state_reason="Client.InstanceInitiatedShutdown: Instance initiated shutdown",
                state_reason_code="Client.InstanceInitiatedShutdown",
                state_changed=self._clock(),
            )

        self._update(instance.id, change)

    def _update(self, instance_id: str, change: Callable[[Instance], Instance]) -> None:
        def work(tx: Transaction) -> None:
            now = tx.get(Instance, instance_id)
            if now is not None:
                tx.put(change(now))

        self._store.transact(work)

    def _terminated(self, instance: Instance) -> None:
        """Its box is gone: release what belonged to it."""

        def work(tx: Transaction) -> None:
            now = tx.get(Instance, instance.id)
            if now is None:
                return
            tx.put(replace(now, state=InstanceState.TERMINATED, state_changed=self._clock()))
            for interface_id in now.network_interfaces:
                _release(tx, interface_id)

        self._store.transact(work)


def _release(tx: Transaction, interface_id: str) -> None:
    interface = tx.get(NetworkInterface, interface_id)
    if interface is None:
        return
    keep = interface.attachment is not None and not interface.attachment.delete_on_termination
    if keep:
        tx.put(replace(interface, attachment=None))
    else:
        tx.delete(NetworkInterface, interface_id)
    for address in tx.values(Address):
        if address.network_interface != interface_id or keep:
            continue
        if address.automatic:
            tx.delete(Address, address.id)
        else:
            tx.put(replace(address, association=None, network_interface=None))
