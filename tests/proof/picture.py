"""What a home looks like to those who care: rows, files and targets, without what only says which process did it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.proof import far
from tests.proof.errands import digest

VOLATILE = {
    "run", "made_by", "batch", "attempts", "losses", "deaths", "available_at", "error", "error_code", "revision", "at",
}  # fmt: skip
OWN = {"name": {"id"}, "delivery": {"id", "ordinal", "parent", "open_children"}}
LEFT_OUT = ("logs", "runs", "data/run_log.txt", "data/prefill_qc_last.json", "diary.", "backup.db", "incident.zip")
LEFT_OUT_ALSO = (
    "driver.lock", "migrate.lock", "secret.key", "secrets/", "data/review.db", "spare.db", "far.db", "sky", "seen",
    "source.png",
)  # fmt: skip


def picture(home: Path) -> dict[str, Any]:
    """Everything that must be the same after any disturbance. Plain data, in a fixed order."""
    return {**_tables(), "files": dict(_files(home)), **_websites(home), "passwords": dict(_passwords(home))}


def differences(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """At most five sentences on what is not as it should be."""
    told = []
    for part in sorted({*wanted, *found}):
        one, other = wanted.get(part), found.get(part)
        if one == other:
            continue
        if isinstance(one, dict) and isinstance(other, dict):
            told += [f"{part}: {key}: {one.get(key)} became {other.get(key)}" for key in sorted({*one, *other})
                     if one.get(key) != other.get(key)]  # fmt: skip
        else:
            told += _rows_apart(part, one or [], other or [])
    return told[:5]


def _rows_apart(part: str, one: list[Any], other: list[Any]) -> list[str]:
    apart = [(a, b) for a, b in zip(one, other, strict=False) if a != b]
    told = [f"{part}: {len(one)} rows became {len(other)}"] if len(one) != len(other) else []
    for a, b in apart[:2]:
        columns = {name: (a.get(name), b.get(name)) for name in {*a, *b} if a.get(name) != b.get(name)}
        told.append(f"{part} {a.get('id', '')}: {columns}"[:400])
    return told


def _tables() -> dict[str, Any]:
    from penstock.accounts.models import Site
    from penstock.ledger import TABLES
    from penstock.ledger.models import Effect, Run, SiteCounter
    from penstock.pipelines.photos.models import PhotoSet, Taxon
    from penstock.publish.models import Target
    from penstock.review.models import Decision, KnownWord

    found = {table: _rows(model, VOLATILE | OWN.get(table, set())) for table, model in TABLES.items()}
    for row in found["delivery"]:
        row["outcome"] = "there" if row["outcome"] in ("sent", "unchanged") else row["outcome"]
        row["receipt"].pop("id", None)  # rows get their numbers in the order in which they come
    for model in (Site, PhotoSet, Taxon, Target):
        found[model.__name__] = _rows(model, {"id"} if model in (Taxon, Target) else set())
    found["Decision"] = _rows(Decision, {"id", "at", "decision_id"})
    found["KnownWord"] = _rows(KnownWord, {"id", "at"})
    counters = SiteCounter.objects.exclude(n=0).order_by("site", "table", "stage", "state")
    found["SiteCounter"] = list(counters.values("site", "table", "stage", "state", "n"))
    found["effects"] = sorted(Effect.objects.filter(state="undoing").values_list("kind", "target"))
    found["open runs"] = list(Run.objects.filter(active_key__isnull=False).values_list("id", flat=True))
    return json.loads(json.dumps(found, default=str))


def _rows(model: Any, hidden: set[str]) -> list[dict[str, Any]]:
    rows = [{k: v for k, v in row.items() if k not in hidden} for row in model.objects.order_by("pk").values()]
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True, default=str)) if "id" in hidden else rows


def _files(home: Path) -> Iterator[tuple[str, str]]:
    for file in sorted(home.rglob("*")):
        name = file.relative_to(home).as_posix()
        own = "/".join(name.split("/")[2:]) if name.startswith("sites/") else name
        if file.is_file() and not own.startswith((*LEFT_OUT, *LEFT_OUT_ALSO)) and not name.endswith("_revamp.db"):
            yield name, digest(file)


def _websites(home: Path) -> dict[str, Any]:
    """Rows get their numbers in the order in which they come; the mirror has those of the table that it mirrors."""
    mirror, table = far.rows(home / "data" / "photos_info_revamp.db"), far.rows(home / "far.db")
    apart = sorted(name for name in table if name in mirror and mirror[name]["id"] != table[name]["id"])
    return {"mirror": _numberless(mirror), "table": _numberless(table), "other numbers in the mirror": apart}


def _numberless(rows: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in rows[key].items() if name != "id"} for key in sorted(rows)]


def _passwords(home: Path) -> Iterator[tuple[str, str]]:
    """Whose each file is: a target's, or nobody's."""
    from penstock.publish.models import Target

    names = {f"target_{target.pk}": f"of {target.name}" for target in Target.objects.all()}
    for file in sorted((home / "secrets").glob("*")):
        yield names.get(file.name, f"left behind: {file.name}"), file.read_text()
