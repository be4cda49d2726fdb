"""Capacity reservations. A reservation would change no packet here, so none is made: the quota of units is 0, as AWS's default is."""

from __future__ import annotations

from opengwlb.api.common import quotas
from opengwlb.api.context import Answer, Context, Parameters, action
from opengwlb.model.elb import LoadBalancer

from .lookup import find, validation_error

_DECREASES_A_DAY = 2


@action("elbv2", "DescribeCapacityReservation")
def describe_capacity_reservation(ctx: Context, params: Parameters) -> Answer:
    find(ctx, ctx.store.snapshot(), LoadBalancer, params["LoadBalancerArn"])
    return {"DecreaseRequestsRemaining": _DECREASES_A_DAY, "CapacityReservationState": []}


@action("elbv2", "ModifyCapacityReservation")
def modify_capacity_reservation(ctx: Context, params: Parameters) -> Answer:
    """Resetting what is not reserved succeeds. Errors: ValidationError, CapacityUnitsLimitExceeded for any unit."""
    snapshot = ctx.store.snapshot()
    find(ctx, snapshot, LoadBalancer, params["LoadBalancerArn"])
    wanted, reset = params.get("MinimumLoadBalancerCapacity"), params.get("ResetCapacityReservation")
    if bool(wanted) == bool(reset):
        raise validation_error(
            "You must specify either a minimum load balancer capacity or a capacity reservation reset"
        )
    if wanted:
        units = wanted.get("CapacityUnits") or 0
        if units < 1:
            raise validation_error(f"Capacity units '{units}' must be a positive number")
        quotas.check(ctx, snapshot, "reserved-capacity-units", count=units)
    return describe_capacity_reservation(ctx, params)
