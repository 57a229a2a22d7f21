"""Sample photos for the demo: public-domain and CC0 pictures of scikit-image, with EXIF data made up for the demo."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from penstock.engine.errors import UsageError
from penstock.engine.failpoint import declare, failpoint

declare("demo.before_rename", "demo.after_rename")

LABEL = "Penstock demo data"
CAMERA = ("Penstock", "Demo Camera One")
QUALITY = 92
KEPT_OF_DAMAGED = 0.45  # of the file's bytes


@dataclass(frozen=True)
class Sample:
    """One picture: which file it is made from, and the EXIF data that the demo gives it."""

    source: str
    name: str
    taken: str
    exposure: tuple[int, int]
    aperture: float
    iso: int
    focal: int
    gps: tuple[float, float] | None = None


@dataclass(frozen=True)
class SampleSet:
    """Pictures of one subject at one location in one folder."""

    folder: str
    location: str
    subject: str
    samples: tuple[Sample, ...]

    @property
    def place(self) -> str:
        """The set's own folder below `demo-photos`."""
        return f"{self.folder}-{self.location}".lower()


DAMAGED = "coffee-damaged.jpg"

SETS = (
    SampleSet("people", "Houston", "Astronaut portrait", (
        Sample("astronaut.png", "astronaut.jpg", "2024:03:12 10:04:31", (1, 125), 4.0, 200, 85, (29.5502, -95.0970)),
    )),
    SampleSet("people", "Cambridge", "Photographer at work", (
        Sample("camera.png", "photographer.jpg", "2024:04:02 16:20:05", (1, 500), 5.6, 200, 50),
    )),
    SampleSet("animals", "Utrecht", "Cat portrait", (
        Sample("chelsea.png", "cat.jpg", "2024:05:19 19:42:10", (1, 60), 2.8, 800, 50),
    )),
    SampleSet("food", "Lisbon", "Cup of coffee", (
        Sample("coffee.png", "coffee.jpg", "2024:06:08 09:15:44", (1, 80), 2.0, 400, 35),
    )),
    SampleSet("aviation", "Cape_Canaveral", "Rocket launch", (
        Sample("rocket.jpg", "rocket.jpg", "2024:02:11 18:03:00", (1, 1000), 8.0, 100, 200, (28.5618, -80.5770)),
    )),
    SampleSet("sky", "Ursa_Major", "Distant galaxies", (
        Sample("hubble_deep_field.jpg", "galaxies.jpg", "2024:01:15 23:30:00", (30, 1), 2.8, 3200, 400),
    )),
    SampleSet("macro", "Leiden", "Retina of an eye", (
        Sample("retina.jpg", "retina.jpg", "2024:04:22 11:00:12", (1, 30), 4.0, 400, 100),
    )),
    SampleSet("macro", "Delft", "Ground textures", (
        Sample("brick.png", "brick.jpg", "2024:07:01 12:01:00", (1, 250), 8.0, 100, 60),
        Sample("grass.png", "grass.jpg", "2024:07:01 12:03:20", (1, 250), 8.0, 100, 60),
        Sample("gravel.png", "gravel.jpg", "2024:07:01 12:05:41", (1, 200), 8.0, 100, 60),
    )),
)  # fmt: skip
"""All of them NASA or SpaceX works in the public domain, or CC0 by their photographers."""


def make(root: Path) -> list[tuple[SampleSet, Path]]:
    """Write the sample photos below `root` (those that are missing); answer each set with its folder.

    Raises UsageError when scikit-image is not installed."""
    source = _pictures()
    made = []
    for one in SETS:
        folder = root / one.place
        folder.mkdir(parents=True, exist_ok=True)
        for sample in one.samples:
            _write(source / sample.source, folder / sample.name, sample, one.subject)
        made.append((one, folder))
    _damage(root / "food-lisbon" / "coffee.jpg", root / "food-lisbon" / DAMAGED)
    return made


def _pictures() -> Path:
    """Where scikit-image keeps its pictures; it is not imported for that."""
    spec = find_spec("skimage")
    places = list(spec.submodule_search_locations or ()) if spec else []
    folder = Path(places[0]) / "data" if places else None
    if folder is None or not (folder / "astronaut.png").is_file():
        raise UsageError(
            "the sample photos come with scikit-image, which is not installed here; "
            "install penstock[demo], or take your own: penstock demo --photos FOLDER"
        )
    return folder


def _write(source: Path, target: Path, sample: Sample, subject: str) -> None:
    from PIL import Image

    if target.exists() or not source.is_file():
        return
    part = target.with_name(target.name + ".part")
    with Image.open(source) as picture:
        picture.convert("RGB").save(part, "JPEG", quality=QUALITY, exif=exif(sample, subject))
    failpoint("demo.before_rename")
    os.replace(part, target)
    failpoint("demo.after_rename")


def exif(sample: Sample, subject: str) -> bytes:
    """EXIF data of a sample, labelled as made up. Tags: EXIF 2.32, sections 4.6.4 to 4.6.6."""
    from PIL import ExifTags, Image

    data = Image.Exif()
    base, detail = ExifTags.Base, data.get_ifd(ExifTags.IFD.Exif)
    data[base.Make], data[base.Model] = CAMERA
    data[base.Software] = LABEL
    data[base.ImageDescription] = f"{subject} ({LABEL}: camera, time and place are made up)"
    data[base.DateTime] = sample.taken
    detail[base.DateTimeOriginal] = sample.taken
    detail[base.ExposureTime] = _rational(*sample.exposure)
    detail[base.FNumber] = _rational(round(sample.aperture * 10), 10)
    detail[base.ISOSpeedRatings] = sample.iso
    detail[base.FocalLength] = _rational(sample.focal, 1)
    if sample.gps is not None:
        data.get_ifd(ExifTags.IFD.GPSInfo).update(_gps(*sample.gps))
    return data.tobytes()


def _gps(north: float, east: float) -> dict[int, object]:
    from PIL.ExifTags import GPS

    return {
        GPS.GPSLatitudeRef: "N" if north >= 0 else "S",
        GPS.GPSLatitude: _degrees(abs(north)),
        GPS.GPSLongitudeRef: "E" if east >= 0 else "W",
        GPS.GPSLongitude: _degrees(abs(east)),
    }


def _degrees(value: float) -> tuple[object, object, object]:
    minutes = (value - int(value)) * 60
    seconds = round((minutes - int(minutes)) * 6000)
    return _rational(int(value), 1), _rational(int(minutes), 1), _rational(seconds, 100)


def _rational(above: int, below: int) -> object:
    from PIL.TiffImagePlugin import IFDRational

    return IFDRational(above, below)


def _damage(whole: Path, target: Path) -> None:
    """A copy whose end is missing, as after a pulled card: the demo shows what becomes of it."""
    if whole.is_file() and not target.exists():
        data = whole.read_bytes()
        target.write_bytes(data[: int(len(data) * KEPT_OF_DAMAGED)])
