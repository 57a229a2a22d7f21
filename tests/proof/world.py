"""One small workload that passes every failpoint of the product, in chapters; each may be begun again after any death.

A chapter looks at what is stored before it does anything, as a person would who comes back to a machine that stopped.
`DIARY` in the home says which chapters are over, and which runs there were before the one under way.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import shutil
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

from penstock import boot, config
from penstock.engine.clock import SystemClock
from penstock.engine.failpoint import declared
from penstock.engine.ids import ProcessIdentity, RandomIds
from penstock.secret import secret_key
from tests.proof import errands

CLOCK, WHO = SystemClock(), "ann"
ROUNDS = 12  # looks at what is still to do; each undisturbed one ends something


class Told(Exception):
    """A verb answered that it could not do all; whoever asked tries again."""


def start(home: Path) -> None:
    """Bring Django up on `home`, with every module of the product imported and the world's pipelines registered."""
    home.mkdir(parents=True, exist_ok=True)
    boot.start(config.Config(home=home, operator=WHO, cpu_slots=1, lease_seconds=60))
    import penstock
    from penstock import engine

    for module in pkgutil.walk_packages(penstock.__path__, "penstock."):
        if not module.name.endswith(("__main__", "wsgi")) and "migrations" not in module.name:
            importlib.import_module(module.name)
    from penstock.ledger import adoption

    adoption.PAGE = 2
    engine.PIPELINES["photos"] = errands.photos
    engine.PIPELINES["lab"] = errands.lab
    engine.PIPELINES["publish"] = errands.publishing(engine.PIPELINES["publish"])


def points() -> list[str]:
    """Every failpoint of the product."""
    return sorted(declared())


def go(upto: int | None = None) -> None:
    """Do what is left of the chapters, up to and with number `upto`, on the home that `start` was given."""
    home = config.current().home
    for number, chapter in enumerate(CHAPTERS[: None if upto is None else upto + 1]):
        diary = _diary(home)
        if number < diary["over"]:
            continue
        if diary["under_way"] != number:
            diary = _write(home, {**diary, "under_way": number, "runs": list(_runs())})
        chapter(home, diary["runs"])
        _write(home, {**diary, "over": number + 1})


def recover() -> None:
    """What each start of the program does first."""
    from penstock.ledger import sweep
    from penstock.ledger.drive import ledger_of

    sweep.recover(ledger_of(config.current()))


def _diary(home: Path) -> dict[str, Any]:
    file = home / "diary.json"
    return dict(json.loads(file.read_text())) if file.exists() else {"over": 0, "under_way": -1, "runs": []}


def _write(home: Path, diary: dict[str, Any]) -> dict[str, Any]:
    part = home / "diary.part"
    part.write_text(json.dumps(diary))
    part.rename(home / "diary.json")
    return diary


# -- chapters ---------------------------------------------------------------------------------------------------


def _opening(home: Path, _before: list[str]) -> None:
    """Two sites, a setting, folders and locations, targets, and the first originals."""
    from penstock.accounts.models import Site, create_site
    from penstock.pipelines.photos import taxonomy
    from penstock.pipelines.photos.models import Taxon
    from penstock.publish import targets
    from penstock.publish.models import Target

    (home / "exiftool").write_text(errands.EXIFTOOL)
    (home / "exiftool").chmod(0o755)
    _key(home / "annex")
    for name, pipeline in (("herons", "photos"), ("lab", "lab")):
        if not Site.objects.filter(name=name).exists():
            create_site(name, pipeline)
    site = _site()
    _set_quality(home)
    for key in ("birds", "marsh"):
        if not Taxon.objects.filter(site=site, kind="folder", key=key).exists():
            taxonomy.add(site, "folder", key, "", who=WHO, at=CLOCK.wall())
    taxonomy.rename(site, "folder", "birds", "Birds of the pond", who=WHO, at=CLOCK.wall())
    taxonomy.merge(site, "folder", "marsh", "birds", who=WHO, at=CLOCK.wall())
    if not Target.objects.filter(site=site, name="spare").exists():
        targets.add(site, "spare", "sqlite", str(home / "spare.db"))
    targets.remove(site, "spare")
    _add(site, home, "first", "a b-1 b-2", move=False)
    _add(site, home, "second", "c d", move=True)


def _key(annex: Path) -> None:
    """The first start of another home."""
    key = secret_key(annex)
    if len(key) < 50 or secret_key(annex) != key:
        raise AssertionError(f"a key of {len(key)} characters")
    shutil.rmtree(annex)


def _fire(home: Path, before: list[str]) -> None:
    """A run that is blocked, and rolled back by itself."""
    from penstock.ledger.models import Run

    site = _site()
    for _ in range(ROUNDS):
        _sky(home, "fire")
        mine = Run.objects.filter(site=site).exclude(id__in=before)
        if not mine.filter(active_key__isnull=False).exists():
            if mine.filter(status="failed", rolled_back_at__isnull=False, recorded=True).exists():
                break
            _start(site)
        _drive()
    else:
        raise AssertionError("no fire stops the run")
    _sky(home, "clear")


def _storm(home: Path, _before: list[str]) -> None:
    """A run that holds for want of light; asked to pause besides; then resumed, with one photo lost in the fog."""
    from penstock.ledger import control
    from penstock.ledger.models import Run

    site, seen = _site(), home / "seen"
    for _ in range(ROUNDS):
        if seen.exists():
            break
        _sky(home, "storm")
        run = Run.objects.filter(site=site, active_key__isnull=False).first() or _start(site)
        _drive()
        run = control.find(run.id)
        if run.status == "paused":
            _sky(home, "fog")
            control.resume(run, CLOCK, WHO)
            control.pause(control.find(run.id), CLOCK, WHO)
            seen.touch()
    _to_rest(home, site)


def _review(home: Path, _before: list[str]) -> None:
    """One approved as it is, one edited and approved, one saved and approved in the console, one rejected."""
    from penstock.console import review as console
    from penstock.review import gate

    photos = {row.Original_File_Name[0]: row for row in _photos()}
    if photos["a"].state == "waiting":
        gate.edit("photo", photos["a"].id, {"Caption": "A heron at dawn."}, who=WHO, at=CLOCK.wall())
    if photos["a"].state == "waiting":
        gate.approve("photo", photos["a"].id, who=WHO, at=CLOCK.wall())
    if photos["b"].state == "waiting":
        row = gate._row(gate.gate_of("photo"), photos["b"].id)
        asked = console.Asked("save_approve", row["revision"], None, "once", "", {"Caption": "Both."}, None, None)  # type: ignore[arg-type]
        by = {"who": WHO, "at": CLOCK.wall(), "revision": row["revision"]}
        console._save_and_approve(asked, gate.gate_of("photo"), row, by)
    if photos["c"].state == "waiting":
        gate.reject("photo", photos["c"].id, reason="Not sharp", who=WHO, at=CLOCK.wall())


def _lab(home: Path, _before: list[str]) -> None:
    """A child and a model at work."""
    from penstock.accounts.models import site_named

    site = site_named("lab")
    _add(site, home, "samples", "x y", move=False)
    _to_rest(home, site)


def _publish(home: Path, before: list[str]) -> None:
    """What is approved goes to the folder and the table; what the model was shown is tidied away."""
    left = home / "data" / "ollama_tmp" / "run_gone"
    if not _published_since(before):
        left.mkdir(parents=True, exist_ok=True)
    _send(before)


def _again(home: Path, before: list[str]) -> None:
    """One is taken back, changed, approved anew and published again; another is taken back for good."""
    from penstock.accounts.models import Site
    from penstock.publish import undo
    from penstock.review import gate

    site: Site = _site()
    photos = {row.Original_File_Name[0]: row for row in _photos()}
    a, b, done = photos["a"], photos["b"], _published_since(before)
    if a.state != "done" or a.Caption != "A heron at dusk.":
        if a.state == "done" or (not done and a.state == "waiting" and a.Caption != "A heron at dusk."):
            undo.unpublish(site, [a.id], WHO, CLOCK)
        if a.Caption != "A heron at dusk.":
            gate.edit("photo", a.id, {"Caption": "A heron at dusk."}, who=WHO, at=CLOCK.wall())
        if _state(a.id) == "waiting":
            gate.approve("photo", a.id, who=WHO, at=CLOCK.wall())
    _send(before)
    told = undo.unpublish(site, [b.id], WHO, CLOCK)
    if told["failed"] and any("not published" not in row["error"] for row in told["rows"]):
        raise Told(told["rows"][0]["error"])


def _regret(home: Path, before: list[str]) -> None:
    """Two sets go to the gate, and every run of this chapter is undone, the newest first."""
    from penstock.engine.errors import Refused
    from penstock.ledger import rollback
    from penstock.ledger.models import Run

    site = _site()
    _add(site, home, "third", "e f", move=False)
    _add(site, home, "fourth", "g", move=True)
    mine = Run.objects.select_related("site").filter(site=site, kind="run").exclude(id__in=before)
    if not mine.filter(rolled_back_at__isnull=False).exists():
        _drive()
        _to_rest(home, site)
    for run in mine.order_by("-started_at", "-id"):
        if not run.rolled_back_at:
            try:
                rollback.rollback(run, CLOCK.wall(), WHO)
            except Refused:  # one that a dead process had begun holds the lock: recovery ends it
                _drive()
                rollback.rollback(Run.objects.select_related("site").get(id=run.id), CLOCK.wall(), WHO)


def _wreck(home: Path, before: list[str]) -> None:
    """What a process leaves that died in the middle of its work, on a machine that was started anew."""
    from penstock.ledger import models as m

    site = _site()
    if not m.Run.objects.filter(site=site).exclude(id__in=before).exists():
        run = _start(site)
        _die_at_work(run.id)
        m.Home.objects.update(boot="another boot")
        m.Artefact.objects.create(
            run=run,
            table="photo",
            item=10**9,
            work=str(home / "gone"),
            path=str(home / "gone"),
            sha256="",
            size=0,
            batch=0,
        )
    _to_rest(home, site)


def _care(home: Path, _before: list[str]) -> None:
    """A backup and its return, a report for a problem, a picture for the demo."""
    from django.db import connection
    from PIL import Image

    from penstock.cli import demo_photos
    from penstock.ledger.models import Run
    from penstock.records.incident import incident

    settings = config.current()
    boot.backup(settings.database, home / "backup.db")
    connection.close()
    boot.restore(home / "backup.db", settings.database)
    run = Run.objects.select_related("site").order_by("started_at", "id")[0]
    incident(run, home / "incident.zip")
    source = home / "source.png"
    if not source.exists():
        Image.new("RGB", (8, 6)).save(source)
    demo_photos._write(source, home / "demo.jpg", demo_photos.SETS[0].samples[0], "Astronaut")


def _forgetting(home: Path, _before: list[str]) -> None:
    """Much later: what failed is marked as seen to, and runs that nobody needs go."""
    from penstock.engine.states import TERMINAL_RUN
    from penstock.ledger import retention
    from penstock.ledger.models import Run

    later = CLOCK.wall() + timedelta(days=100)
    for run in Run.objects.select_related("site").filter(status__in=list(TERMINAL_RUN)):
        if "something in it failed" in retention.needed(run):
            retention.resolve(run, later, WHO)
    for _ in retention.prune(retention.Rule(days=90, runs=0), later):
        pass


def _office(home: Path, _before: list[str]) -> None:
    """People, their keys, money and clocks."""
    from penstock.accounts.access import Caller
    from tests.proof import office

    office.open_for_a_day(home, _site(), Caller(WHO, via="terminal"), CLOCK)


CHAPTERS: tuple[Callable[[Path, list[str]], None], ...] = (
    _opening, _fire, _storm, _review, _lab, _publish, _again, _regret, _wreck, _care, _forgetting, _office,
)  # fmt: skip


# -- what chapters are made of ----------------------------------------------------------------------------------


def _to_rest(home: Path, site: Any) -> None:
    """Drive, resume, retry and start until nothing of the site is left to do."""
    from penstock.ledger import control, rows
    from penstock.ledger.models import Run

    table = "file" if site.pipeline == "lab" else "photo"
    for _ in range(ROUNDS):
        _drive()
        for run in Run.objects.select_related("site").filter(site=site, status="paused", kind="run"):
            control.resume(run, CLOCK, WHO)
        open_run = Run.objects.filter(site=site, kind="run", active_key__isnull=False).exists()
        if open_run:
            continue
        broken = rows.model_of(table).objects.filter(site=site, state__in=["failed", "quarantined"])
        broken = broken if broken.exists() else rows.model_of("file").objects.filter(site=site, state="failed")
        if broken.exists():
            _sky(home, "clear")
            control.retry(control.find(broken.order_by("id")[0].run), CLOCK, RandomIds(), who=WHO)
        elif any(rows.model_of(t).objects.filter(site=site, state="ready").exists() for t in ("file", table)):
            _start(site)
        else:
            return
    raise AssertionError(f"site {site.name} does not come to rest")


def _send(before: list[str]) -> None:
    """Publish until every approved item stands on every target, and its run is recorded."""
    from penstock.ledger import control
    from penstock.ledger.models import Run
    from penstock.publish import outbox

    site = _site()
    for _ in range(ROUNDS):
        _drive()
        mine = Run.objects.select_related("site").filter(site=site, kind="publish")
        if (paused := mine.filter(status="paused").first()) is not None:
            control.resume(paused, CLOCK, WHO)
        elif any(row.state == "approved" for row in _photos()) or not _published_since(before):
            outbox.start(site, CLOCK, RandomIds(), WHO)
        else:
            return
    raise AssertionError("publishing does not come to rest")


def _die_at_work(run: str) -> None:
    """Claim as a process that is gone; what it did is half there: copies that are whole, moves without their end."""
    from penstock.adapters import files
    from penstock.engine.lanes import Lanes
    from penstock.ledger.store import DjangoLedger
    from tests.ledger.darkroom import FREE, bring

    me = ProcessIdentity.me()
    dead = DjangoLedger(CLOCK, ProcessIdentity(me.host, me.boot, me.pid, me.started + 1))
    while (batch := dead.claim(run, FREE)) is not None:
        if batch.stage.name != "stage_files":
            dead.settle(batch, Lanes(FREE, CLOCK).inline(batch.stage, [dict(i) for i in batch.items], CLOCK), True)
            continue
        for item in batch.items:
            if item["mode"] == "move":
                files.copy_verified(item["source_path"], item["to"])
            else:
                bring(item)


def _drive() -> None:
    from penstock.ledger.drive import drive

    drive(config.current(), interruptible=False)


def _start(site: Any) -> Any:
    from penstock.ledger import control

    return control.start(site, CLOCK, RandomIds(), who=WHO)


def _add(site: Any, home: Path, subject: str, names: str, *, move: bool) -> None:
    from penstock.pipelines.photos import intake
    from penstock.pipelines.photos.models import PhotoSet

    if PhotoSet.objects.filter(site=site, subject=subject).exists():
        return
    card = home / "cards" / subject
    card.mkdir(parents=True, exist_ok=True)
    for name in names.split():
        (card / f"{name}.jpg").write_bytes(f"original {name.partition('-')[0]}".encode())
    where = {"folder": "birds", "location": "pond", "subject": subject}
    intake.add(site, card, confirm=lambda _: True, at=CLOCK.wall(), move=move, **where)  # type: ignore[arg-type]


def _set_quality(home: Path) -> None:
    """`penstock site set herons quality=88`, in this process."""
    from penstock.cli.session import Home, Session
    from penstock.cli.sites import set_

    session = Session(home=home, quiet=True, opened=Home(config.current(), CLOCK, RandomIds()))
    with redirect_stdout(StringIO()):
        set_.main(args=["herons", "quality=88"], obj=session, standalone_mode=False)


def _site() -> Any:
    from penstock.accounts.models import site_named

    return site_named("herons")


def _photos() -> list[Any]:
    from penstock.pipelines.photos.models import Photo

    return list(Photo.objects.filter(site=_site()).order_by("id"))


def _state(item: int) -> str:
    return {row.id: row.state for row in _photos()}[item]


def _sky(home: Path, weather: str) -> None:
    (home / "sky").write_text(weather)


def _runs() -> Iterator[str]:
    from penstock.ledger.models import Run

    yield from Run.objects.order_by("id").values_list("id", flat=True)


def _published_since(before: list[str]) -> bool:
    from penstock.ledger.models import Run

    return bool(Run.objects.filter(kind="publish", status="completed").exclude(id__in=before).exists())


def clear(home: Path) -> None:
    """Empty a home, which stays."""
    for place in home.iterdir():
        shutil.rmtree(place) if place.is_dir() else place.unlink()
