"""The console's room."""

from __future__ import annotations

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """Pages."""

    name = "penstock.console"
    label = "console"
