"""Whole words: how texts, file names and rule phrases are split and compared. Substrings never count."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

Tokens = tuple[str, ...]

_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_CAMEL = re.compile(r"(?<=[a-zà-ÿ])(?=[A-ZÀ-Þ][a-zà-ÿ])")
_CONSONANT_Y = re.compile(r"[^aeiou]y\Z")
_HISSING = ("s", "x", "z", "ch", "sh")


def tokens(text: str) -> Tokens:
    """The words of a text in lower case; underscores, hyphens and other signs separate."""
    return tuple(found.group().casefold() for found in _TOKEN.finditer(text))


def spelt_tokens(text: str) -> Tokens:
    """The words of a text as they are written."""
    return tuple(found.group() for found in _TOKEN.finditer(text))


def file_tokens(name: str) -> Tokens:
    """The words of a file name without its extension; "SunsetAmstel_01" holds sunset, amstel and 01."""
    stem = name.rsplit(".", 1)[0] if "." in name else name
    return tokens(_CAMEL.sub(" ", stem))


def contains(words: Sequence[str], phrase: Sequence[str]) -> bool:
    """Whether the phrase stands in the words, in order and without a gap."""
    size = len(phrase)
    return size > 0 and any(tuple(words[i : i + size]) == tuple(phrase) for i in range(len(words) - size + 1))


def contains_any(lines: Iterable[Sequence[str]], phrases: Iterable[str]) -> bool:
    """Whether one of the phrases stands in one of the lines of words."""
    wanted = [tokens(phrase) for phrase in phrases]
    return any(contains(line, phrase) for line in lines for phrase in wanted)


@lru_cache(maxsize=4096)
def pattern_of(phrases: tuple[str, ...], *, exact_case: bool = False) -> re.Pattern[str]:
    """A pattern that finds any of the phrases as whole words, the longest first; a hyphen may join their words."""
    longest_first = sorted(phrases, key=len, reverse=True)
    parts = (r"[\s-]+".join(re.escape(word) for word in phrase.split()) for phrase in longest_first)
    return re.compile(rf"(?<![\w'’])(?:{'|'.join(parts)})(?!\w)", 0 if exact_case else re.IGNORECASE)


def with_plural(word: str) -> Tokens:
    """An English noun and its regular plural."""
    if _CONSONANT_Y.search(word):
        return (word, word[:-1] + "ies")
    return (word, word + ("es" if word.endswith(_HISSING) else "s"))


def singular(word: str) -> str:
    """The regular English singular of a word, or the word itself."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith("es") and word[:-2].endswith(_HISSING):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3 else word
