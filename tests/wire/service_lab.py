"""The whole control plane behind the real gateway on a real socket: store, actions, permissions; boto3 in front."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
import uvicorn
from botocore.config import Config
from botocore.exceptions import ClientError
from starlette.applications import Starlette
from starlette.routing import Route

from opengwlb.api import accounts, dispatch
from opengwlb.store.metrics import MetricStore
from opengwlb.store.sqlite import SqliteStore
from opengwlb.wire.gateway import CBOR_PATH, Gateway

REGION = "ap-northeast-2"


class ServiceLab:
    def __init__(self, directory: Path) -> None:
        self.late_s = 0.0
        self.store = SqliteStore(directory / "store.sqlite", clock=time.time)
        self.metrics = MetricStore(directory / "metrics.sqlite")
        self.account, self.key = accounts.create_account(self.store, name="lab")
        self.gateway = Gateway(
            handle=dispatch.make_handler(self.store, self.clock, metrics=self.metrics),
            credentials=lambda key: accounts.find_credential(self.store, key),
            sessions=lambda token: accounts.find_session(self.store, token),
            auth="sigv4",
            clock=time.time,
            default_account="999999999999",
            default_region=REGION,
            implemented=dispatch.implemented,
        )
        app = Starlette(
            routes=[
                Route("/", self.gateway.endpoint, methods=["GET", "POST"]),
                Route(CBOR_PATH, self.gateway.endpoint, methods=["POST"]),
            ]
        )
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]})
        self._thread.start()

    def clock(self) -> float:
        """Of the actions: `late_s` behind, so that what they give out is that much older than it seems."""
        return time.time() - self.late_s

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()
        self.store.close()
        self.metrics.close()

    def client(self, name: str, credentials: dict[str, Any] | None = None, *, region: str = REGION) -> Any:
        """Of the account's root, or of temporary `Credentials` as STS answers them."""
        given = credentials or {"AccessKeyId": self.key.id, "SecretAccessKey": self.key.secret}
        return boto3.client(
            name,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given.get("SessionToken"),
            config=Config(retries={"max_attempts": 0}),
        )


def error_of(call: Callable[[], Any]) -> tuple[str, str, int]:
    """(code, message, HTTP status)"""
    with pytest.raises(ClientError) as caught:
        call()
    response = caught.value.response
    return response["Error"]["Code"], response["Error"]["Message"], response["ResponseMetadata"]["HTTPStatusCode"]
