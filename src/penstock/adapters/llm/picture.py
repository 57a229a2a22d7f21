"""A picture file as the bytes that are sent: read, never decoded."""

from __future__ import annotations

import asyncio
from pathlib import Path

from penstock.engine.errors import ItemError

MOST_BYTES = 32 << 20
_MAGIC = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"), (b"GIF8", "image/gif"))


async def read_picture(path: str) -> bytes:
    """The bytes of the file. Raises ItemError when it is unreadable, empty or larger than MOST_BYTES."""
    return await asyncio.to_thread(_read, Path(path))


def media_type(data: bytes) -> str:
    """What the first bytes say the picture is; JPEG when they say nothing."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _MAGIC if data.startswith(magic)), "image/jpeg")


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ItemError(f"The picture {path.name} cannot be read ({error.strerror}).", code="image_missing") from error
    if not data or len(data) > MOST_BYTES:
        size = f"larger than {MOST_BYTES >> 20} MiB" if data else "empty"
        raise ItemError(f"The picture {path.name} is {size}.", code="image_size")
    return data
