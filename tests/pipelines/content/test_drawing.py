from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from penstock.adapters.files import sha256_of
from penstock.engine.errors import ItemError
from penstock.engine.outcome import Done
from penstock.pipelines.content import drawing


def item(folder: Path, text: str = "Tea pots") -> dict[str, Any]:
    paths = {"path": str(folder / "0.jpg"), "work_path": str(folder / "work.jpg")}
    return {"id": 1, "title": "Tea", "text": text, "place": 0, "size": [160, 90], **paths}


def test_a_picture_has_the_asked_size_and_the_marks_that_are_told(tmp_path: Path) -> None:
    found = drawing.run("image_prompts_to_images", item(tmp_path), lambda _note: None)
    assert isinstance(found, Done)
    (file,) = found.files
    assert (file.sha256, file.path) == (sha256_of(file.work), found.fields["path"])
    with Image.open(file.work) as picture:
        assert picture.size == (160, 90)
    assert found.fields["provider"] == "offline"


def test_the_same_words_give_the_same_picture_and_other_words_another(tmp_path: Path) -> None:
    drawn = [drawing.drawn(text, 160, 90).tobytes() for text in ("Tea", "Tea", "Road bikes")]
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize("text", ["", "日本語の題名", "x" * 4000, "a\nb\x00"])
def test_any_words_can_be_drawn(text: str) -> None:
    assert drawing.drawn(text, 64, 64).size == (64, 64)


def test_another_stage_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ItemError, match="knows no stage"):
        drawing.run("other", item(tmp_path), lambda _note: None)
