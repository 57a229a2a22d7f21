"""A picture file as small, upright, opaque sRGB pixels: one decode, at the smallest scale that is enough."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from penstock.adapters.photo import exif
from penstock.adapters.photo.colour import eight_bit, srgb
from penstock.adapters.photo.headers import MAX_PIXELS, check, opened

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def fitted(path: str | Path, box: tuple[int, int], *, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """The picture upright in mode RGB, as large as fits into `box` (width, height), never enlarged.

    Raises ItemError as `headers.inspect` does, `truncated` for a file that ends too early.
    """
    return read(path, box, max_pixels=max_pixels)[0]


def read(path: str | Path, box: tuple[int, int], *, max_pixels: int = MAX_PIXELS) -> tuple[Image.Image, exif.Exif]:
    """`fitted`, and the facts of the same file, which is opened once."""
    with opened(path, max_pixels=max_pixels) as image:
        check(image, path, max_pixels=max_pixels)
        facts = exif.from_image(image)
        turned = (facts["Width"], facts["Height"]) != image.size
        upright = fit((facts["Width"], facts["Height"]), box)
        small = _small(image, upright[::-1] if turned else upright)
        turn = None if image.format in {"TIFF", "HEIF"} else _TURNS.get(facts["orientation"])
        return (small.transpose(turn) if turn is not None else small), facts


def fit(size: tuple[int, int], box: tuple[int, int]) -> tuple[int, int]:
    """The largest size of the same shape as `size` within `box`, not larger than `size`, at least 1×1."""
    scale = min(box[0] / size[0], box[1] / size[1], 1.0)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _small(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Decode once and scale. The exact target lets the JPEG decoder skip most of the work."""
    profile = image.info.get("icc_profile")
    image.draft("RGB", size)
    image.load()
    picture = eight_bit(image)
    if picture.size != size:
        picture = picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    small = srgb(picture, profile if isinstance(profile, bytes) else None)
    if small is image:
        small = image.copy()
    small.info = {}
    return small
