"""The gate: decisions, Approved (the only key that publishing accepts), duplicates."""

from __future__ import annotations

from typing import Any

GATES: dict[str, Any] = {}
"""Table → Gate; each pipeline registers its own."""
