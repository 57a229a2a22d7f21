from __future__ import annotations

import pytest

from penstock.pipelines.content.markup import anchor, headings, plain, sanitised, word_count


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<p onclick='x()'>", "<style>p{}</style>",
        "<iframe src='https://x.example'></iframe>", "<svg><script>1</script></svg>", "<a href='javascript:x()'>",
        "<a href='data:text/html,x'>", "<form action=x><input name=y></form>",
        "<math><mtext><script>1</script></mtext></math>",
        "<a href='vbscript:x'>", "<p style='background:url(x)'>", "<h2 id='x' onmouseover='y'>",
    ],
)  # fmt: skip
def test_nothing_that_runs_or_loads_is_left(hostile: str) -> None:
    clean = sanitised(f"{hostile}<p>kept</p>").casefold()
    assert "kept" in clean
    for trace in (
        "script",
        "alert",
        "onerror",
        "onclick",
        "onmouse",
        "style",
        "iframe",
        "svg",
        "data:",
        "<img",
        "<form",
    ):
        assert trace not in clean


def test_allowed_tags_and_web_links_stay() -> None:
    clean = sanitised('<p>One <strong>two</strong> <a href="https://a.example/x">three</a></p><ul><li>four</li></ul>')
    assert clean == (
        '<p>One <strong>two</strong> <a href="https://a.example/x" rel="noopener">three</a></p><ul><li>four</li></ul>'
    )


def test_cleaning_what_is_clean_changes_nothing() -> None:
    once = sanitised("<h2>Übung & Spiel</h2><h2>Übung &amp; Spiel</h2><p>a &lt; b</p>")
    assert sanitised(once) == once
    assert headings(once) == [("ubung-spiel", "Übung & Spiel"), ("ubung-spiel-2", "Übung & Spiel")]


def test_words_are_counted_in_the_text_not_in_the_tags() -> None:
    html = "<h2>Two words</h2><p>and <em>th</em>ree&nbsp;more</p>"
    assert plain(html) == "Two words and th ree more"
    assert word_count("<p>one</p><p>two</p>") == 2


def test_an_anchor_is_plain_short_and_free() -> None:
    assert anchor("Crème brûlée: how?") == "creme-brulee-how"
    assert anchor("日本") == "part"
    assert anchor("a", ["a", "a-2"]) == "a-3"
    assert len(anchor("word " * 60)) <= 80
