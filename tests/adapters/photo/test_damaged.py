"""Damaged and hostile files fail by name and never take anything with them."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest
from PIL import Image, ImageFile

from penstock.adapters.photo import child
from penstock.adapters.photo.working import make_working
from penstock.engine.errors import ItemError
from tests.adapters.photo.pictures import jpeg, noise, quarters, save

NAMED = {"unreadable", "not_an_image", "truncated", "too_large", "memory", "empty"}


def encoded(kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    noise(320, 200).save(out, kind, **options)
    return out.getvalue()


FILES = {
    "JPEG": encoded("JPEG"),
    "progressive": encoded("JPEG", progressive=True),
    "PNG": encoded("PNG"),
    "TIFF": encoded("TIFF"),
    "TIFF-lzw": encoded("TIFF", compression="tiff_lzw"),
    "TIFF-jpeg": encoded("TIFF", compression="jpeg"),
    "WEBP": encoded("WEBP"),
}


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("part", range(16))
def test_a_file_cut_at_any_sixteenth_is_an_error_and_leaves_no_copy(tmp_path: Path, kind: str, part: int) -> None:
    whole = FILES[kind]
    path = save(tmp_path / "cut.jpg", whole[: len(whole) * part // 16])
    with pytest.raises(ItemError) as caught:
        make_working(path, tmp_path / "out" / "w.jpg")
    assert caught.value.code in NAMED
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("part", range(4, 16))
def test_a_jpeg_cut_in_its_pixels_is_called_cut_short(tmp_path: Path, part: int) -> None:
    whole = FILES["JPEG"]
    with pytest.raises(ItemError, match="cut short") as caught:
        make_working(save(tmp_path / "cut.jpg", whole[: len(whole) * part // 16]), tmp_path / "w.jpg")
    assert caught.value.code == "truncated"
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


@pytest.mark.parametrize("kind", FILES)
def test_flipped_bytes_give_a_picture_or_a_named_error(tmp_path: Path, kind: str) -> None:
    for seed in range(40):
        dice = random.Random(f"{kind}{seed}")
        data = bytearray(FILES[kind])
        for _ in range(dice.randint(1, 12)):
            data[dice.randrange(0, min(len(data), 700) if seed % 2 else len(data))] = dice.randrange(256)
        path = save(tmp_path / "flipped.jpg", bytes(data))
        try:
            done = make_working(path, tmp_path / "w.jpg", 64)
        except ItemError as error:
            outcome = error.code
        else:
            outcome = "made" if max(done["width"], done["height"]) <= 64 else "too big a copy"
        assert outcome in NAMED | {"made"}


def test_every_stage_names_a_zero_length_file(tmp_path: Path) -> None:
    empty = str(save(tmp_path / "empty.jpg", b""))
    item = {
        "id": 1,
        "staged_path": empty,
        "working_path": empty,
        "ollama_path": "x",
        "work_dir": str(tmp_path),
    }
    item |= {"source_path": empty, "full_path": "f", "thumb_path": "t"}
    codes = {}
    for stage in ("read_exif", "score", "resize_for_model", "render"):
        with pytest.raises(ItemError) as caught:
            child.run(stage, item, lambda text: None)
        codes[stage] = caught.value.code
    assert codes == {"read_exif": "empty", "score": "scoring", "resize_for_model": "empty", "render": "empty"}


@pytest.mark.parametrize("tail", [b"<?php system($_GET['c']); ?>", b"<script>alert(1)</script>", b"PK\x03\x04zip" * 9])
def test_a_polyglot_is_encoded_anew_without_its_other_half(tmp_path: Path, tail: bytes) -> None:
    hidden = jpeg(quarters(), comment=tail) + tail
    make_working(save(tmp_path / "poly.php.jpg", hidden), tmp_path / "w.jpg")
    clean = (tmp_path / "w.jpg").read_bytes()
    assert tail not in clean
    assert clean.endswith(b"\xff\xd9")
    with Image.open(tmp_path / "w.jpg") as picture:
        assert set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
