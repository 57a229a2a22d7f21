"""A photo site with approved photos and its two targets, and a driver of this process for its publish runs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from penstock import config
from penstock.accounts.models import Site, create_site
from penstock.adapters.files import sha256_of
from penstock.engine.clock import SystemClock
from penstock.engine.ids import RandomIds
from penstock.ledger.counters import Tally
from penstock.ledger.drive import drive
from penstock.ledger.models import Run, SiteCounter, StageRun
from penstock.ledger.tx import write
from penstock.pipelines.photos.models import Photo, PhotoSet
from penstock.publish import outbox, targets
from penstock.publish.models import Delivery
from penstock.review import gate

CLOCK = SystemClock()
WHO = "ann"


def bare_site() -> Site:
    """A photo site without the targets that it starts with."""
    site = create_site("herons", "photos")
    site.targets.all().delete()
    return site


@dataclass
class Desk:
    """One site, its photos and what its targets hold."""

    site: Site = field(default_factory=lambda: bare_site())

    def add_targets(self) -> None:
        """The embedded pair."""
        targets.add(self.site, "files", "folder", str(self.base))
        targets.add(self.site, "table", "sqlite", str(self.database))

    @property
    def base(self) -> Path:
        return self.site.root / "site_images"

    @property
    def database(self) -> Path:
        return self.site.root / "data" / "photos_info_revamp.db"

    def photo(self, name: str = "Heron at dawn.JPG", *, approve: bool = True, **fields: Any) -> int:
        """A photo at the gate, approved unless told otherwise."""
        number = Photo.objects.count() + 1
        path = self.site.root / "incoming" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (900, 600), (number * 30 % 256, 90, 120)).save(path, quality=90)
        values = {
            "Caption": f"A heron, number {number}, stands there.", "alt_text": "Heron", "Keywords": "heron, bird",
            "DateTime": "2024:05:06 07:08:09", "Camera": "Cam", "Lens_model": "", "QR": 7.5, "ISO": 100, **fields,
        }  # fmt: skip
        made = PhotoSet.objects.create(site=self.site, folder="nature", location="Gouda", subject="Heron")
        photo = Photo.objects.create(
            site=self.site, set=made, stage="review", state="waiting", Review_Status="Pending", Folder="nature",
            Location="Gouda", Subject="Heron", File_Name=name, Original_File_Name=f"IMG_{number}.jpg",
            Width=900, Height=600,
            source_path=str(path), staged_path=str(path), Path=str(path), content_hash=sha256_of(path), **values,
        )  # fmt: skip
        tally = Tally()
        tally.add(None, "photo", ("review", "waiting"), 1)
        with write("test") as cursor:
            tally.write(cursor, self.site.pk)
        if approve:
            self.approve(photo.pk)
        return photo.pk

    def approve(self, item: int) -> None:
        gate.approve("photo", item, who=WHO, at=CLOCK.wall())

    def publish(self, target: str | None = None) -> dict[str, Any]:
        """Start a publish run and drive it to rest."""
        return self.drive(self.start(target))

    def start(self, target: str | None = None) -> Run:
        return outbox.start(self.site, CLOCK, RandomIds(), WHO, target)

    def drive(self, run: Run) -> dict[str, Any]:
        drive(config.current(), only=run.id, interruptible=False)
        return outbox.result(Run.objects.get(id=run.id))

    def files(self) -> dict[str, str]:
        """Path → hash of everything in the folder target, unfinished files too."""
        found = (path for path in sorted(self.base.rglob("*")) if path.is_file())
        return {path.relative_to(self.base).as_posix(): sha256_of(path) for path in found}

    def rows(self) -> list[dict[str, Any]]:
        """The rows of the table target."""
        return self.sql("SELECT * FROM photos_info_revamp ORDER BY id")

    def sql(self, text: str, *values: Any) -> list[dict[str, Any]]:
        with closing(sqlite3.connect(self.database)) as db:
            db.row_factory = sqlite3.Row
            found = [dict(row) for row in db.execute(text, values)]
            db.commit()
            return found

    def states(self) -> dict[str, tuple[str, str]]:
        """Target → (state, outcome) of its deliveries, the last one of each."""
        found = Delivery.objects.order_by("id").values_list("target__name", "state", "outcome")
        return {name: (state, outcome) for name, state, outcome in found}


def recounted() -> None:
    """Every counter equals a recount of the rows."""
    for table, model in (("photo", Photo), ("delivery", Delivery)):
        places: dict[tuple[str, str], int] = {}
        for row in model.objects.values("stage", "state"):
            place = (row["stage"], row["state"])
            places[place] = places.get(place, 0) + 1
        counted = SiteCounter.objects.filter(table=table).exclude(n=0).values_list("stage", "state", "n")
        assert {(stage, state): n for stage, state, n in counted} == places, table
    for stage in StageRun.objects.filter(table="delivery"):
        for state in ("ready", "leased", "waiting", "done", "failed", "quarantined"):
            n = Delivery.objects.filter(run=stage.run_id, stage=stage.name, state=state).count()
            assert getattr(stage, state) == n, (stage.name, state)
