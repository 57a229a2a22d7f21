from __future__ import annotations

from typing import Any

from penstock.ledger.models import SiteCounter, StageRun
from penstock.records.overview import at_rest, broken, causes, headline, run_view, site_items, unfinished


def count(run: Any, stage: str, **numbers: int) -> None:
    StageRun.objects.filter(run=run, name=stage).update(**numbers)


def test_a_run_is_seen_through_its_counters(run: Any) -> None:
    count(run, "validate", done=9, failed=1, passed=9, seconds=1.23456)
    count(run, "score", ready=2, leased=1, quarantined=1, passed=5, failed=0)
    count(run, "review", waiting=5, passed=5)
    view = run_view(run)
    by_name = {stage["name"]: stage for stage in view["stages"]}
    assert (view["run_id"], view["site"], view["pipeline"]) == (run.id, "records", "photos")
    assert view["current_stage"] == 5
    assert view["items"] == {"failed": 1, "ready": 2, "leased": 1, "quarantined": 1, "waiting": 5}
    assert (by_name["score"]["done"], by_name["score"]["pending"]) == (5, 3)
    assert by_name["validate"]["seconds"] == 1.235
    assert (unfinished(view), broken(view)) == (3, 2)


def test_source_files_that_became_photos_are_not_counted_twice(run: Any) -> None:
    count(run, "validate", done=4, passed=4)
    count(run, "review", waiting=4)
    assert run_view(run)["items"] == {"waiting": 4}


def test_a_run_that_is_through_stands_at_its_last_stage(run: Any) -> None:
    assert run_view(run)["current_stage"] == 8
    assert at_rest(run)


def test_the_headline_is_one_sentence(run: Any) -> None:
    assert headline(run_view(run)) == f"Run {run.id} of records is completed: no items"
    count(run, "review", waiting=1200)
    run.error_message = "the disk is full"
    said = headline(run_view(run))
    assert said == f"Run {run.id} of records is completed (the disk is full): 1,200 waiting for review"


def test_causes_are_grouped_and_the_most_frequent_comes_first(run: Any, photo: Any) -> None:
    photo(stage="score", state="failed", error="the scorer is missing; install it", error_code="scorer")
    for n in (1, 2):
        photo(stage="read_exif", state="quarantined", error=f"cut short; try {n}", error_code="truncated")
    photo(stage="review", state="waiting")
    count(run, "score", failed=1)
    count(run, "read_exif", quarantined=2)
    found = causes(run)
    assert [(c.n, c.stage, c.code, c.reason) for c in found] == [
        (2, "read_exif", "truncated", "cut short"),
        (1, "score", "scorer", "the scorer is missing"),
    ]
    assert (found[0].table, found[0].example) == ("photo", 2)


def test_the_items_of_a_site_come_from_its_counters(run: Any) -> None:
    SiteCounter.objects.create(site=run.site, table="photo", stage="review", state="waiting", n=3)
    SiteCounter.objects.create(site=run.site, table="photo", stage="score", state="ready", n=0)
    assert site_items(run.site.pk) == {("photo", "review", "waiting"): 3}
