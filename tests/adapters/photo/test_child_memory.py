"""A worker with a memory limit: what is let in fits into it, what does not fails alone."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from penstock.engine.child import Child
from penstock.engine.errors import ItemError
from penstock.engine.outcome import Done
from penstock.engine.pipeline import Limits
from penstock.pipelines.photos.settings import PhotoSettings
from tests.adapters.photo.pictures import jpeg, quarters, save
from tests.engine.children import run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a worker's address space")
WORK = "penstock.adapters.photo.child:run"
ALLOWED = PhotoSettings().child_memory_mb


def item(folder: Path, source: Path) -> dict[str, object]:
    folder.mkdir(exist_ok=True)
    return {"id": 1, "staged_path": str(source), "working_path": str(folder / "1.jpg"), "work_dir": str(folder)}


PICTURES = {
    "a.png": ("RGBA", (6000, 4000)),
    "a.tif": ("CMYK", (6000, 4000)),
    "b.png": ("RGB", (12000, 8400)),
}


@pytest.mark.parametrize("name", PICTURES)
def test_large_pictures_are_read_within_the_default_limit(tmp_path: Path, name: str) -> None:
    mode, size = PICTURES[name]
    source = tmp_path / name
    fast: Any = {"compress_level": 1} if name.endswith("png") else {"compression": "tiff_deflate"}
    Image.new(mode, size).save(source, **fast)

    async def scenario(child: Child) -> None:
        done = await child.call("read_exif", item(tmp_path / "out", source))
        assert isinstance(done, Done)
        assert (done.fields["Width"], done.fields["Height"]) == size

    run(scenario, Limits(idle=20, hard=20, memory_mb=ALLOWED), work=WORK)


def test_a_bomb_that_slips_through_fails_alone_and_spares_its_worker(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.png"
    Image.new("RGBA", (11000, 11000)).save(bomb, compress_level=1)
    good = save(tmp_path / "good.jpg", jpeg(quarters()))

    async def scenario(child: Child) -> None:
        with pytest.raises(ItemError, match="needs more memory") as caught:
            await child.call("read_exif", item(tmp_path / "out", bomb))
        assert caught.value.code == "memory"
        pid = child.pid
        assert isinstance(await child.call("read_exif", item(tmp_path / "out", good)), Done)
        assert child.pid == pid

    run(scenario, Limits(idle=20, hard=20, memory_mb=512), work=WORK)
