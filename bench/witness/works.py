"""The work of a stage, with a line in the side log when it begins: stage, item, process, time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from penstock.engine.pipeline import Pipeline, Stage

LOG = os.environ.get("WITNESS_LOG", "")
SLOW = float(os.environ.get("WITNESS_SLOW", "0"))  # seconds that each piece of a child's work takes longer


def watched(pipeline: Pipeline) -> Pipeline:
    """The same pipeline, looked at."""
    return replace(pipeline, stages=tuple(map(_watched, pipeline.stages)))


def _watched(stage: Stage) -> Stage:
    work: Any = stage.work
    if stage.runner == "child":
        return replace(stage, work="bench.witness.works:in_child")
    if stage.runner == "inline":

        def inline(items: Any) -> Any:
            note(stage.name, items)
            return work(items)

        return replace(stage, work=inline)

    async def awaited(items: Any, progress: Any) -> Any:
        note(stage.name, items)
        return await work(items, progress)

    return replace(stage, work=awaited)


def in_child(stage: str, item: dict[str, Any], progress: Callable[[str], None]) -> Any:
    """The photo worker's work."""
    from penstock.pipelines.photos import worker

    note(stage, item)
    time.sleep(SLOW)
    return worker.run(stage, item, progress)


def note(stage: str, items: Any) -> None:
    """One append for each item, which the kernel keeps whole."""
    with open(LOG, "ab", buffering=0) as log:
        for item in items if isinstance(items, list) else [items]:
            log.write(f"{stage} {item['id']} {os.getpid()} {time.time():.6f}\n".encode())
