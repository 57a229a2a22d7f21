"""What a run leaves behind, and what can be asked of it. Upper rooms add their own points to these lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

CHECKS: list[Callable[[Any], Iterable[Any]]] = []
"""Called with a Site before a run; yields `records.check.Check`. Pipelines and targets add theirs."""

VERIFY: list[Callable[[Any], Iterable[Any]]] = []
"""Called with a Run after it ended; yields `records.check.Check`."""

SECTIONS: dict[str, Callable[[Any], Any]] = {}
"""Title → what a pipeline adds to the records of a Run, as plain data; incident reports hold them all."""

TITLES: dict[str, tuple[str, Callable[[Any], str]]] = {}
"""Table → (column, how its value reads): what an item at work is called; its number where there is none."""

RESULTS: dict[str, Callable[[Any], dict[str, Any]]] = {}
"""Pipeline → what a stage's result holds in addition, from a StageRun: the seeds' own words for its counters."""

FILES: list[str] = [
    "logs/latest_run.log",
    "logs/db_uploader.log",
    "data/prefill_qc_last.json",
    "data/run_log.txt",
]
"""Files of a site, relative to its root, that an incident report takes along when they exist."""
