"""People bring their appliances: images of every form become targets that carry TCP bulk; what fails leaves nothing."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.instances.guest_maker import make_disk
from tests.instances.image_maker import APPLIANCE, make_oci, make_root, run

from .cloud import Customer, Partner, answers, customer, healthy, partner, reachable
from .server import BIN, Server, until

TRANSFER = str(Path(__file__).with_name("transfer.py"))
pytestmark = pytest.mark.skipif(not shutil.which("umoci"), reason="needs umoci and skopeo")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_root(tmp_path_factory.mktemp("image") / "root")


@pytest.fixture(scope="module")
def layout(root: Path) -> Path:
    return make_oci(root.with_name("layout"), root, *APPLIANCE)


def imported(server: Server, source: object, *options: str) -> dict:
    found: dict = json.loads(server.gwlb("image", "import", str(source), *options, "--json").stdout)
    return found


def contents(server: Server) -> set[str]:
    """What is on disk of images."""
    place = server.data_dir / "images"
    found = {path.name for path in place.iterdir()} if place.is_dir() else set()
    incoming = place / "incoming"
    return (found - {"incoming"}) | ({path.name for path in incoming.iterdir()} if incoming.is_dir() else set())


def carries_bulk(server: Server, made: Customer, *, mib: int = 32) -> None:
    serving = server.spawn(made.applications["a"], sys.executable, TRANSFER, "serve", "5001")
    try:
        assert serving.stdout.readline() == "ready\n"
        for mode in ("push", "pull"):
            result = server.inside("internet", sys.executable, TRANSFER, mode, made.public["a"], "5001", str(mib << 20))
            assert json.loads(result.stdout or "{}").get("equal") is True, result.stderr
    finally:
        serving.kill()
        serving.wait()


def run_in(server: Server, instance: str, *command: str) -> str:
    """What a command in an instance prints."""
    return run(str(BIN / "gwlb"), "exec", "--name", server.name, instance, "--", *command)


def page(server: Server, instance: str, *, status: int = 200) -> str:
    """The health page of an appliance, once it has this status."""
    asked = ("curl", "-s", "-m", "3", "-w", "%{http_code}", "http://127.0.0.1/")
    until(
        lambda: server.inside(instance, *asked).stdout.endswith(str(status)), what=f"a health page of status {status}"
    )
    return server.inside(instance, *asked).stdout


def behind(server: Server, image: str, *, label: str, user_data: str = "") -> tuple[Partner, Customer]:
    """A customer whose traffic goes through one instance of the image, launched by the partner's account."""
    inspected = partner(server, account=f"partner-{label}", appliance=image, user_data=user_data)
    made = customer(server, service=inspected.service_name, account=f"customer-{label}")
    healthy(inspected, count=1)
    return inspected, made


def test_an_oci_image_that_is_not_ours_carries_tcp_bulk(server: Server, layout: Path, tmp_path: Path):
    server.account("partner-oci")
    server.account("customer-oci")
    (tmp_path / "LICENCE").write_text("Acme's own.\n")
    about = ("--vendor", "Acme", "--version", "4.2", "--license", str(tmp_path / "LICENCE"), "--owner", "partner-oci")
    image = imported(server, layout, "--as", "acme/firewall", *about)
    assert (image["kind"], image["vendor"], image["version"], image["licence"]) == (
        "oci",
        "Acme",
        "4.2",
        "Acme's own.\n",
    )
    (shown,) = server.client("ec2", "partner-oci").describe_images(Owners=["self"])["Images"]
    assert (shown["ImageId"], shown["Name"], shown["Public"]) == (image["id"], "acme/firewall", False)
    inspected, made = behind(server, image["id"], label="oci")
    reachable(server, made.public["a"])
    carries_bulk(server, made)
    appliance = inspected.appliances["a"][0]
    nodes = run_in(server, appliance, "nft", "list", "map", "ip", "hairpin", "nodes")
    assert "10.9.0.4 : 10.9.0.4" in nodes, "the image's own rules did not see the traffic"
    console = inspected.ec2.get_console_output(InstanceId=appliance)["Output"]
    assert "appliance of Acme starts" in console

    # Deregistered, it goes on, also over a stop; its content goes after its last instance.
    inspected.ec2.deregister_image(ImageId=image["id"])
    inspected.ec2.stop_instances(InstanceIds=[appliance])
    inspected.ec2.get_waiter("instance_stopped").wait(InstanceIds=[appliance], WaiterConfig={"Delay": 1})
    inspected.ec2.start_instances(InstanceIds=[appliance])
    healthy(inspected, count=1)
    reachable(server, made.public["a"])
    assert contents(server)
    inspected.ec2.terminate_instances(InstanceIds=[appliance])
    until(lambda: not contents(server), what="the content is gone")


def test_an_import_of_a_bad_image_says_why_and_leaves_nothing(server: Server, tmp_path: Path):
    (tmp_path / "noise").write_bytes(b"noise" * 1000)
    before = contents(server)
    said = server.gwlb("image", "import", str(tmp_path / "noise"), check=False)
    assert said.returncode == 1 and "ImportFailed" in said.stderr and "no tar archive" in said.stderr
    assert contents(server) == before


def test_names_are_unique_and_only_the_operator_imports(server: Server, root: Path):
    image = imported(server, root, "--as", "twice", "--command", "/start")
    again = server.gwlb("image", "import", str(root), "--as", "twice", check=False)
    assert "InvalidAMIName.Duplicate" in again.stderr
    listed = json.loads(server.gwlb("image", "list", "--json").stdout)["images"]
    assert [one["id"] for one in listed if one["name"] == "twice"] == [image["id"]]
    server.account("nosy")
    nosy = json.loads(server.gwlb("image", "list", "--account", "nosy", "--json").stdout)["images"]
    assert not [one for one in nosy if one["name"] == "twice"]
    server.gwlb("image", "rm", "twice")
    until(lambda: not contents(server), what="the content is gone")


def test_an_import_that_is_killed_half_way_leaves_nothing(server: Server, root: Path, tmp_path: Path):
    large = tmp_path / "large"
    shutil.copytree(root, large, symlinks=True)
    with (large / "filler").open("wb") as file:
        for _ in range(300):
            file.write(b"not zero" * (1 << 17))

    def start() -> subprocess.Popen[bytes]:
        importing = subprocess.Popen(
            [str(BIN / "gwlb"), "image", "import", str(large), "--as", "large", "--name", server.name],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(lambda: contents(server), what="the import is on its way", every=0.01)
        return importing

    # The command goes away: the server stops as well.
    importing = start()
    importing.kill()
    importing.wait()
    until(lambda: not contents(server), what="nothing is left of a cancelled import")
    # The server goes away: the next one cleans up.
    importing = start()
    server.kill()
    assert importing.wait(timeout=30) == 1
    assert contents(server)
    server.start()
    until(lambda: not contents(server), what="nothing is left of a half import")
    listed = json.loads(server.gwlb("image", "list", "--json").stdout)["images"]
    assert not [one for one in listed if one["name"] == "large"]


# -- marketplace -----------------------------------------------------------------------------------------------------------


def product(server: Server, code: str, *, account: str) -> str:
    """The image of a product whose terms this account has accepted."""
    return str(
        json.loads(server.gwlb("marketplace", "accept", code, "--yes", "--account", account, "--json").stdout)["id"]
    )


def test_a_marketplace_image_is_launched_once_its_terms_are_accepted(server: Server):
    server.account("shopper")
    ec2 = server.client("ec2", "shopper")
    offered = ec2.describe_images(Owners=["aws-marketplace"])["Images"]
    codes = {one["ProductCodes"][0]["ProductCodeId"] for one in offered}
    assert {"opengwlb-hairpin", "opengwlb-nftables", "opengwlb-http-inspector"} <= codes
    image = next(one["ImageId"] for one in offered if one["ProductCodes"][0]["ProductCodeId"] == "opengwlb-hairpin")
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.7.0.0/24")["Subnet"]["SubnetId"]
    with pytest.raises(ClientError, match="OptInRequired"):
        ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, SubnetId=subnet)
    asked = server.gwlb("marketplace", "accept", "opengwlb-hairpin", "--account", "shopper", check=False)
    assert asked.returncode == 1 and "Apache License" in asked.stdout and "--yes" in asked.stderr
    assert product(server, "opengwlb-hairpin", account="shopper") == image
    ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, SubnetId=subnet)


def test_a_company_hosts_a_catalogue_of_its_own(server: Server, layout: Path, tmp_path: Path):
    shop = tmp_path / "shop"
    shop.mkdir()
    run("tar", "--create", "--directory", str(layout), "--file", str(shop / "firewall.oci.tar"), ".")
    digest = run("sha256sum", str(shop / "firewall.oci.tar")).split()[0]
    entry = {"code": "acme-firewall", "name": "acme/firewall", "vendor": "Acme", "version": "4.2", "terms": "Pay us.",
             "source": "firewall.oci.tar", "sha256": digest}  # fmt: skip
    text = "catalogue = 1\n[[product]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in entry.items())
    (shop / "catalogue.toml").write_text(text)
    hosting = subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(shop)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        port = hosting.stdout.readline().split("port ")[1].split()[0]
        location = f"http://127.0.0.1:{port}/catalogue.toml"
        server.gwlb("marketplace", "add", location)
        assert not contents(server), "nothing is fetched before anybody accepts"
        server.account("buyer")
        image = product(server, "acme-firewall", account="buyer")
        assert contents(server)
        (shown,) = server.client("ec2", "buyer").describe_images(ImageIds=[image])["Images"]
        assert (shown["ImageOwnerAlias"], shown["Name"]) == ("aws-marketplace", "acme/firewall")
        # What is hosted is changed without the catalogue: refused.
        (shop / "firewall.oci.tar").write_bytes(b"another")
        server.gwlb("marketplace", "rm", location)
        until(lambda: not contents(server), what="the product's content is gone with its catalogue")
        server.gwlb("marketplace", "add", location)
        refused = server.gwlb("marketplace", "accept", "acme-firewall", "--yes", "--account", "operator", check=False)
        assert refused.returncode == 1 and "it was changed" in refused.stderr
        server.gwlb("marketplace", "rm", location)
    finally:
        hosting.kill()
        hosting.wait()


def test_the_hairpin_of_the_marketplace_carries_tcp_bulk(server: Server):
    server.account("partner-hair")
    server.account("customer-hair")
    image = product(server, "opengwlb-hairpin", account="partner-hair")
    inspected, made = behind(server, image, label="hair")
    reachable(server, made.public["a"])
    carries_bulk(server, made)
    # Its page tells the truth: without its rules it is not well.
    run_in(server, inspected.appliances["a"][0], "nft", "delete", "table", "ip", "hairpin")
    assert "gone" in page(server, inspected.appliances["a"][0], status=503)


STRICT = """\
table inet firewall {
  chain forward {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    ct state invalid drop
    tcp dport { 80, 5001 } accept
    tcp dport 5002 reject with tcp reset
  }
}
"""


def test_the_nftables_firewall_of_the_marketplace_keeps_state_and_carries_tcp_bulk(server: Server):
    server.account("partner-nft")
    server.account("customer-nft")
    image = product(server, "opengwlb-nftables", account="partner-nft")
    inspected, made = behind(server, image, label="nft", user_data=STRICT)
    reachable(server, made.public["a"])
    carries_bulk(server, made, mib=16)
    appliance = inspected.appliances["a"][0]
    # Refused at once by the firewall's own reset, which finds its way back; dropped in silence otherwise.
    for port, outcome in ((5002, "refused"), (5003, "timed out")):
        tried = server.inside("internet", "nc", "-z", "-v", "-w", "2", made.public["a"], str(port))
        assert tried.returncode != 0 and outcome in tried.stderr, tried.stderr
    assert "ok" in page(server, appliance)
    run_in(server, appliance, "nft", "flush", "ruleset")
    assert "gone" in page(server, appliance, status=503)


def test_the_http_inspector_of_the_marketplace_answers_for_what_is_denied(server: Server):
    server.account("partner-http")
    server.account("customer-http")
    image = product(server, "opengwlb-http-inspector", account="partner-http")
    rules = "deny path /admin*\ndeny host *.evil.example  # theirs\n"
    inspected, made = behind(server, image, label="http", user_data=rules)
    reachable(server, made.public["a"])
    carries_bulk(server, made, mib=16)
    web = f"http://{made.public['a']}"

    def get(*arguments: str) -> str:
        return server.inside("internet", "curl", "-s", "-m", "5", "-w", "\n%{http_code}", *arguments).stdout

    hostname = run_in(server, made.applications["a"], "hostname").strip()
    assert get(f"{web}/") == f"{hostname}\n\n200"
    assert get(f"{web}/admin/secrets").endswith("403")
    assert get("-H", "Host: www.evil.example", f"{web}/").endswith("403")
    appliance = inspected.appliances["a"][0]

    def console() -> str:
        return inspected.ec2.get_console_output(InstanceId=appliance).get("Output", "")

    until(lambda: "GET /admin/secrets 403" in console(), what="the request is in the log")
    # The server sees the client and its port, not the proxy: both halves are one flow of the load balancer.
    logged = set(re.findall(r"192\.0\.2\.1:(\d+) -> ", console()))
    mine = [one for one in server.flows() if one["endpoint"] == made.endpoints["a"]]
    ports = {str(port) for one in mine for port in (one["source_port"], one["destination_port"])} - {"80", "5001"}
    bulk = {str(one["source_port"]) for one in mine if one["destination_port"] == 5001}
    assert mine and ports - bulk <= logged


def test_rules_that_cannot_be_used_are_said_on_the_health_page(server: Server):
    server.account("partner-bad")
    ec2 = server.client("ec2", "partner-bad")
    vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.8.0.0/24")["Subnet"]["SubnetId"]
    for code, rules, words in (
        ("opengwlb-nftables", "table inet firewall { chain forward { nonsense } }", "syntax error"),
        ("opengwlb-http-inspector", "allow everything", "line 1 must be"),
    ):
        image = product(server, code, account="partner-bad")
        (made,) = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, SubnetId=subnet, UserData=rules)["Instances"]
        ec2.get_waiter("instance_running").wait(InstanceIds=[made["InstanceId"]], WaiterConfig={"Delay": 1})
        assert words in page(server, made["InstanceId"], status=503)


def test_a_virtual_machine_that_is_not_ours_carries_tcp_bulk(server: Server, tmp_path: Path):
    server.account("partner-vm")
    server.account("customer-vm")
    disk = tmp_path / "guest.qcow2"
    run("qemu-img", "convert", "-O", "qcow2", str(make_disk(tmp_path)), str(disk))
    image = imported(server, disk, "--as", "acme/vm", "--owner", "partner-vm")
    assert image["kind"] == "disk"
    inspected = partner(
        server, account="partner-vm", appliance=image["id"], user_data="#!/bin/sh\necho user data ran\n"
    )
    made = customer(server, service=inspected.service_name, account="customer-vm")
    healthy(inspected, count=1, seconds=120)
    reachable(server, made.public["a"])
    carries_bulk(server, made, mib=8)
    appliance = inspected.appliances["a"][0]
    console = inspected.ec2.get_console_output(InstanceId=appliance)["Output"]
    assert "user data ran" in console and "guest has 10.9.0.5/24 by 10.9.0.1" in console
    # StopInstances is the power button.
    inspected.ec2.stop_instances(InstanceIds=[appliance])
    inspected.ec2.get_waiter("instance_stopped").wait(InstanceIds=[appliance], WaiterConfig={"Delay": 1})
    assert "reboot: Power down" in inspected.ec2.get_console_output(InstanceId=appliance)["Output"]
    # While it is off nobody answers in its place, not its box either; started again, it has its disk.
    assert not answers(server, made.public["a"])
    inspected.ec2.start_instances(InstanceIds=[appliance])
    reachable(server, made.public["a"], seconds=120)
    assert "for the 2. time" in inspected.ec2.get_console_output(InstanceId=appliance)["Output"]


def blocks(language: str) -> list[str]:
    page = Path(__file__).resolve().parents[2] / "docs" / language / "appliances.md"
    return re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def test_the_page_about_bringing_an_appliance_does_what_it_says(server: Server, layout: Path):
    done = subprocess.run(
        ["bash", "-c", "\n".join(["set -e -o pipefail", *blocks("en")])],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=server.data_dir,
        env={
            "PATH": f"{BIN}:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(server.data_dir),
            "GWLB_NAME": server.name,
            "IMAGE": str(layout),
        },
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "appliance of Acme starts" in done.stdout and "opengwlb-marketplace/nftables" in done.stdout
    assert blocks("ko") == blocks("en")
