"""What the camera wrote into the file: time, exposure, camera, lens, place. No pixel is decoded for it."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict, cast

from PIL import ExifTags, Image

from penstock.adapters.photo.camera import camera_token
from penstock.adapters.photo.headers import MAX_PIXELS, opened

MAX_TEXT = 200
_MALFORMED = (
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    EOFError,
    OSError,
    struct.error,
)
_TIME = re.compile(r"(\d{4})[:\-/.](\d\d)[:\-/.](\d\d)[ T](\d\d):(\d\d):(\d\d)")
_ZONE = re.compile(r"[+-](?:0\d|1[0-4]):[0-5]\d")
_BAD = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")

Tags = Mapping[int, Any]
_Base, _Gps = ExifTags.Base, ExifTags.GPS


class Place(TypedDict):
    """Degrees; north and east are positive."""

    lat: float
    lon: float


class Exif(TypedDict):
    """What `read` gives. Texts are clean, at most 200 characters, "" when absent."""

    DateTime: str  # "YYYY:MM:DD HH:MM:SS", the camera's own time
    zone: str  # "+01:00"
    Exposure: str  # "1/250 sec"
    Aperture: str  # "f/2.8"
    ISO: int | None
    Focal_length: int | None  # mm
    Width: int  # pixels of the upright picture
    Height: int
    Camera: str  # Canon_EOS_R5
    Lens_model: str
    gps: Place | None
    orientation: int  # 1 to 8
    software: str
    year: int | None
    make: str
    model: str
    exposure_s: float | None  # seconds
    f_number: float | None
    maker_notes: bool  # the maker's private part is there: exiftool may know the lens


def read(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> Exif:
    """The facts in the file; missing or malformed metadata leaves fields empty and never fails.

    Raises ItemError when the file is no picture (see `headers.opened`).
    """
    with opened(path, max_pixels=max_pixels) as image:
        return from_image(image)


def from_image(image: Image.Image) -> Exif:
    """`read` for an image that is open and not yet decoded (decoding turns some formats)."""
    base, exif, gps = _tags(image)
    make, model = text(base.get(_Base.Make)), text(base.get(_Base.Model))
    taken, zone = _taken(base, exif)
    seconds, f_number = (_positive(number(exif.get(tag))) for tag in (_Base.ExposureTime, _Base.FNumber))
    orientation = _orientation(base)
    width, height = _upright(image, orientation)
    return Exif(
        DateTime=taken,
        zone=zone,
        Exposure=exposure_text(seconds),
        Aperture=aperture_text(f_number),
        ISO=_iso(exif),
        Focal_length=_whole(number(exif.get(_Base.FocalLength))),
        Width=width,
        Height=height,
        Camera=camera_token(make, model),
        Lens_model=lens_text(exif.get(_Base.LensModel)),
        gps=_place(gps),
        orientation=orientation,
        software=text(base.get(_Base.Software)),
        year=int(taken[:4]) if taken else None,
        make=make,
        model=model,
        exposure_s=seconds,
        f_number=f_number,
        maker_notes=_Base.MakerNote in exif,
    )


def text(value: object, limit: int = MAX_TEXT) -> str:
    """A tag as clean text of at most `limit` characters, without control or direction characters.

    UTF-8 where the bytes are valid, Latin-1 otherwise.
    """
    if isinstance(value, tuple | list):
        value = value[0] if value else ""
    if value is None or isinstance(value, float | Mapping):
        return ""
    raw = value if isinstance(value, bytes) else _bytes(str(value))
    return plain(raw if isinstance(raw, str) else _decoded(raw.split(b"\0", 1)[0]), limit)


def plain(words: str, limit: int = MAX_TEXT) -> str:
    """Text as one clean line of at most `limit` characters, without control or direction characters."""
    return " ".join(_BAD.sub(" ", words.replace("\xad", "")).split())[:limit].strip()  # soft hyphens are no text


def lens_text(value: object) -> str:
    """A lens name; makers' fillers such as "----", "Unknown (0)" and "0.0 mm f/0.0" count as none."""
    name = text(value)
    filler = name.casefold().startswith(("unknown", "n/a", "none"))
    return name if not filler and re.search(r"[^\W_0f]", re.sub(r"\bmm\b", "", name)) else ""


def number(value: object) -> float | None:
    """A tag as a finite number, the first of several; None when absent or divided by zero."""
    if isinstance(value, tuple | list):
        value = value[0] if value else None
    try:
        plain = float(cast(Any, value))
        return plain if math.isfinite(plain) else None
    except _MALFORMED:
        return None


def exposure_text(seconds: float | None) -> str:
    """ "1/250 sec", "20 sec", "0.8 sec"; fractions up to a quarter second, as exiftool prints them."""
    if seconds is None or seconds <= 0:
        return ""
    if seconds < 0.25001:
        return f"1/{int(0.5 + 1 / seconds)} sec"
    return f"{seconds:.1f}".removesuffix(".0") + " sec"


def aperture_text(f_number: float | None) -> str:
    """ "f/2.8", "f/8", "f/0.95"."""
    if f_number is None or f_number <= 0:
        return ""
    return f"f/{round(f_number, 2 if f_number < 1 else 1):g}"


def _tags(image: Image.Image) -> tuple[Tags, Tags, Tags]:
    """IFD0, Exif and GPS directory. A malformed one is empty: metadata never fails a picture."""
    try:
        whole = image.getexif()
        base = _plain(whole)
    except _MALFORMED:
        return {}, {}, {}
    return base, _directory(whole, ExifTags.IFD.Exif), _directory(whole, ExifTags.IFD.GPSInfo)


def _directory(whole: Image.Exif, name: int) -> Tags:
    try:
        return _plain(whole.get_ifd(name))
    except _MALFORMED:
        return {}


def _plain(tags: Any) -> Tags:
    """The tags that can be read at all; some decode only when asked for."""
    found: dict[int, Any] = {}
    for tag in list(tags):
        try:
            found[tag] = tags[tag]
        except _MALFORMED:
            continue  # this one tag is malformed, the others may be fine
    return found


def _taken(base: Tags, exif: Tags) -> tuple[str, str]:
    for value, zones in (
        (exif.get(_Base.DateTimeOriginal), (_Base.OffsetTimeOriginal, _Base.OffsetTime)),
        (base.get(_Base.DateTime), (_Base.OffsetTime, _Base.OffsetTimeOriginal)),
    ):
        if taken := _time(text(value)):
            return taken, next((zone for tag in zones if (zone := _zone(text(exif.get(tag))))), "")
    return "", ""


def _time(value: str) -> str:
    found = _TIME.match(value)
    if not found:
        return ""
    year, month, day, hour, minute, second = map(int, found.groups())
    sound = year > 0 and 1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 61
    return "{}:{}:{} {}:{}:{}".format(*found.groups()) if sound else ""


def _zone(value: str) -> str:
    if value == "Z":
        return "+00:00"
    return value if _ZONE.fullmatch(value) else ""


def _iso(exif: Tags) -> int | None:
    """ISO; cameras past 65535 write that into the old tag and the value into a newer one."""
    for tag in (
        _Base.ISOSpeedRatings,
        _Base.RecommendedExposureIndex,
        _Base.ISOSpeed,
        _Base.StandardOutputSensitivity,
    ):
        value = _whole(number(exif.get(tag)))
        if value and (value < 65535 or tag != _Base.ISOSpeedRatings):
            return value
    return None


def _positive(value: float | None) -> float | None:
    return value if value is not None and 0 < value < 1_000_000 else None


def _whole(value: float | None) -> int | None:
    return int(value) if value is not None and 0 < value < 10_000_000 else None


def _orientation(base: Tags) -> int:
    value = number(base.get(_Base.Orientation))
    return int(value) if value is not None and 1 <= value <= 8 else 1


def _upright(image: Image.Image, orientation: int) -> tuple[int, int]:
    width, height = image.size
    turned = orientation >= 5 and image.format not in {"TIFF", "HEIF"}  # those plugins give upright sizes
    return (height, width) if turned else (width, height)


def _place(gps: Tags) -> Place | None:
    lat = _degrees(gps.get(_Gps.GPSLatitude), text(gps.get(_Gps.GPSLatitudeRef)), "NS", 90)
    lon = _degrees(gps.get(_Gps.GPSLongitude), text(gps.get(_Gps.GPSLongitudeRef)), "EW", 180)
    if lat is None or lon is None or (lat == 0 and lon == 0):  # 0, 0 is what receivers write without a fix
        return None
    return Place(lat=lat, lon=lon)


def _degrees(value: object, side: str, sides: str, most: int) -> float | None:
    if not isinstance(value, tuple | list) or not value or side[:1].upper() not in tuple(sides):
        return None
    parts = [number(part) for part in value[:3]]
    if any(part is None for part in parts):
        return None
    degrees: float = sum((part or 0.0) / float(60**power) for power, part in enumerate(parts))
    if not 0 <= degrees <= most:
        return None
    return round(degrees if side[:1].upper() == sides[0] else -degrees, 7)


def _bytes(value: str) -> bytes | str:
    """Pillow reads text as Latin-1, one character per byte; other text is text already."""
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
