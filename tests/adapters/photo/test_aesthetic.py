"""Learned scores come from local weights only, and weights that cannot be used are named."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from penstock.adapters.photo import aesthetic
from penstock.adapters.photo import weights as onnx
from penstock.engine.errors import Blocking

PICTURE = Image.new("RGB", (300, 200), (255, 0, 0))
Answer = Callable[[Any], Any]


@pytest.fixture
def weights(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "model.onnx").write_bytes(b"weights")
    yield str(tmp_path / "model.onnx")
    onnx.forget()
    aesthetic._head.cache_clear()


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Any]]:
    """Stand-in for onnxruntime: answers as told and keeps what it was asked."""

    def install(answer: Answer, shape: list[Any]) -> list[Any]:
        asked: list[Any] = []

        class Session:
            def __init__(self, path: str, options: object, providers: list[str]) -> None:
                assert providers == ["CPUExecutionProvider"]

            def get_inputs(self) -> list[Any]:
                return [types.SimpleNamespace(name="x", shape=shape)]

            def run(self, outputs: None, feed: dict[str, Any]) -> list[Any]:
                asked.append(feed["x"])
                return [answer(feed["x"])]

        module = types.ModuleType("onnxruntime")
        module.SessionOptions = types.SimpleNamespace  # type: ignore[attr-defined]
        module.InferenceSession = Session  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "onnxruntime", module)
        return asked

    return install


def test_nima_is_the_mean_mark_of_ten_chances(weights: str, runtime: Any) -> None:
    asked = runtime(lambda x: np.array([[0, 0, 0, 0, 0.5, 0, 0.5, 0, 0, 0]]), ["N", 3, 224, 224])
    assert aesthetic.nima(PICTURE, weights) == pytest.approx(6)
    assert asked[0].shape == (1, 3, 224, 224)
    assert asked[0].dtype == np.float32
    assert asked[0][0, :, 9, 9] == pytest.approx([(1 - 0.485) / 0.229, -0.456 / 0.224, -0.406 / 0.225], rel=1e-4)


def test_nima_answers_that_are_no_chances_are_made_so(weights: str, runtime: Any) -> None:
    runtime(lambda x: np.zeros((1, 10)), [1, 192, 160, 3])
    assert aesthetic.nima(PICTURE, weights) == pytest.approx(5.5)


def test_channels_last_and_a_fixed_size_are_honoured(weights: str, runtime: Any) -> None:
    asked = runtime(lambda x: np.array([7.25]), [1, 192, 160, 3])
    assert aesthetic.clip_aesthetic(PICTURE, weights) == 7.25
    assert asked[0].shape == (1, 192, 160, 3)


def test_a_clip_embedding_is_normalised_and_weighed_by_its_head(weights: str, runtime: Any) -> None:
    runtime(lambda x: np.full((1, 4), 8.0), ["N", 3, 224, 224])
    np.savez(Path(weights).with_suffix(".head.npz"), weight=np.array([2.0, 2, 2, 2]), bias=np.array([1.0]))
    assert aesthetic.clip_aesthetic(PICTURE, weights) == pytest.approx(5)


@pytest.mark.parametrize(
    "answer", [np.zeros(7), np.array([np.nan]), np.zeros(0)], ids=["seven values", "no number", "nothing"]
)
def test_an_answer_that_is_no_score_stops_the_run(weights: str, runtime: Any, answer: Any) -> None:
    runtime(lambda x: answer, ["N", 3, 224, 224])
    for ask in (aesthetic.nima, aesthetic.clip_aesthetic):
        with pytest.raises(Blocking, match="cannot be used"):
            ask(PICTURE, weights)


def test_a_head_of_another_length_is_refused(weights: str, runtime: Any) -> None:
    runtime(lambda x: np.ones((1, 4)), ["N", 3, 224, 224])
    np.savez(Path(weights).with_suffix(".head.npz"), weight=np.ones(768), bias=np.zeros(1))
    with pytest.raises(Blocking, match="768"):
        aesthetic.clip_aesthetic(PICTURE, weights)


def test_missing_weights_and_a_missing_runtime_are_named(weights: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Blocking, match="the file is not there"):
        aesthetic.nima(PICTURE, weights + ".gone")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(Blocking, match="onnxruntime is not installed"):
        aesthetic.nima(PICTURE, weights)


def test_a_file_that_the_runtime_cannot_load_is_named(weights: str) -> None:
    pytest.importorskip("onnxruntime", reason="the extra photos-ml (onnxruntime) is not installed")
    with pytest.raises(Blocking, match="cannot be used"):
        aesthetic.nima(PICTURE, weights)
