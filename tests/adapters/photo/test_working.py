"""The working copy is a bare, durable sRGB JPEG of at most 1024 pixels."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from PIL import Image

from penstock.adapters.photo.working import make_working
from penstock.engine import failpoint
from penstock.engine.errors import Blocking
from tests.adapters.photo.pictures import corners, jpeg, noise, oriented, quarters, save


def test_the_copy_is_upright_small_and_as_reported(tmp_path: Path) -> None:
    turned = noise(1600, 2400).transpose(Image.Transpose.ROTATE_90)
    source = save(tmp_path / "a.jpg", jpeg(turned, exif=oriented(6), comment=b"secret"))
    written = make_working(source, tmp_path / "out" / "w.jpg")
    data = (tmp_path / "out" / "w.jpg").read_bytes()
    assert written == {
        "sha256": hashlib.sha256(data).hexdigest(),
        "size": len(data),
        "width": 683,
        "height": 1024,
    }
    with Image.open(tmp_path / "out" / "w.jpg") as copy:
        assert (copy.size, copy.mode, copy.getexif()) == ((683, 1024), "RGB", {})
        assert not {"icc_profile", "comment", "exif"} & set(copy.info)


def test_side_and_quality_can_be_chosen(tmp_path: Path) -> None:
    source = save(tmp_path / "a.jpg", jpeg(noise(800, 600)))
    fine = make_working(source, tmp_path / "fine.jpg", 400, 95)
    coarse = make_working(source, tmp_path / "coarse.jpg", 400, 40)
    assert (fine["width"], fine["height"]) == (400, 300)
    assert coarse["size"] < fine["size"] / 2


def test_the_same_photo_gives_the_same_bytes(tmp_path: Path) -> None:
    source = save(tmp_path / "a.jpg", jpeg(noise(640, 480)))
    assert make_working(source, tmp_path / "1.jpg") == make_working(source, tmp_path / "2.jpg")


def test_a_death_while_writing_leaves_the_older_copy_whole(tmp_path: Path) -> None:
    source = save(tmp_path / "a.jpg", jpeg(quarters()))
    target = save(tmp_path / "w.jpg", b"older")
    with failpoint.armed("files.write.before_rename=crash"), pytest.raises(failpoint.SimulatedCrash):
        make_working(source, target)
    assert target.read_bytes() == b"older"
    make_working(source, target)
    with Image.open(target) as copy:
        assert corners(copy) == ["red", "green", "blue", "white"]


def test_a_full_disk_stops_the_run(tmp_path: Path) -> None:
    source = save(tmp_path / "a.jpg", jpeg(quarters()))
    with failpoint.armed("files.write.before_fsync=enospc"), pytest.raises(Blocking) as caught:
        make_working(source, tmp_path / "w.jpg")
    assert caught.value.code == "disk"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jpg"]
