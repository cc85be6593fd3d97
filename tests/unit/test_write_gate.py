"""How many writes are let in at once, in which order, and when those that wait are refused."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from backend import wsgi_threads
from backend.wsgi_threads import WriteGate, WSGIThreads

PATIENCE = 10.0


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wsgi_threads, "WAIT", 0.01)


def play(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(story, PATIENCE))


def test_who_came_first_is_let_in_first() -> None:
    async def story() -> None:
        gate, entered = WriteGate(2, lambda: False), []

        async def write(number: int) -> None:
            assert await gate.enter()
            entered.append(number)
            gate.leave()

        assert await gate.enter()
        assert await gate.enter()
        waiting = [asyncio.create_task(write(number)) for number in range(20)]
        await asyncio.sleep(0.05)  # several times as long as a wait that is looked at
        assert entered == []
        gate.leave()
        await asyncio.gather(*waiting)
        assert entered == list(range(20))

    play(story())


def test_those_who_wait_are_refused_while_those_inside_wait_for_locks() -> None:
    """And give no place away that they do not have."""

    async def story() -> None:
        contended = True
        gate = WriteGate(1, lambda: contended)
        assert await gate.enter()
        assert await asyncio.gather(*(gate.enter() for _ in range(5))) == [False] * 5
        contended = False
        gate.leave()
        assert await gate.enter()
        assert gate.places.locked()

    play(story())


def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wsgi_threads, "MAX_WAIT", 0.1)

    async def story() -> None:
        gate = WriteGate(1, lambda: False)
        assert await gate.enter()
        assert not await gate.enter()

    play(story())


def test_writes_get_half_of_the_threads_and_health_its_own() -> None:
    async def story() -> None:
        threads = WSGIThreads(lambda *_: [b""], threads=4, timeout=1.0, max_body=1)
        assert threads.writes.places._value == 2
        assert threads.health_pool is not threads.pool

    play(story())
