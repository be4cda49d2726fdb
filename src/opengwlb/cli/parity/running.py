"""A recording from its first call to its file: who is asked, what it costs, and what is left when something fails."""

from __future__ import annotations

import json
import secrets
import signal
import sys
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from opengwlb.certify.recording import RecordingError

from .. import lab
from ..refusal import Refusal
from . import headers, scenario
from .commands import FORMAT
from .normal import Normaliser
from .recorder import Recorder

PATIENCE_S = 600.0
"""AWS takes some minutes to make a load balancer active and an endpoint available."""

STOPS = (signal.SIGINT, signal.SIGTERM)


def record(
    *, out: Path, endpoint: str | None, profile: str | None, region: str | None, geneve: Path | None, yes: bool
) -> int:
    """As `gwlb parity record` is asked. Raises Refusal, after what was made is gone and what is known is written."""
    seen = None if geneve is None else _headers(geneve)
    try:
        out.touch()
    except OSError as error:
        raise Refusal(f"{out} cannot be written: {error}") from error
    try:
        session = boto3.session.Session(profile_name=profile, region_name=region)
        where = region or session.region_name or lab.DEFAULT_REGION
        settings = Config(retries={"mode": "standard", "max_attempts": 4})
        clients = {
            name: session.client(name, endpoint_url=endpoint, region_name=where, config=settings)
            for name in ("ec2", "elbv2", "sts")
        }
        url = clients["ec2"].meta.endpoint_url
        aws = ".amazonaws." in url
        _tell(f"At {url}, this is made and taken away again: {'; '.join(scenario.COSTS)}.")
        if aws and not yes:
            raise Refusal("This is AWS and costs money: say --yes to go on.")
        account = clients["sts"].get_caller_identity()["Account"]
        zones = clients["ec2"].describe_availability_zones()["AvailabilityZones"]
    except (BotoCoreError, ClientError) as error:
        raise Refusal(f'{error}. `eval "$(gwlb env ACCOUNT)"` sets up a lab\'s credentials.') from error
    suffix = secrets.token_hex(3)
    normaliser = Normaliser({account: "<account>", where: "<region>", suffix: "<run>"})
    recorder = Recorder(clients, normaliser=normaliser, tell=_tell)
    failed = _run(recorder, suffix=suffix, zone=zones[0]["ZoneName"])
    written: dict[str, Any] = {
        "format": FORMAT,
        "endpoint": "aws" if aws else url,
        "region": where,
        "complete": not failed,
    }
    written |= {"steps": recorder.steps} | ({} if seen is None else {"geneve": seen})
    out.write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    _tell(f"{len(recorder.steps)} steps are in {out}.")
    if failed:
        raise Refusal(failed)
    return 0


def _run(recorder: Recorder, *, suffix: str, zone: str) -> str:
    """Why it was not finished; empty when it was. What was made is gone afterwards in either case."""
    failed = ""
    before = {number: signal.signal(number, lambda *_: recorder.interrupt()) for number in STOPS}
    try:
        scenario.run(recorder, suffix=suffix, zone=zone, patience_s=PATIENCE_S)
    except (BotoCoreError, ClientError) as error:
        failed = f"The scenario could not go on: {error}"
    except KeyboardInterrupt:
        failed = "Stopped."
    finally:
        left = recorder.clean()
        for number, handler in before.items():
            signal.signal(number, handler)
    if left:
        failed = f"{failed} Still there, for you to remove: {'; '.join(left)}.".strip()
    return failed


def _headers(path: Path) -> dict[str, Any]:
    try:
        return headers.read(path.read_bytes())
    except (OSError, RecordingError) as error:
        raise Refusal(f"{path} cannot be read: {error}") from error


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
