"""What the child of the image stage does: a plain drawing with the words it stands for. No Django here.

The offline pictures are placeholders: they say so, carry no photo of anything, and are the same for the same words."""

from __future__ import annotations

import colorsys
import textwrap
from functools import lru_cache
from typing import Any
from zlib import crc32

from PIL import Image, ImageDraw, ImageFont

from penstock.adapters.photo.working import write_jpeg
from penstock.engine.errors import ItemError
from penstock.engine.outcome import Done, File, Outcome
from penstock.engine.pipeline import Item, Progress

MADE = {"provider": "offline", "model": "drawing", "prompt_version": "drawing-1"}
LABEL = "Sample picture"


def run(stage: str, item: Item, progress: Progress) -> Outcome:
    """Draw one picture into the batch's folder. Raises ItemError for another stage, Blocking when the disk refuses."""
    if stage != "image_prompts_to_images":
        raise ItemError(f"the drawing child knows no stage {stage!r}", code="stage")
    width, height = item["size"]
    picture = drawn(item["text"] or item["title"], width, height)
    progress("drawn")
    stored = write_jpeg(picture, item["work_path"], 85)
    file = File(item["work_path"], item["path"], stored["sha256"], stored["size"])
    fields = {
        "path": item["path"],
        "sha256": stored["sha256"],
        "size": stored["size"],
        "width": width,
        "height": height,
    }
    return Done({**fields, **MADE}, files=(file,), counts={"images_processed": 1, "images_generated": 1})


def drawn(text: str, width: int, height: int) -> Image.Image:
    """Bands of a colour that the words decide, and the words."""
    hue = crc32(text.encode()) % 360 / 360
    picture = Image.new("RGB", (width, height), _colour(hue, 0.28))
    draw = ImageDraw.Draw(picture)
    for band in range(6):
        top = height * (band + 1) / 8 + (crc32(f"{band}{text}".encode()) % 40) * height / 675
        points = [(0, top), (width, top - height / (4 + band % 3)), (width, height), (0, height)]
        draw.polygon(points, fill=_colour(hue, 0.32 + 0.05 * band))
    _written(draw, text, width, height)
    return picture


def _written(draw: Any, text: str, width: int, height: int) -> None:
    size, margin = max(12, height // 14), width // 20
    lines = textwrap.wrap(text, max(8, int(width * 1.7 / size)))[:5]
    draw.multiline_text((margin, margin), "\n".join(lines), font=_font(size), fill=(255, 255, 255), spacing=size // 3)
    small = _font(max(10, height // 32))
    draw.text((margin, height - margin), LABEL, font=small, fill=(255, 255, 255), anchor="ls")


def _colour(hue: float, light: float) -> tuple[int, int, int]:
    red, green, blue = colorsys.hls_to_rgb(hue, light, 0.35)
    return round(red * 255), round(green * 255), round(blue * 255)


@lru_cache
def _font(size: int) -> Any:
    """Pillow's own font: the same on every machine."""
    return ImageFont.load_default(size)
