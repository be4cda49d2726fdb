"""Managed policies that AWS has in every account: those that make sense for the services here, with their permissions for these."""

from __future__ import annotations

import json

from opengwlb.model.iam import ManagedPolicy
from opengwlb.policy.sessions import unique_id

_CREATED = 1423166431.0
_ALLOWED: dict[str, tuple[str, ...]] = {
    "AdministratorAccess": ("*",),
    "AmazonEC2FullAccess": ("ec2:*", "elasticloadbalancing:*"),
    "AmazonEC2ReadOnlyAccess": ("ec2:Describe*", "ec2:GetConsoleOutput", "elasticloadbalancing:Describe*"),
    "AmazonSSMReadOnlyAccess": ("ssm:Describe*", "ssm:Get*", "ssm:List*"),
    "IAMReadOnlyAccess": ("iam:Get*", "iam:List*"),
    "ReadOnlyAccess": (
        "ec2:Describe*",
        "ec2:Get*",
        "elasticloadbalancing:Describe*",
        "iam:Get*",
        "iam:List*",
        "ssm:Describe*",
        "ssm:Get*",
        "ssm:List*",
    ),
}


def _policy(name: str, actions: tuple[str, ...]) -> ManagedPolicy:
    arn = f"arn:aws:iam::aws:policy/{name}"
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return ManagedPolicy(
        id=arn,
        account="aws",
        name=name,
        policy_id=unique_id("ANPA", arn.encode()),
        document=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        created=_CREATED,
    )


AWS_POLICIES = {policy.id: policy for policy in (_policy(*each) for each in _ALLOWED.items())}
"""By ARN."""
