"""`gwlb uplink add|list|rm`: NICs of this machine joined to subnets, for appliances and clients outside."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import App, Parameter

from . import client, show
from .parameters import Json, Name

app = App(name="uplink", help="NICs of this machine that lead from a subnet to machines outside.")
Addresses = Annotated[tuple[str, ...], Parameter(name="--address", negative=(), consume_multiple=False)]


@app.command
def add(
    interface: str,
    /,
    *,
    vpc: str,
    subnet: str,
    address: Addresses = (),
    force: Annotated[bool, Parameter(negative=())] = False,
    name: Name = "gwlb",
    json: Json = False,
) -> None:
    """Join a NIC (or a tap, a VLAN, a VXLAN) of this machine to a subnet.

    The machines behind it use addresses of the subnet, and the subnet's first address as their gateway. Each address becomes a network
    interface in AWS's eyes: it can be a target, have an elastic IP, or be what a route leads to.

    Parameters
    ----------
    interface
        Its name on this machine. Nothing of it is changed; as long as the uplink stands its IPv4 belongs to the subnet.
    vpc
        The vpc- that the machines behind it belong to.
    subnet
        The subnet- whose addresses they have.
    address
        One that may be behind it, or a range such as 10.0.0.64/28; once or more.
    force
        Also when this machine has addresses of its own on it.
    """
    asked = {"device": interface, "vpc": vpc, "subnet": subnet, "addresses": list(address), "force": force}
    made: dict[str, Any] = client.operator(name).post("uplinks", asked)
    if json:
        show.as_json(made)
        return
    for warning in made["warnings"]:
        print(f"Note: {warning}")
    behind = ", ".join(f"{one['address']} ({one['network_interface']})" for one in made["addresses"])
    print(f"{made['device']} is {made['id']} in {made['subnet']}. Behind it: {behind}")


@app.command(name="list")
def list_(*, name: Name = "gwlb", json: Json = False) -> None:
    """List the uplinks and the addresses behind them."""
    answer = client.operator(name).get("uplinks")
    if json:
        show.as_json(answer)
        return
    rows = [
        {
            "id": one["id"],
            "device": one["device"],
            "state": one["state"],
            "mtu": one["mtu"],
            "subnet": one["subnet"],
            "addresses": ", ".join(each["address"] for each in one["addresses"]),
            "remarks": " ".join(filter(None, (one["error"], *one["warnings"]))),
        }
        for one in answer["uplinks"]
    ]
    show.table(rows, title="uplinks")


@app.command
def rm(uplink: str, /, *, address: Addresses = (), name: Name = "gwlb", json: Json = False) -> None:
    """Take an uplink away: the NIC is this machine's again.

    Parameters
    ----------
    uplink
        Its upl- id, or the NIC's name.
    address
        Only this address, once or more; the uplink stays.
    """
    asked = [("address", one) for one in address]
    done: dict[str, Any] = client.operator(name).delete(f"uplinks/{uplink}", asked)
    if json:
        show.as_json(done)
    elif done["removed"]:
        print(f"{done['device']} is no uplink any more.")
    else:
        print(f"Behind {done['id']}: {', '.join(one['address'] for one in done['addresses']) or 'nothing'}")
