from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from penstock.engine.errors import IllegalMove, Refused
from penstock.engine.failpoint import SimulatedCrash, armed, declared, hits
from penstock.ledger import control, drive, events, retention, rollback, runlog
from penstock.ledger import models as m
from penstock.pipelines.photos.models import Photo
from penstock.review import gate

RULE = retention.Rule(days=90, runs=1)
JOURNAL = (m.Batch, m.BeforeImage, m.StageRun, m.Effect, m.Artefact)


def decide(room: Any) -> None:
    """Nothing of what waits is wanted."""
    for photo in Photo.objects.filter(state="waiting"):
        gate.reject("photo", photo.pk, who="ann", at=room.clock.wall(), reason="not sharp")


def pass_by(room: Any, days: float = 100.0) -> None:
    room.clock.advance(days * 86400)


def prune(room: Any, rule: retention.Rule = RULE) -> list[str]:
    """The runs that went."""
    before = set(m.Run.objects.values_list("id", flat=True))
    for _ in retention.prune(rule, room.clock.wall()):
        pass
    return sorted(before - set(m.Run.objects.values_list("id", flat=True)))


def aged(room: Any, *, resolved: bool = True) -> str:
    """A run that ended long ago with a failure, all decided; a newer one beside it."""
    room.add("a b c bad")
    run = str(room.go())
    decide(room)
    if resolved:
        retention.resolve(room.run(run), room.clock.wall(), "ann")
    folder = room.site.root / "runs" / run
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text("{}")
    pass_by(room)
    room.go()
    return run


def test_an_old_run_goes_whole_and_its_rows_and_files_stay(darkroom: Any) -> None:
    run = aged(darkroom)
    rows, tree, log = darkroom.rows(), darkroom.tree(), runlog.run_file(darkroom.run(run))
    assert log.exists()
    assert prune(darkroom) == [run]
    assert (darkroom.rows(), darkroom.tree()) == (rows, tree)
    assert [model.__name__ for model in JOURNAL if model.objects.filter(run=run).exists()] == []
    assert {event.kind for event in m.Event.objects.filter(run=run)} == {"retired", "kept"}
    assert not any(event.lines for event in m.Event.objects.filter(run=run))
    assert not Photo.objects.filter(run=run).exists()
    assert not log.exists()
    assert not (darkroom.site.root / "runs" / run).exists()
    assert darkroom.wrong() == []


def test_what_is_left_of_the_events_says_where_each_row_is_once(darkroom: Any) -> None:
    run = aged(darkroom)
    prune(darkroom)
    kept = [move[:2] for event in m.Event.objects.filter(run=run) for move in events.unpacked(event.moves)]
    assert len(kept) == len(set(kept))
    assert {("photo", photo.pk) for photo in Photo.objects.all()} <= set(kept)


def test_at_every_step_the_stored_data_is_in_order(darkroom: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "CHUNK", 2)
    monkeypatch.setattr(retention, "PAGE", 1)
    aged(darkroom)
    steps = 0
    for _ in retention.prune(RULE, darkroom.clock.wall()):
        steps += 1
        assert darkroom.wrong() == []
    assert steps > 20


def test_a_second_look_finds_nothing(darkroom: Any) -> None:
    aged(darkroom)
    prune(darkroom)
    before = m.Event.objects.count()
    assert prune(darkroom) == []
    assert m.Event.objects.count() == before


@pytest.mark.parametrize(("rule", "why"), [
    (retention.Rule(days=101, runs=1), "young"), (retention.Rule(days=90, runs=2), "among the newest"),
], ids=lambda one: one if isinstance(one, str) else "")  # fmt: skip
def test_a_run_within_the_rule_stays(darkroom: Any, rule: retention.Rule, why: str) -> None:
    aged(darkroom)
    assert prune(darkroom, rule) == []


def test_each_site_keeps_its_own_newest_runs(darkroom: Any) -> None:
    from penstock.accounts.models import create_site

    aged(darkroom)
    other = create_site("other", "photos")
    elsewhere = control.start(other, darkroom.clock, darkroom.ids).id
    darkroom.drive(elsewhere)
    pass_by(darkroom)
    assert elsewhere not in prune(darkroom)


def test_an_open_run_never_goes(darkroom: Any) -> None:
    darkroom.add("a b")
    run = darkroom.start()
    darkroom.step(run)
    pass_by(darkroom, 1000)
    assert prune(darkroom, retention.Rule(1, 0)) == []
    assert retention.needed(darkroom.run(run)) == "it is not at rest"


def test_a_run_in_which_something_failed_goes_only_when_it_is_resolved(darkroom: Any) -> None:
    run = aged(darkroom, resolved=False)
    assert prune(darkroom) == []
    assert "--resolve" in retention.needed(darkroom.run(run))
    retention.resolve(darkroom.run(run), darkroom.clock.wall(), "ann")
    retention.resolve(darkroom.run(run), darkroom.clock.wall(), "ann")
    assert m.Event.objects.filter(run=run, kind="resolved").count() == 1
    assert prune(darkroom) == [run]


def test_an_open_run_is_not_resolved(darkroom: Any) -> None:
    darkroom.add("a")
    with pytest.raises(IllegalMove, match="has ended"):
        retention.resolve(darkroom.run(darkroom.start()), darkroom.clock.wall())


def test_a_run_whose_rows_wait_for_a_person_stays(darkroom: Any) -> None:
    darkroom.add("a b")
    run = darkroom.go()
    pass_by(darkroom)
    darkroom.go()
    assert prune(darkroom) == []
    assert "wait for a person" in retention.needed(darkroom.run(run))
    decide(darkroom)
    assert prune(darkroom) == [run]
    assert darkroom.wrong() == []


def test_a_run_that_was_rolled_back_goes_and_leaves_no_trace_of_its_rows(darkroom: Any) -> None:
    darkroom.add("a b")
    run = darkroom.go()
    rollback.rollback(darkroom.run(run), darkroom.clock.wall())
    before = darkroom.rows()
    pass_by(darkroom)
    darkroom.drive(control.start(darkroom.site, darkroom.clock, darkroom.ids, scope={}).id)
    assert prune(darkroom) == [run]
    assert darkroom.rows() == before
    assert darkroom.wrong() == []


@pytest.mark.parametrize("half", [True, False])
def test_a_run_that_is_going_or_gone_is_neither_rolled_back_nor_retried(darkroom: Any, half: bool) -> None:
    run = aged(darkroom)
    stale = darkroom.run(run)
    steps = retention.prune(RULE, darkroom.clock.wall())
    next(steps)
    for _ in () if half else steps:
        pass
    rows = darkroom.rows(volatile=True)
    with pytest.raises(Refused, match="its journal is removed"):
        rollback.rollback(stale, darkroom.clock.wall())
    with pytest.raises(Refused, match="its journal is removed"):
        control.retry(stale, darkroom.clock, darkroom.ids)
    if not half:
        with pytest.raises(Refused, match="ended on 2026-01-01"):
            control.find(run)
    assert darkroom.rows(volatile=True) == rows
    assert darkroom.wrong() == []


def test_a_run_that_began_to_go_goes_on_even_when_more_is_kept_now(darkroom: Any) -> None:
    run = aged(darkroom)
    next(retention.prune(RULE, darkroom.clock.wall()))
    assert prune(darkroom, retention.Rule(days=9999, runs=99)) == [run]
    assert darkroom.wrong() == []


def test_a_rollback_under_way_is_not_overtaken(darkroom: Any) -> None:
    run = aged(darkroom)
    with pytest.raises(SimulatedCrash), armed("rollback.marked=crash"):
        rollback.rollback(darkroom.run(run), darkroom.clock.wall())
    assert prune(darkroom) == []
    darkroom.recover()
    assert darkroom.run(run).rolled_back_at
    assert prune(darkroom) == [run]
    assert darkroom.wrong() == []


@pytest.mark.parametrize("steps", [1, 4, 99])
def test_a_rollback_of_a_later_run_gives_rows_back_to_nobody_when_their_run_goes(darkroom: Any, steps: int) -> None:
    darkroom.add("a b")
    first = darkroom.go()
    decide(darkroom)
    before = darkroom.rows()["photo"]
    darkroom.add("a-again", card="later")
    second = darkroom.go()  # the same content: takes the older row up again
    assert Photo.objects.filter(run=second, made_by=first).count() == 1
    decide(darkroom)
    pass_by(darkroom)
    going = retention.prune(RULE, darkroom.clock.wall())
    for _ in zip(range(steps), going, strict=False):
        assert darkroom.wrong() == []
    rollback.rollback(darkroom.run(second), darkroom.clock.wall())
    assert darkroom.wrong() == []
    for _ in going:
        assert darkroom.wrong() == []
    assert list(m.Run.objects.values_list("id", flat=True)) == [second]
    assert darkroom.rows()["photo"] == before
    assert not Photo.objects.exclude(run=None).exists()
    assert darkroom.wrong() == []


def test_two_runs_over_one_row_leave_one_word_on_each_of_its_files(darkroom: Any) -> None:
    darkroom.add("a b")
    first = darkroom.go()
    decide(darkroom)
    second = darkroom.go()
    for entry in m.Artefact.objects.filter(run=first):  # as if the second run had written the same places again
        m.Artefact.objects.create(**{**_values(entry), "run": second})
    pass_by(darkroom)
    darkroom.go()
    assert prune(darkroom) == [first, second]
    places = list(m.Artefact.objects.values_list("table", "item", "path"))
    assert len(places) == len(set(places)) == 2
    assert darkroom.wrong() == []


def _values(entry: m.Artefact) -> dict[str, Any]:
    return {field.attname: getattr(entry, field.attname) for field in entry._meta.concrete_fields if field.name != "id"}


POINTS = sorted(
    name for name in declared() if name.startswith("retention.") and not name.startswith("retention.resolve")
)


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("point", POINTS)
def test_killed_anywhere_it_is_in_order_and_the_next_look_ends_it(darkroom: Any, point: str, nth: int) -> None:
    run = aged(darkroom)
    rows, tree = darkroom.rows(), darkroom.tree()
    with armed(f"{point}=crash@{nth}"):
        crashed = False
        try:
            prune(darkroom)
        except SimulatedCrash:
            crashed = True
        assert hits()[point]
    assert crashed or nth > 1
    assert darkroom.wrong() == []
    darkroom.recover()
    assert darkroom.wrong() == []
    prune(darkroom)
    assert not m.Run.objects.filter(id=run).exists()
    assert [model.__name__ for model in JOURNAL if model.objects.filter(run=run).exists()] == []
    assert (darkroom.rows(), darkroom.tree()) == (rows, tree)
    assert darkroom.wrong() == []


def test_a_folder_that_cannot_be_removed_holds_up_its_run_alone(darkroom: Any) -> None:
    run = aged(darkroom)
    with armed("retention.before_files=error:OSError"):
        assert prune(darkroom) == []
    assert darkroom.wrong() == []
    assert prune(darkroom) == [run]


def test_the_program_looks_once_a_day(darkroom: Any, ledger_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from penstock import config

    looks: list[Any] = []
    monkeypatch.setattr(retention, "prune", lambda rule, at: looks.append((rule, at)) or iter(["a step"]))

    async def call(function: Callable[..., Any], *args: Any) -> Any:
        return function(*args)

    async def three_days() -> None:
        task = asyncio.ensure_future(drive._retain(call, config.load(ledger_home), darkroom.clock))
        await darkroom.clock.sleep(2.5 * 86400)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    began = darkroom.clock.wall()
    asyncio.run(three_days())
    assert [(rule, (at - began).days) for rule, at in looks] == [(retention.Rule(90, 20), n) for n in range(3)]
