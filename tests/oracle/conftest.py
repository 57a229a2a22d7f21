"""A home in order, and a plant on disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock import boot, config

boot.start(config.load())  # the tests name models as they are read


@pytest.fixture
def scene(ledger_home: Path) -> Any:
    """A photo site with a finished run."""
    from tests.oracle.scene import Scene

    return Scene()


@pytest.fixture
def plant_store(ledger_home: Path) -> Iterator[Any]:
    """The plant on the durable ledger."""
    from penstock import engine, ledger
    from tests.conformance.stores import OnDisk

    store = OnDisk()
    yield store
    for model in (ledger.TABLES.pop("widget"), ledger.TABLES.pop("part")):
        model.objects.all().delete()
    engine.PIPELINES.pop("plant", None)


@pytest.fixture
def scene_sql(ledger_home: Path) -> Any:
    """Write past the ledger."""
    from django.db import connection

    def write(statement: str, *params: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement, list(params))

    return write
