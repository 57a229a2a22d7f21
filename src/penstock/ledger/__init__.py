"""Durable truth: the only writer of states. Upper rooms register here what the ledger must know of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

TABLES: dict[str, Any] = {}
"""Table key (as in `Stage.takes` and `Row.table`) → model."""

EFFECTS: dict[str, Any] = {}
"""Kind of a side effect → its Doer (see ledger.effects)."""

AFTER_RUN: list[Callable[[Any], None]] = []
"""Called with the Run after it came to rest: records are projections, redone by recovery."""

AFTER_RECOVERY: list[Callable[[], None]] = []
"""Called at the end of each recovery: copies of what is stored that a crash kept from being written."""

ON_SETTLED: list[Callable[[Any, str, list[int]], None]] = []
"""Called inside the settling transaction with (run, stage, item ids that are done)."""

ESTIMATES: dict[str, Callable[[Any], int]] = {}
"""Pipeline → what a run over a Site's backlog would cost, in thousandths of a credit. Asked within the start."""
