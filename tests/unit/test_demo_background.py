"""The scenario that the server builds when asked: how far it is, what stands by the store, what is refused, what the visitors send."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from opengwlb import admin, admin_demo
from opengwlb.cli.demo import plan, standing, visitors
from opengwlb.cli.demo.background import Background
from opengwlb.cli.demo.waits import Waits
from opengwlb.cli.refusal import Refusal
from opengwlb.model.account import Account
from opengwlb.model.compute import Instance, InstanceState
from opengwlb.model.privatelink import VpcEndpoint
from opengwlb.model.snapshot import Snapshot
from opengwlb.model.vpc import Address, NetworkInterface, Vpc
from opengwlb.wire.errors import AwsError

WITHIN_S = 5.0
REGION = "ap-northeast-2"
ALL = [f"{customer.name}/{site.name}" for customer, site in standing.SITES]


def snapshot(*objects: Any) -> Snapshot:
    kinds: dict[type[Any], dict[str, Any]] = {}
    for obj in objects:
        kinds.setdefault(type(obj), {})[obj.id] = obj
    return Snapshot(1, kinds)


def accounts() -> list[Account]:
    return [Account(id=str(number), name=name) for number, name in enumerate(plan.accounts())]


def web(number: int, *, account: str, name: str, state: InstanceState = InstanceState.RUNNING) -> list[Any]:
    """A web server with its interface, public address and endpoint. All have the same private address, as tenants may."""
    here: dict[str, Any] = {"account": account, "region": REGION, "tags": {"Name": name}}
    vpc, eni = f"vpc-{number}", f"eni-{number}"
    instance = Instance(
        id=f"i-{number}",
        vpc=vpc,
        subnet="subnet-1",
        zone=f"{REGION}a",
        image="ami-1",
        instance_type="t3.micro",
        private_ip="10.0.0.36",
        network_interfaces=(eni,),
        reservation="r-1",
        launch_index=0,
        launch_time=0.0,
        state=state,
        **here,
    )
    interface = NetworkInterface(
        id=eni, vpc=vpc, subnet="subnet-1", zone=f"{REGION}a", private_ip="10.0.0.36", mac="02:00:00:00:00:01", **here
    )
    address = Address(id=f"eipalloc-{number}", public_ip=f"198.18.0.{number}", network_interface=eni, **here)
    endpoint = VpcEndpoint(
        id=f"vpce-{number}",
        service="vpce-svc-1",
        service_name="s",
        vpc=vpc,
        subnet="subnet-2",
        zone=f"{REGION}a",
        network_interface="eni-9",
        created=0.0,
        load_balancer="lb",
        **here,
    )
    return [instance, interface, address, endpoint]


def webs(count: int = len(ALL)) -> list[Any]:
    numbers = {name: str(number) for number, name in enumerate(plan.accounts())}
    found = []
    for number, (customer, site) in enumerate(standing.SITES[:count], start=1):
        found += web(number, account=numbers[customer.name], name=site.name)
    return found


def security() -> Vpc:
    """The partner's."""
    return Vpc(
        id="vpc-100",
        account="0",
        region=REGION,
        cidr=plan.SECURITY_VPC,
        tags={"Name": plan.SECURITY_VPC_NAME},
        main_route_table="rtb-1",
        default_security_group="sg-1",
        default_network_acl="acl-1",
        dhcp_options="dopt-1",
        cidr_association="vpc-cidr-assoc-1",
    )


class World:
    """A store that changes as a building goes on, and the building, which waits to be told."""

    def __init__(self, *objects: Any) -> None:
        self.objects = list(objects)
        self.go, self.going = threading.Event(), threading.Event()
        self.error: Exception | None = None
        self.builds = 0
        self.demo = Background(name="nobody", snapshot=lambda: snapshot(*self.objects), build=self.build)

    def build(self, waits: Waits, begin: Callable[[str], None]) -> None:
        self.builds += 1
        begin("accounts")
        begin("partner")
        waits.until("targets", lambda: (True, "2 healthy"))
        self.going.set()
        assert self.go.wait(WITHIN_S)
        if self.error is not None:
            raise self.error
        self.objects += [*accounts(), security(), *webs()]

    def finish(self, error: Exception | None = None) -> None:
        self.error = error
        self.go.set()
        for thread in threading.enumerate():
            if thread.name == "demo":
                thread.join(WITHIN_S)

    def steps(self) -> list[str]:
        return [step.state for step in self.demo.state().steps]


def test_steps_are_those_of_the_plan_in_its_order() -> None:
    assert list(plan.titles()) == ["accounts", "partner", *(each.name for each in plan.CUSTOMERS), "answers"]
    state = World().demo.state()
    assert (state.state, [step.id for step in state.steps]) == ("none", list(plan.titles()))
    assert {step.state for step in state.steps} == {"waiting"}


def test_a_building_says_how_far_it_is_and_is_not_begun_twice() -> None:
    world = World()
    assert world.demo.start().state == "building"
    assert world.going.wait(WITHIN_S)
    again = world.demo.start()
    assert again.state == "building"
    assert world.steps() == ["done", "running", "waiting", "waiting", "waiting"]
    assert again.steps[1].detail == "targets: 2 healthy"
    world.finish()
    assert (world.demo.start().state, world.builds) == ("ready", 1)
    assert world.steps() == ["done"] * 5
    assert [f"{one.customer}/{one.name}" for one in world.demo.state().addresses] == ALL


def test_a_building_that_fails_says_why_and_at_which_step() -> None:
    world = World()
    world.demo.start()
    world.finish(Refusal("Waited 120 s for targets."))
    state = world.demo.state()
    assert state.state == "failed"
    assert state.error is not None
    assert state.error.startswith("Waited 120 s for targets.")
    assert "gwlb account delete" in state.error
    assert world.steps() == ["done", "failed", "waiting", "waiting", "waiting"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_building_that_ends_in_a_way_nobody_thought_of_does_not_seem_to_go_on() -> None:
    world = World()
    world.demo.start()
    world.finish(ZeroDivisionError())
    assert world.demo.state().state == "failed"
    assert "log" in str(world.demo.state().error)


def test_what_stands_is_known_after_a_restart() -> None:
    world = World(*accounts(), security(), *webs())
    state = world.demo.state()
    assert (state.state, state.error, world.steps()) == ("ready", None, ["done"] * 5)
    assert [one.public_address for one in state.addresses] == [f"198.18.0.{number}" for number in range(1, 5)]
    assert [one.endpoint for one in state.addresses] == [f"vpce-{number}" for number in range(1, 5)]
    assert [one.ruled for one in state.addresses] == [True, True, True, False]
    assert (world.demo.start().state, world.builds) == ("ready", 0)


def test_what_an_earlier_building_left_in_pieces_is_told_and_not_built_over() -> None:
    world = World(*accounts(), security(), *webs(3))
    state = world.demo.state()
    assert state.state == "failed"
    assert "customer2/bulk-b" in str(state.error)
    assert len(state.addresses) == 3
    with pytest.raises(AwsError, match="partner, customer1, customer2") as refused:
        world.demo.start()
    assert (refused.value.status, world.builds) == (409, 0)


def test_an_account_that_is_merely_called_partner_is_no_demo_but_in_its_way() -> None:
    world = World(accounts()[0])
    assert world.demo.state().state == "none"
    with pytest.raises(AwsError, match="partner"):
        world.demo.start()


def test_an_instance_that_is_going_is_not_there() -> None:
    world = World(*accounts(), security(), *web(1, account="1", name="web-a", state=InstanceState.TERMINATED))
    assert world.demo.state().addresses == []


def test_nothing_is_sent_to_nobody() -> None:
    with pytest.raises(AwsError, match="build it first"):
        World().demo.send(5.0)


def test_visitors_try_what_is_forbidden_only_where_rules_forbid_it() -> None:
    addresses = standing.addresses(snapshot(*accounts(), *webs()))
    sent = visitors.visits(addresses)
    forbidden = [visit for visit in sent if not visit["allowed"]]
    assert len(sent) - len(forbidden) == visitors.ALLOWED_PER_S * len(ALL)
    assert {visit["host"] for visit in forbidden} == {one.public_address for one in addresses if one.ruled}
    assert {visit["port"] for visit in forbidden} == {plan.FORBIDDEN_PORT, plan.WEB_PORT}


def test_visits_are_counted_by_whether_they_went_as_the_rules_say() -> None:
    """Against a server that answers everybody: what should be blocked is not."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        threading.Thread(target=_answer, args=(server,), daemon=True).start()
        each = {"host": "127.0.0.1", "port": port, "pieces": ["GET / HTTP/1.1\r\n\r\n"], "timeout_s": 2.0}
        closed = {**each, "port": 1}
        asked = {"do": "visits", "seconds": 1, "sources": ["127.0.0.1"]}
        asked["each"] = [{**each, "allowed": True}, {**closed, "allowed": False}, {**each, "allowed": False}]
        done = subprocess.run(
            [sys.executable, str(plan.ENDPOINTS), json.dumps(asked)], capture_output=True, text=True, timeout=20
        )
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert said[-1] == {"answered": 1, "blocked": 1, "unexpected": 1}, done.stderr


def _answer(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nhere\n")


def calls(demo: Background | None) -> TestClient:
    def open_to_all(work: admin_demo.Work) -> Callable[[Any], Any]:
        return admin.operator_only_by(lambda request, body: admin.OPERATOR_ACCOUNT)(work)

    return TestClient(Starlette(routes=admin_demo.routes(demo=demo, operator_only=open_to_all)))


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("POST", ""), ("POST", "/traffic")])
def test_where_there_are_no_packets_every_call_is_refused_by_name(method: str, path: str) -> None:
    answer = calls(None).request(method, f"/_gwlb/v1/demo{path}", json={} if method == "POST" else None)
    assert (answer.status_code, answer.json()["code"]) == (400, "UnsupportedOperation")
    assert "--data-plane none" in answer.json()["message"]


def test_seconds_that_are_no_number_are_refused_by_name() -> None:
    answer = calls(World().demo).post("/_gwlb/v1/demo/traffic", json={"seconds": 1000})
    assert answer.status_code == 400
    assert "seconds" in answer.json()["message"]


def test_calls_answer_as_the_types_say() -> None:
    answer = calls(World(*accounts(), security(), *webs()).demo).get("/_gwlb/v1/demo").json()
    assert set(answer) == {"state", "steps", "error", "addresses", "traffic"}
    assert (answer["state"], answer["error"], answer["traffic"]) == ("ready", None, None)
