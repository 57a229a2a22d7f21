from __future__ import annotations

from penstock.pipelines.content import offline
from penstock.pipelines.content.markup import plain, sanitised


def test_the_same_keywords_give_the_same_texts() -> None:
    assert offline.ideas("Tea pot", ["tea pot", "best tea pot"], 3) == offline.ideas(
        "Tea pot", ["tea pot", "best tea pot"], 3
    )


def test_as_many_ideas_as_asked_for_and_no_title_twice_or_again() -> None:
    taken = [one["title"] for one in offline.ideas("Tea pot", ["tea pot"], 4)]
    more = [one["title"] for one in offline.ideas("Tea pot", ["tea pot"], 6, taken)]
    assert len({*taken, *more}) == 10


def test_every_article_says_in_its_first_line_that_it_is_a_sample() -> None:
    (idea,) = offline.ideas("Tea pot", ["tea pot", "best tea pot", "cheap tea pot"], 1)
    written = offline.article(idea["title"], idea["brief"], idea["outline"], idea["keywords"])
    assert plain(sanitised(written["html"])).startswith(offline.SAMPLE)
    assert len(written["meta_description"]) <= 155


def test_a_keyword_is_data_in_the_text_and_never_markup() -> None:
    written = offline.article("T", "b", ["<script>x()</script>"], ["<img src=x onerror=y>", "{title}"])
    html = sanitised(written["html"])
    assert "<script" not in html
    assert "<img" not in html
    assert "{title}" in plain(html)


def test_the_featured_picture_comes_first_and_the_others_stand_below_headings() -> None:
    found = offline.prompts("Tea", [("a", "First"), ("b", "Second"), ("c", "Third")], 2)
    assert [(one["place"], one["anchor"]) for one in found] == [(0, ""), (1, "a"), (2, "b")]
