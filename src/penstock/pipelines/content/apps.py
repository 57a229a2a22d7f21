"""The content pipeline's room: tells the lower rooms what they must know of it."""

from __future__ import annotations

from django.apps import AppConfig


class ContentConfig(AppConfig):
    """Keywords, clusters, ideas, tasks, articles and images, up to the review gate."""

    name = "penstock.pipelines.content"
    label = "content"

    def ready(self) -> None:
        """Register pipeline, tables, gate, records."""
        from penstock.pipelines.content import register

        register.all()
