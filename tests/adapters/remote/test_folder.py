"""The same promises on every kind of server, each of them a program of the system's packages."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from penstock.adapters.folder import STRANGE
from penstock.adapters.remote.wire import TOLD
from penstock.engine import failpoint
from penstock.engine.errors import ItemError, Transient, Unavailable
from penstock.engine.failpoint import SimulatedCrash
from tests.adapters.remote.far import PLACE, Far, put, sha
from tests.servers import Server

LARGE = bytes(range(256)) * (3 * TOLD // 256)


def test_a_file_is_put_once_and_putting_it_again_changes_nothing(far: Far, source: Path) -> None:
    folder = far.folder()
    assert put(folder, source, b"heron")
    before = (far.root / PLACE).stat()
    assert not put(folder, source, b"heron")
    after = (far.root / PLACE).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert far.bytes_at() == b"heron"
    assert far.names() == [PLACE]


def test_a_strangers_file_of_the_same_name_is_left_alone(far: Far, source: Path) -> None:
    folder = far.folder()
    put(folder, source, b"theirs")
    for theirs, known in ((b"theirs", ()), (b"their", ()), (b"theirs", (sha(b"other"),))):
        (far.root / PLACE).write_bytes(theirs)
        with pytest.raises(ItemError, match="did not put there") as caught:
            put(folder, source, b"herons", known)
        assert caught.value.code == "conflict"
        with pytest.raises(ItemError, match="did not put there"):
            folder.remove(PLACE, known)
        assert far.bytes_at() == theirs
    assert far.names() == [PLACE]


def test_a_file_known_as_ours_is_replaced(far: Far, source: Path) -> None:
    folder = far.folder()
    put(folder, source, b"first")
    assert put(folder, source, b"second", known=(sha(b"first"),))
    assert far.bytes_at() == b"second"
    assert far.names() == [PLACE]


@pytest.mark.parametrize(
    "point", ["remote.before_upload", "remote.after_upload", "remote.before_rename", "remote.after_rename"]
)
def test_a_crash_leaves_the_name_absent_or_complete_and_a_replay_finishes(far: Far, source: Path, point: str) -> None:
    with failpoint.armed(f"{point}=crash"), pytest.raises(SimulatedCrash):
        put(far.folder(), source, b"heron")
    assert not (far.root / PLACE).exists() or far.bytes_at() == b"heron"
    assert put(far.folder(), source, b"heron") == (point != "remote.after_rename")
    assert far.bytes_at() == b"heron"
    assert far.names() == [PLACE]


def test_an_upload_goes_on_where_it_was_broken_off(far: Far, source: Path) -> None:
    folder, told = far.folder(), []
    with failpoint.armed("remote.after_upload=crash"), pytest.raises(SimulatedCrash):
        put(folder, source, LARGE)
    (part,) = far.names()
    with (far.root / part).open("r+b") as stream:
        stream.truncate(2 * TOLD)
    assert put(folder, source, LARGE, progress=told.append)
    assert [word for word in told if word.startswith("sent")] == [f"sent {3 * TOLD} bytes"]
    assert far.bytes_at() == LARGE
    assert far.names() == [PLACE]


@pytest.mark.parametrize("left", [b"not what we sent", bytes(len(LARGE)), bytes(len(LARGE) + 1)])
def test_a_part_that_is_not_ours_is_sent_anew(far: Far, source: Path, left: bytes) -> None:
    folder = far.folder()
    with failpoint.armed("remote.after_upload=crash"), pytest.raises(SimulatedCrash):
        put(folder, source, LARGE)
    (part,) = far.names()
    (far.root / part).write_bytes(left)
    assert put(folder, source, LARGE)
    assert far.bytes_at() == LARGE
    assert far.names() == [PLACE]


def test_a_server_that_is_killed_in_the_middle_and_starts_again_gets_the_file_once(far: Far, source: Path) -> None:
    folder, restarts = far.folder(), _Restart(far.server)
    assert put(folder, source, LARGE, progress=restarts.once)
    assert restarts.done
    assert far.bytes_at() == LARGE
    assert far.names() == [PLACE]


def test_a_server_that_stays_away_pauses_everything_and_leaves_no_name(far: Far, source: Path) -> None:
    folder = far.folder()

    def gone(word: str) -> None:
        if word.startswith("sent"):
            far.server.kill()

    with pytest.raises(Unavailable, match="the server at localhost"):
        put(folder, source, LARGE, progress=gone)
    assert not (far.root / PLACE).exists()
    far.server.start()
    assert put(folder, source, LARGE)
    assert far.names() == [PLACE]


def test_a_server_that_falls_silent_pauses_everything_and_its_worker_is_not_idle(far: Far, source: Path) -> None:
    far.timeout, words = 3.0, []
    folder = far.folder()

    def told(word: str) -> None:
        words.append(word)
        if word.startswith("sent"):
            far.server.freeze()
            far.timeout = 0.3  # of further tries

    with pytest.raises(Unavailable, match="the server at localhost"):
        put(folder, source, LARGE, progress=told)
    assert not (far.root / PLACE).exists()
    assert words.count("asking") == 4
    far.server.kill()
    far.server.start()
    far.timeout = 10.0
    assert put(folder, source, LARGE)
    assert far.names() == [PLACE]


def test_a_server_that_never_answered_is_told_at_once(far: Far) -> None:
    far.server.kill()
    with pytest.raises(Unavailable, match="the server at localhost: nobody answers"):
        far.folder().test()


def test_a_session_that_the_server_ended_between_two_files_is_made_anew(far: Far, source: Path) -> None:
    folder = far.folder()
    put(folder, source, b"one", path="one.jpg")
    far.server.kill()
    far.server.start()
    assert put(folder, source, b"two", path="two.jpg")
    assert far.names() == ["one.jpg", "two.jpg"]


def test_a_file_that_appears_meanwhile_is_not_written_over(far: Far, source: Path) -> None:
    failpoint.arm_call("remote.before_rename", lambda *_: (far.root / PLACE).write_bytes(b"theirs"))
    with pytest.raises(Transient, match="appeared meanwhile"):
        put(far.folder(), source, b"heron")
    failpoint.disarm()
    assert far.bytes_at() == b"theirs"
    assert far.names() == [PLACE]


def test_a_full_disk_pauses_everything_and_leaves_no_name(far: Far, source: Path, small_disk: Path) -> None:
    data = os.urandom(2 << 20)
    with pytest.raises(Unavailable, match="make room"):
        put(far.folder(), source, data)
    assert [path for path in small_disk.rglob("*") if path.is_file() and not path.name.endswith(".part")] == []
    for left in small_disk.rglob("*.part"):
        left.unlink()
    assert put(far.folder(), source, data[:1000])


def test_a_folder_that_may_not_be_written_pauses_everything(far: Far, source: Path, read_only: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be written on the server"):
        put(far.folder(), source, b"heron")
    assert list(read_only.iterdir()) == []


def test_a_wrong_password_or_key_is_told_without_it(far: Far, tmp_path: Path) -> None:
    far.password, far.trust = "a stork stands still", {"key_file": None}
    with pytest.raises(Unavailable, match=r"not in .*; check user and password") as caught:
        far.folder().test()
    assert "stork" not in str(caught.value)


def test_what_is_ours_is_removed_with_the_folders_that_it_leaves_empty(far: Far, source: Path) -> None:
    folder = far.folder()
    put(folder, source, b"heron")
    put(folder, source, b"stork", path="2026/birds/Stork.JPG")
    assert folder.remove(PLACE, [sha(b"heron")])
    assert not folder.remove(PLACE, [sha(b"heron")])
    assert far.names() == ["2026/birds/Stork.JPG"]
    assert sorted(path.name for path in (far.root / "2026").iterdir()) == ["birds"]
    assert folder.remove("2026/birds/Stork.JPG", [sha(b"stork")])
    assert list(far.root.iterdir()) == []


def test_every_name_is_listed_and_unfinished_ones_are_not(far: Far, source: Path) -> None:
    folder = far.folder()
    put(folder, source, b"heron")
    for name in ("a -> b.jpg", " led by a space.jpg", "-la", "2026/.half.part"):
        (far.root / name).write_bytes(b"theirs")
    assert list(folder.walk()) == sorted([" led by a space.jpg", "-la", PLACE, "a -> b.jpg"])


def test_a_folder_or_a_link_under_the_name_is_a_stranger(far: Far, source: Path) -> None:
    folder = far.folder()
    (far.root / PLACE).mkdir(parents=True)
    assert folder.look(PLACE) == STRANGE
    with pytest.raises(ItemError, match="did not put there"):
        put(folder, source, b"heron")


@pytest.mark.parametrize(
    "path",
    ["../out.jpg", "/etc/out.jpg", "a/../../out.jpg", "a\\b.jpg", "a\0b", "", "a\r\nDELE b.jpg", "a\nb", "a\x1b[2Jb",
     " a.jpg", "a /b.jpg", "a\u202eb.jpg", "a\ud800.jpg", "x" * 2000],
)  # fmt: skip
def test_no_path_leads_out_of_the_folder_or_says_anything_else_to_the_server(
    start: object, far: Far, source: Path, path: str
) -> None:
    with pytest.raises(ItemError, match="no place below"):
        put(far.folder(), source, b"heron", path=path)
    assert far.names() == []


def test_a_name_that_the_server_does_not_take_fails_alone(far: Far, source: Path) -> None:
    folder = far.folder()
    with pytest.raises(ItemError, match="the server takes no") as caught:
        put(folder, source, b"heron", path=f"2026/{'x' * 300}.jpg")
    assert caught.value.code == "refused"
    assert put(folder, source, b"heron", path="2026/ok.jpg")
    assert far.names() == ["2026/ok.jpg"]


@pytest.mark.parametrize(
    "name",
    ["-rf.jpg", "a*b?.jpg", "[ab].jpg", "~heron.jpg", "a;b|c`d`$(e).jpg", "Ĳ日本 🐦.jpg", "%2e%2e.jpg", '"q".jpg'],
)
def test_odd_names_are_only_names(far: Far, source: Path, name: str) -> None:
    folder, place = far.folder(), f"-odd {name.translate({42: 'x', 63: 'x'})}/{name}"
    assert put(folder, source, b"heron", path=place)
    assert folder.look(place) == sha(b"heron")
    assert far.names() == [place]
    assert folder.remove(place, [sha(b"heron")])
    assert list(far.root.iterdir()) == []


def test_what_is_not_what_was_rendered_is_never_sent(far: Far, source: Path) -> None:
    folder = far.folder()
    source.write_bytes(b"tampered")
    with pytest.raises(ItemError, match="not what was rendered"):
        folder.put(source, PLACE, sha(b"heron"), 5, ())
    with pytest.raises(ItemError, match="publish again"):
        folder.put(source.with_name("gone"), PLACE, sha(b"heron"), 5, ())
    with pytest.raises(ItemError, match="was not rendered"):
        folder.put(source, PLACE, "", 0, ())
    assert far.names() == []


def test_the_folder_is_made_and_tested(far: Far) -> None:
    folder = far.folder()
    folder.make()
    folder.test()
    assert list(far.root.iterdir()) == []


class _Restart:
    """Kills a server when the first bytes were sent, and starts it again."""

    def __init__(self, server: Server) -> None:
        self._server, self.done = server, False

    def once(self, word: str) -> None:
        if word.startswith("sent") and not self.done:
            self.done = True
            self._server.kill()
            self._server.start()
