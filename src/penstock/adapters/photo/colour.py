"""From what a file holds to plain sRGB: odd pixel formats, transparency and colour profiles."""

from __future__ import annotations

import io
from functools import cache, lru_cache

from PIL import Image, ImageCms

MAX_PROFILE = 4_000_000  # bytes; a larger one is no camera's
_SPACES = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK", "LAB": "Lab"}
_FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION


def eight_bit(image: Image.Image) -> Image.Image:
    """The picture with 8 bits per channel, in mode RGB, L, CMYK, LAB, RGBA or LA."""
    if image.mode in {"RGB", "L", "CMYK", "LAB", "RGBA", "LA"}:
        return image
    if image.mode.startswith("I") or image.mode == "F":
        return _from_deep(image)
    if image.mode in {"P", "PA", "RGBa", "La"}:
        seen_through = image.mode != "P" or "transparency" in image.info
        return image.convert("RGBA" if seen_through else "RGB")
    return image.convert("L" if image.mode == "1" else "RGB")


def srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture as opaque sRGB: transparency over white, `profile` (ICC bytes) applied when it is sound."""
    if image.mode in {"RGBA", "LA"}:
        alpha = image.getchannel("A")
        flat = srgb(image.convert(image.mode[:-1]), profile)
        return Image.composite(flat, Image.new("RGB", flat.size, "white"), alpha)
    transform = _transform(profile, image.mode) if profile and len(profile) <= MAX_PROFILE else None
    if transform is not None:
        return transform.apply(image)
    if image.mode == "LAB":
        plain = _built(ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")), "LAB")
        return plain.apply(image)
    return image if image.mode == "RGB" else image.convert("RGB")


@cache
def srgb_profile() -> bytes:
    """The sRGB profile to embed. Its date is fixed, so that the same picture gives the same bytes."""
    made = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    made[24:36] = bytes((7, 234, 0, 1, 0, 1)) + bytes(6)  # 2026-01-01 00:00:00, six big-endian numbers
    return bytes(made)


def _from_deep(image: Image.Image) -> Image.Image:
    """16-bit grey by its upper byte; 32-bit and float grey by their own range."""
    deep = image if image.mode == "F" else image.convert("I")
    low, high = (float(value) for value in deep.getextrema() if not isinstance(value, tuple))
    if image.mode.startswith("I;16") or (image.mode == "I" and low >= 0 and 255 < high <= 65535):
        low, high = 0.0, 65535.0
    scale = 255 / ((high - low) or 1)
    return deep.point(lambda value: value * scale - low * scale).convert("L")


@lru_cache(maxsize=32)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The way from `profile` to sRGB; None when it is sRGB already, unsound or of another colour space."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() != _SPACES.get(mode):
            return None
        if mode == "RGB" and (source.profile.profile_description or "").strip().startswith("sRGB"):
            return None
        return _built(source, mode)
    except (OSError, ValueError, TypeError, ImageCms.PyCMSError):
        return None  # a damaged profile is worth less than the picture


def _built(source: ImageCms.ImageCmsProfile, mode: str) -> ImageCms.ImageCmsTransform:
    target = ImageCms.createProfile("sRGB")
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    return ImageCms.buildTransform(source, target, mode, "RGB", intent, _FLAGS)
