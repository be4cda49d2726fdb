"""An image as an appliance to be tried: an instance in a VPC of its own, with two more that play load balancer's nodes.

The server is the running one of the name, for that one knows the images that were imported; without one, a private server
that is gone afterwards.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from opengwlb.certify.appliance import Place, Processes
from opengwlb.certify.profile import Profile

from . import boxes, client, credentials, images, lab, serving, teardown
from .demo.clouds import Cloud
from .refusal import Refusal

CIDR, SUBNET = "10.99.0.0/16", "10.99.0.0/24"
NODES = ("10.99.0.11", "10.99.0.12")
ADDRESS = "10.99.0.20"
_PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageAppliance:
    """An `Appliance` that runs as an instance."""

    name: str
    address: str
    namespace: Path
    image: str
    """`ami-…`."""
    instance: str
    cloud: Cloud
    restarts: bool = True

    def restart(self) -> None:
        processes = Processes(self.namespace)
        before = set(processes.all())
        self.cloud.ec2.reboot_instances(InstanceIds=[self.instance])
        _until(lambda: not before & set(processes.all()), f"the old processes of {self.name} to end")

    def console(self) -> str:
        return self.cloud.console_output(self.instance)


@contextmanager
def started(
    image: str, *, profile: Profile, name: str, accept_terms: bool = False
) -> Iterator[tuple[ImageAppliance, Place]]:
    """The appliance from an image's id, name, or name without its vendor; everything is taken away afterwards."""
    with server(name) as record, instance_of(record, image, profile=profile, accept_terms=accept_terms) as made:
        yield made


@contextmanager
def instance_of(
    record: lab.ServerRecord, image: str, *, profile: Profile, accept_terms: bool = False
) -> Iterator[tuple[ImageAppliance, Place]]:
    """The same, on a server that runs. `accept_terms`: whoever asks has read a marketplace product's terms."""
    cloud = Cloud(record, account=credentials.OPERATOR, account_id="")
    found = find_image(cloud, image)
    product = "".join(code["ProductCodeId"] for code in found.get("ProductCodes", ()))
    if product and accept_terms:
        caller = client.operator(record.name)
        images.follow(caller.lines("marketplace/accept", {"product": product}, timeout_s=3600.0), quiet=True)
    with _instance(record, cloud, found, profile=profile) as made:
        yield made


def private_name() -> str:
    """Of the server that is started when none of the name runs."""
    return f"cert{os.getpid()}"


@contextmanager
def server(name: str) -> Iterator[lab.ServerRecord]:
    """The running server of a name, or a private one for as long as this takes."""
    running = lab.running(name)
    if running is not None:
        yield running
        return
    private = private_name()
    data_dir = Path(tempfile.mkdtemp(prefix=f"{private}-"))
    listen = f"127.0.0.1:{_free_port()}"
    log = data_dir / "server.log"
    try:
        asked = serving.options(
            listen=listen, data_dir=data_dir / "data", data_plane="kernel", auth="sigv4", test_hooks=False, name=private
        )
        serving.require_startable(asked)
        with log.open("ab") as output:
            process = subprocess.Popen(
                [
                    Path(sys.executable).parent / "gwlb",
                    *("serve", "--listen", listen, "--name", private, "--data-dir", str(data_dir / "data")),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env={key: value for key, value in os.environ.items() if not key.startswith("AWS_")},
            )

        def answers() -> bool:
            if process.poll() is not None:
                raise Refusal(f"The private server did not start: {log.read_text(errors='replace').strip()[-500:]}")
            try:
                with urllib.request.urlopen(f"http://{listen}/_gwlb/health", timeout=2) as answer:
                    return bool(answer.status == 200)
            except (urllib.error.URLError, TimeoutError):
                return False

        _until(answers, "the private server to answer")
        yield lab.require_running(private)
    finally:
        teardown.down(private, with_data=True)
        shutil.rmtree(data_dir, ignore_errors=True)


def find_image(cloud: Cloud, image: str) -> dict[str, Any]:
    """Refuses with the names there are."""
    known: list[dict[str, Any]] = cloud.ec2.describe_images()["Images"]
    exact = [one for one in known if image in (one["ImageId"], one["Name"])]
    # One that can be started at once comes before a marketplace product of the same name.
    short = [one for one in known if one["Name"].rpartition("/")[2] == image]
    found = exact or [one for one in short if not one.get("ProductCodes")] or short
    if len(found) == 1:
        return found[0]
    if found:
        both = ", ".join(f"{one['ImageId']} ({one['Name']})" for one in found)
        raise Refusal(f"{image} may be each of {both}: say which by its id.", status=2)
    names = ", ".join(sorted(one["Name"] for one in known))
    raise Refusal(f"There is no image {image}; there are {names}.", status=2)


@contextmanager
def _instance(
    record: lab.ServerRecord, cloud: Cloud, image: dict[str, Any], *, profile: Profile
) -> Iterator[tuple[ImageAppliance, Place]]:
    user_data = profile.user_data.replace("{nodes}", " ".join(NODES)).replace("{node}", NODES[0])
    vpc = cloud.vpc("gwlb-certify", cidr=CIDR)
    subnet, group, ids = "", "", []
    try:
        subnet = cloud.subnet("gwlb-certify", vpc=vpc, cidr=SUBNET, letter="a")
        # What is judged is the appliance, not a group that somebody gave it.
        group = cloud.security_group("gwlb-certify", vpc=vpc, rules=[("-1", -1, -1, ["0.0.0.0/0"])])
        plain = cloud.image("opengwlb/linux")
        for address, image_id, data in (
            (ADDRESS, image["ImageId"], user_data),
            *((node, plain, "") for node in NODES),
        ):
            ids.append(_run(cloud, image=image_id, subnet=subnet, address=address, user_data=data, group=group))
        _until(lambda: _all_run(cloud, ids), "the instances to run")
        spaces = [boxes.namespace(record.name, box=one) for one in ids]
        appliance = ImageAppliance(
            name=image["Name"],
            address=ADDRESS,
            namespace=spaces[0],
            image=image["ImageId"],
            instance=ids[0],
            cloud=cloud,
        )
        place = Place(nodes=NODES, namespaces=(spaces[1], spaces[2]), watch=spaces[0], device="eth0", at_appliance=True)
        yield appliance, place
    finally:
        _remove(cloud, vpc=vpc, subnet=subnet, group=group, instances=ids)


def _run(cloud: Cloud, *, image: str, subnet: str, address: str, user_data: str, group: str) -> str:
    try:
        made = cloud.ec2.run_instances(
            ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1, SubnetId=subnet, PrivateIpAddress=address,
            UserData=user_data, SecurityGroupIds=[group],
        )  # fmt: skip
    except ClientError as error:
        hint = ""
        if error.response["Error"]["Code"] == "OptInRequired":
            hint = " Read them with `gwlb marketplace show`, and say --accept-terms."
        raise Refusal(f"{image} cannot be started: {error.response['Error']['Message']}{hint}", status=2) from error
    return str(made["Instances"][0]["InstanceId"])


def _all_run(cloud: Cloud, ids: list[str]) -> bool:
    states = cloud.instance_states(ids)
    for one in states.values():
        reason = one.get("StateTransitionReason") or one.get("StateReason", {}).get("Message", "")
        if one["State"]["Name"] not in ("pending", "running"):
            raise Refusal(f"{one['InstanceId']} is {one['State']['Name']}: {reason}")
    return len(states) == len(ids) and all(one["State"]["Name"] == "running" for one in states.values())


def _remove(cloud: Cloud, *, vpc: str, subnet: str, group: str, instances: list[str]) -> None:
    if instances:
        cloud.ec2.terminate_instances(InstanceIds=instances)
        _until(
            lambda: all(one["State"]["Name"] == "terminated" for one in cloud.instance_states(instances).values()),
            "the instances to end",
        )
    if subnet:
        cloud.ec2.delete_subnet(SubnetId=subnet)
    if group:
        cloud.ec2.delete_security_group(GroupId=group)
    cloud.ec2.delete_vpc(VpcId=vpc)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _until(look: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not look():
        if time.monotonic() > deadline:
            raise Refusal(f"Waited {_PATIENCE_S:g} s for {what}.")
        time.sleep(0.05)
