from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

AT = datetime(2026, 11, 25, tzinfo=UTC)


def test_words_are_letters_and_each_is_named_once() -> None:
    from penstock.review.spelling import words

    assert words("A heron’s 2 eggs, two eggs & café-crème: naïve façade_7") == [
        "heron’s", "eggs", "two", "café", "crème", "naïve", "façade",
    ]  # fmt: skip
    assert words("") == []


def test_a_possessive_is_known_by_its_word_and_capitals_do_not_matter(ledger_home: Path) -> None:
    from penstock.review import spelling
    from tests.console.rows import site

    found = spelling.unknown(site(), {"a": "The HERON’s Nest near the brigde", "b": "brigde"})
    assert found == {"a": ["brigde"], "b": ["brigde"]}


def test_the_dictionary_is_the_sites_own_and_shared_by_its_people(ledger_home: Path) -> None:
    from penstock.review import spelling
    from tests.console.rows import site

    rome, delft = site(), site("delft")
    spelling.add(rome, "Brillux", "ann", AT)
    spelling.add(rome, "brillux", "bob", AT)
    assert spelling.own_words(rome) == ["Brillux"]
    assert spelling.unknown(rome, {"a": "brillux"}) == {"a": []}
    assert spelling.unknown(delft, {"a": "brillux"}) == {"a": ["brillux"]}
    assert spelling.suggestions(rome, "Brilluy")[0] == "Brillux"
    spelling.forget(rome, "BRILLUX")
    assert spelling.own_words(rome) == []


def test_suggestions_have_the_case_of_the_word(ledger_home: Path) -> None:
    from penstock.review import spelling
    from tests.console.rows import site

    owner = site()
    assert "Bridge" in spelling.suggestions(owner, "Brigde")
    assert "bridge" in spelling.suggestions(owner, "brigde")
    assert len(spelling.suggestions(owner, "brigde")) <= spelling.SUGGESTIONS


def test_the_language_is_a_setting_of_the_site(ledger_home: Path) -> None:
    from penstock.review import spelling
    from tests.console.rows import site

    owner = site()
    assert spelling.unknown(owner, {"a": "reiger bij de brug"})["a"]
    owner.settings = {"spelling_language": "nl"}
    assert spelling.unknown(owner, {"a": "reiger bij de brug"}) == {"a": []}


def test_only_one_word_of_letters_can_be_added(ledger_home: Path) -> None:
    from penstock.engine.errors import UsageError
    from penstock.review import spelling
    from tests.console.rows import site

    owner = site()
    for wrong in ("two words", "4", "<b>", ""):
        with pytest.raises(UsageError, match="one word"):
            spelling.add(owner, wrong, "ann", AT)
