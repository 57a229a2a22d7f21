"""The content pipeline's demo: two hundred keywords about everyday things, up to articles that wait for a person."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

from penstock.cli.session import Home
from penstock.cli.show import Show, count

if TYPE_CHECKING:
    from penstock.accounts.models import Site

TOPICS = (
    "running shoes", "espresso machine", "standing desk", "camping tent", "indoor plants", "sourdough bread",
    "road bike", "noise cancelling headphones", "home insulation", "electric toothbrush", "hiking boots",
    "office chair", "vegetable garden", "baby stroller", "dog training", "watercolor painting", "solar panels",
    "travel backpack", "guitar lessons", "meal prep",
)  # fmt: skip
FORMS = (
    "{}", "best {}", "{} for beginners", "cheap {}", "{} reviews", "how to choose {}", "{} tips", "{} guide",
    "{} near me", "{} price",
)  # fmt: skip


def bring_in(home: Home, site: Site, show: Show) -> None:
    """Write the keywords to a CSV file and import it; samples may be published in a site that exists for them."""
    from penstock.pipelines.content import intake, settings

    settings.change(site, {"publish_samples": "yes"})
    file = _written(home.config.home / "demo-content" / "keywords.csv")
    found = intake.import_file(site, file, home.now(), home.who)
    show.note(f"Demo site {site.name}: {count(found.inserted, 'keyword')} from {file} (volumes are made up).")


def summary(site: Site, view: dict[str, Any], show: Show) -> None:
    """The articles, and what to type next."""
    rows = _rows(site)
    show.document({**view, "rows": rows})
    columns = ("id", "title", "words", "pictures", "status")
    show.table(columns, [[row[name] for name in columns] for row in rows], wrap=("title",))
    show.say()
    waiting = view["items"].get("waiting", 0)
    for line in _next(site, waiting) if waiting else [f"Why: penstock logs {view['run_id']}"]:
        show.say(line)


def _next(site: Site, waiting: int) -> list[str]:
    return [
        "Texts and pictures are samples of the offline provider: templates and drawings, no model. Each says so.",
        "Review is on the command line in this version (the browser's review page shows photos only):",
        f"  penstock review show {site.name} ID",
        f"  penstock review approve {site.name} --all --count {waiting} && penstock publish {site.name}",
        f"What is published opens in a browser: {site.root / 'site'}",
    ]


def _rows(site: Site) -> list[dict[str, Any]]:
    from penstock.pipelines.content.gatekeeping import pictures
    from penstock.pipelines.content.models import Article

    return [
        {
            "id": article.id,
            "title": article.title,
            "words": article.word_count,
            "pictures": len(pictures(article.id)),
            "status": article.status,
            "provider": article.provider,
        }
        for article in Article.objects.filter(site=site).order_by("ordinal", "id")
    ]


def _written(file: Path) -> Path:
    from penstock.adapters.files import write_bytes
    from penstock.adapters.folders import make_folder

    out = io.StringIO(newline="")
    table = csv.writer(out)
    table.writerow(("keyword", "volume", "difficulty", "intent"))
    for topic in TOPICS:
        for form in FORMS:
            keyword = form.format(topic)
            number = crc32(keyword.encode())
            table.writerow((keyword, 10 + number % 9000, number % 101, "informational"))
    make_folder(file.parent)
    write_bytes(file, out.getvalue().encode())
    return file
