"""CloudWatch's store and API: data points a second through the front door, bytes of each on disk, and what reading costs."""

from __future__ import annotations

import http.client
import json
import time
from pathlib import Path

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.stories.server import REGION, Server

from opengwlb.cli import credentials
from opengwlb.model.metrics import DAY, MINUTE, Datum, MetricKey
from opengwlb.policy import points
from opengwlb.store.metrics import MetricStore

from .figures import Figure, Say, below

TARGET = "GraniteServiceVersion20100801"
SECONDS = 3.0
METRICS = 100
"""Of one full call, and on disk."""
NOON = 1_800_000_000 - 1_800_000_000 % DAY


def rows(*, name: str, directory: Path, say: Say) -> list[Figure]:
    say("CloudWatch: data points in and out")
    server = Server(name=name, data_dir=directory / "metrics", options=("--data-plane", "none"))
    try:
        server.start()
        server.account("bench")
        return [*_api(server), *_disk(directory)]
    finally:
        server.down()


def _api(server: Server) -> list[Figure]:
    asker = _Asker(server, account="bench")
    single = asker.rate("PutMetricData", {"Namespace": "Bench", "MetricData": [_datum("one")]})
    many = asker.rate("PutMetricData", {"Namespace": "Bench", "MetricData": [_datum(f"m{n}") for n in range(METRICS)]})
    now = time.time()
    asked = {
        "Namespace": "Bench",
        "MetricName": "one",
        "StartTime": now - 3600,
        "EndTime": now + 60,
        "Period": 60,
        "Statistics": ["Sum"],
    }
    read = asker.rate("GetMetricStatistics", asked)
    return [
        Figure(figure="PutMetricData of one value, signed", value=round(single), unit="1/s"),
        Figure(figure=f"data points by PutMetricData of {METRICS}", value=round(many * METRICS), unit="1/s"),
        Figure(figure="GetMetricStatistics of an hour", value=round(read), unit="1/s"),
    ]


class _Asker:
    def __init__(self, server: Server, *, account: str) -> None:
        profile = credentials.profile(server.data_dir, name=account)
        self._signer = SigV4Auth(Credentials(profile.access_key, profile.secret_key), "monitoring", REGION)
        self._url, self._port = f"{server.endpoint}/", server.port

    def rate(self, operation: str, parameters: dict[str, object]) -> float:
        """Calls a second over one kept connection."""
        body = json.dumps(parameters).encode()
        headers = {
            "X-Amz-Target": f"{TARGET}.{operation}",
            "Content-Type": "application/x-amz-json-1.0",
            "Host": f"127.0.0.1:{self._port}",
        }
        signed = AWSRequest("POST", self._url, data=body, headers=headers)
        self._signer.add_auth(signed)
        connection = http.client.HTTPConnection("127.0.0.1", self._port)
        done, start = 0, time.monotonic()
        while (elapsed := time.monotonic() - start) < SECONDS:
            connection.request("POST", "/", body=body, headers=dict(signed.headers))
            answer = connection.getresponse()
            said = answer.read()
            assert answer.status == 200, said
            done += 1
        connection.close()
        return done / elapsed


def _datum(name: str) -> dict[str, object]:
    return {"MetricName": name, "Value": 1.5, "Dimensions": [{"Name": "Host", "Value": "a"}]}


def _disk(directory: Path) -> list[Figure]:
    """A day of minutes of `METRICS` metrics, as a server writes them: a minute of all of them at a time."""
    path = directory / "bench-metrics.sqlite"
    store = MetricStore(path)
    keys = [MetricKey(account="1", region=REGION, namespace="Bench", name=f"m{n}") for n in range(METRICS)]
    minutes = DAY // MINUTE
    start = time.monotonic()
    for minute in range(minutes):
        at = NOON + minute * MINUTE
        values = [points.single(float(minute * 37 * (n + 1) % 100_000)) for n in range(METRICS)]
        store.put(
            Datum(key=key, unit="Count", at=at, step=MINUTE, point=point)
            for key, point in zip(keys, values, strict=True)
        )
    took = time.monotonic() - start
    start = time.monotonic()
    for key in keys:
        assert len(list(store.points(key, start=NOON, end=NOON + DAY))) == minutes
    read = time.monotonic() - start
    start = time.monotonic()
    rolled = 0
    while (done := store.roll(NOON + 20 * DAY)) > 0:
        rolled += done
    rolling = time.monotonic() - start
    assert rolled == METRICS * 24
    store.close()
    fresh = directory / "bench-fresh.sqlite"
    size = _size(fresh, keys, minutes)
    count = METRICS * minutes
    return [
        below("a data point of one value on disk", value=size / count, unit="bytes", goal=12.0),
        Figure(figure="data points into the store, by minute", value=round(count / took), unit="1/s"),
        Figure(figure="data points out of the store", value=round(count / read), unit="1/s"),
        Figure(figure="data points added up for the next resolution", value=round(count / rolling), unit="1/s"),
    ]


def _size(path: Path, keys: list[MetricKey], minutes: int) -> int:
    """Bytes of the file with the same data points, written an hour at a time so that it is quickly made."""
    store = MetricStore(path)
    for first in range(0, minutes, 60):
        store.put(
            Datum(
                key=key,
                unit="Count",
                at=NOON + minute * MINUTE,
                step=MINUTE,
                point=points.single(float(minute * 37 * (n + 1) % 100_000)),
            )
            for minute in range(first, first + 60)
            for n, key in enumerate(keys)
        )
    store.close()
    return path.stat().st_size
