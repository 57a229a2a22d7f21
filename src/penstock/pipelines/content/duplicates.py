"""Titles that say nearly the same: found by their rarest words, so that no title is compared with all others."""

from __future__ import annotations

from collections import defaultdict

from rapidfuzz import fuzz

from penstock.pipelines.content.vectors import words

RARE = 3  # words by which a title is looked up
MOST = 200  # titles compared for one word


class Titles:
    """An index of titles by number."""

    def __init__(self) -> None:
        self._texts: dict[int, str] = {}
        self._holders: dict[str, list[int]] = defaultdict(list)

    def __contains__(self, number: int) -> bool:
        return number in self._texts

    def add(self, number: int, title: str) -> None:
        """Know a title from now on."""
        said = words(title)
        self._texts[number] = " ".join(said)
        for word in set(said):
            self._holders[word].append(number)

    def like(self, number: int, title: str, percent: int) -> int | None:
        """The first older title (a lower number) that is as alike as that, or None. Order of words does not tell two
        titles from each other."""
        said = words(title)
        text = " ".join(said)
        rarest = sorted(set(said), key=lambda word: (len(self._holders.get(word, ())), word))[:RARE]
        near = {one for word in rarest for one in self._holders.get(word, ())[:MOST] if one < number}
        alike = (one for one in sorted(near) if fuzz.token_sort_ratio(text, self._texts[one]) >= percent)
        return next(alike, None)
