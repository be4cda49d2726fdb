"""Who is next: decided without a server, in one event loop."""

from __future__ import annotations

import asyncio

import pytest

from opengwlb.wire.turns import TooMany, Turns


async def one(turns: Turns, account: str, done: list[str], gate: asyncio.Event) -> None:
    async with turns.turn(account):
        await gate.wait()
        done.append(account)


def test_an_account_with_one_request_waits_for_one_of_another_accounts_not_for_all():
    async def story() -> list[str]:
        turns, done, gate = Turns(at_once=1), list[str](), asyncio.Event()
        flood = [asyncio.create_task(one(turns, "flood", done, gate)) for _ in range(10)]
        await asyncio.sleep(0)
        honest = asyncio.create_task(one(turns, "honest", done, gate))
        await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(*flood, honest)
        return done

    done = asyncio.run(story())
    assert done.index("honest") <= 2
    assert len(done) == 11


def test_no_more_are_worked_on_than_at_once():
    async def story() -> int:
        turns, working, most = Turns(at_once=3), 0, 0

        async def work() -> None:
            nonlocal working, most
            async with turns.turn("one"):
                working += 1
                most = max(most, working)
                await asyncio.sleep(0)
                working -= 1

        await asyncio.gather(*(work() for _ in range(50)))
        return most

    assert asyncio.run(story()) == 3


def test_a_client_that_leaves_while_waiting_leaves_no_hole():
    async def story() -> list[str]:
        turns, done, gate = Turns(at_once=1), list[str](), asyncio.Event()
        first = asyncio.create_task(one(turns, "a", done, gate))
        await asyncio.sleep(0)
        gone = asyncio.create_task(one(turns, "b", done, gate))
        last = asyncio.create_task(one(turns, "c", done, gate))
        await asyncio.sleep(0)
        gone.cancel()
        gate.set()
        await asyncio.wait_for(asyncio.gather(first, last), 5)
        async with turns.turn("d"):
            done.append("d")
        return done

    assert asyncio.run(story()) == ["a", "c", "d"]


def test_a_client_that_leaves_just_when_its_turn_comes_passes_it_on():
    async def story() -> None:
        turns = Turns(at_once=1)
        async with turns.turn("a"):
            waiting = asyncio.create_task(turns._wait("b"))
            await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        async with asyncio.timeout(5), turns.turn("c"):
            pass

    asyncio.run(story())


def test_an_account_that_has_too_many_waiting_is_refused_and_another_is_not():
    async def story() -> None:
        turns, gate = Turns(at_once=1, waiting=2), asyncio.Event()
        flood = [asyncio.create_task(one(turns, "flood", [], gate)) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(TooMany):
            await one(turns, "flood", [], gate)
        honest = asyncio.create_task(one(turns, "honest", [], gate))
        await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(*flood, honest)

    asyncio.run(story())
