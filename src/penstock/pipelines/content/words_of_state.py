"""The seed's status words for (table, stage, state)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

OPEN = {  # table → the word of a row that its stage has not done yet
    "keyword": "new",
    "cluster": "new",
    "idea": "new",
    "task": "queued",
    "article": "draft",
    "image": "pending",
}
DONE = {
    "keyword": "mapped",
    "cluster": "mapped",
    "idea": "queued",
    "task": "completed",
    "article": "published",
    "image": "generated",
}
GATED = {"waiting": "review"}  # every other state is its own word: approved, rejected, failed, quarantined


def status(table: str, stage: str, state: str) -> Mapping[str, Any]:
    """The seed's word, written by the store in the same UPDATE; nothing for tables of others."""
    if table not in OPEN:
        return {}
    if state in ("ready", "leased"):
        return {"status": OPEN[table]}
    return {"status": DONE[table] if state == "done" else GATED.get(state, state)}
