"""What the gate must know of articles: what is shown, what may be edited, what an approval binds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.accounts.models import Site
from penstock.adapters.files import sha256_of
from penstock.engine.errors import ItemError, UsageError
from penstock.pipelines.content.models import Article, Image
from penstock.pipelines.content.words_of_state import status
from penstock.review import editing
from penstock.review.gate import Gate

EDITABLE = ("title", "slug", "meta_description", "excerpt", "html", "keywords")
BOUND = (*EDITABLE, "provider", "model", "prompt_version")
PICTURE = ("place", "anchor", "alt", "path", "sha256", "provider")


def gate() -> Gate:
    """The gate of articles."""
    return Gate(
        table="article",
        stage="manual_review",
        title=lambda row: str(row["title"]),
        fields=EDITABLE,
        clean=clean,
        seen=seen,
        ready=ready,
        words=status,
        current_hash=changed_since,
    )


def seen(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The texts, who made them, the bytes of the pictures, and the language that the page is said to be in."""
    language = Site.objects.get(id=row["site_id"]).option("language", "en")
    return {"fields": {name: row[name] for name in BOUND}, "images": pictures(row["id"]), "language": language}


def pictures(article: int) -> list[dict[str, Any]]:
    """The pictures of an article that were made, in order."""
    return list(Image.objects.filter(article=article, state="done").order_by("place", "id").values(*PICTURE))


def ready(row: Mapping[str, Any]) -> str:
    """Why an article cannot be approved yet."""
    empty = [name for name in ("title", "slug", "meta_description", "html") if not str(row[name]).strip()]
    if empty:
        return f"{', '.join(empty)} is empty; edit it first"
    return "it is on hold; take the hold off first" if row["hold"] else sample(row)


def sample(row: Mapping[str, Any]) -> str:
    """Why what the offline provider made is not for the public; "" when it is no sample or the site allows them."""
    if row["provider"] != "offline" and all(one["provider"] != "offline" for one in pictures(row["id"])):
        return ""
    site = Site.objects.get(id=row["site_id"])
    if site.option("publish_samples"):
        return ""
    return (
        "it is a sample of the offline provider, or has pictures of it; allow samples: "
        f"penstock site set {site.name} publish_samples=yes"
    )


def changed_since(row: Mapping[str, Any]) -> str:
    """Why an article is no longer what was approved; "" when it is."""
    for picture in pictures(row["id"]):
        try:
            same = sha256_of(picture["path"]) == picture["sha256"]
        except ItemError as error:
            return str(error)
        if not same:
            return f"its picture {picture['path']} changed on disk since it was approved"
    return sample(row)


def clean(site: int, row: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Check a person's edit. Raises UsageError naming the field."""
    return editing.cleaned(_CLEANERS, site, row, fields)


def _slug(site: int, row: Any, value: Any) -> dict[str, Any]:
    from penstock.pipelines.content.markup import anchor

    slug = anchor(str(value))
    if Article.objects.filter(site=site, slug=slug).exclude(id=row["id"]).exists():
        raise UsageError(f"slug: another article of the site has the address {slug!r}")
    return {"slug": slug}


def _html(_site: int, _row: Any, value: Any) -> dict[str, Any]:
    from penstock.pipelines.content.markup import sanitised, word_count

    html = sanitised(str(value))
    if not word_count(html):
        raise UsageError("html: no text is left of it; reject the article instead")
    return {"html": html, "word_count": word_count(html)}


def _keywords(_site: int, _row: Any, value: Any) -> dict[str, Any]:
    parts = value.split(",") if isinstance(value, str) else [str(one) for one in value]
    words = list(dict.fromkeys(" ".join(part.split()) for part in parts if part.strip()))
    if any(len(word) > 200 or not word.isprintable() for word in words):
        raise UsageError("keywords: each is at most 200 printable characters")
    return {"keywords": words}


_CLEANERS: dict[str, editing.Cleaner] = {
    "title": editing.sentence("title", 200, "article"),
    "slug": _slug,
    "meta_description": editing.sentence("meta_description", 320, "article"),
    "excerpt": editing.sentence("excerpt", 1000, "article", empty=True),
    "html": _html,
    "keywords": _keywords,
    "hold": editing.hold,
}
