"""Pipelines with a gate: batches of items run through stages, stop where a person decides, and only that is published."""

__version__ = "0.1.0"
