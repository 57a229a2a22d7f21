"""What the gate knows of photos."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from penstock.engine.errors import Refused, UsageError
from penstock.ledger.models import SiteCounter
from penstock.pipelines.photos.models import Photo, ReservedName
from penstock.review import gate
from penstock.review.models import Decision
from tests.pipelines.photos import rows

pytestmark = pytest.mark.usefixtures("ledger_home")
WHEN = datetime(2026, 11, 21, tzinfo=UTC)
BY: dict[str, Any] = {"who": "ann", "at": WHEN}


def status(photo: Photo) -> str:
    """As stored now."""
    return Photo.objects.values_list("Review_Status", flat=True).get(id=photo.id)


def test_an_approval_binds_a_person_and_what_was_seen() -> None:
    photo = rows.waiting(rows.site())
    gate.approve("photo", photo.id, **BY)
    decision = Decision.objects.get()
    assert (status(photo), decision.who, len(decision.fingerprint)) == ("Approved", "ann", 64)


def test_an_edit_voids_the_approval() -> None:
    photo = rows.waiting(rows.site())
    gate.approve("photo", photo.id, **BY)
    gate.edit("photo", photo.id, {"Caption": "Another sentence about a heron."}, **BY)
    assert status(photo) == "Pending"
    with pytest.raises(Refused, match="not approved"):
        gate.approved("photo", photo.id)


def test_a_changed_setting_of_the_picture_voids_the_approval() -> None:
    site = rows.site()
    photo = rows.waiting(site)
    gate.approve("photo", photo.id, **BY)
    site.settings = {"quality": 50}
    site.save()
    with pytest.raises(Refused, match="changed after it was approved"):
        gate.approved("photo", photo.id)


def test_an_original_that_is_gone_cannot_be_published() -> None:
    photo = rows.waiting(rows.site())
    gate.approve("photo", photo.id, **BY)
    with pytest.raises(Refused):
        gate.approved("photo", photo.id)


def test_a_rejection_frees_the_name_and_its_undo_takes_it_again() -> None:
    photo = rows.waiting(rows.site())
    gate.reject("photo", photo.id, reason="blurred", **BY)
    assert (status(photo), ReservedName.objects.count()) == ("Rejected", 0)
    gate.send_back("photo", photo.id, **BY)
    assert (status(photo), ReservedName.objects.get().name) == ("Pending", photo.File_Name)


def test_an_undone_rejection_gets_the_next_name_when_its_own_is_taken() -> None:
    site = rows.site()
    photo = rows.waiting(site)
    gate.reject("photo", photo.id, reason="blurred", **BY)
    rows.waiting(site, 1)
    gate.send_back("photo", photo.id, **BY)
    assert Photo.objects.get(id=photo.id).File_Name.endswith("_002.JPG")


def test_a_rejection_needs_a_reason() -> None:
    with pytest.raises(UsageError, match="reason"):
        gate.reject("photo", rows.waiting(rows.site()).id, reason=" ", **BY)


def test_a_row_with_an_empty_text_or_on_hold_cannot_be_approved() -> None:
    site = rows.site()
    with pytest.raises(Refused, match="alt_text is empty"):
        gate.approve("photo", rows.waiting(site, 1, alt_text="").id, **BY)
    with pytest.raises(Refused, match="on hold"):
        gate.approve("photo", rows.waiting(site, 2, hold=True).id, **BY)


def test_a_stale_revision_overwrites_nothing() -> None:
    photo = rows.waiting(rows.site())
    gate.edit("photo", photo.id, {"Subject": "Coot"}, **BY)
    with pytest.raises(Refused) as refused:
        gate.edit("photo", photo.id, {"Subject": "Mallard"}, revision=0, **BY)
    assert refused.value.code == "changed"


def test_the_same_decision_id_is_one_decision() -> None:
    photo = rows.waiting(rows.site())
    for _ in range(3):
        gate.approve("photo", photo.id, decision_id="abc", **BY)
    assert Decision.objects.count() == 1


def test_decisions_move_the_counters() -> None:
    photo = rows.waiting(rows.site())
    gate.approve("photo", photo.id, **BY)
    counts = {(c.stage, c.state): c.n for c in SiteCounter.objects.filter(table="photo")}
    assert counts == {("review", "waiting"): 0, ("review", "approved"): 1}


@pytest.mark.parametrize(("fields", "said"), [
    ({"Caption": ""}, "Caption"), ({"QR": "eleven"}, "QR"), ({"QR": "11"}, "1 to 10"), ({"Folder": "x"}, "folder"),
    ({"File_Name": "a/b.jpg"}, "characters"), ({"File_Name": "a.png"}, "JPG"), ({"Keywords": " , "}, "Keywords"),
    ({"ISO": "3"}, "ISO"), ({"Caption": "a\x00b"}, "printable"),
])  # fmt: skip
def test_a_bad_edit_names_its_field(fields: dict[str, str], said: str) -> None:
    photo = rows.waiting(rows.site())
    with pytest.raises(UsageError, match=said):
        gate.edit("photo", photo.id, fields, **BY)
    assert Photo.objects.get(id=photo.id).revision == 0


def test_a_name_that_another_photo_holds_in_any_spelling_is_refused() -> None:
    site = rows.site()
    first, second = rows.waiting(site, 1), rows.waiting(site, 2)
    with pytest.raises(Refused, match="held by"):
        gate.edit("photo", second.id, {"File_Name": first.File_Name.lower().replace(".jpg", ".JPG")}, **BY)


def test_an_edited_rating_sets_its_class() -> None:
    photo = rows.waiting(rows.site())
    gate.edit("photo", photo.id, {"QR": "4.6"}, **BY)
    assert Photo.objects.values_list("QR", "QC_Status").get(id=photo.id) == (4.6, "Low")
