"""One small workload that passes every failpoint of the product, in chapters; each may be begun again after any death.

A chapter looks at what is stored before it does anything, as a person would who comes back to a machine that stopped.
`DIARY` in the home says which chapters are over, and which runs there were before the one under way.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

from penstock import boot, config
from penstock.engine.failpoint import declared
from penstock.secret import secret_key
from tests.proof import errands, far, hands, reviewing
from tests.proof.hands import CLOCK, ROUNDS, WHO, Told


def start(home: Path) -> None:
    """Bring Django up on `home`, with every module of the product imported and the world's pipelines registered."""
    home.mkdir(parents=True, exist_ok=True)
    boot.start(config.Config(home=home, operator=WHO, cpu_slots=1, lease_seconds=60))
    import penstock
    from penstock import engine, publish

    for module in pkgutil.walk_packages(penstock.__path__, "penstock."):
        if not module.name.endswith(("__main__", "wsgi")) and "migrations" not in module.name:
            importlib.import_module(module.name)
    from penstock.ledger import adoption

    adoption.PAGE = 2
    engine.PIPELINES["photos"] = errands.photos
    engine.PIPELINES["lab"] = errands.lab
    engine.PIPELINES["publish"] = errands.publishing(engine.PIPELINES["publish"])
    publish.TARGETS |= far.TARGETS


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
            diary = _write(home, {**diary, "under_way": number, "runs": list(hands.runs())})
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
    site = hands.herons()
    hands.configure(home)
    for key in ("birds", "marsh"):
        if not Taxon.objects.filter(site=site, kind="folder", key=key).exists():
            taxonomy.add(site, "folder", key, "", who=WHO, at=CLOCK.wall())
    taxonomy.rename(site, "folder", "birds", "Birds of the pond", who=WHO, at=CLOCK.wall())
    taxonomy.merge(site, "folder", "marsh", "birds", who=WHO, at=CLOCK.wall())
    if not Target.objects.filter(site=site, name="spare").exists():
        targets.add(site, "spare", "sqlite", str(home / "spare.db"))
    targets.remove(site, "spare")
    for name, kind, url, secret in _far(home):
        if not Target.objects.filter(site=site, name=name).exists():
            targets.add(site, name, kind, url, secret=secret)
    hands.add(site, home, "first", "a b-1 b-2", move=False)
    hands.add(site, home, "second", "c d", move=True)


def _far(home: Path) -> tuple[tuple[str, str, str, str], ...]:
    """Targets on what passes for other machines: name, kind, address, password."""
    return (
        ("far", "far-folder", f"{far.FILES}{home / 'far'}", ""),
        ("table", "far-table", f"{far.ROWS}{home / 'far.db'}", far.PASSWORD),
    )


def _key(annex: Path) -> None:
    """The first start of another home."""
    key = secret_key(annex)
    if len(key) < 50 or secret_key(annex) != key:
        raise AssertionError(f"a key of {len(key)} characters")
    shutil.rmtree(annex)


def _fire(home: Path, before: list[str]) -> None:
    """A run that is blocked, and rolled back by itself."""
    from penstock.ledger.models import Run

    site = hands.herons()
    for _ in range(ROUNDS):
        hands.sky(home, "fire")
        mine = Run.objects.filter(site=site).exclude(id__in=before)
        if not mine.filter(active_key__isnull=False).exists():
            if mine.filter(status="failed", rolled_back_at__isnull=False, recorded=True).exists():
                break
            hands.begin(site)
        hands.drive()
    else:
        raise AssertionError("no fire stops the run")
    hands.sky(home, "clear")


def _storm(home: Path, _before: list[str]) -> None:
    """A run that holds for want of light; asked to pause besides; then resumed, with one photo lost in the fog."""
    from penstock.ledger import control
    from penstock.ledger.models import Run

    site, seen = hands.herons(), home / "seen"
    for _ in range(ROUNDS):
        if seen.exists():
            break
        hands.sky(home, "storm")
        run = Run.objects.filter(site=site, active_key__isnull=False).first() or hands.begin(site)
        hands.drive()
        run = control.find(run.id)
        if run.status == "paused":
            hands.sky(home, "fog")
            control.resume(run, CLOCK, WHO)
            control.pause(control.find(run.id), CLOCK, WHO)
            seen.touch()
    hands.to_rest(home, site)


def _lab(home: Path, _before: list[str]) -> None:
    """A child and a model at work."""
    from penstock.accounts.models import site_named

    site = site_named("lab")
    hands.add(site, home, "samples", "x y", move=False)
    hands.to_rest(home, site)


def _publish(home: Path, before: list[str]) -> None:
    """What is approved goes to the folder and the table; what the model was shown is tidied away."""
    left = home / "data" / "ollama_tmp" / "run_gone"
    if not hands.published_since(before):
        left.mkdir(parents=True, exist_ok=True)
    hands.send(before)


def _again(home: Path, before: list[str]) -> None:
    """One is taken back, changed, approved anew and published again; another is taken back for good."""
    from penstock.accounts.models import Site
    from penstock.publish import undo
    from penstock.review import gate

    site: Site = hands.herons()
    photos = {row.Original_File_Name[0]: row for row in hands.photos()}
    a, b, done = photos["a"], photos["b"], hands.published_since(before)
    if a.state != "done" or a.Caption != "A heron at dusk.":
        if a.state == "done" or (not done and a.state == "waiting" and a.Caption != "A heron at dusk."):
            undo.unpublish(site, [a.id], WHO, CLOCK)
        if a.Caption != "A heron at dusk.":
            gate.edit("photo", a.id, {"Caption": "A heron at dusk."}, who=WHO, at=CLOCK.wall())
        if hands.state(a.id) == "waiting":
            gate.approve("photo", a.id, who=WHO, at=CLOCK.wall())
    hands.send(before)
    told = undo.unpublish(site, [b.id], WHO, CLOCK)
    if told["failed"] and any("not published" not in row["error"] for row in told["rows"]):
        raise Told(told["rows"][0]["error"])
    _mirrored(home, a.File_Name)


def _mirrored(home: Path, name: str) -> None:
    """Somebody else's program spoils a row of the mirror, in words and number; it is written anew."""
    from penstock.publish import mirroring

    with closing(sqlite3.connect(home / "data" / "photos_info_revamp.db")) as base, base:
        spoilt = base.execute("UPDATE photos_info_revamp SET Caption='spoilt', id=id+50 WHERE File_Name=?", [name])
        if spoilt.rowcount != 1:
            raise AssertionError(f"{name} does not stand in the mirror")
    mirroring.renew(hands.herons(), WHO, CLOCK)
    mirrored, stands = far.rows(home / "data" / "photos_info_revamp.db")[name], far.rows(home / "far.db")[name]
    if mirrored != stands:
        raise AssertionError(f"the mirror has {mirrored} for {stands}")


def _regret(home: Path, before: list[str]) -> None:
    """Two sets go to the gate, and every run of this chapter is undone, the newest first."""
    from penstock.engine.errors import Refused
    from penstock.ledger import rollback
    from penstock.ledger.models import Run

    site = hands.herons()
    hands.add(site, home, "third", "e f", move=False)
    hands.add(site, home, "fourth", "g", move=True)
    mine = Run.objects.select_related("site").filter(site=site, kind="run").exclude(id__in=before)
    if not mine.filter(rolled_back_at__isnull=False).exists():
        hands.drive()
        hands.to_rest(home, site)
    for run in mine.order_by("-started_at", "-id"):
        if not run.rolled_back_at:
            try:
                rollback.rollback(run, CLOCK.wall(), WHO)
            except Refused:  # one that a dead process had begun holds the lock: recovery ends it
                hands.drive()
                rollback.rollback(Run.objects.select_related("site").get(id=run.id), CLOCK.wall(), WHO)


def _wreck(home: Path, before: list[str]) -> None:
    """What a process leaves that died in the middle of its work, on a machine that was started anew."""
    from penstock.ledger import models as m

    site = hands.herons()
    if not m.Run.objects.filter(site=site).exclude(id__in=before).exists():
        run = hands.begin(site)
        hands.die_at_work(run.id)
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
    hands.to_rest(home, site)


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

    office.open_for_a_day(home, hands.herons(), Caller(WHO, via="terminal"), CLOCK)


CHAPTERS: tuple[Callable[[Path, list[str]], None], ...] = (
    _opening, _fire, _storm, reviewing.chapter, _lab, _publish, _again, _regret, _wreck, _care, _forgetting,
    _office,
)  # fmt: skip


def clear(home: Path) -> None:
    """Empty a home, which stays."""
    for place in home.iterdir():
        shutil.rmtree(place) if place.is_dir() else place.unlink()
