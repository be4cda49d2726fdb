"""Calls made and kept: each with its normalised answer or error, and how long it took; what was made is taken away again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from .normal import Normaliser

EVERY_S = 0.25
"""Between two looks at a state."""
UNDO_FOR_S = 600.0
"""How long a thing may be in use by what was deleted before it: AWS takes minutes to let go of interfaces."""
_STILL_USED = (
    "DependencyViolation",
    "ResourceInUse",
    "ExistingVpcEndpointConnections",
    "OperationNotPermitted",
    "InUse",
)

Answer = dict[str, Any]

_MADE: Mapping[str, tuple[str, str, Callable[[Answer, Answer], Answer]]] = {
    "CreateVpc": ("ec2", "DeleteVpc", lambda _, made: {"VpcId": made["Vpc"]["VpcId"]}),
    "CreateSubnet": ("ec2", "DeleteSubnet", lambda _, made: {"SubnetId": made["Subnet"]["SubnetId"]}),
    "CreateRoute": (
        "ec2",
        "DeleteRoute",
        lambda asked, _: {name: asked[name] for name in ("RouteTableId", "DestinationCidrBlock")},
    ),
    "CreateVpcEndpoint": (
        "ec2",
        "DeleteVpcEndpoints",
        lambda _, made: {"VpcEndpointIds": [made["VpcEndpoint"]["VpcEndpointId"]]},
    ),
    "CreateVpcEndpointServiceConfiguration": (
        "ec2",
        "DeleteVpcEndpointServiceConfigurations",
        lambda _, made: {"ServiceIds": [made["ServiceConfiguration"]["ServiceId"]]},
    ),
    "CreateLoadBalancer": (
        "elbv2",
        "DeleteLoadBalancer",
        lambda _, made: {"LoadBalancerArn": made["LoadBalancers"][0]["LoadBalancerArn"]},
    ),
    "CreateTargetGroup": (
        "elbv2",
        "DeleteTargetGroup",
        lambda _, made: {"TargetGroupArn": made["TargetGroups"][0]["TargetGroupArn"]},
    ),
    "CreateListener": ("elbv2", "DeleteListener", lambda _, made: {"ListenerArn": made["Listeners"][0]["ListenerArn"]}),
}
"""(parameters, answer) -> how to take away what a call made that ought to have been refused."""


class Recorder:
    """`clients` by botocore's service name; `tell` is given one line for each step."""

    def __init__(self, clients: Mapping[str, Any], *, normaliser: Normaliser, tell: Callable[[str], None]) -> None:
        self._clients = clients
        self._normaliser = normaliser
        self._tell = tell
        self._undo: list[tuple[str, Callable[[], Any]]] = []
        self._interrupts = 0
        self.steps: list[dict[str, Any]] = []

    def interrupt(self) -> None:
        """Stop before the next call, so that what was made is always known; while cleaning, leave the rest."""
        self._interrupts += 1

    def call(self, step: str, service: str, operation: str, **params: Any) -> Answer:
        """A call that ought to be answered. Raises ClientError, which is kept too."""
        self._go_on()
        began = time.monotonic()
        kept: dict[str, Any] = {"step": step, "service": service, "operation": operation}
        self.steps.append(kept)
        try:
            answer: Answer = self.ask(service, operation, **params)
        except ClientError as error:
            kept["error"] = self._error(error)
            raise
        finally:
            kept["seconds"] = round(time.monotonic() - began, 3)
            self._tell(f"{step}: {operation} ({kept['seconds']} s)")
        kept["answer"] = self._normaliser.value(answer)
        return answer

    def refused(self, step: str, service: str, operation: str, **params: Any) -> None:
        """A call that ought to be refused; whatever comes is kept."""
        try:
            answer = self.call(f"refused: {step}", service, operation, **params)
        except ClientError:
            return
        if operation in _MADE:
            of, undo, parameters = _MADE[operation]
            self.later(f"what {operation} made", of, undo, **parameters(params, answer))

    def states(
        self, step: str, look: Callable[[], str | None], *, until: Callable[[str | None], bool], most_s: float
    ) -> None:
        """Every state that was seen, when it began, and the last one; ends at the state that is waited for, or after `most_s`."""
        began = time.monotonic()
        seen: list[dict[str, Any]] = []
        while True:
            self._go_on()
            state = look()
            at = round(time.monotonic() - began, 3)
            if not seen or seen[-1]["state"] != state:
                seen.append({"state": state, "at_s": at})
                self._tell(f"{step}: {state} after {at} s")
            if until(state) or at > most_s:
                break
            time.sleep(EVERY_S)
        self.steps.append({"step": step, "states": seen, "reached": until(seen[-1]["state"]), "seconds": at})

    def ask(self, service: str, operation: str, **params: Any) -> Answer:
        """A call that is not kept."""
        answer: Answer = getattr(self._clients[service], xform_name(operation))(**params)
        return answer

    def later(self, what: str, service: str, operation: str, **params: Any) -> None:
        """How to take away what was just made: the last first."""
        self._undo.append((what, lambda: self.ask(service, operation, **params)))

    def clean(self) -> list[str]:
        """Take everything away; what could not be, with the reason. One more interrupt leaves the rest, and names it."""
        left: list[str] = []
        before = self._interrupts
        while self._undo:
            what, undo = self._undo.pop()
            problem = "" if self._interrupts == before else "left"
            problem = problem or self._patiently(what, undo, before=before)
            if problem:
                left.append(f"{what} ({problem})")
        return left

    def _go_on(self) -> None:
        if self._interrupts:
            raise KeyboardInterrupt

    def _patiently(self, what: str, undo: Callable[[], Any], *, before: int) -> str:
        deadline = time.monotonic() + UNDO_FOR_S
        while True:
            try:
                answer = undo()
            except ClientError as error:
                code, problem = error.response["Error"]["Code"], str(error)
            except BotoCoreError as error:
                code, problem = _STILL_USED[0], str(error)
                if "NotFound" in code or code == "Gateway.NotAttached":
                    return ""
            else:
                failed = answer.get("Unsuccessful")
                if not failed:
                    self._tell(f"removed: {what}")
                    return ""
                code, problem = failed[0]["Error"]["Code"], str(failed[0]["Error"].get("Message"))
                if "NotFound" in code:
                    return ""
            gone_on = self._interrupts == before and time.monotonic() < deadline
            if not gone_on or not any(word in code for word in _STILL_USED):
                return problem
            time.sleep(2 * EVERY_S)

    def _error(self, error: ClientError) -> dict[str, Any]:
        said = error.response["Error"]
        return {
            "code": said["Code"],
            "message": self._normaliser.text(said.get("Message", "")),
            "status": error.response["ResponseMetadata"]["HTTPStatusCode"],
        }
