from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from penstock.engine.errors import NotFound, Refused

if TYPE_CHECKING:
    from tests.publish.desk import Desk

FULL, THUMB = "2024/nature/Heron at dawn.JPG", "2024/thumbs/nature/Heron at dawn.JPG"


def counts(result: dict[str, Any]) -> tuple[int, int, int, int]:
    return result["published"], result["failed"], result["unchanged"], result["conflicts"]


def photo(item: int) -> Any:
    from penstock.pipelines.photos.models import Photo

    return Photo.objects.get(id=item)


def test_an_approved_photo_is_published_to_files_and_row(desk: Desk) -> None:
    from tests.publish.desk import recounted

    item = desk.photo()
    result = desk.publish()
    assert result["rows"] == [{"id": item, "status": "published", "error": ""}]
    assert counts(result) == (1, 0, 0, 0)
    assert list(desk.files()) == [FULL, THUMB]
    row = desk.rows()[0]
    assert (row["id"], row["File_Name"], row["Width"], row["Height"]) == (1, "Heron at dawn.JPG", 900, 600)
    assert row["Lens_model"] is None
    assert row["Path"] == str(desk.base / FULL)
    done = photo(item)
    assert (done.state, done.Review_Status, done.Path) == ("done", "Published", str(desk.base / FULL))
    assert desk.states() == {"files": ("done", "sent"), "table": ("done", "sent")}
    recounted()


def test_the_public_address_is_what_row_and_photo_say(desk: Desk) -> None:
    desk.site.settings = {"public_url_base": "https://example.org/images/"}
    desk.site.save()
    item = desk.photo()
    desk.publish()
    assert desk.rows()[0]["Path"] == "https://example.org/images/2024/nature/Heron%20at%20dawn.JPG"
    assert photo(item).Thumb_Path == "https://example.org/images/2024/thumbs/nature/Heron%20at%20dawn.JPG"


def test_only_approved_photos_are_published(desk: Desk) -> None:
    desk.photo(approve=False)
    assert counts(desk.publish()) == (0, 0, 0, 0)
    assert desk.files() == {}


def test_publishing_twice_changes_nothing(desk: Desk) -> None:
    item = desk.photo()
    desk.publish()
    before = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in desk.base.rglob("*.JPG")}
    rows = desk.rows()
    result = desk.publish()
    assert result["rows"] == [{"id": item, "status": "unchanged", "error": ""}]
    assert counts(result) == (0, 0, 1, 0)
    assert {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in desk.base.rglob("*.JPG")} == before
    assert desk.rows() == rows


def test_a_site_without_targets_is_refused_with_the_mend(ledger_home: Any) -> None:
    from tests.publish.desk import Desk

    desk = Desk()
    desk.photo()
    with pytest.raises(Refused, match="penstock target add herons"):
        desk.start()


def test_an_unknown_target_is_named_with_those_there_are(desk: Desk) -> None:
    with pytest.raises(NotFound, match="targets: files, table"):
        desk.start("nowhere")


def test_a_second_publisher_is_refused_while_one_is_open(desk: Desk) -> None:
    from penstock.publish.models import Delivery

    desk.photo()
    desk.start()
    before = list(Delivery.objects.values())
    with pytest.raises(Refused, match="has an open run"):
        desk.start()
    assert list(Delivery.objects.values()) == before


def test_a_photo_whose_original_changed_is_told_and_the_others_go(desk: Desk) -> None:
    from pathlib import Path

    bad, good = desk.photo(), desk.photo("Other.JPG")
    with Path(photo(bad).staged_path).open("ab") as stream:
        stream.write(b"x")
    result = desk.publish()
    assert counts(result) == (1, 1, 0, 0)
    told = {row["id"]: (row["status"], row["error"]) for row in result["rows"]}
    assert told[good] == ("published", "")
    assert told[bad][0] == "failed"
    assert "changed on disk" in told[bad][1]
    assert photo(bad).Review_Status == "Approved"


def test_an_edit_between_approval_and_upload_voids_it_and_nothing_is_sent(desk: Desk) -> None:
    from penstock.review import gate
    from tests.publish.desk import CLOCK, WHO, recounted

    item = desk.photo()
    run = desk.start()
    gate.edit("photo", item, {"Caption": "A heron stands somewhere else."}, who=WHO, at=CLOCK.wall())
    result = desk.drive(run)
    assert counts(result) == (0, 1, 0, 0)
    assert "not approved" in result["rows"][0]["error"]
    assert (desk.files(), desk.rows()) == ({}, [])
    assert photo(item).Review_Status == "Pending"
    desk.approve(item)
    assert counts(desk.publish()) == (1, 0, 0, 0)
    assert desk.rows()[0]["Caption"] == "A heron stands somewhere else."
    recounted()


def test_a_strangers_file_is_a_conflict_and_no_row_appears(desk: Desk) -> None:
    item = desk.photo()
    theirs = desk.base / FULL
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"theirs")
    result = desk.publish()
    assert counts(result) == (0, 0, 0, 1)
    assert "did not put there" in result["rows"][0]["error"]
    assert list(desk.files()) == [FULL]
    assert theirs.read_bytes() == b"theirs"
    assert desk.rows() == []
    assert photo(item).Review_Status == "Approved"
    theirs.unlink()
    assert counts(desk.publish()) == (1, 0, 0, 0)


def test_a_strangers_row_is_a_conflict_and_the_files_stay(desk: Desk) -> None:
    desk.photo()
    sql = "INSERT INTO photos_info_revamp (File_Name, Original_File_Name) VALUES ('Heron at dawn.JPG', 'x')"
    desk.sql(sql)
    result = desk.publish()
    assert counts(result) == (0, 0, 0, 1)
    assert "did not write" in result["rows"][0]["error"]
    assert desk.states() == {"files": ("done", "sent"), "table": ("failed", "conflict")}
    assert [row["Caption"] for row in desk.rows()] == [None]


def test_a_failed_target_is_retried_with_the_same_bytes(desk: Desk) -> None:
    from penstock.publish.models import Delivery
    from tests.publish.desk import recounted

    item = desk.photo()
    desk.sql("CREATE TRIGGER no BEFORE INSERT ON photos_info_revamp BEGIN SELECT RAISE(ABORT, 'no rows today'); END")
    first = desk.publish()
    assert counts(first) == (0, 0, 0, 1)
    assert "no rows today" in first["rows"][0]["error"]
    files, rendered = desk.files(), Delivery.objects.get(target__name="files").files
    desk.sql("DROP TRIGGER no")
    assert counts(desk.publish()) == (1, 0, 0, 0)
    assert desk.files() == files
    assert Delivery.objects.get(target__name="files").files == rendered
    assert photo(item).Review_Status == "Published"
    recounted()


def test_a_target_that_is_not_there_pauses_the_run_and_resuming_finishes_it(desk: Desk) -> None:
    from penstock.ledger import control
    from penstock.ledger.models import Run
    from tests.publish.desk import CLOCK

    desk.photo()
    away = desk.base.with_name("away")
    desk.base.rename(away)
    run = desk.start()
    desk.drive(run)
    paused = Run.objects.get(id=run.id)
    assert (paused.status, "mount or make it" in paused.error_message) == ("paused", True)
    away.rename(desk.base)
    control.resume(paused, CLOCK)
    assert counts(desk.drive(run)) == (1, 0, 0, 0)


def test_a_new_target_gets_what_is_published_only_when_it_is_named(desk: Desk) -> None:
    from penstock.publish import targets

    desk.photo()
    desk.publish()
    mirror = desk.site.root / "mirror"
    targets.add(desk.site, "mirror", "folder", str(mirror))
    assert counts(desk.publish()) == (0, 0, 1, 0)
    assert list(mirror.iterdir()) == []
    assert counts(desk.publish("mirror")) == (1, 0, 0, 0)
    assert (mirror / FULL).read_bytes() == (desk.base / FULL).read_bytes()
    assert counts(desk.publish("mirror")) == (0, 0, 1, 0)


def test_a_row_target_alone_waits_for_the_files(desk: Desk) -> None:
    item = desk.photo()
    result = desk.publish("table")
    assert counts(result) == (0, 1, 0, 0)
    assert "its files are not on files yet" in result["rows"][0]["error"]
    assert desk.rows() == []
    assert counts(desk.publish("files")) == (1, 0, 0, 0)
    assert photo(item).Review_Status == "Approved"
    assert counts(desk.publish("table")) == (1, 0, 0, 0)
    assert photo(item).Review_Status == "Published"


def test_two_folders_get_the_same_bytes_rendered_once(desk: Desk) -> None:
    from penstock.ledger.models import Artefact
    from penstock.publish import targets

    mirror = desk.site.root / "mirror"
    targets.add(desk.site, "mirror", "folder", str(mirror))
    desk.photo()
    assert counts(desk.publish()) == (1, 0, 0, 0)
    assert (mirror / FULL).read_bytes() == (desk.base / FULL).read_bytes()
    assert Artefact.objects.filter(table="delivery").count() == 2


def test_a_dry_run_reads_the_targets_and_writes_nothing(desk: Desk) -> None:
    from pathlib import Path

    from penstock.publish import outbox
    from penstock.publish.models import Delivery

    new, changed = desk.photo(), desk.photo("Changed.JPG")
    clash = desk.base / "2024" / "nature" / "Changed.JPG"
    clash.parent.mkdir(parents=True)
    clash.write_bytes(b"theirs")
    blocked = desk.photo("Blocked.JPG")
    Path(photo(blocked).staged_path).unlink()
    preview = outbox.plan(desk.site)
    assert [(one.item, one.target) for one in preview.new] == [(new, "files"), (new, "table"), (changed, "table")]
    assert [(one.item, one.target) for one in preview.conflicts] == [(changed, "files")]
    assert [one.item for one in preview.blocked] == [blocked]
    assert (preview.changed, preview.unchanged) == ([], [])
    assert Delivery.objects.count() == 0
    assert list(desk.files()) == ["2024/nature/Changed.JPG"]


@pytest.mark.parametrize(
    "point",
    ["publish.before_send", "folder.before_rename", "publish.after_file@1", "publish.after_file@2",
     "sqltable.before_commit", "publish.after_row", "publish.before_settle"],
)  # fmt: skip
def test_a_child_killed_at_any_step_ends_in_the_same_place(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    from tests.publish.desk import recounted

    name, _, nth = point.partition("@")
    desk.photo()
    monkeypatch.setenv("PENSTOCK_FAILPOINTS", f"{name}=kill@{nth or 1}")
    run = desk.start()
    _killing_once(monkeypatch)
    assert counts(desk.drive(run)) == (1, 0, 0, 0)
    assert "PENSTOCK_FAILPOINTS" not in os.environ  # it did die
    assert list(desk.files()) == [FULL, THUMB]
    assert len(desk.rows()) == 1
    assert desk.states() == {"files": ("done", "sent"), "table": ("done", "sent")}
    recounted()


def _killing_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first child that dies is the last one in which the failpoint is armed."""
    from penstock.engine.settle import Plan

    take = Plan.take

    def noticing(plan: Plan, result: Any) -> None:
        from penstock.engine.errors import Died

        if isinstance(result.what, Died):
            os.environ.pop("PENSTOCK_FAILPOINTS", None)
        take(plan, result)

    monkeypatch.setattr(Plan, "take", noticing)


def test_an_approved_photo_is_locked_while_nobody_knows_whether_it_arrived(desk: Desk) -> None:
    from penstock.publish.models import Delivery
    from penstock.review import gate
    from tests.publish.desk import CLOCK, WHO

    item = desk.photo()
    desk.sql("CREATE TRIGGER no BEFORE INSERT ON photos_info_revamp BEGIN SELECT RAISE(ABORT, 'no rows today'); END")
    desk.publish()
    for outcome, words in (("unknown", "nobody knows"), ("undoing", "run unpublish again"), ("sent", "parts of it")):
        Delivery.objects.filter(target__name="files").update(outcome=outcome)
        for act in (
            lambda: gate.edit("photo", item, {"Caption": "Else."}, who=WHO, at=CLOCK.wall()),
            lambda: gate.reject("photo", item, who=WHO, at=CLOCK.wall(), reason="no"),
            lambda: gate.send_back("photo", item, who=WHO, at=CLOCK.wall()),
        ):
            with pytest.raises(Refused, match=words):
                act()


def test_a_cancelled_run_publishes_nothing_more_and_the_next_one_goes_on(desk: Desk) -> None:
    from penstock.ledger import control
    from tests.publish.desk import CLOCK, recounted

    desk.photo()
    run = desk.start()
    control.cancel(run, CLOCK)
    result = desk.drive(run)
    assert result["rows"][0]["status"] == "pending"
    assert desk.files() == {}
    assert counts(desk.publish()) == (1, 0, 0, 0)
    recounted()


def test_a_publishing_run_is_not_rolled_back_but_unpublished(desk: Desk) -> None:
    from penstock.ledger import rollback
    from penstock.ledger.models import Run
    from tests.publish.desk import CLOCK

    item = desk.photo()
    desk.publish()
    run = Run.objects.get(kind="publish")
    with pytest.raises(Refused, match="penstock unpublish herons"):
        rollback.rollback(run, CLOCK.wall())
    assert photo(item).Review_Status == "Published"
    assert list(desk.files()) == [FULL, THUMB]
    assert desk.states() == {"files": ("done", "sent"), "table": ("done", "sent")}
