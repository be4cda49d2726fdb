"""The demo fails, and says what is wrong, when the appliances' security group lacks what a load balancer needs.

`gwlb demo` itself, in a smaller plan and with less patience, so that it need not be told twice from end to end.
"""

from __future__ import annotations

import pytest

from opengwlb.cli import main
from opengwlb.cli.demo import plan
from opengwlb.cli.demo.clouds import Cloud
from opengwlb.cli.demo.waits import Waits

from .server import Server

PATIENCE_S = 15.0
Rules = list[tuple[str, int, int, list[str]]]


def serve(_: object) -> None:
    raise AssertionError("the demo uses the server that runs")


@pytest.mark.parametrize(
    ("protocol", "port", "waited_for", "consequence"),
    [
        ("tcp", 80, "the targets of firewalls healthy", "its health checks fail"),
        ("udp", 6081, "to answer at", "it gets no traffic"),
    ],
)
@pytest.mark.timeout(120)
def test_without_a_rule_for_the_load_balancer_the_demo_fails_and_names_it(
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    protocol: str,
    port: int,
    waited_for: str,
    consequence: str,
) -> None:
    customer = plan.CUSTOMERS[1]
    monkeypatch.setattr(plan, "PARTNER", f"partner-without-{protocol}")
    monkeypatch.setattr(
        plan, "CUSTOMERS", (type(customer)(name=f"customer-without-{protocol}", sites=customer.sites[:1]),)
    )
    monkeypatch.setattr(plan, "FIREWALLS_PER_ZONE", 1)
    made: list[str] = []
    build_group, wait = Cloud.security_group, Waits.until

    def without(cloud: Cloud, name: str, *, vpc: str, rules: Rules) -> str:
        kept = [rule for rule in rules if rule[:2] != (protocol, port)]
        group = build_group(cloud, name, vpc=vpc, rules=kept)
        made.extend([group] if kept != rules else [])
        return group

    def impatient(waits: Waits, what: str, look: object, *, timeout_s: float = 90) -> None:
        concerned = waited_for in what
        wait(waits, what, look, timeout_s=PATIENCE_S if concerned else timeout_s)  # type: ignore[arg-type]  # as given

    monkeypatch.setattr(Cloud, "security_group", without)
    monkeypatch.setattr(Waits, "until", impatient)
    status = main.run(serve=serve, arguments=["demo", "--name", server.name, "--bulk-mib", "1"])
    said = capsys.readouterr().err
    assert status == 1, said
    assert waited_for in said
    (group,) = made
    assert f"({group}) lets in {protocol.upper()} {port} from the load balancer's" in said
    assert f"aws ec2 authorize-security-group-ingress --group-id {group} --protocol {protocol} --port {port}" in said
    assert consequence in said
