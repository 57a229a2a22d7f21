from __future__ import annotations

from penstock.adapters.llm.model import Timeouts, believable


def test_the_longest_silence_covers_the_load_of_a_model_and_stays_below_the_total() -> None:
    assert Timeouts().longest_silence > Timeouts().first_byte_cold
    assert Timeouts(total=10, connect=1, reply=1).longest_silence == 13


def test_only_a_plain_number_in_range_is_a_believable_count() -> None:
    assert [believable(value, 10) for value in (0, 10, 11, -1, True, "3", None, 2.0)] == [0, 10] + [None] * 6
