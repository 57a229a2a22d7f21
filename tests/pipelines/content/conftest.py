"""A content site in an empty home."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from penstock import boot, config

boot.start(config.load())  # the tests name models as they are read


@pytest.fixture
def room(ledger_home: Path) -> Any:
    """One site, no keywords yet."""
    from tests.pipelines.content.room import Room

    return Room()
