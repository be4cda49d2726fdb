"""What an appliance finds on AWS: itself, its role's credentials, names, and the API, all from inside its VPC."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .cloud import image
from .server import REGION, Server, until

IMDS = "http://169.254.169.254"
ADDRESS = "10.0.1.10"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)
PERMITTED = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": ["ec2:DescribeNetworkInterfaces", "ssm:GetParameter"], "Resource": "*"},
        ],
    }
)
SCRIPT = """#!/usr/bin/env python3
import json, socket
from opengwlb_appliance.aws import AwsError, Client, Metadata

me = Metadata()
instance = me.get("meta-data/instance-id")
ec2 = Client("ec2", metadata=me)
found = ec2.call("DescribeNetworkInterfaces", {"Filter.1.Name": "attachment.instance-id", "Filter.1.Value.1": instance})
try:
    ec2.call("TerminateInstances", {"InstanceId.1": instance})
    denied = ""
except AwsError as error:
    denied = str(error)
print("FOUND " + json.dumps({
    "instance": instance,
    "document": json.loads(me.get("dynamic/instance-identity/document"))["instanceId"],
    "endpoint": socket.gethostbyname("ec2.ap-northeast-2.amazonaws.com"),
    "interfaces": [each.text for each in found.findall("networkInterfaceSet/item/privateIpAddress")],
    "caller": Client("sts", metadata=me).call("GetCallerIdentity").findtext(".//Arn"),
    "image": Client("ssm", metadata=me).call("GetParameter", {"Name": "/aws/service/opengwlb/ami/linux/latest"})["Parameter"]["Value"],
    "denied": denied,
}))
"""


@dataclass
class Site:
    """A VPC 10.0.0.0/16 with interface endpoints and one instance at 10.0.1.10 that has a role."""

    server: Server
    ec2: Any
    account: str
    vpc: str
    instance: str
    endpoints: dict[str, str]
    """Service -> `vpce-…`."""

    def run(self, *command: str, check: bool = True) -> str:
        """In the instance itself: slower than in its network alone."""
        done = subprocess.run([*self._exec(), *command], capture_output=True, text=True, timeout=30)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _exec(self) -> list[str]:
        return [str(Path(sys.executable).parent / "gwlb"), "exec", "--name", self.server.name, self.instance, "--"]

    def curl(self, *arguments: str) -> str:
        """In the instance's network."""
        return self.server.inside(self.instance, "curl", "-s", "-m", "5", *arguments, timeout=30).stdout

    def get(self, path: str, *headers: str) -> tuple[int, str]:
        """(status, body) of a request to the metadata service."""
        options = [part for header in headers for part in ("-H", header)]
        body, _, status = self.curl("-w", "\n%{http_code}", *options, f"{IMDS}/latest/{path}").rpartition("\n")
        return int(status), body

    def token(self) -> str:
        asking = ("-X", "PUT", "-H", "X-aws-ec2-metadata-token-ttl-seconds: 600")
        return self.curl(*asking, f"{IMDS}/latest/api/token")

    def resolve(self, *names: str) -> list[str]:
        """The first address of each, by the instance's own resolver; empty where there is no such name or no name server."""
        ask = (
            'for name in "$@"; do timeout 2 getent ahostsv4 "$name" | head -1 | cut -d" " -f1 | tr -d "\n"; echo; done'
        )
        return self.run("sh", "-c", ask, "sh", *names).splitlines()


def make_site(server: Server, account: str, *, services: tuple[str, ...] = ()) -> Site:
    account_id = server.account(account)
    ec2, iam = server.client("ec2", account), server.client("iam", account)
    iam.create_role(RoleName="appliance", AssumeRolePolicyDocument=TRUST)
    iam.put_role_policy(RoleName="appliance", PolicyName="look", PolicyDocument=PERMITTED)
    iam.create_instance_profile(InstanceProfileName="appliance")
    iam.add_role_to_instance_profile(InstanceProfileName="appliance", RoleName="appliance")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24", AvailabilityZone=f"{REGION}a")["Subnet"]["SubnetId"]
    endpoints = {
        service: ec2.create_vpc_endpoint(
            VpcEndpointType="Interface", ServiceName=f"com.amazonaws.{REGION}.{service}", VpcId=vpc, SubnetIds=[subnet]
        )["VpcEndpoint"]["VpcEndpointId"]
        for service in services
    }

    def available() -> bool:
        shown = ec2.describe_vpc_endpoints()["VpcEndpoints"]
        return all(one["State"] == "available" for one in shown)

    until(available, what="the endpoints are available")
    (made,) = ec2.run_instances(
        ImageId="resolve:ssm:/aws/service/opengwlb/ami/linux/latest",
        MinCount=1,
        MaxCount=1,
        SubnetId=subnet,
        PrivateIpAddress=ADDRESS,
        IamInstanceProfile={"Name": "appliance"},
        MetadataOptions={"HttpTokens": "required"},
        UserData=SCRIPT,
    )["Instances"]
    ec2.get_waiter("instance_running").wait(
        InstanceIds=[made["InstanceId"]], WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    return Site(server=server, ec2=ec2, account=account_id, vpc=vpc, instance=made["InstanceId"], endpoints=endpoints)


@pytest.fixture(scope="module")
def site(server: Server) -> Site:
    return make_site(server, "maker", services=("ec2", "ssm", "sts"))


@pytest.fixture(scope="module")
def other(server: Server, site: Site) -> Site:
    """Another account with the same addresses."""
    return make_site(server, "neighbour")


def test_a_script_at_first_boot_finds_itself_its_role_the_api_and_its_limits(site: Site) -> None:
    def console() -> Any:
        printed = site.ec2.get_console_output(InstanceId=site.instance)["Output"]
        assert "failed" not in printed, printed
        return re.search(r"^FOUND (.*)$", printed, re.MULTILINE)

    found = json.loads(until(console, what="the script has printed what it found")[1])
    (interface,) = site.ec2.describe_network_interfaces(
        Filters=[{"Name": "attachment.instance-id", "Values": [site.instance]}]
    )["NetworkInterfaces"]
    assert found["instance"] == found["document"] == site.instance
    assert found["interfaces"] == [interface["PrivateIpAddress"]] == [ADDRESS]
    assert found["endpoint"].startswith("10.0.1.")
    assert found["image"] == image(site.ec2, "linux")
    session = f"arn:aws:sts::{site.account}:assumed-role/appliance/{site.instance}"
    assert found["caller"] == session
    assert found["denied"].startswith("UnauthorizedOperation: ")
    assert (
        f"User: {session} is not authorized to perform: ec2:TerminateInstances on resource: "
        f"arn:aws:ec2:{REGION}:{site.account}:instance/{site.instance}"
    ) in found["denied"]
    state = site.ec2.describe_instances(InstanceIds=[site.instance])["Reservations"][0]["Instances"][0]
    assert state["State"]["Name"] == "running"
    assert state["IamInstanceProfile"]["Arn"] == f"arn:aws:iam::{site.account}:instance-profile/appliance"


def test_equal_addresses_in_two_vpcs_are_two_instances(site: Site, other: Site) -> None:
    for one in (site, other):
        assert one.get("meta-data/instance-id", f"X-aws-ec2-metadata-token: {one.token()}") == (200, one.instance)
    assert other.get("meta-data/instance-id", f"X-aws-ec2-metadata-token: {site.token()}")[0] == 401
    assert other.resolve("ec2.ap-northeast-2.amazonaws.com") == [""]


def test_boto3_finds_the_credentials_and_the_endpoint_as_it_does_on_aws(site: Site, tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.write_text(site.curl(f"{IMDS}/opengwlb/ca.pem"))
    (address,) = site.resolve("ec2.ap-northeast-2.amazonaws.com")
    program = (
        f"import boto3; ec2 = boto3.client('ec2', endpoint_url='https://{address}', region_name='{REGION}')\n"
        "print(ec2.describe_network_interfaces()['ResponseMetadata']['HTTPStatusCode'])\n"
        "try: ec2.describe_vpcs()\n"
        "except Exception as error: print(error.response['Error']['Code'])\n"
        f"sts = boto3.client('sts', endpoint_url='https://{address}', region_name='{REGION}')\n"
        "try: sts.get_caller_identity()\n"
        "except Exception as error: print(error.response['Error']['Code'])\n"
    )
    environment = {"AWS_CA_BUNDLE": str(authority), "HOME": str(tmp_path), "PATH": "/usr/bin"}
    done = site.server.inside(site.instance, sys.executable, "-c", program, env=environment, timeout=60)
    assert done.stdout.split() == ["200", "UnauthorizedOperation", "SignatureDoesNotMatch"], done.stderr


def test_identity_documents_verify_with_openssl(site: Site, tmp_path: Path) -> None:
    header = f"X-aws-ec2-metadata-token: {site.token()}"
    document = site.get("dynamic/instance-identity/document", header)[1]
    certificate = tmp_path / "identity.pem"
    certificate.write_text(site.curl(f"{IMDS}/opengwlb/identity.pem"))
    signed = tmp_path / "pkcs7"
    signed.write_text(
        f"-----BEGIN PKCS7-----\n{site.get('dynamic/instance-identity/pkcs7', header)[1]}\n-----END PKCS7-----\n"
    )
    verify = [
        "openssl",
        "smime",
        "-verify",
        "-inform",
        "PEM",
        "-in",
        str(signed),
        "-certfile",
        str(certificate),
        "-noverify",
    ]
    done = subprocess.run(verify, capture_output=True)
    assert done.returncode == 0 and done.stdout.decode() == document, done.stderr
    assert json.loads(document)["privateIp"] == ADDRESS
    public, signature = tmp_path / "public.pem", tmp_path / "signature"
    public.write_bytes(
        subprocess.run(
            ["openssl", "x509", "-in", str(certificate), "-pubkey", "-noout"], capture_output=True, check=True
        ).stdout
    )
    signature.write_bytes(base64.b64decode(site.get("dynamic/instance-identity/signature", header)[1]))
    check = ["openssl", "dgst", "-sha256", "-verify", str(public), "-signature", str(signature)]
    assert subprocess.run(check, input=document.encode(), capture_output=True).returncode == 0
    assert subprocess.run(check, input=document.encode() + b" ", capture_output=True).returncode != 0


def ttls(site: Site, method: str, path: str, *headers: str) -> set[int]:
    """TTLs of the packets with data that answer one request."""
    listening = site.server.spawn(
        site.instance,
        "tcpdump",
        "-l",
        "-n",
        "-v",
        "-i",
        "eth0",
        "src host 169.254.169.254 and tcp[tcpflags] & tcp-push != 0",
    )
    assert listening.stderr is not None and listening.stdout is not None
    while "listening on" not in listening.stderr.readline():
        assert listening.poll() is None
    options = [part for header in headers for part in ("-H", header)]
    site.curl("-o", "/dev/null", "-X", method, *options, f"{IMDS}/latest/{path}")
    first = listening.stdout.readline()
    listening.terminate()
    return {int(ttl) for ttl in re.findall(r"ttl (\d+)", first + listening.communicate()[0])}


def test_tokens_get_no_further_than_the_hop_limit(site: Site) -> None:
    asking = "X-aws-ec2-metadata-token-ttl-seconds: 60"
    assert ttls(site, "PUT", "api/token", asking) == {1}
    site.ec2.modify_instance_metadata_options(InstanceId=site.instance, HttpPutResponseHopLimit=3)
    assert ttls(site, "PUT", "api/token", asking) == {3}
    assert ttls(site, "GET", "meta-data/", f"X-aws-ec2-metadata-token: {site.token()}") == {64}
    site.ec2.modify_instance_metadata_options(InstanceId=site.instance, HttpPutResponseHopLimit=1)


def test_metadata_options_are_obeyed_at_once(site: Site) -> None:
    assert site.get("meta-data/ami-id")[0] == 401
    site.ec2.modify_instance_metadata_options(InstanceId=site.instance, HttpTokens="optional")
    assert site.get("meta-data/ami-id") == (200, image(site.ec2, "linux"))
    site.ec2.modify_instance_metadata_options(InstanceId=site.instance, HttpEndpoint="disabled")
    assert site.get("meta-data/ami-id")[0] == 403
    site.ec2.modify_instance_metadata_options(InstanceId=site.instance, HttpEndpoint="enabled", HttpTokens="required")


def test_credentials_end_with_the_association_but_those_given_hold(site: Site) -> None:
    header = f"X-aws-ec2-metadata-token: {site.token()}"
    assert site.get("meta-data/iam/security-credentials/", header) == (200, "appliance")
    (association,) = site.ec2.describe_iam_instance_profile_associations()["IamInstanceProfileAssociations"]
    site.ec2.disassociate_iam_instance_profile(AssociationId=association["AssociationId"])
    assert site.get("meta-data/iam/info", header)[0] == 404
    site.ec2.associate_iam_instance_profile(InstanceId=site.instance, IamInstanceProfile={"Name": "appliance"})
    info = json.loads(site.get("meta-data/iam/info", header)[1])
    assert (info["Code"], info["InstanceProfileArn"][-9:]) == ("Success", "appliance")
    iam = site.server.client("iam", "maker")
    iam.create_instance_profile(InstanceProfileName="another")
    iam.add_role_to_instance_profile(InstanceProfileName="another", RoleName="appliance")
    for name in ("another", "appliance"):
        (current,) = site.ec2.describe_iam_instance_profile_associations(
            Filters=[{"Name": "state", "Values": ["associated"]}]
        )["IamInstanceProfileAssociations"]
        site.ec2.replace_iam_instance_profile_association(
            AssociationId=current["AssociationId"], IamInstanceProfile={"Name": name}
        )
        told = json.loads(site.get("meta-data/iam/info", header)[1])
        assert told["InstanceProfileArn"].endswith(f":instance-profile/{name}")


def test_names_follow_the_vpcs_attributes_and_lead_nowhere_else(site: Site) -> None:
    own = "ip-10-0-1-10.ap-northeast-2.compute.internal"
    shown = site.ec2.describe_vpc_endpoints(VpcEndpointIds=[site.endpoints["ssm"]])["VpcEndpoints"][0]
    (interface,) = site.ec2.describe_network_interfaces(NetworkInterfaceIds=shown["NetworkInterfaceIds"])[
        "NetworkInterfaces"
    ]
    names = [entry["DnsName"] for entry in shown["DnsEntries"]]
    behind = interface["PrivateIpAddress"]
    found = site.resolve(own, "ip-10-0-1-10", "ip-10-0-1-99", "www.example.com", *names)
    assert found == [ADDRESS, ADDRESS, "", "", behind, behind, behind]
    site.ec2.modify_vpc_endpoint(VpcEndpointId=site.endpoints["ssm"], PrivateDnsEnabled=False)
    assert site.resolve(*names) == [behind, behind, ""]
    site.ec2.modify_vpc_attribute(VpcId=site.vpc, EnableDnsSupport={"Value": False})
    until(lambda: site.resolve(own) == [""], what="the name server is gone")
    assert site.get("meta-data/instance-id", f"X-aws-ec2-metadata-token: {site.token()}") == (200, site.instance)
    site.ec2.modify_vpc_attribute(VpcId=site.vpc, EnableDnsSupport={"Value": True})
    until(lambda: site.resolve(own) == [ADDRESS], what="names are back")


def test_after_a_crash_of_the_server_services_tokens_and_credentials_are_the_same(site: Site) -> None:
    header = f"X-aws-ec2-metadata-token: {site.token()}"
    before = json.loads(site.get("meta-data/iam/security-credentials/appliance", header)[1])
    site.server.kill()
    refused = site.curl("-o", "/dev/null", "-w", "%{errormsg}", f"{IMDS}/")
    assert "refused" in refused or "Couldn't connect" in refused
    site.server.start()

    def answers() -> Any:
        return site.get("")[0] == 401

    until(answers, what="the metadata service is back")
    after = json.loads(site.get("meta-data/iam/security-credentials/appliance", header)[1])
    assert after == before or after["LastUpdated"] > before["LastUpdated"]
    called = site.run("python3", "-m", "opengwlb_appliance.aws", "ec2", "DescribeNetworkInterfaces")
    assert ADDRESS in called


def test_a_deleted_endpoint_takes_its_name_and_its_box_away(site: Site) -> None:
    assert site.resolve("sts.ap-northeast-2.amazonaws.com") != [""]
    site.ec2.delete_vpc_endpoints(VpcEndpointIds=[site.endpoints["sts"]])
    assert site.resolve("sts.ap-northeast-2.amazonaws.com") == [""]
    box = Path(site.server.namespace(site.endpoints["sts"]))
    until(lambda: not box.exists(), what="the endpoint's box is gone")
    with pytest.raises(site.ec2.exceptions.ClientError, match="NotFound"):
        site.ec2.describe_vpc_endpoints(VpcEndpointIds=[site.endpoints["sts"]])
