"""The `nftables` image: a stateful firewall of the kernel behind the SDK's tunnel interface.

The user data is an nftables ruleset, of the form that /etc/nftables.conf has; if it is a script, the ruleset is what the script left in
that file. Packets of the tunnel pass the forward hook, in by a device `gw-…` and out by the same one:

    table inet firewall {
      chain forward {
        type filter hook forward priority filter; policy drop;
        ct state established,related accept
        ct state invalid drop
        tcp dport { 80, 443 } accept
        meta l4proto tcp reject with tcp reset
      }
    }

Without user data everything is let through but TCP that cannot belong to a connection.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from opengwlb_appliance import serve_failure, tunnel

from .user_data import is_script

USER_DATA = Path("/opt/opengwlb/user-data")
RULES_FILE = Path("/etc/nftables.conf")
DEFAULT = """\
table inet firewall {
  chain forward {
    type filter hook forward priority filter; policy accept;
    ct state established,related accept
    meta l4proto tcp ct state invalid drop
  }
}
"""
LIBERAL = Path("/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal")
"""Connections arrive in their middle, after another appliance's failure, so their windows are not known."""


def ruleset(user_data: bytes) -> str:
    """What is to be loaded. Raises ValueError for what is no text."""
    script = is_script(user_data) and not user_data.startswith(b"#!/usr/sbin/nft")
    if script:
        user_data = RULES_FILE.read_bytes() if RULES_FILE.exists() else b""
    try:
        text = user_data.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise ValueError("the ruleset is not text") from problem
    return text if text.strip() else DEFAULT


def main() -> None:
    try:
        rules = ruleset(USER_DATA.read_bytes())
        # What an earlier boot left goes, in the same transaction: the ruleset is what the user data says.
        tunnel.nft(f"flush ruleset\n{rules}")
        LIBERAL.write_text("1", encoding="ascii")
    except (OSError, ValueError) as problem:
        print(f"nftables: the rules cannot be used: {problem}", flush=True)
        serve_failure(f"the rules cannot be used: {problem}")
        return
    tables = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=False).stdout
    print(f"nftables: {', '.join(tables.splitlines())}", flush=True)
    tunnel.serve(opened=lambda one: print(f"nftables: {one.endpoint_id} is device {one.device}", flush=True))


if __name__ == "__main__":
    main()
