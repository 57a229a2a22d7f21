"""What else the camera wrote into the original, for sites that ask to keep it: lens, software, owner, serial."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image

from penstock.adapters.photo.headers import MAX_PIXELS, opened

_Base = ExifTags.Base
_DROPPED = {
    _Base.Orientation, _Base.ExifOffset, _Base.GPSInfo, _Base.ExifInteroperabilityOffset, _Base.MakerNote,
    _Base.JpegIFOffset, _Base.JpegIFByteCount, _Base.ExifImageWidth, _Base.ExifImageHeight, _Base.ImageWidth,
    _Base.ImageLength, _Base.StripOffsets, _Base.StripByteCounts, _Base.TileOffsets, _Base.TileByteCounts, 0x02BC,
    0x83BB, 0x8649, 0x8773,
}  # fmt: skip
"""What holds for the original's bytes only, the place, and blocks that other programs put there (XMP, IPTC, ICC)."""

_LARGEST = 4096  # bytes of one tag
_MALFORMED = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, OSError, struct.error)


def kept_tags(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> dict[str, dict[int, Any]]:
    """Tags of the file as `base` and `exif`, each of which can be written again; the place is not among them."""
    with opened(path, max_pixels=max_pixels) as image:
        try:
            whole = image.getexif()
            inner = whole.get_ifd(ExifTags.IFD.Exif)
        except _MALFORMED:
            return {"base": {}, "exif": {}}
        return {"base": _sound(dict(whole)), "exif": _sound(dict(inner))}


def _sound(tags: dict[int, Any]) -> dict[int, Any]:
    return {tag: value for tag, value in tags.items() if tag not in _DROPPED and _writable(tag, value)}


def _writable(tag: int, value: Any) -> bool:
    """Whether a tag can be written; some were never sound."""
    alone = Image.Exif()
    alone[tag] = value
    try:
        return len(alone.tobytes()) < _LARGEST
    except _MALFORMED:
        return False
