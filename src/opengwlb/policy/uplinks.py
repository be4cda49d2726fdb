"""Which NICs may become uplinks, and what their state says. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import AddressValueError, IPv4Network, NetmaskValueError

from opengwlb.model.snapshot import View
from opengwlb.model.topology import ENCAP_OVERHEAD, INNER_MTU, INTERNET_MTU
from opengwlb.model.uplinks import Nic, Uplink
from opengwlb.model.vpc import NetworkInterface

FIRST_OF_OURS = 1_000_000
"""ifindexes from here on are fabric's own devices."""
MOST_ADDRESSES = 256
"""Behind one uplink."""


def refusal(nic: Nic, *, force: bool) -> str | None:
    """Why this NIC cannot be an uplink: a sentence with what to do instead, or None."""
    name = nic.device
    if nic.loopback:
        return f"{name} is the loopback: nothing is behind it."
    if nic.ifindex >= FIRST_OF_OURS:
        return f"{name} belongs to OpenGWLB itself."
    if not nic.ethernet:
        return f"{name} carries no Ethernet frames: put a VXLAN or a tap beside it."
    if nic.master:
        return f"{name} is a port of a bridge or bond, which takes its packets first: take it out, or name the bridge's other side."
    if nic.default_route:
        return (
            f"{name} carries this machine's default route: it would cut itself off. Use another NIC, or a VLAN or VXLAN on "
            f"top of {name} (ip link add link {name} name {name}.100 type vlan id 100), which leaves {name} as it is."
        )
    if not nic.up:
        return f"{name} is down: ip link set {name} up."
    if nic.addresses and not force:
        return (
            f"{name} has addresses of this machine ({', '.join(nic.addresses)}), which would be out of reach there as long as the "
            "uplink stands: use another NIC or a VLAN, or say --force."
        )
    return None


def warnings(mtu: int) -> list[str]:
    """What a NIC of this MTU cannot carry."""
    smallest, whole = INTERNET_MTU + ENCAP_OVERHEAD, INNER_MTU + ENCAP_OVERHEAD
    if mtu < smallest:
        return [
            f"With an MTU of {mtu} it carries clients, but an appliance behind it can take inner packets of {mtu - ENCAP_OVERHEAD} "
            f"bytes at most: give the NIC, and the appliance, {smallest} for 1500-byte traffic, {whole} for all of it."
        ]
    if mtu < whole:
        return [
            f"With an MTU of {mtu} an appliance behind it can take inner packets of {mtu - ENCAP_OVERHEAD} bytes, not {INNER_MTU}."
        ]
    return []


def addresses(asked: Iterable[str]) -> tuple[str, ...]:
    """Single addresses and small ranges (`10.0.0.64/28`), spelled out. Raises ValueError with a sentence."""
    found: dict[str, None] = {}
    for text in asked:
        try:
            network = IPv4Network(text)
        except (AddressValueError, NetmaskValueError, ValueError) as error:
            raise ValueError(
                f"{text} is neither an IPv4 address nor a range such as 10.0.0.64/28 ({error})."
            ) from error
        if network.num_addresses > MOST_ADDRESSES:
            raise ValueError(
                f"{text} is {network.num_addresses} addresses; behind one uplink there are at most {MOST_ADDRESSES}. "
                "Hosts in networks of their own are reached by a route to the interface of the router before them."
            )
        found |= dict.fromkeys(str(address) for address in network)
    if len(found) > MOST_ADDRESSES:
        raise ValueError(f"{len(found)} addresses; behind one uplink there are at most {MOST_ADDRESSES}.")
    return tuple(found)


def observed(uplink: Uplink, nic: Nic | None, *, error: str) -> Uplink:
    """The uplink with what its NIC is just now."""
    if nic is None:
        return replace(uplink, state="missing", last_error=error)
    return replace(uplink, mac=nic.mac, mtu=nic.mtu, state="up" if nic.up else "down", last_error=error)


def behind(view: View, uplink: str) -> list[NetworkInterface]:
    """The addresses behind an uplink."""
    return [one for one in view.values(NetworkInterface) if one.uplink == uplink]
