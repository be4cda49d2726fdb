"""What an instance may use of the machine: its type's memory and processor time, and no more."""

from __future__ import annotations

from pathlib import Path

from .conftest import Lab

MIB = 1 << 20
BURN = """
import time
wall, own = time.monotonic(), time.process_time()
while time.monotonic() - wall < 1.0:
    pass
print(time.process_time() - own)
"""
TAKE = """
import sys
taken = []
for _ in range(int(sys.argv[1])):
    taken.append(b"x" * (1 << 20))
print("took it all")
"""


def test_an_instance_gets_the_memory_of_its_type_and_what_takes_more_is_killed(lab: Lab) -> None:
    lab.start(memory_bytes=128 * MIB)
    modest = lab.inside("python3", "-c", TAKE, "60")
    assert modest.stdout == "took it all\n"
    greedy = lab.inside("python3", "-c", TAKE, "300", check=False)
    assert greedy.stdout == ""
    assert greedy.returncode == 137, f"not killed: {greedy.returncode} {greedy.stderr}"
    assert lab.driver.running()[lab.spec.id].alive, "the instance died with its greedy process"


def throttled(lab: Lab) -> int:
    """In how many periods the kernel held the instance's processes back."""
    (stat,) = [
        path
        for root in ("/sys/fs/cgroup/cpu", "/sys/fs/cgroup")
        if (path := Path(f"{root}{group(lab)}/cpu.stat")).exists()
    ][:1]
    counts = dict(line.split() for line in stat.read_text().splitlines())
    return int(counts["nr_throttled"])


def group(lab: Lab) -> str:
    return f"/opengwlb-{lab.name}/{lab.spec.id}"


def test_an_instance_gets_the_processor_time_of_its_type(lab: Lab) -> None:
    lab.start(cpus=0.1)
    used = float(lab.inside("python3", "-c", BURN).stdout)
    # A tenth, and the slices that were being used up on each CPU when the second ended.
    assert used < 0.25, f"{used:.2f} s of processor time in one second"
    assert throttled(lab) > 0, "it was another's load that held it back"


def test_an_instance_of_a_whole_machine_is_not_held_back(lab: Lab) -> None:
    lab.start(cpus=64)
    lab.inside("python3", "-c", BURN)
    assert throttled(lab) == 0


def test_another_type_at_the_next_start_is_another_limit(lab: Lab) -> None:
    lab.start(memory_bytes=64 * MIB)
    assert lab.inside("python3", "-c", TAKE, "150", check=False).returncode == 137
    lab.driver.stop(lab.spec.id)
    lab.start(memory_bytes=512 * MIB, boot=2)
    assert lab.inside("python3", "-c", TAKE, "150").stdout == "took it all\n"
