"""One manager in each security VPC, beside its firewalls: two fleets that know nothing of each other.

Builds it in a lab of its own, gives each fleet its own policy, kills one manager, changes the other's policy. Takes the lab away.

    .venv/bin/python examples/02-manager-per-vpc/run.py [--keep]
"""

from __future__ import annotations

import sys

from opengwlb.cli.demo import customer, example, fleet, partner, plan
from opengwlb.cli.demo.clouds import Cloud
from opengwlb.cli.demo.example import Stage
from opengwlb.cli.demo.internet import Internet

ACCOUNT, CUSTOMER = "security", "shop"
WEB, CLOSED = plan.WEB_PORT, plan.FORBIDDEN_PORT


def manager_of(cloud: Cloud, where: fleet.Security, *, lab: str) -> tuple[fleet.Manager, str]:
    """The manager in a VPC's management subnet, and its private address there."""
    instance = cloud.instance(
        f"manager-{where.number}",
        image="opengwlb/linux",
        subnet=where.management,
        group=where.group,
        user_data=fleet.MANAGER,
    )
    address = cloud.instance_states([instance])[instance]["PrivateIpAddress"]
    return fleet.Manager(lab=lab, instance=instance), address


def run(stage: Stage) -> None:
    (cloud, shop), lab, waits, ledger = stage.clouds, stage.lab, stage.waits, stage.ledger
    vpcs = [fleet.security_vpc(cloud, number, public=False) for number in (1, 2)]
    managers = []
    for where in vpcs:
        manager, address = manager_of(cloud, where, lab=lab)
        managers.append(manager)
        fleet.firewall(cloud, where, f"firewall-{where.number}", manager=address)
    every = [one for where in vpcs for one in where.firewalls.values()]
    every_manager = [one.instance for one in managers]
    partner.wait_running(cloud, ids=[*every, *every_manager], what="managers and firewalls", waits=waits)
    services = {where.name: fleet.offer(cloud, where) for where in vpcs}
    for where, manager in zip(vpcs, managers, strict=True):
        waits.until(f"the firewall of {where.name} to ask its manager", manager.followers(1))
    fleet.expect_waiting(ledger, lab, every)
    first, second = managers
    first.push(fleet.policy(closed=[CLOSED]))
    second.push(fleet.policy(closed=[]))
    for name, service in services.items():
        partner.wait_healthy(cloud, service, name=name, waits=waits)

    buyer = plan.Customer(name=CUSTOMER, sites=(fleet.site(1), fleet.site(2)))
    webs = customer.build(shop, buyer, services=services, waits=waits)
    internet = Internet(lab)
    for web in webs:
        waits.until(f"{web.title} to answer", fleet.answering(internet, web.public_ip, WEB))

    def expect(number: int, port: int, *, passes: bool, by: str) -> None:
        web = webs[number - 1]
        fleet.expect(ledger, internet, f"{web.title}, port {port}", web.public_ip, port=port, passes=passes, by=by)

    expect(1, CLOSED, passes=False, by="the policy of security-1")
    expect(2, CLOSED, passes=True, by="the policy of security-2, which closes nothing")

    ledger.section("One manager is dead; the other changes its policy")
    fleet.stop(cloud, first.instance, waits=waits)
    seconds = fleet.pushed(second, fleet.policy(closed=[CLOSED]), waits=waits)
    fleet.expect_soon(ledger, "the new policy is with the fleet of security-2", seconds)
    there = webs[1].public_ip
    waits.until("the port to close", lambda: (not fleet.open_port(internet, there, CLOSED), ""))
    expect(1, WEB, passes=True, by="packets need no manager")
    expect(1, CLOSED, passes=False, by="the last policy of a dead manager is in force")
    expect(2, WEB, passes=True, by="the new policy of security-2")
    expect(2, CLOSED, passes=False, by="the new policy of security-2")


def main() -> int:
    return example.main(
        "One manager in each of two security VPCs.",
        name="pervpc",
        listen="127.0.0.1:4572",
        accounts=[ACCOUNT, CUSTOMER],
        title="One manager per VPC",
        tell=run,
    )


if __name__ == "__main__":
    sys.exit(main())
