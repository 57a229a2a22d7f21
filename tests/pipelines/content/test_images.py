from __future__ import annotations

from typing import Any

from penstock.ledger import control
from penstock.pipelines.content import images, stages
from tests.pipelines.content.room import KEYWORDS, context


def test_an_image_that_cannot_be_made_is_flagged_and_its_article_is_reviewed_all_the_same(
    room: Any, monkeypatch: Any
) -> None:
    room.keywords(KEYWORDS[:8])
    monkeypatch.setattr(stages, "DRAWING", "tests.pipelines.content.painter:run")
    run = room.run(image_tries=1)
    assert dict(room.words("image")) == {"generated": 4, "failed": 2}
    articles = room.rows("article")
    assert [(row["status"], images.MISSING in row["flags"]) for row in articles] == [("review", True)] * 2
    monkeypatch.undo()
    again = control.retry(run, room.clock, room.ids)
    room.drive(again)
    assert dict(room.words("image")) == {"generated": 6}


def test_what_is_drawn_lies_in_a_folder_of_its_article(room: Any) -> None:
    room.keywords(KEYWORDS[:8])
    run = room.run()
    ids = [row["id"] for row in room.rows("image")]
    items = images.load(context(run), ids)
    assert [item["path"] for item in items] == [row["path"] for row in room.rows("image")]
    assert items[0]["size"] == [96, 64]
