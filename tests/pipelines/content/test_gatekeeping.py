from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from penstock.engine.errors import Refused, UsageError
from penstock.pipelines.content import gatekeeping
from penstock.review import gate
from tests.pipelines.content.room import AT, KEYWORDS


@pytest.fixture
def article(room: Any) -> Any:
    """The first of two articles that wait, in a site that may publish samples."""
    room.site.settings["publish_samples"] = True
    room.site.save()
    room.keywords(KEYWORDS[:8])
    room.run()
    return room.rows("article")[0]["id"]


def test_an_article_is_approved_with_its_pictures_as_they_are(room: Any, article: int) -> None:
    gate.approve("article", article, who="ann", at=AT)
    key = gate.approved("article", article)
    picture = gatekeeping.pictures(article)[1]["path"]
    before = Path(picture).read_bytes()
    Path(picture).write_bytes(b"another")
    with pytest.raises(Refused, match="changed on disk"):
        gate.approved("article", article)
    Path(picture).write_bytes(before)
    assert gate.approved("article", article).fingerprint == key.fingerprint


def test_samples_are_refused_unless_the_site_allows_them_also_after_the_approval(room: Any, article: int) -> None:
    gate.approve("article", article, who="ann", at=AT)
    room.site.settings["publish_samples"] = False
    room.site.save()
    with pytest.raises(Refused, match="publish_samples=yes"):
        gate.approved("article", article)
    with pytest.raises(Refused, match="sample"):
        gate.approve("article", room.rows("article")[1]["id"], who="ann", at=AT)


def test_an_edit_is_sanitised_counted_and_voids_the_approval(room: Any, article: int) -> None:
    gate.approve("article", article, who="ann", at=AT)
    row = gate.edit("article", article, {"html": "<h2>One</h2><script>x</script><p>two</p>"}, who="ann", at=AT)
    assert (row["html"], row["word_count"], row["state"]) == ('<h2 id="one">One</h2><p>two</p>', 2, "waiting")
    with pytest.raises(Refused):
        gate.approved("article", article)


def test_an_address_of_another_article_is_refused(room: Any, article: int) -> None:
    other = room.rows("article")[1]["slug"]
    with pytest.raises(UsageError, match="slug"):
        gate.edit("article", article, {"slug": other}, who="ann", at=AT)
    assert gate.edit("article", article, {"slug": "A New One"}, who="ann", at=AT)["slug"] == "a-new-one"


@pytest.mark.parametrize(
    "fields", [{"title": " "}, {"title": "x" * 201}, {"html": "<script>x</script>"}, {"state": "done"}]
)
def test_what_cannot_stand_there_is_refused_by_its_field(article: int, fields: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=next(iter(fields))):
        gate.edit("article", article, fields, who="ann", at=AT)


def test_an_article_on_hold_is_not_approved(article: int) -> None:
    gate.edit("article", article, {"hold": True}, who="ann", at=AT)
    with pytest.raises(Refused, match="on hold"):
        gate.approve("article", article, who="ann", at=AT)
