"""The ledger room."""

from __future__ import annotations

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    """Runs, batches, events, effects, counters."""

    name = "penstock.ledger"
    label = "ledger"
