from __future__ import annotations

from typing import Any

from penstock.engine.outcome import Done, Ref, Skip
from penstock.pipelines.content.clusters import gather


def items(words: list[str], known: list[tuple[int, str]] = ()) -> list[dict[str, Any]]:  # type: ignore[assignment]
    found = [{"id": n, "keyword": word, "volume": 10, "ordinal": n} for n, word in enumerate(words, 1)]
    found[0] |= {"known": [list(one) for one in known], "distance": 0.5}
    return found


WORDS = ["best tea pot", "tea pot", "cheap tea pot", "road bike", "road bike price", "best road bike"]


def test_keywords_that_are_alike_share_a_cluster_that_the_first_of_them_makes() -> None:
    found = gather(items(WORDS))
    assert all(isinstance(one, Done) for one in found)
    clusters = [one.fields["cluster"] for one in found if isinstance(one, Done)]
    assert clusters == [Ref("cluster", "0", 1)] * 3 + [Ref("cluster", "0", 4)] * 3
    made = [[row.fields["name"] for row in one.makes] for one in found if isinstance(one, Done)]
    assert made == [["Tea pot"], [], [], ["Road bike"], [], []]
    assert sum(one.counts["clusters_created"] for one in found if isinstance(one, Done)) == 2


def test_keywords_join_a_cluster_that_the_site_has() -> None:
    found = gather(items(WORDS, [(71, "Tea pots"), (72, "Garden")]))
    clusters = [one.fields["cluster"] for one in found if isinstance(one, Done)]
    assert clusters == [71] * 3 + [Ref("cluster", "0", 4)] * 3


def test_fewer_than_five_keywords_are_left_for_the_next_run_with_the_reason() -> None:
    found = gather(items(WORDS[:4]))
    assert found == [Skip("4 new keywords, at least 5 are needed")] * 4
