"""What the mill does: seven stages of nothing, or one child stage whose items misbehave as their plan says."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from penstock.engine.outcome import Done, Outcome
from penstock.engine.pipeline import Limits, Pipeline, Stage

STAGES = 7


def build(run: Any) -> Pipeline:
    """The pipeline of a run; its plan may ask for children: {"child": {seconds of limits}}."""
    limits = run.plan.get("child")
    if limits is None:
        named = enumerate((f"s{n}" for n in range(1, STAGES + 1)), 1)
        return Pipeline("mill", tuple(Stage(n, s, s, "grain", "inline", work=nothing, size=100) for n, s in named))
    child: dict[str, Any] = {"runner": "child", "work": "bench.mill.work:work", "limits": Limits(**limits)}
    return Pipeline("mill", (Stage(1, "grind", "Grind", "grain", size=32, backoff=0.01, **child),))


def nothing(item: dict[str, Any]) -> Outcome:
    """Pass."""
    return Done()


def tell_first(pipe: int) -> Callable[[Any, str, list[int]], None]:
    """A hook that writes one byte to `pipe` after the first commit of a settle."""
    told: list[bool] = []

    def settled(run: Any, stage: str, items: list[int]) -> None:
        if not told:
            from django.db import transaction

            told.append(True)
            transaction.on_commit(lambda: os.write(pipe, b"."))

    return settled
