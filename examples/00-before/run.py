"""The older pattern, without a Gateway Load Balancer: the internet gateway's edge table sends everything to one appliance.

Builds it in a lab of its own, sends traffic, and shows what happens when that appliance dies. Takes the lab away at the end.

    .venv/bin/python examples/00-before/run.py [--keep]
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from opengwlb.cli.demo import example, partner, plan
from opengwlb.cli.demo.clouds import Cloud
from opengwlb.cli.demo.example import Stage
from opengwlb.cli.demo.internet import Internet
from opengwlb.cli.demo.ledger import Ledger
from opengwlb.cli.demo.waits import Waits

ACCOUNT = "before"
VPC = "10.0.0.0/16"
APPLICATION_SUBNET = "10.0.0.32/28"
APPLIANCE_SUBNET = "10.0.0.48/28"
ANYWHERE = "0.0.0.0/0"
FIREWALL = f"""\
#!/bin/sh
cat >/etc/rc.local <<'START'
#!/bin/sh
set -e
echo 1 >/proc/sys/net/ipv4/ip_forward
iptables -A FORWARD -p tcp --dport {plan.FORBIDDEN_PORT} -j DROP
START
chmod +x /etc/rc.local
"""
"""A Linux box that forwards between the application and the world, and drops one port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    appliance: str
    public_ip: str


def build(cloud: Cloud, *, waits: Waits) -> Lab:
    vpc = cloud.vpc("before", cidr=VPC)
    gateway = cloud.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    cloud.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    group = cloud.security_group("open", vpc=vpc, rules=[("-1", -1, -1, [ANYWHERE])])
    application_subnet = cloud.subnet("application", vpc=vpc, cidr=APPLICATION_SUBNET, letter="a")
    appliance_subnet = cloud.subnet("appliance", vpc=vpc, cidr=APPLIANCE_SUBNET, letter="a")
    appliance = cloud.instance(
        "appliance",
        image="opengwlb/linux",
        subnet=appliance_subnet,
        group=group,
        user_data=FIREWALL,
        public=True,  # an edge table takes no interface without a public address
    )
    web = cloud.instance(
        "web",
        image="opengwlb/linux",
        subnet=application_subnet,
        group=group,
        user_data=plan.application_user_data("web"),
        public=True,
    )
    partner.wait_running(cloud, ids=[appliance, web], what="appliance and web server", waits=waits)
    described = cloud.instance_states([appliance, web])
    interface = described[appliance]["NetworkInterfaces"][0]["NetworkInterfaceId"]
    # It forwards what is not addressed to it.
    cloud.ec2.modify_instance_attribute(InstanceId=appliance, SourceDestCheck={"Value": False})
    edge = cloud.route_table("edge", vpc=vpc)
    cloud.ec2.associate_route_table(RouteTableId=edge, GatewayId=gateway)
    cloud.ec2.create_route(RouteTableId=edge, DestinationCidrBlock=APPLICATION_SUBNET, NetworkInterfaceId=interface)
    application = cloud.route_table("application", vpc=vpc)
    cloud.ec2.associate_route_table(RouteTableId=application, SubnetId=application_subnet)
    cloud.ec2.create_route(RouteTableId=application, DestinationCidrBlock=ANYWHERE, NetworkInterfaceId=interface)
    out = cloud.route_table("appliance", vpc=vpc)
    cloud.ec2.associate_route_table(RouteTableId=out, SubnetId=appliance_subnet)
    cloud.ec2.create_route(RouteTableId=out, DestinationCidrBlock=ANYWHERE, GatewayId=gateway)
    return Lab(appliance=appliance, public_ip=described[web]["PublicIpAddress"])


def answers(internet: Internet, lab: Lab, *, port: int = plan.WEB_PORT) -> bool:
    reply = internet.request(lab.public_ip, source=plan.CLIENTS[0], port=port, timeout_s=1.0)["reply"]
    return f"web greets {plan.CLIENTS[0]}" in reply


def try_it(cloud: Cloud, lab: Lab, *, internet: Internet, waits: Waits, ledger: Ledger) -> None:
    def expect(what: str, *, passes: bool, port: int = plan.WEB_PORT, by: str = "") -> None:
        got = answers(internet, lab, port=port)
        should, did = (("answers" if one else "no answer") for one in (passes, got))
        ledger.add(what, expected=should, happened=did, by=by, ok=got is passes)

    waits.until("the web server to answer", lambda: (answers(internet, lab), lab.public_ip))
    expect("HTTP from the internet", passes=True, by="edge table → the appliance's ENI → application")
    expect(f"port {plan.FORBIDDEN_PORT} from the internet", passes=False, port=plan.FORBIDDEN_PORT, by="the appliance")
    cloud.ec2.stop_instances(InstanceIds=[lab.appliance])
    _wait_for(cloud, lab.appliance, state="stopped", waits=waits)
    expect("HTTP while the one appliance is dead", passes=False, by="nobody: every route leads to it")
    cloud.ec2.start_instances(InstanceIds=[lab.appliance])
    _wait_for(cloud, lab.appliance, state="running", waits=waits)
    waits.until("the web server to answer again", lambda: (answers(internet, lab), lab.public_ip))
    expect("HTTP after somebody has started it again", passes=True)


def _wait_for(cloud: Cloud, instance: str, *, state: str, waits: Waits) -> None:
    def look() -> tuple[bool, str]:
        found = cloud.instance_states([instance])[instance]["State"]["Name"]
        return found == state, found

    waits.until(f"the appliance to be {state}", look)


def tell(stage: Stage) -> None:
    (cloud,) = stage.clouds
    lab = build(cloud, waits=stage.waits)
    try_it(cloud, lab, internet=Internet(stage.lab), waits=stage.waits, ledger=stage.ledger)


def main() -> int:
    return example.main(
        "Ingress routing to one appliance, and its outage.",
        name="before",
        listen="127.0.0.1:4570",
        accounts=[ACCOUNT],
        title="One appliance, no load balancer",
        tell=tell,
    )


if __name__ == "__main__":
    sys.exit(main())
