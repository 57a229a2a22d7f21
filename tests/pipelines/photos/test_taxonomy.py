"""Folders and locations that a site knows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from penstock.engine.errors import NotFound, UsageError
from penstock.ledger.models import Event
from penstock.pipelines.photos import taxonomy
from penstock.pipelines.photos.models import Photo, PhotoSet, Taxon
from tests.pipelines.photos import rows

pytestmark = pytest.mark.usefixtures("ledger_home")
BY: dict[str, Any] = {"who": "ann", "at": datetime(2026, 11, 21, tzinfo=UTC)}


def test_what_is_known_is_not_asked_for() -> None:
    taxonomy.ask(rows.site(), "folder", "nature", confirm=lambda _: pytest.fail("asked"))


def test_another_spelling_of_what_is_known_is_refused_whatever_a_person_says() -> None:
    with pytest.raises(UsageError, match="is known as 'nature'"):
        taxonomy.ask(rows.site(), "folder", "Nature", confirm=lambda _: True)


def test_a_near_miss_is_named_in_the_question() -> None:
    asked: list[str] = []

    def confirm(question: str) -> bool:
        asked.append(question)
        return True

    taxonomy.ask(rows.site(), "location", "Gouda_Netherland", confirm)
    assert "did you mean 'Gouda_Netherlands'?" in asked[0]


def test_a_key_becomes_known_once_under_a_readable_name() -> None:
    site = rows.site()
    for _ in range(2):
        taxonomy.ensure(site, "location", "den_haag")
    assert Taxon.objects.get(key="den_haag").name == "Den Haag"


def test_the_listing_counts_sets() -> None:
    site = rows.site()
    rows.waiting(site)
    found = {(row["kind"], row["key"]): row["sets"] for row in taxonomy.listing(site)}
    assert found == {("folder", "nature"): 1, ("location", "Gouda_Netherlands"): 1}


def test_adding_tells_who_did_it() -> None:
    site = rows.site()
    taxonomy.add(site, "folder", "birds", "Birds of the delta", **BY)
    assert taxonomy.names(site, "folder") == {"nature": "Nature", "birds": "Birds of the delta"}
    event = Event.objects.get()
    assert (event.who, event.lines) == ("ann", [["INFO", "folder birds added"]])


@pytest.mark.parametrize(
    ("kind", "key", "name", "said"),
    [
        ("colour", "red", "", "no kind of taxonomy"),
        ("folder", " ", "", "1 to 80 printable"),
        ("folder", "x" * 81, "", "1 to 80 printable"),
        ("folder", "nature", "", "is known already"),
        ("folder", "NATURE", "", "is known already as 'nature'"),
        ("folder", "birds", "a\nb", "1 to 120 printable"),
        ("folder", "birds", "x" * 121, "1 to 120 printable"),
    ],
)
def test_a_bad_key_or_name_is_refused(kind: str, key: str, name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        taxonomy.add(rows.site(), kind, key, name, **BY)


def test_a_new_name_leaves_the_key() -> None:
    site = rows.site()
    taxonomy.rename(site, "folder", "nature", "Nature of Holland", **BY)
    assert taxonomy.names(site, "folder") == {"nature": "Nature of Holland"}
    with pytest.raises(UsageError, match="1 to 120"):
        taxonomy.rename(site, "folder", "nature", " ", **BY)
    with pytest.raises(NotFound, match="penstock taxonomy list demo"):
        taxonomy.rename(site, "folder", "no", "No", **BY)


def test_merging_takes_open_photos_along_and_leaves_what_a_person_approved() -> None:
    site = rows.site()
    taxonomy.add(site, "folder", "birds", "", **BY)
    waiting = rows.waiting(site, 1)
    approved = rows.waiting(site, 2, state="approved", Review_Status="Approved")
    assert taxonomy.merge(site, "folder", "nature", "birds", **BY) == 1
    folders = dict(Photo.objects.values_list("id", "Folder"))
    assert folders == {waiting.id: "birds", approved.id: "nature"}
    assert PhotoSet.objects.get().folder == "birds"
    assert list(taxonomy.names(site, "folder")) == ["birds"]


def test_a_merge_is_a_persons_write_that_a_stale_page_does_not_undo() -> None:
    site = rows.site()
    taxonomy.add(site, "folder", "birds", "", **BY)
    photo = rows.waiting(site)
    taxonomy.merge(site, "folder", "nature", "birds", **BY)
    assert Photo.objects.get(id=photo.id).revision == photo.revision + 1


def test_nothing_is_merged_into_itself_or_into_the_unknown() -> None:
    site = rows.site()
    with pytest.raises(UsageError, match="into itself"):
        taxonomy.merge(site, "folder", "nature", "nature", **BY)
    with pytest.raises(NotFound):
        taxonomy.merge(site, "folder", "nature", "no", **BY)
    assert taxonomy.names(site, "folder") == {"nature": "Nature"}
