"""The review room."""

from __future__ import annotations

from django.apps import AppConfig


class ReviewConfig(AppConfig):
    """The gate and its decisions."""

    name = "penstock.review"
    label = "review"
