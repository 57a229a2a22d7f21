"""Six tables, fan-in, fan-out and joins: one suite over every ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock.engine.errors import LeaseLost
from penstock.engine.outcome import Done, Ref
from penstock.engine.port import Result
from tests.conformance.newsroom import TABLES, WORDS
from tests.conformance.presses import OnDisk, OnPaper

Open = Callable[..., Any]
Ends = dict[str, list[tuple[Any, ...]]]


@pytest.fixture(params=["memory", "sqlite"])
def press(request: pytest.FixtureRequest) -> Iterator[Open]:
    """Opens a newsroom over each ledger in turn; a second one takes the first one's place."""
    request.getfixturevalue("ledger_home")
    opened: list[Any] = []

    def open_(**setup: Any) -> Any:
        for one in opened:
            one.remove()
        if request.param == "sqlite":
            from penstock.ledger import models as m

            for model in (m.Event, m.Run, m.SiteCounter):
                model.objects.all().delete()
            m.Site.objects.all().delete()
        one = OnPaper(**setup) if request.param == "memory" else OnDisk(**setup)
        opened[:] = [one] if request.param == "sqlite" else []
        return one

    yield open_
    for one in opened:
        one.remove()


@pytest.fixture(scope="module")
def undisturbed() -> Ends:
    """How a run that nothing disturbs ends: in the twin, and so everywhere."""
    one = OnPaper()
    assert one.drive(one.start(WORDS)) == "completed"
    return one.end()


@pytest.fixture
def disk(ledger_home: Path) -> Iterator[OnDisk]:
    """The durable ledger alone, for what the twin has no verb for."""
    one = OnDisk()
    yield one
    one.remove()


def by_name(one: Any, table: str) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in one.rows(table).values()}


@pytest.mark.parametrize("per", ["set", "batch"])
def test_many_keywords_make_one_cluster_and_name_it_although_it_had_no_id_yet(press: Open, per: str) -> None:
    one = press(per=per)
    one.drive(one.start(WORDS))
    clusters = by_name(one, "cluster")
    assert sorted(clusters) == ["crow", "gull", "heron", "lark", "owl", "swan"]
    for name, keyword in by_name(one, "keyword").items():
        assert (keyword["of"], keyword["word"]) == (clusters[name.split()[0]]["id"], "mapped")
    assert one.wrong() == []


@pytest.mark.parametrize("per", ["set", "batch"])
def test_every_ledger_ends_with_the_same_rows(press: Open, undisturbed: Ends, per: str) -> None:
    one = press(per=per)
    assert one.drive(one.start(WORDS)) == "completed"
    assert one.end() == undisturbed


def test_a_later_run_joins_the_clusters_that_there_are(press: Open) -> None:
    one = press()
    one.drive(one.start(WORDS))
    before = by_name(one, "cluster")
    run = one.start(["heron a", "heron b", "heron c", "owl d", "rook e"])
    one.drive(run)
    after = by_name(one, "cluster")
    assert {name: after[name]["id"] for name in before} == {name: row["id"] for name, row in before.items()}
    assert set(after) - set(before) == {"rook"}
    assert one.result(run, "gather") == {"keywords_processed": 5, "clusters_created": 1}


def test_too_few_keywords_are_skipped_with_the_reason_and_wait_for_the_next_run(press: Open, undisturbed: Ends) -> None:
    one = press()
    run = one.start(WORDS[:3])
    assert one.drive(run) == "completed"
    assert one.result(run, "gather") == {"skipped": "3 keywords, at least 5 are needed"}
    found = {(k["stage"], k["state"], k["run"], k["attempts"], k["word"]) for k in one.rows("keyword").values()}
    assert found == {("gather", "ready", None, 0, "new")}
    assert one.drive(one.start(WORDS[3:])) == "completed"
    assert one.end() == undisturbed


def test_every_stage_adds_up_what_it_did(press: Open) -> None:
    one = press(per="batch")
    run = one.start(WORDS)
    one.drive(run)
    assert one.result(run, "gather") == {"keywords_processed": 12, "clusters_created": 6}
    assert one.result(run, "think") == {"ideas_created": len(by_name(one, "idea")) + 1}  # one was merged away
    assert one.result(run, "write")["total_words"] == sum(a["words"] for a in one.rows("article").values())
    painted = sum(i["note"] == "painted" for i in one.rows("image").values())
    assert one.result(run, "paint") == {"images_generated": painted}


def test_a_parent_goes_on_when_its_children_are_at_rest_however_they_ended(press: Open) -> None:
    one = press()
    one.drive(one.start(WORDS))
    images = by_name(one, "image")
    assert {name: images[name]["state"] for name in ("swan-0/1", "owl-0/0", "gull-0/1", "heron-0/1")} == {
        "swan-0/1": "failed", "owl-0/0": "quarantined", "gull-0/1": "failed", "heron-0/1": "done",
    }  # fmt: skip
    assert "heron-1/2" not in images  # merged into its sister
    assert {(a["stage"], a["state"]) for a in one.rows("article").values()} == {("review", "waiting")}
    assert by_name(one, "task")["crow-0"]["state"] == "failed"
    assert {(i["stage"], i["note"]) for i in one.rows("idea").values()} == {("sum_up", "summed up")}
    assert {(c["stage"], c["state"], c["note"]) for c in one.rows("cluster").values()} == {("close", "done", "closed")}


def test_an_article_without_images_waits_for_nothing(press: Open) -> None:
    one = press()
    one.drive(one.start(WORDS))
    assert by_name(one, "article")["lark-0"]["state"] == "waiting"


def test_stages_that_may_not_overlap_follow_one_another(press: Open) -> None:
    one = press(overlap=False)
    one.drive(one.start(WORDS))
    numbers = [number for _, number in one.claimed]
    assert numbers == sorted(numbers)
    assert set(numbers) == set(range(1, 10))


def test_stages_that_may_overlap_go_deep_first_but_never_through_a_barrier(press: Open) -> None:
    one = press(per="batch")
    one.drive(one.start(WORDS))
    numbers = [number for _, number in one.claimed]
    assert numbers != sorted(numbers)
    assert max(n for n, at in enumerate(numbers) if at == 1) < numbers.index(2)


def test_runs_of_two_sites_at_once_never_mix(press: Open) -> None:
    one = press()
    runs = [one.start(WORDS, place) for place in ("north", "south")]
    one.together(runs, seed=7)
    assert [one.status(run) for run in runs] == ["completed", "completed"]
    ended = one.end()
    for table in TABLES:
        north, south = ([row for row in ended[table] if row[1] == place] for place in ("north", "south"))
        assert [(row[0], *row[2:]) for row in north] == [(row[0], *row[2:]) for row in south]
    homes = {row["id"]: row["place"] for row in one.rows("article").values()}
    assert all(homes[image["of"]] == image["place"] for image in one.rows("image").values())
    if hasattr(one, "site"):
        places = {one.site(place).pk: place for place in ("north", "south")}
        assert all(places[r["site_id"]] == r["place"] for table in TABLES for r in one.rows(table).values())
    assert one.wrong() == []


@pytest.mark.parametrize("seed", range(3))
def test_two_drivers_end_where_one_ends(press: Open, undisturbed: Ends, seed: int) -> None:
    one = press(per="batch")
    run = one.start(WORDS)
    one.together([run], seed)
    assert one.status(run) == "completed"
    assert one.end() == undisturbed
    assert one.wrong() == []


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("per", ["set", "batch"])
def test_a_run_that_is_killed_ends_where_an_undisturbed_one_ends(
    press: Open, undisturbed: Ends, per: str, after: bool
) -> None:
    one, crashes = press(per=per), 0
    run = one.start(WORDS)
    for n in (3, 1, 2, 5, 8, 4, 13, 7, 21, 6, 34, 2):
        crashes += one.crashing(n, after, run)
        one.process()
        assert one.miscounted() == []
    one.drive(run)
    assert crashes >= 8
    assert one.status(run) == "completed"
    assert one.end() == undisturbed
    assert one.wrong() == []


@pytest.mark.parametrize("steps", [1, 6, 14, 32])
def test_a_cancel_gives_every_table_back_and_the_next_run_takes_all_of_it_up(
    press: Open, undisturbed: Ends, steps: int
) -> None:
    one = press()
    first = one.start(WORDS)
    one.drive(first, steps)
    one.cancel(first)
    assert one.drive(first) == "cancelled"
    left = [row for table in TABLES for row in one.rows(table).values() if row["state"] == "ready"]
    assert left
    assert {row["run"] for row in left} == {None}
    second = one.start([])
    taken = [row for table in TABLES for row in one.rows(table).values() if row["state"] == "ready"]
    assert {row["run"] for row in taken} == {second}
    assert one.drive(second) == "completed"
    assert one.end() == undisturbed
    assert one.wrong() == []


def test_what_was_settled_is_not_settled_again(press: Open) -> None:
    one = press()
    run = one.start(WORDS)
    batch = one.claim(run, one.ledger)
    one.settle(batch, one.ledger)
    ended = one.end()
    with pytest.raises(LeaseLost):
        one.settle(batch, one.ledger)
    assert one.end() == ended


@pytest.mark.parametrize("steps", [0, 1, 4, 9, 16, 40])
def test_a_rollback_takes_exactly_what_the_run_made_and_gives_back_what_it_took(disk: OnDisk, steps: int) -> None:
    first = disk.start(WORDS)
    disk.drive(first, steps)
    disk.cancel(first)
    disk.drive(first)
    before = disk.end(), disk.whole()
    second = disk.start([])
    disk.drive(second)
    assert disk.end() != before[0]
    assert disk.roll_back(second) > 0
    assert (disk.end(), disk.whole()) == before
    assert disk.miscounted() == []
    assert disk.wrong() == []


def test_a_rolled_back_newsroom_does_it_all_again_and_ends_the_same(disk: OnDisk, undisturbed: Ends) -> None:
    run = disk.start(WORDS)
    disk.drive(run)
    disk.roll_back(run)
    assert {table: len(disk.rows(table)) for table in TABLES if disk.rows(table)} == {"keyword": len(WORDS)}
    disk.drive(disk.start([]))
    assert disk.end() == undisturbed


def test_a_retried_image_opens_the_join_of_its_article_until_it_is_at_rest_again(disk: OnDisk) -> None:
    first = disk.start(WORDS)
    disk.drive(first)
    disk.world.mended = True
    second = disk.retry(first)
    waiting = {a["name"]: a["open_children"] for a in disk.rows("article").values() if a["open_children"]}
    assert waiting == {"gull-0": 1, "owl-0": 1, "swan-0": 1}
    assert by_name(disk, "idea")["crow-0"]["open_children"] == 1
    assert disk.miscounted() == []
    assert disk.drive(second) == "completed"
    assert {i["state"] for i in disk.rows("image").values()} == {"done"}
    assert by_name(disk, "article")["crow-0"]["run"] == second
    assert {a["state"] for a in disk.rows("article").values()} == {"waiting"}
    assert disk.miscounted() == []
    assert disk.wrong() == []


def test_a_retry_that_is_rolled_back_leaves_the_joins_as_they_were(disk: OnDisk) -> None:
    first = disk.start(WORDS)
    disk.drive(first)
    before = disk.end()
    disk.world.mended = True
    second = disk.retry(first)
    disk.drive(second)
    disk.roll_back(second)
    assert disk.miscounted() == []
    assert disk.wrong() == []
    after = disk.end()
    assert {t: len(after[t]) for t in TABLES} == {t: len(before[t]) for t in TABLES}


def test_a_column_that_names_a_row_which_nothing_made_spends_a_try_of_its_item_alone(disk: OnDisk) -> None:
    run = disk.start(WORDS)
    disk.step(run)
    batch = disk.claim(run, disk.ledger)
    assert batch is not None
    whats = [Done({"of": Ref("idea", "no such")}), Done()]
    results = [Result(i["id"], what, i["attempt"]) for i, what in zip(batch.items, whats, strict=True)]
    disk.ledger.settle(batch, results, True)
    clusters = disk.rows("cluster")
    found = [(clusters[i["id"]]["stage"], clusters[i["id"]]["error_code"]) for i in batch.items]
    assert found == [("think", "conflict"), ("close", "")]
    assert disk.miscounted() == []
