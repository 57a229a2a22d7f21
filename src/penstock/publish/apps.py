"""The publish room."""

from __future__ import annotations

from django.apps import AppConfig


class PublishConfig(AppConfig):
    """Targets and deliveries."""

    name = "penstock.publish"
    label = "publish"

    def ready(self) -> None:
        """Register the publish pipeline, its tables and targets."""
        from penstock.publish import register

        register.all()
