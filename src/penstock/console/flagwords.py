"""Flags in words. A flag that is not listed here is shown as it is spelt, without its underscores."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

WORDS = {
    "caption_equals_alt": "Caption and alt text are the same",
    "caption_too_short": "Caption is short",
    "alt_too_short": "Alt text is short",
    "too_few_keywords": "Few keywords",
    "urban_terms_vs_nature_context": "Town words in a nature set",
    "generic_template_phrase": "Stock phrase",
    "duplicate_caption_exact": "Caption is used twice",
    "duplicate_alt_exact": "Alt text is used twice",
    "duplicate_keywords_signature": "Same keywords as another photo",
    "duplicate_caption_alt_pair": "Caption and alt text are used twice",
    "near_duplicate_image": "Looks like another photo",
    "summer-date": "Text and date disagree on the season",
    "winter-date": "Text and date disagree on the season",
    "template": "Reads like a template",
}


def word(flag: str) -> str:
    """One flag in words."""
    plain = flag.rpartition(":")[2].replace("_", " ").replace("-", " ").strip()
    return WORDS.get(flag.rpartition(":")[2], plain[:1].upper() + plain[1:80])


def of_row(row: Mapping[str, Any]) -> list[str]:
    """Everything that a row is flagged for, each word once."""
    words = [word(str(flag)) for flag in row["flags"]]
    if row["near_group"] is not None:
        words.append(f"Looks like another photo (group {row['near_group']})")
    return list(dict.fromkeys(words))


def choices(seen: Iterable[str]) -> list[tuple[str, str]]:
    """(flag, words) for a filter: those that the newest report found, in the order of their words."""
    return sorted(((flag, word(flag)) for flag in set(seen)), key=lambda pair: pair[1])
