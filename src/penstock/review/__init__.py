"""The gate: decisions, Approved (the only key that publishing accepts), duplicates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

GATES: dict[str, Any] = {}
"""Table → Gate; each pipeline registers its own."""

LOCKS: list[Callable[[str, int], str]] = []
"""Asked with (table, item) before every decision and edit: why it cannot be changed now, "" when it can."""
