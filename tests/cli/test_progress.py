from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

from rich.console import Console

from penstock.cli.progress import Look, Plain, Rich, duration, steps

START = datetime(2026, 1, 1, tzinfo=UTC)


def view(*stages: tuple[int, int, int], current: int = 1) -> dict[str, Any]:
    """Stages as (done, failed, pending)."""
    listed = [
        {"number": n, "name": f"s{n}", "title": f"Stage {n}", "done": d, "failed": f, "quarantined": 0, "pending": p}
        for n, (d, f, p) in enumerate(stages, 1)
    ]
    return {"run_id": "r", "site": "s", "status": "running", "current_stage": current, "stages": listed, "items": {}}


def look(seen: dict[str, Any], lines: list[tuple[str, str]] | None = None, seconds: float = 10) -> Look:
    began = {stage["number"]: START for stage in seen["stages"]}
    return Look(seen, list(steps(seen, began, START + timedelta(seconds=seconds))), lines or [])


def test_a_stage_counts_what_is_still_upstream_as_coming() -> None:
    first, second = look(view((6, 0, 4), (5, 1, 0))).steps
    assert (first.coming, first.total) == (4, 10)
    assert (second.coming, second.total) == (4, 10)


def test_the_slowest_stage_decides_how_long_it_takes() -> None:
    seen = look(view((8, 0, 2), (4, 0, 4)), seconds=10)
    assert [step.left for step in seen.steps] == [2 / 0.8, 6 / 0.4]
    assert seen.left == 15


def test_a_rate_of_two_items_says_nothing_yet() -> None:
    assert look(view((2, 0, 8))).left is None


def test_durations_read_like_a_clock() -> None:
    assert [duration(s) for s in (7, 750, 3723)] == ["0:07", "12:30", "1:02:03"]


def test_plain_lines_come_on_a_new_stage_and_at_most_every_two_seconds() -> None:
    said: list[str] = []
    plain = Plain(said.append)
    for tenths, done in ((0, 1), (10, 2), (19, 3), (21, 4)):
        plain.show(look(view((done, 0, 9 - done))), START + timedelta(seconds=tenths / 10))
    plain.show(look(view((9, 0, 0), (1, 0, 8), current=2)), START + timedelta(seconds=2.2))
    assert [line.split(" ", 1)[1].split(",")[0] for line in said] == [
        "stage 1/1 Stage 1: 1 of 9 done",
        "stage 1/1 Stage 1: 4 of 9 done",
        "stage 2/2 Stage 2: 1 of 9 done",
    ]


def test_failures_are_told_as_they_happen_and_the_rest_only_when_wanted() -> None:
    lines = [("INFO", "fine"), ("ERROR", "id=4 broke")]
    brief: list[str] = []
    Plain(brief.append).show(look(view((1, 1, 0)), lines), START)
    wordy: list[str] = []
    Plain(wordy.append, verbose=True).show(look(view((1, 1, 0)), lines), START)
    assert [line.split(" ", 1)[1] for line in brief] == [
        "[ERROR] id=4 broke",
        "stage 1/1 Stage 1: 1 of 2 done, 1 failed",
    ]
    assert "[INFO] fine" in wordy[0]


def test_the_live_table_shows_stages_failures_and_how_to_stop() -> None:
    console = Console(record=True, width=120, force_terminal=True, file=StringIO())
    rich = Rich(console)
    rich.show(look(view((5, 1, 4)), [("ERROR", "id=4 broke")]), START)
    rich.close()
    console.print(rich._drawing(look(view((5, 1, 4)))))
    text = console.export_text()
    assert "Stage 1" in text
    assert "6/10" not in text
    assert "5/10" in text
    assert "id=4 broke" in text
    assert "Ctrl-C stops safely." in text
