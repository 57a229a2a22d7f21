"""A scored row has every score, says who made each, and an unreadable picture has none."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from penstock.adapters.photo import brisque, rating
from penstock.adapters.photo.scores import of_picture, score
from penstock.engine.errors import Blocking, ItemError
from tests.adapters.photo.pictures import jpeg, noise, save


@pytest.fixture
def no_brisque(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brisque, "find_model", lambda configured="": None)


def test_every_score_is_there_with_two_decimals(tmp_path: Path) -> None:
    found = score(save(tmp_path / "w.jpg", jpeg(noise(640, 480))))
    values = [found[name] for name in rating.SCORES]  # type: ignore[literal-required]
    assert all(math.isfinite(value) and value == round(value, 2) for value in values)
    assert set(found["scorers"]) == set(rating.SCORES)
    assert found["QR"] == rating.quality_rating(found)  # type: ignore[arg-type]
    assert found["QC_Status"] == rating.qc_class(found["QR"])
    assert found == score(tmp_path / "w.jpg")


def test_measured_scores_follow_their_formulas(no_brisque: None) -> None:
    board = (np.indices((64, 64)).sum(0) % 2 * 128).astype(np.uint8)
    found = of_picture(Image.fromarray(board).convert("RGB"), {})
    assert found["brightness_score"] == 5.0  # mean 64
    assert found["contrast_score"] == 10.0  # deviation 64
    assert found["blur_score"] == 10.0
    assert found["scorers"]["blur_score"] == "measured"


def test_fallbacks_follow_their_formulas_and_say_so(no_brisque: None) -> None:
    found = of_picture(Image.new("RGB", (64, 64), (64, 64, 64)), {})
    assert (found["blur_score"], found["brightness_score"], found["contrast_score"]) == (0, 5, 0)
    assert found["nima_score"] == 2.5
    assert found["brisque_score"] == pytest.approx(100 * (1 - (0.2 * 5 + 0.25 * 2.5) / 10))
    assert found["clip_aesthetic_score"] == pytest.approx(0.55 * 2.5 + 0.15 * 5, abs=0.006)
    assert [found["scorers"][name] for name in ("nima_score", "brisque_score", "clip_aesthetic_score")] == [
        "fallback"
    ] * 3


def test_a_sharp_picture_beats_its_blurred_self() -> None:
    sharp = noise(640, 480)
    assert of_picture(sharp, {})["QR"] > of_picture(sharp.filter(ImageFilter.GaussianBlur(3)), {})["QR"]


def test_an_unreadable_picture_has_no_scores(tmp_path: Path) -> None:
    with pytest.raises(ItemError):
        score(save(tmp_path / "w.jpg", jpeg(noise(64, 64))[:900]))


def test_configured_weights_that_are_missing_stop_the_run(tmp_path: Path) -> None:
    path = save(tmp_path / "w.jpg", jpeg())
    for kind in ("nima", "clip", "brisque"):
        with pytest.raises(Blocking, match="cannot be used"):
            score(path, {kind: str(tmp_path / "gone")})  # type: ignore[misc]
