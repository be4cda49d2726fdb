"""What certify leans on, and what the load balancer sees, when a packet loop of the SDK dies."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from opengwlb.certify.appliance import Processes
from opengwlb.certify.judgement import NotApplicable
from opengwlb.fabric.namespaces import NETNS, run_in

from .conftest import ADDRESS, ROOT, Wire

APPLIANCE = "from opengwlb_appliance import Verdict, serve; serve(lambda packet: Verdict.RETURN_FLOW, health_port=80)"


def test_packets_to_a_dead_loop_are_refused_and_not_kept_by_its_siblings(wire: Wire) -> None:
    argv = ["nsenter", f"--net={NETNS / wire.app}", "--", sys.executable, "-c", APPLIANCE]
    with subprocess.Popen(argv, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        try:
            lab = wire.lab()
            lab.close()
            processes = Processes(NETNS / wire.app)
            (loop,) = processes.loops(health_port=80).items()
            assert loop[1] == "gwlb-loop"
            os.kill(loop[0], signal.SIGKILL)
            deadline = time.monotonic() + 5
            while loop[0] in processes.all():
                assert time.monotonic() < deadline
                time.sleep(0.01)
            with pytest.raises(NotApplicable):
                processes.loops(health_port=80)
            with run_in(NETNS / wire.node, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sender:
                sender.settimeout(3)
                sender.connect((ADDRESS, 6081))
                sender.send(b"x")
                with pytest.raises(ConnectionRefusedError):
                    sender.recv(1)
        finally:
            wire.end_all()
            process.wait()
