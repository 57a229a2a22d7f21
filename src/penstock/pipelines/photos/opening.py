"""Stage 8: the QC scan over the run's rows, its report, and the opening of the gate."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from penstock.adapters.files import write_bytes
from penstock.adapters.folders import make_folder
from penstock.adapters.photo.phash import near_groups
from penstock.engine.outcome import Done, Note, Outcome
from penstock.engine.pipeline import Item
from penstock.ledger.models import Run
from penstock.pipelines.photos import qc
from penstock.pipelines.photos.models import Photo
from penstock.pipelines.photos.settings import of

COLUMNS = (
    "id", "File_Name", "Original_File_Name", "Subject", "Location", "Folder", "Caption", "alt_text", "Keywords",
    "phash", "changes", "flags",
)  # fmt: skip


def report_path(run: Run) -> Any:
    """Where people look for the report."""
    return run.site.root / "data" / "prefill_qc_last.json"


def load(context: Any, ids: Sequence[int]) -> list[Item]:
    """Every row of the run that has come to the gate, so that a repeated scan covers the whole run."""
    run = context.run
    rows = list(Photo.objects.filter(run=run.id, stage="review").order_by("ordinal", "id").values(*COLUMNS))
    report = scan(run, rows)
    write(run, report)
    flags, groups = _flags(report), _groups(report)
    mine = set(ids)
    items = [
        {
            "id": row["id"],
            "flags": sorted({*row["flags"], *flags.get(row["id"], [])}),
            "group": groups.get(row["id"]),
        }
        for row in rows
        if row["id"] in mine
    ]
    items[0] |= {"notes": qc_lines(report)}
    return items


def work(items: list[Item]) -> list[Outcome]:
    """Rows wait for a person, with their flags; what the report says comes with the first."""
    return [
        Done(
            {"flags": item["flags"], "near_group": item["group"]},
            notes=tuple(Note(text, level) for level, text in item.get("notes", ())),
        )
        for item in items
    ]


def scan(run: Run, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The report over these rows."""
    bits = of(run.plan).near_duplicate_bits
    groups = near_groups([(row["id"], row["phash"]) for row in rows if row["phash"]], bits)
    changes = {row["id"]: row["changes"] for row in rows if row["changes"]}
    scope, path = [row["id"] for row in rows], str(report_path(run))
    return qc.report(rows, scope=scope, near_image_groups=groups, changes=changes, report_path=path)


def write(run: Run, report: dict[str, Any]) -> None:
    """Write the run's own report, and the copy that people look for. Both are made anew from rows at will, so the
    journal knows nothing of them; they are there before a row of the run can be decided."""
    data = (json.dumps({**report, "run_id": run.id}, ensure_ascii=False, indent=2) + "\n").encode()
    write_bytes(own_copy(run), data)
    write_bytes(report_path(run), data)


def go_back(run: Run) -> None:
    """A report of a run that was rolled back gives way to the last one that stands."""
    place = report_path(run)
    if not place.exists() or f'"run_id": "{run.id}"' not in place.read_text(encoding="utf-8"):
        return
    standing = Run.objects.filter(site=run.site, rolled_back_at=None).order_by("-started_at", "-id")
    own = next((file for file in map(own_copy, standing) if file.exists()), None)
    if own is None:
        place.unlink()
    else:
        write_bytes(place, own.read_bytes())


def own_copy(run: Run) -> Any:
    """The run's own report, kept when a later run replaces the last one."""
    folder = run.site.root / "runs" / run.id
    make_folder(folder)
    return folder / "prefill_qc.json"


def qc_lines(report: dict[str, Any]) -> list[tuple[str, str]]:
    """The report in the run log's words."""
    s = report["summary"]
    doubled = s["duplicate_rows_total"]
    lines = [("INFO", "[QC] No duplicates found in pending prefill rows.")]
    if doubled:
        groups = f"caption_groups={s['caption_dup_groups']} alt_groups={s['alt_dup_groups']}"
        text = f"[QC] Duplicates found: {groups} keyword_groups={s['keywords_dup_groups']} rows={doubled}"
        lines = [("WARN", text)]
    if s["suspicious_rows"]:
        lines.append(("WARN", f"[QC] Suspicious rows auto-flagged={s['suspicious_rows']} sample_ids={s['sample_ids']}"))
    return [*lines, ("INFO", f"[QC] Report written: {s['report_path']}")]


def _flags(report: dict[str, Any]) -> dict[int, list[str]]:
    return {row["id"]: list(row["reasons"]) for row in report["flagged"]}


def _groups(report: dict[str, Any]) -> dict[int, int]:
    groups = report["near_duplicate_groups"]
    return {item: number for number, group in enumerate(groups, 1) for item in group}
