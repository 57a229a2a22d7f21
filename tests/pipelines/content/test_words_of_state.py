from __future__ import annotations

import pytest

from penstock.engine.states import ItemState
from penstock.pipelines.content.words_of_state import status


@pytest.mark.parametrize(
    ("table", "state", "word"),
    [
        ("keyword", "ready", "new"), ("keyword", "leased", "new"), ("keyword", "done", "mapped"),
        ("cluster", "ready", "new"), ("cluster", "done", "mapped"), ("idea", "ready", "new"),
        ("idea", "done", "queued"),
        ("task", "ready", "queued"), ("task", "done", "completed"), ("article", "ready", "draft"),
        ("article", "waiting", "review"), ("article", "approved", "approved"), ("article", "done", "published"),
        ("image", "ready", "pending"), ("image", "done", "generated"), ("image", "failed", "failed"),
    ],
)  # fmt: skip
def test_every_row_is_called_as_the_seed_calls_it(table: str, state: str, word: str) -> None:
    assert status(table, "any", ItemState(state)) == {"status": word}


def test_rows_of_other_tables_get_no_word() -> None:
    assert status("delivery", "send", "ready") == {}


def test_every_word_fits_its_column() -> None:
    from penstock.pipelines.content.models import Article

    longest = Article._meta.get_field("status").max_length or 0
    assert all(len(status("article", "x", state)["status"]) <= longest for state in ItemState)
