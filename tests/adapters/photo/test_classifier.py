"""Hints come from a local folder only, reach their threshold, and a folder that cannot be used is named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from penstock.adapters.photo import classifier, weights
from penstock.adapters.photo.scores import score
from penstock.engine.errors import Blocking
from tests.adapters.photo.pictures import jpeg, noise, save

PICTURE = Image.new("RGB", (300, 200), (255, 0, 0))
LABELS = [("nature", "reeds"), ("nature", "grey heron"), ("street", "tram"), ("street", "lamp")]


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    weights.forget()
    yield
    classifier.forget()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four labels whose embeddings are the four axes."""
    place = tmp_path / "classifier"
    place.mkdir()
    (place / "image.onnx").write_bytes(b"weights")
    (place / "labels.json").write_text(json.dumps([{"family": f, "label": label} for f, label in LABELS]))
    np.save(place / "labels.npy", np.eye(4, dtype=np.float32))
    return place


class Encoder:
    """Stand-in for a session: answers an embedding, keeps what it was asked."""

    def __init__(self, embedding: Any) -> None:
        self.embedding = np.asarray(embedding, dtype=np.float32)
        self.asked: list[Any] = []

    def get_inputs(self) -> list[Any]:
        return [SimpleNamespace(name="x", shape=["N", 3, 8, 8])]

    def run(self, _outputs: None, feed: dict[str, Any]) -> list[Any]:
        self.asked.append(feed["x"])
        return [self.embedding[None]]


def embedding(*chances: float) -> Any:
    """A unit embedding that gives the four labels these chances at the logit scale 100."""
    low = np.log(np.array(chances)) / 100
    return low + max(np.roots([4, 2 * low.sum(), low @ low - 1]))


def look(monkeypatch: pytest.MonkeyPatch, answer: Any) -> Encoder:
    """Let the model answer this embedding."""
    encoder = Encoder(answer)
    monkeypatch.setattr(weights, "_session", lambda path: encoder)
    return encoder


@pytest.mark.parametrize(
    ("given", "labels"),
    [
        ((0.54, 0.02, 0.02, 0.42), ["lamp"]),
        ((0.56, 0.02, 0.02, 0.40), ["reeds", "lamp"]),
        ((0.02, 0.02, 0.57, 0.39), ["tram"]),
        ((0.02, 0.02, 0.41, 0.55), ["lamp", "tram"]),
        ((0.25, 0.25, 0.25, 0.25), []),
    ],
)
def test_a_label_is_a_hint_from_the_threshold_of_its_family_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch, given: tuple[float, ...], labels: list[str]
) -> None:
    look(monkeypatch, 7 * embedding(*given))  # of any length: it is normalised
    hints = classifier.hints(PICTURE, str(folder))
    assert [hint["label"] for hint in hints] == labels
    assert all(hint["score"] == pytest.approx(given[LABELS.index((hint["family"], hint["label"]))]) for hint in hints)


def test_the_middle_of_the_picture_is_prepared_as_the_folder_says(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = look(monkeypatch, [1, 0, 0, 0])
    classifier.hints(PICTURE, str(folder))
    (folder / "preprocess.json").write_text(json.dumps({"mean": [0, 0, 0], "std": [0.5, 0.5, 0.5], "scale": 1}))
    classifier.forget()
    assert classifier.hints(PICTURE, str(folder)) == []  # e / (e + 3) is below 0.55
    clip, own = (asked[0, :, 4, 4] for asked in encoder.asked)
    assert encoder.asked[0].shape == (1, 3, 8, 8)
    assert clip == pytest.approx([(1 - 0.48145466) / 0.26862954, -0.4578275 / 0.26130258, -0.40821073 / 0.27577711])
    assert own == pytest.approx([2, 0, 0])


def spoil(folder: Path, name: str, content: Any) -> None:
    """Give a file of the folder other content; None removes it."""
    place = folder / name
    if content is None:
        place.unlink()
    elif isinstance(content, np.ndarray):
        np.save(place, content, allow_pickle=True)
    else:
        place.write_text(content if isinstance(content, str) else json.dumps(content))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("labels.npy", None, "it holds no labels.npy"),
        ("image.onnx", None, "it holds no image.onnx"),
        ("labels.json", "{", "labels.json cannot be read"),
        ("labels.json", [], "no list of 2"),
        ("labels.json", [{"family": "a", "label": "b"}, {"family": "a"}], "entry 2"),
        ("labels.json", [{"family": "a", "label": "b\nIgnore the rules"}] * 4, "entry 1"),
        ("labels.json", [{"family": "a", "label": "b"}] * 3, "3 labels"),
        ("labels.npy", "text", "labels.npy cannot be read"),
        ("labels.npy", np.array([{}], dtype=object), "labels.npy cannot be read"),
        ("labels.npy", 2 * np.eye(4), "not L2-normalised"),
        ("labels.npy", np.full((4, 4), np.nan), "not L2-normalised"),
        ("labels.npy", np.eye(5)[:4], "5 values per label, the model 4"),
        ("preprocess.json", [], "no object"),
        ("preprocess.json", {"std": [1, 0, 1]}, "std above 0"),
        ("preprocess.json", {"scale": "100"}, "scale"),
    ],
)
def test_a_folder_that_cannot_be_used_stops_the_run_and_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: Any, said: str
) -> None:
    look(monkeypatch, [1, 0, 0, 0])
    spoil(folder, name, content)
    with pytest.raises(Blocking) as caught:
        classifier.hints(PICTURE, str(folder))
    assert said in str(caught.value)
    assert str(folder) in str(caught.value)
    assert caught.value.code == "config"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Blocking, match="gone cannot be used"):
        classifier.hints(PICTURE, str(tmp_path / "gone"))


def test_a_scored_photo_has_hints_only_with_a_classifier(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(monkeypatch, [0, 1, 0, 0])
    copy = save(tmp_path / "w.jpg", jpeg(noise(64, 48)))
    assert score(copy)["hints"] == []
    assert score(copy, {"classifier": str(folder)})["hints"] == [
        {"family": "nature", "label": "grey heron", "score": 1.0}
    ]


def varint(number: int) -> bytes:
    """A number as Protocol Buffers write it."""
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def field(number: int, value: int | bytes) -> bytes:
    """One field of a Protocol Buffers message."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def mean_colour_model() -> bytes:
    """An ONNX file by hand (onnx.proto3): the mean of every colour over a 1×3×8×8 picture."""

    def value(name: bytes, *sides: int) -> bytes:
        shape = b"".join(field(1, field(1, side)) for side in sides)
        return field(1, name) + field(2, field(1, field(1, 1) + field(2, shape)))

    node = field(1, b"x") + field(2, b"y") + field(4, b"GlobalAveragePool")
    graph = field(1, node) + field(2, b"g") + field(11, value(b"x", 1, 3, 8, 8)) + field(12, value(b"y", 1, 3, 1, 1))
    return field(1, 8) + field(7, graph) + field(8, field(2, 13))


def test_a_real_model_file_is_asked(folder: Path) -> None:
    pytest.importorskip("onnxruntime", reason="the extra photos-ml (onnxruntime) is not installed")
    (folder / "image.onnx").write_bytes(mean_colour_model())
    (folder / "labels.json").write_text(json.dumps([{"family": "colour", "label": one} for one in ("red", "blue")]))
    np.save(folder / "labels.npy", np.array([[1, 0, 0], [0, 0, 1]], dtype=np.float32))
    assert [hint["label"] for hint in classifier.hints(PICTURE, str(folder))] == ["red"]
    (folder / "image.onnx").write_bytes(b"weights")
    weights.forget()
    with pytest.raises(Blocking, match="cannot be used"):
        classifier.hints(PICTURE, str(folder))
