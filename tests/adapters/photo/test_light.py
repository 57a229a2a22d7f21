"""The facts about light and colour are what a person would say, and the same every time."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from penstock.adapters.photo.light import shape_of
from penstock.adapters.photo.scores import of_picture
from tests.adapters.photo.pictures import noise


def light(picture: Image.Image) -> dict[str, object]:
    return dict(of_picture(picture, {})["light"])


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((5, 5, 8), "black"), ((128, 128, 128), "grey"), ((250, 250, 250), "white"), ((210, 25, 30), "red"),
        ((245, 140, 20), "orange"), ((245, 220, 40), "yellow"), ((40, 150, 50), "green"),
        ((20, 150, 140), "teal"), ((120, 40, 190), "purple"),
        ((40, 80, 220), "blue"), ((120, 165, 225), "blue"), ((245, 130, 180), "pink"),
        ((110, 65, 30), "brown"), ((20, 60, 25), "green"),
    ],
)  # fmt: skip
def test_plain_colours_get_their_name(rgb: tuple[int, int, int], name: str) -> None:
    assert light(Image.new("RGB", (64, 48), rgb))["colours"] == [name]


def test_colours_are_named_by_area_and_at_most_three() -> None:
    picture = Image.new("RGB", (100, 100), (40, 80, 220))
    picture.paste((40, 150, 50), (0, 60, 100, 100))
    picture.paste((245, 220, 40), (0, 0, 100, 15))
    picture.paste((210, 25, 30), (0, 15, 100, 24))
    assert light(picture)["colours"] == ["green", "blue", "yellow"]


@pytest.mark.parametrize(("level", "tone"), [(20, "dark"), (80, "dim"), (128, "balanced"), (220, "bright")])
def test_tone_follows_the_mean(level: int, tone: str) -> None:
    assert light(Image.new("RGB", (64, 48), (level,) * 3))["tone"] == tone


@pytest.mark.parametrize(
    ("rgb", "warmth"), [((200, 150, 110), "warm"), ((150, 150, 150), "neutral"), ((110, 150, 200), "cool")]
)
def test_warmth_follows_red_against_blue(rgb: tuple[int, int, int], warmth: str) -> None:
    assert light(Image.new("RGB", (64, 48), rgb))["warmth"] == warmth


def test_contrast_and_sharpness_follow_the_pixels() -> None:
    flat, board = Image.new("RGB", (64, 64), "gray"), np.indices((64, 64)).sum(0) % 2 * 255
    checked = light(Image.fromarray(board.astype(np.uint8)).convert("RGB"))
    assert (light(flat)["contrast"], light(flat)["sharp"]) == ("low", "soft")
    assert (checked["contrast"], checked["sharp"]) == ("high", "sharp")


@pytest.mark.parametrize(
    ("size", "shape"),
    [((1024, 683), "landscape"), ((683, 1024), "portrait"), ((500, 495), "square"), ((1024, 400), "panorama"),
     ((400, 1024), "panorama"), ((1, 1), "square")],
)  # fmt: skip
def test_shape_follows_the_sides(size: tuple[int, int], shape: str) -> None:
    assert shape_of(*size) == shape


def test_the_same_picture_gives_the_same_facts() -> None:
    assert light(noise(300, 200)) == light(noise(300, 200))
