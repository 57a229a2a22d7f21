"""The QC report over the texts of a run: duplicates, suspicious rows, near duplicates, and what the rules changed."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from penstock.pipelines.photos.keywords import signature
from penstock.pipelines.photos.words import contains_any, tokens
from penstock.review.duplicates import groups as near_groups
from penstock.review.duplicates import normalised

SAMPLE_IDS = 12
Row = Mapping[str, Any]

NATURE_CUES = (
    "park", "mountain", "mountains", "lake", "river", "forest", "trail", "ridge", "valley", "wildlife", "autumn",
    "nature",
)  # fmt: skip
URBAN_CUES = (
    "urban", "city", "cityscape", "street", "downtown", "skyline", "architecture", "building", "buildings",
    "bridge",
)  # fmt: skip
URBAN_TERMS = (
    "urban", "downtown", "skyline", "mid rise", "high rise", "concrete", "intersection", "street light",
    "street lights", "streetlights", "city buildings",
)  # fmt: skip
TEMPLATE_PHRASES = (
    "open sky", "clear daylight conditions", "natural backdrop", "outdoor setting", "scene appears",
    "scene stands", "scene sits", "within an outdoor setting",
)  # fmt: skip
MIN_CAPTION_WORDS, MIN_ALT_WORDS, MIN_KEYWORDS = 7, 6, 10

SUSPICIOUS: dict[str, Callable[[Row], bool]] = {
    "caption_equals_alt": lambda row: _same(row["Caption"], row["alt_text"]),
    "caption_too_short": lambda row: len(tokens(_text(row, "Caption"))) < MIN_CAPTION_WORDS,
    "alt_too_short": lambda row: len(tokens(_text(row, "alt_text"))) < MIN_ALT_WORDS,
    "too_few_keywords": lambda row: len(_keywords(row)) < MIN_KEYWORDS,
    "urban_terms_vs_nature_context": lambda row: _is_urban_in_nature(row),
    "generic_template_phrase": lambda row: contains_any(_said(row), TEMPLATE_PHRASES),
}
"""Reason → whether a row is suspicious. Cue words are whole words."""
DUPLICATE: dict[str, tuple[str, Callable[[Row], str]]] = {
    "duplicate_caption_exact": ("caption", lambda row: normalised(_text(row, "Caption"))),
    "duplicate_alt_exact": ("alt", lambda row: normalised(_text(row, "alt_text"))),
    "duplicate_keywords_signature": ("keywords", lambda row: signature(_keywords(row))),
    "duplicate_caption_alt_pair": ("caption_alt_pair", lambda row: _pair(row)),
}
"""Reason → name in the summary, and the text that must differ from row to row; "" is no duplicate of ""."""


def report(
    rows: Sequence[Row],
    *,
    scope: Sequence[int],
    near_image_groups: Iterable[Sequence[int]] = (),
    changes: Mapping[int, Sequence[Mapping[str, Any]]] | None = None,
    report_path: str = "",
) -> dict[str, Any]:
    """The whole report, also when there are no rows; it informs, it decides nothing.

    Rows carry the queue's columns (id, File_Name, Subject, Location, Folder, Caption, alt_text, Keywords);
    `scope` are the ids that were asked for, `changes` what rules changed per row.
    """
    reasons: dict[int, list[str]] = defaultdict(list)
    counts, duplicates = _duplicates(rows, reasons)
    suspicious = _suspicious(rows, reasons)
    flagged = [_flagged(row, reasons[row["id"]]) for row in rows if reasons.get(row["id"])]
    summary = {
        "row_count": len(rows),
        **counts,
        "caption_alt_equal_rows": sum("caption_equals_alt" in found for found in reasons.values()),
        "suspicious_rows": len(suspicious),
        "duplicate_rows_total": len(duplicates),
        "flagged_rows_total": len(flagged),
        "sample_ids": [entry["id"] for entry in flagged[:SAMPLE_IDS]],
        "report_path": report_path,
        "scope_ids_count": len(scope),
    }
    return {
        "summary": summary,
        "flagged": flagged,
        "near_duplicate_groups": [list(group) for group in near_image_groups],
        "near_duplicate_texts": {name: _near(rows, column) for name, column in _TEXTS},
        "rule_changes": [{"id": row_id, "changes": list(made)} for row_id, made in (changes or {}).items() if made],
    }


_TEXTS = (("caption", "Caption"), ("alt_text", "alt_text"))


def _duplicates(rows: Sequence[Row], reasons: dict[int, list[str]]) -> tuple[dict[str, int], set[int]]:
    """The counts of the summary and the ids of all rows that have a twin."""
    counts: dict[str, int] = {}
    twins: set[int] = set()
    for reason, (name, key) in DUPLICATE.items():
        found = _equal(rows, key)
        members = [row_id for group in found for row_id in group]
        counts |= {f"{name}_dup_groups": len(found), f"{name}_dup_rows": len(members)}
        twins |= set(members)
        for row_id in members:
            reasons[row_id].append(reason)
    return counts, twins


def _suspicious(rows: Sequence[Row], reasons: dict[int, list[str]]) -> set[int]:
    found: set[int] = set()
    for row in rows:
        wrong = [reason for reason, holds in SUSPICIOUS.items() if holds(row)]
        if wrong:
            found.add(row["id"])
            reasons[row["id"]] += wrong
    return found


def _flagged(row: Row, reasons: Sequence[str]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "file_name": _text(row, "File_Name"),
        "subject": _text(row, "Subject"),
        "location": _text(row, "Location"),
        "reasons": list(reasons),
    }


def _equal(rows: Sequence[Row], key: Callable[[Row], str]) -> list[list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        if text := key(row):
            found[text].append(row["id"])
    return [ids for ids in found.values() if len(ids) > 1]


def _near(rows: Sequence[Row], column: str) -> list[list[int]]:
    return near_groups([(row["id"], _text(row, column)) for row in rows])


def _pair(row: Row) -> str:
    caption, alt_text = normalised(_text(row, "Caption")), normalised(_text(row, "alt_text"))
    return f"{caption}|{alt_text}" if caption and alt_text else ""


def _same(caption: Any, alt_text: Any) -> bool:
    text = normalised(str(caption or ""))
    return bool(text) and text == normalised(str(alt_text or ""))


def _is_urban_in_nature(row: Row) -> bool:
    context = [tokens(_text(row, name)) for name in ("Folder", "Subject", "Location", "Original_File_Name")]
    if not contains_any(context, NATURE_CUES) or contains_any(context, URBAN_CUES):
        return False
    return contains_any(_said(row), URBAN_TERMS)


def _said(row: Row) -> list[tuple[str, ...]]:
    return [tokens(_text(row, name)) for name in ("Caption", "alt_text")] + [tokens(word) for word in _keywords(row)]


def _keywords(row: Row) -> list[str]:
    return [word.strip() for word in re.split(r"[,;\n]", _text(row, "Keywords")) if word.strip()]


def _text(row: Row, name: str) -> str:
    return str(row.get(name) or "")
