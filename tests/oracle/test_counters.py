from __future__ import annotations

from typing import Any

from tests.oracle.scene import RUN


def test_a_site_counter_that_is_off_is_told(scene: Any) -> None:
    scene.sql("UPDATE ledger_sitecounter SET n=n+1 WHERE state='approved'")
    assert scene.told() == {("24", f"site {scene.site.pk}, photo review/approved")}


def test_rows_that_no_site_counter_knows_are_told(scene: Any) -> None:
    scene.sql("DELETE FROM ledger_sitecounter WHERE state='waiting'")
    assert scene.told() == {("24", f"site {scene.site.pk}, photo review/waiting")}


def test_counted_rows_that_are_not_there_are_told(scene: Any) -> None:
    values = f"({scene.site.pk}, 'file', 'validate', 'ready', 3), ({scene.site.pk}, 'spoon', 'bend', 'ready', 1)"
    scene.sql(f'INSERT INTO ledger_sitecounter (site_id, "table", stage, state, n) VALUES {values}')
    expected = {("24", f"site {scene.site.pk}, file validate/ready"), ("24", f"site {scene.site.pk}, spoon")}
    assert scene.told() == expected


def test_a_run_counter_that_is_off_is_told(scene: Any) -> None:
    scene.sql("UPDATE ledger_stagerun SET rejected=rejected+1, ready=2 WHERE name='review'")
    assert scene.told() == {("24", f"run {RUN}, review/rejected"), ("24", f"run {RUN}, review/ready")}


def test_a_stage_that_passed_more_or_less_than_its_events_say_is_told(scene: Any) -> None:
    scene.sql("UPDATE ledger_stagerun SET passed=passed+1 WHERE name='review'")
    assert scene.told() == {("I20", f"run {RUN}, review")}
    scene.sql("UPDATE ledger_stagerun SET passed=passed-2 WHERE name='review'")
    assert scene.told() == {("I20", f"run {RUN}, review")}
