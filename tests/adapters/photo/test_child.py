"""The photo stages, called as the supervised child calls them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from penstock.adapters.photo import child, exiftool, rating
from penstock.engine.errors import ItemError
from penstock.engine.outcome import Done, from_json, to_json
from tests.adapters.photo.pictures import ASCII, UNDEFINED, exif_block, jpeg, noise, save
from tests.adapters.photo.test_exif import CANON


@pytest.fixture
def item(tmp_path: Path) -> dict[str, Any]:
    turned = noise(1500, 1000).transpose(Image.Transpose.ROTATE_90)
    source = save(tmp_path / "card" / "IMG_1.JPG", jpeg(turned, exif_block(*CANON)))
    return {
        "id": 7,
        "source_path": str(source),
        "staged_path": str(tmp_path / "incoming" / "IMG_1.JPG"),
        "working_path": str(tmp_path / "working" / "7.jpg"),
        "ollama_path": str(tmp_path / "ollama_tmp" / "run_1" / "7_IMG_1.jpg"),
        "full_path": str(tmp_path / "site" / "a_001.JPG"),
        "thumb_path": str(tmp_path / "site" / "thumbs" / "a_001.JPG"),
        "work_dir": str(tmp_path / ".work" / "3"),
        "intake": "copy",
    }


def settled(stage: str, item: dict[str, Any]) -> Done:
    """Run a stage, carry its outcome as a frame does, and rename its files as the store does."""
    said: list[str] = []
    outcome = from_json(json.loads(json.dumps(to_json(child.run(stage, item, said.append)))))
    assert isinstance(outcome, Done)
    assert said
    for file in outcome.files:
        assert (Path(file.work).stat().st_size, Path(file.work).parent) == (file.size, Path(item["work_dir"]))
        Path(file.path).parent.mkdir(parents=True, exist_ok=True)
        os.replace(file.work, file.path)
    item |= outcome.fields
    return outcome


def test_a_photo_goes_through_every_stage(item: dict[str, Any]) -> None:
    settled("stage_files", item)
    assert item["file_size"] == Path(item["source_path"]).stat().st_size
    settled("read_exif", item)
    assert (item["Camera"], item["Width"], item["Height"], item["year"]) == ("Canon_EOS_R5", 1500, 1000, 2026)
    assert len(item["phash"]) == 16
    with Image.open(item["working_path"]) as copy:
        assert copy.size == (1024, 683)
    settled("score", item)
    assert all(item[name] is not None for name in rating.SCORES)
    assert item["light"]["shape"] == "landscape"
    settled("resize_for_model", item)
    assert Path(item["ollama_path"]).samefile(item["working_path"])
    done = settled("render", item)
    assert [Path(file.path).is_file() for file in done.files] == [True, True]
    assert item["rendered"]["full"]["width"] == 1500


def test_every_stage_repeated_gives_the_same_outcome(item: dict[str, Any]) -> None:
    for stage in child.STAGES:
        first = settled(stage, item)
        assert settled(stage, item) == first, stage


def test_moving_takes_the_original_along(item: dict[str, Any]) -> None:
    settled("stage_files", item | {"intake": "move"})
    assert not Path(item["source_path"]).exists()
    assert Path(item["staged_path"]).is_file()


def test_a_smaller_model_copy_is_made_when_asked_for(item: dict[str, Any]) -> None:
    settled("stage_files", item)
    settled("read_exif", item)
    settled("resize_for_model", item | {"side": 512})
    with Image.open(item["ollama_path"]) as copy:
        assert copy.size == (512, 342)


def test_replacing_the_model_copy_spares_the_working_copy(item: dict[str, Any]) -> None:
    settled("stage_files", item)
    settled("read_exif", item)
    before = Path(item["working_path"]).read_bytes()
    settled("resize_for_model", item)
    settled("resize_for_model", item | {"side": 300})
    assert Path(item["working_path"]).read_bytes() == before


def test_an_original_that_changed_after_staging_is_noticed(item: dict[str, Any]) -> None:
    settled("stage_files", item)
    with Path(item["staged_path"]).open("ab") as file:
        file.write(b"x")
    with pytest.raises(ItemError, match="changed"):
        child.run("read_exif", item, lambda text: None)


def test_an_original_that_changed_after_approval_is_not_rendered(item: dict[str, Any]) -> None:
    settled("stage_files", item)
    save(Path(item["source_path"]), jpeg(noise(300, 200)))
    with pytest.raises(ItemError, match="approve it again") as caught:
        child.run("render", item, lambda text: None)
    assert caught.value.code == "changed"


def test_an_unreadable_working_copy_is_a_scoring_failure(item: dict[str, Any]) -> None:
    with pytest.raises(ItemError, match="scoring failed") as caught:
        child.run("score", item, lambda text: None)
    assert caught.value.code == "scoring"


def test_the_lens_is_asked_for_only_when_makers_notes_may_know_it(
    item: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(exiftool, "lens_name", lambda path, program: asked.append(path) or "EF50mm")
    plain = {0x010F: (ASCII, "Canon")}
    for block in (exif_block(*CANON), exif_block(plain), exif_block(plain, {0x927C: (UNDEFINED, b"m" * 90)})):
        save(Path(item["staged_path"]), jpeg(noise(64, 48), block))
        lens = settled("read_exif", dict(item)).fields["Lens_model"]
    assert (len(asked), lens) == (1, "EF50mm")


def test_an_unknown_stage_is_named(item: dict[str, Any]) -> None:
    with pytest.raises(ItemError, match="'paint'"):
        child.run("paint", item, lambda text: None)
