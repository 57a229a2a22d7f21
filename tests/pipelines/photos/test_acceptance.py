"""A card of strange files goes through the real pipeline: what is fine waits for a person, what is not says why."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.pipelines.photos import strange, told

EXPECTED_FILES = 120


@dataclass
class Ended:
    """What the run over the strange card left."""

    card: Path
    home: Path
    wanted: dict[str, tuple[str, ...]]
    before: dict[str, str]
    rows: dict[str, Any] = field(default_factory=dict)  # by file name
    run: Any = None
    held: list[str] = field(default_factory=list)
    listed: list[str] = field(default_factory=list)
    violations: list[Any] = field(default_factory=list)
    faults: list[Any] = field(default_factory=list)  # of the texts

    @property
    def fine(self) -> list[str]:
        """The files that must wait for a person."""
        return [name for name, codes in self.wanted.items() if not codes]


_made: list[Ended] = []


@pytest.fixture
def ended(ledger_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """The run, made once: everything that the tests ask is read while its rows are there."""
    if not _made:
        card = tmp_path_factory.mktemp("strange") / "card"
        wanted = strange.fill(card)
        one = Ended(card, ledger_home, wanted, _hashes(card))
        _drive(one)
        _made.append(one)
    return _made[0]


def _hashes(card: Path) -> dict[str, str]:
    files = [file for file in card.iterdir() if file.is_file() and os.access(file, os.R_OK)]
    return {file.name: sha256(file.read_bytes()).hexdigest() for file in files}


def _drive(one: Ended) -> None:
    from penstock import config
    from penstock.accounts.models import create_site
    from penstock.engine.clock import SystemClock
    from penstock.engine.ids import RandomIds
    from penstock.ledger import control
    from penstock.ledger.drive import drive
    from penstock.oracle import examination
    from penstock.pipelines.photos import intake, namebook
    from penstock.pipelines.photos.models import Photo, ReservedName

    clock, site = SystemClock(), create_site("strange", "photos")
    where = {"folder": "nature", "location": "Gouda_Netherlands", "subject": "Grey heron"}
    intake.add(site, one.card, **where, confirm=lambda question: True, at=clock.wall())
    started = control.start(site, clock, RandomIds())
    assert drive(config.load(one.home), only=started.id, interruptible=False)
    one.run = control.find(started.id)
    one.rows = {Path(row.source_path).name: row for row in Photo.objects.filter(site=site)}
    one.held = sorted(ReservedName.objects.filter(site=site).values_list("name", flat=True))
    one.listed = json.loads(namebook.file_of(site).read_text(encoding="utf-8"))
    one.violations = list(examination.examine())
    one.faults = told.faults(one.run)
    kept = [row.ollama_path for row in one.rows.values() if row.state == "waiting"]
    assert all(Path(path).is_file() for path in kept), "what the model would read lies there"


def test_every_file_is_looked_at_and_nothing_hangs_or_breaks_off(ended: Ended) -> None:
    assert len(ended.wanted) >= EXPECTED_FILES
    assert set(ended.rows) == set(ended.wanted)
    assert ended.run.status == "completed"
    assert ended.violations == []


def test_what_is_fine_waits_for_a_person_with_every_field(ended: Ended) -> None:
    assert {name: row.error for name, row in ended.rows.items() if name in ended.fine and row.state != "waiting"} == {}
    for name in ended.fine:
        row = ended.rows[name]
        assert (row.Review_Status, row.stage) == ("Pending", "review")
        filled = (row.Caption, row.alt_text, row.Keywords, row.File_Name, row.phash, row.content_hash, row.Camera)
        assert all(filled), name
        measured = [row.nima_score, row.brisque_score, row.clip_aesthetic_score, row.blur_score]
        assert None not in [*measured, row.brightness_score, row.contrast_score, row.QR, row.Width, row.Height]


def test_what_is_not_fine_ends_with_its_reason_and_holds_no_name_and_no_score(ended: Ended) -> None:
    bad = {name: codes for name, codes in ended.wanted.items() if codes}
    assert {
        name: row.error_code for name, row in ended.rows.items() if name in bad and row.error_code not in bad[name]
    } == {}
    for name in bad:
        row = ended.rows[name]
        assert (row.state, row.Review_Status, row.attempts) == ("failed", "Error", 1), name
        assert row.error
        assert row.error.isprintable()
        assert (row.File_Name, row.Caption, row.QR, row.nima_score) == ("", "", None, None)


def test_the_originals_keep_their_bytes_and_copies_lie_under_harmless_names(ended: Ended) -> None:
    assert _hashes(ended.card) == ended.before
    for name in ended.fine:
        row = ended.rows[name]
        staged = Path(row.staged_path)
        assert row.content_hash == ended.before[name]
        assert staged.parent.name == "incoming"
        assert len(staged.name.encode()) <= 255
        assert staged.name.isprintable()
        assert not set(staged.name) & set('\\/:*?"<>|;$`%\u202e'), staged.name


def test_names_are_reserved_once_and_listed_as_the_database_holds_them(ended: Ended) -> None:
    assert ended.held == sorted(ended.rows[name].File_Name for name in ended.fine)
    assert ended.listed == ended.held


def test_every_text_says_only_what_is_stored_and_passes_the_rules(ended: Ended) -> None:
    assert ended.faults == []


def test_the_stored_columns_are_what_exiftool_reads(ended: Ended, exiftool: str) -> None:
    names = [name for name in ended.fine if name.isascii() and name.isprintable()]
    found = _by_exiftool(exiftool, [ended.card / name for name in names])
    wrong = {}
    for name in names:
        row, (raw, shown) = ended.rows[name], found[str(ended.card / name)]
        got = {
            column: getattr(row, column)
            for column in ("Width", "Height", "Exposure", "Aperture", "ISO", "Focal_length")
        }
        want = told.by_exiftool(raw, shown)
        wrong |= {f"{name}: {column}": (got[column], want[column]) for column in want if got[column] != want[column]}
        if row.DateTime:
            assert row.DateTime == raw["DateTimeOriginal"]
        if row.gps:
            assert (row.gps["lat"], row.gps["lon"]) == pytest.approx(
                (raw["GPSLatitude"], raw["GPSLongitude"]), abs=1e-6
            )
    assert wrong == {}
    assert sum(bool(ended.rows[name].Exposure) for name in names) >= 8


def _by_exiftool(program: str, paths: list[Path]) -> dict[str, Any]:
    """Path → (numbers, as printed)."""
    answers = []
    for option in (["-n"], []):
        command = [program, "-j", "-q", *option, *map(str, paths)]
        done = subprocess.run(command, capture_output=True, check=False, timeout=60)
        answers.append({one["SourceFile"]: one for one in json.loads(done.stdout)})
    return {path: (answers[0][path], answers[1][path]) for path in answers[0]}


def test_300_photos_of_a_few_sets_get_300_captions_that_pass_the_rules(ledger_home: Path) -> None:
    run = told.captioned(ledger_home, 300)
    rows = told.rows_of(run)
    assert {row.Review_Status for row in rows} == {"Pending"}
    assert len({row.Caption for row in rows}) >= 297
    assert len({row.alt_text for row in rows}) >= 297
    few = [row for row in rows if len(row.Keywords.split(", ")) < 10]  # without a time, one word, one colour
    assert len(few) <= 3
    assert all("keywords_few" in row.flags for row in few), "a person is told"
    assert told.faults(run) == []


def test_1200_photos_of_one_series_get_wide_numbers_and_folded_sets_never_collide(ledger_home: Path) -> None:
    run = told.queued(
        {("Grey heron", "Gouda"): 1200, ("GREY HERON", "Gouda"): 30, ("Gr\u00ebY h\u00e9ron", "gouda"): 30}
    )
    held = told.names_of(run)
    assert len(held) == 1260
    assert len({told.fold(name) for name in held.values()}) == 1260
    numbers = [told.number(name) for _, name in sorted(held.items())]
    assert numbers == list(range(1, 1261)), "one series for what some file system would confuse, in order"
    assert held[min(held)].endswith("_001.JPG")
    assert held[max(held)].endswith("_1260.JPG")
    assert told.listed(run) == sorted(held.values())
