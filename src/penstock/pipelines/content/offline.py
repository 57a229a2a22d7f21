"""The embedded provider: texts from templates, the same for the same keywords. It needs no key, no network, no model.

What it writes are samples, and every article says so in its first line: they show the way through the pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zlib import crc32

from penstock.pipelines.content.markup import anchor, escaped, plain

PROVIDER = "offline"
VERSION = "offline-1"
MADE = {"provider": PROVIDER, "model": "templates", "prompt_version": VERSION}
SAMPLE = "Sample text: made by Penstock's offline templates, not by a person or a model."

TITLES = (
    "{Name}: what to know first",
    "A plain guide to {name}",
    "{Name}, step by step",
    "How to think about {name}",
    "{Name}: questions people ask",
    "Getting started with {name}",
    "{Name} in everyday use",
    "The short course on {name}",
    "{Name}: common mistakes",
    "A checklist for {name}",
)
HEADINGS = (
    "What people look for", "Before you decide", "How it works in practice", "What it costs in time",
    "Where it goes wrong", "How to compare", "Next steps",
)  # fmt: skip
PARAGRAPHS = (
    "People who search for {keyword} mostly want one clear answer. Start with the question behind it, then look at "
    "what is left open. This paragraph marks the place where that answer belongs.",
    "Two things decide whether {keyword} fits: what it is needed for, and how often. Write both down before you "
    "compare anything, and the list of choices becomes short by itself.",
    "A good text on {keyword} names its sources, says what it does not know, and tells the reader what to do next. "
    "Replace this sample with sentences that do.",
    "Much that is written about {keyword} repeats what others wrote. What helps a reader is an example that can be "
    "checked, a number with its date, and a picture that shows the matter itself.",
    "When {keyword} is new to a reader, order matters: first what it is, then what it is for, and only then how to "
    "choose. Each of these steps deserves a paragraph of its own.",
)


def cluster_name(keyword: str) -> str:
    """The keyword as a name."""
    return keyword[:1].upper() + keyword[1:]


def ideas(name: str, keywords: Sequence[str], n: int, taken: Sequence[str] = ()) -> list[dict[str, Any]]:
    """`n` ideas for a cluster, none with a title in `taken`."""
    start, found = crc32(name.encode()), list[dict[str, Any]]()
    for turn in range(len(TITLES)):
        title = TITLES[(start + turn) % len(TITLES)].format(name=name[:1].lower() + name[1:], Name=name)[:200]
        if title not in taken and len(found) < n:
            found.append(_idea(title, name, keywords, len(found)))
    return found


def _idea(title: str, name: str, keywords: Sequence[str], turn: int) -> dict[str, Any]:
    heads = [HEADINGS[(crc32(name.encode()) + turn + k) % len(HEADINGS)] for k in range(3)]
    outline = [heads[0], *(cluster_name(word) for word in keywords[1:3]), *heads[1:]]
    brief = f"A sample article for readers who search for {', '.join(keywords[:5])}."
    return {"title": title, "brief": brief, "outline": list(dict.fromkeys(outline)), "keywords": list(keywords[:12])}


def article(title: str, brief: str, outline: Sequence[str], keywords: Sequence[str]) -> dict[str, Any]:
    """Title, meta description, excerpt and body of an article. `html` is not sanitised yet."""
    words = list(keywords) or [title]
    sections = [_section(heading, words, n) for n, heading in enumerate(outline)]
    lead = f"<p>{escaped(_paragraph(words[0], title, 0))}</p>"
    searched = "".join(f"<li>{escaped(word)}</li>" for word in words)
    ending = f'<h2 id="{anchor("Searches", outline)}">What this text answers</h2><ul>{searched}</ul>'
    html = f"<p><strong>{escaped(SAMPLE)}</strong></p>{lead}{''.join(sections)}{ending}"
    excerpt = plain(lead)
    meta = f"{title}. {brief}"[:155]
    return {"title": title, "meta_description": meta, "excerpt": excerpt[:300], "html": html}


def _section(heading: str, words: Sequence[str], n: int) -> str:
    texts = [_paragraph(words[(n + k) % len(words)], heading, k) for k in range(2)]
    return f"<h2>{escaped(heading)}</h2>{''.join(f'<p>{escaped(text)}</p>' for text in texts)}"


def _paragraph(keyword: str, place: str, turn: int) -> str:
    return PARAGRAPHS[(crc32(place.encode()) + turn) % len(PARAGRAPHS)].format(keyword=keyword)


def prompts(title: str, headings: Sequence[tuple[str, str]], n: int) -> list[dict[str, Any]]:
    """What the pictures show: first the featured one, then one for each of the first `n` headings (id, text)."""
    featured = {"anchor": "", "prompt": f"A picture for the article “{title}”", "alt": title}
    inner = [
        {"anchor": place, "prompt": f"A picture for “{text}” in “{title}”", "alt": f"{text}: {title}"}
        for place, text in headings[:n]
    ]
    return [{**one, "place": number} for number, one in enumerate([featured, *inner])]
