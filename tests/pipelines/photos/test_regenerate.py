from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from penstock import config
from penstock.engine.clock import SystemClock
from penstock.engine.errors import NotFound, Refused
from penstock.engine.ids import RandomIds

AT = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


LIGHT = {"tone": "bright", "contrast": "high", "warmth": "warm", "colours": ["green"], "shape": "landscape"}


def known(owner: Any, **more: Any) -> Any:
    """A photo of which enough is known for the template to say something."""
    from tests.console.rows import photo

    return photo(owner, DateTime="2026:06:01 09:10:00", Subject="Old Mill", Folder="nature", light=LIGHT, **more)


def wish(owner: Any, *photos: Any, fields: tuple[str, ...] = ("Caption", "alt_text", "Keywords")) -> list[int]:
    from penstock.pipelines.photos import regenerate

    return regenerate.ask(owner, [one.pk for one in photos], fields, "ann", SystemClock(), RandomIds())


def driven(home: Path) -> None:
    from penstock.ledger.drive import drive

    assert drive(config.load(home), interruptible=False)


def told(owner: Any, wishes: list[int]) -> list[dict[str, Any]]:
    from penstock.pipelines.photos import regenerate

    return regenerate.told(owner, wishes)


def take(owner: Any, wish: int, made: Any, *fields: str) -> None:
    from penstock.ledger import rows
    from penstock.pipelines.photos import regenerate

    row = rows.read("photo", [made.pk])[0]
    by = {"who": "ann", "at": AT, "revision": row["revision"], "decision_id": f"take-{wish}"}
    regenerate.take(owner, wish, row, fields, **by)
    made.refresh_from_db()


def test_texts_are_written_anew_by_the_stage_and_touch_nothing_until_they_are_taken(ledger_home: Path) -> None:
    from penstock.oracle import examine
    from tests.console.rows import site

    owner = site()
    made, other = known(owner, edited=["Caption"], flags=["caption_too_short"]), known(owner)
    before = made.Caption
    [one] = wish(owner, made)
    assert told(owner, [one])[0]["state"] == "working"
    driven(ledger_home)
    made.refresh_from_db()
    assert (made.Caption, made.revision) == (before, 0)
    [found] = told(owner, [one])
    assert (found["state"], found["item"], set(found["texts"])) == (
        "done",
        made.pk,
        {"Caption", "alt_text", "Keywords"},
    )
    assert found["texts"]["Caption"] not in (before, other.Caption)
    take(owner, one, made, "Caption", "alt_text", "Keywords")
    assert (made.Caption, made.provider, made.revision) == (found["texts"]["Caption"], "template", 1)
    assert (made.edited, made.flags) == ([], [])
    assert told(owner, [one])[0]["taken"] is True
    bare = "its original should lie at a staged place"  # these photos have none
    assert [one for one in examine(owner) if not one.detail.startswith(bare)] == []


def test_one_field_leaves_the_others_as_they_are(ledger_home: Path) -> None:
    from tests.console.rows import site

    owner = site()
    made = known(owner, flags=["caption_too_short"])
    alt, keywords = made.alt_text, made.Keywords
    [one] = wish(owner, made, fields=("Caption",))
    driven(ledger_home)
    assert set(told(owner, [one])[0]["texts"]) == {"Caption"}
    take(owner, one, made, "Caption", "Keywords")
    assert (made.alt_text, made.Keywords, made.flags) == (alt, keywords, ["caption_too_short"])


def test_a_text_that_another_row_got_meanwhile_is_not_saved(ledger_home: Path) -> None:
    from penstock.pipelines.photos.models import Photo
    from tests.console.rows import site

    owner = site()
    made, other = known(owner), known(owner)
    [one] = wish(owner, made)
    driven(ledger_home)
    text = told(owner, [one])[0]["texts"]["Caption"]
    Photo.objects.filter(pk=other.pk).update(Caption=text.upper())
    with pytest.raises(Refused, match=f"item {other.pk}.* has the same caption"):
        take(owner, one, made, "Caption")
    made.refresh_from_db()
    assert made.revision == 0


def test_wishes_join_the_generation_that_is_open(ledger_home: Path) -> None:
    from penstock.ledger.models import Run
    from tests.console.rows import site

    owner = site()
    first, second = known(owner), known(owner)
    wishes = [*wish(owner, first), *wish(owner, second), *wish(owner, first)]
    assert Run.objects.filter(kind="generate").count() == 1
    driven(ledger_home)
    found = told(owner, wishes)
    assert [one["state"] for one in found] == ["done"] * 3
    assert wish(owner, second)
    assert Run.objects.filter(kind="generate").count() == 2


def test_only_the_sites_own_rows_that_can_be_edited_are_generated(ledger_home: Path) -> None:
    from penstock.pipelines.photos.models import Regeneration
    from tests.console.rows import photo, site

    owner, foreign = site(), photo(site("delft"))
    with pytest.raises(NotFound):
        wish(owner, foreign)
    with pytest.raises(Refused, match="rejected"):
        wish(owner, known(owner), known(owner, state="rejected"))
    assert not Regeneration.objects.exists()


def test_a_photo_that_is_gone_fails_its_wish_alone(ledger_home: Path) -> None:
    from penstock.pipelines.photos.models import Photo
    from tests.console.rows import site

    owner = site()
    made, other = known(owner), known(owner)
    wishes = wish(owner, made, other)
    Photo.objects.filter(pk=made.pk).delete()
    driven(ledger_home)
    assert [one["state"] for one in told(owner, wishes)] == ["failed", "done"]


def test_a_model_server_that_is_away_stops_the_wish_with_its_reason_and_another_wish_goes_on(ledger_home: Path) -> None:
    from penstock.ledger.models import Run
    from tests.console.rows import site

    owner = site()
    owner.settings = {"caption_provider": "ollama", "caption_model": "x", "ollama_url": "http://127.0.0.1:9"}
    owner.save()
    made = known(owner)
    [one] = wish(owner, made)
    driven(ledger_home)
    [found] = told(owner, [one])
    assert found["state"] == "stopped"
    assert "127.0.0.1:9" in found["problem"]
    run = Run.objects.get(kind="generate")
    assert run.status == "paused"
    wish(owner, made)
    run.refresh_from_db()
    assert run.status == "running"
