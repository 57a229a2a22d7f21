"""The two pictures that are published: newly encoded from the original, with metadata from a short list."""

from __future__ import annotations

import io
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, TypedDict

from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from penstock.adapters.files import write_bytes
from penstock.adapters.photo import exif
from penstock.adapters.photo.colour import srgb_profile
from penstock.adapters.photo.decode import fit, read
from penstock.adapters.photo.headers import MAX_PIXELS
from penstock.adapters.photo.keeping import kept_tags
from penstock.adapters.photo.labels import iptc, xmp
from penstock.adapters.photo.watermark import Mark, draw
from penstock.adapters.photo.working import Written

FULL = (1500, 1000)
THUMB = (548, 365)
QUALITY = 88
_Base, _Gps = ExifTags.Base, ExifTags.GPS


class Pair(TypedDict):
    """What was written."""

    full: Written
    thumb: Written


def publish_pair(
    source: str | Path,
    full_path: str | Path,
    thumb_path: str | Path,
    *,
    full: tuple[int, int] = FULL,
    thumb: tuple[int, int] = THUMB,
    quality: int = QUALITY,
    mark: Mark | None = None,
    keep_gps: bool = False,
    keep_metadata: bool = False,
    fields: Mapping[str, Any] | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Pair:
    """Write the web picture and its thumbnail, upright sRGB JPEGs that fit into `full` and `thumb`, durably.

    `fields` may give `Caption`, `alt_text`, `Headline`, `Keywords`, `Artist`, `Copyright`, `DateTime`, `zone`: they
    are embedded as EXIF, IPTC and XMP. Camera and exposure come from the original; the place only with `keep_gps`, all
    else that the camera wrote (serial numbers too) only with `keep_metadata`. The same input gives the same bytes.
    Raises ItemError for an unreadable original, Blocking when the disk refuses.
    """
    picture, facts = read(source, full, max_pixels=max_pixels)
    if mark:
        draw(picture, mark)
    fields = fields or {}
    tags = allowed_tags(
        facts, fields, keep_gps=keep_gps, kept=kept_tags(source, max_pixels=max_pixels) if keep_metadata else None
    )
    labels = {"exif": tags, "extra": iptc(fields), "xmp": xmp(fields)}
    small = picture.resize(fit(picture.size, thumb), Image.Resampling.LANCZOS)
    return Pair(
        full=_write(picture, full_path, quality, labels),
        thumb=_write(small, thumb_path, quality, labels),
    )


def allowed_tags(
    facts: exif.Exif, fields: Mapping[str, Any], *, keep_gps: bool, kept: Mapping[str, Any] | None = None
) -> bytes:
    """The EXIF block of a published picture: caption, rights, time, camera, exposure; `kept` below that, if given."""
    tags = Image.Exif()
    tags.update((kept or {}).get("base", {}))
    tags.get_ifd(ExifTags.IFD.Exif).update((kept or {}).get("exif", {}))
    base = {
        _Base.ImageDescription: fields.get("Caption"),
        _Base.Make: facts["make"],
        _Base.Model: facts["model"],
        _Base.Artist: fields.get("Artist"),
        _Base.Copyright: fields.get("Copyright"),
    }
    taken = exif.text(fields.get("DateTime", facts["DateTime"]))
    detail = {
        _Base.DateTimeOriginal: taken,
        _Base.OffsetTimeOriginal: exif.text(fields.get("zone", facts["zone"])) if taken else "",
    }
    for tag, value in base.items():
        _put(tags, tag, value)
    inner = tags.get_ifd(ExifTags.IFD.Exif)
    inner.update({tag: value for tag, value in detail.items() if value and value.isascii()})
    inner.update({tag: value for tag, value in _exposure(facts).items() if value is not None})
    inner[_Base.ColorSpace] = 1  # sRGB
    if keep_gps and facts["gps"]:
        tags.get_ifd(ExifTags.IFD.GPSInfo).update(_place(facts["gps"]))
    return tags.tobytes()


def _put(tags: Any, tag: int, value: object) -> None:
    """Text as UTF-8 bytes: Pillow would turn letters beyond ASCII into question marks."""
    words = exif.text(value, limit=2000)
    if words:
        tags[tag] = words.encode()


def _exposure(facts: exif.Exif) -> dict[int, Any]:
    seconds, f_number, focal = facts["exposure_s"], facts["f_number"], facts["Focal_length"]
    return {
        _Base.ExposureTime: _rational(seconds),
        _Base.FNumber: _rational(f_number),
        _Base.ISOSpeedRatings: min(facts["ISO"], 65535) if facts["ISO"] else None,
        _Base.FocalLength: focal,
    }


def _rational(value: float | None) -> IFDRational | None:
    return None if value is None else IFDRational(Fraction(value).limit_denominator(1_000_000))


def _place(gps: exif.Place) -> dict[int, Any]:
    return {
        _Gps.GPSLatitudeRef: "N" if gps["lat"] >= 0 else "S",
        _Gps.GPSLatitude: _sexagesimal(gps["lat"]),
        _Gps.GPSLongitudeRef: "E" if gps["lon"] >= 0 else "W",
        _Gps.GPSLongitude: _sexagesimal(gps["lon"]),
    }


def _sexagesimal(degrees: float) -> tuple[IFDRational, IFDRational, IFDRational]:
    thousandths = round(abs(degrees) * 3_600_000)  # of an arc second: 3 cm
    minutes, rest = divmod(thousandths, 60_000)
    return IFDRational(minutes // 60), IFDRational(minutes % 60), IFDRational(rest, 1000)


def _write(picture: Image.Image, target: str | Path, quality: int, labels: Mapping[str, bytes]) -> Written:
    out = io.BytesIO()
    picture.save(
        out,
        "JPEG",
        quality=quality,
        optimize=True,
        progressive=True,
        icc_profile=srgb_profile(),
        **labels,
    )
    stored = write_bytes(target, out.getvalue())
    return Written(**stored, width=picture.width, height=picture.height)
