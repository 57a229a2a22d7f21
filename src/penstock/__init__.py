"""Pipelines with a gate: items run through stages, stop where a person decides, and only that is published."""

from __future__ import annotations

__version__ = "0.1.0"
