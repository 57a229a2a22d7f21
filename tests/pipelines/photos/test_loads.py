"""What local stages are given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from penstock import config
from penstock.engine.pipeline import EffectPlan
from penstock.pipelines.photos import loads
from penstock.pipelines.photos.models import PhotoFile, PhotoSet
from tests.pipelines.photos import rows

pytestmark = pytest.mark.usefixtures("ledger_home")


def test_a_file_comes_with_the_photo_that_it_will_make() -> None:
    site = rows.site()
    own = PhotoSet.objects.create(site=site, folder="nature", location="Gouda_Netherlands", subject="Heron")
    second = PhotoFile.objects.create(site=site, set=own, path="/card/b\n.jpg", stage="validate", ordinal=2)
    first = PhotoFile.objects.create(site=site, set=own, path="/card/a.jpg", stage="validate", ordinal=1)
    found = loads.files(rows.context(rows.run(site, max_megapixels=50)), [second.id, first.id])
    assert [(item["id"], item["max_pixels"]) for item in found] == [(first.id, 50_000_000), (second.id, 50_000_000)]
    assert found[1]["photo"] == {
        "id": second.id, "ordinal": 2, "set_id": own.id, "Folder": "nature", "Location": "Gouda_Netherlands",
        "Subject": "Heron", "Original_File_Name": "b\\n.jpg", "source_path": "/card/b\n.jpg",
    }  # fmt: skip


def test_an_original_is_staged_under_its_id_in_the_way_of_its_set() -> None:
    site = rows.site()
    photo = rows.waiting(site, Original_File_Name="IMG 1.jpg", source_path="/card/IMG 1.jpg")
    PhotoSet.objects.update(mode="move")
    items = loads.to_stage(rows.context(rows.run(site)), [photo.id])
    target = str(site.root / "incoming" / f"{photo.id}_IMG 1.jpg")
    assert (items[0]["staged_path"], items[0]["intake"]) == (target, "move")
    assert loads.staging(None, items) == [EffectPlan(photo.id, "move", "/card/IMG 1.jpg", target)]


def test_nothing_is_planned_for_a_photo_with_a_problem() -> None:
    site = rows.site()
    photo = rows.waiting(site, problem="it is empty", problem_code="empty")
    items = loads.to_stage(rows.context(rows.run(site)), [photo.id])
    assert (items[0]["problem"], items[0]["problem_code"]) == ("it is empty", "empty")
    assert loads.staging(None, items) == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("IMG_1.JPG", "IMG_1.JPG"),
        ("a/b\\c:d*?.jpg", "a_b_c_d__.jpg"),
        ("../../etc/passwd", "_._etc_passwd"),
        (".jpg", "jpg"),
        ("...", ""),
        ("über.jpeg", "über.jpeg"),
        ("two\nlines.jpg", "two_lines.jpg"),
        ("no_suffix", "no_suffix"),
        ("trailing. .jpg", "trailing.jpg"),
    ],
)
def test_a_staged_name_suits_every_file_system(given: str, kept: str) -> None:
    site = rows.site()
    photo = rows.waiting(site, Original_File_Name=given)
    (item,) = loads.to_stage(rows.context(rows.run(site)), [photo.id])
    assert Path(item["staged_path"]).name == f"{photo.id}_{kept}"
    assert Path(item["staged_path"]).parent == site.root / "incoming"


@pytest.mark.parametrize("letter", ["x", "鷺", "𠮷"])
def test_a_long_name_leaves_room_for_an_id_and_a_temporary_suffix(letter: str, tmp_path: Path) -> None:
    site = rows.site()
    photo = rows.waiting(site, Original_File_Name=letter * 200 + "." + letter * 20)
    (item,) = loads.to_stage(rows.context(rows.run(site)), [photo.id])
    (tmp_path / ("1" * 19 + Path(item["staged_path"]).name + ".part")).touch()


def test_reading_knows_where_a_lost_original_can_be_had_from(ledger_home: Path) -> None:
    site = rows.site()
    photo = rows.waiting(site, staged_path="/in/1_a.jpg", source_path="/card/a.jpg", file_size=9, content_hash="c" * 64)
    run = rows.run(site, max_megapixels=50)
    (item,) = loads.staged(rows.context(run), [photo.id])
    expected: dict[str, Any] = {
        "id": photo.id, "staged_path": "/in/1_a.jpg", "source_path": "/card/a.jpg", "content_hash": "c" * 64,
        "file_size": 9, "max_pixels": 50_000_000, "exiftool": config.current().exiftool,
        "working_path": str(site.root / "data" / "working" / f"{photo.id}.jpg"),
    }  # fmt: skip
    assert {name: item[name] for name in expected} == expected
    assert Path(item["work_dir"]).is_dir()


def test_scoring_is_told_only_of_models_that_are_set() -> None:
    site = rows.site()
    photo = rows.waiting(site, working_path="/w/1.jpg")
    (item,) = loads.to_score(rows.context(rows.run(site)), [photo.id])
    assert (item["working_path"], item["models"]) == ("/w/1.jpg", None)
    run = rows.run(site, "r2", nima_weights="/m/nima.onnx", classifier_weights="/m/classifier")
    (item,) = loads.to_score(rows.context(run), [photo.id])
    assert item["models"] == {"nima": "/m/nima.onnx", "classifier": "/m/classifier"}


def test_the_models_picture_lies_in_the_folder_of_its_run() -> None:
    site = rows.site()
    photo = rows.waiting(site, working_path="/w/1.jpg", Original_File_Name="IMG.1.PNG")
    (item,) = loads.to_resize(rows.context(rows.run(site)), [photo.id])
    assert item["ollama_path"] == str(site.root / "data" / "ollama_tmp" / "run_r1" / f"{photo.id}_IMG.1.jpg")
