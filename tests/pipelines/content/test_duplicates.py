from __future__ import annotations

from penstock.pipelines.content.duplicates import Titles


def index(*titles: str) -> Titles:
    found = Titles()
    for number, title in enumerate(titles, 1):
        found.add(number, title)
    return found


def test_the_first_older_title_that_says_nearly_the_same_is_found() -> None:
    titles = index("A plain guide to road bikes", "Tea pots in everyday use", "Plain guide to the road bike")
    assert titles.like(3, "Plain guide to the road bike", 90) == 1
    assert titles.like(1, "A plain guide to road bikes", 90) is None
    assert titles.like(2, "Tea pots in everyday use", 90) is None


def test_one_other_word_makes_another_title_where_the_limit_says_so() -> None:
    titles = index("Road bike maintenance checklist", "Road bike buying checklist")
    assert titles.like(2, "Road bike buying checklist", 95) is None
    assert titles.like(2, "Road bike buying checklist", 60) == 1
