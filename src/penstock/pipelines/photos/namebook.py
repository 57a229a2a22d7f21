"""The file names that a site's photos hold. The database is the truth; `data/used_filenames.json` is a copy of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from django.db import transaction

from penstock.accounts.models import Site
from penstock.adapters.files import keep_bytes
from penstock.engine.errors import Blocking, Refused, UsageError
from penstock.pipelines.photos import names
from penstock.pipelines.photos.models import ReservedName

_DEVICE = re.compile(r"con|prn|aux|nul|(com|lpt)\d", re.IGNORECASE | re.ASCII)


def release(row: Any) -> None:
    """Give a photo's name free, in the caller's transaction."""
    ReservedName.objects.filter(owner=row["id"]).delete()
    _copy_after_commit(row["site_id"])


def retake(row: Any) -> dict[str, Any]:
    """Reserve a photo's name again, or the next free one of its series; answers what to write to the row."""
    name = row["File_Name"]
    if ReservedName.objects.filter(owner=row["id"]).exists() or not name:
        return {}
    if _taken(row["site_id"], name, row["id"]):
        name = _next_free(row["site_id"], name)
    _insert(row, name)
    return {"File_Name": name} if name != row["File_Name"] else {}


def rename(row: Any, name: str) -> str:
    """Give a photo another name. Raises UsageError for a bad one, Refused when another photo holds it."""
    wanted = free(row, name)
    ReservedName.objects.filter(owner=row["id"]).delete()
    _insert(row, wanted)
    return wanted


def free(row: Any, name: str) -> str:
    """A typed file name as it would be stored for this photo. Raises as `rename`, and changes nothing."""
    wanted = clean(name)
    held = ReservedName.objects.filter(site_id=row["site_id"], key=names.fold(wanted)).exclude(owner=row["id"])
    holder = held.first()
    if holder is not None:
        raise Refused(f"file name {wanted} is held by photo {holder.owner or '(imported)'}; choose another")
    return wanted


def clean(name: str) -> str:
    """A typed file name as it will be stored. Raises UsageError saying what is wrong."""
    stem, dot, suffix = name.strip().rpartition(".")
    if not dot or suffix.upper() not in ("JPG", "JPEG"):
        raise UsageError(f"filename: {name[:60]!r} must end in .JPG; that is what is published")
    slug = names.slug(stem)
    if not slug or len(slug) + 4 > names.MAX_CHARACTERS:
        raise UsageError(
            f"filename: {name[:60]!r} must be 1 to {names.MAX_CHARACTERS - 4} letters, digits and underscores"
        )
    if slug != stem:
        raise UsageError(f"filename: {name[:60]!r} holds characters that not every file system takes; try {slug}.JPG")
    if _DEVICE.fullmatch(slug):
        raise UsageError(f"filename: {name[:60]!r} is the name of a device on Windows; choose another")
    return f"{slug}.JPG"


def import_used(site: Site) -> int:
    """Take over `data/used_filenames.json` when the site has no names yet. Answers how many.

    Raises UsageError when the file is there and cannot be read: reservations are never silently lost."""
    file = file_of(site)
    if not file.exists() or ReservedName.objects.filter(site=site).exists():
        return 0
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{file} cannot be read ({error}); mend it or move it away") from error
    if not isinstance(found, list):
        raise UsageError(f"{file} holds no list of names; mend it or move it away")
    listed = [str(name) for name in found if str(name).strip()]
    made = {
        names.fold(name): ReservedName(site=site, key=names.fold(name), name=name, **_series(name)) for name in listed
    }
    ReservedName.objects.bulk_create(made.values(), batch_size=500)
    return len(made)


def write_copy(site: Site) -> None:
    """Write `data/used_filenames.json` from the database, atomically."""
    held = sorted(ReservedName.objects.filter(site=site).values_list("name", flat=True))
    keep_bytes(file_of(site), (json.dumps(held, ensure_ascii=False, indent=2) + "\n").encode())


def file_of(site: Site) -> Path:
    """Where the copy lies."""
    return site.root / "data" / "used_filenames.json"


def _copy_after_commit(site: int) -> None:
    transaction.on_commit(lambda: write_copy(Site.objects.get(id=site)))


def _insert(row: Any, name: str) -> None:
    ReservedName.objects.create(
        site_id=row["site_id"],
        owner=row["id"],
        made_by=row["made_by"],
        key=names.fold(name),
        name=name,
        **_series(name),
    )
    _copy_after_commit(row["site_id"])


def _series(name: str) -> dict[str, Any]:
    number = names.parse_number(name)
    if number is None:
        return {"series": names.fold(name), "number": 0}
    return {"series": names.fold(name.rpartition("_")[0]), "number": number}


def _taken(site: int, name: str, owner: int) -> bool:
    return ReservedName.objects.filter(site_id=site, key=names.fold(name)).exclude(owner=owner).exists()


def _next_free(site: int, name: str) -> str:
    """The name with the next number of its series; a name that a person gave without one gets its first."""
    if names.parse_number(name) is None:
        stem, _, suffix = name.rpartition(".")
        name = f"{stem[: names.MAX_CHARACTERS - len('_999999.JPEG')]}_001.{suffix}"
    series = _series(name)["series"]
    used = ReservedName.objects.filter(site_id=site, series=series).order_by("-number").first()
    number = (used.number if used else 0) + 1
    if number > names.MAX_NUMBER:
        raise Blocking(f"no free file name is left beside {name}", code="no_free_name")
    return names.renumbered(name, number)
