from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from penstock.engine import failpoint
from penstock.engine.failpoint import SimulatedCrash

if TYPE_CHECKING:
    from tests.publish.desk import Desk

FULL = "2024/nature/Heron at dawn.JPG"


def drift(desk: Desk) -> list[tuple[str, int, str]]:
    from penstock.publish.drift import reconcile

    return [(one.target, one.item, one.what) for one in reconcile(desk.site)]


def test_after_a_publish_there_is_none(desk: Desk) -> None:
    desk.photo()
    desk.publish()
    assert drift(desk) == []


def test_what_others_removed_changed_or_added_is_told_and_left_alone(desk: Desk) -> None:
    gone, edited = desk.photo(), desk.photo("Edited.JPG")
    desk.publish()
    (desk.base / FULL).unlink()
    (desk.base / "2024/nature/Edited.JPG").write_bytes(b"theirs")
    (desk.base / "theirs.txt").write_bytes(b"theirs")
    desk.sql("DELETE FROM photos_info_revamp WHERE File_Name='Heron at dawn.JPG'")
    desk.sql("UPDATE photos_info_revamp SET QR=1")
    desk.sql("INSERT INTO photos_info_revamp (File_Name, Original_File_Name) VALUES ('Theirs.JPG', 'x')")
    files, rows = desk.files(), desk.rows()
    assert drift(desk) == [
        ("files", gone, "missing"),
        ("files", edited, "changed"),
        ("files", 0, "foreign"),
        ("table", gone, "missing"),
        ("table", edited, "changed"),
        ("table", 0, "foreign"),
    ]
    assert (desk.files(), desk.rows()) == (files, rows)


def test_an_unpublish_that_broke_off_is_told(desk: Desk) -> None:
    from penstock.publish import undo
    from tests.publish.desk import CLOCK, WHO

    item = desk.photo()
    desk.publish()
    with failpoint.armed("unpublish.after_withdraw=crash"), pytest.raises(SimulatedCrash):
        undo.unpublish(desk.site, [item], WHO, CLOCK)
    assert drift(desk) == [("files", item, "unsettled"), ("table", item, "unsettled")]
