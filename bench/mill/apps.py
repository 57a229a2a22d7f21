"""The mill's room."""

from __future__ import annotations

import os

from django.apps import AppConfig


class MillConfig(AppConfig):
    """Grains that go through stages that do nothing, or nothing good."""

    name = "bench.mill"
    label = "mill"

    def ready(self) -> None:
        """Register the pipeline and its table; tell the first commit where the caller listens for it."""
        from bench.mill import stages
        from bench.mill.models import Grain
        from penstock import engine, ledger

        engine.PIPELINES["mill"] = stages.build
        ledger.TABLES["grain"] = Grain
        if "MILL_TELL" in os.environ:
            ledger.ON_SETTLED.append(stages.tell_first(int(os.environ["MILL_TELL"])))
