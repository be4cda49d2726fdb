"""`gwlb exec` and `gwlb tcpdump`: the command line that runs a program in a box. Root on the lab's own machine only."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from opengwlb.fabric.namespaces import NETNS, belonging_to, box_name
from opengwlb.instances import RuncDriver
from opengwlb.model.ids import device_name

from . import lab
from .refusal import Refusal

BOX_PREFIXES = ("vpc", "igw", "gwlb", "i")
DEVICE_PREFIXES = ("eni", "vpce", "igw", "upl")


def namespace(name: str, *, box: str) -> Path:
    """The network namespace of a box. Refuses when there is none, with the boxes there are."""
    if os.geteuid() != 0:
        raise Refusal("Entering a box needs root: run this with sudo.")
    known = belonging_to(name)
    try:
        found = f"{name}-{box_name(box)}"
    except ValueError:
        found = ""
    if found not in known:
        there = ", ".join(sorted(entry.removeprefix(f"{name}-") for entry in known)) or "none"
        raise Refusal(f"There is no box {box} in the lab {name}; its boxes are: {there}.")
    return NETNS / found


def in_network_of(name: str, *, box: str, command: Sequence[str]) -> list[str]:
    """A command line that runs a program of this machine in the network of a box."""
    return ["nsenter", f"--net={namespace(name, box=box)}", "--", *command]


def inside(name: str, *, box: str, command: Sequence[str], tty: bool = False) -> list[str]:
    """A command line that runs a program in a box: in an instance's container, else in the box's network."""
    if not box.startswith("i-"):
        return in_network_of(name, box=box, command=command)
    namespace(name, box=box)
    driver = RuncDriver(name=name, run_dir=lab.run_dir(name), data_dir=lab.data_dir_of(name))
    return list(driver.exec(box, tuple(command), tty=tty))


def tcpdump(name: str, *, target: str, arguments: Sequence[str]) -> list[str]:
    """tcpdump on everything in a box, or on the device of an `eni-`, `vpce-`, `igw-` or `upl-` id."""
    prefix = target.split("-", 1)[0]
    if prefix in DEVICE_PREFIXES and "-" in target:
        box, device = _device(name, target=target)
        return ["nsenter", f"--net={NETNS / box}", "--", "tcpdump", "-i", device, *arguments]
    return in_network_of(name, box=target, command=["tcpdump", "-i", "any", *arguments])


def _device(name: str, *, target: str) -> tuple[str, str]:
    """(namespace, device) of the VPC router's end; that is where a packet has the addresses AWS shows."""
    if os.geteuid() != 0:
        raise Refusal("Entering a box needs root: run this with sudo.")
    device = device_name(target)
    for box in sorted(belonging_to(name), key=lambda entry: not entry.startswith(f"{name}-vpc-")):
        asked = ["nsenter", f"--net={NETNS / box}", "--", "ip", "-json", "link", "show"]
        for link in json.loads(subprocess.run(asked, capture_output=True, check=True, text=True).stdout or "[]"):
            if link["ifname"] == device or target in link.get("altnames", ()):
                return box, link["ifname"]
    raise Refusal(f"There is no device for {target} in the lab {name}: `gwlb status` lists what there is.")
