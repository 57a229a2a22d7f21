"""What is published is encoded anew, upright, sRGB, and carries only what is on the list."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from penstock.adapters.photo import exif
from penstock.adapters.photo.render import publish_pair
from penstock.adapters.photo.watermark import Mark
from penstock.engine.errors import ItemError
from tests.adapters.photo.pictures import (
    ASCII,
    LONG,
    RATIONAL,
    UNDEFINED,
    Entries,
    corners,
    exif_block,
    jpeg,
    noise,
    oriented,
    quarters,
    save,
)
from tests.adapters.photo.test_exif import CANON

SECRETS: tuple[Entries, Entries, Entries] = (
    {**CANON[0], 0x013B: (ASCII, "Owner Name"), 0x010E: (ASCII, "<script>alert(1)</script>")},
    {**CANON[1], 0xA431: (ASCII, "SERIAL-1234"), 0xA430: (ASCII, "Owner Name"), 0x927C: (UNDEFINED, b"maker" * 9)},
    CANON[2],
)
_TRAILER = b"<?php system('id'); ?>"


def rendered(tmp_path: Path, data: bytes, **options: Any) -> tuple[Path, Path, Any]:
    source = save(tmp_path / "original.jpg", data)
    full, thumb = tmp_path / "out" / "full.JPG", tmp_path / "out" / "thumbs" / "thumb.JPG"
    return full, thumb, publish_pair(source, full, thumb, **options)


def marked(text: str) -> Mark:
    """A site's default watermark."""
    return Mark(text=text, image="", sha256="", position="bottom-right", opacity=100, width=15)


@pytest.fixture
def secret() -> bytes:
    picture = noise(1800, 1200).transpose(Image.Transpose.ROTATE_90)
    return jpeg(picture, exif_block(*SECRETS), comment=_TRAILER) + _TRAILER


def test_both_sizes_fit_their_boxes_and_are_reported_as_written(tmp_path: Path, secret: bytes) -> None:
    full, thumb, pair = rendered(tmp_path, secret)
    assert (pair["full"]["width"], pair["full"]["height"]) == (1500, 1000)
    assert (pair["thumb"]["width"], pair["thumb"]["height"]) == (548, 365)
    for path, written in ((full, pair["full"]), (thumb, pair["thumb"])):
        data = path.read_bytes()
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (written["sha256"], written["size"])
    assert sorted(path.name for path in tmp_path.rglob("*.part")) == []


def test_a_small_original_is_never_enlarged(tmp_path: Path) -> None:
    _, _, pair = rendered(tmp_path, jpeg(quarters()))
    assert (pair["full"]["width"], pair["thumb"]["width"]) == (240, 240)


def test_a_turned_original_comes_out_upright_without_an_orientation(tmp_path: Path) -> None:
    stored = quarters().transpose(Image.Transpose.ROTATE_90)
    full, thumb, _ = rendered(tmp_path, jpeg(stored, oriented(6)))
    for path in (full, thumb):
        with Image.open(path) as picture:
            assert corners(picture) == ["red", "green", "blue", "white"]
            assert 0x0112 not in picture.getexif()


def test_nothing_of_the_original_but_the_list_is_carried(tmp_path: Path, secret: bytes) -> None:
    full, thumb, _ = rendered(tmp_path, secret)
    for path in (full, thumb):
        data = path.read_bytes()
        for word in (b"SERIAL-1234", b"Owner", b"script", b"maker", b"php"):
            assert word not in data, word
        assert data.endswith(b"\xff\xd9")
        facts = exif.read(path)
        assert facts["gps"] is None
        assert (facts["Camera"], facts["Exposure"], facts["Aperture"]) == ("Canon_EOS_R5", "1/250 sec", "f/2.8")
        assert (facts["ISO"], facts["Focal_length"]) == (400, 35)
        assert (facts["DateTime"], facts["zone"]) == ("2026:05:01 10:20:30", "+02:00")


def test_given_texts_are_written_in_utf_8_and_tamed(tmp_path: Path, exiftool: str) -> None:
    fields = {"Caption": "Zeemeeuw bij Ĳmuiden\n<b>", "Artist": "Ёлка", "Copyright": "© 2026 Me", "DateTime": ""}
    full, _, _ = rendered(tmp_path, jpeg(noise(300, 200), exif_block(*CANON)), fields=fields)
    done = subprocess.run([exiftool, "-j", "-G1", "-a", str(full)], capture_output=True, check=True, timeout=60)
    found = json.loads(done.stdout)[0]
    assert found["IFD0:ImageDescription"] == "Zeemeeuw bij Ĳmuiden <b>"
    assert (found["IFD0:Artist"], found["IFD0:Copyright"]) == ("Ёлка", "© 2026 Me")
    assert found["ExifIFD:ColorSpace"] == "sRGB"
    assert "ExifIFD:DateTimeOriginal" not in found
    assert "sRGB" in found["ICC_Profile:ProfileDescription"]
    assert not any("Warning" in key for key in found)


def test_the_place_is_written_only_when_asked_for(tmp_path: Path) -> None:
    full, _, _ = rendered(tmp_path, jpeg(noise(300, 200), exif_block(*CANON)), keep_gps=True)
    place = exif.read(full)["gps"]
    assert place is not None
    assert (place["lat"], place["lon"]) == pytest.approx((52.3700944, 4.8953361), abs=1e-6)


def test_the_same_input_gives_the_same_bytes(tmp_path: Path, secret: bytes) -> None:
    options = {"mark": marked("© me\nPhotography"), "fields": {"Caption": "A gull."}}
    _, _, first = rendered(tmp_path / "1", secret, **options)
    _, _, second = rendered(tmp_path / "2", secret, **options)
    assert first == second


def test_a_watermark_is_drawn_at_the_lower_right_only(tmp_path: Path) -> None:
    dark = jpeg(Image.new("RGB", (1500, 1000), (40, 60, 40)))
    full, _, _ = rendered(tmp_path, dark, mark=marked("© example.org\nPhotography\nthird line"))
    changed = np.asarray(Image.open(full).convert("L")).astype(int) > 120
    rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
    assert 1000 - 10 - 2.6 * 30 < rows.min() < rows.max() < 1000 - 10
    assert 1100 < columns.min() < columns.max() <= 1500 - 20
    plain, _, _ = rendered(tmp_path / "plain", dark)
    assert not (np.asarray(Image.open(plain).convert("L")) > 120).any()


def test_a_watermark_never_breaks_a_tiny_picture(tmp_path: Path) -> None:
    rendered(tmp_path, jpeg(Image.new("RGB", (3, 2))), mark=marked("a very long name of somebody\n\x00\x07"))


def test_odd_numbers_in_the_original_do_not_fail_the_picture(tmp_path: Path) -> None:
    for odd in ((0, 0), (4294967295, 1), (1, 4294967295), (4294967295, 4294967294)):
        tags = {0x829A: (RATIONAL, odd), 0x829D: (RATIONAL, odd), 0x920A: (RATIONAL, odd), 0x8827: (LONG, odd[0])}
        full, _, _ = rendered(tmp_path, jpeg(quarters(), exif_block(exif=tags)))
        assert exif.read(full)["Width"] == 240


def test_what_the_camera_wrote_is_kept_when_asked_for_but_never_the_place(tmp_path: Path, secret: bytes) -> None:
    full, thumb, _ = rendered(tmp_path, secret, keep_metadata=True, fields={"Caption": "A gull.", "Artist": "Ann"})
    for path in (full, thumb):
        data = path.read_bytes()
        assert b"SERIAL-1234" in data
        for word in (b"<script", b"php", b"maker"):
            assert word not in data, word
        facts = exif.read(path)
        assert facts["gps"] is None
        assert facts["orientation"] == 1
        assert (facts["Camera"], facts["ISO"]) == ("Canon_EOS_R5", 400)


def test_caption_keywords_and_rights_are_embedded_for_other_programs(tmp_path: Path, exiftool: str) -> None:
    fields = {
        "Caption": "Zeemeeuw <b> & Ĳmuiden", "alt_text": "A gull \"stands\"", "Headline": "Gull",
        "Keywords": "zee, gull, zee", "Artist": "Ёлка", "Copyright": "© 2026",
    }  # fmt: skip
    full, thumb, _ = rendered(tmp_path, jpeg(noise(300, 200), exif_block(*CANON)), fields=fields)
    for path in (full, thumb):
        done = subprocess.run([exiftool, "-j", "-G1", "-a", str(path)], capture_output=True, check=True, timeout=60)
        found = json.loads(done.stdout)[0]
        assert found["IPTC:Caption-Abstract"] == found["XMP-dc:Description"] == fields["Caption"]
        assert found["IPTC:Keywords"] == found["XMP-dc:Subject"] == ["zee", "gull"]
        assert found["IPTC:Headline"] == found["XMP-photoshop:Headline"] == "Gull"
        assert found["IPTC:By-line"] == found["XMP-dc:Creator"] == "Ёлка"
        assert found["IPTC:CopyrightNotice"] == found["XMP-dc:Rights"] == "© 2026"
        assert found["XMP-iptcCore:AltTextAccessibility"] == 'A gull "stands"'
        assert found["ExifIFD:DateTimeOriginal"] == "2026:05:01 10:20:30"
        assert not any("Warning" in key or "Error" in key for key in found)


def test_a_damaged_original_leaves_nothing(tmp_path: Path, secret: bytes) -> None:
    with pytest.raises(ItemError):
        rendered(tmp_path, secret[: len(secret) // 2])
    assert not (tmp_path / "out").exists()
