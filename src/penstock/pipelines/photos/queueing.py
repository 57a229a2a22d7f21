"""Stage 4: a photo becomes a row of the review queue: known content is refreshed, new content gets its file name.

Photos go through in order, one batch at a time, so that numbers and which duplicate wins never depend on timing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Max

from penstock.engine.errors import Blocking
from penstock.engine.outcome import Done, Fail, Merge, Note, Outcome, Row
from penstock.engine.pipeline import Item
from penstock.engine.states import ItemState
from penstock.ledger import rows
from penstock.pipelines.photos import names
from penstock.pipelines.photos.models import Photo, ReservedName

DECIDED = {ItemState.APPROVED.value, ItemState.DONE.value}


def load(context: Any, ids: Sequence[int]) -> list[Item]:
    """Each photo with the older row of the same content, its name parts and the highest number of its series."""
    site, run = context.run.site, context.run
    found = rows.read("photo", ids)
    older = _older(site, run.id, [row["content_hash"] for row in found])
    held = dict(ReservedName.objects.filter(owner__in=ids).values_list("owner", "name"))
    parts = {row["id"]: _parts(row, run.started_at.year) for row in found}
    series = {one: _series(part) for one, part in parts.items()}
    highest = _highest(site, {key for key in series.values() if key})
    return [
        {
            **{name: row[name] for name in ("id", "content_hash", "Folder", "Location", "Subject", "set_id")},
            "Original_File_Name": row["Original_File_Name"],
            "source_path": row["source_path"],
            "older": [known for known in older.get(row["content_hash"], []) if known["id"] < row["id"]],
            "parts": parts[row["id"]],
            "series": series[row["id"]],
            "highest": highest,
            "held": held.get(row["id"], ""),
        }
        for row in found
    ]


def work(items: list[Item]) -> list[Outcome]:
    """Pure: one outcome per photo, in order."""
    numbers: dict[str, int] = {}
    seen: dict[str, int] = {}
    outcomes: list[Outcome] = []
    for item in items:
        outcome = _one(item, numbers, seen)
        outcomes.append(outcome)
        seen.setdefault(item["content_hash"], outcome.into if isinstance(outcome, Merge) else item["id"])
    return outcomes


def _one(item: Item, numbers: dict[str, int], seen: dict[str, int]) -> Outcome:
    merged = _duplicate(item, seen)
    if merged is not None:
        return merged
    if item["held"]:
        return Done({"File_Name": item["held"]})
    if not item["series"]:
        return Fail(item["parts"]["problem"], "name_too_long")
    parts = names.NameParts(**item["parts"])
    number = names.next_number(numbers.get(item["series"], item["highest"].get(item["series"], 0)))
    if number > names.MAX_NUMBER:
        raise Blocking(f"no free file name is left for {names.stem(parts)}; use another subject", code="no_free_name")
    numbers[item["series"]] = number
    name = names.file_name(parts, number)
    row = Row("name", names.fold(name), {"name": name, "series": item["series"], "number": number})
    return Done({"File_Name": name}, makes=(row,))


def _duplicate(item: Item, seen: dict[str, int]) -> Outcome | None:
    """The same bytes as an older row: refresh that row, or leave it alone when it is decided or in this
    run already."""
    twin = seen.get(item["content_hash"])
    if twin is not None:
        return _merge(twin, item, "the same file twice in this run")
    if not item["older"]:
        return None
    older = item["older"][0]
    if older["here"]:
        return _merge(older["id"], item, "the same file twice in this run")
    if older["state"] in DECIDED:
        return _merge(older["id"], item, f"that photo is {older['Review_Status'].lower()} and was left alone")
    fields = {name: item[name] for name in ("Folder", "Location", "Subject", "set_id", "Original_File_Name")}
    fields = {name: value for name, value in fields.items() if name not in older["edited"]}
    stage = "queue_rows"
    if not older["working_path"]:  # it never came past reading: there is nothing to score yet
        stage, fields["source_path"] = "read_exif", item["source_path"]
    return _merge(older["id"], item, f"that row was {older['Review_Status']} and goes through again", stage, fields)


def _merge(into: int, item: Item, reason: str, stage: str | None = None, fields: dict[str, Any] | None = None) -> Merge:
    note = Note(f"Duplicate content: {item['Original_File_Name']} is photo {into}: {reason}", "WARN")
    return Merge(into, reason, stage, fields or {}, (note,))


def _older(site: Any, run: str, hashes: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    known: dict[str, list[dict[str, Any]]] = {}
    twins = Photo.objects.filter(site=site, content_hash__in=hashes).order_by("id")
    for row in twins.values("id", "content_hash", "state", "run", "Review_Status", "edited", "working_path"):
        known.setdefault(row["content_hash"], []).append({**row, "here": row["run"] == run})
    return known


def _parts(row: dict[str, Any], this_year: int) -> dict[str, Any]:
    year = names.year_of(row["DateTime"], this_year)
    return {
        "subject": row["Subject"],
        "location": row["Location"],
        "folder": row["Folder"],
        "camera": row["Camera"],
        "year": year,
    }


def _series(parts: dict[str, Any]) -> str:
    try:
        return names.series_key(names.NameParts(**parts))
    except names.NameTooLong as error:
        parts["problem"] = str(error)
        return ""


def _highest(site: Any, series: set[str]) -> dict[str, int]:
    used = ReservedName.objects.filter(site=site, series__in=series).values_list("series")
    return dict(used.annotate(top=Max("number")))
