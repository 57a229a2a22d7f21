from __future__ import annotations

from typing import Any

from penstock.engine.outcome import Done, Quarantine
from penstock.pipelines.content import ideas
from tests.pipelines.content.room import KEYWORDS, context


def test_a_cluster_is_told_its_most_searched_keywords(room: Any) -> None:
    from penstock.pipelines.content.models import Keyword

    room.keywords(KEYWORDS[:8])
    run = room.run()
    first = room.rows("cluster")[0]["id"]
    Keyword.objects.filter(keyword=KEYWORDS[2]).update(volume=900)
    (item,) = ideas.load_clusters(context(run), [first])
    assert item["keywords"][0] == KEYWORDS[2]
    assert sorted(item["keywords"]) == sorted(KEYWORDS[:4])


def test_an_idea_becomes_one_task_with_its_words() -> None:
    idea = {
        "id": 5,
        "title": "T",
        "brief": "b",
        "outline": ["o"],
        "keywords": ["k"],
        "ordinal": 7,
        "twin": None,
    }
    found = ideas.assign(idea)
    assert isinstance(found, Done)
    assert found.makes[0].fields == {
        "title": "T",
        "brief": "b",
        "outline": ["o"],
        "keywords": ["k"],
        "ordinal": 7,
        "idea": 5,
    }


def test_a_twin_is_set_aside() -> None:
    idea = {
        "id": 5,
        "title": "T",
        "brief": "",
        "outline": [],
        "keywords": [],
        "ordinal": 7,
        "twin": 2,
    }
    assert isinstance(ideas.assign(idea), Quarantine)


def test_the_titles_of_a_site_are_read_once_and_only_older_ones_count(room: Any) -> None:
    from penstock.pipelines.content.models import Idea

    run = room.run()
    rows = [
        Idea.objects.create(site=room.site, cluster=1, title="Road bike tyres", stage="ideas_to_tasks")
        for _ in range(3)
    ]
    assigning = ideas.Assigning(90)
    found = assigning.load(context(run), [row.id for row in rows])
    assert [item["twin"] for item in found] == [None, rows[0].id, rows[0].id]
