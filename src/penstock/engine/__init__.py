"""The run loop and its words. Standard library and psutil only: no Django, no pipeline names, no clock of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a child loads this room too, and needs no pipeline
    from penstock.engine.pipeline import Pipeline

PIPELINES: dict[str, Callable[[Any], Pipeline]] = {}
"""Pipeline name → builder(site) → Pipeline. Filled by each pipeline's `AppConfig.ready`."""
