"""A small home with everything in order: a finished photo run whose photos wait, are approved, rejected, published."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.db import connection

from penstock.accounts.models import Site, create_site
from penstock.engine import PIPELINES
from penstock.ledger import events
from penstock.ledger import models as m
from penstock.ledger.counters import Tally
from penstock.ledger.tx import write
from penstock.oracle import Violation, examine
from penstock.pipelines.photos import names
from penstock.pipelines.photos.models import Photo, PhotoSet, ReservedName
from penstock.publish.models import Delivery, Target
from penstock.review.models import Decision

AT = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
RUN = "20261121-100000-aaaa"
WAITING, APPROVED, REJECTED, PUBLISHED = 1, 2, 3, 4
STATES = {WAITING: "waiting", APPROVED: "approved", REJECTED: "rejected", PUBLISHED: "done"}


class Scene:
    """The home, with doors to break it by hand."""

    def __init__(self) -> None:
        self.site: Site = create_site("desk", "photos")
        self.run = _run(self.site)
        own = PhotoSet.objects.create(site=self.site, folder="birds", location="pond", subject="Heron")
        self.photos = {item: _photo(self, own, item, state) for item, state in STATES.items()}
        _count(self)
        _publish(self)

    def sql(self, statement: str, *params: Any) -> None:
        """Break something past the ledger."""
        with connection.cursor() as cursor:
            cursor.execute(statement, list(params))

    def wrong(self, **options: Any) -> list[Violation]:
        """What the oracle says."""
        return examine(**options)

    def told(self, **options: Any) -> set[tuple[str, str]]:
        """(invariant, subject) of everything that is wrong."""
        found = self.wrong(**options)
        assert all(one.detail and one.mend for one in found)
        return {(one.invariant, one.subject) for one in found}


def _run(site: Site) -> m.Run:
    run = m.Run.objects.create(
        id=RUN, site=site, pipeline="photos", plan=site.settings, status="completed", started_at=AT, completed_at=AT,
        recorded=True,
    )  # fmt: skip
    m.StageRun.objects.bulk_create(
        m.StageRun(run=run, number=s.number, name=s.name, title=s.title, table=s.takes)
        for s in PIPELINES["photos"](run).stages
    )
    return run


def _photo(scene: Scene, own: PhotoSet, item: int, state: str) -> Photo:
    name, data = f"Heron_Pond_Birds_Photography_Cam_2026_{item:03d}.JPG", f"photo {item}".encode()
    source, staged, working = (
        scene.site.root / place / f"{item}.jpg" for place in ("card", "incoming", "data/working")
    )
    for path in (source, staged, working):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    sha = hashlib.sha256(data).hexdigest()
    photo: Photo = Photo.objects.create(
        id=item, site=scene.site, set=own, run=RUN, made_by=RUN, stage="review", state=state, ordinal=item,
        origin=f"file:{item}:photo:0", Folder="birds", Location="pond", Subject="Heron", File_Name=name,
        Original_File_Name=f"{item}.jpg", source_path=str(source), staged_path=str(staged), working_path=str(working),
        content_hash=sha, file_size=len(data), Caption="A heron", alt_text="A bird", Keywords="heron",
    )  # fmt: skip
    m.Effect.objects.create(
        run=RUN, table="photo", item=item, stage="stage_files", kind="copy", source=str(source), target=str(staged),
        state="done", mark=sha,
    )  # fmt: skip
    m.Artefact.objects.create(
        run=RUN, table="photo", item=item, stage="read_exif", batch=1, path=str(working), sha256=sha, size=len(data),
        work=str(scene.site.root / ".work" / "1" / f"{item}.jpg"),
    )  # fmt: skip
    if state != "rejected":
        ReservedName.objects.create(site=scene.site, made_by=RUN, owner=item, key=names.fold(name), name=name)
    _decide(scene, item, state)
    return photo


def _decide(scene: Scene, item: int, state: str) -> None:
    moves = [("photo", item, "review/leased", "review/waiting")]
    data = {"passed": 1}
    events.record(AT, "settled", site=scene.site.pk, run=RUN, stage="review", moves=moves, data=data)
    if state == "waiting":
        return
    verdict = "rejected" if state == "rejected" else "approved"
    Decision.objects.create(
        site=scene.site, table="photo", item=item, verdict=verdict, fingerprint=f"{item:064d}", who="ann", at=AT
    )
    moves = [("photo", item, "review/waiting", f"review/{state}")]
    events.record(AT, "decision", site=scene.site.pk, run=RUN, stage="review", moves=moves)


def _count(scene: Scene) -> None:
    with write("test") as cursor:
        tally = Tally()
        for state in STATES.values():
            tally.add(RUN, "photo", ("review", state), 1)
            tally.passed(RUN, "review")
        tally.write(cursor, scene.site.pk)


def _publish(scene: Scene) -> None:
    target = Target.objects.create(site=scene.site, name="folder", kind="folder", url=str(Path("/nowhere")))
    Delivery.objects.create(
        id=9, site=scene.site, stage="send", state="done", table="photo", item=PUBLISHED, target=target,
        fingerprint=f"{PUBLISHED:064d}", who="ann", outcome="sent",
    )  # fmt: skip
    with write("test") as cursor:
        tally = Tally()
        tally.add(None, "delivery", ("send", "done"), 1)
        tally.write(cursor, scene.site.pk)
