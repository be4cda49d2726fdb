"""One manager for the firewalls of two security VPCs, reached over their management interfaces.

Builds it in a lab of its own, changes the policy under traffic, kills the manager, adds a firewall. Takes the lab away at the end.

    .venv/bin/python examples/01-central-manager/run.py [--keep]
"""

from __future__ import annotations

import sys

from opengwlb.cli.demo import customer, example, fleet, partner, plan
from opengwlb.cli.demo.example import Stage
from opengwlb.cli.demo.internet import Internet

ACCOUNT, CUSTOMER = "security", "shop"
WEB, CLOSED = plan.WEB_PORT, plan.FORBIDDEN_PORT


def run(stage: Stage) -> None:
    (cloud, shop), lab, waits, ledger = stage.clouds, stage.lab, stage.waits, stage.ledger
    headquarters = cloud.vpc("management", cidr="10.90.0.0/16")
    group = cloud.security_group("manager", vpc=headquarters, rules=[("tcp", fleet.PORT, fleet.PORT, [fleet.ANYWHERE])])
    office = cloud.subnet("office", vpc=headquarters, cidr="10.90.0.0/24", letter="a")
    fleet.way_out(cloud, vpc=headquarters, subnet=office)
    instance = cloud.instance(
        "manager", image="opengwlb/linux", subnet=office, group=group, user_data=fleet.MANAGER, public=True
    )
    manager = fleet.Manager(lab=lab, instance=instance)
    address = cloud.instance_states([instance])[instance]["PublicIpAddress"]

    vpcs = [fleet.security_vpc(cloud, number, public=True) for number in (1, 2)]
    for where in vpcs:
        fleet.firewall(cloud, where, f"firewall-{where.number}", manager=address)
    every = [one for where in vpcs for one in where.firewalls.values()]
    partner.wait_running(cloud, ids=[instance, *every], what="manager and firewalls", waits=waits)
    services = {where.name: fleet.offer(cloud, where) for where in vpcs}
    waits.until("both firewalls to ask the manager", manager.followers(2))
    fleet.expect_waiting(ledger, lab, every)
    manager.push(fleet.policy(closed=[CLOSED]))
    for name, service in services.items():
        partner.wait_healthy(cloud, service, name=name, waits=waits)

    buyer = plan.Customer(name=CUSTOMER, sites=(fleet.site(1), fleet.site(2)))
    webs = customer.build(shop, buyer, services=services, waits=waits)
    internet = Internet(lab)
    addresses = [web.public_ip for web in webs]
    for web in webs:
        waits.until(f"{web.title} to answer", fleet.answering(internet, web.public_ip, WEB))
        by = f"the fleet of {web.site.inspected_by}"
        fleet.expect(ledger, internet, f"{web.title}, port {WEB}", web.public_ip, port=WEB, passes=True, by=by)
        fleet.expect(ledger, internet, f"{web.title}, port {CLOSED}", web.public_ip, port=CLOSED, passes=False, by=by)

    ledger.section("One push changes every VPC")
    seconds = fleet.pushed(manager, fleet.policy(closed=[]), waits=waits)
    fleet.expect_soon(ledger, "the new policy is with every appliance", seconds)
    for web in webs:
        waits.until(f"{web.title} to open", fleet.answering(internet, web.public_ip, CLOSED))
    manager.push(fleet.policy(closed=[CLOSED]))
    waits.until("the port to close", lambda: (not any(fleet.open_port(internet, one, CLOSED) for one in addresses), ""))

    ledger.section("The manager is dead")
    fleet.stop(cloud, instance, waits=waits)
    for web in webs:
        fleet.expect(
            ledger,
            internet,
            f"{web.title}, port {WEB}",
            web.public_ip,
            port=WEB,
            passes=True,
            by="packets need no manager",
        )
        fleet.expect(
            ledger,
            internet,
            f"{web.title}, port {CLOSED}",
            web.public_ip,
            port=CLOSED,
            passes=False,
            by="the last policy is in force",
        )

    ledger.section("It comes back, and so does a new firewall")
    fleet.start(cloud, instance, waits=waits)
    new = fleet.firewall(cloud, vpcs[0], "firewall-new", manager=address)
    partner.wait_running(cloud, ids=[new], what="the new firewall", waits=waits)
    service = services[vpcs[0].name]
    cloud.elbv2.register_targets(TargetGroupArn=service.target_group, Targets=[{"Id": new}])
    waits.until("the new firewall to be healthy", lambda: (fleet.health(cloud, service)[new] == "healthy", ""))
    waits.until("three firewalls to ask", manager.followers(3))
    versions = {one["version"] for one in manager.appliances().values()}
    ledger.add(
        "a new appliance that takes traffic",
        expected="has the policy of the others",
        happened=f"{len(manager.appliances())} appliances, {len(versions)} version",
        ok=len(versions) == 1 and 0 not in versions,
        by="its health page says 503 until it has one",
    )


def main() -> int:
    return example.main(
        "One manager for the firewalls of two security VPCs.",
        name="central",
        listen="127.0.0.1:4571",
        accounts=[ACCOUNT, CUSTOMER],
        title="One manager for two VPCs",
        tell=run,
    )


if __name__ == "__main__":
    sys.exit(main())
