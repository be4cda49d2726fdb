"""IPv6 in the boxes: only where a port has it, and kept, changed and taken away as IPv4 is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pyroute2.netlink import rtnl

from opengwlb.fabric import Fabric
from opengwlb.fabric.netlink import Netlink, Request
from opengwlb.model.topology import DELIVERY_TABLE, Box, BoxKind, KernelRoute, KernelRule, Neighbour, Topology

from .conftest import NAME
from .machine import ip, run
from .two_instances import BOTH, DEVICES, INSTANCE_SPACES, INSTANCES, ROUTE_TABLE, VPC, VPC_SPACE, Attachments, pings

ADDRESSES = ("2001:db8:0:101::10", "2001:db8:0:101::11")
ROUTER = "2001:db8:0:101::1"
LAST_RESORT = 4278198272


def dualstack() -> Topology:
    """The two instances' network, with IPv6 beside the IPv4."""
    links, routes, neighbours = {}, set(BOTH.routes), set(BOTH.neighbours)
    for number, (key, one) in enumerate(BOTH.links.items()):
        near = replace(one.a, addresses=(*one.a.addresses, f"{ROUTER}/128"), ipv6=True)
        far = replace(one.b, addresses=(*one.b.addresses, f"{ADDRESSES[number]}/64"), ipv6=True)
        links[key] = replace(one, a=near, b=far)
        own, other = ADDRESSES[number], ADDRESSES[1 - number]
        routes.add(KernelRoute(box=VPC, table=DELIVERY_TABLE, destination=f"{own}/128", device=near.device))
        routes.add(KernelRoute(box=INSTANCES[number], table=254, destination="::/0", device="eth0", via=ROUTER))
        neighbours.add(Neighbour(box=VPC, device=near.device, address=own, mac=far.mac))
        neighbours |= {
            Neighbour(box=INSTANCES[number], device="eth0", address=a, mac=near.mac) for a in (ROUTER, other)
        }
    routes |= {
        KernelRoute(box=VPC, table=ROUTE_TABLE, destination="2001:db8:0:100::/56", kind="throw"),
        KernelRoute(box=VPC, table=ROUTE_TABLE, destination="2001:db8:d::/48", kind="blackhole"),
        KernelRoute(box=VPC, table=ROUTE_TABLE, destination="::/0", device=DEVICES[0]),
        KernelRoute(box=VPC, table=ROUTE_TABLE, destination="::/0", kind="unreachable", metric=LAST_RESORT),
    }
    rules = {replace(rule, ipv6=True) for rule in BOTH.rules}
    return replace(
        BOTH, links=links, routes=frozenset(routes), neighbours=frozenset(neighbours), rules=BOTH.rules | rules
    )


def pings6(source: int = 0, destination: int = 1) -> bool:
    command = ("ping", "-6", "-c", "1", "-W", "2", ADDRESSES[destination])
    return " 0% packet loss" in run(*command, inside=INSTANCE_SPACES[source], check=False)


def shown() -> dict[str, object]:
    """IPv6 of the VPC's box as the kernel shows it."""
    return {
        "routes": run("ip", "-6", "route", "show", "table", str(ROUTE_TABLE), inside=VPC_SPACE),
        "delivery": run("ip", "-6", "route", "show", "table", str(DELIVERY_TABLE), inside=VPC_SPACE),
        "rules": run("ip", "-6", "rule", "show", inside=VPC_SPACE),
        "addresses": run("ip", "-6", "-brief", "address", inside=VPC_SPACE),
        "neighbours": sorted(run("ip", "-6", "neighbour", inside=VPC_SPACE).splitlines()),
    }


def test_packets_of_both_protocols_pass(fabric: Fabric) -> None:
    assert fabric.apply(dualstack(), attach=Attachments()).errors == {}
    assert pings6() and pings()


def test_the_kernel_shows_ipv6_routes_rules_and_neighbours(fabric: Fabric) -> None:
    fabric.apply(dualstack(), attach=Attachments())
    table = ip(VPC_SPACE, "-6", "route", "show", "table", str(ROUTE_TABLE))
    assert {(route.get("type", "unicast"), route["dst"], route["metric"]) for route in table} == {
        ("throw", "2001:db8:0:100::/56", 1024),
        ("blackhole", "2001:db8:d::/48", 1024),
        ("unicast", "default", 1024),
        ("unreachable", "default", LAST_RESORT),
    }
    rules = {(rule["priority"], rule.get("fwmark"), rule["table"]) for rule in ip(VPC_SPACE, "-6", "rule", "show")}
    assert {(ROUTE_TABLE, hex(ROUTE_TABLE), str(ROUTE_TABLE)), (32000, None, str(DELIVERY_TABLE))} <= rules
    neighbours = {(one["dst"], one["dev"]) for one in ip(VPC_SPACE, "-6", "neighbour", "show", "nud", "permanent")}
    assert neighbours == set(zip(ADDRESSES, DEVICES, strict=True))


def test_addresses_serve_at_once_and_routers_have_no_link_local_ones(fabric: Fabric) -> None:
    fabric.apply(dualstack(), attach=Attachments())
    for namespace in (VPC_SPACE, *INSTANCE_SPACES):
        flags = [entry for device in ip(namespace, "-6", "address") for entry in device["addr_info"]]
        assert flags and not any(entry.get("tentative") for entry in flags)
    assert not any(
        entry["local"].startswith("fe80") for d in ip(VPC_SPACE, "-6", "address") for entry in d["addr_info"]
    )


def test_a_device_without_ipv6_speaks_none(fabric: Fabric) -> None:
    fabric.apply(BOTH, attach=Attachments())
    for namespace in (VPC_SPACE, *INSTANCE_SPACES):
        assert ip(namespace, "-6", "address") == []


def test_a_second_daemon_finds_nothing_to_change(fabric: Fabric, monkeypatch: pytest.MonkeyPatch) -> None:
    fabric.apply(dualstack(), attach=Attachments())
    before = shown()
    fabric.close()
    changes: list[Request] = []
    carry_out = Netlink.submit

    def noted(self: Netlink, requests: list[Request]) -> list[OSError | None]:
        changes.extend(requests)
        return carry_out(self, requests)

    monkeypatch.setattr(Netlink, "submit", noted)
    assert fabric.apply(dualstack(), attach=Attachments()).errors == {}
    # Loopbacks are set up without asking whether they are.
    assert [one for one in changes if one.type != rtnl.RTM_NEWLINK] == []
    assert shown() == before


def test_what_somebody_took_away_by_hand_comes_back(fabric: Fabric) -> None:
    fabric.apply(dualstack(), attach=Attachments())
    before = shown()
    run("ip", "-6", "route", "flush", "table", str(ROUTE_TABLE), inside=VPC_SPACE)
    run("ip", "-6", "rule", "del", "priority", "32000", inside=VPC_SPACE)
    run("ip", "-6", "neighbour", "flush", "nud", "permanent", inside=VPC_SPACE)
    run("ip", "-6", "address", "del", f"{ROUTER}/128", "dev", DEVICES[0], inside=VPC_SPACE)
    assert fabric.apply(dualstack(), attach=Attachments(), verify=True).errors == {}
    assert shown() == before


def test_a_route_changes_its_kind_in_place(fabric: Fabric) -> None:
    wanted = dualstack()
    fabric.apply(wanted, attach=Attachments())
    default = KernelRoute(box=VPC, table=ROUTE_TABLE, destination="::/0", device=DEVICES[0])
    for kind, device in (("blackhole", None), ("unicast", DEVICES[1]), ("throw", None)):
        changed = replace(default, kind=kind, device=device)
        routes = (wanted.routes - {default}) | {changed}
        assert fabric.apply(replace(wanted, routes=routes), attach=Attachments()).errors == {}
        found = ip(VPC_SPACE, "-6", "route", "show", "default", "table", str(ROUTE_TABLE))
        assert [(one.get("type", "unicast"), one.get("metric")) for one in found] == [
            (kind, 1024),
            ("unreachable", LAST_RESORT),
        ]


def test_ipv6_is_taken_away_and_given_again(fabric: Fabric) -> None:
    fabric.apply(dualstack(), attach=Attachments())
    before = shown()
    assert fabric.apply(BOTH, attach=Attachments()).errors == {}
    assert ip(VPC_SPACE, "-6", "route", "show", "table", str(ROUTE_TABLE)) == []
    assert [device for device in ip(VPC_SPACE, "-6", "address") if device["ifname"] != "lo"] == []
    assert pings()
    assert fabric.apply(dualstack(), attach=Attachments()).errors == {}
    assert shown() == before
    assert pings6()


def test_addresses_survive_a_link_that_goes_down_and_comes_up(fabric: Fabric) -> None:
    fabric.apply(dualstack(), attach=Attachments())
    run("ip", "link", "set", "eth0", "down", inside=INSTANCE_SPACES[0])
    assert fabric.apply(dualstack(), attach=Attachments(), verify=True).errors == {}
    assert pings6()


@pytest.mark.parametrize("kind", [BoxKind.INTERNET, BoxKind.INSTANCE])
def test_a_hosts_own_addresses_answer_on_its_loopback(fabric: Fabric, kind: BoxKind) -> None:
    box = "internet" if kind is BoxKind.INTERNET else INSTANCES[0]
    lonely = Topology(boxes={box: Box(id=box, kind=kind, addresses=("2001:db8:ffff::1/128",))})
    assert fabric.apply(lonely, attach=Attachments()).errors == {}
    namespace = Path(fabric.namespace(box)).name
    assert namespace.startswith(NAME)
    assert " 0% packet loss" in run("ping", "-6", "-c", "1", "-W", "2", "2001:db8:ffff::1", inside=namespace)


def test_a_rule_of_one_protocol_is_not_taken_for_the_others(fabric: Fabric) -> None:
    six = KernelRule(box=VPC, priority=77, table=DELIVERY_TABLE, ipv6=True)
    wanted = replace(BOTH, rules=BOTH.rules | {six})
    for _ in range(2):
        fabric.apply(wanted, attach=Attachments(), verify=True)
    assert 77 not in {rule["priority"] for rule in ip(VPC_SPACE, "rule", "show")}
    assert [rule["priority"] for rule in ip(VPC_SPACE, "-6", "rule", "show")].count(77) == 1
