"""What the camera wrote is read as exiftool reads it, and malformed metadata never fails a picture."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from penstock.adapters.photo import exif
from tests.adapters.photo.pictures import (
    ASCII,
    LONG,
    RATIONAL,
    SHORT,
    UNDEFINED,
    Entries,
    exif_block,
    jpeg,
    oriented,
    quarters,
    save,
)

CANON: tuple[Entries, Entries, Entries] = (
    {0x010F: (ASCII, "Canon"), 0x0110: (ASCII, "Canon EOS R5"), 0x0112: (SHORT, 6)},
    {
        0x9003: (ASCII, "2026:05:01 10:20:30"),
        0x9011: (ASCII, "+02:00"),
        0x829A: (RATIONAL, (1, 250)),
        0x829D: (RATIONAL, (28, 10)),
        0x8827: (SHORT, 400),
        0x920A: (RATIONAL, (350, 10)),
        0xA434: (ASCII, "RF24-105mm F4 L IS USM"),
    },
    {
        1: (ASCII, "N"),
        2: (RATIONAL, [(52, 1), (22, 1), (1234, 100)]),
        3: (ASCII, "E"),
        4: (RATIONAL, [(4, 1), (53, 1), (4321, 100)]),
    },
)


def camera(make: str | bytes, model: str | bytes, **more: Any) -> bytes:
    return exif_block({0x010F: (ASCII, make), 0x0110: (ASCII, model)}, **more)


def shot(**tags: Any) -> bytes:
    names = {"time": 0x829A, "f": 0x829D, "iso": 0x8827, "focal": 0x920A}
    kinds = {"time": RATIONAL, "f": RATIONAL, "iso": SHORT, "focal": RATIONAL}
    return exif_block(exif={names[name]: (kinds[name], value) for name, value in tags.items()})


def place(lat: Any, lon: Any, north: str = "N", east: str = "E") -> bytes:
    return exif_block(gps={1: (ASCII, north), 2: (RATIONAL, lat), 3: (ASCII, east), 4: (RATIONAL, lon)})


HERE = [(52, 1), (30, 1), (0, 1)], [(4, 1), (15, 1), (0, 1)]

CORPUS: dict[str, bytes] = {
    "nothing": b"",
    "canon": exif_block(*CANON),
    "canon-big-endian": exif_block(*CANON, endian=">"),
    "nikon": camera("NIKON CORPORATION", "NIKON D850"),
    "olympus": camera("OLYMPUS IMAGING CORP.  ", "E-M1MarkII      "),
    "sony": camera("SONY", "ILCE-7M4"),
    "apple": camera("Apple", "iPhone 15 Pro"),
    "leica": camera("LEICA CAMERA AG", "LEICA Q2"),
    "kodak": camera("EASTMAN KODAK COMPANY", "KODAK EASYSHARE C713"),
    "ricoh": camera("RICOH IMAGING COMPANY, LTD.  ", "PENTAX K-1 Mark II"),
    "casio": camera("CASIO COMPUTER CO.,LTD.", "EX-Z1000"),
    "no-terminator": camera(b"HTC1", b"Desire9"),
    "zeros-behind": camera(b"SONY\0\0\0\0junk", b"DSC-RX100\0\0\0"),
    "unicode": camera("Ёлка", "相機 5"),
    "only-make": exif_block({0x010F: (ASCII, "FUJIFILM")}),
    "only-model": exif_block({0x0110: (ASCII, "FinePix X100")}),
    "blank": camera("      ", "   "),
    "fraction": shot(time=(10, 2500)),
    "fast": shot(time=(1, 8000)),
    "over-a-second": shot(time=(13, 10)),
    "half-minute": shot(time=(30, 1)),
    "eight-tenths": shot(time=(8, 10)),
    "third": shot(time=(1, 3)),
    "quarter": shot(time=(1, 4)),
    "odd": shot(time=(4987, 1000000)),
    "no-time": shot(time=(0, 1)),
    "no-aperture": shot(f=(0, 0)),
    "noctilux": shot(f=(95, 100)),
    "whole-stop": shot(f=(80, 10)),
    "third-stop": shot(f=(63, 10)),
    "iso-list": shot(iso=[200, 0]),
    "iso-long": exif_block(exif={0x8827: (LONG, 51200)}),
    "focal": shot(focal=(350, 10)),
    "phone-focal": shot(focal=(4250, 1000)),
    "no-focal": shot(focal=(0, 0)),
    "blank-date": exif_block(exif={0x9003: (ASCII, "    :  :     :  :  ")}),
    "zero-date": exif_block(exif={0x9003: (ASCII, "0000:00:00 00:00:00")}),
    "place": place(*HERE),
    "south-west": place(*HERE, "S", "W"),
    "no-fix": place([(0, 0)] * 3, [(0, 0)] * 3),
    "no-side": place(*HERE, "", ""),
    "turned": oriented(8),
}


@pytest.fixture
def photo(tmp_path: Path) -> Any:
    return lambda block: save(tmp_path / "photo.jpg", jpeg(exif=block))


def test_a_full_set_of_facts_is_read(photo: Any) -> None:
    assert exif.read(photo(exif_block(*CANON))) == {
        "DateTime": "2026:05:01 10:20:30",
        "zone": "+02:00",
        "Exposure": "1/250 sec",
        "Aperture": "f/2.8",
        "ISO": 400,
        "Focal_length": 35,
        "Width": 160,
        "Height": 240,
        "Camera": "Canon_EOS_R5",
        "Lens_model": "RF24-105mm F4 L IS USM",
        "gps": {"lat": 52.3700944, "lon": 4.8953361},
        "orientation": 6,
        "software": "",
        "year": 2026,
        "make": "Canon",
        "model": "Canon EOS R5",
        "exposure_s": 0.004,
        "f_number": 2.8,
        "maker_notes": False,
    }


def test_a_file_without_metadata_has_empty_facts(photo: Any) -> None:
    facts = exif.read(photo(b""))
    assert facts["Camera"] == "Unknown_Camera"
    assert (facts["DateTime"], facts["zone"], facts["Exposure"], facts["Aperture"]) == ("", "", "", "")
    assert (facts["ISO"], facts["Focal_length"], facts["gps"], facts["year"]) == (None, None, None, None)
    assert facts["orientation"] == 1
    json.dumps(facts)


@pytest.fixture(scope="module")
def by_exiftool(tmp_path_factory: pytest.TempPathFactory, exiftool: str) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("corpus")
    for name, block in CORPUS.items():
        save(folder / f"{name}.jpg", jpeg(exif=block))
    found: dict[str, dict[str, Any]] = {name: {"path": folder / f"{name}.jpg"} for name in CORPUS}
    for key, option in (("raw", ["-n"]), ("print", [])):
        done = subprocess.run(
            [exiftool, "-j", *option, "-q", str(folder)], capture_output=True, check=False, timeout=60
        )
        for answer in json.loads(done.stdout):
            found[Path(answer["SourceFile"]).stem][key] = answer
    return found


@pytest.mark.parametrize("name", CORPUS)
def test_exiftool_agrees(name: str, by_exiftool: dict[str, dict[str, Any]]) -> None:
    mine = exif.read(by_exiftool[name]["path"])
    raw, printed = by_exiftool[name]["raw"], by_exiftool[name]["print"]

    def plain(tag: str) -> Any:
        value = raw.get(tag)
        return None if value in ("undef", "", 0) else value

    assert mine["make"] == str(raw.get("Make", "")).strip()
    assert mine["model"] == str(raw.get("Model", "")).strip()
    assert mine["Lens_model"] == raw.get("LensModel", "")
    assert mine["exposure_s"] == pytest.approx(plain("ExposureTime") or mine["exposure_s"])
    assert mine["Exposure"] == (f"{printed['ExposureTime']} sec" if plain("ExposureTime") else "")
    assert mine["f_number"] == pytest.approx(plain("FNumber"))
    assert mine["Aperture"] == (f"f/{float(printed['FNumber']):g}" if plain("FNumber") else "")
    assert mine["ISO"] == (int(str(raw["ISO"]).split()[0]) if plain("ISO") else None)
    assert mine["Focal_length"] == (int(raw["FocalLength"]) if plain("FocalLength") else None)
    taken = str(raw.get("DateTimeOriginal", ""))
    assert mine["DateTime"] == (taken if taken.startswith("2026") else "")
    assert mine["orientation"] == raw.get("Orientation", 1)
    size = (raw["ImageWidth"], raw["ImageHeight"])
    assert (mine["Width"], mine["Height"]) == (size[::-1] if mine["orientation"] >= 5 else size)
    where = (raw.get("GPSLatitude"), raw.get("GPSLongitude"))
    if mine["gps"] is None:
        assert not any(isinstance(part, float | int) for part in where) or name == "no-side"
    else:
        assert (mine["gps"]["lat"], mine["gps"]["lon"]) == pytest.approx(where, abs=1e-6)


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (exif_block({0x0132: (ASCII, "2020:01:02 03:04:05")}), "2020:01:02 03:04:05"),
        (
            exif_block({0x0132: (ASCII, "2020:01:02 03:04:05")}, {0x9003: (ASCII, "    :  :     :  :  ")}),
            "2020:01:02 03:04:05",
        ),
        (exif_block(exif={0x9003: (ASCII, "2021-06-07T08:09:10Z")}), "2021:06:07 08:09:10"),
        (exif_block(exif={0x9003: (ASCII, "2021:13:07 08:09:10")}), ""),
        (exif_block(exif={0x9003: (ASCII, "<script>")}), ""),
    ],
)
def test_the_time_is_the_original_one_else_the_files(photo: Any, block: bytes, expected: str) -> None:
    assert exif.read(photo(block))["DateTime"] == expected


def test_the_zone_is_known_only_with_a_time(photo: Any) -> None:
    zone = {0x9010: (ASCII, "-05:30")}
    assert exif.read(photo(exif_block(exif=zone)))["zone"] == ""
    with_time = {0x9003: (ASCII, "2026:05:01 10:20:30"), **zone}
    assert exif.read(photo(exif_block(exif=with_time)))["zone"] == "-05:30"
    assert exif.read(photo(exif_block(exif={**with_time, 0x9010: (ASCII, "local")})))["zone"] == ""


def test_latin_1_text_is_read_as_such_and_long_or_hostile_text_is_tamed(photo: Any) -> None:
    assert exif.read(photo(camera("Étoile".encode("latin-1"), "b")))["make"] == "Étoile"
    hostile = exif.read(photo(camera("a\r\nb\x1b[31m\x07", "\u202egpj" + "x" * 5000)))
    assert hostile["make"] == "a b [31m"
    assert hostile["model"].startswith("gpjxx")
    assert len(hostile["model"]) == 200


@pytest.mark.parametrize("high", [0x8831, 0x8832, 0x8833])
def test_an_iso_beyond_16_bits_is_read_from_the_newer_tags(photo: Any, high: int) -> None:
    block = exif_block(exif={0x8827: (SHORT, 65535), high: (LONG, 102400)})
    assert exif.read(photo(block))["ISO"] == 102400


@pytest.mark.parametrize("filler", ["----", "0.0 mm f/0.0", "Unknown (0)", "n/a", "   "])
def test_fillers_are_no_lens(photo: Any, filler: str) -> None:
    assert exif.read(photo(exif_block(exif={0xA434: (ASCII, filler)})))["Lens_model"] == ""


@pytest.mark.parametrize(
    "where",
    [
        place([(0, 1)] * 3, [(0, 1)] * 3),
        place([(91, 1), (0, 1), (0, 1)], HERE[1]),
        place([(4294967295, 1), (0, 1), (0, 1)], HERE[1]),
        place([(52, 0), (30, 1), (0, 1)], HERE[1]),
        exif_block(gps={1: (ASCII, "N"), 2: (RATIONAL, HERE[0])}),
        exif_block(gps={1: (SHORT, 5), 2: (ASCII, "far"), 3: (SHORT, 7), 4: (SHORT, 1)}),
    ],
)
def test_a_place_that_cannot_be_is_no_place(photo: Any, where: bytes) -> None:
    assert exif.read(photo(where))["gps"] is None


def test_tags_of_the_wrong_kind_are_ignored(photo: Any) -> None:
    block = exif_block(
        {
            0x010F: (SHORT, 7),
            0x0110: (RATIONAL, (1, 0)),
            0x0112: (ASCII, "up"),
            0x0131: (UNDEFINED, b"\xff\xfe"),
        },
        {0x9003: (SHORT, 1), 0x829A: (ASCII, "fast"), 0x8827: (ASCII, "many"), 0x920A: (UNDEFINED, b"abc")},
    )
    facts = exif.read(photo(block))
    assert (facts["DateTime"], facts["Exposure"], facts["ISO"], facts["orientation"]) == ("", "", None, 1)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_other_formats_carry_exif_too(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "photo"
    tags = Image.Exif()
    tags[0x0110], tags[0x0112] = "Canon EOS R5", 6
    quarters().save(path, kind, exif=tags)
    facts = exif.read(path)
    assert (facts["Camera"], facts["orientation"]) == ("Canon_EOS_R5", 6)
    assert (facts["Width"], facts["Height"]) == (160, 240)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_malformed_metadata_never_fails_a_picture_nor_yields_bad_text(tmp_path: Path, data: st.DataObject) -> None:
    block = bytearray(exif_block(*CANON))
    for _ in range(data.draw(st.integers(1, 8))):
        block[data.draw(st.integers(6, len(block) - 1))] = data.draw(st.integers(0, 255))
    facts = exif.read(save(tmp_path / "x.jpg", jpeg(Image.new("RGB", (8, 8)), bytes(block))))
    json.dumps(facts, allow_nan=False).encode()
    assert all(len(value) <= 200 and value.isprintable() for value in facts.values() if isinstance(value, str))


def test_a_soft_hyphen_is_no_text() -> None:
    assert exif.text(b"EOS\xad R5") == "EOS R5"


def test_a_directory_that_points_at_itself_is_survived(photo: Any) -> None:
    loop = exif_block({0x8769: (LONG, 8), 0x8825: (LONG, 8)})
    assert exif.read(photo(loop))["Camera"] == "Unknown_Camera"
