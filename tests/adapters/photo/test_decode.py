"""Whatever a file holds becomes small, upright, opaque sRGB pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from penstock.adapters.photo.colour import srgb, srgb_profile
from penstock.adapters.photo.decode import fit, fitted
from tests.adapters.photo.pictures import corners, jpeg, noise, quarters, save

UPRIGHT = ["red", "green", "blue", "white"]
_UNDO = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def stored_as(orientation: int) -> Image.Image:
    turn = _UNDO[orientation]
    return quarters() if turn is None else quarters().transpose(turn)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "MPO"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_of_every_format_comes_out_upright(tmp_path: Path, kind: str, orientation: int) -> None:
    path = tmp_path / "photo"
    picture = stored_as(orientation)
    tags = Image.Exif()
    tags[0x0112] = orientation
    more = {"save_all": True, "append_images": [picture]} if kind == "MPO" else {}
    picture.save(path, kind, exif=tags, **more)
    small = fitted(path, (120, 120))
    assert small.size == (120, 80)
    assert corners(small) == UPRIGHT


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "1", "I;16", "I;16B", "I", "F", "LAB", "YCbCr"])
def test_every_pixel_format_becomes_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "photo.tif"
    grey = np.asarray(quarters().convert("L"), dtype=np.float64)
    if mode == "LAB":
        lab, plain = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        change = ImageCms.buildTransform(plain, lab, "RGB", "LAB")
        picture: Image.Image = ImageCms.applyTransform(quarters(), change)  # type: ignore[assignment]
    elif mode.startswith("I;16"):
        picture = Image.fromarray((grey * 257).astype(">u2" if mode.endswith("B") else "<u2"))
    elif mode == "I":
        picture = Image.fromarray((grey * 257).astype(np.int32))
    elif mode == "F":
        picture = Image.fromarray((grey / 255).astype(np.float32))
    else:
        picture = quarters().convert(mode)
    picture.save(path)
    small = fitted(path, (240, 160))
    assert (small.mode, small.size, small.info) == ("RGB", (240, 160), {})
    shades = np.asarray(small.convert("L"), dtype=int)
    light, dark = shades[120:150, 150:220].mean(), shades[120:150, 20:90].mean()
    assert light > 225
    assert dark < 90


def test_sixteen_bit_png_keeps_its_greys(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(16, axis=0)
    Image.fromarray(ramp).save(tmp_path / "ramp.png")
    values = np.asarray(fitted(tmp_path / "ramp.png", (256, 256)).convert("L"))[8].astype(int)
    assert np.abs(values - np.arange(256)).max() <= 2


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_transparency_is_laid_over_white(tmp_path: Path, kind: str) -> None:
    Image.new("RGBA", (40, 40), (255, 0, 0, 0)).save(tmp_path / "clear", kind, lossless=True)
    assert fitted(tmp_path / "clear", (40, 40)).getpixel((20, 20)) == (255, 255, 255)


def test_a_palette_with_a_clear_colour_is_laid_over_white(tmp_path: Path) -> None:
    picture = Image.new("P", (40, 40), 0)
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.paste(1, (0, 0, 20, 40))
    picture.save(tmp_path / "p.png", transparency=0)
    small = fitted(tmp_path / "p.png", (40, 40))
    assert (small.getpixel((30, 20)), small.getpixel((5, 20))) == ((255, 255, 255), (0, 0, 255))


def test_the_first_page_of_a_tiff_is_the_picture(tmp_path: Path) -> None:
    quarters().save(tmp_path / "pages.tif", save_all=True, append_images=[Image.new("RGB", (30, 20))])
    assert corners(fitted(tmp_path / "pages.tif", (240, 240))) == UPRIGHT


def test_a_small_picture_is_never_enlarged(tmp_path: Path) -> None:
    assert fitted(save(tmp_path / "a.jpg", jpeg()), (1024, 1024)).size == (240, 160)


@pytest.mark.parametrize(
    ("size", "box", "expected"),
    [
        ((6000, 4000), (1024, 1024), (1024, 683)),
        ((4000, 6000), (1500, 1000), (667, 1000)),
        ((6000, 4000), (1500, 1000), (1500, 1000)),
        ((30000, 10), (1024, 1024), (1024, 1)),
        ((10, 10), (100, 100), (10, 10)),
    ],
)
def test_the_largest_size_that_fits_is_taken(
    size: tuple[int, int], box: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert fit(size, box) == expected


def test_a_large_jpeg_is_decoded_at_a_fraction_of_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "large.jpg", jpeg(noise(2400, 1600)))
    sizes = []
    resize = Image.Image.resize
    monkeypatch.setattr(Image.Image, "resize", lambda self, *a, **k: sizes.append(self.size) or resize(self, *a, **k))
    fitted(path, (400, 400))
    assert sizes == [(600, 400)]


def test_a_wide_gamut_profile_is_applied(tmp_path: Path) -> None:
    grey = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = bytearray(
        grey.replace(b"sRGB built-in", b"Wide built-in").replace(
            "sRGB built-in".encode("utf-16-be"), "Wide built-in".encode("utf-16-be")
        )
    )
    red, blue = swapped.index(b"rXYZ"), swapped.index(b"bXYZ")  # swap two primaries: red becomes blue
    first, second = bytes(swapped[red + 4 : red + 12]), bytes(swapped[blue + 4 : blue + 12])
    swapped[red + 4 : red + 12], swapped[blue + 4 : blue + 12] = second, first
    path = tmp_path / "wide.jpg"
    quarters().save(path, quality=95, icc_profile=bytes(swapped))
    assert corners(fitted(path, (240, 240))) == ["blue", "green", "red", "white"]


@pytest.mark.parametrize("profile", [b"", b"rubbish" * 40, b"\0" * 5_000_000, srgb_profile()])
def test_a_damaged_or_needless_profile_changes_nothing(profile: bytes) -> None:
    assert corners(srgb(quarters(), profile)) == UPRIGHT


def test_a_profile_of_another_colour_space_is_ignored() -> None:
    assert corners(srgb(quarters().convert("CMYK"), srgb_profile())) == UPRIGHT
