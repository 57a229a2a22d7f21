from __future__ import annotations

from types import SimpleNamespace

from penstock.pipelines.content.results import FIELDS, result


def test_every_counter_is_there_before_anything_was_counted() -> None:
    for name, fields in FIELDS.items():
        found = result(SimpleNamespace(name=name, result={}, waiting=0))
        assert {key: found[key] for key in fields} == dict.fromkeys(fields, 0)
        assert (found["skipped"], found["skip_reason"]) == (False, "")


def test_a_reason_makes_a_stage_skipped() -> None:
    found = result(SimpleNamespace(name="keywords_to_clusters", result={"skipped": "too few"}, waiting=0))
    assert (found["skipped"], found["skip_reason"], found["keywords_processed"]) == (True, "too few", 0)


def test_the_last_stage_says_what_waits_for_a_person() -> None:
    assert result(SimpleNamespace(name="manual_review", result={}, waiting=4))["ready_for_review"] == 4
