"""File names that photos hold."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import transaction

from penstock.accounts.models import Site
from penstock.engine.errors import Blocking, Refused, UsageError
from penstock.pipelines.photos import namebook, names
from penstock.pipelines.photos.models import Photo, ReservedName
from tests.pipelines.photos import rows

pytestmark = pytest.mark.usefixtures("ledger_home")


def row(photo: Photo) -> dict[str, Any]:
    """The photo as the gate hands it over."""
    return dict(Photo.objects.values().get(id=photo.id))


def held() -> list[str]:
    """Every name that is held."""
    return sorted(ReservedName.objects.values_list("name", flat=True))


def copied(site: Site) -> Any:
    """What the copy says."""
    return json.loads(namebook.file_of(site).read_text(encoding="utf-8"))


def test_a_released_name_is_gone_from_the_copy_after_the_commit_and_not_before() -> None:
    site = rows.site()
    first, second = rows.waiting(site, 1), rows.waiting(site, 2)
    namebook.write_copy(site)
    with transaction.atomic():
        namebook.release(row(first))
        assert len(copied(site)) == 2
    assert copied(site) == held() == [second.File_Name]


def test_a_name_is_taken_again_once() -> None:
    photo = rows.waiting(rows.site())
    namebook.release(row(photo))
    assert namebook.retake(row(photo)) == {}
    assert namebook.retake(row(photo)) == {}
    assert held() == [photo.File_Name]


def test_a_name_that_another_holds_is_taken_again_with_the_next_number_of_its_series() -> None:
    site = rows.site()
    photo = rows.waiting(site, 1)
    namebook.release(row(photo))
    rows.waiting(site, 1)
    rows.waiting(site, 41)
    changed = namebook.retake(row(photo))["File_Name"]
    assert changed.endswith("_042.JPG")
    assert changed in held()


def test_a_name_without_a_number_that_another_holds_by_now_gets_its_first_number() -> None:
    site = rows.site()
    photo, other = rows.waiting(site, 1), rows.waiting(site, 2)
    Photo.objects.filter(id=photo.id).update(File_Name=namebook.rename(row(photo), "Heron.JPG"))
    namebook.release(row(photo))
    namebook.rename(row(other), "Heron.JPG")
    assert namebook.retake(row(photo)) == {"File_Name": "Heron_001.JPG"}


def test_no_number_is_left_blocks() -> None:
    site = rows.site()
    photo = rows.waiting(site, 1)
    ReservedName.objects.update(owner=0)
    ReservedName.objects.create(
        site=site, key="x", name="x", series=ReservedName.objects.get().series, number=names.MAX_NUMBER
    )
    with pytest.raises(Blocking, match="no free file name"):
        namebook.retake(row(photo))


def test_a_renamed_photo_gives_its_old_name_free() -> None:
    photo = rows.waiting(rows.site())
    assert namebook.rename(row(photo), " Grey_Heron_in_Reeds.jpg ") == "Grey_Heron_in_Reeds.JPG"
    assert held() == ["Grey_Heron_in_Reeds.JPG"]


def test_a_name_that_some_file_system_would_confuse_with_anothers_is_refused() -> None:
    site = rows.site()
    first, second = rows.waiting(site, 1), rows.waiting(site, 2)
    namebook.rename(row(first), "Küste_001.JPG")
    with pytest.raises(Refused, match=f"held by photo {first.id}"):
        namebook.rename(row(second), "KUSTE_001.JPG")
    assert second.File_Name in held()
    assert namebook.rename(row(first), "KUSTE_001.JPG") == "KUSTE_001.JPG"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("heron.png", "must end in .JPG"),
        ("heron", "must end in .JPG"),
        (".jpg", "1 to 146"),
        ("x" * 147 + ".jpg", "1 to 146"),
        ("../heron.jpg", "try heron.JPG"),
        ("grey heron.jpg", "try grey_heron.JPG"),
        ("a\x00b.jpg", "not every file system"),
        ("con.jpg", "device on Windows"),
        ("LPT1.JPG", "device on Windows"),
    ],
)
def test_a_name_that_not_every_file_system_takes_is_refused(name: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        namebook.clean(name)


def test_names_of_an_earlier_installation_are_held_by_nobody_and_count_in_their_series() -> None:
    site = rows.site()
    namebook.file_of(site).write_text(json.dumps(["Heron_007.JPG", "HERON_007.jpg", " ", "Odd name.JPG"]))
    assert namebook.import_used(site) == 2
    found = {(r.series, r.number, r.owner) for r in ReservedName.objects.all()}
    assert found == {("heron", 7, 0), (names.fold("Odd name.JPG"), 0, 0)}
    assert namebook.import_used(site) == 0


@pytest.mark.parametrize(("text", "said"), [("[", "cannot be read"), ("7", "no list"), ('{"a": 1}', "no list")])
def test_a_list_of_names_that_cannot_be_read_is_never_lost_in_silence(text: str, said: str) -> None:
    site = rows.site()
    namebook.file_of(site).write_text(text)
    with pytest.raises(UsageError, match=said):
        namebook.import_used(site)
    namebook.file_of(site).unlink()


def test_no_list_is_no_names() -> None:
    site = rows.site()
    namebook.file_of(site).unlink(missing_ok=True)
    assert namebook.import_used(site) == 0
