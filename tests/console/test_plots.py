from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from penstock.console import plots
from penstock.console.when import lasting
from penstock.ledger.models import StageRun

AT = datetime(2026, 11, 25, 9, 15, tzinfo=UTC)


def stage(number: int, begin: int | None, end: int | None, **fields: float) -> StageRun:
    at = [None if one is None else AT + timedelta(seconds=one) for one in (begin, end)]
    return StageRun(number=number, title=f"S{number}", started_at=at[0], ended_at=at[1], **fields)


def test_a_timeline_puts_each_stage_where_it_was() -> None:
    made = plots.timeline([stage(1, 0, 50), stage(2, 50, 100), stage(3, None, None)], AT + timedelta(seconds=500))
    assert made is not None
    assert [(bar.x, bar.width) for bar in made.bars] == [(0, 200), (200, 200), (0, 0)]
    assert [bar.told for bar in made.bars] == ["50 s", "50 s", "not yet"]


def test_a_stage_at_work_reaches_to_now_and_no_bar_leaves_the_plot() -> None:
    made = plots.timeline([stage(1, 0, 10, leased=1), stage(2, 100, 100)], AT + timedelta(seconds=100))
    assert made is not None
    assert (made.bars[0].kind, made.bars[0].width) == ("busy", 400)
    assert all(bar.x + bar.width <= made.width for bar in made.bars)


def test_nothing_begun_or_measured_is_no_plot() -> None:
    assert plots.timeline([stage(1, None, None)], AT) is None
    assert plots.peaks("Memory", [stage(1, 0, 1)], "rss_mb", "MiB") is None


def test_peaks_are_measured_against_the_highest() -> None:
    made = plots.peaks("Memory", [stage(1, 0, 1, rss_mb=50.0), stage(2, 0, 1, rss_mb=100.0)], "rss_mb", "MiB")
    assert made is not None
    assert [bar.width for bar in made.bars] == [200, 400]
    assert made.told == "Memory: the most is 100 MiB, at stage 2."


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (None, ""),
        (0.04, "0.0 s"),
        (9.96, "10.0 s"),
        (59.6, "1 min"),
        (200, "3 min 20 s"),
        (3600, "1 h"),
        (90000, "1 d 1 h"),
    ],
)
def test_a_span_reads_in_its_two_largest_units(seconds: float | None, told: str) -> None:
    assert lasting(seconds) == told
