from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from penstock.ledger import events, runlog
from penstock.ledger import models as m
from tests.conformance import plant


@pytest.fixture
def run(store: Any) -> m.Run:
    """An open run whose site lies in Amsterdam."""
    store.site.timezone = "Europe/Amsterdam"
    store.site.save()
    return m.Run.objects.select_related("site").get(id=store.start(plant.pipeline(), ["", ""]))


def say(store: Any, run: m.Run, text: str, level: str = "INFO", stage: str = "") -> None:
    events.record(store.clock.wall(), "note", site=run.site_id, run=run.id, stage=stage, lines=[(level, text)])


def own(run: m.Run) -> list[str]:
    return runlog.run_file(run).read_text(encoding="utf-8").splitlines()


def latest(run: m.Run) -> list[str]:
    return runlog.latest_file(run).read_text(encoding="utf-8").splitlines()


def test_a_line_says_when_how_grave_and_at_which_stage(store: Any, run: m.Run) -> None:
    say(store, run, "something", "WARN", "polish")
    runlog.render(run)
    stamp, rest = own(run)[-1].split(" ", 1)
    assert rest == "[WARN] [STAGE 3/5] something"
    assert stamp.endswith(("+01:00", "+02:00"))
    assert "T" in stamp


def test_both_files_say_the_same_and_grow_with_the_events(store: Any, run: m.Run) -> None:
    for text in ("one", "two", "three"):
        say(store, run, text)
        runlog.render(run)
    runlog.render(run)
    assert [line.rpartition(" ")[2] for line in own(run)[-3:]] == ["one", "two", "three"]
    assert own(run) == latest(run) == list(runlog.lines(run))


def test_another_process_writes_the_file_anew_from_the_events(store: Any, run: m.Run) -> None:
    say(store, run, "one")
    runlog.render(run)
    runlog.run_file(run).write_text("something else entirely\n")
    runlog.forget()
    runlog.render(run)
    assert own(run) == list(runlog.lines(run))


def test_a_file_that_another_process_wrote_meanwhile_gets_no_line_twice(store: Any, run: m.Run) -> None:
    say(store, run, "one")
    runlog.render(run)
    say(store, run, "two")
    whole = "".join(f"{line}\n" for line in runlog.lines(run))
    runlog.run_file(run).write_text(whole)
    say(store, run, "three")
    runlog.render(run)
    assert own(run) == latest(run) == list(runlog.lines(run))


def test_a_file_that_was_removed_comes_back_whole(store: Any, run: m.Run) -> None:
    say(store, run, "one")
    runlog.render(run)
    runlog.run_file(run).unlink()
    say(store, run, "two")
    runlog.render(run)
    assert own(run) == list(runlog.lines(run))


def test_the_latest_log_is_the_newest_runs_and_an_older_run_leaves_it_alone(store: Any, run: m.Run) -> None:
    plant.drive(store.ledger, run.id)
    runlog.render(run)
    from penstock.ledger import control

    store._widget.objects.filter(id=1).update(state="failed")
    second = control.start(store.site, store.clock, store.ids)
    runlog.render(second)
    say(store, run, "late")
    runlog.render(run)
    assert own(run)[-1].endswith("late")
    assert latest(second) == own(second)


@pytest.mark.parametrize(
    "text",
    ["two\nlines", "carriage\rreturn", "escape \x1b[2J", "null \x00", "right \u202e to left", "\udc80 surrogate"],
)
def test_no_text_can_forge_a_line_or_a_colour(store: Any, run: m.Run, text: str) -> None:
    say(store, run, text)
    runlog.render(run)
    line = own(run)[-1]
    assert line.isprintable()
    assert "\\" in line
    assert own(run) == list(runlog.lines(run))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("to ftp://ann:secret@host/x failed", "to ftp://…@host/x failed"),
        ("mysql://ann:se:cr@et@host:3306/db", "mysql://…@host:3306/db"),
        ("redis://:secret@host", "redis://…@host"),
        ("https://secret@host/path", "https://…@host/path"),
        ("a secret-less http://host/a@b stays", "a secret-less http://host/a@b stays"),
        ("'http://host' mail ann@host", "'http://host' mail ann@host"),
    ],
)
def test_credentials_in_addresses_are_not_written(text: str, kept: str) -> None:
    assert runlog.redact(text) == kept


def test_the_tail_is_the_last_lines_oldest_first(store: Any, run: m.Run) -> None:
    for n in range(5):
        say(store, run, f"line {n}")
    assert [line.rpartition(" ")[2] for line in runlog.tail(run, 2)] == ["3", "4"]
    assert runlog.tail(run, 0) == []
    assert len(runlog.tail(run, 999)) == 6


def test_nothing_temporary_is_left_beside_the_logs(store: Any, run: m.Run, home: Path) -> None:
    say(store, run, "one")
    runlog.render(run)
    assert not list((home / "logs").rglob("*.part"))


def test_the_files_of_a_run_that_ended_are_durable_before_it_counts_as_recorded(
    store: Any, run: m.Run, synced: list[Path]
) -> None:
    plant.drive(store.ledger, run.id)
    assert m.Run.objects.get(id=run.id).recorded
    for file in (runlog.run_file(run), runlog.latest_file(run)):
        assert file in synced
        assert file.parent in synced


def test_half_a_log_goes_when_its_writer_has_gone(home: Path) -> None:
    logs = home / "logs" / "runs"
    logs.mkdir(parents=True, exist_ok=True)
    gone, alive, strange = logs / f"a.{2**22 + 7}.part", logs / f"a.{os.getppid()}.part", logs / "holiday.part"
    for part in (gone, alive, strange):
        part.touch()
    runlog.tidy(home)
    assert sorted(logs.glob("*.part")) == sorted([alive, strange])
