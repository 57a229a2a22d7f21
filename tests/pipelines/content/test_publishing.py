from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from penstock.engine.errors import Refused
from penstock.ledger import control
from penstock.oracle import examine
from penstock.publish import outbox, targets, undo
from penstock.review import gate
from tests.conformance import plant
from tests.pipelines.content.room import AT, KEYWORDS


@pytest.fixture
def desk(room: Any) -> Any:
    """Two approved articles of a site with its folder."""
    room.site.settings["publish_samples"] = True
    room.site.save()
    room.keywords(KEYWORDS[:8])
    room.run()
    for row in room.rows("article"):
        gate.approve("article", row["id"], who="ann", at=AT)
    return room


def publish(room: Any) -> dict[str, Any]:
    run = outbox.start(room.site, room.clock, room.ids, "ann")
    plant.drive(room.ledger, run.id, {"cpu": 1, "io": 1})
    return outbox.result(control.find(run.id))


def files(room: Any) -> list[str]:
    place = Path(room.site.root) / "site"
    return sorted(str(file.relative_to(place)) for file in place.rglob("*") if file.is_file())


def test_an_approved_article_is_a_folder_with_page_text_and_pictures(desk: Any) -> None:
    assert publish(desk)["published"] == 2
    first, second = (row["slug"] for row in desk.rows("article"))
    parts = ("featured.jpg", "index.html", "index.md", "picture-1.jpg", "picture-2.jpg")
    assert files(desk) == sorted(f"{slug}/{part}" for slug in (first, second) for part in parts)
    assert [(row["status"], row["url"].endswith(f"{row['slug']}/index.html")) for row in desk.rows("article")] == [
        ("published", True)
    ] * 2
    again = publish(desk)
    assert {name: again[name] for name in ("published", "failed", "unchanged", "conflicts")} == {
        "published": 0, "failed": 0, "unchanged": 2, "conflicts": 0,
    }  # fmt: skip
    assert examine(deep=True, clock=desk.clock) == []


def test_nothing_is_published_that_changed_since_its_approval(desk: Any) -> None:
    first = desk.rows("article")[0]["id"]
    gate.edit("article", first, {"title": "Changed"}, who="bob", at=AT)
    assert publish(desk)["published"] == 1
    assert [row["status"] for row in desk.rows("article")] == ["review", "published"]


def test_a_file_of_somebody_else_is_not_replaced(desk: Any) -> None:
    page = Path(desk.site.root) / "site" / desk.rows("article")[0]["slug"] / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text("mine")
    assert publish(desk)["conflicts"] == 1
    assert page.read_text() == "mine"


def test_a_published_article_is_taken_back_whole(desk: Any) -> None:
    publish(desk)
    one = desk.rows("article")[0]
    undo.unpublish(desk.site, [one["id"]], "ann", desk.clock)
    assert not [name for name in files(desk) if name.startswith(f"{one['slug']}/")]
    back = desk.rows("article")[0]
    assert (back["status"], back["url"]) == ("review", "")


def test_a_table_as_target_is_refused_before_anything_is_sent(desk: Any) -> None:
    targets.add(desk.site, "table", "sqlite", str(Path(desk.site.root) / "t.db"), {})
    with pytest.raises(Refused, match="is a table"):
        publish(desk)
    assert files(desk) == []
