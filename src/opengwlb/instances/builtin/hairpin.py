"""The `hairpin` image: the kernel returns every packet of the tunnel, as AWS's own sample does with iptables.

DNAT sends what comes to UDP 6081 back to the load balancer's node it came from, MASQUERADE puts the instance's own address in
place of the node's. AWS's sample has one pair of rules for each node's address; here a map learns them from the packets themselves,
so no address is configured. It inspects nothing.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from opengwlb_appliance.health import serve, serve_failure

RULES = """\
table ip hairpin
delete table ip hairpin
table ip hairpin {
  map nodes { type ipv4_addr : ipv4_addr; flags dynamic,timeout; timeout 1h; size 1024; }
  chain unknown { type filter hook prerouting priority raw;
    udp dport 6081 @th,64,2 != 0 drop comment "another version of GENEVE"
    udp dport 6081 @th,73,1 1 drop comment "an option is critical, and none is known here"
  }
  chain in { type nat hook prerouting priority dstnat;
    fib daddr type local udp dport 6081 update @nodes { ip saddr : ip saddr } dnat to ip saddr map @nodes
  }
  chain out { type nat hook postrouting priority srcnat; ct status dnat udp dport 6081 masquerade; }
}
"""
"""Declared before it is deleted: a table of an earlier boot goes, and none is no error."""
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")


def load(rules: str) -> str:
    """Hand a ruleset to the kernel, all or nothing; what nft complains about, empty when it is well."""
    done = subprocess.run(["nft", "-f", "-"], input=rules, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["nft failed"])[0]


def well() -> tuple[bool, dict[str, object]]:
    """Whether the kernel still has the rules and forwards: what the health page says."""
    listed = subprocess.run(
        ["nft", "list", "chain", "ip", "hairpin", "in"], capture_output=True, text=True, check=False
    )
    if listed.returncode != 0 or "dnat" not in listed.stdout:
        return False, {"status": "the rules of table ip hairpin are gone"}
    if FORWARDING.read_text(encoding="ascii").strip() != "1":
        return False, {"status": "net.ipv4.ip_forward is off"}
    return True, {"status": "ok"}


def main() -> None:
    FORWARDING.write_text("1\n", encoding="ascii")
    problem = load(RULES)
    if problem:
        print(f"hairpin: {problem}", flush=True)
        serve_failure(f"the rules cannot be loaded: {problem}")
        return
    print("hairpin: UDP 6081 goes back to where it came from", flush=True)
    serve(well)


if __name__ == "__main__":
    main()
