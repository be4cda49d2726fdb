"""The `http-inspector` image: HTTP on port 80 goes through HAProxy, transparently; everything else is returned as it came.

Neither side sees the proxy: towards the client it speaks with the server's address, towards the server with the client's address and
port, so that both halves are one flow for the load balancer and return to this appliance. Requests are logged, those that a rule names
are answered with 403. The user data (or, if that is a script, what it left in /etc/http-inspector.rules) has one rule a line:

    deny host *.example.net
    deny path /admin*
    deny method PUT
    deny agent *sqlmap*

`*` is any run of characters, `?` one; letters of hosts and agents are the same in both cases. Two customers that use equal addresses at
the same time need an appliance each: the proxy's connections know addresses, not endpoints.
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

from opengwlb_appliance import serve_failure, tunnel

from .user_data import is_script

USER_DATA = Path("/opt/opengwlb/user-data")
RULES_FILE = Path("/etc/http-inspector.rules")
CONFIGURATION = Path("/etc/haproxy-inspector.cfg")
PROXY_PORT = 8080
PROXY_BIT = 0x1000000
"""In the mark of what is for the proxy."""
_SUBJECTS = {
    "host": "hdr(host),field(1,:) -i",
    "path": "path",
    "method": "method",
    "agent": "hdr(user-agent) -i",
}
RULES = f"""\
table inet http_inspector
delete table inet http_inspector
table inet http_inspector {{
  map clients4 {{ type ipv4_addr : mark; flags dynamic,timeout; timeout 1h; size 262144; }}
  map clients6 {{ type ipv6_addr : mark; flags dynamic,timeout; timeout 1h; size 262144; }}
  chain untracked {{ type filter hook prerouting priority -400;
    iifname "gw-*" tcp dport 80 notrack
    iifname "gw-*" tcp sport 80 notrack
  }}
  chain untracked_own {{ type filter hook output priority -400;
    tcp dport 80 notrack
    tcp sport 80 notrack
  }}
  chain in {{ type filter hook prerouting priority mangle;
    iifname "gw-*" tcp sport 80 socket transparent 1 meta mark set mark or {PROXY_BIT} accept
    iifname != "gw-*" accept
    meta l4proto != tcp accept
    tcp dport != 80 accept
    meta nfproto ipv4 update @clients4 {{ ip saddr : meta mark }}
    meta nfproto ipv6 update @clients6 {{ ip6 saddr : meta mark }}
    meta nfproto ipv4 meta l4proto tcp tproxy ip to 127.0.0.1:{PROXY_PORT} meta mark set mark or {PROXY_BIT} accept
    meta nfproto ipv6 meta l4proto tcp tproxy ip6 to [::1]:{PROXY_PORT} meta mark set mark or {PROXY_BIT} accept
    drop comment "nobody inspects: the proxy does not listen"
  }}
  chain out {{ type route hook output priority mangle;
    meta nfproto ipv4 tcp dport 80 meta mark set ip saddr map @clients4
    meta nfproto ipv6 tcp dport 80 meta mark set ip6 saddr map @clients6
    meta nfproto ipv4 tcp sport 80 meta mark set ip daddr map @clients4
    meta nfproto ipv6 tcp sport 80 meta mark set ip6 daddr map @clients6
  }}
}}
"""
PROXY = f"""\
global
    log stdout format raw local0 info
defaults
    mode http
    log global
    option httplog
    option dontlognull
    timeout connect 10s
    timeout client 350s
    timeout server 350s
    timeout http-request 30s
frontend inspected
    bind ipv4@127.0.0.1:{PROXY_PORT} transparent
    bind ipv6@::1:{PROXY_PORT} transparent
    log-format "%ci:%cp -> %[dst]:%[dst_port] %HM %HU %ST %B %tsc %hrl"
    http-request capture hdr(host) len 100
    http-request capture hdr(user-agent) len 100
@rules@
    default_backend origin
backend origin
    http-reuse never
    source 0.0.0.0 usesrc client
    server origin *:0
"""


@dataclass(frozen=True, slots=True)
class Rule:
    subject: str
    pattern: str


def parse_rules(text: str) -> list[Rule]:
    """Raises ValueError with a sentence that names the line."""
    rules = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if len(words) != 3 or words[0] != "deny" or words[1] not in _SUBJECTS:
            raise ValueError(f"line {number} must be: deny {'|'.join(_SUBJECTS)} PATTERN")
        if not re.fullmatch(r"[!-&(-\[\]-~]+", words[2]):
            raise ValueError(f"line {number}: a pattern is printable ASCII without quotes and backslashes")
        rules.append(Rule(words[1], words[2]))
    return rules


def configuration(rules: list[Rule]) -> str:
    """HAProxy's."""
    lines = [
        f"    http-request deny deny_status 403 if {{ {_SUBJECTS[rule.subject]} -m reg '{_regex(rule.pattern)}' }}"
        for rule in rules
    ]
    return PROXY.replace("@rules@", "\n".join(lines))


def _regex(pattern: str) -> str:
    parts = (".*" if one == "*" else "." if one == "?" else re.escape(one) for one in pattern)
    return f"^{''.join(parts)}$"


def _user_rules() -> str:
    data = USER_DATA.read_bytes()
    if is_script(data):
        data = RULES_FILE.read_bytes() if RULES_FILE.exists() else b""
    return data.decode("utf-8", "replace")


def proxy_answers() -> str:
    """What is wrong with the proxy, or nothing."""
    try:
        with socket.create_connection(("127.0.0.1", PROXY_PORT), timeout=1):
            return ""
    except OSError as problem:
        return f"HAProxy does not answer: {problem}"


def _lead_to_proxy() -> None:
    """What has the proxy's mark is for this machine, whatever its address."""
    for family in tunnel.families():
        mark = f"fwmark {PROXY_BIT}/{PROXY_BIT}"
        for words in (
            ["route", "replace", "local", "default", "dev", "lo", "table", str(PROXY_BIT)],
            ["rule", "add", *mark.split(), "lookup", str(PROXY_BIT), "priority", str(tunnel.RULE_PRIORITY - 50)],
        ):
            done = subprocess.run(["ip", family, *words], capture_output=True, text=True, check=False)
            if done.returncode != 0 and "File exists" not in done.stderr:
                raise OSError(f"ip {' '.join(words)}: {done.stderr.strip()}")


def main() -> None:
    try:
        rules = parse_rules(_user_rules())
        if shutil.which("haproxy") is None:
            raise ValueError("HAProxy is not installed on this machine: apt install haproxy")
        CONFIGURATION.write_text(configuration(rules), encoding="ascii")
        tunnel.nft(RULES)
        _lead_to_proxy()
    except (OSError, ValueError) as problem:
        print(f"http-inspector: {problem}", flush=True)
        serve_failure(str(problem))
        return
    subprocess.Popen(["haproxy", "-db", "-f", str(CONFIGURATION)], stdin=subprocess.DEVNULL)
    print(f"http-inspector: {len(rules)} rules", flush=True)
    tunnel.serve(
        opened=lambda one: print(f"http-inspector: {one.endpoint_id} is device {one.device}", flush=True),
        well=proxy_answers,
    )


if __name__ == "__main__":
    main()
