"""Whether the role that a flow log names may write to its log group: what AWS's flow log service asks of a role.

Source: VPC User Guide, "IAM role for publishing flow logs to CloudWatch Logs". There is no service of log groups here, so a role's policies
alone decide.
"""

from __future__ import annotations

from opengwlb.api.authorisation import statements_of
from opengwlb.model.flow_logs import FlowLog
from opengwlb.model.iam import Role
from opengwlb.model.snapshot import View
from opengwlb.policy import iam

ACCESS_ERROR = "Access error"
SERVICE = "vpc-flow-logs.amazonaws.com"
_ACTIONS = ("logs:CreateLogStream", "logs:PutLogEvents")


def may_publish(view: View, role_arn: str, *, group: str) -> bool:
    """`group` is the log group's ARN; a flow log without a role goes where none is needed."""
    if not role_arn:
        return True
    role = view.get(Role, role_arn)
    if role is None:
        return False
    trusted = iam.Asked(action="sts:AssumeRole", principal=iam.Principal(account="", service=SERVICE))
    if iam.evaluate(iam.parse(role.trust, principals=True), trusted) != "allowed":
        return False
    statements = tuple(statements_of(view, role_arn))
    return all(
        iam.evaluate(statements, iam.Asked(action=name, resource=f"{group}:log-stream:flow")) == "allowed"
        for name in _ACTIONS
    )


def log_may_publish(view: View, log: FlowLog) -> bool:
    return may_publish(view, log.role, group=group_arn(log.account, log.region, log.log_group))


def group_arn(account: str, region: str, name: str) -> str:
    return f"arn:aws:logs:{region}:{account}:log-group:{name}"
