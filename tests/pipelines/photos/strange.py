"""A card as photographers, phones, file systems and attackers fill it: about 120 files of real formats."""

from __future__ import annotations

import io
import os
import struct
import unicodedata
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from penstock.adapters.photo.colour import srgb_profile
from tests.adapters.photo.pictures import ASCII, UNDEFINED, exif_block, jpeg, noise, oriented
from tests.adapters.photo.test_exif import CANON, CORPUS
from tests.adapters.photo.test_headers import png_bomb, webp_bomb

FINE = ""
DAMAGED = ("truncated", "unreadable", "not_an_image")
_seeds = iter(range(1, 10_000))


def fill(folder: Path) -> dict[str, tuple[str, ...]]:
    """Write the files; answers name → the codes of which one must be its end, none for a file that is fine."""
    folder.mkdir(parents=True)
    wanted: dict[str, tuple[str, ...]] = {}
    for name, data in (*_cameras(), *_formats(), *_names()):
        (folder / name).write_bytes(data)
        wanted[name] = ()
    for name, data, codes in _damaged():
        (folder / name).write_bytes(data)
        wanted[name] = codes
    return wanted | _no_files(folder)


def picture() -> Image.Image:
    """Small, full of detail, and like no other of this session."""
    return noise(96, 64, next(_seeds))


def _saved(kind: str, image: Image.Image | None = None, **options: Any) -> bytes:
    out = io.BytesIO()
    (image or picture()).save(out, kind, **options)
    return out.getvalue()


def _cameras() -> Iterator[tuple[str, bytes]]:
    """Makers' ways of writing EXIF, and every orientation."""
    for name, block in CORPUS.items():
        yield f"camera-{name}.jpg", jpeg(picture(), block)
    for value in range(1, 9):
        yield f"turned-{value}.jpg", jpeg(picture(), oriented(value))
    base, shot, place = CANON
    notes = {**shot, 0x927C: (UNDEFINED, b"m" * 60_000)}
    yield "huge-exif.jpg", jpeg(picture(), exif_block(base, notes, place))
    yield (
        "hostile-exif.jpg",
        jpeg(picture(), exif_block({0x010F: (ASCII, "\u202eGPJ\x1b[31m"), 0x0110: (ASCII, "<b>x")})),
    )
    yield (
        "self-pointing-exif.jpg",
        jpeg(picture(), b"Exif\0\0II*\0\x08\0\0\0" + b"\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0"),
    )


def _formats() -> Iterator[tuple[str, bytes]]:
    """What cameras, scanners and programs save."""
    tags = Image.Exif()
    tags[0x010F], tags[0x0110], tags[0x0112] = "Canon", "Canon EOS R5", 6
    deep = np.random.default_rng(next(_seeds)).integers(0, 65535, (64, 96), dtype=np.uint16)
    yield "progressive.jpg", jpeg(picture(), progressive=True)
    yield "grey.jpg", jpeg(picture().convert("L"))
    yield "cmyk.jpg", jpeg(picture().convert("CMYK"))
    yield "profile.jpg", jpeg(picture(), icc_profile=srgb_profile())
    yield "bad-profile.jpg", jpeg(picture(), icc_profile=b"no profile" * 50)
    yield "mpo.jpg", _saved("MPO", save_all=True, append_images=[picture()])
    yield "wrong-suffix.png", jpeg(picture())
    yield "upper.JPEG", jpeg(picture())
    yield "comment.jpg", jpeg(picture(), comment=b"<?php system($_GET[0]); ?>" * 20)
    yield "one-pixel.png", _saved("PNG", Image.new("RGB", (1, 1), (9, 99, 199)))
    yield "thin.png", _saved("PNG", noise(700, 3, next(_seeds)))
    for mode in ("P", "LA", "RGBA", "1", "L"):
        yield f"mode-{mode}.png", _saved("PNG", picture().convert(mode))
    yield "sixteen.png", _saved("PNG", Image.fromarray(deep))
    yield "sixteen.tif", _saved("TIFF", Image.fromarray(deep[::-1].copy()))
    yield "plain.tiff", _saved("TIFF", exif=tags)
    yield "deflated.tif", _saved("TIFF", compression="tiff_deflate")
    yield "pages.tif", _saved("TIFF", save_all=True, append_images=[picture(), picture()])
    yield "cmyk.tif", _saved("TIFF", picture().convert("CMYK"))
    yield "lossy.webp", _saved("WEBP", exif=tags.tobytes())
    yield "lossless.webp", _saved("WEBP", picture().convert("RGBA"), lossless=True)
    yield "exif.png", _saved("PNG", exif=tags)
    yield "web-page-behind.jpg", jpeg(picture()) + b"<html><script>alert(1)</script></html>"
    yield "archive-behind.jpg", jpeg(picture()) + b"PK\x03\x04" + b"\0" * 300


def _names() -> Iterator[tuple[str, bytes]]:
    """Names as every system allows and none should."""
    cafe = "caf\u00e9 \u00fc.jpg"
    names = (
        unicodedata.normalize("NFC", cafe), unicodedata.normalize("NFD", cafe), "\U0001f4f7 sunset \U0001f305.jpg",
        "\u202egpj.txt\u202c.jpg", "\u05d0\u05d1 \u0634.jpg", "two\nlines.jpg", "tab\there.jpg", "-rf.jpg",
        "--help.jpg",
        "CON.jpg", "nul.png.jpg", "a.jpg.png.jpg", "shell.php.jpg", "%2e%2e%2f.jpg", "'; DROP TABLE x; --.jpg",
        "back\\slash.jpg", "colon:star*?.jpg", " leading and trailing .jpg", "two dots..jpg", "$(id)`id`.jpg",
        "b" * 246 + ".jpg", "\u00e9" * 123 + ".jpg", "\u7530" * 82 + ".jpg",
    )  # fmt: skip
    for name in names:
        if os.name == "posix" or name.isascii():
            yield name, jpeg(picture())


def _damaged() -> Iterator[tuple[str, bytes, tuple[str, ...]]]:
    """Each with the codes that may name it."""
    whole = jpeg(noise(400, 300, next(_seeds)), exif_block(*CANON))
    for part in (2, 3, 12, 60, 200, 400, 620, len(whole) // 3, len(whole) // 2, len(whole) * 9 // 10):
        yield f"cut-{part:06}.jpg", whole[:part], DAMAGED
    for kind in ("PNG", "TIFF", "WEBP"):
        data = _saved(kind, noise(300, 200, next(_seeds)))
        yield f"cut.{kind.lower()[:4]}", data[: len(data) // 2], DAMAGED
    yield "nothing.jpg", b"", ("empty",)
    yield "text.jpg", "Für Elise\n".encode() * 50, ("not_an_image",)
    yield "page.jpg", b"<!doctype html><img src=x>" * 9, ("not_an_image",)
    yield "drawing.png", b'<svg xmlns="http://www.w3.org/2000/svg"/>', ("not_an_image",)
    yield "document.jpg", b"%PDF-1.7\n" + b"x" * 500, ("not_an_image",)
    yield "program.jpg", b"\x7fELF" + b"\0" * 500, ("not_an_image",)
    yield "archive.jpg", b"PK\x03\x04" + jpeg(picture()), ("not_an_image",)
    yield "animation.jpg", _saved("GIF", save_all=True, append_images=[picture()]), ("not_an_image",)
    yield "animation.webp", _saved("WEBP", save_all=True, append_images=[picture(), picture()]), ("not_an_image",)
    yield "book.tif", _saved("TIFF", save_all=True, append_images=[Image.new("L", (8, 8))] * 40), ("not_an_image",)
    yield "bomb.png", png_bomb(60_000, 60_000), ("too_large",)
    yield "small-bomb.png", _flat_png(13_000, 13_000), ("too_large",)
    yield "bomb.webp", webp_bomb(), ("too_large", "unreadable")
    yield "zeros.jpg", b"\0" * 4096, ("not_an_image",)


def _flat_png(width: int, height: int) -> bytes:
    """A real PNG of one colour: 20 kB that become half a gigabyte."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data))

    packer = zlib.compressobj(1)
    rows = b"".join(packer.compress(bytes(width // 8 + 2)) for _ in range(height)) + packer.flush()
    head = struct.pack(">LLBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def _no_files(folder: Path) -> dict[str, tuple[str, ...]]:
    """Links, pipes and folders that look like pictures, and a file that may not be read."""
    if os.name != "posix":
        return {}
    elsewhere = folder.parent / "elsewhere.jpg"
    elsewhere.write_bytes(jpeg(picture()))
    (folder / "link.jpg").symlink_to(elsewhere)
    (folder / "link-to-nowhere.jpg").symlink_to(folder / "gone.jpg")
    (folder / "link-to-itself.jpg").symlink_to(folder / "link-to-itself.jpg")
    (folder / "link-to-zero.jpg").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.jpg")
    wanted = {"link.jpg": (), "link-to-nowhere.jpg": ("missing",), "link-to-itself.jpg": ("unreadable",)}
    wanted |= {"link-to-zero.jpg": ("unreadable",), "pipe.jpg": ("unreadable",)}
    if os.geteuid() != 0:
        (folder / "locked.jpg").write_bytes(jpeg(picture()))
        (folder / "locked.jpg").chmod(0)
        wanted["locked.jpg"] = ("unreadable",)
    (folder / "folder.jpg").mkdir()
    (folder / "folder.jpg" / "inside.jpg").write_bytes(jpeg(picture()))
    return wanted
