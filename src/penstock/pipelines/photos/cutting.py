"""Taking a word out of a sentence without breaking it, or admitting that it cannot be done.

Only forms that are safe without understanding the sentence are mended: a modifier before its noun ("mountain
road"), a prepositional phrase ("near distant mountains"), and one half of a coordination in such a phrase
("with reeds and mountains"). Everything else is for the model to say again.
"""

from __future__ import annotations

import re

from penstock.pipelines.photos.sentences import FUNCTION_WORDS, article_for

_PIECE = re.compile(r"\w[\w'’-]*|[^\w\s]")
_ARTICLES = frozenset({"a", "an", "the", "its", "their", "some", "this", "that", "these", "those"})
_CONJUNCTIONS = frozenset({"and", "or"})
_PREPOSITIONS = FUNCTION_WORDS - _ARTICLES - _CONJUNCTIONS - {"but", "nor", "as"}
_NEED_AN_OBJECT = frozenset({"of", "to", "from", "into", "onto", "for", "by"})
_COMPOUND = (("in", "front", "of"), ("on", "top", "of"), ("next", "to"), ("close", "to"), ("out", "of"))
_AUXILIARY = frozenset({"is", "are", "was", "were", "has", "have", "can", "rise", "rises", "lie", "stand", "run"})


def cut(text: str, start: int, end: int) -> str | None:
    """The text without the word at [start, end), mended; None when no safe mending is known."""
    left = _PIECE.findall(text[:start])
    right = _PIECE.findall(text[end:])
    word = text[start:end].casefold()
    following = right[0].casefold() if right else "."
    if following in _CONJUNCTIONS:
        kept = _without_first_half(left, right)
    elif _is_content(following):
        kept = None if word.endswith("s") or _looks_like_verb(following) else _without_modifier(left, right)
    else:
        kept = _without_phrase(left, right)
    return None if kept is None else joined(kept)


def joined(pieces: list[str]) -> str:
    """Words and signs put together with the usual spaces."""
    text = re.sub(r"\s+([,.;:!?)\]}%])", r"\1", " ".join(pieces))
    return re.sub(r"([(\[{])\s+", r"\1", text)


def _without_modifier(left: list[str], right: list[str]) -> list[str]:
    """ "a rocky and mountain path" and "an alpine road" lose the modifier and what tied it."""
    if left and (left[-1].casefold() in _CONJUNCTIONS or left[-1] == ","):
        left = left[:-1]
    if left and left[-1].casefold() in {"a", "an"}:
        article = article_for(right[0])
        left = [*left[:-1], article.capitalize() if left[-1][0].isupper() else article]
    return left + right


def _without_first_half(left: list[str], right: list[str]) -> list[str] | None:
    """ "near mountains and fields" becomes "near fields"."""
    rest = right[1:]
    before = [piece.casefold() for piece in left]
    if not before or not rest or not _is_object(before):
        return None
    if before[-1] in _ARTICLES:
        return [*left[:-1], *rest] if rest[0].casefold() in _ARTICLES else [*left, *rest]
    return [*left, *rest] if before[-1] in _PREPOSITIONS - {"between"} else None


def _without_phrase(left: list[str], right: list[str]) -> list[str] | None:
    """ "stands near distant mountains under a pale sky" becomes "stands under a pale sky"."""
    at = _phrase_start(left)
    if at is None:
        return None
    opener = left[at].casefold()
    if opener in _CONJUNCTIONS:
        return left[:at] + right if _can_lose_half([piece.casefold() for piece in left[:at]]) else None
    head = _without_compound(left, at)
    if head is None:
        return None
    if head:
        return head + right
    return right[1:] if right and right[0] == "," else None


def _phrase_start(left: list[str]) -> int | None:
    """Where the preposition or conjunction stands that brings the word in; None when a verb may be in between."""
    at = len(left) - 1
    described: list[str] = []
    while at >= 0 and _is_content(left[at].casefold()) and len(described) < 3:
        described.append(left[at].casefold())
        at -= 1
    if any(_looks_like_verb(word) for word in described[:-1]) or (described and _is_finite(described[-1])):
        return None
    if at >= 0 and left[at].casefold() in _ARTICLES:
        at -= 1
    return at if at >= 0 and left[at].casefold() in _PREPOSITIONS | _CONJUNCTIONS else None


def _without_compound(left: list[str], at: int) -> list[str] | None:
    low = tuple(piece.casefold() for piece in left[: at + 1])
    for compound in _COMPOUND:
        if low[-len(compound) :] == compound:
            return left[: at + 1 - len(compound)]
    return None if low[-1] in _NEED_AN_OBJECT else left[:at]


def _can_lose_half(before: list[str]) -> bool:
    tail = before[-5:]
    return bool(before) and _is_object(before) and "," not in tail and "between" not in before


def _is_object(before: list[str]) -> bool:
    """Whether a preposition governs this place, so that no verb has to agree with what is left."""
    for at in range(len(before) - 1, -1, -1):
        if before[at] in _PREPOSITIONS:
            return True
        is_noun = at > 0 and before[at - 1] in _PREPOSITIONS | _ARTICLES
        if before[at] in {",", ";", "."} or (_is_finite(before[at]) and not is_noun):
            return False
    return False


def _is_content(piece: str) -> bool:
    return piece[0].isalnum() and piece not in FUNCTION_WORDS and piece not in _ARTICLES


def _is_finite(word: str) -> bool:
    return word in _AUXILIARY or (word.endswith("s") and not word.endswith(("ss", "us", "ous")))


def _looks_like_verb(word: str) -> bool:
    return _is_finite(word) or word.endswith(("ing", "ed"))
