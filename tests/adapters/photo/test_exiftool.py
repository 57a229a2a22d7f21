"""One exiftool serves many photos, and no file, name or death of it ever fails a photo."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from penstock.adapters.photo.exiftool import ExifTool, lens_name
from tests.adapters.photo.pictures import ASCII, exif_block, jpeg, save

LENS = "RF24-105mm F4 L IS USM"


@pytest.fixture
def tool() -> Iterator[ExifTool]:
    one = ExifTool()
    yield one
    one.close()


def photo(path: Path, lens: str = LENS) -> Path:
    return save(path, jpeg(exif=exif_block({0x010F: (ASCII, "Canon")}, {0xA434: (ASCII, lens)})))


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program called exiftool that does as the test writes into it."""
    program = tmp_path / "bin" / "exiftool"
    program.parent.mkdir()
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return program


def script(program: Path, body: str) -> None:
    program.write_text(f"#!{sys.executable}\nimport sys, time\n{body}\n")
    program.chmod(0o755)


def test_one_process_answers_for_many_files(tmp_path: Path, exiftool: str, tool: ExifTool) -> None:
    lenses = [f"EF{n}mm f/2" for n in range(10, 14)]
    paths = [photo(tmp_path / f"{n}.jpg", lens) for n, lens in enumerate(lenses)]
    assert tool.pid is None
    seen = set()
    for path, lens in zip(paths, lenses, strict=True):
        assert tool.lens(path) == lens
        seen.add(tool.pid)
    assert len(seen) == 1


@pytest.mark.parametrize("name", ["-one [1].jpg", "-ver", "#[CSTR]\\n.jpg", " öther ش .jpg", "-execute9", "$x`id`.jpg"])
def test_a_name_is_never_taken_for_an_option(
    tmp_path: Path, exiftool: str, tool: ExifTool, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert tool.lens(name) == LENS


def test_a_name_that_is_not_utf_8_is_found(tmp_path: Path, exiftool: str, tool: ExifTool) -> None:
    assert tool.lens(photo(tmp_path / os.fsdecode(b"caf\xe9.jpg"))) == LENS


def test_a_name_with_a_line_break_sends_no_line_of_its_own(tmp_path: Path, exiftool: str, tool: ExifTool) -> None:
    victim = photo(tmp_path / "victim.jpg")
    before = victim.read_bytes()
    assert tool.lens(tmp_path / f"a\n-Lens=x\n{victim}\n-execute1\n.jpg") == ""
    assert tool.lens(victim) == LENS
    assert victim.read_bytes() == before


def test_a_file_that_it_cannot_read_has_no_lens(tmp_path: Path, exiftool: str, tool: ExifTool) -> None:
    assert tool.lens(tmp_path / "missing.jpg") == ""
    assert tool.lens(save(tmp_path / "text.jpg", b"{ready2}\n" * 500)) == ""
    assert tool.lens(photo(tmp_path / "good.jpg")) == LENS


def test_after_its_death_another_is_started(tmp_path: Path, exiftool: str, tool: ExifTool) -> None:
    path = photo(tmp_path / "a.jpg")
    assert tool.lens(path) == LENS
    first = tool.pid
    assert first
    os.kill(first, signal.SIGKILL)
    assert tool.lens(path) == LENS
    assert tool.pid not in (None, first)


def test_one_that_always_dies_is_given_up_after_two(tmp_path: Path, fake: Path, tool: ExifTool) -> None:
    script(fake, f"open({str(tmp_path / 'starts')!r}, 'a').write('x')")
    assert tool.lens(tmp_path / "a.jpg") == ""
    assert (tmp_path / "starts").read_text() == "xx"


def test_one_that_does_not_answer_is_ended(tmp_path: Path, fake: Path, tool: ExifTool) -> None:
    script(fake, "time.sleep(60)")
    assert tool.lens(tmp_path / "a.jpg", timeout=0.2) == ""
    assert tool.pid is None


@pytest.mark.parametrize("body", ["sys.stdout.write('x' * 10_000_000)", "sys.stdout.write('\\n' * 1000)"])
def test_an_endless_answer_is_cut_off(tmp_path: Path, fake: Path, tool: ExifTool, body: str) -> None:
    script(fake, f"sys.stdin.readline()\n{body}\nsys.stdout.flush()\ntime.sleep(60)")
    assert tool.lens(tmp_path / "a.jpg", timeout=5) == ""
    assert tool.pid is None


@pytest.mark.parametrize(
    "words", ["[]", "[3]", "{}", "no json", '[{"LensModel": {"a": 1}}]', '[{"Lens": "Unknown (0)"}]']
)
def test_an_answer_that_is_none_names_no_lens(tmp_path: Path, fake: Path, tool: ExifTool, words: str) -> None:
    body = f"for line in sys.stdin:\n    if line.startswith('-execute'):\n        print({words!r})"
    script(fake, f"{body}\n        print('{{ready' + line.strip()[8:] + '}}', flush=True)")
    assert tool.lens(tmp_path / "a.jpg", timeout=5) == ""
    assert tool.pid is not None


def test_the_program_may_lie_anywhere(tmp_path: Path, exiftool: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    own = tmp_path / "my exiftool"
    script(own, f"import os\nos.execv({exiftool!r}, [{exiftool!r}, *sys.argv[1:]])")
    assert lens_name(photo(tmp_path / "a.jpg"), program=str(own)) == LENS
    assert lens_name(photo(tmp_path / "a.jpg"), program=str(tmp_path / "none")) == ""


def test_without_exiftool_no_lens_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: ExifTool) -> None:
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    assert tool.lens(tmp_path / "a.jpg") == ""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent died")
def test_it_ends_with_a_worker_that_was_killed(tmp_path: Path, exiftool: str) -> None:
    code = (
        "from penstock.adapters.photo import exiftool\n"
        f"exiftool.lens_name({str(photo(tmp_path / 'a.jpg'))!r})\n"
        "print(exiftool._OPEN['exiftool'].pid, flush=True)\n"
        "input()\n"
    )
    worker = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    own = psutil.Process(int(worker.stdout.readline()))
    worker.kill()
    worker.communicate()
    until = time.monotonic() + 5
    while own.is_running() and own.status() != psutil.STATUS_ZOMBIE and time.monotonic() < until:
        time.sleep(0.02)
    assert not own.is_running() or own.status() == psutil.STATUS_ZOMBIE
