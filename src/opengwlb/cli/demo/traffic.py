"""Real traffic, and whether each of it passed or was blocked as the rules say."""

from __future__ import annotations

import subprocess
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from .. import boxes
from . import plan
from .customer import Web
from .evidence import Logs
from .internet import Internet, get, post
from .ledger import Ledger

BULK_WITHIN_S = 600.0


class Traffic:
    def __init__(self, internet: Internet, *, logs: Logs, ledger: Ledger) -> None:
        self._internet = internet
        self._logs = logs
        self._ledger = ledger

    def connections(self, webs: Sequence[Web]) -> None:
        """One HTTP connection from each of 64 addresses to each customer, spread over its web servers."""
        by_customer = defaultdict(list)
        for web in webs:
            by_customer[web.customer].append(web)
        for customer, servers in by_customer.items():
            good = 0
            for number, web in enumerate(servers):
                sources = list(plan.CLIENTS[number :: len(servers)])
                answers = self._internet.ask(
                    "exchanges", sources=sources, host=web.public_ip, port=plan.WEB_PORT, pieces=[get("/")]
                )
                good += sum(f"{web.title} greets {each['source']}\n" in each["reply"] for each in answers)
            self._ledger.add(
                f"{len(plan.CLIENTS)} HTTP connections to {customer}",
                expected="passes",
                happened=f"{good} of {len(plan.CLIENTS)} answered",
                by="firewalls' rule: default",
                ok=good == len(plan.CLIENTS),
            )

    def forbidden(self, web: Web) -> None:
        """A port and a text that the rules forbid, in every shape, and what only looks like it."""
        text = plan.FORBIDDEN_TEXT
        whole, half = post(text), len(post(text)) - len(text) // 2
        self._blocked(f"port {plan.FORBIDDEN_PORT} of {web.title}", web, rule=plan.PORT_RULE, port=plan.FORBIDDEN_PORT)
        self._blocked(f"“{text}” to {web.title}", web, rule=plan.TEXT_RULE, pieces=[whole])
        self._blocked(
            f"“{text}” in two segments to {web.title}", web, rule=plan.TEXT_RULE, pieces=[whole[:half], whole[half:]]
        )
        self._blocked(f"“{text}” in {web.title}'s reply", web, rule=plan.TEXT_RULE, pieces=[get("/reveal")])
        answer = self._internet.request(web.public_ip, source=plan.CLIENTS[0], pieces=[post(plan.NEAR_MISS)])
        self._passed(f"“{plan.NEAR_MISS}” to {web.title}", answer, saying=f"{web.title} has read it")

    def _blocked(self, what: str, web: Web, *, rule: str, **asked: Any) -> None:
        client = plan.CLIENTS[0]
        answer = self._internet.request(web.public_ip, source=client, timeout_s=plan.BLOCKED_TIMEOUT_S, **asked)
        said = self._logs.about(endpoint=web.endpoint, client=(client, answer["source_port"]))
        by = next((each for each in said if each.rule == rule), None)
        # A reply's first segment may come before the one that is stopped.
        stopped = bool(answer["error"]) and plan.FORBIDDEN_TEXT not in answer["reply"]
        self._ledger.add(
            what,
            expected="blocked",
            happened="blocked" if stopped else "passed",
            by=f"{by.appliance}'s rule: {by.rule}" if by else "no firewall says so",
            ok=stopped and by is not None,
        )

    def _passed(self, what: str, answer: dict[str, Any], *, saying: str) -> None:
        ok = saying in answer["reply"]
        self._ledger.add(what, expected="passes", happened="passed" if ok else f"failed: {answer['error']}", ok=ok)

    def outbound(self, web: Web) -> None:
        """From the application to a web server on the internet, which must see the public address."""
        with self._internet.server(address=plan.CLIENTS[9]) as url:
            argv = boxes.inside(self._internet.name, box=web.instance, command=["curl", "-sS", "--max-time", "5", url])
            done = subprocess.run(argv, capture_output=True, text=True, timeout=30)
        ok = done.stdout == f"the internet greets {web.public_ip}\n"
        self._ledger.add(
            f"HTTP from {web.title} to the internet",
            expected="passes",
            happened=f"passed, seen as {web.public_ip}" if ok else f"failed: {(done.stdout + done.stderr).strip()}",
            ok=ok,
        )

    def ping(self, web: Web) -> None:
        summary = self._internet.ping(web.public_ip, source=plan.CLIENTS[2])
        self._ledger.add(f"ping {web.title}", expected="passes", happened=summary, ok=" 0% packet loss" in summary)

    def bulk(self, web: Web, *, size: int) -> None:
        """TCP both ways: hashes equal, rate and retransmits."""
        for direction, towards in (("upload", "to"), ("download", "from")):
            moved = self._internet.ask(
                "bulk",
                source=plan.CLIENTS[4],
                host=web.public_ip,
                port=plan.BULK_PORT,
                direction=direction,
                size=size,
                within_s=BULK_WITHIN_S,
            )
            equal = moved["bytes"] == [size, size] and len(set(moved["sha256"])) == 1
            rate = size * 8 / moved["seconds"] / 1e9
            self._ledger.add(
                f"{size / 2**30:g} GiB of TCP {towards} {web.title}",
                expected="passes",
                happened=f"{rate:.2f} Gb/s, {moved['retransmits']} retransmits, hashes {'equal' if equal else 'differ'}",
                by=f"through the {web.site.inspected_by}",
                ok=equal,
            )
