"""Photos on real files, without pixels: files are looked at, staged, given a working copy, named, and wait at the gate.

Tables, effects and names are the photo pipeline's own, so what is undone here is what users have undone. Work is done
on the spot, one step at a time, so that a test decides where the process dies.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from penstock.accounts.models import create_site
from penstock.adapters import files
from penstock.engine.clock import VirtualClock
from penstock.engine.errors import Blocking, Died, Unavailable
from penstock.engine.failpoint import SimulatedCrash, armed
from penstock.engine.ids import ProcessIdentity, SequenceIds
from penstock.engine.lanes import Lanes
from penstock.engine.outcome import Done, Fail, File, Outcome, Row
from penstock.engine.pipeline import EffectPlan, Item, Pipeline, Stage
from penstock.engine.port import Batch, Result
from penstock.engine.verdict import verdict
from penstock.ledger import TABLES, control, rows, runlog, sweep
from penstock.ledger import models as m
from penstock.ledger.store import DjangoLedger
from penstock.oracle import examine
from penstock.pipelines.photos import intake, queueing
from penstock.pipelines.photos.models import PhotoFile
from penstock.pipelines.photos.words_of_state import status

FREE = {"cpu": 9, "inline": 9}
VOLATILE = {"run", "made_by", "batch", "attempts", "losses", "available_at", "error", "error_code", "revision"}


def pipeline(run: Any, **overrides: Any) -> Pipeline:
    """validate → stage_files → read_exif → queue_rows → review."""
    third = {"work": develop, "load": _to_develop, "size": 2, "backoff": 0.0, **overrides}
    stages = (
        Stage(1, "validate", "Validate", "file", "inline", work=look, load=_files, size=3, makes=("photo",)),
        Stage(2, "stage_files", "Stage", "photo", "inline", work=bring, load=_to_stage, effects=_staging, size=2),
        Stage(3, "read_exif", "Develop", "photo", "inline", **third),
        Stage(
            4, "queue_rows", "Queue", "photo", "inline", work=queueing.work, load=queueing.load, per="batch",
            ordered=True, barrier=True, lane="inline", size=3, makes=("name",),
        ),
        Stage(5, "review", "Review", "photo", "inline", work=lambda item: Done(), gate=True),
    )  # fmt: skip
    return Pipeline("photos", stages, status=status)


def _files(context: Any, ids: Any) -> list[Item]:
    found = PhotoFile.objects.select_related("set").filter(id__in=ids).order_by("ordinal")
    return [{"id": f.id, "path": f.path, "ordinal": f.ordinal, "set": f.set_id} for f in found]


def look(item: Item) -> Outcome:
    """A photo for the file."""
    name = Path(item["path"]).name
    fields = {
        "id": item["id"],
        "ordinal": item["ordinal"],
        "set_id": item["set"],
        "Folder": "birds",
        "Location": "pond",
    }
    fields |= {"Subject": "Heron", "Original_File_Name": name, "source_path": item["path"], "Camera": "Cam"}
    return Done(makes=(Row("photo", "0", fields),))


def _to_stage(context: Any, ids: Any) -> list[Item]:
    folder, modes = context.run.site.root / "incoming", dict(_modes(ids))
    return [
        {**row, "to": str(folder / f"{row['id']}.jpg"), "mode": modes[row["id"]]} for row in rows.read("photo", ids)
    ]


def _modes(ids: Any) -> Any:
    return rows.model_of("photo").objects.filter(id__in=ids).values_list("id", "set__mode")


def _staging(context: Any, items: Any) -> list[EffectPlan]:
    return [EffectPlan(item["id"], item["mode"], item["source_path"], item["to"]) for item in items]


def bring(item: Item) -> Outcome:
    """Copy or move the original."""
    stored = (files.move_verified if item["mode"] == "move" else files.copy_verified)(item["source_path"], item["to"])
    return Done({"content_hash": stored["sha256"], "file_size": stored["size"], "staged_path": item["to"]})


def _to_develop(context: Any, ids: Any) -> list[Item]:
    folder = context.run.site.root / "data" / "working"
    return [
        {**row, "dir": str(context.work_dir), "to": str(folder / f"{row['id']}.jpg")} for row in rows.read("photo", ids)
    ]


def develop(item: Item) -> Outcome:
    """A working copy, as an artefact; a file called bad fails."""
    if "bad" in item["Original_File_Name"]:
        return Fail("it is blurred", "blurred")
    work = Path(item["dir"]) / f"{item['id']}.jpg"
    work.parent.mkdir(parents=True, exist_ok=True)
    data = b"working copy of " + Path(item["staged_path"]).read_bytes()
    work.write_bytes(data)
    file = File(str(work), item["to"], hashlib.sha256(data).hexdigest(), len(data))
    return Done({"working_path": item["to"]}, files=(file,))


class Darkroom:
    """The site, its originals, and processes that come and go."""

    def __init__(self, home: Path) -> None:
        self.home, self.clock, self.ids = home, VirtualClock(1000.0), SequenceIds()
        self.site = create_site("darkroom", "photos")
        self.overrides: dict[str, Any] = {}
        self._starts = 0
        self.ledger: DjangoLedger = self.process()

    def process(self) -> DjangoLedger:
        """A new process takes over; the one before is dead from now on."""
        self._starts += 1
        me = ProcessIdentity.me()
        runlog.forget()
        self.ledger = DjangoLedger(self.clock, ProcessIdentity(me.host, me.boot, me.pid, me.started + self._starts))
        return self.ledger

    def add(self, names: str = "a b c d", *, move: bool = False, card: str = "card") -> None:
        """A set of originals, one per name; the letter before a dash is the content."""
        folder = self.home / card
        folder.mkdir(exist_ok=True)
        for name in names.split():
            (folder / f"{name}.jpg").write_bytes(f"original {name.partition('-')[0]}".encode())
        words = {"folder": "birds", "location": "pond", "subject": "Heron"}
        intake.add(self.site, folder, confirm=lambda _: True, at=self.clock.wall(), move=move, **words)  # type: ignore[arg-type]

    def start(self) -> str:
        """A run over the backlog."""
        return str(control.start(self.site, self.clock, self.ids).id)

    def step(self, run: str) -> bool:
        """Claim one batch, work it, settle it; False when there is none."""
        batch = self.ledger.claim(run, FREE)
        if batch is None:
            return False
        self.settle(batch)
        return True

    def settle(self, batch: Batch) -> None:
        """Work a batch and settle it."""
        found = Lanes(FREE, self.clock).inline(batch.stage, [dict(item) for item in batch.items], self.clock)
        self.ledger.settle(batch, [self._judged(batch, result) for result in found], True)

    def _judged(self, batch: Batch, result: Result) -> Result:
        what = result.what
        if isinstance(what, Blocking):
            self.ledger.block(batch.run, str(what), what.code)
        elif isinstance(what, Unavailable):
            self.ledger.hold(batch.run, str(what))
        if isinstance(what, Exception) and not isinstance(what, Died):
            what = verdict(what, batch.stage)
        return Result(result.item, what, result.attempt, result.seconds)

    def drive(self, run: str) -> str:
        """Until the run comes to rest; answers its status."""
        for _ in range(500):
            while self.step(run):
                pass
            rest = self.ledger.rest(run)
            if rest.finished:
                return str(self.run(run).status)
            self.clock.advance(rest.due or 0.0)
        raise AssertionError(f"run {run} does not come to rest")

    def go(self) -> str:
        """A whole run; answers its id."""
        run = self.start()
        self.drive(run)
        return run

    def run(self, run: str) -> m.Run:
        """The run as it is now."""
        return control.find(run)

    def survive(self, spec: str, action: Any) -> bool:
        """Do `action` with failpoints armed; after a crash start again, recover, and do it once more. Did it crash?"""
        try:
            with armed(spec):
                action()
        except SimulatedCrash:
            self.recover()
            action()
            return True
        return False

    def recover(self) -> sweep.Recovered:
        """What a start does first."""
        return sweep.recover(self.process())

    def rows(self, *, volatile: bool = False) -> dict[str, list[dict[str, Any]]]:
        """All rows of all tables, less what may differ between equal runs."""
        hidden = set() if volatile else VOLATILE
        found = {}
        for table, model in TABLES.items():
            values = model.objects.order_by("id").values()
            found[table] = [{k: v for k, v in row.items() if k not in hidden} for row in values]
        found["name"] = [{k: v for k, v in row.items() if k != "id"} for row in found["name"]]
        return found

    def tree(self) -> dict[str, bytes]:
        """Every file of the home except logs, records and the database."""
        places = ("card", "incoming", "data/working", ".work")
        found = [path for place in places for path in sorted((self.home / place).rglob("*")) if path.is_file()]
        return {str(path.relative_to(self.home)): path.read_bytes() for path in found}

    def wrong(self) -> list[Any]:
        """What the oracle says."""
        return examine(deep=True, clock=self.clock)
