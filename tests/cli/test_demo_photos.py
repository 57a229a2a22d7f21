from __future__ import annotations

from pathlib import Path

import pytest
from PIL import ExifTags, Image

from penstock.cli import demo_photos
from penstock.engine.errors import UsageError

FREE = {
    "astronaut.png", "rocket.jpg", "hubble_deep_field.jpg", "camera.png", "chelsea.png", "coffee.png", "retina.jpg",
    "brick.png", "grass.png", "gravel.png",
}  # fmt: skip
"""Pictures of scikit-image in the public domain or under CC0, by their docstrings."""


def test_only_free_pictures_are_used() -> None:
    assert {sample.source for one in demo_photos.SETS for sample in one.samples} <= FREE


def test_photos_are_made_once_with_exif_data_labelled_as_made_up(tmp_path: Path) -> None:
    pytest.importorskip("skimage", reason="the sample photos come with scikit-image")
    made = demo_photos.make(tmp_path)
    files = sorted(path for _, folder in made for path in folder.iterdir())
    before = [path.stat().st_mtime_ns for path in files]
    demo_photos.make(tmp_path)
    assert [path.stat().st_mtime_ns for path in files] == before
    for path in files:
        with Image.open(path) as picture:
            exif = picture.getexif()
        assert exif[ExifTags.Base.Software] == demo_photos.LABEL
        assert "made up" in exif[ExifTags.Base.ImageDescription]
        assert exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FNumber] > 1


def test_the_damaged_photo_cannot_be_read_to_its_end(tmp_path: Path) -> None:
    pytest.importorskip("skimage", reason="the sample photos come with scikit-image")
    demo_photos.make(tmp_path)
    [damaged] = tmp_path.rglob(demo_photos.DAMAGED)
    with Image.open(damaged) as picture, pytest.raises(OSError, match="truncated"):
        picture.load()


def test_places_south_and_west_are_written_as_such() -> None:
    found = demo_photos._gps(-33.5, -70.25)
    assert (found[ExifTags.GPS.GPSLatitudeRef], found[ExifTags.GPS.GPSLongitudeRef]) == ("S", "W")
    assert [float(part) for part in found[ExifTags.GPS.GPSLatitude]] == [33.0, 30.0, 0.0]  # type: ignore[attr-defined]


def test_without_scikit_image_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(demo_photos, "find_spec", lambda _name: None)
    with pytest.raises(UsageError, match="penstock demo --photos FOLDER"):
        demo_photos.make(tmp_path)
