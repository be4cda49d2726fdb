"""Ansible's amazon.aws collection: a playbook that builds, changes nothing when run again, and removes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.clients.boto3_setup import Provider
from tests.stories.server import REGION, Server

from .conftest import TOOLS

SITE = Path(__file__).parent / "ansible" / "site.yml"


def play(server: Server, **variables: str) -> dict[str, Any]:
    """Run the playbook as the consumer; counts of localhost: ok, changed, failures …"""
    binaries = TOOLS / "venv" / "bin"
    environment = server.environment("consumer") | {
        "PATH": f"{binaries}:/usr/bin:/bin",
        "ANSIBLE_STDOUT_CALLBACK": "json",
        "ANSIBLE_CALLBACKS_ENABLED": "json",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_HOME": str(server.data_dir / "ansible"),
        "LC_ALL": "C.UTF-8",
    }
    command = [str(binaries / "ansible-playbook"), str(SITE)]
    given = {"region": REGION, "ansible_python_interpreter": str(binaries / "python"), **variables}
    told = subprocess.run(
        [*command, "-e", json.dumps(given)], env=environment, capture_output=True, text=True, timeout=600
    )
    start = told.stdout.find("{")
    assert start >= 0, told.stdout + told.stderr
    report = json.loads(told.stdout[start:])
    failed = [
        f"{task['task']['name']}: {json.dumps(host)[:3000]}"
        for part in report["plays"]
        for task in part["tasks"]
        for host in task["hosts"].values()
        if host.get("failed")
    ]
    assert told.returncode == 0, "\n".join(failed) or told.stderr
    return dict(report["stats"]["localhost"]) | {"names": changed_tasks(report)}


def changed_tasks(report: dict[str, Any]) -> list[str]:
    return [
        task["task"]["name"]
        for part in report["plays"]
        for task in part["tasks"]
        for host in task["hosts"].values()
        if host.get("changed")
    ]


@pytest.mark.timeout(1200)
def test_a_playbook_builds_then_changes_nothing_then_removes(server: Server):
    provider = Provider(server.client("ec2", "provider"), server.client("elbv2", "provider"))
    provider.build()
    provider.ec2.modify_vpc_endpoint_service_configuration(ServiceId=provider.made["service"], AcceptanceRequired=False)
    provider.ec2.modify_vpc_endpoint_service_permissions(ServiceId=provider.made["service"], AddAllowedPrincipals=["*"])
    image = provider.ec2.describe_images(Filters=[{"Name": "name", "Values": ["opengwlb/linux"]}])["Images"][0]
    given = {"service_name": provider.made["service-name"], "image": image["ImageId"]}
    built = play(server, **given)
    assert built["changed"] >= 10
    again = play(server, **given)
    assert again["changed"] == 0, again["names"]
    assert play(server, **given, state="absent")["changed"] >= 8
    ec2 = server.client("ec2", "consumer")
    assert ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["false"]}])["Vpcs"] == []
    assert ec2.describe_addresses()["Addresses"] == []
    assert play(server, **given, state="absent")["changed"] == 0
    provider.remove()
