from __future__ import annotations

import pytest

from penstock.console.amounts import plain


@pytest.mark.parametrize(
    ("thousandths", "told"), [(0, "0"), (12_500, "12.5"), (10_000, "10"), (1, "0.001"), (1_234_567_000, "1,234,567")]
)
def test_credits_read_plainly(thousandths: int, told: str) -> None:
    assert plain(thousandths) == told


def test_a_movement_has_its_sign() -> None:
    assert plain(12_500, sign=True) == "+12.5"
    assert plain(-500, sign=True) == "-0.5"
