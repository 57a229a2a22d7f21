"""What the gate must know of photos: what is shown, what may be edited, what an approval binds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.accounts.models import Site
from penstock.adapters.files import content, sha256_of
from penstock.adapters.photo.rating import qc_class
from penstock.engine.errors import ItemError, UsageError
from penstock.pipelines.photos import namebook, taxonomy
from penstock.pipelines.photos.words_of_state import status
from penstock.review import editing
from penstock.review.gate import Gate

EDITABLE = ("Caption", "alt_text", "Keywords", "File_Name", "Subject", "Location", "Folder", "QR")
TEXTS = ("Caption", "alt_text", "Keywords")
RECIPE = (
    "full_size", "thumb_size", "quality", "watermark", "watermark_image", "watermark_position", "watermark_opacity",
    "watermark_width", "creator", "copyright", "keep_metadata", "keep_gps",
)  # fmt: skip
BOUND = (
    "File_Name", "Folder", "Location", "Subject", "DateTime", "Camera", "Lens_model", "Exposure",
    "Aperture", "ISO",
    "Focal_length", "Caption", "alt_text", "Keywords", "QR", "QC_Status", "Original_File_Name", "nima_score",
    "blur_score", "brightness_score", "contrast_score", "brisque_score", "clip_aesthetic_score",
)  # fmt: skip


def gate() -> Gate:
    """The photo gate."""
    return Gate(
        table="photo",
        stage="review",
        title=lambda row: str(row["File_Name"] or row["Original_File_Name"]),
        fields=EDITABLE,
        clean=clean,
        seen=seen,
        ready=ready,
        words=status,
        released=namebook.release,
        retaken=namebook.retake,
        current_hash=changed_original,
    )


def seen(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The original's bytes, the render recipe and the fields."""
    from penstock.pipelines.photos.settings import of  # pydantic's models, which a start need not wait for

    recipe = of(Site.objects.get(id=row["site_id"]).settings).model_dump(mode="json", include=set(RECIPE))
    if recipe["watermark_image"]:
        recipe["watermark_image"] = content(recipe["watermark_image"])
    return {"content": row["content_hash"], "recipe": recipe, "fields": {name: row[name] for name in BOUND}}


def ready(row: Mapping[str, Any]) -> str:
    """Why a photo cannot be approved yet."""
    empty = [name for name in (*TEXTS, "File_Name") if not str(row[name]).strip()]
    if empty:
        return f"{', '.join(empty)} is empty; edit it first"
    return "it is on hold; take the hold off first" if row["hold"] else ""


def changed_original(row: Mapping[str, Any]) -> str:
    """Why the original is no longer what was approved; "" when it is."""
    try:
        same = sha256_of(row["staged_path"]) == row["content_hash"]
    except ItemError as error:
        return str(error)
    return "" if same else "its original changed on disk since it was approved"


def clean(site: int, row: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Check a person's edit. Raises UsageError naming the field."""
    return editing.cleaned(_CLEANERS, site, row, fields)


def _keywords(_site: int, _row: Any, value: Any) -> dict[str, Any]:
    parts = value.split(",") if isinstance(value, str) else [str(one) for one in value]
    words = list(dict.fromkeys(" ".join(part.split()).lower() for part in parts if part.strip()))
    if not words:
        raise UsageError("Keywords: give at least one, separated by commas")
    if any(len(word) > 60 or not word.isprintable() for word in words):
        raise UsageError("Keywords: each is at most 60 printable characters")
    return {"Keywords": ", ".join(words)}


def _file_name(_site: int, row: Any, value: Any) -> dict[str, Any]:
    return {"File_Name": namebook.rename(row, str(value)) if value != row["File_Name"] else value}


def _taxon(kind: str) -> editing.Cleaner:
    def clean_taxon(site: int, _row: Any, value: Any) -> dict[str, Any]:
        known = taxonomy.names(Site.objects.get(id=site), kind)
        if value not in known:
            raise UsageError(f"{kind}: {str(value)[:60]!r} is not known; add it first: penstock taxonomy add")
        return {kind.capitalize(): value}

    return clean_taxon


def _rating(_site: int, _row: Any, value: Any) -> dict[str, Any]:
    try:
        rating = round(float(value), 2)
    except (TypeError, ValueError):
        raise UsageError(f"QR: {str(value)[:20]!r} is no number; give 1 to 10") from None
    if not 1 <= rating <= 10:
        raise UsageError(f"QR: {rating} is outside 1 to 10")
    return {"QR": rating, "QC_Status": qc_class(rating)}


_CLEANERS: dict[str, editing.Cleaner] = {
    "Caption": editing.sentence("Caption", 500, "photo"),
    "alt_text": editing.sentence("alt_text", 500, "photo"),
    "Keywords": _keywords,
    "File_Name": _file_name,
    "Subject": editing.sentence("Subject", 120, "photo"),
    "Location": _taxon("location"),
    "Folder": _taxon("folder"),
    "QR": _rating,
    "hold": editing.hold,
}
