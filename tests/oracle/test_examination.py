from __future__ import annotations

from typing import Any

from penstock.accounts.models import create_site
from penstock.oracle import examine
from tests.conformance import plant


def test_an_empty_home_is_in_order(ledger_home: Any) -> None:
    assert examine(deep=True) == []


def test_a_home_with_waiting_approved_rejected_and_published_photos_is_in_order(scene: Any) -> None:
    assert scene.wrong(deep=True) == []
    assert scene.wrong(files=False) == []


def test_a_run_that_was_worked_from_end_to_end_is_in_order(plant_store: Any) -> None:
    run = plant_store.start(plant.pipeline(), ["", "once", "item", "quarantine", "", "same:1", "died", "fallback"])
    assert examine(deep=True) == []
    plant.drive(plant_store.ledger, run)
    assert examine(deep=True) == []


def test_work_under_way_is_in_order(plant_store: Any) -> None:
    run = plant_store.start(plant.pipeline(), [""] * 5)
    plant_store.ledger.claim(run, {"cpu": 1})
    assert examine(deep=True) == []


def test_another_site_is_left_out(scene: Any) -> None:
    scene.sql("UPDATE ledger_sitecounter SET n=n+1")
    other = create_site("other", "photos")
    assert scene.wrong(site=other) == []
    assert len(scene.wrong(site=scene.site)) == len(scene.wrong()) > 0


def test_a_violation_names_its_row_its_numbers_and_what_to_do(scene: Any) -> None:
    scene.sql("UPDATE ledger_sitecounter SET n=7 WHERE state='waiting'")
    (one,) = scene.wrong()
    assert one.invariant == "24"
    assert "7" in one.detail
    assert "there are 1" in one.detail
    assert one.mend


def test_it_tells_what_it_looks_at_and_when_it_is_done(scene: Any) -> None:
    told: list[str] = []
    scene.wrong(files=False, told=told.append)
    assert (told[0], told[-2], told[-1]) == ("runs", "database", "")
