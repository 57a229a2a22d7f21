from __future__ import annotations

from penstock import engine, ledger, records, review
from tests.pipelines.content.room import TABLES


def test_the_pipeline_its_tables_gate_and_words_are_known() -> None:
    assert "content" in engine.PIPELINES
    assert set(TABLES) <= set(ledger.TABLES) & set(records.TITLES)
    assert review.GATES["article"].stage == "manual_review"
    assert "content" in records.RESULTS
