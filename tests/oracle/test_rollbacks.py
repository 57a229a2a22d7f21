from __future__ import annotations

from typing import Any

from penstock.ledger import events
from penstock.ledger.models import BeforeImage
from tests.oracle.scene import AT, PUBLISHED, RUN


def test_whatever_is_left_of_a_run_that_was_rolled_back_is_told(scene: Any) -> None:
    scene.sql("UPDATE ledger_run SET rolled_back_at='2026-11-21 11:00:00'")
    left = {subject for invariant, subject in scene.told() if invariant == "I14"}
    assert {"photo 1", "photo 2", "photo 3", "photo 4"} <= left
    assert any(subject.startswith("name ") for subject in left)


def test_what_a_rollback_kept_because_it_was_published_is_in_order(scene: Any) -> None:
    scene.sql("UPDATE ledger_run SET rolled_back_at='2026-11-21 11:00:00'")
    kept = {"kept": {"photo": [PUBLISHED]}}
    events.record(AT, "rolled_back", site=scene.site.pk, run=RUN, data=kept)
    left = {subject for invariant, subject in scene.told() if invariant == "I14"}
    assert "photo 1" in left
    assert "photo 4" not in left


def test_a_before_image_that_was_not_put_back_is_told(scene: Any) -> None:
    scene.sql("UPDATE review_queue SET made_by=''")
    scene.sql("UPDATE photos_reservedname SET made_by=''")
    scene.sql("DELETE FROM ledger_effect")
    scene.sql("DELETE FROM ledger_artefact")
    BeforeImage.objects.create(run=RUN, table="photo", item=1, data={})
    scene.sql("UPDATE ledger_run SET rolled_back_at='2026-11-21 11:00:00'")
    assert {one for one in scene.told() if one[0] == "I14"} == {("I14", "photo 1")}


def test_a_rollback_that_stopped_half_way_is_told(scene: Any) -> None:
    scene.sql("UPDATE ledger_run SET undoing='effects', active_key=site_id || ':run'")
    assert scene.told() == {("I14", f"run {RUN}")}
