"""A darkroom and a plant, each on the durable ledger in an empty home."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock import boot, config

boot.start(config.load())  # the tests name models as they are read


@pytest.fixture
def darkroom(ledger_home: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Photos on real files, through a short pipeline without pixels."""
    from penstock.engine import PIPELINES
    from tests.ledger.darkroom import Darkroom, pipeline

    room = Darkroom(ledger_home)
    monkeypatch.setitem(PIPELINES, "photos", lambda run: pipeline(run, **room.overrides))
    return room


@pytest.fixture
def store(ledger_home: Path) -> Iterator[Any]:
    """Widgets and parts on the durable ledger."""
    from penstock import engine, ledger
    from tests.conformance.stores import OnDisk

    one = OnDisk()
    yield one
    for model in (ledger.TABLES.pop("widget"), ledger.TABLES.pop("part")):
        model.objects.all().delete()
    engine.PIPELINES.pop("plant", None)


@pytest.fixture
def django_statements() -> Any:
    """`with django_statements() as seen:` collects the statements that are executed."""
    from contextlib import contextmanager

    from django.db import connection

    @contextmanager
    def listen() -> Iterator[list[str]]:
        seen: list[str] = []

        def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            seen.append(sql)
            return execute(sql, params, many, context)

        with connection.execute_wrapper(note):
            yield seen

    return listen
