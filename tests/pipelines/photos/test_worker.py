"""What the child does for one photo: the look at a file, a lost original brought again, one more try of a scorer."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from penstock.adapters import files
from penstock.adapters.photo import child
from penstock.engine.errors import Blocking, ItemError, Transient
from penstock.engine.outcome import Done, Row
from penstock.pipelines.photos import worker
from tests.adapters.photo.pictures import jpeg, noise, save


def ignore(_text: str) -> None:
    """Progress that nobody looks at."""


@pytest.fixture
def item(tmp_path: Path) -> dict[str, Any]:
    """A photo whose original lies where it came from and where it was staged."""
    source = save(tmp_path / "card" / "IMG_1.JPG", jpeg(noise(64, 48)))
    staged = tmp_path / "incoming" / "7_IMG_1.JPG"
    stored = files.copy_verified(source, staged)
    return {
        "id": 7,
        "problem": "",
        "problem_code": "",
        "attempt": 1,
        "source_path": str(source),
        "staged_path": str(staged),
        "content_hash": stored["sha256"],
        "file_size": stored["size"],
        "working_path": str(tmp_path / "working" / "7.jpg"),
        "work_dir": str(tmp_path / ".work" / "3"),
    }


def test_a_picture_makes_its_photo_and_what_is_wrong_with_another_goes_along(tmp_path: Path) -> None:
    good = save(tmp_path / "good.jpg", jpeg(noise(64, 48)))
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture")
    made: list[Row] = []
    for path in (good, bad):
        outcome = worker.run("validate", {"path": str(path), "max_pixels": 10**6, "photo": {"Subject": "x"}}, ignore)
        assert isinstance(outcome, Done)
        made += outcome.makes
    assert [(row.table, row.key) for row in made] == [("photo", "0")] * 2
    assert made[0].fields == {"Subject": "x"}
    assert (made[1].fields["problem_code"], made[1].fields["Subject"]) == ("not_an_image", "x")
    assert str(bad) in made[1].fields["problem"]


def test_a_picture_with_more_pixels_than_allowed_is_a_problem(tmp_path: Path) -> None:
    path = save(tmp_path / "big.jpg", jpeg(noise(64, 48)))
    outcome = worker.run("validate", {"path": str(path), "max_pixels": 64 * 48 - 1, "photo": {}}, ignore)
    assert isinstance(outcome, Done)
    assert outcome.makes[0].fields["problem_code"] == "too_large"


@pytest.mark.parametrize("stage", ["stage_files", "read_exif", "score", "resize_for_model"])
def test_a_photo_with_a_problem_fails_before_anything_is_touched(item: dict[str, Any], stage: str) -> None:
    with pytest.raises(ItemError, match="it is empty") as caught:
        worker.run(stage, item | {"problem": "it is empty", "problem_code": "empty"}, ignore)
    assert caught.value.code == "empty"


def test_an_original_at_its_staged_place_is_read_without_a_word(item: dict[str, Any]) -> None:
    Path(item["source_path"]).unlink()
    outcome = worker.run("read_exif", item, ignore)
    assert isinstance(outcome, Done)
    assert (outcome.fields["Width"], outcome.notes) == (64, ())


def test_an_original_lost_from_its_staged_place_is_copied_again(item: dict[str, Any]) -> None:
    shutil.rmtree(Path(item["staged_path"]).parent)
    outcome = worker.run("read_exif", item, ignore)
    assert isinstance(outcome, Done)
    assert outcome.fields["Width"] == 64
    assert files.sha256_of(item["staged_path"]) == item["content_hash"]
    assert Path(item["source_path"]).is_file()
    (note,) = outcome.notes
    assert note.level == "WARN"
    assert item["staged_path"] in note.text
    assert item["source_path"] in note.text


@pytest.mark.parametrize(("left", "said"), [(b"", "is not there"), (b"another photo", "holds other bytes")])
def test_an_original_lost_from_both_places_is_missing_and_both_are_named(
    item: dict[str, Any], left: bytes, said: str
) -> None:
    Path(item["staged_path"]).unlink()
    Path(item["source_path"]).unlink()
    if left:
        Path(item["source_path"]).write_bytes(left)
    with pytest.raises(ItemError, match=said) as caught:
        worker.run("read_exif", item, ignore)
    assert caught.value.code == "missing"
    assert item["staged_path"] in str(caught.value)
    assert item["source_path"] in str(caught.value)
    assert not Path(item["staged_path"]).exists()


def test_a_scorer_that_cannot_run_gets_one_more_try_and_then_blocks(
    item: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise Blocking("the weights are gone", code="config")

    monkeypatch.setattr(child, "run", broken)
    with pytest.raises(Transient, match="the weights are gone"):
        worker.run("score", item, ignore)
    with pytest.raises(Blocking, match="the weights are gone"):
        worker.run("score", item | {"attempt": 2}, ignore)


def test_a_photo_that_cannot_be_scored_never_blocks(item: dict[str, Any]) -> None:
    with pytest.raises(ItemError) as caught:
        worker.run("score", item, ignore)
    assert caught.value.code == "scoring"
