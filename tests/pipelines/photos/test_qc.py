from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.pipelines.photos.qc import DUPLICATE, SUSPICIOUS, report

SUMMARY = {
    "row_count", "caption_dup_groups", "caption_dup_rows", "alt_dup_groups", "alt_dup_rows",
    "keywords_dup_groups",
    "keywords_dup_rows", "caption_alt_pair_dup_groups", "caption_alt_pair_dup_rows", "caption_alt_equal_rows",
    "suspicious_rows", "duplicate_rows_total", "flagged_rows_total", "sample_ids", "report_path",
    "scope_ids_count",
}  # fmt: skip
WORDS = ("heron", "reeds", "water", "dawn", "mist", "bird", "marsh", "stems", "wading", "silver light")


def row(row_id: int, **fields: Any) -> dict[str, Any]:
    texts = {
        1: ("A grey heron stands in shallow water beside dry reeds.", "Heron on long legs near brown stems."),
        2: ("Two red boats lie moored along a quiet brick quay.", "Moored boats, red paint flaking, below houses."),
        3: ("Frost covers a wooden gate between two flat meadows.", "Old gate, white with ice, on a farm track."),
    }[row_id]  # fmt: skip
    base = {
        "id": row_id,
        "File_Name": f"F_{row_id:03d}.JPG",
        "Subject": f"Subject {row_id}",
        "Location": "Gouda_Netherlands",
        "Folder": "misc",
        "Caption": texts[0],
        "alt_text": texts[1],
        "Keywords": ", ".join((*WORDS[:9], f"extra {row_id}")),
    }
    return base | fields


def reasons(*rows: dict[str, Any]) -> dict[int, list[str]]:
    made = report(rows, scope=[entry["id"] for entry in rows])
    return {entry["id"]: entry["reasons"] for entry in made["flagged"]}


SUSPECTS: dict[str, dict[str, Any]] = {
    "caption_equals_alt": {"alt_text": "a grey heron stands in shallow water, beside dry reeds!"},
    "caption_too_short": {"Caption": "A heron stands in dry reeds."},
    "alt_too_short": {"alt_text": "Heron near brown stems now."},
    "too_few_keywords": {"Keywords": ", ".join(WORDS[:9])},
    "urban_terms_vs_nature_context": {"Folder": "nature", "Keywords": ", ".join((*WORDS, "high-rise"))},
    "generic_template_phrase": {"Caption": "A grey heron stands in water under an open sky."},
}
TWINS: dict[str, dict[str, Any]] = {
    "duplicate_caption_exact": {"Caption": row(1)["Caption"].upper()},
    "duplicate_alt_exact": {"alt_text": row(1)["alt_text"]},
    "duplicate_keywords_signature": {"Keywords": ", ".join(reversed(row(1)["Keywords"].split(", ")))},
    "duplicate_caption_alt_pair": {"Caption": row(1)["Caption"], "alt_text": row(1)["alt_text"]},
}


def test_every_reason_has_an_example() -> None:
    assert set(SUSPECTS) == set(SUSPICIOUS)
    assert set(TWINS) == set(DUPLICATE)


def test_good_rows_are_not_flagged() -> None:
    assert reasons(row(1), row(2), row(3)) == {}


@pytest.mark.parametrize("reason", sorted(SUSPECTS))
def test_a_suspicious_row_is_named_with_its_reason(reason: str) -> None:
    assert reasons(row(1, **SUSPECTS[reason]), row(2)) == {1: [reason]}


@pytest.mark.parametrize("reason", sorted(TWINS))
def test_duplicates_are_named_on_both_rows(reason: str) -> None:
    found = reasons(row(1), row(2, **TWINS[reason]), row(3))
    assert reason in found[1]
    assert reason in found[2]
    assert 3 not in found


@pytest.mark.parametrize(
    "fields",
    [
        {"Subject": "Sparking Parkour", "Keywords": ", ".join((*WORDS, "skyline"))},
        {"Folder": "nature", "Subject": "City Park", "Keywords": ", ".join((*WORDS, "skyline"))},
        {"Folder": "nature", "Keywords": ", ".join((*WORDS, "suburban"))},
    ],
)
def test_cue_words_are_whole_words_and_a_city_is_no_surprise_in_a_city_set(fields: dict[str, Any]) -> None:
    assert reasons(row(1, **fields)) == {}


def test_the_summary_has_exactly_its_fields_and_counts_rows_once() -> None:
    rows = [row(1), row(2, **TWINS["duplicate_caption_alt_pair"]), row(3, **SUSPECTS["alt_too_short"])]
    summary = report(rows, scope=[1, 2, 3, 4])["summary"]
    assert set(summary) == SUMMARY
    assert summary["row_count"] == 3
    assert summary["scope_ids_count"] == 4
    assert (summary["caption_dup_groups"], summary["caption_dup_rows"]) == (1, 2)
    assert (summary["suspicious_rows"], summary["duplicate_rows_total"], summary["flagged_rows_total"]) == (1, 2, 3)
    assert summary["sample_ids"] == [1, 2, 3]


def test_a_scope_without_rows_gives_a_whole_report() -> None:
    made = report([], scope=[])
    assert set(made["summary"]) == SUMMARY
    assert made["summary"]["row_count"] == 0
    assert (made["flagged"], made["near_duplicate_groups"], made["rule_changes"]) == ([], [], [])
    json.dumps(made)


def test_empty_texts_are_too_short_but_no_duplicates_of_each_other() -> None:
    empty = {"Caption": None, "alt_text": "", "Keywords": None}
    found = reasons(row(1, **empty), row(2, **empty))
    assert found[1] == ["caption_too_short", "alt_too_short", "too_few_keywords"]


def test_near_duplicates_and_rule_changes_are_told() -> None:
    near = row(2, Caption=row(1)["Caption"].replace("dry", "wet"))
    change = {"rule": "terrain.lake", "field": "caption", "before": "a", "after": "b", "reason": "c"}
    made = report([row(1), near], scope=[1, 2], near_image_groups=[(1, 2)], changes={2: [change], 1: []})
    assert made["near_duplicate_groups"] == [[1, 2]]
    assert made["near_duplicate_texts"] == {"caption": [[1, 2]], "alt_text": []}
    assert made["rule_changes"] == [{"id": 2, "changes": [change]}]
    assert made["flagged"] == []


def test_samples_are_the_first_twelve() -> None:
    rows = [row(1, **SUSPECTS["alt_too_short"]) | {"id": i, "Caption": f"{row(1)['Caption']} {i}"} for i in range(20)]
    assert report(rows, scope=range(20))["summary"]["sample_ids"] == list(range(12))
