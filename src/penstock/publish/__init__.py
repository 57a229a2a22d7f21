"""Deliveries of approved items to targets: an outbox, the same small file per target, undo."""

from __future__ import annotations

from typing import Any

TARGETS: dict[str, str] = {}
"""Kind of a target → the "module:class" of its outlet (see publish.outlets), which a child loads too."""

FORMS: dict[str, Any] = {}
"""Pipeline → Form: which table is published, and what a target gets of a row (see publish.form)."""
