"""The whole pipeline on the durable ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from penstock.adapters.files import sha256_of
from penstock.engine.failpoint import SimulatedCrash, armed
from penstock.ledger import control, rollback
from penstock.oracle import examine
from tests.pipelines.content.room import KEYWORDS, TABLES, TOPICS, Room

N = len(TOPICS)


def test_keywords_become_articles_with_pictures_that_wait_for_a_person(room: Any) -> None:
    room.keywords()
    run = room.run()
    assert run.status == "completed"
    assert {table: dict(room.words(table)) for table in TABLES} == {
        "keyword": {"mapped": len(KEYWORDS)}, "cluster": {"mapped": N}, "idea": {"queued": N},
        "task": {"completed": N}, "article": {"review": N}, "image": {"generated": 3 * N},
    }  # fmt: skip
    for image in room.rows("image"):
        assert sha256_of(image["path"]) == image["sha256"]
    assert {row["provider"] for table in ("cluster", "idea", "article", "image") for row in room.rows(table)} == {
        "offline"
    }
    assert examine(deep=True, clock=room.clock) == []


def test_the_results_count_what_was_made_in_the_words_of_the_seed(room: Any) -> None:
    room.keywords()
    found = room.results(room.run(ideas_per_cluster=2, images_per_article=1))
    words = sum(row["word_count"] for row in room.rows("article"))
    told = {name: {k: v for k, v in one.items() if not k.startswith("skip")} for name, one in found.items()}
    assert told == {
        "keywords_to_clusters": {"keywords_processed": len(KEYWORDS), "clusters_created": N},
        "clusters_to_ideas": {"clusters_processed": N, "ideas_created": 2 * N},
        "ideas_to_tasks": {"ideas_processed": 2 * N, "tasks_created": 2 * N},
        "tasks_to_content": {"tasks_processed": 2 * N, "content_created": 2 * N, "total_words": words},
        "content_to_image_prompts": {"content_processed": 2 * N, "prompts_created": 4 * N},
        "image_prompts_to_images": {"images_processed": 4 * N, "images_generated": 4 * N},
        "manual_review": {"ready_for_review": 2 * N},
    }
    assert words > 100 * N


def test_too_few_keywords_stay_new_and_the_stage_says_why(room: Any) -> None:
    room.keywords(KEYWORDS[:4])
    run = room.run()
    assert (run.status, dict(room.words("keyword"))) == ("completed", {"new": 4})
    found = room.results(run)["keywords_to_clusters"]
    assert (found["skipped"], found["skip_reason"]) == (True, "4 new keywords, at least 5 are needed")
    room.keywords(KEYWORDS[4:])
    assert room.run().status == "completed"
    assert dict(room.words("keyword")) == {"mapped": len(KEYWORDS)}


def test_a_second_run_joins_the_clusters_that_there_are(room: Any) -> None:
    room.keywords()
    room.run()
    room.keywords([f"{topic} tips" for topic in TOPICS])
    found = room.results(room.run())["keywords_to_clusters"]
    assert (found["keywords_processed"], found["clusters_created"]) == (N, 0)
    assert (len(room.rows("cluster")), len(room.rows("article"))) == (N, N)


def test_an_idea_that_the_site_has_nearly_so_is_set_aside_until_a_person_retries_it(room: Any) -> None:
    from penstock.pipelines.content.models import Cluster, Keyword

    room.keywords()
    room.run()
    for table in (Cluster, Keyword):  # forgotten: the same keywords come anew
        table.objects.filter(site=room.site).delete()
    room.keywords()
    run = room.run()
    twins = [row for row in room.rows("idea") if row["state"] == "quarantined"]
    assert {row["error_code"] for row in twins} == {"duplicate"}
    assert (len(twins), len(room.rows("article"))) == (N, N)
    again = control.retry(run, room.clock, room.ids)
    assert room.drive(again).status == "completed"
    assert len(room.rows("article")) == 2 * N


@pytest.mark.parametrize("verb", ["pause", "cancel"])
@pytest.mark.parametrize("stage", [1, 2, 4, 5, 6])
def test_a_stop_at_any_stage_keeps_what_was_made_and_counted(room: Any, verb: str, stage: int) -> None:
    room.keywords()
    run = room.start(**{f"stage_{n}_batch_size": 2 for n in range(2, 7)})
    _stop_at(room, run, stage, verb)
    stopped = room.drive(control.find(run.id))
    assert stopped.status == {"pause": "paused", "cancel": "cancelled"}[verb]
    assert _pending(room) == room.recounted()
    made = {table: len(room.rows(table)) for table in TABLES}
    assert made["cluster"] == (N if stage > 1 else 0)
    _go_on(room, stopped)
    assert dict(room.words("article")) == {"review": N}
    assert len(room.rows("image")) == 3 * N
    assert examine(deep=True, clock=room.clock) == []


def _stop_at(room: Room, run: Any, stage: int, verb: str) -> None:
    """Work batch by batch until something of the stage is settled, then ask."""
    from penstock.engine.lanes import Lanes
    from penstock.engine.port import Result

    lanes = Lanes({"model": 1, "inline": 1}, room.clock)
    while (batch := room.ledger.claim(run.id, {"model": 1, "inline": 1})) is not None:
        if batch.stage.number == stage:
            room.ledger.settle(batch, [_back(item) for item in batch.items], True)
            break
        if batch.stage.number == 1:
            from penstock.pipelines.content.clusters import gather

            whats: Any = gather(list(batch.items))
            found = [Result(i["id"], what, i["attempt"]) for i, what in zip(batch.items, whats, strict=True)]
        else:
            found = lanes.inline(batch.stage, [dict(item) for item in batch.items], room.clock)
        room.ledger.settle(batch, found, True)
        assert _pending(room) == room.recounted()
    {"pause": control.pause, "cancel": control.cancel}[verb](control.find(run.id), room.clock)


def _back(item: Any) -> Any:
    from penstock.engine.port import Later, Result

    return Result(item["id"], Later(), item["attempt"])


def _pending(room: Room) -> dict[str, int]:
    """The overview's numbers; the last stage counts what waits for a person and is not among them."""
    found = {stage: n for stage, n in room.pending().items() if stage != "manual_review"}
    return {stage: found.get(stage, 0) for stage in room.recounted()}


def _go_on(room: Room, run: Any) -> None:
    if run.status == "paused":
        assert room.drive(control.resume(run, room.clock)).status == "completed"
    else:
        assert room.run().status == "completed"


@pytest.mark.parametrize("side", ["before", "after"])
def test_crashes_at_commits_lose_nothing_and_make_nothing_twice(room: Any, side: str) -> None:
    room.keywords()
    run, crashes = room.start(**{f"stage_{n}_batch_size": 2 for n in range(2, 7)}), 0
    for hit in (1, 2, 3, 1, 2, 4, 1, 2, 3):
        try:
            with armed(f"ledger.turn.{side}_commit=crash@{hit}"):
                room.drive(run)
        except SimulatedCrash:
            crashes += 1
        room.process()
        assert _pending(room) == room.recounted()
    assert crashes >= 5
    assert room.drive(control.find(run.id)).status == "completed"
    assert {table: len(room.rows(table)) for table in TABLES} == {
        "keyword": len(KEYWORDS), "cluster": N, "idea": N, "task": N, "article": N, "image": 3 * N,
    }  # fmt: skip
    assert examine(deep=True, clock=room.clock) == []


def test_a_rollback_takes_everything_and_its_files_and_leaves_the_keywords_new(room: Any) -> None:
    room.keywords()
    before = room.rows("keyword")
    run = room.run()
    rollback.rollback(control.find(run.id), room.clock.wall())
    assert {table: len(room.rows(table)) for table in TABLES if room.rows(table)} == {"keyword": len(KEYWORDS)}
    assert room.rows("keyword") == before
    assert not list((Path(room.site.root) / "content").rglob("*.jpg"))


def test_two_sites_of_two_accounts_share_nothing(room: Any) -> None:
    other = Room("other-blog", account="others", ids=room.ids)
    for one in (room, other):
        one.keywords()
        assert one.run().status == "completed"
    for table in TABLES:
        mine, theirs = ({row["id"] for row in one.rows(table)} for one in (room, other))
        assert len(mine) == len(theirs)
        assert not mine & theirs
    clusters = {row["id"] for row in room.rows("cluster")}
    assert {row["cluster"] for row in room.rows("keyword")} == clusters
