"""Files are copied, moved and put back without losing bytes, also when the process dies in the middle."""

from __future__ import annotations

import errno
import hashlib
import io
import os
from pathlib import Path
from typing import Any

import pytest

from penstock.adapters import files, folders
from penstock.engine import failpoint
from penstock.engine.errors import Blocking, ItemError, Transient

BYTES = bytes(range(256)) * 9000  # more than two chunks
SHA = hashlib.sha256(BYTES).hexdigest()
STORED = {"sha256": SHA, "size": len(BYTES)}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "card" / "IMG_1.jpg"
    path.parent.mkdir()
    path.write_bytes(BYTES)
    os.utime(path, ns=(10**18, 10**18))
    return path


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "incoming" / "deep" / "IMG_1.jpg"


def test_a_copy_has_the_same_bytes_and_time_and_leaves_the_source(source: Path, target: Path) -> None:
    assert files.copy_verified(source, target) == STORED
    assert target.read_bytes() == source.read_bytes() == BYTES
    assert target.stat().st_mtime_ns == 10**18
    assert os.listdir(target.parent) == ["IMG_1.jpg"]


def test_an_empty_file_is_copied_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    assert files.copy_verified(tmp_path / "a", tmp_path / "b")["size"] == 0


def test_copying_twice_changes_nothing(source: Path, target: Path) -> None:
    files.copy_verified(source, target)
    before = target.stat().st_ino
    assert files.copy_verified(source, target) == STORED
    assert target.stat().st_ino == before


def test_a_target_with_other_bytes_is_refused_and_kept(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True)
    target.write_bytes(b"somebody else's")
    with pytest.raises(ItemError, match="another file") as caught:
        files.copy_verified(source, target)
    assert caught.value.code == "occupied"
    assert target.read_bytes() == b"somebody else's"


def test_a_target_that_appears_during_the_copy_is_kept(source: Path, target: Path) -> None:
    failpoint.arm_call("files.copy.before_rename", lambda name, context: target.write_bytes(b"quick"))
    try:
        with pytest.raises(ItemError, match="appeared"):
            files.copy_verified(source, target)
    finally:
        failpoint.disarm()
    assert target.read_bytes() == b"quick"
    assert os.listdir(target.parent) == ["IMG_1.jpg"]


def test_a_source_that_changes_during_the_copy_is_tried_again(source: Path, target: Path) -> None:
    failpoint.arm_call("files.copy.before_fsync", lambda name, context: source.write_bytes(BYTES + b"more"))
    try:
        with pytest.raises(Transient) as caught:
            files.copy_verified(source, target)
    finally:
        failpoint.disarm()
    assert caught.value.code == "changed"
    assert not target.exists()


@pytest.mark.parametrize("make", ["missing", "folder", "fifo", "null"])
def test_what_is_no_ordinary_file_is_refused(tmp_path: Path, target: Path, make: str) -> None:
    path = tmp_path / make
    if make == "folder":
        path.mkdir()
    elif make == "fifo":
        os.mkfifo(path)
    given = "a\0b" if make == "null" else path
    with pytest.raises(ItemError) as caught:
        files.copy_verified(given, target)
    assert caught.value.code == ("missing" if make == "missing" else "unreadable")


def test_a_symbolic_link_to_a_file_is_followed_on_purpose(source: Path, target: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.jpg"
    link.symlink_to(source)
    assert files.copy_verified(link, target) == STORED
    assert not target.is_symlink()


def test_a_link_planted_at_the_temporary_name_is_not_written_through(source: Path, target: Path) -> None:
    victim = source.parent / "victim"
    victim.write_bytes(b"precious")
    target.parent.mkdir(parents=True)
    target.with_name("IMG_1.jpg.part").symlink_to(victim)
    files.copy_verified(source, target)
    assert victim.read_bytes() == b"precious"


@pytest.mark.parametrize("point", ["before_fsync", "before_rename", "after_rename"])
def test_a_copy_that_died_is_finished_by_repeating_it(source: Path, target: Path, point: str) -> None:
    with failpoint.armed(f"files.copy.{point}=crash"), pytest.raises(failpoint.SimulatedCrash):
        files.copy_verified(source, target)
    assert files.copy_verified(source, target) == STORED
    assert target.read_bytes() == BYTES
    assert os.listdir(target.parent) == ["IMG_1.jpg"]


def test_a_full_disk_stops_the_run_and_leaves_nothing_behind(source: Path, target: Path) -> None:
    with (
        failpoint.armed("files.copy.before_fsync=enospc"),
        pytest.raises(Blocking, match="make room") as caught,
    ):
        files.copy_verified(source, target)
    assert caught.value.code == "disk"
    assert os.listdir(target.parent) == []


def test_a_move_on_one_device_is_a_rename(source: Path, target: Path) -> None:
    inode = source.stat().st_ino
    assert files.move_verified(source, target) == STORED
    assert not source.exists()
    assert target.stat().st_ino == inode


def test_a_move_between_devices_copies_then_removes(
    source: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def across(*names: object) -> None:
        raise OSError(errno.EXDEV, "other device")

    monkeypatch.setattr(os, "rename", across)
    assert files.move_verified(source, target) == STORED
    assert not source.exists()
    assert target.read_bytes() == BYTES


@pytest.mark.parametrize("device", ["same", "other"])
@pytest.mark.parametrize(
    "point", ["move.before_rename", "move.after_rename", "move.before_unlink", "copy.before_rename"]
)
def test_a_move_that_died_loses_nothing_and_can_be_repeated(
    source: Path, target: Path, device: str, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if device == "other":
        real = os.rename
        folder = str(source.parent)

        def across(old: os.PathLike[str], new: os.PathLike[str]) -> None:
            if str(old).startswith(folder):
                raise OSError(errno.EXDEV, "other device")
            real(old, new)

        monkeypatch.setattr(os, "rename", across)
    with failpoint.armed(f"files.{point}=crash"):
        try:
            files.move_verified(source, target)
        except failpoint.SimulatedCrash:
            assert any(path.is_file() and files.sha256_of(path) == SHA for path in (source, target))
    assert files.move_verified(source, target) == STORED
    assert not source.exists()
    assert os.listdir(target.parent) == ["IMG_1.jpg"]


def test_a_move_clears_away_what_a_copy_that_was_cut_short_has_left(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    part.write_bytes(b"half")
    files.move_verified(source, target)
    assert not part.exists()
    assert target.exists()


def test_a_move_onto_another_file_is_refused(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True)
    target.write_bytes(b"other")
    with pytest.raises(ItemError):
        files.move_verified(source, target)
    assert source.read_bytes() == BYTES
    assert target.read_bytes() == b"other"


def test_a_file_moved_onto_itself_stays(source: Path) -> None:
    with pytest.raises(ItemError, match="one and the same"):
        files.move_verified(source, source)
    assert source.read_bytes() == BYTES


def test_undoing_a_copy_removes_only_those_bytes(source: Path, target: Path) -> None:
    files.copy_verified(source, target)
    assert files.undo_copy(target, "0" * 64) is False
    assert target.exists()
    assert files.undo_copy(target, SHA) is True
    assert files.undo_copy(target, SHA) is True
    assert not target.exists()
    assert source.exists()


def test_undoing_a_copy_that_died_half_way_removes_the_part(source: Path, target: Path) -> None:
    with failpoint.armed("files.copy.before_rename=crash"), pytest.raises(failpoint.SimulatedCrash):
        files.copy_verified(source, target)
    assert files.undo_copy(target, SHA) is True
    assert os.listdir(target.parent) == []


def test_undoing_a_move_puts_the_file_back_and_repeats_quietly(source: Path, target: Path) -> None:
    files.move_verified(source, target)
    assert files.undo_move(source, target) == source
    assert files.undo_move(source, target) == source
    assert source.read_bytes() == BYTES
    assert not target.exists()


def test_undoing_a_move_never_writes_over_a_newer_file(source: Path, target: Path) -> None:
    files.move_verified(source, target)
    source.write_bytes(b"new on the card")
    source.with_name("IMG_1_restored_001.jpg").write_bytes(b"taken")
    home = files.undo_move(source, target)
    assert home.name == "IMG_1_restored_002.jpg"
    assert home.read_bytes() == BYTES
    assert source.read_bytes() == b"new on the card"


def test_undoing_a_move_says_when_both_are_gone(tmp_path: Path) -> None:
    with pytest.raises(ItemError, match="cannot be put back"):
        files.undo_move(tmp_path / "a", tmp_path / "b")


def test_written_bytes_replace_the_older_file_whole(tmp_path: Path) -> None:
    target = tmp_path / "work" / "x.jpg"
    assert files.write_bytes(target, BYTES) == STORED
    with failpoint.armed("files.write.before_rename=crash"), pytest.raises(failpoint.SimulatedCrash):
        files.write_bytes(target, b"half")
    assert target.read_bytes() == BYTES
    files.write_bytes(target, b"new")
    assert target.read_bytes() == b"new"


def test_a_link_shares_the_bytes_and_replacing_it_spares_the_original(source: Path, target: Path) -> None:
    assert files.link_or_copy(source, target) == STORED
    assert target.stat().st_ino == source.stat().st_ino
    files.write_bytes(target, b"other")
    assert source.read_bytes() == BYTES


def test_where_links_are_impossible_bytes_are_copied(
    source: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*names: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    assert files.link_or_copy(source, target) == STORED
    assert target.stat().st_ino != source.stat().st_ino


def test_releasing_memory_leaves_the_bytes_and_forgives_a_missing_file(source: Path, tmp_path: Path) -> None:
    files.release_cache(source)
    files.release_cache(tmp_path / "gone")
    assert source.read_bytes() == BYTES


def test_folders_that_are_made_for_a_file_are_as_durable_as_the_file(
    source: Path, target: Path, tmp_path: Path, synced: list[Path]
) -> None:
    files.copy_verified(source, target)
    assert [place for place in synced if place.is_dir()] == [tmp_path, tmp_path / "incoming", target.parent]
    synced.clear()
    folders.make_folder(target.parent)
    assert synced == []


def test_what_is_found_done_is_made_durable_for_whoever_did_it_may_have_died(
    source: Path, target: Path, synced: list[Path]
) -> None:
    files.move_verified(source, target)
    synced.clear()
    files.move_verified(source, target)
    assert target.parent in synced
    source.write_bytes(BYTES)
    synced.clear()
    files.copy_verified(source, target)
    assert target.parent in synced
    target.unlink()
    synced.clear()
    assert files.undo_copy(target, SHA)
    assert synced == [target.parent]


def test_a_move_that_is_undone_leaves_nothing_that_could_come_back(
    source: Path, target: Path, synced: list[Path]
) -> None:
    files.copy_verified(source, target)
    synced.clear()
    assert files.undo_move(source, target) == source
    assert synced == [target.parent]


def test_lines_are_added_durably_and_a_torn_line_gets_an_end_of_its_own(tmp_path: Path, synced: list[Path]) -> None:
    file = tmp_path / "logs" / "log.txt"
    files.append(file, "one\n")
    assert synced == [tmp_path, file, file.parent]
    file.write_text("one\ntw")
    files.append(file, "two\n")
    assert file.read_text() == "one\ntw\ntwo\n"


def test_bytes_that_are_there_are_kept_as_they_are_unless_somebody_died_over_them(tmp_path: Path) -> None:
    target = tmp_path / "names.json"
    files.keep_bytes(target, b"[]")
    first = target.stat().st_ino
    files.keep_bytes(target, b"[]")
    assert target.stat().st_ino == first
    part = tmp_path / "names.json.part"
    part.write_bytes(b"[")
    files.keep_bytes(target, b"[]")
    assert not part.exists()
    files.keep_bytes(target, b"[1]")
    assert target.read_bytes() == b"[1]"


class Scratched(io.RawIOBase):
    """A file on a card with a bad sector."""

    def readinto(self, buffer: Any) -> int:
        raise OSError(errno.EIO, "Input/output error")


def test_a_card_that_cannot_be_read_is_that_files_fault_and_leaves_nothing(
    source: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penstock.adapters.files.open", lambda *_, **__: Scratched(), raising=False)
    with pytest.raises(ItemError, match="cannot be read to its end") as error:
        files.copy_verified(source, target)
    assert error.value.code == "unreadable"
    assert not target.exists()


def test_a_disk_that_fails_while_it_is_written_stops_the_run(source: Path, target: Path) -> None:
    with failpoint.armed("files.copy.before_fsync=error:OSError"), pytest.raises(Blocking) as error:
        files.copy_verified(source, target)
    assert error.value.code == "disk"
