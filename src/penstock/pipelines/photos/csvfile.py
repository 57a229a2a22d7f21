"""The review as a spreadsheet: rows out, edited texts and decisions back in. Every change goes through the gate."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from typing import Any

from penstock.accounts.models import Site
from penstock.engine.clock import Clock, SystemClock
from penstock.engine.errors import PenstockError, UsageError
from penstock.pipelines.photos.gatekeeping import EDITABLE
from penstock.pipelines.photos.models import Photo
from penstock.review import gate

SHOWN = ("id", "revision", "Review_Status", "QC_Status", "Original_File_Name")
ANSWER = ("decision", "reason")
COLUMNS = (*SHOWN, *EDITABLE, *ANSWER)
DECISIONS = ("approve", "reject", "pending")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def export(site: Site, file: Path) -> int:
    """Write every row at the gate; answers how many. Raises UsageError when the file cannot be written."""
    rows = list(Photo.objects.filter(site=site, stage="review").order_by("ordinal", "id").values(*SHOWN, *EDITABLE))
    try:
        with file.open("w", encoding="utf-8-sig", newline="") as stream:
            writer = csv.DictWriter(stream, COLUMNS)
            writer.writeheader()
            writer.writerows({name: _safe(value) for name, value in row.items()} for row in rows)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}") from error
    return len(rows)


def import_(site: Site, file: Path, who: str, clock: Clock | None = None) -> dict[str, Any]:
    """Take edits and decisions back. A row that was changed elsewhere since the export is refused, the others go on.

    Answers counts and refusals. Raises UsageError when the file is not such a table."""
    at = (clock or SystemClock()).wall()
    done: Counter[str] = Counter()
    refused: list[dict[str, Any]] = []
    for number, row in _rows(file):
        try:
            done.update(_take(site, row, who, at))
        except PenstockError as error:
            refused.append({"line": number, "id": row.get("id", ""), "error": str(error)})
    counts = {word: done[word] for word in ("edited", "approved", "rejected", "pending", "unchanged")}
    return {**counts, "refused": refused}


def _take(site: Site, row: dict[str, str], who: str, at: Any) -> list[str]:
    item = _number(row, "id")
    if not Photo.objects.filter(site=site, id=item).exists():
        raise UsageError(f"site {site.name} has no photo {item}")
    decision = row.get("decision", "").strip().lower()
    if decision and decision not in DECISIONS:
        raise UsageError(f"decision: {decision[:20]!r} is none of {', '.join(DECISIONS)}")
    done = _edit(item, row, who, at)
    if decision == "approve":
        gate.approve("photo", item, who=who, at=at)
        done.append("approved")
    elif decision == "reject":
        gate.reject("photo", item, who=who, at=at, reason=row.get("reason", ""))
        done.append("rejected")
    elif decision == "pending":
        gate.send_back("photo", item, who=who, at=at)
        done.append("pending")
    return done or ["unchanged"]


def _edit(item: int, row: dict[str, str], who: str, at: Any) -> list[str]:
    now = Photo.objects.values("revision", *EDITABLE).get(id=item)
    given = {name: row[name] for name in EDITABLE if name in row}
    changed = {name: text for name, text in given.items() if _restored(text) != str(_blank(now[name]))}
    if not changed:
        return []
    revision = _number(row, "revision") if row.get("revision") else None
    fields = {name: _restored(text) for name, text in changed.items()}
    gate.edit("photo", item, fields, who=who, at=at, revision=revision)
    return ["edited"]


def _rows(file: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            names = reader.fieldnames or []
            found = [(reader.line_num, {k: v or "" for k, v in row.items() if k}) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{file} cannot be read as a CSV file in UTF-8: {error}") from error
    if "id" not in names:
        raise UsageError(f"{file}: the first line must name the columns, `id` among them; export a file to see them")
    return found


def _number(row: dict[str, str], name: str) -> int:
    try:
        return int(row.get(name, ""))
    except ValueError:
        raise UsageError(f"{name}: {row.get(name, '')[:20]!r} is no number") from None


def _safe(value: Any) -> str:
    """Text that no spreadsheet takes for a formula."""
    text = str(_blank(value))
    return f"'{text}" if text.startswith(_FORMULA) and not isinstance(value, int | float) else text


def _restored(text: str) -> str:
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


def _blank(value: Any) -> Any:
    return "" if value is None else value
