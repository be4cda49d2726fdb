"""`python -m tests.fuzz`: hunts, replays a find, or soaks. Needs root."""

from __future__ import annotations

import argparse
import hashlib
import json
import secrets
import signal
import sys
import time
from collections import Counter
from pathlib import Path

from .hunt import EPOCH, Judge, epoch, minimise, report
from .world import OBJECTS, World


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Hostile frames for the real programs.")
    parser.add_argument("--seed", type=int, help="another hunt for another number; default: a random one")
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--epoch", type=int, help="only this one: bring a find back")
    parser.add_argument("--objects", type=Path, default=OBJECTS, help="directory of compiled programs")
    parser.add_argument("--state", type=Path, help="a JSON file that says how far the hunt came; goes on from there")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # takes its kernel objects away
    return hunt(chosen.seed, chosen.frames, chosen.epoch, chosen.objects, chosen.state)


def hunt(seed: int | None, frames: int, only: int | None, objects: Path, state: Path | None) -> int:
    said = json.loads(state.read_text()) if state and state.exists() else {}
    programs = _programs(objects)
    going_on = said.get("result") == "running" and said.get("programs") == programs and seed in (None, said.get("seed"))
    if not going_on:
        said = {"seed": secrets.randbits(32) if seed is None else seed, "frames": 0, "epoch": 0, "verdicts": {}}
    seed, number = int(said["seed"]), int(said["epoch"]) if only is None else only
    said |= {"programs": programs, "goal": frames, "result": "running"}
    print(f"seed {seed}, from frame {said['frames']}", flush=True)
    with World.opened(objects=objects) as world:
        judge = Judge(world)
        judge.verdicts = Counter(said["verdicts"])
        began, at_first = time.monotonic(), said["frames"]
        while said["frames"] < frames:
            taken, find, history = epoch(
                judge, seed, number, EPOCH if only is not None else min(EPOCH, frames - said["frames"])
            )
            if find is not None:
                small, steps = minimise(judge, seed, number, find, history)
                text = report(seed, number, small, steps)
                _write(state, said | {"result": text})
                print(f"\n{text}", file=sys.stderr)
                return 1
            number += 1
            said |= {"frames": said["frames"] + taken, "epoch": number, "verdicts": dict(judge.verdicts)}
            _write(state, said)
            _show(said["frames"], frames, (said["frames"] - at_first) / (time.monotonic() - began))
            if only is not None:
                break
    _write(state, said | {"result": "clean"})
    print(f"\n{said['frames']} frames, seed {seed}: clean")
    for name, times in sorted(judge.verdicts.items(), key=lambda one: -one[1]):
        print(f"  {times:>10}  {name}")
    return 0


def _programs(objects: Path) -> str:
    """What was hunted: another build begins anew."""
    digest = hashlib.sha256()
    for path in sorted(objects.glob("*.bpf.o")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _write(state: Path | None, said: dict[str, object]) -> None:
    if state:
        state.parent.mkdir(parents=True, exist_ok=True)
        new = state.with_suffix(".new")
        new.write_text(json.dumps(said, indent=1) + "\n")
        new.replace(state)


def _show(done: int, goal: int, rate: float) -> None:
    """One line, rewritten on a terminal, now and then elsewhere."""
    filled = 40 * done // goal
    line = f"[{'#' * filled}{'.' * (40 - filled)}] {done:,} of {goal:,} frames, {rate:,.0f} a second"
    if sys.stdout.isatty():
        print(f"\r{line}", end="", flush=True)
    elif done * 20 // goal != (done - EPOCH) * 20 // goal:
        print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
