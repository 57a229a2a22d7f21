from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from penstock.adapters.remote import session
from tests.adapters.remote.conftest import start

if TYPE_CHECKING:
    from tests.publish.desk import Desk

__all__ = ["start"]


@pytest.fixture
def desk(ledger_home: Path) -> Iterator[Desk]:
    """A photo site without a target."""
    from tests.publish.desk import Desk

    yield Desk()
    session.close_all()
