"""The same photos once more: twins in one set, folders added again, decisions that stand, reports that follow."""

from __future__ import annotations

import json
import shutil
from typing import Any

from tests.cli.calling import call
from tests.doors.door import SITE, Door


def review(door: Door, verb: str, *items: int) -> None:
    more = ("--reason", "blurred") if verb == "reject" else ()
    done = call("--json", "review", verb, SITE, *items, *more)
    assert done.code == 0, done.err


def report(door: Door) -> dict[str, Any]:
    found = json.loads((door.home / "data" / "prefill_qc_last.json").read_text("utf-8"))
    assert isinstance(found, dict)
    return found


def test_identical_bytes_twice_make_one_photo(door: Door) -> None:
    door.add("IMG_1.jpg", "IMG_2.jpg", "IMG_3_twin.jpg")
    done = door.run()
    assert (done.code, done.data["items"]) == (0, {"waiting": 2})
    kept = door.photo("IMG_2.jpg")["id"]
    assert f"Duplicate content: IMG_3_twin.jpg is photo {kept}: the same file twice in this run" in door.log
    assert len(door.names()) == 2
    assert len(list((door.home / "incoming").iterdir())) == 2
    door.healthy()


def test_identical_bytes_twice_in_a_moved_set_leave_the_twin_where_it_was(door: Door) -> None:
    place = door.add("IMG_1.jpg", "IMG_2_twin.jpg", move=True)
    assert door.run().data["items"] == {"waiting": 1}
    assert [file.name for file in place.iterdir()] == ["IMG_2_twin.jpg"]
    door.healthy()


def test_a_folder_added_again_refreshes_what_is_pending_and_leaves_what_is_decided(door: Door) -> None:
    place = door.add("IMG_1.jpg", "IMG_2.jpg", "IMG_3.jpg", "IMG_4.jpg")
    door.run()
    one, two, three, four = (row["id"] for row in door.photos())
    names = {row["id"]: row["File_Name"] for row in door.photos()}
    review(door, "approve", one, two)
    assert call("--json", "publish", SITE).code == 0
    review(door, "approve", three) if door.photos()[2]["Review_Status"] == "Pending" else None
    before = {row["id"]: row for row in door.photos()}
    door.add_again(place)
    done = door.run()
    assert (done.code, done.data["items"]) == (0, {"waiting": 1})
    after = {row["id"]: row for row in door.photos()}
    assert set(after) == set(before)
    assert [after[n]["Review_Status"] for n in (one, two, three, four)] == [
        "Published",
        "Published",
        "Approved",
        "Pending",
    ]
    assert {n: row["File_Name"] for n, row in after.items()} == names
    for n in (one, two, three):
        assert after[n] == before[n]
        word = "published" if n != three else "approved"
        assert f"is photo {n}: that photo is {word} and was left alone" in door.log
    assert f"is photo {four}: that row was Pending and goes through again" in door.log
    assert after[four]["run"] == done.data["run_id"] != before[four]["run"]
    assert len(door.names()) == 4
    assert len(list((door.home / "incoming").iterdir())) == 4
    door.healthy()


def test_a_rejected_photo_that_is_added_again_gets_a_name_again(door: Door) -> None:
    place = door.add("IMG_1.jpg", "IMG_2.jpg")
    door.run()
    first = door.photo("IMG_1.jpg")
    review(door, "reject", first["id"])
    assert first["File_Name"] not in door.names()
    door.add_again(place)
    assert door.run().data["items"] == {"waiting": 2}
    again = door.photo("IMG_1.jpg")
    assert (again["id"], again["Review_Status"]) == (first["id"], "Pending")
    assert again["File_Name"] in door.names()
    assert sorted(door.names()) == sorted(row["File_Name"] for row in door.photos())
    door.healthy()


def test_a_rejected_photo_added_again_never_takes_a_name_that_went_to_another(door: Door) -> None:
    place = door.add("IMG_1.jpg")
    door.run()
    first = door.photo("IMG_1.jpg")
    review(door, "reject", first["id"])
    door.add("NEW_1.jpg", seed=5)
    door.run()
    door.add_again(place)
    assert door.run().data["items"] == {"waiting": 1}
    rows = door.photos()
    assert len({row["File_Name"] for row in rows}) == len(rows) == len(door.names()) == 2
    door.healthy()


def test_a_refresh_that_is_rolled_back_leaves_the_pending_row_as_it_was(door: Door) -> None:
    place = door.add("IMG_1.jpg", "IMG_2.jpg")
    door.run()
    review(door, "reject", door.photo("IMG_2.jpg")["id"])
    before = door.all_of_it()
    door.add_again(place)
    done = door.run()
    assert call("--json", "rollback", done.data["run_id"]).code == 0
    after = door.all_of_it()
    for name in ("review_queue", "photos_reservedname", "files"):
        assert after[name] == before[name]
    door.healthy()


def test_the_last_report_is_always_that_of_the_last_run_that_stands(door: Door) -> None:
    door.add("IMG_1.jpg", "IMG_2.jpg")
    first = door.run().data["run_id"]
    door.add("IMG_3.jpg", seed=9)
    second = door.run().data["run_id"]
    assert (report(door)["run_id"], report(door)["summary"]["row_count"]) == (second, 1)
    door.healthy()
    assert call("--json", "rollback", second).code == 0
    assert (report(door)["run_id"], report(door)["summary"]["row_count"]) == (first, 2)
    third = door.run().data["run_id"]
    assert report(door)["run_id"] == third
    call("--json", "rollback", third)
    call("--json", "rollback", first)
    assert not door.photos()
    door.healthy()


def test_a_run_with_nothing_to_do_leaves_an_empty_report(door: Door) -> None:
    door.add("IMG_1.jpg")
    door.run()
    done = door.run()
    assert (report(door)["run_id"], report(door)["summary"]["row_count"]) == (done.data["run_id"], 0)
    door.healthy()


def test_an_original_that_is_gone_fails_alone(door: Door) -> None:
    place = door.add("IMG_1.jpg", "IMG_2.jpg")
    (place / "IMG_1.jpg").unlink()
    done = door.run()
    assert (done.code, done.data["items"]) == (1, {"waiting": 1, "failed": 1})
    row = door.photo("IMG_1.jpg")
    assert row["Review_Status"] == "Error"
    assert {row[name] for name in row if name.endswith("_score")} == {None}
    shutil.rmtree(place)
    door.healthy()
