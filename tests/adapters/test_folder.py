from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from penstock.adapters.folder import STRANGE, Folder
from penstock.engine import failpoint
from penstock.engine.errors import ItemError, Transient, Unavailable
from penstock.engine.failpoint import SimulatedCrash

PLACE = "2026/nature/Heron at dawn [1].JPG"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    root = tmp_path / "site"
    root.mkdir()
    return Folder(root)


def put(folder: Folder, data: bytes, known: tuple[str, ...] = (), path: str = PLACE) -> bool:
    source = folder.root.parent / "rendered.jpg"
    source.write_bytes(data)
    return folder.put(source, path, sha(data), len(data), known)


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def parts(folder: Folder) -> list[Path]:
    return [path for path in folder.root.rglob("*") if path.name.endswith(".part")]


def test_a_file_is_put_once_and_putting_it_again_changes_nothing(folder: Folder) -> None:
    assert put(folder, b"heron")
    before = (folder.root / PLACE).stat()
    assert not put(folder, b"heron")
    after = (folder.root / PLACE).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert (folder.root / PLACE).read_bytes() == b"heron"
    assert parts(folder) == []


def test_a_strangers_file_of_the_same_name_is_left_alone(folder: Folder) -> None:
    (folder.root / PLACE).parent.mkdir(parents=True)
    (folder.root / PLACE).write_bytes(b"theirs")
    with pytest.raises(ItemError, match="did not put there") as caught:
        put(folder, b"heron")
    assert caught.value.code == "conflict"
    assert (folder.root / PLACE).read_bytes() == b"theirs"


def test_a_file_known_as_ours_is_replaced(folder: Folder) -> None:
    put(folder, b"first")
    assert put(folder, b"second", known=(sha(b"first"),))
    assert (folder.root / PLACE).read_bytes() == b"second"


@pytest.mark.parametrize("point", ["folder.before_rename", "publish.after_file"])
def test_a_crash_leaves_the_name_absent_or_complete_and_a_replay_finishes(folder: Folder, point: str) -> None:
    with failpoint.armed(f"{point}=crash"), pytest.raises(SimulatedCrash):
        put(folder, b"heron")
    there = folder.root / PLACE
    assert not there.exists() or there.read_bytes() == b"heron"
    assert put(folder, b"heron") == (point == "folder.before_rename")
    assert there.read_bytes() == b"heron"
    assert parts(folder) == []


def test_a_part_that_another_process_left_is_swept_by_the_next_put(folder: Folder) -> None:
    (folder.root / PLACE).parent.mkdir(parents=True)
    (folder.root / PLACE).with_name(f".{Path(PLACE).name}.0badc0de.1.part").write_bytes(b"hal")
    assert put(folder, b"heron")
    assert parts(folder) == []


def test_a_file_that_appears_meanwhile_is_not_written_over(folder: Folder) -> None:
    failpoint.arm_call("folder.before_rename", lambda *_: (folder.root / PLACE).write_bytes(b"theirs"))
    with pytest.raises(Transient, match="appeared meanwhile"):
        put(folder, b"heron")
    assert (folder.root / PLACE).read_bytes() == b"theirs"
    assert parts(folder) == []


def test_what_is_not_what_was_rendered_is_never_given_a_name(folder: Folder) -> None:
    source = folder.root.parent / "rendered.jpg"
    source.write_bytes(b"tampered")
    with pytest.raises(ItemError, match="not what was rendered"):
        folder.put(source, PLACE, sha(b"heron"), 5, ())
    with pytest.raises(ItemError, match="publish again"):
        folder.put(source.with_name("gone"), PLACE, sha(b"heron"), 5, ())
    assert list(folder.walk()) == []


@pytest.mark.parametrize("path", ["../out.jpg", "/etc/out.jpg", "a/../../out.jpg", "a\\b.jpg", "a\0b", ""])
def test_no_path_leads_out_of_the_folder(folder: Folder, path: str) -> None:
    with pytest.raises(ItemError, match="no place below"):
        put(folder, b"heron", path=path)


def test_no_link_leads_out_of_the_folder(folder: Folder) -> None:
    outside = folder.root.parent / "outside"
    outside.mkdir()
    (folder.root / "2026").symlink_to(outside)
    with pytest.raises(ItemError, match="leads out of"):
        put(folder, b"heron", path="2026/out.jpg")
    assert list(outside.iterdir()) == []


def test_a_link_under_the_name_is_a_stranger(folder: Folder) -> None:
    theirs = folder.root.parent / "theirs.jpg"
    theirs.write_bytes(b"heron")
    (folder.root / "a.jpg").symlink_to(theirs)
    assert folder.look("a.jpg") == STRANGE
    with pytest.raises(ItemError, match="did not put there"):
        put(folder, b"heron", path="a.jpg")


def test_a_full_disk_and_a_missing_folder_are_everybodys_trouble(folder: Folder, tmp_path: Path) -> None:
    with failpoint.armed("folder.before_rename=enospc"), pytest.raises(Unavailable, match="make room"):
        put(folder, b"heron")
    with pytest.raises(Unavailable, match="mount or make it"):
        Folder(tmp_path / "unmounted").look(PLACE)


def test_an_input_output_error_is_the_moments_trouble(folder: Folder) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    failpoint.arm_call("folder.before_rename", fail)
    with pytest.raises(Transient, match="cannot write below"):
        put(folder, b"heron")


def test_only_what_is_ours_is_removed_with_the_folders_it_leaves_empty(folder: Folder) -> None:
    put(folder, b"heron")
    with pytest.raises(ItemError, match="did not put there"):
        folder.remove(PLACE, [sha(b"another")])
    assert folder.remove(PLACE, [sha(b"heron")])
    assert not folder.remove(PLACE, [sha(b"heron")])
    assert list(folder.root.iterdir()) == []


def test_walking_lists_finished_files_only(folder: Folder) -> None:
    put(folder, b"heron")
    (folder.root / ".x.jpg.part").write_bytes(b"")
    assert list(folder.walk()) == [PLACE]


def test_testing_writes_a_probe_and_leaves_nothing(folder: Folder, tmp_path: Path) -> None:
    folder.test()
    assert list(folder.root.iterdir()) == []
    with pytest.raises(Unavailable):
        Folder(tmp_path / "unmounted").test()


def test_folders_and_files_are_durable_also_when_an_earlier_try_put_them_there(
    folder: Folder, synced: list[Path]
) -> None:
    put(folder, b"heron")
    assert {folder.root, folder.root / "2026", folder.root / "2026" / "nature"} <= set(synced)
    synced.clear()
    put(folder, b"heron")
    assert synced == [folder.root / "2026" / "nature"]
