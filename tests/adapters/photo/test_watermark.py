from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from penstock.adapters.files import sha256_of
from penstock.adapters.photo.watermark import POSITIONS, Mark, draw
from penstock.engine.errors import ItemError

DARK = (40, 60, 40)


def mark(**more: object) -> Mark:
    plain = {"text": "", "image": "", "sha256": "", "position": "bottom-right", "opacity": 100, "width": 20}
    return Mark(**{**plain, **more})  # type: ignore[typeddict-item]


def red(tmp_path: Path) -> Mark:
    """A red picture whose left half is transparent."""
    picture = Image.new("RGBA", (200, 100), (255, 0, 0, 255))
    picture.paste((0, 0, 0, 0), (0, 0, 100, 100))
    picture.save(tmp_path / "mark.png")
    return mark(image=str(tmp_path / "mark.png"), sha256=sha256_of(tmp_path / "mark.png"))


def changed(picture: Image.Image) -> tuple[int, int, int, int]:
    """left, top, right, bottom of what is no longer as it was."""
    there = np.any(np.asarray(picture) != DARK, axis=2)
    rows, columns = np.flatnonzero(there.any(1)), np.flatnonzero(there.any(0))
    return int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max())


@pytest.mark.parametrize(
    ("position", "box"),
    [
        ("bottom-right", (880, 490, 979, 589)),
        ("bottom-left", (120, 490, 219, 589)),
        ("top-right", (880, 10, 979, 109)),
        ("top-left", (120, 10, 219, 109)),
        ("center", (500, 250, 599, 349)),
    ],
)
def test_a_picture_is_pasted_where_it_was_asked_for(tmp_path: Path, position: str, box: object) -> None:
    picture = Image.new("RGB", (1000, 600), DARK)
    draw(picture, {**red(tmp_path), "position": position})
    assert changed(picture) == box
    assert picture.getpixel((box[2], box[3])) == (255, 0, 0)  # type: ignore[index]


def test_opacity_mixes_with_what_is_below(tmp_path: Path) -> None:
    picture = Image.new("RGB", (1000, 600), DARK)
    draw(picture, {**red(tmp_path), "opacity": 50})
    value = picture.getpixel((970, 580))
    assert isinstance(value, tuple)
    assert value == pytest.approx((147, 30, 20), abs=2)


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("size", [(1, 1), (3, 2), (40, 4000), (4000, 40)])
def test_no_shape_of_a_picture_is_too_odd(tmp_path: Path, size: tuple[int, int], position: str) -> None:
    for one in (red(tmp_path), mark(text="a very long name of somebody\nhere")):
        picture = Image.new("RGB", size, DARK)
        draw(picture, {**one, "position": position, "width": 100})
        assert picture.size == size


@pytest.mark.parametrize("position", POSITIONS)
def test_text_stands_inside_the_picture_on_the_side_asked_for(position: str) -> None:
    picture = Image.new("RGB", (1000, 600), DARK)
    draw(picture, mark(text="© Ann\nPhotography", position=position))
    left, top, right, bottom = changed(picture)
    middle = position == "center"
    assert (left < 500) == (position.endswith("left") or middle)
    assert (right > 500) == (position.endswith("right") or middle)
    assert 0 < left < right < 1000
    assert 0 < top < bottom < 600


def test_another_picture_than_the_approved_one_is_refused(tmp_path: Path) -> None:
    approved = red(tmp_path)
    Image.new("RGB", (10, 10)).save(tmp_path / "mark.png")
    for wrong in (approved, {**approved, "image": str(tmp_path / "none.png")}):
        with pytest.raises(ItemError, match="not the file that was approved"):
            draw(Image.new("RGB", (100, 100)), wrong)  # type: ignore[arg-type]


def test_a_file_that_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mark.png").write_bytes(b"<svg/>")
    with pytest.raises(ItemError):
        draw(
            Image.new("RGB", (100, 100)),
            mark(image=str(tmp_path / "mark.png"), sha256=sha256_of(tmp_path / "mark.png")),
        )
