"""An appliance that takes its policy from a manager (`manager.py`), while packets pass.

    from opengwlb_appliance import Managed, serve_managed

    serve_managed(Managed(build, url="http://10.9.1.10:8080", key=b"secret", via="eth1"), health_port=80)

`build(policy)` makes the callback of the packet loops from the policy's text, and raises ValueError for one that it does
not understand: then the last good one goes on, and the manager is told. The last good policy is kept on disk, so the
appliance also comes back without its manager. Until there has been any, every packet is dropped and the health page says
503.
"""

from __future__ import annotations

import fcntl
import http.client
import json
import mmap
import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from . import signing
from .health import name_process
from .loop import Inspect

RETRY_S = 0.3
"""After a manager that does not answer."""
_ANSWER_S = 30.0
"""Longer than a manager holds a question open."""
_SIOCGIFADDR = 0x8915
_COUNT = struct.Struct("=Q")


class Managed:
    """One appliance's following. Made before the packet loops are forked, and shared with them."""

    def __init__(
        self,
        build: Callable[[str], Inspect],
        *,
        url: str,
        key: bytes,
        via: str = "",
        name: str = "",
        keep: Path = Path("/var/lib/appliance/policy.json"),
    ) -> None:
        """`via` is the interface that the manager is reached by (the management ENI); empty: as the routes say. `name` is what the manager
        shows; the host's when empty."""
        self._build = build
        self.url = url
        self._key = key
        self._via = via
        self._name = name or socket.gethostname()
        self._keep = keep
        self._page = mmap.mmap(-1, mmap.PAGESIZE)

    @property
    def generation(self) -> int:
        """How many policies there were; 0: none yet. Read by other processes."""
        return int(_COUNT.unpack_from(self._page)[0])

    def inspect(self) -> Inspect:
        """The callback for the newest policy. Raises ValueError, OSError."""
        return self._build(self._kept()[1])

    def trouble(self) -> str:
        """For the health page."""
        return "" if self.generation else f"waiting for a policy from the manager at {self.url}"

    def in_background(self, *, unneeded: Iterable[socket.socket] = ()) -> int:
        """Fork the follower; its pid. It ends with its parent. `unneeded` are the loops' sockets, which it must not hold open."""
        parent = os.getpid()
        child = os.fork()
        if child:
            return child
        try:
            name_process("gwlb-policy")
            for each in unneeded:
                each.close()
            threading.Thread(target=_end_with_parent, args=(parent,), daemon=True).start()
            self.follow(keep_running=lambda: True)
        except KeyboardInterrupt:
            pass
        finally:
            os._exit(1)

    def follow(self, *, keep_running: Callable[[], bool]) -> None:
        """Take up what was kept, then ask for newer ones until `keep_running` says no."""
        version, error = 0, ""
        if self._keep.exists():
            try:
                version = self._take_up_kept()
            except (ValueError, OSError) as problem:
                print(f"the policy in {self._keep} cannot be used: {problem}", file=sys.stderr, flush=True)
        while keep_running():
            query = {"after": version, "name": self._name} | ({"error": error[:500]} if error else {})
            try:
                status, answer = call(
                    self.url, f"/v1/policy?{urlencode(query)}", key=self._key, source=address_of(self._via)
                )
                offered = _offer(answer) if status == 200 else None
            except (OSError, http.client.HTTPException, ValueError):
                # Dead, unreachable, or not the one that has our key: packets go on by the policy that there is.
                time.sleep(RETRY_S)
                continue
            if offered is not None:
                version, policy = offered
                error = self._take_up(answer, version, policy)

    def _take_up_kept(self) -> int:
        version, policy = self._kept()
        self._build(policy)
        self._announce()
        return version

    def _take_up(self, answer: bytes, version: int, policy: str) -> str:
        """What is wrong with it, or nothing."""
        try:
            self._build(policy)
            self._keep.parent.mkdir(parents=True, exist_ok=True)
            write_durably(self._keep, answer.decode())
        except (ValueError, OSError) as problem:
            print(f"policy {version} cannot be used: {problem}", file=sys.stderr, flush=True)
            return str(problem)
        self._announce()
        print(f"policy {version} is in force", flush=True)
        return ""

    def _kept(self) -> tuple[int, str]:
        return _offer(self._keep.read_bytes())

    def _announce(self) -> None:
        # After the file: who sees the new number finds the new policy.
        _COUNT.pack_into(self._page, 0, self.generation + 1)


def _offer(answer: bytes) -> tuple[int, str]:
    """Version and policy, as a manager sends them and an appliance keeps them. Raises ValueError."""
    said = json.loads(answer)
    if not isinstance(said, dict) or type(said.get("version")) is not int or type(said.get("policy")) is not str:
        raise ValueError("no version and policy in it")
    return said["version"], said["policy"]


def call(
    url: str, target: str, *, key: bytes, method: str = "GET", body: bytes = b"", source: str = ""
) -> tuple[int, bytes]:
    """Status and body of a signed call. Raises OSError, HTTPException, ValueError for an answer that the key did not sign."""
    there = urlsplit(url)
    stamp = f"{time.time():.3f}"
    signature = signing.of_request(key, method=method, target=target, time=stamp, body=body)
    connection = http.client.HTTPConnection(
        there.hostname or "", there.port or 80, timeout=_ANSWER_S, source_address=(source, 0) if source else None
    )
    try:
        headers = {signing.TIME_HEADER: stamp, signing.SIGNATURE_HEADER: signature}
        connection.request(method, target, body=body or None, headers=headers)
        answer = connection.getresponse()
        said = answer.read()
    finally:
        connection.close()
    if answer.status == 403:
        raise ValueError("it refuses the key")
    right = signing.of_answer(key, request=signature, status=answer.status, body=said)
    if not signing.equal(answer.headers.get(signing.SIGNATURE_HEADER, ""), right):
        raise ValueError("its answer is not signed with the key")
    if answer.status >= 400:
        raise ValueError(f"it answered {answer.status}")
    return answer.status, said


def address_of(interface: str) -> str:
    """The interface's IPv4 address; empty for no interface. Raises OSError when it has none."""
    if not interface:
        return ""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        answer = fcntl.ioctl(asking.fileno(), _SIOCGIFADDR, struct.pack("16s24x", interface.encode()))
    return socket.inet_ntoa(answer[20:24])


def write_durably(path: Path, text: str) -> None:
    """Whole or not at all, also when the power fails."""
    new = path.with_name(path.name + ".new")
    with open(new, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _end_with_parent(parent: int) -> None:
    pause = threading.Event()
    while os.getppid() == parent:
        pause.wait(0.25)
    os._exit(0)
