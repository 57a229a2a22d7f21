from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.publish.desk import Desk


def temporary(desk: Desk, run: str, item: int) -> Path:
    """The model's picture of a photo."""
    from penstock.pipelines.photos.models import Photo

    file = desk.site.root / "data" / "ollama_tmp" / f"run_{run}" / f"{item}.jpg"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"small")
    Photo.objects.filter(id=item).update(ollama_path=str(file))
    return file


def path_of(item: int) -> Any:
    from penstock.pipelines.photos.models import Photo

    return Photo.objects.get(id=item).ollama_path


def test_temporary_pictures_of_a_run_that_is_decided_go_after_publishing(desk: Desk) -> None:
    done = desk.photo()
    waits = desk.photo("Waits.JPG", approve=False)
    files = temporary(desk, "one", done), temporary(desk, "two", waits)
    desk.publish()
    assert [file.exists() for file in files] == [False, True]
    assert (path_of(done), path_of(waits)) == (None, str(files[1]))
    log = (desk.site.root / "logs" / "db_uploader.log").read_text(encoding="utf-8")
    assert "[OK] Cleaned ollama_tmp and cleared ollama_path." in log


def test_one_photo_that_waits_keeps_those_of_its_whole_run(desk: Desk) -> None:
    done, waits = desk.photo(), desk.photo("Waits.JPG", approve=False)
    files = temporary(desk, "one", done), temporary(desk, "one", waits)
    desk.publish()
    assert all(file.exists() for file in files)


def test_nothing_is_cleaned_after_a_failure(desk: Desk) -> None:
    item = desk.photo()
    file = temporary(desk, "one", item)
    desk.sql("CREATE TRIGGER no BEFORE INSERT ON photos_info_revamp BEGIN SELECT RAISE(ABORT, 'no rows today'); END")
    desk.publish()
    assert file.exists()
    assert path_of(item) == str(file)
