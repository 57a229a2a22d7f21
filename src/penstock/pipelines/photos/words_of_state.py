"""The seeds' status words for (stage, state)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.engine.states import ItemState

STATUS = {
    ItemState.READY: "Queued",
    ItemState.LEASED: "Queued",
    ItemState.WAITING: "Pending",
    ItemState.APPROVED: "Approved",
    ItemState.REJECTED: "Rejected",
    ItemState.DONE: "Published",
    ItemState.FAILED: "Error",
    ItemState.QUARANTINED: "Error",
}


def status(table: str, stage: str, state: str) -> Mapping[str, Any]:
    """The seeds' word for (stage, state), written by the store in the same UPDATE."""
    return {"Review_Status": STATUS[ItemState(state)]} if table == "photo" else {}
