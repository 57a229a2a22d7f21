from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from penstock.console.worddiff import pieces

TEXTS = st.lists(st.sampled_from("a an old stone fountain, quiet — 水".split())).map(" ".join)


@given(TEXTS, TEXTS)
def test_both_texts_can_be_read_back_from_the_pieces(before: str, after: str) -> None:
    found = pieces(before, after)
    assert "".join(p.text for p in found if p.kind != "new") == before
    assert "".join(p.text for p in found if p.kind != "gone") == after


def test_only_the_word_that_changed_is_marked() -> None:
    found = pieces("A stunning old fountain.", "An old fountain.")
    assert [(p.kind, p.text) for p in found] == [
        ("gone", "A stunning "), ("new", "An "), ("same", "old fountain."),
    ]  # fmt: skip


def test_a_very_long_text_is_shown_as_replaced() -> None:
    assert [p.kind for p in pieces("word " * 500, "other")] == ["gone", "new"]
