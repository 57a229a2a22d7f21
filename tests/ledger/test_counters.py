from __future__ import annotations

from typing import Any

from penstock.ledger.counters import Tally
from penstock.ledger.models import SiteCounter, StageRun
from penstock.ledger.tx import write
from tests.conformance import plant


def tallied(store: Any, fill: Any) -> None:
    with write("test") as cursor:
        tally = Tally()
        fill(tally)
        tally.write(cursor, store.site.pk)


def test_a_move_lowers_one_place_and_raises_another_for_run_and_site(store: Any) -> None:
    run = store.start(plant.pipeline(), ["", ""])
    tallied(store, lambda t: t.move(run, "widget", ("cut", "ready"), ("number", "ready")))
    stages = dict(StageRun.objects.values_list("name", "ready"))
    assert (stages["cut"], stages["number"]) == (1, 1)
    sites = {(c.stage, c.state): c.n for c in SiteCounter.objects.all()}
    assert sites == {("cut", "ready"): 1, ("number", "ready"): 1}


def test_rows_of_no_run_move_the_site_only(store: Any) -> None:
    store.start(plant.pipeline(), [""])
    tallied(store, lambda t: t.add(None, "widget", ("join", "ready"), 5))
    assert SiteCounter.objects.get(stage="join").n == 5
    assert StageRun.objects.get(name="join").ready == 0


def test_what_cancels_out_writes_nothing(store: Any, django_statements: Any) -> None:
    run = store.start(plant.pipeline(), [""])

    def there_and_back(tally: Tally) -> None:
        tally.move(run, "widget", ("cut", "ready"), ("cut", "leased"))
        tally.move(run, "widget", ("cut", "leased"), ("cut", "ready"))

    with django_statements() as seen:
        tallied(store, there_and_back)
    assert [sql for sql in seen if sql.startswith(("UPDATE", "INSERT"))] == []


def test_passed_and_retries_are_counted_per_stage(store: Any) -> None:
    run = store.start(plant.pipeline(), [""])

    def fill(tally: Tally) -> None:
        tally.passed(run, "cut", 3)
        tally.retried(run, "cut")
        tally.retried(run, "cut")

    tallied(store, fill)
    cut = StageRun.objects.get(name="cut")
    assert (cut.passed, cut.retries) == (3, 2)
