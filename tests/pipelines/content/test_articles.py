from __future__ import annotations

from typing import Any

from penstock.engine.outcome import Done
from penstock.pipelines.content import articles
from tests.pipelines.content.room import KEYWORDS, context


def test_an_address_that_the_site_has_is_not_given_again(room: Any) -> None:
    room.keywords(KEYWORDS[:8])
    run = room.run()
    tasks = [row["id"] for row in room.rows("task")]
    taken = [row["slug"] for row in room.rows("article")]
    assert [item["slug"] for item in articles.load_tasks(context(run), tasks)] == [f"{slug}-2" for slug in taken]


def test_tasks_with_one_title_in_one_batch_get_addresses_of_their_own(room: Any) -> None:
    room.keywords(KEYWORDS[:8])
    run = room.run()
    room_tasks = room.rows("task")
    from penstock.pipelines.content.models import Article, Task

    Article.objects.all().delete()
    Task.objects.update(title="The same")
    items = articles.load_tasks(context(run), [row["id"] for row in room_tasks])
    assert [item["slug"] for item in items] == ["the-same", "the-same-2"]


def test_what_a_provider_wrote_is_sanitised_before_it_is_kept() -> None:
    task = {"id": 3, "slug": "t", "keywords": ["k"], "ordinal": 3}
    written = {"title": "T", "meta_description": "m", "excerpt": "e", "html": "<p>a b</p><script>x()</script>"}
    found = articles.accepted(task, written, {"provider": "p", "model": "m", "prompt_version": "1"})
    assert isinstance(found, Done)
    (row,) = found.makes
    assert (row.fields["html"], row.fields["word_count"]) == ("<p>a b</p>", 2)
    assert found.counts == {"tasks_processed": 1, "content_created": 1, "total_words": 2}
