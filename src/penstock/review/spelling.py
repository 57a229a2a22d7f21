"""Spelling of the texts that a person reviews, with a dictionary that the people of a site share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

from penstock.accounts.models import Site
from penstock.engine.errors import UsageError
from penstock.ledger.tx import commits, write
from penstock.review.models import KnownWord

if TYPE_CHECKING:
    from spellchecker import SpellChecker

commits("spelling.add", "spelling.forget")

LANGUAGES = ("en", "de", "nl", "fr", "es", "it", "pt")
SUGGESTIONS = 5
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_LOADING = Lock()


def words(text: str) -> list[str]:
    """The words of a text, each once, in order; numbers and single letters are none."""
    return [word for word in dict.fromkeys(_WORD.findall(text)) if len(word) > 1]


def unknown(site: Site, texts: Mapping[str, str], also: Iterable[str] = ()) -> dict[str, list[str]]:
    """Key of a text → its words that neither the dictionary nor the site knows. `also`: phrases whose words are known
    (places, folders, gear)."""
    known = {_key(word) for phrase in also for word in words(phrase)}
    known |= set(KnownWord.objects.filter(site=site).values_list("key", flat=True))
    found = {key: words(text) for key, text in texts.items()}
    asked = {_key(word) for some in found.values() for word in some} - known
    doubtful = {word for word in asked if not _is_word(site, word)}
    return {key: [word for word in some if _key(word) in doubtful] for key, some in found.items()}


def suggestions(site: Site, word: str) -> list[str]:
    """What may be meant, likeliest first; in the case of the word."""
    checker, key = _dictionary(language(site)), _key(word)
    found = checker.known(checker.edit_distance_1(key)) or (checker.candidates(key) or set()) - {key}
    own = KnownWord.objects.filter(site=site, key__startswith=key[:1]).values_list("word", "key")
    mine = [one for one, of in own if of in set(checker.edit_distance_1(key))]
    best = sorted(found, key=lambda one: (-checker.word_usage_frequency(one), one))
    return [*mine, *(_cased(one, word) for one in best)][:SUGGESTIONS]


def add(site: Site, word: str, who: str, at: datetime) -> None:
    """The site knows this word from now on. Raises UsageError for what is no word."""
    if words(word) != [word]:
        raise UsageError(f"word: {word[:60]!r} is not one word of letters")
    with write("spelling.add"):
        KnownWord.objects.get_or_create(site=site, key=_key(word), defaults={"word": word, "who": who, "at": at})


def forget(site: Site, word: str) -> None:
    """The site does not know this word any more."""
    with write("spelling.forget"):
        KnownWord.objects.filter(site=site, key=_key(word)).delete()


def own_words(site: Site) -> list[str]:
    """The words that people of the site added."""
    return list(KnownWord.objects.filter(site=site).order_by("key").values_list("word", flat=True))


def language(site: Site) -> str:
    """The language of the site's texts."""
    chosen = str(site.settings.get("spelling_language", LANGUAGES[0]))
    return chosen if chosen in LANGUAGES else LANGUAGES[0]


def _is_word(site: Site, key: str) -> bool:
    """Known as it stands, or without a possessive ending."""
    checker = _dictionary(language(site))
    return key in checker or (key.endswith("'s") and key[:-2] in checker)


def _dictionary(name: str) -> SpellChecker:
    """Loaded once per process, by whoever asks first."""
    with _LOADING:
        return _loaded(name)


@cache
def _loaded(name: str) -> SpellChecker:
    from spellchecker import SpellChecker

    return SpellChecker(language=name, distance=2)


def _key(word: str) -> str:
    return word.replace("’", "'").casefold()


def _cased(found: str, like: str) -> str:
    return found.upper() if like.isupper() and len(like) > 1 else found.capitalize() if like[:1].isupper() else found
