"""The working copy: upright sRGB JPEG that scores, hashes and the model read instead of the original."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TypedDict

from PIL import Image

from penstock.adapters.files import write_bytes
from penstock.adapters.photo.decode import fitted
from penstock.adapters.photo.headers import MAX_PIXELS

SIDE = 1024
QUALITY = 92


class Written(TypedDict):
    """A picture that was written: hex SHA-256, bytes, pixels."""

    sha256: str
    size: int
    width: int
    height: int


def make_working(
    path: str | Path,
    target: str | Path,
    side: int = SIDE,
    quality: int = QUALITY,
    *,
    max_pixels: int = MAX_PIXELS,
) -> Written:
    """Write the picture, its longest side at most `side` pixels, never enlarged, to `target`, durably.

    Carries no metadata. Raises ItemError as `decode.fitted`, Blocking when the disk refuses.
    """
    return write_jpeg(fitted(path, (side, side), max_pixels=max_pixels), target, quality)


def write_jpeg(image: Image.Image, target: str | Path, quality: int = QUALITY) -> Written:
    """Write an RGB picture as a bare JPEG, durably."""
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    stored = write_bytes(target, out.getvalue())
    return Written(**stored, width=image.width, height=image.height)
