"""Interfaces put on instances and taken off them, while these run or are stopped."""

from __future__ import annotations

from dataclasses import replace

from opengwlb.api.common import resources
from opengwlb.api.common.errors import bad_combination, dry_run, invalid_value, refuse
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.compute import Instance, InstanceState
from opengwlb.model.ids import new_id
from opengwlb.model.snapshot import View
from opengwlb.model.vpc import Attachment, NetworkInterface
from opengwlb.store.protocol import Transaction
from opengwlb.wire.errors import AwsError

from . import launch_network
from .instance_types import check_count


@action("ec2", "AttachNetworkInterface")
def attach_network_interface(ctx: Context, params: Parameters) -> Answer:
    """It becomes `eth<DeviceIndex>` in the instance's box at once, or at its next start."""
    refuse(params, ("EnaSrdSpecification", "EnaQueueCount"), because="interfaces are not ENA devices.")
    if params.get("NetworkCardIndex"):
        raise invalid_value("An instance has one network card, with the index 0.")
    index = params["DeviceIndex"]
    if index < 0:
        raise invalid_value(f"Value ({index}) for parameter deviceIndex is invalid.")

    def work(tx: Transaction) -> str:
        interface = launch_network.free(ctx, tx, params["NetworkInterfaceId"])
        instance = resources.require(ctx, tx, Instance, params["InstanceId"])
        _check_fits(tx, instance, interface, index=index)
        dry_run(params)
        attachment = Attachment(
            id=new_id("eni-attach"),
            instance=instance.id,
            device_index=index,
            delete_on_termination=False,
            attach_time=ctx.now,
        )
        tx.put(replace(interface, attachment=attachment))
        indexes = {each: _index(tx, each) for each in instance.network_interfaces} | {interface.id: index}
        tx.put(replace(instance, network_interfaces=tuple(sorted(indexes, key=indexes.__getitem__))))
        return attachment.id

    return {"AttachmentId": ctx.store.transact(work), "NetworkCardIndex": 0}


@action("ec2", "DetachNetworkInterface")
def detach_network_interface(ctx: Context, params: Parameters) -> Answer:
    """The primary interface stays. `Force` changes nothing: no guest is asked."""

    def work(tx: Transaction) -> None:
        wanted = params["AttachmentId"]
        mine = (each for each in resources.owned(ctx, tx, NetworkInterface) if each.attachment is not None)
        found = next((each for each in mine if each.attachment is not None and each.attachment.id == wanted), None)
        if found is None or found.attachment is None:
            if wanted.startswith("ela-attach-"):
                raise AwsError("OperationNotPermitted", "You are not allowed to manage 'ela-attach' attachments.")
            raise AwsError("InvalidAttachmentID.NotFound", f"The attachment ID '{wanted}' does not exist")
        if found.attachment.device_index == 0:
            raise AwsError(
                "OperationNotPermitted",
                "The network interface at device index 0 and networkCard index 0 cannot be detached.",
            )
        instance = resources.require(ctx, tx, Instance, found.attachment.instance)
        dry_run(params)
        tx.put(replace(found, attachment=None))
        left = tuple(each for each in instance.network_interfaces if each != found.id)
        tx.put(replace(instance, network_interfaces=left))

    ctx.store.transact(work)
    return {}


def _check_fits(view: View, instance: Instance, interface: NetworkInterface, *, index: int) -> None:
    if instance.state not in (InstanceState.RUNNING, InstanceState.STOPPED):
        raise AwsError("IncorrectState", f"Instance '{instance.id}' is not 'running' or 'stopped'.")
    if interface.zone != instance.zone:
        raise bad_combination(
            "You may not attach a network interface to an instance if they are not in the same availability zone"
        )
    if interface.vpc != instance.vpc:
        raise bad_combination(
            "You may not attach a network interface to an instance if they are not in the same virtual private cloud"
        )
    if index in {_index(view, each) for each in instance.network_interfaces}:
        raise invalid_value(f"Instance '{instance.id}' already has an interface attached at device index '{index}'.")
    check_count(instance.instance_type, len(instance.network_interfaces) + 1)


def _index(view: View, interface_id: str) -> int:
    interface = view.get(NetworkInterface, interface_id)
    return interface.attachment.device_index if interface and interface.attachment else 0
