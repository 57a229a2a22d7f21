"""Every test of the command line begins with an empty home; what takes long to make is made once and kept."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from penstock import boot
from tests.cli.calling import call


@dataclass(frozen=True)
class Reviewed:
    """A site whose run came to its gate: five photos wait, one failed."""

    site: str
    run: str
    photos: Path

    def ids(self, status: str) -> list[int]:
        """Its items with this status."""
        return [row["id"] for row in call("--json", "review", "list", self.site, "--status", status).data["items"]]


def picture(file: Path, shade: int, *, whole: bool = True) -> Path:
    """A small JPEG, each shade another picture; without `whole` its end is missing."""
    image = Image.new("RGB", (320, 240), (shade, 255 - shade, 90))
    draw = ImageDraw.Draw(image)
    for line in range(0, 240, 7 + shade % 13):
        draw.line([(0, line), (320, 240 - line)], fill=(255 - shade, shade, line), width=3)
    image.save(file, "JPEG", quality=90)
    if not whole:
        data = file.read_bytes()
        file.write_bytes(data[: len(data) // 3])
    return file


def prepared(name: str, folder: Path, *, whole: int = 5, broken: int = 1) -> None:
    """A site with a set of pictures that no run has taken yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for n in range(whole):
        picture(folder / f"whole-{n}.jpg", 40 + 30 * n)
    for n in range(broken):
        picture(folder / f"broken-{n}.jpg", 200 + n, whole=False)
    assert call("site", "create", name, "--pipeline", "photos").code == 0
    words = ("--folder", "nature", "--location", "Delft", "--subject", "Striped fields")
    assert call("photos", "add", folder, "--site", name, *words, "--yes").code == 0


@pytest.fixture(autouse=True)
def _empty(ledger_home: Path) -> None:
    """No row of another test is there, and none of this one stays."""


@pytest.fixture
def reviewed(ledger_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Reviewed:
    """The set, run up to its gate: by the first test that wants it; the others get a copy of that home."""

    def make() -> Reviewed:
        folder = tmp_path_factory.mktemp("photos")
        prepared("cli-reviewed", folder)
        ended = call("--json", "-q", "run", "cli-reviewed")
        assert ended.code == 1, ended.err
        return Reviewed("cli-reviewed", ended.data["run_id"], folder)

    if not _kept:
        _kept.append((make(), tmp_path_factory.mktemp("kept")))
        _save(ledger_home, _kept[0][1])
    else:
        _load(_kept[0][1], ledger_home)
    return _kept[0][0]


_kept: list[tuple[Reviewed, Path]] = []


def _save(home: Path, folder: Path) -> None:
    shutil.copytree(home, folder / "files", ignore=shutil.ignore_patterns("review.db*", "*.lock"))
    boot.backup(home / "data" / "review.db", folder / "review.db")


def _load(folder: Path, home: Path) -> None:
    from django.db import connection

    connection.close()
    boot.restore(folder / "review.db", home / "data" / "review.db")
    shutil.copytree(folder / "files", home, dirs_exist_ok=True)
