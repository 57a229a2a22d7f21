from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from penstock.engine import failpoint
from penstock.engine.errors import NotFound
from penstock.engine.failpoint import SimulatedCrash

if TYPE_CHECKING:
    from tests.publish.desk import Desk

FULL = "2024/nature/Heron at dawn.JPG"


def unpublish(desk: Desk, *items: int) -> dict[str, Any]:
    from penstock.publish import undo
    from tests.publish.desk import CLOCK, WHO

    return undo.unpublish(desk.site, items, WHO, CLOCK)


def photo(item: int) -> Any:
    from penstock.pipelines.photos.models import Photo

    return Photo.objects.get(id=item)


def words(result: dict[str, Any]) -> list[str]:
    return [row["status"] for row in result["rows"]]


def test_unpublishing_takes_row_and_files_back_and_the_photo_waits(desk: Desk) -> None:
    from penstock.review.models import Decision
    from tests.publish.desk import recounted

    item, other = desk.photo(), desk.photo("Other.JPG")
    path = photo(item).Path
    desk.publish()
    assert unpublish(desk, item) == {
        "unpublished": 1, "failed": 0, "conflicts": 0, "rows": [{"id": item, "status": "unpublished", "error": ""}]
    }  # fmt: skip
    assert [row["File_Name"] for row in desk.rows()] == ["Other.JPG"]
    assert list(desk.files()) == ["2024/nature/Other.JPG", "2024/thumbs/nature/Other.JPG"]
    assert (photo(item).Review_Status, photo(item).Path) == ("Pending", path)
    assert photo(other).Review_Status == "Published"
    assert Decision.objects.filter(item=item).latest("id").verdict == "pending"
    recounted()


def test_unpublishing_twice_says_that_there_is_nothing(desk: Desk) -> None:
    item = desk.photo()
    desk.publish()
    unpublish(desk, item)
    again = unpublish(desk, item)
    assert words(again) == ["failed"]
    assert "is not published" in again["rows"][0]["error"]


def test_what_was_taken_back_can_be_approved_and_published_again(desk: Desk) -> None:
    from tests.publish.desk import recounted

    item = desk.photo()
    desk.publish()
    files = desk.files()
    unpublish(desk, item)
    assert desk.publish()["rows"] == []
    desk.approve(item)
    assert desk.publish()["published"] == 1
    assert desk.files() == files
    assert len(desk.rows()) == 1
    recounted()


@pytest.mark.parametrize(
    "point",
    ["unpublish.asked", "unpublish.before_withdraw@1", "unpublish.after_withdraw@1", "unpublish.before_withdraw@2",
     "folder.after_remove@1", "folder.after_remove@2", "unpublish.after_withdraw@2", "unpublish.before_end"],
)  # fmt: skip
def test_killed_at_any_step_it_is_finished_by_running_it_again(desk: Desk, point: str) -> None:
    from tests.publish.desk import recounted

    item = desk.photo()
    desk.publish()
    name, _, nth = point.partition("@")
    with failpoint.armed(f"{name}=crash@{nth or 1}"), pytest.raises(SimulatedCrash):
        unpublish(desk, item)
    if desk.rows():
        assert len(desk.files()) == 2  # a visible row implies its files
    assert words(unpublish(desk, item)) == ["unpublished"]
    assert (desk.files(), desk.rows()) == ({}, [])
    assert photo(item).Review_Status == "Pending"
    recounted()


@pytest.mark.parametrize("point", ["unpublish.after_withdraw@2", "unpublish.before_end"])
def test_wherever_it_is_killed_nothing_counts_as_published_that_stands_nowhere(desk: Desk, point: str) -> None:
    from penstock.oracle import examine

    item = desk.photo()
    desk.publish()
    name, _, nth = point.partition("@")
    with failpoint.armed(f"{name}=crash@{nth or 1}"), pytest.raises(SimulatedCrash):
        unpublish(desk, item)
    assert [one for one in examine(files=False) if one.invariant == "I4"] == []


def test_a_row_that_somebody_changed_is_a_conflict_and_everything_stays(desk: Desk) -> None:
    item = desk.photo()
    desk.publish()
    files = desk.files()
    desk.sql("UPDATE photos_info_revamp SET Caption='edited by the webmaster'")
    result = unpublish(desk, item)
    assert words(result) == ["conflict"]
    assert "did not write" in result["rows"][0]["error"]
    assert desk.files() == files
    assert [row["Caption"] for row in desk.rows()] == ["edited by the webmaster"]
    assert photo(item).Review_Status == "Published"


def test_a_file_that_somebody_changed_is_left_alone(desk: Desk) -> None:
    item = desk.photo()
    desk.publish()
    (desk.base / FULL).write_bytes(b"theirs")
    assert words(unpublish(desk, item)) == ["conflict"]
    assert (desk.base / FULL).read_bytes() == b"theirs"
    assert len(desk.files()) == 2
    (desk.base / FULL).unlink()
    assert words(unpublish(desk, item)) == ["unpublished"]
    assert desk.files() == {}


def test_an_approved_photo_whose_publishing_broke_off_can_be_taken_back(desk: Desk) -> None:
    item = desk.photo()
    desk.sql("CREATE TRIGGER no BEFORE INSERT ON photos_info_revamp BEGIN SELECT RAISE(ABORT, 'no rows today'); END")
    desk.publish()
    assert len(desk.files()) == 2
    assert words(unpublish(desk, item)) == ["unpublished"]
    assert desk.files() == {}
    assert photo(item).Review_Status == "Pending"


def test_an_unknown_item_is_refused_before_anything_is_touched(desk: Desk) -> None:
    item = desk.photo()
    desk.publish()
    with pytest.raises(NotFound, match="has no item 999"):
        unpublish(desk, item, 999)
    assert len(desk.rows()) == 1


def test_what_stands_on_a_removed_target_is_taken_back_too(desk: Desk) -> None:
    from penstock.publish import targets

    item = desk.photo()
    desk.publish()
    targets.remove(desk.site, "files")
    assert words(unpublish(desk, item)) == ["unpublished"]
    assert (desk.files(), desk.rows()) == ({}, [])
