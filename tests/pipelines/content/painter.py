"""A painter that refuses the second picture of every article."""

from __future__ import annotations

from penstock.engine.errors import ItemError
from penstock.engine.outcome import Outcome
from penstock.engine.pipeline import Item, Progress
from penstock.pipelines.content import drawing


def run(stage: str, item: Item, progress: Progress) -> Outcome:
    """Draw it, or refuse."""
    if item["place"] == 1:
        raise ItemError("this may not be painted", code="refused")
    return drawing.run(stage, item, progress)
