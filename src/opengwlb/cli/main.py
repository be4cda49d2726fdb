"""The command `gwlb`: what it can be asked, and how a refusal is said.

`opengwlb.app` calls `run` with the function that starts the server: a face may not import the room that wires it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Annotated

from cyclopts import App, Parameter

from . import (
    accounts,
    asking,
    certify,
    completion,
    console,
    doctor,
    environment,
    events,
    flow_logs,
    flows,
    images,
    lab,
    lint,
    looking,
    marketplace,
    metrics,
    network_map,
    packets,
    plan,
    replay,
    serving,
    show,
    table_size,
    targets,
    uplinks,
)
from .options import REQUESTS_PER_S, Auth, DataPlane, ServeOptions
from .parameters import Command, Json, Name, Region, Watch
from .parity import commands as parity
from .refusal import Refusal

Serve = Callable[[ServeOptions], None]

app = App(name="gwlb", help="A Gateway Load Balancer that you run yourself.", version_flags=())
app.command(accounts.app)
app.command(flow_logs.app)
app.command(images.app)
app.command(marketplace.app)
app.command(parity.app)
app.command(plan.app)
app.command(uplinks.app)
events.register(app)
flows.register(app)
asking.register(app)
certify.register(app)
completion.register(app)
console.register(app)
replay.register(app)
lint.register(app)
metrics.register(app)
network_map.register(app)
packets.register(app)
targets.register(app)


@app.command(name="serve")
def _serve(
    *,
    listen: str = lab.DEFAULT_LISTEN,
    data_dir: Path | None = None,
    data_plane: DataPlane = "kernel",
    auth: Auth = "sigv4",
    test_hooks: bool = False,
    name: Name = lab.DEFAULT_NAME,
    tls_certificate: Path | None = None,
    tls_key: Path | None = None,
    max_flows: int | None = None,
    new_flows_per_s: int = table_size.NEW_FLOWS_PER_S,
    tcp_yields_after_s: int = table_size.SILENT_TCP_S,
    requests_per_s: int = REQUESTS_PER_S,
    start: Annotated[Serve, Parameter(parse=False)],
) -> None:
    """Run the server.

    Parameters
    ----------
    listen
        HOST:PORT. Beyond loopback it needs TLS and signatures.
    data_dir
        Where objects and credentials are kept; /var/lib/opengwlb/NAME when not given.
    data_plane
        none: the API alone, without packets and without root.
    auth
        off: accept any credentials; for labs on loopback.
    test_hooks
        Add POST /moto-api/reset, which API test suites call. With --data-plane none also: what a call starts is finished before its
        answer, any well-formed image id is one, and targets become healthy after their threshold without a probe.
    tls_certificate
        PEM file of the certificate, with those between it and its root: the server then speaks HTTPS.
    tls_key
        PEM file of its private key.
    max_flows
        How many live flows the table has room for, rounded up to a power of two; by the machine's memory when not given (`gwlb doctor`
        says it). A table that is there keeps its size until `gwlb down`.
    new_flows_per_s
        How many flows each CPU may open a second: more are dropped as new_flow_limit, so that a flood does not stall known flows.
        0: no limit.
    tcp_yields_after_s
        In a full table, how long a TCP flow has to be silent before it makes room for a new one.
    requests_per_s
        How many API calls an account may make a second in one region, of those that look and again of those that change something; ten
        seconds' worth may come at once. More are refused as AWS refuses them (RequestLimitExceeded, Throttling). 0: no limit.
    """
    asked = serving.options(
        listen=listen,
        data_dir=data_dir,
        data_plane=data_plane,
        auth=auth,
        test_hooks=test_hooks,
        name=name,
        tls_certificate=tls_certificate,
        tls_key=tls_key,
        max_flows=max_flows,
        new_flows_per_s=new_flows_per_s,
        tcp_yields_after_s=tcp_yields_after_s,
        requests_per_s=requests_per_s,
    )
    serving.require_startable(asked)
    start(asked)


@app.command(name="doctor")
def _doctor(*, json: Json = False) -> int:
    """Say what this kernel and machine lack, and what to do."""
    return doctor.run(as_json=json)


@app.command(name="demo")
def _demo(
    *, name: Name = lab.DEFAULT_NAME, listen: str = lab.DEFAULT_LISTEN, bulk_mib: int = 1024, json: Json = False
) -> int:
    """Build two customers and a partner's firewalls, send traffic, show the packets.

    Parameters
    ----------
    listen
        Where the server it starts listens, when none of this name runs.
    bulk_mib
        How much each bulk transfer moves.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    from .demo import server, story

    try:
        return story.run(name=name, listen=listen, bulk_mib=bulk_mib, as_json=json)
    except (ClientError, BotoCoreError, TimeoutExpired) as error:
        raise Refusal(f"{error}. The lab is left as it is; its log is {server.log_file(name)}.") from error


@app.command(name="down")
def _down(*, name: Name = lab.DEFAULT_NAME, data: bool = False, json: Json = False) -> None:
    """Stop the server and take away all that it made in the kernel.

    Parameters
    ----------
    data
        Delete the data directory too.
    """
    from . import teardown

    done = teardown.down(name, with_data=data)
    if json:
        show.as_json(done)
    else:
        print("\n".join(done["done"]) or f"There is nothing of {name} on this machine.")


@app.command(name="env")
def _env(
    account: str, /, *, name: Name = lab.DEFAULT_NAME, region: Region = lab.DEFAULT_REGION, json: Json = False
) -> None:
    """Print what a shell needs to use any AWS client as ACCOUNT: eval "$(gwlb env ACCOUNT)".

    Parameters
    ----------
    account
        Its name, or operator: `gwlb account list` lists them.
    """
    values = environment.variables(name, account=account, region=region)
    if json:
        show.as_json(values)
    else:
        print(environment.shell(values))


@app.command(name="exec")
def _exec(box: str, /, *command: Command, name: Name = lab.DEFAULT_NAME) -> None:
    """Run a command in a box: an instance's id, internet, or a vpc-, igw- or gwlb- box.

    gwlb exec i-0123456789abcdef0 -- ps aux

    Parameters
    ----------
    box
        Its id, or internet: `gwlb status` lists them.
    command
        The command and its arguments, behind --; a shell when not given.
    """
    from . import boxes

    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    argv = boxes.inside(name, box=box, command=command or ("sh",), tty=terminal)
    os.execvp(argv[0], argv)


@app.command(name="tcpdump")
def _tcpdump(target: str, /, *arguments: Command, name: Name = lab.DEFAULT_NAME) -> None:
    """Run tcpdump on a box, or on the device of an eni-, vpce-, igw- or upl- id.

    gwlb tcpdump i-0123456789abcdef0 -- -nvv 'port 6081'

    Parameters
    ----------
    target
        The id of a box, or of an eni-, vpce-, igw- or upl-.
    arguments
        tcpdump's own, behind --.
    """
    from . import boxes

    argv = boxes.tcpdump(name, target=target, arguments=arguments)
    os.execvp(argv[0], argv)


@app.command(name="status")
def _status(
    *,
    every: Annotated[bool, Parameter(name="--all", negative=())] = False,
    watch: Watch = None,
    name: Name = lab.DEFAULT_NAME,
    json: Json = False,
) -> None:
    """Show boxes, load balancers, targets with their health, endpoints, drops and warnings.

    Parameters
    ----------
    every
        List everything: otherwise what is as it should be is only counted where there is much of it.
    """
    looking.status(name, everything=every, every=watch, as_json=json)


def run(*, serve: Serve, arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit status. `arguments` are those after `gwlb`; the process's own when None."""
    try:
        command, bound, unparsed = app.parse_args(arguments, exit_on_error=True)
        wiring = {"start": serve} if "start" in unparsed else {}
        status = command(*bound.args, **bound.kwargs, **wiring)
    except Refusal as refusal:
        print(f"gwlb: {refusal}", file=sys.stderr)
        return refusal.status
    except KeyboardInterrupt:
        return 130
    return status if isinstance(status, int) else 0
