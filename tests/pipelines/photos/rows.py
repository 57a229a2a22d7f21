"""Rows of a photo site for tests: a set, and photos that wait at the gate."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from penstock.accounts.models import Site, create_site
from penstock.ledger.counters import Tally
from penstock.ledger.models import Run
from penstock.ledger.tx import write
from penstock.pipelines.photos import names
from penstock.pipelines.photos.models import Photo, PhotoSet, ReservedName, Taxon


def site(name: str = "demo") -> Site:
    """A photo site that knows a folder and a location."""
    made = create_site(name, "photos")
    Taxon.objects.create(site=made, kind="folder", key="nature", name="Nature")
    Taxon.objects.create(site=made, kind="location", key="Gouda_Netherlands", name="Gouda Netherlands")
    return made


def waiting(of: Site, number: int = 1, **fields: Any) -> Photo:
    """A photo with texts and a reserved name that waits for a person."""
    one, _ = PhotoSet.objects.get_or_create(
        site=of, folder="nature", location="Gouda_Netherlands", subject="Grey heron"
    )
    name = f"Grey_Heron_Gouda_Netherlands_Nature_Photography_Canon_EOS_R5_2026_{number:03d}.JPG"
    values: dict[str, Any] = {
        "site": of, "set": one, "stage": "review", "state": "waiting", "ordinal": number, "Folder": "nature",
        "File_Name": name, "Location": "Gouda_Netherlands", "Subject": "Grey heron", "Review_Status": "Pending",
        "Original_File_Name": f"IMG_{number}.jpg", "source_path": f"/photos/IMG_{number}.jpg",
        "Caption": f"Grey heron number {number} in Gouda.", "alt_text": f"A grey heron, number {number}, in reeds.",
        "Keywords": "grey heron, gouda", "QR": 7.0, "QC_Status": "Good", "content_hash": f"{number:064x}",
    }  # fmt: skip
    with write("test") as cursor:
        photo = Photo.objects.create(**{**values, **fields})
        key = names.fold(photo.File_Name)
        series = names.fold(photo.File_Name.rpartition("_")[0])
        ReservedName.objects.create(
            site=of, owner=photo.id, key=key, name=photo.File_Name, series=series, number=number
        )
        tally = Tally()
        tally.add(None, "photo", (photo.stage, photo.state), 1)
        tally.write(cursor, of.pk)
    return photo


def run(of: Site, id: str = "r1", **plan: Any) -> Run:
    """A run of the site with these settings, as stored."""
    when = datetime(2026, 11, 21, 10, tzinfo=UTC)
    return Run.objects.create(id=id, site=of, pipeline="photos", started_at=when, plan=plan)


def context(of: Run, work_dir: Path | None = None) -> Any:
    """What a stage's `load` is told."""
    return SimpleNamespace(run=of, batch=3, work_dir=work_dir or of.site.root / ".work" / "3")
