"""A small pipeline for any ledger: widgets are cut, counted together, split into parts, joined, and wait at a gate."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection

from penstock.engine.clock import SystemClock
from penstock.engine.errors import Blocking, Died, ItemError, Transient, Unavailable
from penstock.engine.lanes import Lanes
from penstock.engine.loop import Driver
from penstock.engine.outcome import Done, Fallback, Merge, Outcome, Quarantine, Row
from penstock.engine.pipeline import Limits, Pipeline, Stage

CHILD = "tests.conformance.plant:in_child"


def in_child(stage: str, item: dict[str, Any], progress: Callable[[str], None]) -> Outcome:
    """What a child does with a widget: as its `plan` says."""
    if item.get("plan") == "crash":
        import os
        import signal

        os.kill(os.getpid(), signal.SIGSEGV)
    return cut(item)


def cut(item: dict[str, Any]) -> Outcome:
    """Obey the widget's plan."""
    plan = item.get("plan", "")
    errors: dict[str, Callable[[], Exception]] = {
        "item": lambda: ItemError("bent", code="bent"),
        "transient": lambda: Transient("slipped", after=0.0),
        "bug": lambda: ValueError("a surprise"),
        "down": lambda: Unavailable("the saw is down"),
        "block": lambda: Blocking("no blades", code="no_blades"),
        "died": lambda: Died("the saw broke"),
    }
    if plan in errors:
        raise errors[plan]()
    if plan == "once" and item["attempt"] == 1:
        raise Transient("slipped once", after=0.0)
    if plan == "fallback" and item["way"] == 0:
        return Fallback("too hard for the first saw")
    if plan == "quarantine":
        return Quarantine("explosive")
    if plan.startswith("same:"):
        return Merge(int(plan.removeprefix("same:")), "seen before")
    return Done({"note": f"cut way {item['way']}"})


def together(items: list[dict[str, Any]]) -> list[Outcome]:
    """Number the whole set, in order; each widget makes two parts and waits for them."""
    parts = [tuple(Row("part", str(n), {"note": "new", "waits_for_me": True}) for n in range(2)) for _ in items]
    return [Done({"number": n}, makes=made) for n, made in enumerate(parts, 1)]


def polish(item: dict[str, Any]) -> Outcome:
    """Parts come out shiny."""
    return Done({"note": "shiny"})


def join(item: dict[str, Any]) -> Outcome:
    """After its parts, the widget is whole."""
    return Done({"note": "whole"})


def pipeline(**overrides: Any) -> Pipeline:
    """cut (1) → number (2, the whole set) → polish parts (3) → join (4) → gate (5)."""
    first = {"runner": "inline", "work": cut, "size": 3, "tries": (2, 1), "lane": "cpu", "backoff": 0.0}
    stages = (
        Stage(1, "cut", "Cut", "widget", **{**first, **overrides}),
        Stage(2, "number", "Number", "widget", "inline", work=together, per="set", barrier=True, makes=("part",)),
        Stage(3, "polish", "Polish", "part", "inline", work=polish, size=4),
        Stage(4, "join", "Join", "widget", "inline", work=join, size=2),
        Stage(5, "look", "Look", "widget", "inline", work=lambda item: Done(), gate=True),
    )
    return Pipeline("plant", stages)


def drive(ledger: Any, run: str, lanes: dict[str, int] | None = None, clock: Any = None) -> None:
    """Drive one run to rest; one thread of its own touches the ledger."""

    async def go() -> None:
        loop, used = asyncio.get_running_loop(), clock or SystemClock()
        with ThreadPoolExecutor(1) as database:

            async def call(function: Callable[..., Any], *args: Any) -> Any:
                return await loop.run_in_executor(database, function, *args)

            driver = Driver(ledger, Lanes(lanes or {"cpu": 2}, used), used, call=call)
            await asyncio.wait_for(driver.drive(only=run), 20)
            await call(lambda: connection.close())

    asyncio.run(go())


def child_limits(**limits: float) -> dict[str, Any]:
    """Overrides that make the first stage a child with these limits."""
    return {"runner": "child", "work": CHILD, "size": 2, "limits": Limits(**limits)}
