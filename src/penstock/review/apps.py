"""The review room."""

from django.apps import AppConfig


class ReviewConfig(AppConfig):
    """The gate and its decisions."""

    name = "penstock.review"
    label = "review"
