"""How a photo stands on a website: where its two pictures lie and what the table of pictures says. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from penstock.adapters.files import content

TABLE, KEY = "photos_info_revamp", "File_Name"
COLUMNS: dict[str, str] = {
    "Folder": "TEXT",
    "File_Name": "TEXT UNIQUE",
    "Path": "TEXT",
    "Thumb_Path": "TEXT",
    "DateTime": "TEXT",
    "Camera": "TEXT",
    "Lens_model": "TEXT",
    "Width": "INTEGER DEFAULT 0",
    "Height": "INTEGER DEFAULT 0",
    "Exposure": "TEXT",
    "Aperture": "TEXT",
    "ISO": "INTEGER",
    "Focal_length": "INTEGER",
    "Keywords": "TEXT",
    "Caption": "TEXT",
    "alt_text": "TEXT",
    "Location": "TEXT",
    "QR": "REAL",
    "QC_Status": "TEXT",
    "Original_File_Name": "TEXT NOT NULL",
    "nima_score": "REAL",
    "blur_score": "REAL",
    "brightness_score": "REAL",
    "contrast_score": "REAL",
    "brisque_score": "REAL",
    "clip_aesthetic_score": "REAL",
}
"""The website's columns beside `id`, as the photo automation's users have them. None of ours among them."""

_MADE = {"Path", "Thumb_Path", "Width", "Height"}


def parcel(row: Mapping[str, Any], settings: Mapping[str, Any], base: str) -> dict[str, Any]:
    """What is delivered of an approved photo. `base` is where the files lie when the site has no public address."""
    places = {"full": place(row), "thumb": place(row, "thumbs")}
    public = str(settings.get("public_url_base", ""))
    addresses = {part: address(public, path) if public else local(base, path) for part, path in places.items()}
    return {
        "title": row["File_Name"],
        "places": places,
        "render": _recipe(row, settings),
        "row": _website_row(row, settings, addresses),
        "before": {"Path": row["Path"], "Thumb_Path": row["Thumb_Path"]},
    }


def place(row: Mapping[str, Any], *between: str) -> str:
    """`<year>/<folder>/<name>`, with `between` after the year."""
    return "/".join((year(row), *between, str(row["Folder"]), str(row["File_Name"])))


def year(row: Mapping[str, Any]) -> str:
    """The year of the photo's DateTime, else its year column, else "unknown"."""
    for text in (str(row.get("DateTime") or "")[:4], str(row.get("year") or "")):
        if len(text) == 4 and text.isascii() and text.isdigit() and text != "0000":
            return text
    return "unknown"


def address(base: str, path: str) -> str:
    """The public address of a path."""
    return f"{base.rstrip('/')}/{quote(path)}"


def local(base: str, path: str) -> str:
    """The path below a target without a public address."""
    return f"{base.rstrip('/')}/{path}" if base else path


def published(payload: Mapping[str, Any]) -> dict[str, Any]:
    """What a photo's own row says once it is published."""
    return {name: payload["row"][name] for name in ("Path", "Thumb_Path")}


def sized(row: Mapping[str, Any], full: Mapping[str, Any]) -> dict[str, Any]:
    """The website's row with the size that the picture was really rendered in."""
    return {**row, "Width": full["width"], "Height": full["height"]}


def _recipe(row: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """What the renderer is told."""
    from penstock.adapters.photo.render import FULL, QUALITY, THUMB  # a start need not wait for picture libraries

    return {
        "source_path": row["staged_path"],
        "content_hash": row["content_hash"],
        "full": list(settings.get("full_size", FULL)),
        "thumb": list(settings.get("thumb_size", THUMB)),
        "quality": settings.get("quality", QUALITY),
        "mark": _mark(settings),
        "keep_gps": bool(settings.get("keep_gps")),
        "keep_metadata": bool(settings.get("keep_metadata")),
        "fields": {
            **{name: row[name] for name in ("Caption", "alt_text", "Keywords", "DateTime", "zone")},
            "Headline": row.get("Subject") or "",
            "Artist": settings.get("creator") or "",
            "Copyright": settings.get("copyright") or "",
        },
    }


def _mark(settings: Mapping[str, Any]) -> dict[str, Any] | None:
    """The watermark; its picture is bound by what it holds now."""
    text, image = str(settings.get("watermark") or "").replace("|", "\n"), str(settings.get("watermark_image") or "")
    if not (text or image):
        return None
    return {
        "text": text,
        "image": image,
        "sha256": content(image) if image else "",
        "position": settings.get("watermark_position", "bottom-right"),
        "opacity": settings.get("watermark_opacity", 100),
        "width": settings.get("watermark_width", 15),
    }


def _website_row(row: Mapping[str, Any], settings: Mapping[str, Any], addresses: Mapping[str, str]) -> dict[str, Any]:
    from penstock.adapters.photo.decode import fit
    from penstock.adapters.photo.render import FULL

    known = (row["Width"] or 0) > 0 and (row["Height"] or 0) > 0
    box = tuple(settings.get("full_size", FULL))
    width, height = fit((row["Width"], row["Height"]), (box[0], box[1])) if known else (0, 0)
    made = {"Path": addresses["full"], "Thumb_Path": addresses["thumb"], "Width": width, "Height": height}
    values = {name: made[name] if name in _MADE else row[name] for name in COLUMNS}
    return {name: _null(name, value) for name, value in values.items()}


def _null(name: str, value: Any) -> Any:
    """Empty text is no value, where the column allows none."""
    return None if value == "" and "NOT NULL" not in COLUMNS[name] else value
