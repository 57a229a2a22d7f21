"""The records room."""

from __future__ import annotations

from django.apps import AppConfig


class RecordsConfig(AppConfig):
    """Overviews, checks and incident reports."""

    name = "penstock.records"
    label = "records"
