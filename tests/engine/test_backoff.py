from __future__ import annotations

from penstock.engine.backoff import delay


def test_the_delay_doubles_from_its_base() -> None:
    assert [delay(attempt, 1.5) for attempt in (1, 2, 3, 4)] == [1.5, 3.0, 6.0, 12.0]


def test_the_delay_never_passes_its_cap_however_many_attempts() -> None:
    assert delay(9, 2.0) == 300.0
    assert delay(10**6, 2.0, cap=7.0) == 7.0


def test_another_factor_grows_differently() -> None:
    assert [delay(attempt, 2.0, factor=1.0) for attempt in (1, 50)] == [2.0, 2.0]
    assert delay(3, 1.0, factor=10.0) == 100.0


def test_no_base_or_no_attempt_means_no_wait() -> None:
    assert delay(3, 0.0) == 0.0
    assert delay(0, 5.0) == 0.0
