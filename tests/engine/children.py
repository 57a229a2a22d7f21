"""Helpers for the tests of supervised children."""

from __future__ import annotations

import asyncio
import os
import sys
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import psutil
import pytest

from penstock.engine.child import Child
from penstock.engine.clock import SystemClock
from penstock.engine.pipeline import Limits

linux = pytest.mark.skipif(sys.platform != "linux", reason="asks the Linux kernel")
WORK = "tests.engine.child_work:work"
ROOMY = Limits(idle=30, hard=30, start=30)


@asynccontextmanager
async def a_child(limits: Limits = ROOMY, work: str = WORK, **how: Any) -> AsyncIterator[Child]:
    child = Child(work, limits, SystemClock(), **how)
    try:
        yield child
    finally:
        await child.kill()


def run(scenario: Callable[[Child], Awaitable[None]], limits: Limits = ROOMY, **how: Any) -> None:
    async def main() -> None:
        async with a_child(limits, **how) as child:
            await scenario(child)

    asyncio.run(asyncio.wait_for(main(), 25))


async def eventually(true: Callable[[], object], seconds: float = 10.0) -> None:
    until = perf_counter() + seconds
    while not true():
        assert perf_counter() < until, "it never came true"
        await asyncio.sleep(0.01)


def ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def slow_module(folder: Path, body: str) -> dict[str, Any]:
    (folder / "slow_boot.py").write_text(textwrap.dedent(body))
    here = os.pathsep.join([str(folder), *filter(None, sys.path)])
    return {"work": "slow_boot:work", "env": {"PYTHONPATH": here}}
