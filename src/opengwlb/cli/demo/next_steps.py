"""What to try next: lines that work when they are pasted into one shell, in this order."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from .. import environment, lab
from . import plan
from .customer import Web
from .partner import Service


def lines(name: str, *, services: Mapping[str, Service], webs: Sequence[Web]) -> list[str]:
    """Shell lines; those without a `gwlb` on the PATH find it after the first."""
    web, service = webs[0], services[plan.FIREWALLS]
    firewall = service.appliances[0].instance
    named = "" if name == lab.DEFAULT_NAME else f" --name {shlex.quote(name)}"
    return [
        f'export PATH={shlex.quote(str(environment.tools()))}:"$PATH"',
        f'eval "$(gwlb env{named} {plan.PARTNER})"',
        f"aws elbv2 describe-target-health --target-group-arn {service.target_group} --output text",
        "aws ec2 describe-vpc-endpoint-connections --output text",
        f"aws ec2 get-console-output --instance-id {firewall} --output text",
        f"gwlb exec internet -- curl -s --max-time 5 http://{web.public_ip}/",
        f"(sleep 3; gwlb exec internet -- curl -s --max-time 5 http://{web.public_ip}/) & "
        f"gwlb walk --endpoint {web.endpoint} --port {plan.WEB_PORT}",
        f"gwlb exec {firewall} -- ip -brief address",
        "gwlb status",
        "gwlb flows",
        "gwlb drops",
        f"gwlb why {plan.CLIENTS[0]} {web.private_ip} tcp 40000:{plan.WEB_PORT} --endpoint {web.endpoint}",
        f"gwlb plan deregister {firewall}",
    ]
