"""What each local stage is given: plain data about its items, read once per batch on the database thread."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from penstock import config
from penstock.adapters.folders import make_folder
from penstock.engine.pipeline import EffectPlan, Item
from penstock.ledger import rows
from penstock.ledger.events import clean
from penstock.pipelines.photos.models import PhotoFile
from penstock.pipelines.photos.settings import of


def files(context: Any, ids: Sequence[int]) -> list[Item]:
    """Source files and the photo that each will make; the photo has the file's id."""
    pixels = of(context.run.plan).max_megapixels * 1_000_000
    found = PhotoFile.objects.select_related("set").filter(id__in=ids).order_by("ordinal", "id")
    return [{"id": file.id, "path": file.path, "max_pixels": pixels, "photo": _photo(file)} for file in found]


def _photo(file: PhotoFile) -> dict[str, Any]:
    own = file.set
    return {
        "id": file.id,
        "ordinal": file.ordinal,
        "set_id": own.id,
        "Folder": own.folder,
        "Location": own.location,
        "Subject": own.subject,
        "Original_File_Name": clean(Path(file.path).name)[:255],
        "source_path": file.path,
    }


def to_stage(context: Any, ids: Sequence[int]) -> list[Item]:
    """Where each original comes from and goes to."""
    root = context.run.site.root
    modes = dict(_set_modes(ids))
    items = []
    for row in rows.read("photo", ids):
        target = root / "incoming" / f"{row['id']}_{_safe(row['Original_File_Name'])}"
        items.append(
            {
                **_base(row),
                "source_path": row["source_path"],
                "staged_path": str(target),
                "intake": modes[row["id"]],
            }
        )
    return items


def _set_modes(ids: Sequence[int]) -> Any:
    return rows.model_of("photo").objects.filter(id__in=ids).values_list("id", "set__mode")


def staging(_context: Any, items: Sequence[Item]) -> list[EffectPlan]:
    """The move or copy of each original, journaled before it happens."""
    good = [item for item in items if not item["problem"]]
    return [EffectPlan(item["id"], item["intake"], item["source_path"], item["staged_path"]) for item in good]


def staged(context: Any, ids: Sequence[int]) -> list[Item]:
    """The staged original, what to restore it from when it is gone, and where its working copy goes."""
    s = of(context.run.plan)
    working = context.run.site.root / "data" / "working"
    return [
        {
            **_base(row),
            "source_path": row["source_path"],
            "content_hash": row["content_hash"],
            "staged_path": row["staged_path"],
            "file_size": row["file_size"],
            "working_path": str(working / f"{row['id']}.jpg"),
            "work_dir": _work_dir(context),
            "max_pixels": s.max_megapixels * 1_000_000,
            "exiftool": config.current().exiftool,
        }
        for row in rows.read("photo", ids)
    ]


def to_score(context: Any, ids: Sequence[int]) -> list[Item]:
    """The working copy, and where models lie."""
    s = of(context.run.plan)
    models = {
        "brisque": s.brisque_model,
        "nima": s.nima_weights,
        "clip": s.clip_weights,
        "classifier": s.classifier_weights,
    }
    models = {name: path for name, path in models.items() if path}
    return [
        {**_base(row), "working_path": row["working_path"], "models": models or None} for row in rows.read("photo", ids)
    ]


def to_resize(context: Any, ids: Sequence[int]) -> list[Item]:
    """The working copy, and the place that the model reads from."""
    folder = context.run.site.root / "data" / "ollama_tmp" / f"run_{context.run.id}"
    return [
        {
            **_base(row),
            "working_path": row["working_path"],
            "ollama_path": str(folder / f"{row['id']}_{Path(_safe(row['Original_File_Name'])).stem}.jpg"),
            "work_dir": _work_dir(context),
        }
        for row in rows.read("photo", ids)
    ]


def _base(row: dict[str, Any]) -> Item:
    return {"id": row["id"], "problem": row["problem"], "problem_code": row["problem_code"]}


def _work_dir(context: Any) -> str:
    folder = context.work_dir
    make_folder(folder)
    return str(folder)


def _safe(name: str) -> str:
    """A file name that any file system takes: the original's, less what is not a letter, digit, dot, dash
    or space, and short enough beside an id and a temporary suffix."""
    kept = "".join(c if c.isalnum() or c in "._- " else "_" for c in name).strip(" .")
    stem, dot, suffix = kept.rpartition(".")
    return _capped(stem or suffix, 160).strip(" .") + (dot + _capped(suffix, 24) if stem and dot else "")


def _capped(text: str, most: int) -> str:
    """At most so many bytes of UTF-8, in whole characters."""
    return text.encode()[:most].decode(errors="ignore")
