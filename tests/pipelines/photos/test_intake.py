"""Making a set: what is taken, what is left out and why, and what is asked first."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from penstock.accounts.models import Site
from penstock.engine.errors import UsageError
from penstock.ledger.models import Event, SiteCounter
from penstock.pipelines.photos import intake
from penstock.pipelines.photos.models import PhotoFile, PhotoSet, ReservedName, Taxon
from tests.pipelines.photos import rows

pytestmark = pytest.mark.usefixtures("ledger_home")
WHEN = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """Three pictures, a text, a hidden file, and a picture in a folder below."""
    place = tmp_path / "card"
    (place / "deeper").mkdir(parents=True)
    for name in ("b.JPG", "a.jpg", "c.webp", "notes.txt", ".hidden.jpg", "deeper/d.tif"):
        (place / name).write_bytes(name.encode())
    return place


def add(site: Site, path: Path, **more: Any) -> intake.Added:
    """A set with words that the site knows."""
    words: dict[str, Any] = {"folder": "nature", "location": "Gouda_Netherlands", "subject": "Grey heron"}
    return intake.add(site, path, **{"confirm": lambda _: False, "at": WHEN, **words, **more})


def taken() -> list[str]:
    """Names of the files that sets hold, in order."""
    return [Path(path).name for path in PhotoFile.objects.order_by("ordinal").values_list("path", flat=True)]


def test_a_folder_gives_its_pictures_in_the_order_of_their_names(card: Path) -> None:
    added = add(rows.site(), card)
    assert (added.files, added.skipped, taken()) == (3, [], ["a.jpg", "b.JPG", "c.webp"])
    assert SiteCounter.objects.get(table="file", stage="validate", state="ready").n == 3
    assert Event.objects.get(kind="set_added").lines[0][1].startswith(f"Set {added.set_id}: 3 files, Grey heron")


def test_folders_below_are_looked_into_when_asked(card: Path) -> None:
    assert add(rows.site(), card, recursive=True).files == 4


def test_one_file_makes_a_set_and_move_is_kept(card: Path) -> None:
    add(rows.site(), card / "a.jpg", move=True)
    assert (taken(), PhotoSet.objects.get().mode) == (["a.jpg"], "move")


def test_a_file_that_another_set_holds_is_left_out_and_named(card: Path) -> None:
    site = rows.site()
    add(site, card / "b.JPG")
    added = add(site, card)
    assert (added.files, added.skipped) == (2, [(str(card / "b.JPG"), "is in another set already")])
    with pytest.raises(UsageError, match="every picture there is in another set"):
        add(site, card)


def test_a_folder_called_like_a_picture_is_not_taken_for_one(card: Path) -> None:
    (card / "album.jpg").mkdir()
    assert add(rows.site(), card).files == 3


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep names as Unicode")
def test_a_name_that_is_no_utf8_is_left_out_and_named(card: Path) -> None:
    os.mkdir(os.fsencode(card) + b"/odd")
    with open(os.fsencode(card) + b"/odd/IMG_\xff.jpg", "wb"):
        site = rows.site()
    with pytest.raises(UsageError, match=r"IMG_\\udcff.jpg has a name that is no UTF-8"):
        add(site, card / "odd")
    os.rename(os.fsencode(card) + b"/odd/IMG_\xff.jpg", os.fsencode(card) + b"/IMG_\xff.jpg")
    ((name, why),) = add(site, card).skipped
    assert ("IMG_" in name, "UTF-8" in why, name.isprintable()) == (True, True, True)


@pytest.mark.parametrize(
    ("place", "said"), [("nowhere", "there is no such file or folder"), ("empty", "no pictures there.*--recursive")]
)
def test_a_place_without_pictures_is_named(tmp_path: Path, place: str, said: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=said):
        add(rows.site(), tmp_path / place)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"subject": "  "}, "--subject is empty"),
        ({"subject": "a\x00b"}, "control characters"),
        ({"subject": "x" * 121}, "too long"),
        ({"folder": "f" * 81}, "too long"),
        ({"location": "-- !"}, "no letter or digit"),
        ({"subject": "x" * 119}, "does not fit into 150"),
    ],
)
def test_words_that_make_no_file_name_are_refused_before_anything_is_made(
    card: Path, words: dict[str, str], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        add(rows.site(), card, **words)
    assert not PhotoSet.objects.exists()


def test_a_new_folder_is_asked_for_and_nobody_waits_for_the_answer(card: Path) -> None:
    site, asked = rows.site(), []

    def confirm(question: str) -> bool:
        asked.append((question, connection.in_atomic_block))
        return True

    add(site, card, folder="birds", confirm=confirm)
    assert asked == [("folder 'birds' is new to site demo. Add it?", False)]
    assert Taxon.objects.get(kind="folder", key="birds").name == "Birds"


def test_a_no_leaves_nothing_behind(card: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'nature'"):
        add(rows.site(), card, folder="natur")
    assert not PhotoSet.objects.exists()
    assert Taxon.objects.count() == 2


def test_names_of_an_earlier_installation_are_taken_over_with_the_first_set_only(card: Path) -> None:
    site = rows.site()
    (site.root / "data" / "used_filenames.json").write_text(json.dumps(["Grey_Heron_001.JPG"]))
    add(site, card / "a.jpg")
    assert ReservedName.objects.get().name == "Grey_Heron_001.JPG"
    assert "1 file names taken over" in Event.objects.get(kind="set_added").lines[0][1]
    ReservedName.objects.all().delete()
    add(site, card / "b.JPG")
    assert not ReservedName.objects.exists()
    (site.root / "data" / "used_filenames.json").unlink()


def test_a_sample_takes_from_every_folder_in_turn(card: Path) -> None:
    site = rows.site()
    Taxon.objects.create(site=site, kind="folder", key="birds", name="Birds")
    add(site, card)
    add(site, card / "deeper", folder="birds")
    chosen = intake.sample(site, 3)["file"]
    folders = [PhotoFile.objects.get(id=one).set.folder for one in chosen]
    assert folders == ["nature", "birds", "nature"]
    assert len(intake.sample(site, 99)["file"]) == 4
