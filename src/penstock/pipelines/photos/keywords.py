"""Keywords: unique, lower case, in any language, evidence first, and filled up from facts, never from invention."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from penstock.pipelines.photos.cues import Cues, taken
from penstock.pipelines.photos.facts import Facts
from penstock.pipelines.photos.lexicon import OUTING_WORDS
from penstock.pipelines.photos.places import place_of
from penstock.pipelines.photos.sentences import FUNCTION_WORDS
from penstock.pipelines.photos.speech import MONTHS, SAYS, folder_phrase
from penstock.pipelines.photos.words import Tokens, contains, singular, spelt_tokens, tokens

FEWEST, MOST, DEFAULT = 10, 15, 12
MAX_WORDS = 4
MAX_CHARACTERS = 40
_SIGNS = re.compile(r"[^\w'’&+-]+|_+")


def finalise(words: Sequence[str], facts: Facts, cues: Cues, n: int = DEFAULT) -> tuple[str, ...]:
    """Up to `n` keywords (10 to 15): the given ones that set or picture support, subject and place, the other
    given ones, then what the facts add.

    Fewer than ten come back only when the facts do not hold more: nothing is invented to fill up.
    """
    wanted = max(FEWEST, min(MOST, n))
    known = (*cues.context, *cues.evidence)
    given = [keyword for keyword in map(tidy, words) if keyword]
    supported = [keyword for keyword in given if _is_supported(keyword, known)]
    others = [keyword for keyword in given if keyword not in supported]
    chosen = _unique([*supported[:wanted], *fact_terms(facts)[:3], *others, *terms(facts, cues)])
    return tuple(chosen[:wanted])


def tidy(word: str) -> str:
    """One keyword in its stored form, or "" when nothing of it can be searched for."""
    text = unicodedata.normalize("NFC", word[: 4 * MAX_CHARACTERS]).replace("_", " ").lower()
    text = unicodedata.normalize("NFC", _SIGNS.sub(" ", text))
    parts = [part.strip("-'’&+") for part in text.split()]
    while parts and (not parts[0] or parts[0] in FUNCTION_WORDS):
        parts.pop(0)
    while parts and (not parts[-1] or parts[-1] in FUNCTION_WORDS):
        parts.pop()
    parts = [part for part in parts if part]
    if len(parts) > MAX_WORDS or len(set(parts)) < len(parts):
        return ""
    keyword = " ".join(parts)
    return keyword if _is_searchable(keyword) else ""


def signature(keywords: Iterable[str]) -> str:
    """The same for keyword lists that hold the same terms, in whatever order."""
    return "|".join(sorted({" ".join(tokens(keyword)) for keyword in keywords} - {""}))


def terms(facts: Facts, cues: Cues) -> list[str]:
    """Every term that the facts support, in the order of filling: facts, cues, measured light and colour."""
    found = [*fact_terms(facts), *_subject_words(facts), *map(" ".join, cues.evidence)]
    found += [*_folder_terms(facts), cues.time_of_day, cues.season, *_dates(facts)]
    return [keyword for keyword in map(tidy, [*found, *_light_terms(facts)]) if keyword]


def fact_terms(facts: Facts) -> list[str]:
    """Subject, place and country."""
    place = place_of(facts.location)
    subject = facts.subject.replace("_", " ").split()
    while len(subject) > MAX_WORDS or (subject and subject[-1].casefold() in FUNCTION_WORDS):
        subject.pop()
    found = [tidy(" ".join(subject)), tidy(place.name), tidy(place.country)]
    return [keyword for keyword in found if keyword]


def _subject_words(facts: Facts) -> list[str]:
    """The subject's words; small ones of any language are told by their small letter."""
    words = [word for word in spelt_tokens(facts.subject) if len(word) > 2 and word.casefold() not in FUNCTION_WORDS]
    return [word for word in words if word[0].isupper()] or words


def _folder_terms(facts: Facts) -> list[str]:
    words = [word for word in folder_phrase(facts).split() if word not in OUTING_WORDS]
    return [" ".join(words), *words] if len(words) <= 3 else words


def _dates(facts: Facts) -> list[str]:
    moment = taken(facts)
    return [MONTHS[moment.month - 1], f"{MONTHS[moment.month - 1]} {moment.year}"] if moment else []


def _light_terms(facts: Facts) -> list[str]:
    light = facts.light
    colours = list(light.get("colours", ()))
    measured = [
        SAYS.get((name, str(light.get(name, ""))), "") for name in ("tone", "warmth", "contrast", "shape", "sharp")
    ]
    return [*colours, *measured, *(f"{colour} tones" for colour in colours)]


def _is_searchable(keyword: str) -> bool:
    letters = sum(char.isalpha() for char in keyword)
    if not letters or len(keyword) > MAX_CHARACTERS:
        return False
    return len(keyword) >= 3 or not keyword.isascii()


def _is_supported(keyword: str, known: Sequence[Tokens]) -> bool:
    words = tuple(map(singular, tokens(keyword)))
    lines = [tuple(map(singular, line)) for line in known]
    return any(contains(line, words) or contains(words, line) for line in lines)


def _unique(keywords: Iterable[str]) -> list[str]:
    """The first of each; "heron" and "herons" are one."""
    found: dict[tuple[str, ...], str] = {}
    for keyword in keywords:
        found.setdefault(tuple(map(singular, tokens(keyword))), keyword)
    return [keyword for key, keyword in found.items() if key]
