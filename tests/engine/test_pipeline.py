"""Stages in order, ways by attempts."""

from __future__ import annotations

import pytest

from penstock.engine.errors import NotFound
from penstock.engine.pipeline import Pipeline, Stage

CUT = Stage(1, "cut", "Cut", "widget", "inline", tries=(3, 2, 1))
PAINT = Stage(2, "paint", "Paint", "part", "inline")
PACK = Stage(3, "pack", "Pack", "widget", "inline")
LINE = Pipeline("line", (CUT, PAINT, PACK))


def test_attempts_lead_from_one_way_to_the_next() -> None:
    assert [CUT.way(n) for n in range(1, 8)] == [0, 0, 0, 1, 1, 2, 3]
    assert [CUT.attempts_before(way) for way in range(4)] == [0, 3, 5, 6]


def test_the_next_stage_takes_the_same_kind_of_item() -> None:
    assert LINE.after(CUT) is PACK
    assert LINE.after(PAINT) is None


def test_a_row_begins_at_the_first_stage_that_takes_its_table() -> None:
    assert LINE.first("part") is PAINT
    with pytest.raises(NotFound, match="takes no 'glue'"):
        LINE.first("glue")


def test_an_unknown_stage_is_named() -> None:
    assert LINE.stage("pack") is PACK
    with pytest.raises(NotFound, match="no stage 'fold'"):
        LINE.stage("fold")


def test_upstream_is_everything_with_a_lower_number() -> None:
    assert LINE.before(PACK) == (CUT, PAINT)
