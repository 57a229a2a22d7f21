"""What a picture file says about itself, read without decoding its pixels.

Only JPEG (MPO comes with it), PNG, TIFF and WebP are tried, and HEIF when a safe pillow-heif is installed;
nothing that runs a program (SVG, EPS, PostScript, PDF) ever is.
"""

from __future__ import annotations

import importlib.metadata
import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TypedDict

from PIL import (
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from penstock.engine.errors import ItemError, PenstockError

MAX_PIXELS = 300_000_000
MAX_PIXELS_WHOLE = {
    "JPEG": 160_000_000,
    "PNG": 160_000_000,
    "TIFF": 160_000_000,
    "WEBP": 60_000_000,
    "HEIF": 60_000_000,
}
"""For what cannot be decoded at a fraction of its size (a JPEG: when it is progressive), so that about 1 GB
of memory is enough: measured 4.3 bytes per pixel for a progressive JPEG, 6.4 for PNG and TIFF, 17 for WebP."""
MAX_PAGES = 16
"""A TIFF may carry previews and a few layers; its first page is the picture."""

_FORMATS = tuple(
    plugin.format
    for plugin in (
        JpegImagePlugin.JpegImageFile,
        PngImagePlugin.PngImageFile,
        TiffImagePlugin.TiffImageFile,
        WebPImagePlugin.WebPImageFile,
    )
)
_MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"RIFF")
_CUT_SHORT = ("truncated", "unexpected end", "broken png", "not enough", "incomplete", "no more data", "eof")


class Header(TypedDict):
    """`width` and `height` in pixels as stored, `size` in bytes."""

    format: str
    width: int
    height: int
    frames: int
    size: int


def inspect(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> Header:
    """The header of a picture that may be decoded.

    Raises ItemError: `missing`, `empty`, `unreadable`, `not_an_image` (also animations and documents of many
    pages), `truncated`, `too_large` (more than `max_pixels`, or than its format can be decoded with), `memory`.
    """
    with opened(path, max_pixels=max_pixels) as image:
        return _checked(image, path, max_pixels)


@contextmanager
def opened(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> Iterator[Image.Image]:
    """The file as an undecoded Pillow image, for the length of a `with` block.

    Whatever the decoder raises in the block becomes an ItemError as in `inspect`. One thread at a time:
    Pillow's pixel limit belongs to the process.
    """
    _size(path)
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, max(1, max_pixels // 2)  # Pillow refuses at 2×
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=formats()) as image:
                yield image
    except PenstockError:
        raise
    except Exception as error:  # a decoder fed with hostile bytes may raise anything
        raise _named(error, path) from error
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def check(image: Image.Image, path: str | Path, *, max_pixels: int = MAX_PIXELS) -> None:
    """Refuse an opened image as `inspect` does. Raises ItemError (`too_large`, `not_an_image`)."""
    _checked(image, path, max_pixels)


@cache
def formats() -> tuple[str, ...]:
    """The formats that are tried, as Pillow names them."""
    return (*_FORMATS, "HEIF") if _heif_is_safe() else _FORMATS


def _checked(image: Image.Image, path: str | Path, max_pixels: int) -> Header:
    kind = "JPEG" if image.format in {"JPEG", "MPO"} else str(image.format)
    width, height = image.size
    scales_down = kind == "JPEG" and not image.info.get("progressive")
    cap = max_pixels if scales_down else min(max_pixels, MAX_PIXELS_WHOLE[kind])
    if width * height > cap:
        raise ItemError(
            f"{path} has {width}×{height} pixels, more than the {cap // 1_000_000} million allowed",
            code="too_large",
        )
    frames = 1 if kind == "JPEG" else _frames(image)
    if frames > (MAX_PAGES if kind == "TIFF" else 1):
        raise ItemError(
            f"{path} is no single picture: it holds {frames} or more frames; export one of them",
            code="not_an_image",
        )
    return Header(format=kind, width=width, height=height, frames=frames, size=_size(path))


def _frames(image: Image.Image) -> int:
    """How many frames, counted no further than one past what is allowed: a chain of pages may be hostile."""
    if not getattr(image, "is_animated", False):
        return 1
    if image.format != "TIFF":
        return int(getattr(image, "n_frames", 1))
    try:
        for page in range(1, MAX_PAGES + 1):
            image.seek(page)
    except EOFError:
        return page
    finally:
        image.seek(0)
    return MAX_PAGES + 1


def _size(path: str | Path) -> int:
    try:
        facts = os.stat(path)
    except FileNotFoundError as error:
        raise ItemError(f"{path} is not there (any more)", code="missing") from error
    except (OSError, ValueError) as error:
        raise ItemError(f"{path} cannot be read: {error}", code="unreadable") from error
    if not stat.S_ISREG(facts.st_mode):
        raise ItemError(f"{path} is not an ordinary file", code="unreadable")
    if facts.st_size == 0:
        raise ItemError(f"{path} is empty: 0 bytes; copy it from the card again", code="empty")
    return facts.st_size


def _named(error: Exception, path: str | Path) -> ItemError:
    text = str(error).casefold()
    if isinstance(error, Image.DecompressionBombError):
        return ItemError(f"{path} has more pixels than allowed", code="too_large")
    if isinstance(error, MemoryError):
        return ItemError(
            f"{path} needs more memory to decode than a worker may have; export it smaller, or allow workers more",
            code="memory",
        )
    if isinstance(error, UnidentifiedImageError) and not _looks_right(path):
        return ItemError(
            f"{path} is not a JPEG, PNG, TIFF or WebP picture, whatever its name says", code="not_an_image"
        )
    if any(sign in text for sign in _CUT_SHORT) or isinstance(error, EOFError):
        return ItemError(f"{path} is cut short; copy it from the card again", code="truncated")
    return ItemError(f"{path} is damaged and cannot be decoded: {text[:120]}", code="unreadable")


def _looks_right(path: str | Path) -> bool:
    with open(path, "rb") as file:
        return file.read(8).startswith(_MAGIC)


def _heif_is_safe() -> bool:
    """pillow-heif ≥ 1.3 on libheif ≥ 1.22: older ones have known holes (CVE-2026-28231 and others)."""
    try:
        import pillow_heif  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError:
        return False
    version = _version(importlib.metadata.version("pillow-heif"))
    library = _version(str(pillow_heif.libheif_info().get("libheif", "0")))
    if version < (1, 3) or library < (1, 22):
        return False
    pillow_heif.register_heif_opener()
    return True


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2] if part.isdigit())
