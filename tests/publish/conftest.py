from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.publish.desk import Desk


@pytest.fixture
def desk(ledger_home: Path) -> Desk:
    """A photo site with a folder and a table to publish to."""
    from tests.publish.desk import Desk

    made = Desk()
    made.database.unlink(missing_ok=True)
    made.add_targets()
    return made
