"""Pictures for the tests: small, made on the spot, and as odd as cameras and attackers make them."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 180, 40), (30, 40, 220), (240, 240, 240)
CORNERS = [RED, GREEN, BLUE, WHITE]  # upper left, upper right, lower left, lower right
ASCII, SHORT, LONG, RATIONAL, UNDEFINED, SRATIONAL = 2, 3, 4, 5, 7, 10
_SIZES = {ASCII: 1, SHORT: 2, LONG: 4, RATIONAL: 8, UNDEFINED: 1, SRATIONAL: 8}

Entries = dict[int, tuple[int, Any]]


def quarters(width: int = 240, height: int = 160) -> Image.Image:
    """Four colours, so that every turn and mirroring shows."""
    picture = Image.new("RGB", (width, height))
    half = (width // 2, height // 2)
    for index, colour in enumerate(CORNERS):
        picture.paste(
            colour,
            ((index % 2) * half[0], (index // 2) * half[1], width, height)
            if index == 3
            else (
                (index % 2) * half[0],
                (index // 2) * half[1],
                (index % 2 + 1) * half[0],
                (index // 2 + 1) * half[1],
            ),
        )
    return picture


def corners(picture: Image.Image) -> list[str]:
    """The colour names found in the four corners, read like a page."""
    names = dict(zip(("red", "green", "blue", "white"), CORNERS, strict=True))
    rgb = picture.convert("RGB")
    width, height = rgb.size
    spots = [(x, y) for y in (height // 6, height * 5 // 6) for x in (width // 6, width * 5 // 6)]
    pixels = [rgb.getpixel(spot) for spot in spots]
    return [min(names, key=lambda name: _apart(pixel, names[name])) for pixel in pixels]


def noise(width: int, height: int, seed: int = 1) -> Image.Image:
    """A picture with detail everywhere: soft blobs and grain."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 255, (height // 16 + 2, width // 16 + 2, 3), dtype=np.uint8)
    large = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC), np.int16)
    grainy = large + random.integers(-20, 20, large.shape)
    return Image.fromarray(np.clip(grainy, 0, 255).astype(np.uint8))


def jpeg(picture: Image.Image | None = None, exif: bytes = b"", **options: Any) -> bytes:
    """A JPEG's bytes."""
    out = io.BytesIO()
    (picture or quarters()).save(out, "JPEG", quality=90, exif=exif, **options)
    return out.getvalue()


def save(path: Path, data: bytes) -> Path:
    """Write and hand back the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def exif_block(
    base: Entries | None = None, exif: Entries | None = None, gps: Entries | None = None, endian: str = "<"
) -> bytes:
    """An EXIF block byte by byte as given: nothing is reduced, checked or repaired."""
    base = dict(base or {})
    after = 8 + _length(base | {tag: (LONG, 0) for tag, part in ((0x8769, exif), (0x8825, gps)) if part})
    blocks = b""
    for tag, part in ((0x8769, exif), (0x8825, gps)):
        if part:
            base[tag] = (LONG, after + len(blocks))
            blocks += _directory(part, after + len(blocks), endian)
    order = b"II" if endian == "<" else b"MM"
    head = order + struct.pack(endian + "HL", 42, 8)
    return b"Exif\0\0" + head + _directory(base, 8, endian) + blocks


def oriented(value: int) -> bytes:
    """An EXIF block with nothing but the orientation."""
    return exif_block({0x0112: (SHORT, value)})


def _apart(one: Any, other: Any) -> int:
    return sum(abs(a - b) for a, b in zip(one, other, strict=True))


def _length(entries: Entries) -> int:
    return len(_directory(entries, 0, "<"))


def _directory(entries: Entries, start: int, endian: str) -> bytes:
    rows, data = b"", b""
    room = start + 2 + 12 * len(entries) + 4
    for tag, (kind, value) in sorted(entries.items()):
        raw = _value(kind, value, endian)
        count = len(raw) // _SIZES[kind]
        if len(raw) <= 4:
            rows += struct.pack(endian + "HHL", tag, kind, count) + raw.ljust(4, b"\0")
        else:
            rows += struct.pack(endian + "HHLL", tag, kind, count, room + len(data))
            data += raw + b"\0" * (len(raw) % 2)
    return struct.pack(endian + "H", len(entries)) + rows + struct.pack(endian + "L", 0) + data


def _value(kind: int, value: Any, endian: str) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode() + b"\0"
    many = value if isinstance(value, list) else [value]
    if kind in {RATIONAL, SRATIONAL}:
        code = "2L" if kind == RATIONAL else "2l"
        return b"".join(struct.pack(endian + code, *one) for one in many)
    return b"".join(struct.pack(endian + ("H" if kind == SHORT else "L"), one) for one in many)
