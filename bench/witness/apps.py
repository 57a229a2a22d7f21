"""The witness's room: wraps the work of the photo pipeline; lets several drivers serve one home when it is told to."""

from __future__ import annotations

import os
from typing import Any

from django.apps import AppConfig


class WitnessConfig(AppConfig):
    """Looks on."""

    name = "bench.witness"
    label = "witness"

    def ready(self) -> None:
        """After the photo room has registered its pipeline."""
        from bench.witness import works
        from penstock import engine

        build = engine.PIPELINES["photos"]
        engine.PIPELINES["photos"] = lambda run: works.watched(build(run))
        if "WITNESS_DRIVER" in os.environ:
            _one_of_several(os.environ["WITNESS_DRIVER"])


def _one_of_several(name: str) -> None:
    """As drivers of several machines over one database: each has its own lock. They look for lost holders often."""
    from filelock import FileLock

    from penstock.ledger import drive

    def lock(config: Any) -> FileLock:
        own = FileLock(str(config.home / f"driver-{name}.lock"))
        own.acquire()
        return own

    drive.live_driver = lock
    drive.SWEEP = 0.2
