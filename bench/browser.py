"""The console in Debian's Chromium: its first view, long lists while they scroll, and a large map.

A real server without packets answers. The long lists and the large map are made up here and put in place of its answers: measured is what
a page does with them, not how a server finds them.
"""

from __future__ import annotations

import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Browser, Page, Route
from tests.console.chromium import chromium, window
from tests.console.visitor import Visitor
from tests.stories.server import Server

from opengwlb.cli import credentials

from .figures import Figure, Say, against, below

ROUNDS = 5
FIRST_VIEW_S, SMOOTH_MS, SMOOTH_SHARE, PAINT_S, HOVER_MS = 1.0, 33.0, 0.95, 2.0, 100.0
FLOWS, TARGETS, NODES = 100_000, 5_000, 500
SCROLLED_PX, PX_PER_S = 20_000, 4_000
"""A hundred rows a second go by, for five seconds: faster than anybody reads."""
FRAMES = "disabled-by-default-devtools.timeline.frame"
"""Category of Chromium's trace in which each frame that is shown is a `DrawFrame`."""
GROUP = "arn:aws:elasticloadbalancing:ap-northeast-2:123456789012:targetgroup/many/0123456789abcdef"
UNCHANGED = f'{{"at":1,"total":{FLOWS},"flows":[],"ended":[]}}\n'
Answers = Mapping[str, str]
"""The end of a path -> the body that is answered there."""


def rows(*, name: str, directory: Path, say: Say) -> list[Figure]:
    server = Server(name=name, data_dir=directory / "console", options=("--data-plane", "none"))
    try:
        server.start()
        with chromium() as browser:
            say("console: the first view")
            found = [_first_view(browser, server)]
            say(f"console: {FLOWS:,} flows and {TARGETS:,} targets, scrolled")
            found.append(_scrolled(browser, server, what=f"{FLOWS:,} flows", path="flows", answers=_flows()))
            group = f"target-groups/{quote(GROUP, safe='')}"
            found.append(_scrolled(browser, server, what=f"{TARGETS:,} targets", path=group, answers=_targets()))
            say(f"console: a map of {NODES} nodes")
            return found + _mapped(browser, server)
    finally:
        server.down()


@contextmanager
def _signed_in(browser: Browser, server: Server, answers: Answers | None = None) -> Iterator[Visitor]:
    with window(browser, endpoint=server.endpoint, language="en") as seen:
        for ending, body in (answers or {}).items():
            seen.context.route(f"**{ending}*", partial(_answer, body=body))
        visitor = Visitor(seen.page, endpoint=server.endpoint, language="en")
        visitor.open()
        key = credentials.profile(server.data_dir, name=credentials.OPERATOR)
        visitor.sign_in(access_key=key.access_key, secret_key=key.secret_key)
        seen.page.get_by_role("heading", level=1).wait_for()
        yield visitor


def _answer(route: Route, *, body: str) -> None:
    """What is asked since an earlier answer has not changed."""
    route.fulfill(body=UNCHANGED if "since=" in route.request.url else body, content_type="application/json")


def _first_view(browser: Browser, server: Server) -> Figure:
    """From the address until the page's title stands there, with a session and nothing in the browser's cache."""
    times = []
    for _ in range(ROUNDS):
        with _signed_in(browser, server) as visitor:
            cache = visitor.page.context.new_cdp_session(visitor.page)
            cache.send("Network.clearBrowserCache")
            start = time.monotonic()
            visitor.open()
            visitor.page.get_by_role("heading", level=1).wait_for()
            times.append(time.monotonic() - start)
    return below(
        "console: from the address to the first view",
        value=statistics.median(times),
        unit="s",
        goal=FIRST_VIEW_S,
        spread=(min(times), max(times)),
        limit="script",
    )


def _scrolled(browser: Browser, server: Server, *, what: str, path: str, answers: Answers) -> Figure:
    """The share of frames that came within 33 ms after the one before.

    Chromium makes the gesture itself: a script that turns the wheel waits for each turn's frame before it asks for the next.
    """
    with _signed_in(browser, server, answers) as visitor:
        visitor.open(path)
        grid = visitor.page.get_by_role("grid").first
        grid.get_by_role("row").nth(5).wait_for(timeout=60_000)
        inside = grid.bounding_box()
        assert inside is not None
        wheel = visitor.page.context.new_cdp_session(visitor.page)
        browser.start_tracing(page=visitor.page, categories=[FRAMES])
        wheel.send(
            "Input.synthesizeScrollGesture",
            {
                "x": inside["x"] + inside["width"] / 2,
                "y": inside["y"] + inside["height"] / 2,
                "yDistance": -SCROLLED_PX,
                "speed": PX_PER_S,
                "gestureSourceType": "mouse",
            },
        )
        trace = json.loads(browser.stop_tracing())
        scrolled = grid.evaluate("grid => grid.scrollTop")
    drawn = sorted(event["ts"] / 1000 for event in trace["traceEvents"] if event["name"] == "DrawFrame")
    gaps = [after - before for before, after in itertools.pairwise(drawn)]
    assert scrolled >= SCROLLED_PX * 0.9, f"scrolled {scrolled} px of {SCROLLED_PX}"
    smooth = sum(gap <= SMOOTH_MS for gap in gaps) / len(gaps)
    return against(
        f"console: frames within {SMOOTH_MS:g} ms while {what} scroll",
        value=smooth * len(gaps),
        baseline=len(gaps),
        unit="frames",
        goal=SMOOTH_SHARE,
        spread=(min(gaps), max(gaps)),
        limit="rows",
    )


def _mapped(browser: Browser, server: Server) -> list[Figure]:
    with _signed_in(browser, server, {"/_gwlb/v1/map": _map()}) as visitor:
        page = visitor.page
        start = time.monotonic()
        visitor.open("map")
        page.locator(".react-flow__edge").first.wait_for(state="attached")
        page.locator(".react-flow__node").first.wait_for()
        painted = time.monotonic() - start
        hovers = [_hovered(page, at) for at in range(10)]
    return [
        below(f"console: a map of {NODES} nodes is painted", value=painted, unit="s", goal=PAINT_S, limit="script"),
        below(
            f"console: pointing at one of {NODES} nodes lights its chain",
            value=statistics.median(hovers),
            unit="ms",
            goal=HOVER_MS,
            spread=(min(hovers), max(hovers)),
            limit="script",
        ),
    ]


def _hovered(page: Page, at: int) -> float:
    """Milliseconds from the pointer's arrival to the second frame after it: the first may have begun before."""
    return float(
        page.evaluate(
            """at => new Promise(done => {
                const node = document.querySelectorAll('.react-flow__node')[at * 7];
                const start = performance.now();
                node.dispatchEvent(new MouseEvent('mouseover', {bubbles: true}));
                requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - start)));
            })""",
            at,
        )
    )


def _flows() -> Answers:
    """As the read API streams them: a row a line."""
    made = [
        {
            "endpoint": f"vpce-{number % 7:017x}",
            "protocol": "tcp",
            "source": f"192.0.{number >> 8 & 255}.{number & 255}",
            "source_port": 1024 + number % 60_000,
            "destination": "10.0.0.36",
            "destination_port": 80,
            "target": f"i-{number % 4:017x}",
            "target_name": f"firewall-{number % 4}",
            "target_address": "10.1.0.9",
            "zone": "ap-northeast-2a",
            "target_state": "healthy",
            "state": "established",
            "why": "maglev",
            "verdict": "encapsulated",
            "cookie": f"0x{number:08x}",
            **dict.fromkeys(("age_s", "idle_s", "expires_s"), 1.5),
            **dict.fromkeys(("packets", "packets_forward", "packets_backward"), number),
            **dict.fromkeys(("bytes", "bytes_forward", "bytes_backward"), number * 90),
        }
        for number in range(FLOWS)
    ]
    lines = ",\n".join(map(json.dumps, made))
    return {"/_gwlb/v1/flows": f'{{"at":1,"total":{FLOWS},\n"flows":[\n{lines}]}}\n'}


def _targets() -> Answers:
    group = {
        "TargetGroupArn": GROUP,
        "TargetGroupName": "many",
        "Protocol": "GENEVE",
        "Port": 6081,
        "TargetType": "ip",
        "VpcId": "vpc-1",
        "LoadBalancerArns": [],
    }
    health = [
        {
            "Target": {"Id": f"10.{number >> 8 & 255}.{number & 255}.9", "Port": 6081},
            "TargetHealth": {"State": "healthy" if number % 9 else "unhealthy", "Reason": "Target.Timeout"},
        }
        for number in range(TARGETS)
    ]
    return {
        "/elbv2/DescribeTargetGroups": json.dumps({"result": {"TargetGroups": [group]}, "request_id": "1"}),
        "/elbv2/DescribeTargetHealth": json.dumps({"result": {"TargetHealthDescriptions": health}, "request_id": "1"}),
        "/elbv2/DescribeTargetGroupAttributes": json.dumps({"result": {"Attributes": []}, "request_id": "1"}),
        "/elbv2/DescribeTags": json.dumps({"result": {"TagDescriptions": []}, "request_id": "1"}),
        "/_gwlb/v1/targets": json.dumps({"targets": []}),
    }


def _map() -> str:
    """Four VPCs whose subnets, tables and endpoints all lead to one load balancer with many targets."""
    nodes, edges = [], []

    def node(id: str, kind: str, **more: Any) -> str:
        nodes.append(
            {"id": id, "kind": kind, "name": id, "account": "123456789012", "vpc": None, "zone": None, "reason": "",
             "state": "available", "healthy": None, "detail": {}} | more
        )  # fmt: skip
        return id

    def edge(kind: str, source: str, target: str) -> None:
        edges.append(
            {"id": f"{source}>{target}", "source": source, "target": target, "kind": kind, "label": "", "ports": [],
             "state": "ok"}
        )  # fmt: skip

    service = node("vpce-svc-1", "endpoint-service")
    balancer = node("gwlb-1", "load-balancer")
    group = node("many", "target-group")
    edge("serves", service, balancer)
    edge("forwards", balancer, group)
    for number in range(4):
        vpc = node(f"vpc-{number}", "vpc", vpc=f"vpc-{number}")
        for part in range(24):
            subnet = node(f"subnet-{number}-{part}", "subnet", vpc=vpc)
            table = node(f"rtb-{number}-{part}", "route-table", vpc=vpc)
            endpoint = node(f"vpce-{number}-{part}", "endpoint", vpc=vpc)
            edge("contains", vpc, subnet)
            edge("associated", subnet, table)
            edge("routes", table, endpoint)
            edge("serves", endpoint, service)
    while len(nodes) < NODES:
        number = len(nodes)
        edge("registered", group, node(f"many|10.1.{number >> 8}.{number & 255}", "target", healthy=number % 9 != 0))
    return json.dumps({"revision": 1, "nodes": nodes, "edges": edges})


if __name__ == "__main__":
    import os

    from .figures import show

    with tempfile.TemporaryDirectory() as made_in:
        show(rows(name=f"b1c{os.getpid() % 10000}", directory=Path(made_in), say=print))
