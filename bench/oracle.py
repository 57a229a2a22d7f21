"""How long the oracle takes over a large home: `python bench/oracle.py [ROWS] [--files]` (default 200000 photos).

Fills a temporary home with a finished run: one photo row, name, effect, artefact and decision per photo, one event per
100 photos and stage, and one file on disk that all journal entries share. Reports seconds per family and per look.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CHUNK = 5000
STAGES = 8


def main() -> int:
    """Fill, examine, report; 1 when the home is not in order or a million rows would take longer than 30 s."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="?", type=int, default=200_000)
    parser.add_argument("--files", action="store_true", help="compare the bytes of every file too")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        os.environ["PENSTOCK_HOME"] = folder
        from penstock import boot, config

        boot.start(config.load())
        started = time.perf_counter()
        _fill(Path(folder), wanted.rows)
        size = (Path(folder) / "data" / "review.db").stat().st_size / 2**20
        print(f"filled {wanted.rows:,} photos in {time.perf_counter() - started:.1f} s, database {size:.0f} MiB")
        return _report(wanted.rows, wanted.files)


def _report(rows: int, files: bool) -> int:
    from penstock.engine.clock import SystemClock
    from penstock.oracle.examination import FAMILIES, examine
    from penstock.oracle.violation import Look

    look = Look(None, files, False, SystemClock())
    for family in FAMILIES:
        started = time.perf_counter()
        found = list(family(look))
        took = time.perf_counter() - started
        print(f"  {family.__module__.rpartition('.')[2]:<12} {took:7.2f} s  {len(found)} violations")
    for deep in (False, True):
        started = time.perf_counter()
        found = examine(files=files, deep=deep)
        took = time.perf_counter() - started
        million = took / rows * 1_000_000
        look_at = f"examine(files={files}, deep={deep})"
        print(f"{look_at}: {took:.2f} s, {million:.1f} s per million rows, {len(found)} violations")
        if found or (not deep and million > 30):
            return 1
    return 0


def _fill(home: Path, rows: int) -> None:
    from penstock.accounts.models import create_site
    from penstock.engine import PIPELINES
    from penstock.ledger import models as m
    from penstock.pipelines.photos.models import PhotoSet

    site = create_site("bench", "photos")
    run = m.Run.objects.create(id="bench", site=site, pipeline="photos", status="completed", started_at=_at())
    own = PhotoSet.objects.create(site=site, folder="birds", location="pond", subject="Heron")
    stages = PIPELINES["photos"](run).stages
    m.StageRun.objects.bulk_create(
        m.StageRun(
            run=run, number=s.number, name=s.name, title=s.title, table=s.takes, passed=rows,
            approved=rows if s.name == "review" else 0,
        )
        for s in stages
    )  # fmt: skip
    m.SiteCounter.objects.create(site=site, table="photo", stage="review", state="approved", n=rows)
    file = home / "original.jpg"
    file.write_bytes(b"\xff" * 4096)
    for start in range(0, rows, CHUNK):
        _photos(site, own, file, range(start + 1, min(start + CHUNK, rows) + 1), [s.name for s in stages])


def _photos(site: Any, own: Any, file: Path, ids: range, stages: list[str]) -> None:
    from django.db import transaction

    from penstock.adapters.files import sha256_of
    from penstock.ledger import models as m
    from penstock.pipelines.photos import names
    from penstock.pipelines.photos.models import Photo, ReservedName
    from penstock.review.models import Decision

    sha = sha256_of(file)
    with transaction.atomic():
        Photo.objects.bulk_create(_photo(site, own, file, sha, n) for n in ids)
        ReservedName.objects.bulk_create(
            ReservedName(site=site, made_by="bench", owner=n, name=_name(n), key=names.fold(_name(n))) for n in ids
        )
        m.Effect.objects.bulk_create(
            m.Effect(
                run="bench", table="photo", item=n, stage="stage_files", kind="copy", source=str(file),
                target=str(file), state="done", mark=sha,
            )
            for n in ids
        )  # fmt: skip
        m.Artefact.objects.bulk_create(
            m.Artefact(
                run="bench", table="photo", item=n, stage="read_exif", batch=1, work=f"{file}.work", path=str(file),
                sha256=sha, size=4096,
            )
            for n in ids
        )  # fmt: skip
        Decision.objects.bulk_create(
            Decision(site=site, table="photo", item=n, verdict="approved", fingerprint=sha, who="ann", at=_at())
            for n in ids
        )
        m.Event.objects.bulk_create(_events(site, ids, stages))


def _photo(site: Any, own: Any, file: Path, sha: str, n: int) -> Any:
    from penstock.pipelines.photos.models import Photo

    return Photo(
        id=n, site=site, set=own, run="bench", made_by="bench", stage="review", state="approved", ordinal=n,
        origin=f"file:{n}:photo:0", Folder="birds", Location="pond", Subject="Heron", File_Name=_name(n),
        Original_File_Name=f"IMG_{n}.JPG", source_path=str(file), staged_path=str(file), content_hash=sha,
        Caption="A grey heron stands in shallow water at the edge of a pond in the morning", file_size=4096,
        alt_text="A tall grey bird with a long neck standing still in calm water", Keywords="heron, bird, water",
    )  # fmt: skip


def _events(site: Any, ids: range, stages: list[str]) -> Iterator[Any]:
    from penstock.ledger.models import Event

    for first in range(ids[0], ids[-1] + 1, 100):
        part = range(first, min(first + 100, ids[-1] + 1))
        for stage, after in zip(stages, [*stages[1:], ""], strict=True):
            place = f"{after}/ready" if after else "review/approved"
            moves = [["photo", f"{stage}/leased", place, list(part)]]
            data = {"passed": len(part), "seconds": 1.5}
            yield Event(site=site, run="bench", kind="settled", stage=stage, at=_at(), moves=moves, data=data)


def _name(n: int) -> str:
    return f"Heron_Pond_Birds_Photography_Canon_EOS_R5_2026_{n:03d}.JPG"


def _at() -> Any:
    from datetime import UTC, datetime

    return datetime(2026, 11, 21, tzinfo=UTC)


if __name__ == "__main__":
    sys.exit(main())
