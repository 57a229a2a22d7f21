"""The photo pipeline's room: tells the lower rooms what they must know of it."""

from __future__ import annotations

from django.apps import AppConfig


class PhotosConfig(AppConfig):
    """Photos in sets, from a folder to the review gate."""

    name = "penstock.pipelines.photos"
    label = "photos"

    def ready(self) -> None:
        """Register pipeline, tables, effects, gate, records."""
        from penstock.pipelines.photos import register

        register.all()
