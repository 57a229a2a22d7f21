"""Only pictures pass the header check, and bombs are refused before anything is decoded."""

from __future__ import annotations

import io
import struct
import sys
import types
import zlib
from pathlib import Path

import pytest
from PIL import Image

from penstock.adapters.photo import headers
from penstock.engine.errors import ItemError
from tests.adapters.photo.pictures import jpeg, quarters, save


def png_bomb(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes that claims this many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data))

    header = struct.pack(">LLBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")
    )


def webp_bomb() -> bytes:
    """An extended WebP header that claims 16384×16384 pixels."""
    body = b"WEBPVP8X" + struct.pack("<L", 10) + b"\0" * 4 + (16383).to_bytes(3, "little") * 2
    return b"RIFF" + struct.pack("<L", len(body)) + body


def refused(path: Path, **options: int) -> str:
    with pytest.raises(ItemError) as caught:
        headers.inspect(path, **options)
    assert "\n" not in str(caught.value)
    return caught.value.code


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_each_format_is_recognised_whatever_its_name(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "photo.xyz"
    quarters().save(path, kind)
    assert headers.inspect(path) == {
        "format": kind,
        "width": 240,
        "height": 160,
        "frames": 1,
        "size": path.stat().st_size,
    }


def test_a_cameras_multi_picture_file_counts_as_jpeg(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    quarters().save(path, "MPO", save_all=True, append_images=[quarters(120, 80)])
    found = headers.inspect(path)
    assert (found["format"], found["frames"], found["width"]) == ("JPEG", 1, 240)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("text", b"just words\n" * 40),
        ("php", b"<?php system('id'); ?>"),
        ("svg", b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"),
        ("eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n"),
        ("pdf", b"%PDF-1.7\n1 0 obj<<>>endobj\n"),
        ("gif", b"GIF89a\x01\0\x01\0\0\0\0;"),
        ("zip", b"PK\x03\x04" + b"\0" * 100),
    ],
)
def test_what_is_no_photo_is_refused_under_a_photos_name(tmp_path: Path, name: str, data: bytes) -> None:
    assert refused(save(tmp_path / f"{name}.jpg", data)) == "not_an_image"


def test_missing_empty_and_odd_files_are_told_apart(tmp_path: Path) -> None:
    assert refused(tmp_path / "gone.jpg") == "missing"
    assert refused(save(tmp_path / "empty.jpg", b"")) == "empty"
    assert refused(tmp_path) == "unreadable"
    assert refused(Path("a\0b")) == "unreadable"


def test_a_picture_that_stops_in_its_header_is_damaged_not_foreign(tmp_path: Path) -> None:
    assert refused(save(tmp_path / "cut.jpg", jpeg()[:40])) in {"truncated", "unreadable"}


@pytest.mark.parametrize("side", [20_000, 60_000, 2_000_000])
def test_a_png_bomb_is_refused_by_its_header(tmp_path: Path, side: int) -> None:
    assert refused(save(tmp_path / "bomb.png", png_bomb(side, side))) == "too_large"


def test_a_webp_bomb_is_refused_before_its_canvas_is_made(tmp_path: Path) -> None:
    assert refused(save(tmp_path / "bomb.webp", webp_bomb()), max_pixels=100_000_000) == "too_large"


def test_the_cap_is_exact_and_lower_for_files_that_must_be_decoded_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = save(tmp_path / "a.jpg", jpeg(quarters(240, 160)))
    assert headers.inspect(photo, max_pixels=240 * 160)["width"] == 240
    assert refused(photo, max_pixels=240 * 160 - 1) == "too_large"
    monkeypatch.setattr(headers, "MAX_PIXELS_WHOLE", dict.fromkeys(headers.MAX_PIXELS_WHOLE, 1000))
    assert headers.inspect(photo)["width"] == 240
    assert refused(save(tmp_path / "p.jpg", jpeg(progressive=True))) == "too_large"
    quarters().save(tmp_path / "a.png")
    assert refused(tmp_path / "a.png") == "too_large"


def test_the_decoders_own_limit_is_put_back(tmp_path: Path) -> None:
    before = Image.MAX_IMAGE_PIXELS
    headers.inspect(save(tmp_path / "a.jpg", jpeg()))
    refused(tmp_path / "gone.jpg")
    assert before == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_animations_are_no_photos(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "moving"
    quarters().save(path, kind, save_all=True, append_images=[quarters().rotate(90)] * 3)
    assert refused(path) == "not_an_image"


def test_a_tiff_may_have_a_few_pages_but_no_book(tmp_path: Path) -> None:
    pages = [Image.new("RGB", (8, 8))] * 40
    pages[0].save(tmp_path / "few.tif", save_all=True, append_images=pages[:2])
    pages[0].save(tmp_path / "book.tif", save_all=True, append_images=pages)
    assert headers.inspect(tmp_path / "few.tif")["frames"] == 3
    assert refused(tmp_path / "book.tif") == "not_an_image"


def test_a_decoder_that_runs_out_of_memory_blames_the_picture(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", jpeg())
    with pytest.raises(ItemError) as caught, headers.opened(path):
        raise MemoryError
    assert caught.value.code == "memory"


@pytest.mark.parametrize(
    ("package", "library", "taken"),
    [("1.3.0", "1.22.1", True), ("1.2.9", "1.22.0", False), ("1.4", "1.21.9", False)],
)
def test_heif_is_tried_only_with_safe_libraries(
    monkeypatch: pytest.MonkeyPatch, package: str, library: str, taken: bool
) -> None:
    module = types.ModuleType("pillow_heif")
    module.libheif_info = lambda: {"libheif": library}  # type: ignore[attr-defined]
    module.register_heif_opener = lambda: None  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pillow_heif", module)
    monkeypatch.setattr(headers.importlib.metadata, "version", lambda name: package)
    headers.formats.cache_clear()
    try:
        assert ("HEIF" in headers.formats()) is taken
    finally:
        headers.formats.cache_clear()


def test_a_compressed_text_chunk_cannot_fill_memory(tmp_path: Path) -> None:
    from PIL import PngImagePlugin

    info = PngImagePlugin.PngInfo()
    info.add_text("a", "x" * 90_000_000, zip=True)
    out = io.BytesIO()
    Image.new("L", (4, 4)).save(out, "PNG", pnginfo=info)
    assert out.tell() < 200_000
    assert refused(save(tmp_path / "text.png", out.getvalue())) in {"unreadable", "truncated"}
