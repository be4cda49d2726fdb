"""Fleets of firewalls that take their policy from a manager over their management interfaces: what the examples 01 and 02 build.

Each security VPC has a load balancer and firewalls with two ENIs: eth0 for the load balancer, eth1 for the manager.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .. import boxes
from ..refusal import Refusal
from . import partner, plan
from .clouds import Cloud, tags
from .internet import Internet
from .ledger import Ledger
from .partner import Appliance, Service
from .waits import Waits

PORT = 8080
KEY = "correct-horse-battery-staple"
ANYWHERE = "0.0.0.0/0"
MANAGER = f"""\
#!/bin/sh
cat >/etc/rc.local <<'START'
#!/bin/sh
exec setsid python3 -m opengwlb_appliance.manager --port {PORT} --key {KEY} </dev/null >/var/log/manager.log 2>&1 &
START
chmod +x /etc/rc.local
"""
"""User data of a manager: any Linux instance is one. /etc/rc.local starts it at every boot."""
WITHIN_S = 1.0
"""How soon a change of policy must be in force everywhere."""


def firewall_user_data(manager: str) -> str:
    return f"manager: {{url: 'http://{manager}:{PORT}', key: {KEY}, via: eth1}}\n"


def policy(*, closed: Sequence[int]) -> str:
    """Rules that close TCP ports."""
    rules = "".join(f"  - {{name: no-{port}, action: deny, protocol: tcp, ports: {port}}}\n" for port in closed)
    return f"default: allow\nrules:\n{rules}" if rules else "default: allow\n"


@dataclass(slots=True)
class Security:
    """A security VPC with its fleet."""

    name: str
    number: int
    vpc: str
    group: str
    data: str
    management: str
    """Subnets of the firewalls' eth0 and eth1."""
    gateway: str | None
    service: Service | None = None
    firewalls: dict[str, str] = field(default_factory=dict)
    """Name -> instance."""


def security_vpc(cloud: Cloud, number: int, *, public: bool) -> Security:
    """10.9N.0.0/16 with a data and a management subnet; with `public` the latter has a way to the internet."""
    name = f"security-{number}"
    vpc = cloud.vpc(name, cidr=f"10.9{number}.0.0/16")
    group = cloud.security_group(name, vpc=vpc, rules=[("-1", -1, -1, [ANYWHERE])])
    data = cloud.subnet("data", vpc=vpc, cidr=f"10.9{number}.1.0/24", letter="a")
    management = cloud.subnet("management", vpc=vpc, cidr=f"10.9{number}.2.0/24", letter="a")
    gateway = way_out(cloud, vpc=vpc, subnet=management) if public else None
    return Security(name=name, number=number, vpc=vpc, group=group, data=data, management=management, gateway=gateway)


def site(number: int) -> plan.Site:
    """An application behind the fleet of one security VPC."""
    return plan.Site(
        name=f"web-{number}",
        letter="a",
        application_subnet=f"10.0.{number}.32/28",
        endpoint_subnet=f"10.0.{number}.48/28",
        inspected_by=f"security-{number}",
    )


def way_out(cloud: Cloud, *, vpc: str, subnet: str) -> str:
    """An internet gateway, and a route to it from one subnet."""
    gateway = str(cloud.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"])
    cloud.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = cloud.route_table("out", vpc=vpc)
    cloud.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    cloud.ec2.create_route(RouteTableId=table, DestinationCidrBlock=ANYWHERE, GatewayId=gateway)
    return gateway


def firewall(cloud: Cloud, where: Security, name: str, *, manager: str) -> str:
    """A firewall with a leg in each subnet; its instance id."""
    made = cloud.ec2.run_instances(
        ImageId=cloud.image("opengwlb/firewall"),
        InstanceType="t3.micro",
        MinCount=1,
        MaxCount=1,
        UserData=firewall_user_data(manager),
        NetworkInterfaces=[
            {"DeviceIndex": 0, "SubnetId": where.data, "Groups": [where.group]},
            {"DeviceIndex": 1, "SubnetId": where.management, "Groups": [where.group]},
        ],
        TagSpecifications=tags("instance", name),
    )["Instances"][0]
    if where.gateway is not None:
        # With two interfaces none gets a public address by itself.
        address = cloud.ec2.allocate_address(Domain="vpc")["AllocationId"]
        second = made["NetworkInterfaces"][1]["NetworkInterfaceId"]
        cloud.ec2.associate_address(AllocationId=address, NetworkInterfaceId=second)
    where.firewalls[name] = str(made["InstanceId"])
    return str(made["InstanceId"])


def offer(cloud: Cloud, where: Security) -> Service:
    """The load balancer before the fleet, and its endpoint service, open to everyone."""
    described = cloud.instance_states(list(where.firewalls.values()))
    appliances = tuple(
        Appliance(name=name, instance=instance, address=described[instance]["PrivateIpAddress"])
        for name, instance in where.firewalls.items()
    )
    subnet = cloud.subnet("balancer", vpc=where.vpc, cidr=f"10.9{where.number}.0.0/24", letter="a")
    where.service = partner.offer(cloud, where.name, vpc=where.vpc, subnets=[subnet], appliances=appliances)
    cloud.ec2.modify_vpc_endpoint_service_permissions(ServiceId=where.service.service_id, AddAllowedPrincipals=["*"])
    return where.service


def health(cloud: Cloud, service: Service) -> dict[str, str]:
    """Instance -> state."""
    answer = cloud.elbv2.describe_target_health(TargetGroupArn=service.target_group)
    return {each["Target"]["Id"]: each["TargetHealth"]["State"] for each in answer["TargetHealthDescriptions"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Manager:
    """An instance that manages a fleet, spoken to from its own console: nobody else needs a way to it."""

    lab: str
    instance: str

    def push(self, text: str) -> int:
        """Give it a policy; the version. Refuses when it does not answer."""
        said = self._run(["--set", "-"], given=text)
        return int(json.loads(said)["version"])

    def appliances(self) -> dict[str, dict[str, Any]]:
        """Host name -> what it follows."""
        return {one["name"]: one for one in json.loads(self._run([]))["appliances"]}

    def _run(self, more: Sequence[str], *, given: str = "") -> str:
        url = f"http://127.0.0.1:{PORT}"
        command = ["python3", "-m", "opengwlb_appliance.manager", "--url", url, "--key", KEY, *more]
        argv = boxes.inside(self.lab, box=self.instance, command=command)
        done = subprocess.run(argv, input=given, capture_output=True, text=True, timeout=30)
        if done.returncode:
            raise Refusal(f"The manager in {self.instance} does not answer: {done.stderr.strip()[-300:]}")
        return done.stdout

    def ready(self) -> tuple[bool, str]:
        try:
            return True, f"{len(self.appliances())} appliances ask"
        except Refusal as refusal:
            return False, str(refusal)

    def followers(self, count: int) -> Callable[[], tuple[bool, str]]:
        """Whether so many appliances ask it."""

        def look() -> tuple[bool, str]:
            ready, said = self.ready()
            return ready and len(self.appliances()) >= count, said

        return look


def page(lab: str, instance: str) -> str:
    """The firewall's health page as a probe gets it: status and what it says."""
    command = ["curl", "-s", "-m", "5", "-w", " %{http_code}", "http://127.0.0.1/"]
    done = subprocess.run(boxes.inside(lab, box=instance, command=command), capture_output=True, text=True, timeout=30)
    said, _, status = done.stdout.rpartition(" ")
    return f"{status} {json.loads(said)['status']}" if said else "no answer"


def expect_waiting(ledger: Ledger, lab: str, firewalls: Sequence[str]) -> None:
    pages = {page(lab, one) for one in firewalls}
    ledger.add(
        "health pages before there is a policy",
        expected="503",
        happened="; ".join(sorted(pages)),
        ok=all(one.startswith("503 ") for one in pages),
        by="no target is healthy before it has a policy",
    )


def pushed(manager: Manager, text: str, *, waits: Waits) -> float:
    """Push a policy; how many seconds later the last appliance had it in force, by the manager's clock."""
    version = manager.push(text)
    took: list[float] = []

    def look() -> tuple[bool, str]:
        there = manager.appliances().values()
        took[:] = [float(one["took_s"]) for one in there if one["version"] == version]
        return len(took) == len(there), f"{len(took)} of {len(there)}"

    waits.until("every appliance to follow", look, timeout_s=10)
    return max(took)


def open_port(internet: Internet, address: str, port: int) -> bool:
    """Whether a client on the internet can connect."""
    reply = internet.request(address, source=plan.CLIENTS[0], port=port, timeout_s=0.4)["reply"]
    return "greets" in reply


def answering(internet: Internet, address: str, port: int) -> Callable[[], tuple[bool, str]]:
    """The same as a question for `Waits.until`."""
    return lambda: (open_port(internet, address, port), "")


def expect(ledger: Ledger, internet: Internet, what: str, address: str, *, port: int, passes: bool, by: str) -> None:
    got = open_port(internet, address, port)
    should, did = (("answers" if one else "no answer") for one in (passes, got))
    ledger.add(what, expected=should, happened=did, by=by, ok=got is passes)


def expect_soon(ledger: Ledger, what: str, seconds: float) -> None:
    ledger.add(
        what,
        expected=f"within {WITHIN_S:g} s",
        happened=f"after {seconds:.2f} s",
        by="one push; every appliance's question was open",
        ok=seconds <= WITHIN_S,
    )


def stop(cloud: Cloud, instance: str, *, waits: Waits) -> None:
    cloud.ec2.stop_instances(InstanceIds=[instance])
    _until_state(cloud, instance, "stopped", waits=waits)


def start(cloud: Cloud, instance: str, *, waits: Waits) -> None:
    cloud.ec2.start_instances(InstanceIds=[instance])
    _until_state(cloud, instance, "running", waits=waits)


def _until_state(cloud: Cloud, instance: str, state: str, *, waits: Waits) -> None:
    def look() -> tuple[bool, str]:
        found = cloud.instance_states([instance])[instance]["State"]["Name"]
        return found == state, found

    waits.until(f"{instance} to be {state}", look)
