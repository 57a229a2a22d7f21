"""Deliveries of approved items to targets: an outbox, the same small file per target, undo."""

from __future__ import annotations

from typing import Any

TARGETS: dict[str, Any] = {}
"""Kind of a target → its module-level maker (see publish.targets)."""
