"""The seeds' words."""

from __future__ import annotations

import pytest

from penstock.engine.states import ItemState
from penstock.pipelines.photos.words_of_state import status


@pytest.mark.parametrize("state", list(ItemState))
def test_every_state_of_a_photo_has_its_word(state: ItemState) -> None:
    word = status("photo", "review", state.value)["Review_Status"]
    assert word in {"Queued", "Pending", "Approved", "Rejected", "Published", "Error"}


def test_only_done_photos_are_published_and_only_waiting_ones_pending() -> None:
    words = {state: status("photo", "x", state.value)["Review_Status"] for state in ItemState}
    assert [state for state, word in words.items() if word == "Published"] == [ItemState.DONE]
    assert [state for state, word in words.items() if word == "Pending"] == [ItemState.WAITING]
    assert {state for state, word in words.items() if word == "Error"} == {ItemState.FAILED, ItemState.QUARANTINED}


def test_files_have_no_words() -> None:
    assert status("file", "validate", "done") == {}
