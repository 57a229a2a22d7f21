"""One reviewed set of photos for all tests of the command line: made once per process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from tests.cli.calling import call


@dataclass(frozen=True)
class Reviewed:
    """A site whose run came to its gate: three photos wait, one failed."""

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


def prepared(name: str, folder: Path, *, whole: int = 3, broken: int = 1) -> None:
    """A site with a set of pictures that no run has taken yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for n in range(whole):
        picture(folder / f"whole-{n}.jpg", 40 + 30 * n)
    for n in range(broken):
        picture(folder / f"broken-{n}.jpg", 200 + n, whole=False)
    assert call("site", "create", name, "--pipeline", "photos").code == 0
    words = ("--folder", "nature", "--location", "Delft", "--subject", "Striped fields")
    assert call("photos", "add", folder, "--site", name, *words, "--yes").code == 0


@pytest.fixture(scope="session")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Reviewed:
    """The set, run up to its gate."""
    folder = tmp_path_factory.mktemp("photos")
    prepared("cli-reviewed", folder)
    ended = call("--json", "-q", "run", "cli-reviewed")
    assert ended.code == 1, ended.err
    return Reviewed("cli-reviewed", ended.data["run_id"], folder)
