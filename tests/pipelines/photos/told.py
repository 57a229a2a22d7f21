"""Runs of the photo pipeline over rows that the tests made, and what stands in the database afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from penstock.pipelines.photos.names import fold, parse_number
from tests.pipelines.photos.test_templates import clock as taken_at
from tests.pipelines.photos.test_templates import light

__all__ = ["by_exiftool", "captioned", "faults", "fold", "listed", "names_of", "number", "queued", "rows_of"]

SETS = (
    ("birds", "Grey heron in reeds", "Amstelveen_Netherlands"),
    ("nature", "Grey heron in reeds", "Amstelveen_Netherlands"),
    ("cityscape", "KLM Headquarters", "Amstelveen_Netherlands"),
    ("misc", "\u00dcberf\u00fchrung", "Z\u00fcrich_Switzerland"),
)
SIZES = ((6000, 4000), (4000, 6000), (4000, 4000), (9000, 3000))


def rows_of(run: Any) -> list[Any]:
    """The photos of a run, in order."""
    from penstock.pipelines.photos.models import Photo

    return list(Photo.objects.filter(run=run.id).order_by("ordinal", "id"))


def names_of(run: Any) -> dict[int, str]:
    """File name per ordinal, as the rows hold them."""
    return {row.ordinal: row.File_Name for row in rows_of(run)}


def number(name: str) -> int:
    """The number at the end of a file name."""
    found = parse_number(name)
    assert found is not None
    return found


def listed(run: Any) -> list[str]:
    """What `used_filenames.json` says."""
    from penstock.pipelines.photos import namebook

    found: list[str] = json.loads(namebook.file_of(run.site).read_text(encoding="utf-8"))
    return found


def faults(run: Any) -> list[Any]:
    """What is wrong with the texts of a run's rows, judged by nothing but what is stored in them."""
    from penstock.pipelines.photos import cues, packs, rules, sentences, templates
    from penstock.pipelines.photos.captions import Writers
    from penstock.pipelines.photos.facts import Facts, Texts
    from penstock.pipelines.photos.settings import of
    from penstock.pipelines.photos.speech import own_lines

    rows = {row.id: row for row in rows_of(run) if row.state == "waiting"}
    known, found = packs.load(), []
    for item in Writers(of({})).load(SimpleNamespace(run=run), list(rows)):
        row, facts = rows[item["id"]], Facts.from_json(item["facts"])
        texts = Texts(row.Caption, row.alt_text, tuple(row.Keywords.split(", ")))
        clues = cues.resolve(facts)
        ruled = rules.apply(texts, facts, clues, known)
        wrong = [*sentences.checks(texts.caption, texts.alt_text, own_lines(facts, clues)), *ruled.rejections]
        wrong += [*ruled.changes, *templates.trace(texts, facts, clues), *row.changes]
        found += [(row.Original_File_Name, texts, wrong)] if wrong else []
    return found


def captioned(home: Path, count: int) -> Any:
    """Photos of a few sets, scored and resized as it were, captioned by a real run up to the gate."""
    from penstock import config
    from penstock.ledger import control
    from penstock.ledger.drive import drive

    site = _site("texts")
    for at, (folder, subject, location) in enumerate(SETS):
        rows = [_scored(at, n) for n in range(count // len(SETS))]
        _make(site, folder, subject, location, "caption", rows)
    run = _start(site)
    assert drive(config.load(home), only=run.id, interruptible=False)
    return control.find(run.id)


def _scored(at: int, n: int) -> dict[str, Any]:
    measured = light(n * len(SETS) + at)
    width, height = SIZES[("landscape", "portrait", "square", "panorama").index(measured["shape"])]
    facts = {"light": measured, "Width": width, "Height": height, "phash": f"{(n * 977 + at * 31) ** 3:016x}"[-16:]}
    return {**facts, "DateTime": taken_at(n, at + 1) if n % 5 else "", "Camera": "Canon_EOS_R5"}


def queued(sets: dict[tuple[str, str], int]) -> Any:
    """Photos of these (subject, location) sets, taken through stage 4 alone, batch by batch."""
    from penstock.engine.clock import SystemClock
    from penstock.engine.ids import ProcessIdentity
    from penstock.engine.port import Result
    from penstock.ledger.store import DjangoLedger

    site = _site("names")
    for subject, location in sets:
        rows = [{"DateTime": "2026:05:01 10:20:30", "Camera": "Canon_EOS_R5"}] * sets[subject, location]
        _make(site, "nature", subject, location, "queue_rows", rows)
    run, ledger = _start(site), DjangoLedger(SystemClock(), ProcessIdentity.me())
    while (batch := ledger.claim(run.id, {"inline": 1})) is not None:
        assert callable(batch.stage.work)
        items = list(batch.items)
        done = zip(items, batch.stage.work(items), strict=True)
        ledger.settle(batch, [Result(item["id"], what, item["attempt"], 0.0) for item, what in done], True)
    from penstock.pipelines.photos import namebook

    namebook.write_copy(site)
    return run


def _site(name: str) -> Any:
    from penstock.accounts.models import create_site

    return create_site(name, "photos")


def _start(site: Any) -> Any:
    from penstock.engine.clock import SystemClock
    from penstock.engine.ids import RandomIds
    from penstock.ledger import control

    return control.start(site, SystemClock(), RandomIds())


def _make(site: Any, folder: str, subject: str, location: str, stage: str, rows: list[dict[str, Any]]) -> None:
    from penstock.ledger.counters import Tally
    from penstock.ledger.tx import write
    from penstock.pipelines.photos.intake import STRIDE
    from penstock.pipelines.photos.models import Photo, PhotoFile, PhotoSet

    one = PhotoSet.objects.create(site=site, folder=folder, location=location, subject=subject)
    common = {"site": site, "set": one, "stage": stage, "Folder": folder, "Location": location, "Subject": subject}
    photos = []
    for n, row in enumerate(rows):
        name = {"Original_File_Name": f"IMG_{n:04}.jpg", "source_path": f"/card/{one.id}/{n}.jpg"}
        order = {"ordinal": one.id * STRIDE + n, "content_hash": f"{one.id:032x}{n:032x}"}
        photos.append(Photo(**common, **name, **order, **row))
    files = [PhotoFile(site=site, set=one, path=row.source_path, stage="validate", state="done") for row in photos]
    with write("test") as cursor:
        PhotoFile.objects.bulk_create(files)
        Photo.objects.bulk_create(photos, batch_size=200)
        tally = Tally()
        tally.add(None, "photo", (stage, "ready"), len(rows))
        tally.write(cursor, site.pk)


def by_exiftool(raw: dict[str, Any], shown: dict[str, Any]) -> dict[str, Any]:
    """The columns as exiftool's numbers and words give them."""

    def given(tag: str) -> Any:
        value = raw.get(tag)
        return None if value in ("undef", "", 0) else value

    size = (raw["ImageWidth"], raw["ImageHeight"])
    turned = raw.get("Orientation", 1) >= 5
    return {
        "Width": size[1] if turned else size[0],
        "Height": size[0] if turned else size[1],
        "Exposure": f"{shown['ExposureTime']} sec" if given("ExposureTime") else "",
        "Aperture": f"f/{float(shown['FNumber']):g}" if given("FNumber") else "",
        "ISO": int(str(raw["ISO"]).split()[0]) if given("ISO") else None,
        "Focal_length": int(raw["FocalLength"]) if given("FocalLength") else None,
    }
