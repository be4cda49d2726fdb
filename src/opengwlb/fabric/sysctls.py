"""What the kernel's own stack may do in each kind of box.

Every value is set, also where it is the kernel's default: new namespaces may inherit the host's
(`devconf_inherit_init_net`).
"""

from __future__ import annotations

from pathlib import Path

from opengwlb.model.topology import BoxKind

_PROC = Path("/proc/sys/net")

_EVERYWHERE = {
    # IPv6 only on the devices that have it (`write_ipv6`): what a kernel says there unasked belongs on no other.
    "ipv6/conf/all/disable_ipv6": "1",
    "ipv6/conf/default/disable_ipv6": "1",
    "ipv6/conf/default/autoconf": "0",
    "ipv6/conf/default/accept_ra": "0",
    "ipv6/conf/default/accept_dad": "0",
    # Addresses are given out, so that they stay when their link goes down, as IPv4's do.
    "ipv6/conf/default/keep_addr_on_down": "1",
    # When an address is replaced by another of its subnet, the new one outlives the old one.
    "ipv4/conf/all/promote_secondaries": "1",
    "ipv4/conf/default/promote_secondaries": "1",
}
_ROUTER = {
    "ipv4/ip_forward": "1",  # first: it resets the values below; bpf_fib_lookup answers only for devices that forward
    "ipv4/conf/all/forwarding": "1",
    "ipv4/conf/default/forwarding": "1",
    "ipv4/conf/all/rp_filter": "0",
    "ipv4/conf/default/rp_filter": "0",
    "ipv4/conf/all/accept_redirects": "0",
    "ipv4/conf/default/accept_redirects": "0",
    "ipv4/conf/all/send_redirects": "0",  # packets leave by the port they came from, every day
    "ipv4/conf/default/send_redirects": "0",
    # ICMP errors about a packet go by the table that the packet was marked for; without this they are not sent at all.
    "ipv4/fwmark_reflect": "1",
    "ipv6/conf/all/forwarding": "1",
    "ipv6/conf/default/forwarding": "1",
    "ipv6/conf/default/accept_redirects": "0",
    "ipv6/fwmark_reflect": "1",
    # No link-local addresses: routers know their neighbours, and have nothing to ask.
    "ipv6/conf/default/addr_gen_mode": "1",
}
_GWLB = _ROUTER | {
    # The programs carry every packet of a customer; what they leave to the stack must end here.
    "ipv4/ip_forward": "0",
    "ipv4/conf/all/forwarding": "0",
    "ipv4/conf/default/forwarding": "0",
    "ipv6/conf/all/forwarding": "0",
    "ipv6/conf/default/forwarding": "0",
}
_INSTANCE = {
    "ipv4/ip_forward": "0",
    "ipv4/conf/all/forwarding": "0",
    "ipv4/conf/default/forwarding": "0",
    # Loose, as systemd sets it in Amazon Linux 2023, Debian and Ubuntu.
    "ipv4/conf/all/rp_filter": "0",
    "ipv4/conf/default/rp_filter": "2",
    "ipv4/conf/all/accept_redirects": "0",
    "ipv4/conf/default/accept_redirects": "1",
    "ipv4/conf/all/send_redirects": "1",
    "ipv4/conf/default/send_redirects": "1",
}
_VALUES = {
    BoxKind.INTERNET: _EVERYWHERE | _ROUTER,
    BoxKind.IGW: _EVERYWHERE | _ROUTER,
    BoxKind.VPC: _EVERYWHERE | _ROUTER,
    BoxKind.GWLB: _EVERYWHERE | _GWLB,
    BoxKind.INSTANCE: _EVERYWHERE | _INSTANCE,
    BoxKind.SERVICE: _EVERYWHERE | _GWLB,
}


def write_sysctls(kind: BoxKind) -> None:
    """Called inside the box's namespace, before it has devices other than loopback. Raises OSError.

    A kernel without IPv6 lacks those files, and needs none of them.
    """
    for name, value in _VALUES[kind].items():
        path = _PROC / name
        if name.startswith("ipv6/") and not path.exists():
            continue
        path.write_text(value)


def write_ipv6(device: str, *, on: bool) -> None:
    """Whether the kernel speaks IPv6 on a device. Called inside the device's namespace. Raises OSError.

    With the first one the loopback speaks it too: a host reaches its own addresses over it.
    """
    for name in dict.fromkeys(("lo", device) if on else (device,)):
        (_PROC / "ipv6" / "conf" / name / "disable_ipv6").write_text("0" if on else "1")
