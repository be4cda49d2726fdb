"""Health checks are real probes: TCP, HTTP and HTTPS from the node's address, judged by AWS's thresholds and reason codes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from .cloud import image, let_in
from .server import REGION, Server, until

SERVER = """#!/bin/sh
cat > /opt/health.py <<'PY'
import http.server, pathlib, ssl, sys, threading
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open("/opt/peers", "a") as peers:
            print(self.client_address[0], self.path, file=peers)
        status = pathlib.Path("/opt/status")
        self.send_response(int(status.read_text()) if status.exists() else 200)
        self.end_headers()
    def log_message(self, *arguments):
        pass
plain = http.server.ThreadingHTTPServer(("", 8080), Health)
threading.Thread(target=plain.serve_forever, daemon=True).start()
secret = http.server.ThreadingHTTPServer(("", 8443), Health)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/opt/cert.pem", "/opt/key.pem")
secret.socket = context.wrap_socket(secret.socket, server_side=True)
secret.serve_forever()
PY
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=appliance -keyout /opt/key.pem -out /opt/cert.pem 2>/dev/null
nohup python3 /opt/health.py >/var/log/health.log 2>&1 &
"""


class Lab:
    """One appliance with an HTTP and an HTTPS page; a load balancer whose only target group is swapped by each test."""

    def __init__(self, server: Server) -> None:
        self.server = server
        server.account("partner")
        self.ec2, self.elb = server.client("ec2", "partner"), server.client("elbv2", "partner")
        self.vpc = self.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        let_in(self.ec2, self.vpc)
        self.subnet = self._subnet("10.9.0.0/24", "a")
        launched = self.ec2.run_instances(
            ImageId=image(self.ec2, "linux"), MinCount=1, MaxCount=1, SubnetId=self.subnet, UserData=SERVER
        )["Instances"][0]
        self.instance, self.address = launched["InstanceId"], launched["PrivateIpAddress"]
        balancer = self.elb.create_load_balancer(Name="gwlb", Type="gateway", Subnets=[self.subnet])
        self.balancer = balancer["LoadBalancers"][0]["LoadBalancerArn"]
        self.listener: str | None = None
        self._wait_running()

    def _subnet(self, cidr: str, zone: str) -> str:
        made = self.ec2.create_subnet(VpcId=self.vpc, CidrBlock=cidr, AvailabilityZone=REGION + zone)
        return str(made["Subnet"]["SubnetId"])

    def _wait_running(self) -> None:
        self.ec2.get_waiter("instance_running").wait(
            InstanceIds=[self.instance], WaiterConfig={"Delay": 1, "MaxAttempts": 30}
        )
        until(lambda: "ended well" in self._console(), what="the pages are up")

    def _console(self) -> str:
        return str(self.ec2.get_console_output(InstanceId=self.instance).get("Output", ""))

    def group(self, name: str, *, target: str | None = None, kind: str = "instance", **check: Any) -> str:
        """A target group in use with one target."""
        arn = self.elb.create_target_group(
            Name=name,
            Protocol="GENEVE",
            Port=6081,
            VpcId=self.vpc,
            TargetType=kind,
            HealthCheckIntervalSeconds=5,
            HealthCheckTimeoutSeconds=2,
            HealthyThresholdCount=2,
            UnhealthyThresholdCount=2,
            **check,
        )["TargetGroups"][0]["TargetGroupArn"]
        self.elb.register_targets(TargetGroupArn=arn, Targets=[{"Id": target or self.instance}])
        action = [{"Type": "forward", "TargetGroupArn": arn}]
        if self.listener is None:
            made = self.elb.create_listener(LoadBalancerArn=self.balancer, DefaultActions=action)
            self.listener = made["Listeners"][0]["ListenerArn"]
        else:
            self.elb.modify_listener(ListenerArn=self.listener, DefaultActions=action)
        return str(arn)

    def health(self, group: str) -> dict[str, str]:
        found = self.elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return dict(found[0]["TargetHealth"])

    def becomes(self, group: str, state: str, *, seconds: float = 30) -> dict[str, str]:
        until(lambda: self.health(group)["State"] == state, what=f"the target is {state}", seconds=seconds)
        return self.health(group)

    def inside(self, script: str) -> str:
        """Run a shell command in the appliance's container; what it printed."""
        from opengwlb.cli import lab as where
        from opengwlb.instances import RuncDriver

        name = self.server.name
        driver = RuncDriver(name=name, run_dir=where.run_dir(name), data_dir=Path(self.server.data_dir))
        import subprocess

        argv = driver.exec(self.instance, ("sh", "-c", script))
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def lab(server: Server) -> Lab:
    return Lab(server)


def test_an_http_check_comes_from_the_nodes_address_and_follows_the_status(lab: Lab):
    group = lab.group(
        "http",
        HealthCheckProtocol="HTTP",
        HealthCheckPort="8080",
        HealthCheckPath="/ready",
        Matcher={"HttpCode": "200"},
    )
    assert lab.becomes(group, "healthy") == {"State": "healthy"}
    node = lab.ec2.describe_network_interfaces(
        Filters=[{"Name": "interface-type", "Values": ["gateway_load_balancer"]}]
    )["NetworkInterfaces"][0]["PrivateIpAddress"]
    peers = set(lab.inside("cat /opt/peers").split("\n")) - {""}
    assert peers == {f"{node} /ready"}
    lab.inside("echo 503 > /opt/status")
    found = lab.becomes(group, "unhealthy")
    assert found["Reason"] == "Target.ResponseCodeMismatch"
    assert found["Description"] == "Health checks failed with these codes: [503]"
    lab.inside("rm /opt/status")
    lab.becomes(group, "healthy")
    lab.elb.modify_target_group(TargetGroupArn=group, HealthCheckPath="/alive")
    until(lambda: f"{node} /alive" in lab.inside("cat /opt/peers"), what="the other page is asked for")


def test_an_https_check_does_not_ask_who_signed_the_certificate(lab: Lab):
    group = lab.group("https", HealthCheckProtocol="HTTPS", HealthCheckPort="8443")
    lab.becomes(group, "healthy")


def test_a_closed_port_fails_the_check(lab: Lab):
    group = lab.group("closed", HealthCheckProtocol="TCP", HealthCheckPort="9")
    assert lab.becomes(group, "unhealthy")["Reason"] == "Target.FailedHealthChecks"


def test_a_page_that_never_answers_times_out(lab: Lab):
    lab.inside("nohup nc -lk 8081 </dev/null >/dev/null 2>&1 &")
    group = lab.group("silent", HealthCheckProtocol="HTTP", HealthCheckPort="8081")
    assert lab.becomes(group, "unhealthy")["Reason"] == "Target.Timeout"


def test_a_target_by_address_is_probed_like_an_instance(lab: Lab):
    group = lab.group("by-address", target=lab.address, kind="ip", HealthCheckPort="8080")
    lab.becomes(group, "healthy")


def test_targets_out_of_use_say_why(lab: Lab):
    group = lab.group("first", HealthCheckPort="8080")
    lab.becomes(group, "healthy")
    lab.group("second", HealthCheckPort="8080")
    assert lab.becomes(group, "unused")["Reason"] == "Target.NotInUse"
    elsewhere = lab.ec2.run_instances(
        ImageId=image(lab.ec2, "linux"), MinCount=1, MaxCount=1, SubnetId=lab._subnet("10.9.1.0/24", "b")
    )["Instances"][0]["InstanceId"]
    lab.ec2.get_waiter("instance_running").wait(InstanceIds=[elsewhere], WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    other = lab.group("elsewhere", target=elsewhere, HealthCheckPort="8080")
    assert lab.becomes(other, "unused")["Reason"] == "Target.NotInUse"


def test_a_deregistered_target_drains_for_its_delay_and_leaves(lab: Lab):
    group = lab.group("draining", HealthCheckPort="8080")
    lab.becomes(group, "healthy")
    lab.elb.modify_target_group_attributes(
        TargetGroupArn=group, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "3"}]
    )
    start = time.monotonic()
    lab.elb.deregister_targets(TargetGroupArn=group, Targets=[{"Id": lab.instance}])
    found = lab.health(group)
    assert (found["State"], found["Reason"]) == ("draining", "Target.DeregistrationInProgress")
    lab.elb.get_waiter("target_deregistered").wait(
        TargetGroupArn=group, Targets=[{"Id": lab.instance}], WaiterConfig={"Delay": 1, "MaxAttempts": 20}
    )
    assert 2.5 < time.monotonic() - start < 8
