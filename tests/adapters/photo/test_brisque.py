"""BRISQUE ranks distortions as people do, and its model is read as data."""

from __future__ import annotations

import importlib.util
import io
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from penstock.adapters.photo import brisque
from penstock.engine.errors import Blocking
from tests.adapters.photo.pictures import noise

HEAD = "svm_type epsilon_svr\nkernel_type rbf\ngamma 0.05\nnr_class 2\ntotal_sv 2\nrho -50\nSV\n"
RANGES = "x\n-1 1\n" + "".join(f"{index} 0 2\n" for index in range(1, 37))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "svm.txt").write_text(HEAD + "10 1:0.5 36:-0.5\n-4 2:1\n")
    (tmp_path / "range.txt").write_text(RANGES)
    return tmp_path


def test_a_libsvm_model_predicts_by_its_formula(folder: Path) -> None:
    model = brisque.find_model(str(folder))
    assert model is not None
    middle = np.ones(36)  # scaled to 0
    assert model.predict(middle) == pytest.approx(10 * np.exp(-0.05 * 0.5) - 4 * np.exp(-0.05) + 50)


def test_ranges_in_a_pickle_are_read_without_running_it(folder: Path) -> None:
    (folder / "range.txt").unlink()
    (folder / "normalize.pickle").write_bytes(pickle.dumps({"min_": [0.0] * 36, "max_": [2.0] * 36}))
    model = brisque.find_model(str(folder))
    assert model is not None
    assert model.high.tolist() == [2.0] * 36


def test_a_hostile_pickle_is_never_executed(folder: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return exec, (f"open({str(folder / 'owned')!r}, 'w')",)

    (folder / "range.txt").unlink()
    (folder / "normalize.pickle").write_bytes(pickle.dumps({"min_": Hostile()}))
    with pytest.raises(Blocking, match="cannot be used"):
        brisque.find_model(str(folder))
    assert not (folder / "owned").exists()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("svm.txt", "garbage"),
        ("svm.txt", HEAD.replace("rbf", "linear") + "1 1:1\n"),
        ("svm.txt", HEAD + "1 99:1\n"),
        ("svm.txt", HEAD + "1 one:1\n"),
        ("range.txt", "x\n-1 1\n1 0 1\n"),
        ("range.txt", RANGES.replace("7 0 2", "7 2 2")),
    ],
)
def test_an_unusable_model_says_so(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    with pytest.raises(Blocking, match="correct or clear the setting") as caught:
        brisque.find_model(str(folder))
    assert caught.value.code == "config"


def test_a_configured_model_that_is_missing_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(Blocking):
        brisque.find_model(str(tmp_path / "nowhere"))


@pytest.mark.parametrize("picture", [Image.new("L", (64, 64), 9), Image.new("L", (1, 1)), Image.new("L", (3000, 2))])
def test_flat_and_tiny_pictures_have_finite_features(picture: Image.Image) -> None:
    found = brisque.features(np.asarray(picture, dtype=np.float32) / 255)
    assert found.shape == (36,)
    assert np.isfinite(found).all()


@pytest.fixture
def installed() -> brisque.Model:
    if importlib.util.find_spec("brisque") is None:
        pytest.skip("the optional package brisque (its LIVE model) is not installed")
    model = brisque.find_model()
    assert model is not None
    assert "brisque" not in sys.modules
    return model


def test_the_installed_model_ranks_distortions(installed: brisque.Model) -> None:
    data = pytest.importorskip("skimage.data", reason="scikit-image's photos are not installed")
    for name in ("astronaut", "coffee", "chelsea"):
        photo = Image.fromarray(getattr(data, name)()).convert("L")
        out = io.BytesIO()
        photo.save(out, "JPEG", quality=6)
        grain = np.random.default_rng(1).normal(0, 30, (photo.height, photo.width))
        worse = {
            "blurred": photo.filter(ImageFilter.GaussianBlur(4)),
            "squeezed": Image.open(out),
            "noisy": Image.fromarray(np.clip(np.asarray(photo) + grain, 0, 255).astype(np.uint8)),
        }
        clean = brisque.score(np.asarray(photo), installed)
        assert all(brisque.score(np.asarray(bad), installed) > clean + 10 for bad in worse.values()), name


def test_scores_stay_between_0_and_100(installed: brisque.Model) -> None:
    pictures = [noise(200, 150, seed).convert("L") for seed in range(3)] + [Image.new("L", (64, 64))]
    assert all(0 <= brisque.score(np.asarray(picture), installed) <= 100 for picture in pictures)
