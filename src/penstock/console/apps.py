"""The console's room."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """Pages."""

    name = "penstock.console"
    label = "console"
