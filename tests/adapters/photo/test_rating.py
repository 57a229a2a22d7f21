"""QR and its class follow the fixed weights and limits."""

from __future__ import annotations

import subprocess
import sys

import pytest

from penstock.adapters.photo.rating import SCORES, WEIGHTS, fallback_clip, qc_class, quality_rating


def scores(value: float, brisque: float) -> dict[str, float | None]:
    return dict.fromkeys(SCORES, value) | {"brisque_score": brisque}


def test_the_weights_sum_to_one() -> None:
    assert sum(WEIGHTS.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("value", "brisque", "expected"),
    [(10, 0, 10.0), (0, 100, 0.0), (5, 50, 5.0), (5, 130, 4.5), (7, 20, 7.1)],
)
def test_the_rating_weighs_all_scores_and_turns_brisque_round(value: float, brisque: float, expected: float) -> None:
    assert quality_rating(scores(value, brisque)) == expected


def test_each_score_counts_with_its_own_weight() -> None:
    for name, weight in WEIGHTS.items():
        one = scores(0, 100) | {name: 0.0 if name == "brisque_score" else 10.0}
        assert quality_rating(one) == pytest.approx(weight * 10)


@pytest.mark.parametrize("bad", [None, float("nan"), float("inf")])
def test_a_missing_score_gives_no_rating(bad: float | None) -> None:
    assert quality_rating(scores(5, 50) | {"nima_score": bad}) is None
    assert quality_rating({}) is None


@pytest.mark.parametrize(
    ("qr", "expected"),
    [(10, "Top"), (7.5, "Top"), (7.49, "Good"), (6.5, "Good"), (6.49, "Average"), (5.5, "Average"),
     (5.49, "Low"), (4.5, "Low"), (4.49, "Very Low"), (0, "Very Low"), (None, "NA"), (float("nan"), "NA")],
)  # fmt: skip
def test_the_class_changes_exactly_at_its_limits(qr: float | None, expected: str) -> None:
    assert qc_class(qr) == expected


def test_the_clip_fallback_stays_in_range() -> None:
    assert fallback_clip(100, 10, 10, 10) == 10
    assert fallback_clip(5, 5, 5, 5) == pytest.approx(5)


def test_the_review_can_import_it_without_picture_libraries() -> None:
    code = "import sys, penstock.adapters.photo.rating; sys.exit(bool({'cv2', 'numpy', 'PIL'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
