"""What every state of the disk is put through: `python -m tests.proof.power FOLDER JOURNAL` reads seeds, answers JSON.

The state is laid down where the home was, the database is opened, the home recovers as at any start, what was
acknowledged is there, open runs go on to their rest, the oracle looks, and once the chapter in which power failed is
told to its end, everything is as if it never had. One process does this thousands of times; only its database
connection is new each time.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import json
import os
import random
import shutil
import sqlite3
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from tests.crash import plant
from tests.proof import narrated, recording
from tests.proof.disk import Disk, Mode
from tests.proof.recording import Recording

FREE = {"cpu": 9, "inline": 9, "model": 9, "io": 9}
MOST_STEPS = 2000


def main() -> None:
    """Answer one line of JSON per line `NUMBER:MODE:elsewhere|here:DICE`."""
    told = recording.load(Path(sys.argv[1]), sys.argv[2])
    home = Home(told)
    gc.freeze()
    print(json.dumps({"stops": told.stops, "ops": len(told.ops)}), flush=True)
    for line in sys.stdin:
        number, mode, where, dice = line.strip().split(":")
        wrong = home.through(int(number), cast(Mode, mode), where == "elsewhere", dice)
        answer = {"what": told.chapter(int(number)), "wrong": wrong, "seconds": time.process_time()}
        print(json.dumps(answer), flush=True)


class Home:
    """The recorded home, in whatever state."""

    def __init__(self, told: Recording) -> None:
        self.told = told
        self.home = told.disk / "home"
        self.site_root = self.home  # the first site of a home lives in it
        os.environ["PENSTOCK_HOME"] = str(self.home)
        self._disk = Disk(told.files, told.folders)
        self._lay(dict(told.files), told.folders)
        narrated.with_journal(told.journal)
        from penstock import boot, config

        boot.start(config.load(self.home))
        self.golden = self._golden()
        self._disk = Disk(told.files, told.folders)

    def through(self, number: int, mode: Mode, elsewhere: bool, dice: str) -> list[str]:
        """Everything wrong with this state, in sentences."""
        disk = self._at(number)
        files, folders = disk.state(mode, random.Random(f"{number}:{dice}"), self._targets() if elsewhere else ())
        self._lay(files, folders)
        acknowledged = [fact for when, fact in self.told.facts if when <= number]
        try:
            return list(self._look(self.told.chapter(number), acknowledged[-1] if acknowledged else {}))
        except Exception as error:  # the boundary: whatever it is, this state is not survived
            where = "".join(traceback.format_exception(error)[-4:]).strip()
            return [f"{type(error).__name__}: {error}; {where[-1500:]}"]
        finally:
            self._close()

    # -- states ---------------------------------------------------------------------------------------------

    def _targets(self) -> tuple[str, ...]:
        return tuple(str(self.site_root.relative_to(self.told.disk) / name) for name in ("site_images", "data/photos_"))

    def _at(self, number: int) -> Disk:
        """The disk after so many operations; going back begins anew."""
        if self._disk.number > number:
            self._disk = Disk(self.told.files, self.told.folders)
        for op in self.told.ops[self._disk.number : number]:
            self._disk.apply(op)
        return self._disk

    def _lay(self, files: dict[str, bytes], folders: list[str]) -> None:
        """Make the folder hold exactly this."""
        for place in self.told.disk.iterdir():
            shutil.rmtree(place) if place.is_dir() else place.unlink()
        for folder in folders:
            (self.told.disk / folder).mkdir(exist_ok=True)
        for path, data in files.items():
            (self.told.disk / path).write_bytes(data)

    def _golden(self) -> dict[str, Any]:
        """Where each chapter ends when nothing happens."""
        found = {}
        for chapter, number in self.told.chapters:
            files, folders = self._at(number).state("all", random.Random(0))
            self._close()
            self._lay(files, folders)
            found[chapter] = self._end()
        sent = [delivery["row"] for delivery in found["publish"]["deliveries"]]
        assert sent, "nothing was published in the recording"
        assert all(row[2:4] == ("sent", "done") for row in sent), f"the recording itself went wrong: {sent}"
        return found

    def _close(self) -> None:
        from django.db import connection

        from penstock.ledger import runlog

        connection.close()
        runlog.forget()

    # -- the look -------------------------------------------------------------------------------------------

    def _look(self, chapter: str, acknowledged: dict[str, Any]) -> Iterator[str]:
        ledger = self._recovered()
        chapter = "run" if chapter == "start" else chapter  # what was started goes on by itself
        yield from self._kept(acknowledged)
        _drive(ledger)
        yield from self._sound(under_way=chapter == "unpublish")
        before = _row("SELECT MAX(id) FROM ledger_event WHERE id>%s", 0)
        _tell(chapter, ledger)
        if _row("SELECT MAX(id) FROM ledger_event WHERE id>%s", 0) != before:
            yield from self._sound()
        yield from _differences(self.golden[chapter], self._end())

    def _recovered(self) -> Any:
        from penstock.config import current
        from penstock.ledger import sweep
        from penstock.ledger.drive import ledger_of

        ledger = ledger_of(current(), _Clock())
        done = sweep.recover(ledger)
        if done.stuck:
            raise AssertionError(f"recovery left {done.stuck} things undone")
        return ledger

    def _kept(self, acknowledged: dict[str, Any]) -> Iterator[str]:
        """Transactions become durable in their order, so the last event and the last decision stand for all."""
        for kind, sql in (
            ("event", "SELECT id, at, kind, moves, lines FROM ledger_event WHERE id=%s"),
            ("decision", "SELECT id, at, verdict, item FROM review_decision WHERE id=%s"),
        ):
            wanted = acknowledged.get(kind)
            if wanted and _row(sql, wanted[0]) != wanted:
                yield f"I6: {kind} {wanted} was acknowledged and is {_row(sql, wanted[0]) or 'gone'}"

    def _sound(self, *, under_way: bool = False) -> Iterator[str]:
        from penstock.oracle import examine

        for one in examine(deep=True, clock=_Clock()):
            yield f"{one.invariant} {one.subject}: {one.detail}"
        yield from self._originals()
        yield from self._published(under_way)
        yield from self._logs()
        yield from (f"I7: {file} was left" for file in self.told.disk.rglob("*.part") if "db_upl" not in file.name)

    def _originals(self) -> Iterator[str]:
        """Each at one place: where it came from, or (moved) where it is staged; copies stay where they were."""
        staged = {_sha(file) for file in (self.site_root / "incoming").rglob("*") if file.is_file()}
        for path, data in self.told.files.items():
            if not path.startswith("source/"):
                continue
            sha, file = hashlib.sha256(data).hexdigest(), self.told.disk / path
            here = file.is_file() and _sha(file) == sha
            if path.startswith("source/two/") and here == (sha in staged):
                yield f"I7: the original {path} is {'at two places' if here else 'lost'}"
            elif path.startswith("source/one/") and not here:
                yield f"I7: the original {path} is gone or changed, though it was only to be copied"

    def _published(self, under_way: bool) -> Iterator[str]:
        """What stands on a target is what a delivery put there, whole; or somebody is told that it is being taken back,
        when that was `under_way`: only the person who asked for it goes on with it."""
        from penstock.accounts.models import Site
        from penstock.publish.drift import reconcile

        for drift in reconcile(Site.objects.get(name=narrated.SITE)):
            if drift.what == "unsettled" and under_way:
                continue
            yield f"I2: {drift.target}: {drift.what}: {drift.detail}"

    def _logs(self) -> Iterator[str]:
        """Copies of events say what the events say, at least up to the end of their run; reports are whole."""
        from penstock.ledger import runlog
        from penstock.ledger.models import Event, Run

        for run in Run.objects.select_related("site").filter(recorded=True):
            file = runlog.run_file(run)
            text = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
            ended = Event.objects.filter(run=run.id, kind=run.status).latest("id").id
            whole, after = "".join(f"{line}\n" for line in runlog.lines(run)), runlog._lines(run, ended)[0]
            if not whole.startswith(text) or len(text) < len(whole) - len(after):
                yield f"I6: the log {file.name} of a run that ended does not say what its events say"
            report = self.site_root / "runs" / run.id / "prefill_qc.json"
            if run.pipeline == "photos" and not _json(report):
                yield f"I6: the report {report} is not whole"
        listed = self.site_root / "data" / "used_filenames.json"
        if Run.objects.filter(recorded=True, pipeline="photos").exists() and _json(listed) is None:
            yield f"I6: {listed} is not whole"

    def _end(self) -> dict[str, Any]:
        """All that a person could care about, in a form that does not tell which process did it."""
        base = plant.rows(self.home, self.told.disk)
        places = ("incoming", "site_images", "data/working")
        files = [file for place in places for file in (self.site_root / place).rglob("*") if file.is_file()]
        base["files"] = [{str(f.relative_to(self.site_root)): _sha(f)} for f in sorted(files)]
        base["originals"] = [plant.originals(self.told.disk / "source")]
        with closing(sqlite3.connect(self.home / "data" / "review.db")) as db:
            sql = "SELECT item, target_id, outcome, state, fingerprint FROM delivery ORDER BY 1, 2, 5"
            base["deliveries"] = [{"row": row} for row in db.execute(sql)]
            sql = "SELECT item, kind, target, mark FROM ledger_effect WHERE state='done' ORDER BY 1, 2, 3"
            base["effects"] = [{"row": row} for row in db.execute(sql)]
        mirror = self.site_root / "data" / "photos_info_revamp.db"
        with closing(sqlite3.connect(mirror)) as db:
            rows = [row[1:] for row in db.execute("SELECT * FROM photos_info_revamp")]
            base["mirror"] = [{"row": row} for row in sorted(rows, key=str)]
        return base


class _Clock:
    """The system's clock, except that waiting takes no time."""

    ahead = 0.0

    def __init__(self) -> None:
        from penstock.engine.clock import SystemClock

        self._real = SystemClock()

    def monotonic(self) -> float:
        return self._real.monotonic() + _Clock.ahead

    def wall(self) -> datetime:
        return self._real.wall()

    async def sleep(self, seconds: float) -> None:
        _Clock.ahead += max(0.0, seconds)


# -- work, without drivers and children: on the spot, one batch after another ------------------------------------


def _drive(ledger: Any) -> None:
    """Every open run to its rest."""
    for run in ledger.runs():
        for _ in range(MOST_STEPS):
            batch = ledger.claim(run, FREE)
            if batch is not None:
                ledger.settle(batch, _worked(ledger, batch), True)
                continue
            rest = ledger.rest(run)
            if rest.finished:
                break
            _Clock.ahead += rest.due or 0.0
        else:
            raise AssertionError(f"I11: run {run} does not come to rest")


def _worked(ledger: Any, batch: Any) -> list[Any]:
    from penstock.engine.errors import Blocking, Unavailable
    from penstock.engine.lanes import Lanes
    from penstock.engine.port import Result
    from penstock.engine.verdict import verdict

    stage, items = batch.stage, list(batch.items)
    if stage.runner == "inline":
        found = Lanes(FREE, ledger.clock).inline(stage, items, ledger.clock)
    elif stage.per == "item":
        found = [Result(item["id"], _did(stage, item), item["attempt"]) for item in items]
    else:
        whats = _did(stage, items)
        whats = whats if isinstance(whats, list) else [whats] * len(items)
        found = [Result(item["id"], what, item["attempt"]) for item, what in zip(items, whats, strict=True)]
    judged = []
    for one in found:
        if isinstance(one.what, Blocking):
            ledger.block(batch.run, str(one.what), one.what.code)
        elif isinstance(one.what, Unavailable):
            ledger.hold(batch.run, str(one.what))
        what = verdict(one.what, stage) if isinstance(one.what, Exception) else one.what
        judged.append(Result(one.item, what, one.attempt, one.seconds))
    return judged


def _did(stage: Any, payload: Any) -> Any:
    """What a child or the event loop would answer, errors included."""
    try:
        if stage.runner == "async":
            return asyncio.run(stage.work(payload, _silent))
        return _function(stage.work)(stage.name, payload, _silent)
    except Exception as error:  # the boundary that the driver has too
        return error


def _function(name: str) -> Callable[..., Any]:
    module, _, function = name.partition(":")
    __import__(module)
    return cast(Callable[..., Any], getattr(sys.modules[module], function))


def _silent(_note: str = "") -> None:
    pass


# -- chapters: what was being done when power failed is done (again) ---------------------------------------------


def _tell(chapter: str, ledger: Any) -> None:
    from penstock.accounts.models import Site

    _CHAPTERS[chapter](Site.objects.get(name=narrated.SITE), ledger)
    _drive(ledger)


def _start(site: Any, ledger: Any, *, runs: int = 1) -> None:
    from penstock.engine.ids import RandomIds
    from penstock.ledger import control
    from penstock.ledger.models import Run

    if Run.objects.filter(site=site, kind="run").count() < runs:
        control.start(site, ledger.clock, RandomIds(), plan=dict(site.settings), who="ann")


def _rollback(site: Any, ledger: Any) -> None:
    from penstock.ledger.models import Run
    from penstock.ledger.rollback import rollback

    rollback(Run.objects.filter(site=site).earliest("started_at"), ledger.clock.wall(), who="ann")


def _approve(site: Any, ledger: Any, *, reject: bool = True) -> None:
    from penstock.pipelines.photos.models import Photo
    from penstock.review import gate

    at = ledger.clock.wall()
    ids = list(Photo.objects.filter(site=site, stage="review").order_by("ordinal", "id").values_list("id", "state"))
    for item, state in ids:
        if state == "waiting" and reject and item == ids[-1][0]:
            gate.reject("photo", item, who="ann", at=at, reason="blurred")
        elif state == "waiting":
            gate.approve("photo", item, who="ann", at=at)


def _publish(site: Any, ledger: Any) -> None:
    from penstock.engine.ids import RandomIds
    from penstock.pipelines.photos.models import Photo
    from penstock.publish import outbox

    if Photo.objects.filter(site=site, state="approved").exists():
        outbox.start(site, ledger.clock, RandomIds(), "ann", None)


def _unpublish(site: Any, ledger: Any) -> None:
    from penstock.pipelines.photos.models import Photo
    from penstock.publish.undo import unpublish

    first = Photo.objects.filter(site=site, stage="review").exclude(state="rejected").order_by("ordinal", "id")[0]
    if first.state != "waiting":
        unpublish(site, [first.id], "ann", ledger.clock)


_CHAPTERS: dict[str, Callable[[Any, Any], None]] = {
    "at_once": _start,
    "approve_all": lambda site, ledger: _approve(site, ledger, reject=False),
    "run": _start,
    "rollback": _rollback,
    "again": lambda site, ledger: _start(site, ledger, runs=2),
    "approve": _approve,
    "publish": _publish,
    "unpublish": _unpublish,
}


# -- small things ------------------------------------------------------------------------------------------------


def _differences(wanted: dict[str, Any], found: dict[str, Any]) -> Iterator[str]:
    for part in wanted:
        if wanted[part] != found[part]:
            missing = [row for row in wanted[part] if row not in found[part]]
            more = [row for row in found[part] if row not in wanted[part]]
            yield f"{part} does not end as undisturbed: lacks {str(missing)[:600]}, has {str(more)[:600]}"


def _row(sql: str, number: int) -> list[Any] | None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, [number])
        return narrated.plain(cursor.fetchone())


def _sha(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


if __name__ == "__main__":
    main()
