"""Stage 4: file names, and content that the site knows already."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.engine.errors import Blocking
from penstock.engine.outcome import Done, Fail, Merge
from penstock.pipelines.photos import names, queueing
from penstock.pipelines.photos.models import Photo, ReservedName
from tests.pipelines.photos import rows

PARTS = {"subject": "Grey heron", "location": "Gouda", "folder": "nature", "camera": "Canon_EOS_R5", "year": 2026}
SERIES = names.series_key(names.NameParts(**PARTS))  # type: ignore[arg-type]


def photo(id: int, content: str = "", **more: Any) -> dict[str, Any]:
    """What `load` gives for a photo of new content."""
    return {
        "id": id, "content_hash": content or f"hash {id}", "Folder": "nature", "Location": "Gouda",
        "Subject": "Grey heron", "set_id": 1, "Original_File_Name": f"IMG_{id}.jpg", "source_path": f"/card/{id}.jpg",
        "older": [], "parts": PARTS, "series": SERIES, "highest": {}, "held": "", **more,
    }  # fmt: skip


def older(id: int = 1, **more: Any) -> list[dict[str, Any]]:
    """A row that holds the same content."""
    fields = {"state": "waiting", "Review_Status": "Pending", "edited": [], "here": False, "working_path": "/w.jpg"}
    return [{"id": id, **fields, **more}]


def merged(item: dict[str, Any]) -> Merge:
    """The one outcome, which is a merge."""
    (outcome,) = queueing.work([item])
    assert isinstance(outcome, Merge)
    return outcome


def test_numbers_go_on_from_the_highest_of_the_series_and_each_name_is_reserved() -> None:
    first, second = queueing.work([photo(5, highest={SERIES: 41}), photo(6, highest={SERIES: 41})])
    assert isinstance(first, Done)
    assert isinstance(second, Done)
    assert first.fields == {"File_Name": "Grey_Heron_Gouda_Nature_Photography_Canon_EOS_R5_2026_042.JPG"}
    assert second.fields["File_Name"].endswith("_043.JPG")
    (row,) = second.makes
    assert (row.table, row.key) == ("name", names.fold(second.fields["File_Name"]))
    assert (row.fields["series"], row.fields["number"]) == (SERIES, 43)


def test_a_photo_that_holds_a_name_keeps_it() -> None:
    (outcome,) = queueing.work([photo(5, held="Mine_001.JPG")])
    assert outcome == Done({"File_Name": "Mine_001.JPG"})


def test_a_name_that_is_too_long_fails_its_photo_only() -> None:
    long, short = queueing.work([photo(5, series="", parts={"problem": "it does not fit"}), photo(6)])
    assert long == Fail("it does not fit", "name_too_long")
    assert isinstance(short, Done)


def test_a_full_series_blocks_the_run() -> None:
    with pytest.raises(Blocking, match="use another subject") as caught:
        queueing.work([photo(5, highest={SERIES: names.MAX_NUMBER})])
    assert caught.value.code == "no_free_name"


def test_the_same_file_twice_in_a_batch_is_one_photo() -> None:
    outcomes = queueing.work([photo(5, "same"), photo(6), photo(7, "same")])
    twin = outcomes[2]
    assert isinstance(twin, Merge)
    assert (twin.into, twin.stage) == (5, None)
    assert twin.notes[0].text == "Duplicate content: IMG_7.jpg is photo 5: the same file twice in this run"


def test_two_files_of_known_content_both_become_the_row_that_stays() -> None:
    outcomes = queueing.work([photo(5, "same", older=older(1)), photo(6, "same", older=older(1))])
    assert [(one.into, one.stage) for one in outcomes if isinstance(one, Merge)] == [(1, "queue_rows"), (1, None)]


def test_known_content_goes_through_again_with_the_words_of_its_new_set() -> None:
    outcome = merged(photo(5, older=older(edited=["Subject"]), Folder="birds"))
    assert (outcome.into, outcome.stage) == (1, "queue_rows")
    assert outcome.fields == {
        "Folder": "birds", "Location": "Gouda", "set_id": 1, "Original_File_Name": "IMG_5.jpg"
    }  # fmt: skip


def test_known_content_that_was_never_read_is_read_from_where_it_is_now() -> None:
    outcome = merged(photo(5, older=older(state="failed", Review_Status="Error", working_path="")))
    assert outcome.stage == "read_exif"
    assert outcome.fields["source_path"] == "/card/5.jpg"


@pytest.mark.parametrize(("state", "word"), [("approved", "Approved"), ("done", "Published")])
def test_what_a_person_decided_is_left_alone(state: str, word: str) -> None:
    outcome = merged(photo(5, older=older(state=state, Review_Status=word)))
    assert (outcome.stage, outcome.fields) == (None, {})
    assert f"that photo is {word.lower()} and was left alone" in outcome.reason


def test_content_that_is_in_the_run_already_is_not_refreshed() -> None:
    assert merged(photo(5, older=older(here=True))).stage is None


@pytest.mark.usefixtures("ledger_home")
def test_load_finds_older_rows_names_and_the_highest_number() -> None:
    site = rows.site()
    run = rows.run(site)
    known = rows.waiting(site, 7, content_hash="c" * 64, edited=["Subject"])
    new = {"run": run.id, "stage": "queue_rows", "state": "leased", "content_hash": "c" * 64, "DateTime": ""}
    one, two = (rows.waiting(site, n, **new, Camera="Canon_EOS_R5") for n in (8, 9))
    ReservedName.objects.filter(owner=one.id).delete()
    first, second = queueing.load(rows.context(run), [one.id, two.id])
    assert [(o["id"], o["here"], o["edited"]) for o in first["older"]] == [(known.id, False, ["Subject"])]
    assert [o["id"] for o in second["older"]] == [known.id, one.id]
    assert (first["held"], second["held"]) == ("", two.File_Name)
    assert first["parts"]["year"] == 2026
    assert first["highest"] == {first["series"]: 9}
    assert first["series"] == ReservedName.objects.get(owner=known.id).series


@pytest.mark.usefixtures("ledger_home")
def test_what_load_gives_is_what_work_takes() -> None:
    site = rows.site()
    run = rows.run(site)
    one = rows.waiting(site, 1, run=run.id, Subject="x" * 119, DateTime="2024:05:06 07:08:09")
    ReservedName.objects.all().delete()
    (failed,) = queueing.work(queueing.load(rows.context(run), [one.id]))
    assert isinstance(failed, Fail)
    Photo.objects.update(Subject="Coot", Camera="")
    (named,) = queueing.work(queueing.load(rows.context(run), [one.id]))
    assert isinstance(named, Done)
    assert named.fields["File_Name"].endswith("_2024_001.JPG")
