from __future__ import annotations

import pytest

from penstock.engine.errors import UsageError
from penstock.review import editing

CLEANERS = {"title": editing.sentence("title", 10, "article"), "hold": editing.hold}


def test_each_field_is_checked_by_its_own_cleaner() -> None:
    assert editing.cleaned(CLEANERS, 1, {}, {"title": " A  heron ", "hold": 1}) == {"title": "A heron", "hold": True}


def test_a_field_that_cannot_be_edited_is_named_with_those_that_can() -> None:
    with pytest.raises(UsageError, match=r"^state: this cannot be edited; fields: title$"):
        editing.cleaned(CLEANERS, 1, {}, {"state": "approved"})


@pytest.mark.parametrize(
    ("text", "why"), [(" ", "reject the article instead"), ("x" * 11, "at most 10"), ("a\x07", "printable")]
)
def test_a_line_is_neither_empty_nor_long_nor_of_control_characters(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        editing.cleaned(CLEANERS, 1, {}, {"title": text})


def test_a_line_that_may_be_empty_is_taken_so() -> None:
    assert editing.sentence("excerpt", 5, "article", empty=True)(1, {}, "") == {"excerpt": ""}
