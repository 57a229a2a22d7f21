"""The taxonomy as files: `data/folder_map.json` (key → name) and `data/location_list.json` (keys).

The database is the truth, the files are copies of it. A site that knows nothing yet takes over what they hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.db import transaction

from penstock.accounts.models import Site
from penstock.adapters.files import keep_bytes
from penstock.engine.errors import UsageError
from penstock.pipelines.photos.models import Taxon


def folder_file(site: Site) -> Path:
    """Folder key → the name that people read."""
    return site.root / "data" / "folder_map.json"


def location_file(site: Site) -> Path:
    """The keys of the locations."""
    return site.root / "data" / "location_list.json"


def take_over(site: Site) -> int:
    """Make known what the files hold, when the site knows nothing yet. Answers how many.

    Raises UsageError when a file is there and cannot be read: no taxonomy is silently lost."""
    if Taxon.objects.filter(site=site).exists():
        return 0
    folders, locations = _read(folder_file(site), dict), _read(location_file(site), list)
    found = [("folder", str(key), str(name)) for key, name in (folders or {}).items()]
    found += [("location", str(key), str(key).replace("_", " ")) for key in locations or []]
    known = {(kind, key): name for kind, key, name in found if key.strip() and key.isprintable() and len(key) <= 80}
    Taxon.objects.bulk_create(
        Taxon(site=site, kind=kind, key=key, name=name[:120] or key) for (kind, key), name in known.items()
    )
    return len(known)


def copy_after_commit(site: Site) -> None:
    """Write both files once the surrounding transaction is durable."""
    transaction.on_commit(lambda: write_copies(site))


def write_copies(site: Site) -> None:
    """Both files from the database, atomically."""
    taxa = Taxon.objects.filter(site=site).order_by("key")
    folders = {taxon.key: taxon.name for taxon in taxa if taxon.kind == "folder"}
    _write(folder_file(site), folders)
    _write(location_file(site), [taxon.key for taxon in taxa if taxon.kind == "location"])


def _write(file: Path, data: Any) -> None:
    keep_bytes(file, (json.dumps(data, ensure_ascii=False, indent=2) + "\n").encode())


def _read(file: Path, kind: type) -> Any:
    if not file.exists():
        return None
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{file} cannot be read ({error}); mend it or move it away") from error
    if not isinstance(data, kind):
        raise UsageError(f"{file} must hold a JSON {'object' if kind is dict else 'list'}; mend it or move it away")
    return data
