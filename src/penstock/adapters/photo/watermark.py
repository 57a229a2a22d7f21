"""What a site writes or pastes on its published pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypedDict, get_args

from PIL import Image, ImageDraw, ImageFont

from penstock.adapters.files import sha256_of
from penstock.adapters.photo import exif
from penstock.adapters.photo.headers import check, opened
from penstock.engine.errors import ItemError

Position = Literal["bottom-right", "bottom-left", "top-right", "top-left", "center"]
POSITIONS: tuple[str, ...] = get_args(Position)
_SIDE, _EDGE, _TEXT_SHARE, _GAP = 20, 10, 0.03, 0.4  # pixels, pixels, of the height, of a line
_DARK = (48, 48, 48, 255)
_MAX_PIXELS = 50_000_000


class Mark(TypedDict):
    """`text` has up to two lines; `image` (path of a PNG or WebP with transparency, "" = none) takes its place.

    `sha256` is what the image was when the picture was approved; `opacity` and `width` are percent, `width` of the
    picture's and for an image only."""

    text: str
    image: str
    sha256: str
    position: str
    opacity: int
    width: int


def draw(picture: Image.Image, mark: Mark) -> None:
    """Put the mark on the picture. Raises ItemError `watermark` when its image is missing or another than approved."""
    block = _pasted(picture, mark) if mark["image"] else _written(picture, mark)
    if block is None:
        return
    block.thumbnail((max(1, picture.width), max(1, picture.height)))
    alpha = block.getchannel("A").point(lambda value: value * mark["opacity"] // 100)
    picture.paste(block.convert("RGB"), _corner(picture.size, block.size, mark["position"]), alpha)


def _pasted(picture: Image.Image, mark: Mark) -> Image.Image:
    path = Path(mark["image"])
    if not path.is_file() or sha256_of(path) != mark["sha256"]:
        raise ItemError(f"the watermark {path} is not the file that was approved; approve again", code="watermark")
    with opened(path, max_pixels=_MAX_PIXELS) as image:
        check(image, path, max_pixels=_MAX_PIXELS)
        block = image.convert("RGBA")
    width = max(1, picture.width * mark["width"] // 100)
    height = max(1, round(block.height * width / block.width))
    return block.resize((width, height), Image.Resampling.LANCZOS)


def _written(picture: Image.Image, mark: Mark) -> Image.Image | None:
    """The text in white with a thin dark edge, 3 % of the height each line."""
    lines = [line for line in (exif.text(line) for line in mark["text"].splitlines()) if line][:2]
    if not lines:
        return None
    size = max(8, round(picture.height * _TEXT_SHARE))
    font = ImageFont.load_default(size)
    edge, step = max(1, size // 16), round(size * (1 + _GAP))
    width = max(round(font.getlength(line)) for line in lines) + 2 * edge
    block = Image.new("RGBA", (max(1, width), step * len(lines) + 2 * edge), (255, 255, 255, 0))
    pen = ImageDraw.Draw(block)
    side, anchor = _aligned(mark["position"], width, edge)
    for number, line in enumerate(lines):
        place = (side, edge + step * number + size)
        pen.text(place, line, font=font, anchor=anchor, fill="white", stroke_width=edge, stroke_fill=_DARK)
    return block.crop(block.getbbox() or (0, 0, 1, 1))


def _aligned(position: str, width: int, edge: int) -> tuple[int, str]:
    if position.endswith("right"):
        return width - edge, "rs"
    return (edge, "ls") if position.endswith("left") else (width // 2, "ms")


def _corner(picture: tuple[int, int], block: tuple[int, int], position: str) -> tuple[int, int]:
    """Where the block's upper left corner lies."""
    free = picture[0] - block[0], picture[1] - block[1]
    if position == "center":
        return free[0] // 2, free[1] // 2
    left = min(_SIDE, free[0]) if position.endswith("left") else max(0, free[0] - _SIDE)
    top = min(_EDGE, free[1]) if position.startswith("top") else max(0, free[1] - _EDGE)
    return left, top
