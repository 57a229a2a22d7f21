"""Texts that photos hold already."""

from __future__ import annotations

import pytest

from penstock.pipelines.photos.facts import Texts
from penstock.pipelines.photos.known import Known
from tests.pipelines.photos import rows

pytestmark = pytest.mark.usefixtures("ledger_home")


def texts(caption: str, alt: str = "An alt text of its own.") -> Texts:
    """Texts without keywords."""
    return Texts(caption, alt, ())


def test_a_text_of_a_row_outside_the_run_is_taken_in_any_spelling() -> None:
    site = rows.site()
    photo = rows.waiting(site, Caption="A grey heron.", alt_text="Heron in reeds.")
    known = Known(rows.run(site))
    assert known.taken(texts("a GREY heron"), photo.id)
    assert known.taken(texts("Another.", "heron in reeds!"), 99, others=True)
    assert not known.taken(texts("A coot."), 99)


def test_a_photo_never_stands_in_its_own_way() -> None:
    site = rows.site()
    run = rows.run(site)
    photo = rows.waiting(site, run=run.id, Caption="A grey heron.", alt_text="Heron in reeds.")
    known = Known(run)
    same = texts("A grey heron.", "Heron in reeds.")
    assert not known.taken(same, photo.id)
    assert known.taken(same, photo.id + 1)
    assert not known.taken(same, photo.id + 1, others=True)


def test_a_replaced_text_is_free_again() -> None:
    known = Known(rows.run(rows.site()))
    known.add(1, texts("A grey heron."))
    known.add(1, texts("A coot.", "A coot on water."))
    assert not known.taken(texts("A grey heron.", "Heron."), 2)
    assert known.taken(texts("A coot.", "Something."), 2)


def test_two_photos_with_one_text_hold_it_until_both_gave_it_up() -> None:
    known = Known(rows.run(rows.site()))
    known.add(1, texts("A coot."))
    known.add(2, texts("A coot."))
    assert known.taken(texts("A coot.", "x"), 1)
    known.add(2, texts("A heron.", "y"))
    assert not known.taken(texts("A coot.", "x"), 1)


@pytest.mark.parametrize("in_run", [True, False])
def test_nobody_holds_an_empty_text(in_run: bool) -> None:
    site = rows.site()
    run = rows.run(site)
    rows.waiting(site, 1, alt_text="", run=run.id if in_run else None)
    rows.waiting(site, 2, Caption="", run=run.id if in_run else None)
    seen = Known(run).of(99)
    assert not seen.caption("A sentence of its own.")
    assert not seen.alt_text("Another sentence.")
    assert seen.caption("Grey heron number 1 in Gouda.")


def test_the_judge_asks_about_each_text_by_itself() -> None:
    known = Known(rows.run(rows.site()))
    known.add(1, texts("A coot.", "Coot on water."))
    seen, none = known.of(2), known.none()
    assert (seen.caption("A coot."), seen.alt_text("A coot."), seen.alt_text("Coot on water")) == (True, False, True)
    assert not none.caption("A coot.")
    assert not none.alt_text("Coot on water.")
